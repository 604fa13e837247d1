"""A measured value and the bound that it must keep."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Claim:
    what: str
    measured: float
    bound: float
    at_least: bool = True
    detail: str = ""

    @property
    def holds(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def __str__(self) -> str:
        sign = "at least" if self.at_least else "at most"
        verdict = "holds" if self.holds else "FAILS"
        return f"{self.what}: {self.measured:.4g} ({sign} {self.bound:g}: {verdict}) {self.detail}".rstrip()


def paired_ratio(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """Time two functions alternately; return the median of theirs / ours, and the median seconds of each."""
    pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(rounds)]
    return median(b / a for a, b in pairs), median(a for a, _ in pairs), median(b for _, b in pairs)


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
