"""The size of batches at which a model is fastest on a machine: measured once, in a few seconds, and remembered."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .store import write_atomic

# Of fewer tokens the measurement, which takes as long as 54,000, would be more than 3 %: all that it can hope to win.
WORTH_MEASURING = 1_800_000
_FACTORS = (0.5, 1.0, 2.0, 4.0)  # of the size that an encoder proposes
_PROBE = 6_000  # tokens encoded at each size, twice
# A size has to be this much faster than the proposed one: shared machines are noisy, and sizes near the best are alike.
_GAIN = 1.04
_FILE = "batches.json"


def fastest_batch_tokens(proposed: int, folder: Path, seconds_of: Callable[[int, int], float]) -> int:
    """Return the batch size, in tokens, for a model's vector space on this machine.

    Args:
        proposed: the encoder's own.
        folder: of the vector space in the store, where the choice is kept.
        seconds_of: encodes about so many tokens (second) in batches of so many (first), and says how long it took.
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
    """Return on how many cores this process computes: those it is bound to, or as many as OMP_NUM_THREADS allows."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return min(bound, int(allowed)) if allowed.isdecimal() and int(allowed) else bound


def _fastest(sizes: Sequence[int], proposed: int, seconds_of: Callable[[int, int], float]) -> int:
    took = dict.fromkeys(sizes, float("inf"))
    for _ in range(2):  # in turn, so that a slow moment does not fall on one size
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
