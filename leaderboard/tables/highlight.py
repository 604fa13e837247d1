"""Which figures of a column stand out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Mark = Literal["best", "second", ""]


def highlight_best(values: Sequence[float | None], lower_is_better: bool) -> list[Mark]:
    """Return a mark a value: the best, the second-best, or neither; equal values alike."""
    levels = sorted({v for v in values if v is not None}, reverse=not lower_is_better)[:2]
    found: dict[float | None, Mark] = dict(zip(levels, ("best", "second"), strict=False))
    return [found.get(value, "") for value in values]
