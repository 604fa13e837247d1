"""Training under torchrun with two ranks of 16 pairs, against one process with 32; the gradient is the same."""

from __future__ import annotations

import sys

from bitext_bench.scoring.bf16 import has_bf16_hardware

from .claims import Claim, Measured, Setup, Skipped
from .processes import run_process

# The first run only fills the store with the teacher's vectors, for both ways. Without bf16 hardware a step takes five
# times as long.
_STEPS = (20, 5, 20) if has_bf16_hardware() else (8, 2, 8)
_PAIRS = 32
_ALONE = ("-m", "bitext_bench")
_RANKS = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "bitext_bench")


def measure(setup: Setup) -> Measured:
    """Measure pairs per second from the difference of two training lengths, which excludes the start-up."""
    what = "pairs/s of two ranks of 16 / one process with 32"
    if setup.quick:
        yield Skipped(what, "five trainings are not quick")
        return
    alone, ranks = (_pairs_a_second(setup, way) for way in (_ALONE, _RANKS))
    yield Claim(what, ranks / alone, 0.8, detail=f"({ranks:.1f} and {alone:.1f} pairs/s)")


def _pairs_a_second(setup: Setup, way: tuple[str, ...]) -> float:
    batch = _PAIRS if way == _ALONE else _PAIRS // 2
    environment = {"BITEXT_BENCH_CACHE": str(setup.scratch / "store")}
    if way == _RANKS:
        environment["OMP_NUM_THREADS"] = "1"
    seconds = []
    for turn, steps in enumerate(_STEPS if way == _ALONE else _STEPS[1:]):
        command = [
            *(sys.executable, *way, "train", "--recipe", "cpu-minutes", "--model", str(setup.model)),
            *("--prompt", "query: ", "--pair", "en-ja", "--data", str(setup.data / "train"), "--benchmarks", "mini"),
            *("--corpora", "tatoeba-test-v2021", "--set", f"max_steps={steps}", "--set", f"batch_size={batch}"),
            *("--set", "dev_size=100", "--set", "eval_steps=1000"),
            *("--output", str(setup.scratch / f"{len(way)}-{turn}")),
        ]
        seconds.append(run_process(command, **environment)[0])
    return _PAIRS * (_STEPS[2] - _STEPS[1]) / (seconds[-1] - seconds[-2])
