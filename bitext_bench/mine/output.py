"""The rows that are written: mined pairs with their texts, or given pairs with their scores."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..margin import Margin
from ..mining import MinedPairs
from .formats import Table
from .manifest import Request, read_planted
from .pairs import all_means, cosines_of, propose, score_pairs
from .plan import Plan
from .sides import SIDES, SideName, texts_at
from .threshold import Known, Wish, choose, gold_pairs, planted_rows, rows_of_texts


class MinedTables(Protocol):
    """What is to be written, in stretches, and what the report says of it."""

    @property
    def about(self) -> dict[str, Any]:
        """Settings and threshold."""

    def chunks(self, n: int) -> Iterator[Table]:
        """Yield the rows, about n at a time."""


@dataclass(frozen=True, slots=True)
class _Mined:
    plan: Plan
    pairs: MinedPairs
    about: dict[str, Any]

    def chunks(self, n: int) -> Iterator[Table]:
        for first in range(0, max(1, len(self.pairs.source)), n):
            here = slice(first, first + n)
            yield self._table(self.pairs.source[here], self.pairs.target[here], self.pairs.scores[here])

    def _table(self, source: NDArray[np.int64], target: NDArray[np.int64], scores: NDArray[np.float64]) -> Table:
        rows: dict[SideName, NDArray[np.int64]] = {"source": source, "target": target}
        columns: dict[str, list[Any]] = {
            "score": scores.tolist(),
            "cosine": cosines_of(self.plan, source, target).tolist(),
        }
        if self.plan.source.vectors:
            return Table({**columns, **{f"{side}_row": rows[side].tolist() for side in SIDES}})
        for side in SIDES:
            lines = np.load(self.plan.files(side).line_of_row, mmap_mode="r")
            columns[f"{side}_line"] = lines[rows[side]].tolist()
        for side in SIDES:
            columns[side] = texts_at(self.plan.files(side), rows[side], self.plan.shard_lines)
        return Table(columns)


def mined(plan: Plan, wish: Wish, known: Known | None, arguments: argparse.Namespace) -> MinedTables:
    """Mine the pairs.

    Raises:
        UserError: the threshold cannot be chosen.
    """
    proposals = propose(plan, arguments.margin)
    planted = planted_rows(plan) if wish.plant else None
    about: dict[str, Any] = {"margin": arguments.margin, "select": arguments.select, "threshold": wish.threshold}
    threshold = wish.threshold
    if known is not None:
        chosen = choose(proposals.select(arguments.select), known, wish)
        threshold = chosen.cut.threshold
        about |= {"threshold": threshold, "judged": {"threshold_for": wish.purpose, **asdict(chosen)}}
    pairs = proposals.select(arguments.select, planted)
    if threshold is not None:
        kept = pairs.scores >= threshold
        pairs = MinedPairs(pairs.source[kept], pairs.target[kept], pairs.scores[kept])
    return _Mined(plan, pairs, about)


def known_pairs(plan: Plan, wish: Wish) -> Known | None:
    """Return the pairs to judge by, if there are any.

    Raises:
        UserError: a file of known pairs cannot be read, or names what does not exist.
    """
    if not wish.known:
        return None
    pairs: frozenset[tuple[int, int]] = frozenset()
    if wish.gold is not None:
        pairs |= gold_pairs(plan, wish.gold)
    if wish.plant is not None:
        texts = read_planted(wish.plant)
        rows = [rows_of_texts(plan, side, column, str(wish.plant)) for side, column in zip(SIDES, texts, strict=True)]
        pairs |= set(zip(*rows, strict=True))
    return Known(pairs, wish.complete)


@dataclass(frozen=True, slots=True)
class _Scored:
    plan: Plan
    request: Request
    margin: Margin
    threshold: float | None
    about: dict[str, Any] = field(default_factory=dict)

    def chunks(self, n: int) -> Iterator[Table]:
        means = all_means(self.plan, self.margin)
        rows = {side: self._rows(side) for side in SIDES}
        texts = None if self.plan.source.vectors else [self.request.read(side) for side in SIDES]
        for first in range(0, len(rows["source"]), n):
            source, target = (rows[side][first : first + n] for side in SIDES)
            full = (source >= 0) & (target >= 0)  # a pair with a blank side has no score
            cosines, scores = score_pairs(self.plan, source[full], target[full], means, self.margin)
            kept = full.copy() if self.threshold is not None else np.ones(len(source), dtype=np.bool_)
            if self.threshold is not None:
                kept[full] = scores >= self.threshold
            columns = {"score": _spread(scores, full), "cosine": _spread(cosines, full)}
            if texts is None:
                columns |= {"source_row": source.tolist(), "target_row": target.tolist()}
            else:
                columns |= {
                    side: list(itertools.islice(lines, len(source))) for side, lines in zip(SIDES, texts, strict=True)
                }
            yield Table({name: list(itertools.compress(column, kept)) for name, column in columns.items()})

    def _rows(self, side: SideName) -> NDArray[np.int64]:
        if self.plan.source.vectors:
            return np.arange(self.plan.side(side).rows)
        rows: NDArray[np.int64] = np.load(self.plan.files(side).row_of_line, mmap_mode="r")
        return rows


def _spread(values: NDArray[Any], full: NDArray[np.bool_]) -> list[Any]:
    given = iter(values.tolist())
    return [next(given) if here else None for here in full.tolist()]


def scored(plan: Plan, request: Request, margin: Margin, wish: Wish) -> MinedTables:
    """Score the pairs that the files hold, in their order."""
    return _Scored(plan, request, margin, wish.threshold, {"margin": margin, "threshold": wish.threshold})


def check_twins(plan: Plan, request: Request) -> None:
    """Refuse to score two files that are not parallel.

    Raises:
        UserError: they have different lengths.
    """
    if plan.source.lines != plan.target.lines:
        raise UserError(
            f"{request.source} has {plan.source.lines:,} lines and {request.target} {plan.target.lines:,}: "
            "expected line i of one to translate line i of the other"
        )
