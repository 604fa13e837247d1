"""Filter the pairs of a run, and describe those that are dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .filters.repeats import Deduplicator
from .filters.screening import Screener, Screening
from .row_texts import RowTexts
from .sides import SIDES


@dataclass(frozen=True, slots=True)
class ScreenedPairs:
    """N pairs of a run, with the decisions of the filters."""

    texts: RowTexts
    screener: Screener
    screening: Screening

    @classmethod
    def screen(cls, texts: RowTexts, screener: Screener) -> ScreenedPairs:
        """Apply the filters that look at one pair at a time."""
        return cls(texts, screener, screener.screen(texts))

    @property
    def kept(self) -> NDArray[np.bool_]:
        """(N,) whether each pair is kept."""
        return self.screening.kept

    def drop_repeats(self, candidates: NDArray[np.bool_]) -> None:
        """Apply the filters that compare pairs with earlier ones, to pairs that may be in the output (N,)."""
        Deduplicator(self.texts, self.screener.chunk, self.texts.plan.root).apply(self.screening, candidates)

    def reasons(self, positions: NDArray[np.int64]) -> dict[str, list[Any]]:
        """Return the filter and the reason for each of some dropped pairs, as columns."""
        earlier = self.screening.earlier[positions]
        places = [""] * len(positions)
        for side, chosen in zip(SIDES, (earlier > 0, earlier < 0), strict=True):
            found = self.texts.places(side, np.abs(earlier[chosen]) - 1)
            for at, place in zip(np.flatnonzero(chosen).tolist(), found, strict=True):
                places[at] = place
        sides = (self.texts.read(side, positions) for side in SIDES)
        decisions = [
            self.screening.reason(position, source, target, place)
            for position, source, target, place in zip(positions.tolist(), *sides, places, strict=True)
        ]
        return {"filter": [name for name, _ in decisions], "reason": [reason for _, reason in decisions]}

    def about(self) -> dict[str, Any]:
        """Return the number of pairs, kept and dropped, for the report."""
        n = len(self.screening.dropped)
        return {"pairs": n, "kept": int(self.screening.kept.sum()), "dropped": self.screening.counts()}
