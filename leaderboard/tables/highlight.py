"""Mark the best and second-best values of a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Mark = Literal["best", "second", ""]


def highlight_best(values: Sequence[float | None], lower_is_better: bool) -> list[Mark]:
    """Return a mark for each value: "best", "second" or ""; equal values get equal marks."""
    levels = sorted({v for v in values if v is not None}, reverse=not lower_is_better)[:2]
    found: dict[float | None, Mark] = dict(zip(levels, ("best", "second"), strict=False))
    return [found.get(value, "") for value in values]
