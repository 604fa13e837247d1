"""Training under torchrun with two ranks of 16 pairs, against one process with 32; the gradient is the same."""

from __future__ import annotations

import sys

from .claims import Claim, Measured, Setup
from .processes import run_process

_PAIRS = 32
_ALONE = ("-m", "bitext_bench")
_RANKS = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "bitext_bench")


def measure(setup: Setup) -> Measured:
    """Measure pairs per second from the difference of two training lengths, which excludes the start-up."""
    few, many = (1, 3) if setup.quick else (5, 25)
    alone, ranks = (_pairs_a_second(setup, way, few, many) for way in (_ALONE, _RANKS))
    detail = f"({ranks:.1f} and {alone:.1f} pairs/s)"
    claim = Claim("pairs/s of two ranks of 16 / one process with 32", ranks / alone, 0.8, detail=detail)
    yield setup.at_full_size(claim)


def _pairs_a_second(setup: Setup, way: tuple[str, ...], few: int, many: int) -> float:
    batch = _PAIRS if way == _ALONE else _PAIRS // 2
    environment = {"BITEXT_BENCH_CACHE": str(setup.scratch / "store")}
    if way == _RANKS:
        environment["OMP_NUM_THREADS"] = "1"
    seconds = []
    # The first run only fills the store with the teacher's vectors.
    for turn, steps in enumerate((many, few, many)):
        command = [
            *(sys.executable, *way, "train", "--recipe", "cpu-minutes", "--model", str(setup.model)),
            *("--prompt", "query: ", "--pair", "en-ja", "--data", str(setup.data / "train"), "--benchmarks", "mini"),
            *("--corpora", "tatoeba-test-v2021", "--set", f"max_steps={steps}", "--set", f"batch_size={batch}"),
            *("--set", "dev_size=100", "--set", "eval_steps=1000"),
            *("--output", str(setup.scratch / f"{len(way)}-{turn}")),
        ]
        seconds.append(run_process(command, **environment)[0])
    return _PAIRS * (many - few) / (seconds[2] - seconds[1])
