"""A score with what makes it believable: its 95 % interval, how much was judged, and its signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Score:
    """One number and what belongs to it.

    Attributes:
        name: "accuracy", "xsim", "f1", "cosine_spearman", …
        value: a fraction in [0, 1]; a correlation in [-1, 1]; None where it cannot be computed.
        low: lower end of the 95 % interval, in the unit of `value`; None where there is no interval.
        high: upper end.
        n: sentences or pairs that were judged.
        lower_is_better: true for error rates (xSIM).
        signature: one line that names all that can change the number.
        details: numbers that belong to the score, by name: threshold, precision and recall of an F1.

    >>> print(Score("accuracy", 0.953, 0.942, 0.962, 1000))
    95.30 (94.20 to 96.20)
    >>> float(Score("xsim", 0.015, lower_is_better=True))
    0.015
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    lower_is_better: bool = False
    signature: str = ""
    details: Mapping[str, float] = field(default_factory=dict)

    def __float__(self) -> float:
        """Return the value; NaN where it cannot be computed."""
        return float("nan") if self.value is None else self.value

    def __str__(self) -> str:
        """Return value and interval as tables print them: in percent, of correlations times 100."""
        interval = "" if self.low is None or self.high is None else f" ({100 * self.low:.2f} to {100 * self.high:.2f})"
        return ("–" if self.value is None else f"{100 * self.value:.2f}") + interval
