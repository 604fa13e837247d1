"""What a benchmark measures on, and what it yields: values with the bounds that they must keep."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

NO_BF16 = "this CPU has no bf16 hardware"


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


@dataclass(frozen=True)
class Skipped:
    """Something that this run does not check. It is printed and is no failure."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: skipped, {self.why}"


Measured = Iterator[Claim | Skipped]


@dataclass(frozen=True)
class Setup:
    """What a benchmark measures on.

    Attributes:
        data: ../shared/data.
        model: the directory of the encoder.
        scratch: an empty directory.
        quick: whether to take small sizes.
    """

    data: Path
    model: Path
    scratch: Path
    quick: bool

    def at_full_size(self, claim: Claim) -> Claim | Skipped:
        """Return a claim whose bound means nothing at small sizes: a quick run only prints the value."""
        if not self.quick:
            return claim
        value = f"{claim.what}: {claim.measured:.4g} {claim.detail}".rstrip()
        return Skipped(value, f"the bound {claim.bound:g} is for the full size")


def paired_ratio(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """Time two functions alternately; return the median of theirs / ours, and the median seconds of each."""
    pairs = [(seconds_of(ours), seconds_of(theirs)) for _ in range(rounds)]
    return median(b / a for a, b in pairs), median(a for a, _ in pairs), median(b for _, b in pairs)


def seconds_of(call: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
