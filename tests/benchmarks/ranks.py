"""Training under torchrun with two ranks of 16 pairs, against one process with 32; the gradient is the same."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from .claims import Claim

_STEPS = (25, 5, 25)  # the first run only fills the store with the teacher's vectors
_PAIRS = 32
_ALONE = ("-m", "bitext_bench")
_RANKS = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "bitext_bench")


def measure(data: Path, model_folder: Path, scratch: Path) -> list[Claim]:
    """Measure pairs per second from the difference of two training lengths, which excludes the start-up."""
    alone, ranks = (_pairs_a_second(data, model_folder, scratch, way) for way in (_ALONE, _RANKS))
    detail = f"({ranks:.1f} and {alone:.1f} pairs/s)"
    return [Claim("pairs/s of two ranks of 16 / one process with 32", ranks / alone, 0.8, detail=detail)]


def _pairs_a_second(data: Path, model_folder: Path, scratch: Path, way: tuple[str, ...]) -> float:
    batch = _PAIRS if way == _ALONE else _PAIRS // 2
    threads = {} if way == _ALONE else {"OMP_NUM_THREADS": "1"}
    seconds = []
    for turn, steps in enumerate(_STEPS):
        command = [
            *(sys.executable, *way, "train", "--recipe", "cpu-minutes", "--model", str(model_folder)),
            *("--prompt", "query: ", "--pair", "en-ja", "--data", str(data / "train"), "--benchmarks", "mini"),
            *("--corpora", "tatoeba-test-v2021", "--set", f"max_steps={steps}", "--set", f"batch_size={batch}"),
            *("--set", "dev_size=100", "--set", "eval_steps=1000", "--output", str(scratch / f"{len(way)}-{turn}")),
        ]
        seconds.append(_seconds(command, {**os.environ, **threads, "BITEXT_BENCH_CACHE": str(scratch / "store")}))
    return _PAIRS * (_STEPS[2] - _STEPS[1]) / (seconds[2] - seconds[1])


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - start
