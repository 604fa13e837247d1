"""The texts of pairs of rows, for filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .origins import describe_places
from .plan import Plan
from .sides import SideName, read_texts


@dataclass(frozen=True, slots=True)
class RowTexts:
    """The texts of N pairs of rows.

    Attributes:
        rows: (N,) rows of each side; -1 for a blank line.
        by_line: pair i is line i + 1 of both files; otherwise the pairs are mined.
    """

    plan: Plan
    rows: dict[SideName, NDArray[np.int64]]
    by_line: bool

    def __len__(self) -> int:
        return len(self.rows["source"])

    def read(self, side: SideName, positions: NDArray[np.int64]) -> Sequence[str]:
        """Return the texts of some pairs on one side; blank ones are empty."""
        rows = self.rows[side][positions]
        full = rows >= 0
        texts = iter(read_texts(self.plan.files(side), rows[full], self.plan.shard_lines))
        return [next(texts) if here else "" for here in full.tolist()]

    def places(self, side: SideName, positions: NDArray[np.int64]) -> list[str]:
        """Return where some pairs are in the file of one side: "line 4", or "line 4, sentence 2"."""
        if self.by_line:
            return [f"line {line:,}" for line in (positions + 1).tolist()]
        return describe_places(self.plan, side, self.rows[side][positions])
