"""The output rows for mined pairs, with their texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..scoring.margin import Margin
from ..scoring.mined_pairs import RowPairs, Selection
from .filters.screening import Screener
from .formats import OutputTable
from .insertion import simulate_insertion
from .known import KnownPairs
from .links import CorpusPair
from .neighborhoods import compute_neighborhoods
from .origins import origin_columns
from .pairs import cosines_of, propose
from .plan import Plan
from .pool import PairPool
from .precision import Calibration
from .row_texts import RowTexts
from .screened import ScreenedPairs
from .sides import SIDES, SideName, read_texts
from .threshold import ThresholdChoice, ThresholdPolicy, choose_on_complete_gold, choose_threshold


class MinedTables(Protocol):
    """The output in chunks, and the settings for the report."""

    @property
    def about(self) -> dict[str, Any]:
        """Settings and threshold."""

    @property
    def screened(self) -> ScreenedPairs | None:
        """The decisions of the filters; None without filters."""

    def pool(self) -> PairPool:
        """Return the pairs above and below the threshold, for the page."""

    def chunks(self, n: int) -> Iterator[OutputTable]:
        """Yield the rows in chunks of about n."""

    def dropped(self, n: int) -> Iterator[OutputTable]:
        """Yield the rows that filters drop, with the filter and the reason, in chunks of about n."""


@dataclass(frozen=True, slots=True)
class _MinedTables:
    """Mined pairs, best first.

    Attributes:
        n_above: number of pairs that reach the threshold.
    """

    plan: Plan
    pairs: RowPairs
    n_above: int
    about: dict[str, Any]
    screened: ScreenedPairs | None = None

    def pool(self) -> PairPool:
        n = len(self.pairs.source)
        kept, dropped = np.arange(n) < self.n_above, np.zeros(n, dtype=np.uint8)
        if self.screened is None:
            return PairPool(self.pairs.scores, kept, dropped, self._columns)
        kept[: self.n_above], dropped[: self.n_above] = self.screened.kept, self.screened.screening.dropped
        return PairPool(self.pairs.scores, kept, dropped, self._columns, self.screened.reasons)

    def chunks(self, n: int) -> Iterator[OutputTable]:
        kept = np.ones(self.n_above, dtype=np.bool_) if self.screened is None else self.screened.kept
        for at in _chunks(np.flatnonzero(kept), n):
            yield OutputTable(self._columns(at))

    def dropped(self, n: int) -> Iterator[OutputTable]:
        if self.screened is not None:
            for at in _chunks(np.flatnonzero(~self.screened.kept), n):
                yield OutputTable({**self.screened.reasons(at), **self._columns(at)})

    def _columns(self, at: NDArray[np.int64]) -> dict[str, list[Any]]:
        rows: dict[SideName, NDArray[np.int64]] = {"source": self.pairs.source[at], "target": self.pairs.target[at]}
        columns: dict[str, list[Any]] = {
            "score": self.pairs.scores[at].tolist(),
            "cosine": cosines_of(self.plan, rows["source"], rows["target"]).tolist(),
        }
        if self.plan.source.vectors:
            return {**columns, **{f"{side}_row": rows[side].tolist() for side in SIDES}}
        columns |= origin_columns(self.plan, rows)
        for side in SIDES:
            columns[side] = read_texts(self.plan.files(side), rows[side], self.plan.shard_lines)
        return columns


def prepare_mined(
    plan: Plan,
    margin: Margin,
    selection: Selection,
    policy: ThresholdPolicy,
    known: KnownPairs | None,
    screener: Screener | None,
) -> MinedTables:
    """Mine the pairs, and filter those that reach the threshold. Planted lines do not affect them.

    Raises:
        UserError: no threshold can be chosen.
    """
    hidden = known.hidden if known is not None else None
    around = compute_neighborhoods(plan, margin, hidden)
    pairs = propose(plan, margin, around, hidden).select(selection)
    about: dict[str, Any] = {"margin": margin, "select": selection, "threshold": policy.threshold}
    if known is not None:
        chosen = _choose(CorpusPair(plan, margin, known.hidden, around), pairs, known, policy, selection)
        about |= {"threshold": chosen.threshold, "judged": {"threshold_for": policy.purpose, **chosen.about}}
    n_above = len(pairs.scores)
    if about["threshold"] is not None:
        n_above = int((pairs.scores >= about["threshold"]).sum())
    if screener is None:
        return _MinedTables(plan, pairs, n_above, about)
    texts = RowTexts(plan, {"source": pairs.source[:n_above], "target": pairs.target[:n_above]}, by_line=False)
    screened = ScreenedPairs.screen(texts, screener)
    screened.drop_repeats(np.ones(len(texts), dtype=np.bool_))
    return _MinedTables(plan, pairs, n_above, {**about, "filters": screened.about()}, screened)


def _choose(
    corpus: CorpusPair, pairs: RowPairs, known: KnownPairs, policy: ThresholdPolicy, selection: Selection
) -> ThresholdChoice:
    if known.complete:
        return choose_on_complete_gold(pairs, known, policy)
    outcomes = simulate_insertion(corpus, known.rows, pairs, selection)
    lines = {side: corpus.plan.side(side).n_unique for side in SIDES}
    return choose_threshold(Calibration(outcomes, pairs, lines), pairs, known, policy)


def _chunks(positions: NDArray[np.int64], n: int) -> Iterator[NDArray[np.int64]]:
    """Divide positions into chunks of n; at least one, so that the output has a header."""
    for first in range(0, max(1, len(positions)), n):
        yield positions[first : first + n]
