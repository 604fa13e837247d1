"""Mark the best and second-best values of a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Mark = Literal["best", "second", ""]


def highlight_best(values: Sequence[float | None], lower_is_better: bool) -> list[Mark]:
    """Return a mark for each value: "best", "second" or ""; equal values get equal marks."""
    rounded = [None if v is None else round(v, 10) for v in values]  # sums of equal scores may differ in the last bit
    levels = sorted({v for v in rounded if v is not None}, reverse=not lower_is_better)[:2]
    found: dict[float | None, Mark] = dict(zip(levels, ("best", "second"), strict=False))
    return [found.get(value, "") for value in rounded]
