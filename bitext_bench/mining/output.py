"""The output rows: mined pairs with their texts, or given pairs with their scores."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..scoring.margin import Margin
from ..scoring.mined_pairs import RowPairs, Selection
from .formats import OutputTable
from .insertion import simulate_insertion
from .known import KnownPairs
from .links import CorpusPair
from .manifest import Request
from .neighborhoods import compute_neighborhoods
from .pairs import cosines_of, propose, score_pairs
from .plan import Plan
from .precision import Calibration
from .sides import SIDES, SideName, read_texts
from .threshold import ThresholdChoice, ThresholdPolicy, choose_on_complete_gold, choose_threshold


class MinedTables(Protocol):
    """The output in chunks, and the settings for the report."""

    @property
    def about(self) -> dict[str, Any]:
        """Settings and threshold."""

    def chunks(self, n: int) -> Iterator[OutputTable]:
        """Yield the rows in chunks of about n."""


@dataclass(frozen=True, slots=True)
class _MinedTables:
    plan: Plan
    pairs: RowPairs
    about: dict[str, Any]

    def chunks(self, n: int) -> Iterator[OutputTable]:
        for first in range(0, max(1, len(self.pairs.source)), n):
            here = slice(first, first + n)
            yield self._table(self.pairs.source[here], self.pairs.target[here], self.pairs.scores[here])

    def _table(self, source: NDArray[np.int64], target: NDArray[np.int64], scores: NDArray[np.float64]) -> OutputTable:
        rows: dict[SideName, NDArray[np.int64]] = {"source": source, "target": target}
        columns: dict[str, list[Any]] = {
            "score": scores.tolist(),
            "cosine": cosines_of(self.plan, source, target).tolist(),
        }
        if self.plan.source.vectors:
            return OutputTable({**columns, **{f"{side}_row": rows[side].tolist() for side in SIDES}})
        for side in SIDES:
            lines = np.load(self.plan.files(side).line_of_row, mmap_mode="r")
            columns[f"{side}_line"] = lines[rows[side]].tolist()
        for side in SIDES:
            columns[side] = read_texts(self.plan.files(side), rows[side], self.plan.shard_lines)
        return OutputTable(columns)


def prepare_mined(
    plan: Plan, margin: Margin, selection: Selection, policy: ThresholdPolicy, known: KnownPairs | None
) -> MinedTables:
    """Mine the pairs. Planted lines do not affect them.

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
    if about["threshold"] is not None:
        kept = pairs.scores >= about["threshold"]
        pairs = RowPairs(pairs.source[kept], pairs.target[kept], pairs.scores[kept])
    return _MinedTables(plan, pairs, about)


def _choose(
    corpus: CorpusPair, pairs: RowPairs, known: KnownPairs, policy: ThresholdPolicy, selection: Selection
) -> ThresholdChoice:
    if known.complete:
        return choose_on_complete_gold(pairs, known, policy)
    outcomes = simulate_insertion(corpus, known.rows, pairs, selection)
    lines = {side: corpus.plan.side(side).n_unique for side in SIDES}
    return choose_threshold(Calibration(outcomes, pairs, lines), pairs, known, policy)


@dataclass(frozen=True, slots=True)
class _ScoredTables:
    plan: Plan
    request: Request
    margin: Margin
    threshold: float | None
    about: dict[str, Any] = field(default_factory=dict)

    def chunks(self, n: int) -> Iterator[OutputTable]:
        around = compute_neighborhoods(self.plan, self.margin)
        rows = {side: self._rows(side) for side in SIDES}
        texts = None if self.plan.source.vectors else [self.request.read(side) for side in SIDES]
        for first in range(0, len(rows["source"]), n):
            source, target = (rows[side][first : first + n] for side in SIDES)
            full = (source >= 0) & (target >= 0)  # a pair with a blank side has no score
            cosines, scores = score_pairs(self.plan, source[full], target[full], around, self.margin)
            kept = full.copy() if self.threshold is not None else np.ones(len(source), dtype=np.bool_)
            if self.threshold is not None:
                kept[full] = scores >= self.threshold
            columns = {"score": _fill_gaps(scores, full), "cosine": _fill_gaps(cosines, full)}
            if texts is None:
                columns |= {"source_row": source.tolist(), "target_row": target.tolist()}
            else:
                columns |= {
                    side: list(itertools.islice(lines, len(source))) for side, lines in zip(SIDES, texts, strict=True)
                }
            yield OutputTable({name: list(itertools.compress(column, kept)) for name, column in columns.items()})

    def _rows(self, side: SideName) -> NDArray[np.int64]:
        if self.plan.source.vectors:
            return np.arange(self.plan.side(side).rows)
        rows: NDArray[np.int64] = np.load(self.plan.files(side).row_of_line, mmap_mode="r")
        return rows


def _fill_gaps(values: NDArray[Any], full: NDArray[np.bool_]) -> list[Any]:
    given = iter(values.tolist())
    return [next(given) if here else None for here in full.tolist()]


def prepare_scored(plan: Plan, request: Request, margin: Margin, policy: ThresholdPolicy) -> MinedTables:
    """Score the pairs in the files, in order."""
    return _ScoredTables(plan, request, margin, policy.threshold, {"margin": margin, "threshold": policy.threshold})


def check_parallel(plan: Plan, request: Request) -> None:
    """Check that two files can be scored line by line.

    Raises:
        UserError: the files have different numbers of lines.
    """
    if plan.source.lines != plan.target.lines:
        raise UserError(
            f"{request.source} has {plan.source.lines:,} lines and {request.target} has {plan.target.lines:,}: "
            "expected line i of one to translate line i of the other"
        )
