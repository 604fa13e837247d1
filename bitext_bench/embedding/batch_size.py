"""The fastest batch size for a model on this machine, measured once in a few seconds and saved."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .store import write_atomic

# The measurement takes as long as encoding 54,000 tokens and can save about 3 %: with fewer tokens it does not pay off.
WORTH_MEASURING = 1_800_000
_FACTORS = (0.5, 1.0, 2.0, 4.0)  # times the encoder's default size
_PROBE = 6_000  # tokens encoded at each size, twice
# A size must be this much faster than the default: timings are noisy, and sizes near the best differ little.
_GAIN = 1.04
_FILE = "batches.json"


def fastest_batch_tokens(proposed: int, folder: Path, seconds_of: Callable[[int, int], float]) -> int:
    """Return the batch size, in tokens, for a model's vector space on this machine.

    Args:
        proposed: The encoder's default batch size, in tokens.
        folder: The folder of the vector space in the store, where the result is saved.
        seconds_of: Takes a batch size and a total, both in tokens, encodes that much, and returns the seconds.
    """
    machine = f"{usable_cores()} cores"
    known = _read_saved(folder)
    if machine in known:
        return known[machine]
    sizes = [round(factor * proposed) for factor in _FACTORS]
    seconds_of(proposed, _PROBE)  # warm-up
    best = _fastest(sizes, proposed, seconds_of)
    write_atomic(folder / _FILE, json.dumps({**known, machine: best}).encode())
    return best


def usable_cores() -> int:
    """Return the number of cores for this process, limited by its CPU affinity and OMP_NUM_THREADS."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return min(bound, int(allowed)) if allowed.isdecimal() and int(allowed) else bound


def _fastest(sizes: Sequence[int], proposed: int, seconds_of: Callable[[int, int], float]) -> int:
    took = dict.fromkeys(sizes, float("inf"))
    for _ in range(2):  # interleaved, so that a slow moment does not affect only one size
        for size in sizes:
            took[size] = min(took[size], seconds_of(size, _PROBE))
    best = min(sizes, key=took.__getitem__)
    return best if took[best] * _GAIN < took[proposed] else proposed


def _read_saved(folder: Path) -> dict[str, int]:
    try:
        known = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {machine: size for machine, size in known.items() if isinstance(size, int) and size > 0}


def measure_seconds(call: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
