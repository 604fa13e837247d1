"""A score with its 95 % interval, its sample size and its signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..results.tables import percent, percent_interval


@dataclass(frozen=True, slots=True)
class Score:
    """A score with its interval, sample size and signature.

    Attributes:
        name: "accuracy", "xsim", "f1", "cosine_spearman", …
        value: a fraction in [0, 1], a correlation in [-1, 1], or any number for a threshold or skewness; None if it
            cannot be computed.
        low: lower end of the 95 % interval, in the unit of `value`; None without an interval.
        high: upper end.
        n: number of sentences or pairs judged.
        lower_is_better: true for error rates (xSIM).
        signature: one line with every setting that can change the value.
        details: related values by name, such as threshold, precision and recall for F1.

    >>> print(Score("accuracy", 0.953, 0.942, 0.962, 1000))
    95.30 (94.20 to 96.20)
    >>> float(Score("xsim", 0.015, lower_is_better=True))
    0.015
    >>> print(Score("threshold", 1.0625))
    1.0625

    Format and round work on `value`. Scores have no order, since some are better when lower: compare their values.

    >>> score = Score("accuracy", 0.953, 0.942, 0.962, 1000)
    >>> f"{score:.3f}", f"{score:.1%}", round(score, 2), f"{score}"
    ('0.953', '95.3%', 0.95, '95.30 (94.20 to 96.20)')
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    lower_is_better: bool = False
    signature: str = ""
    details: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __float__(self) -> float:
        """Return the value; NaN if it cannot be computed."""
        return float("nan") if self.value is None else self.value

    def __round__(self, digits: int = 0) -> float:
        """Return the value, rounded; NaN if it cannot be computed."""
        return round(float(self), digits)

    def __format__(self, spec: str) -> str:
        """Return the value in a format of floats; without a format, the same as `str`."""
        return format(float(self), spec) if spec else str(self)

    def __str__(self) -> str:
        """Return the value and interval as tables print them: in percent (correlations times 100).

        Thresholds and skewness, which are not shares, are printed unchanged.
        """
        if self.value is not None and ("threshold" in self.name or "skewness" in self.name):
            return f"{self.value:.4f}"
        if self.low is None or self.high is None:
            return percent(self.value)
        return f"{percent(self.value)} ({percent_interval((self.low, self.high))})"
