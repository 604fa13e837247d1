"""Form pairs from the nearest rows of both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..scoring.margin import Margin, best_by_margin, margin_score
from ..scoring.mined_pairs import RowPairs, Selection, select
from .neighborhoods import Neighborhoods, shard_nearest
from .plan import Plan, other_side
from .ranking import pair_cosines
from .sides import SIDES, Hidden, SideName, group_by_shard
from .stages import shard_vectors


@dataclass(frozen=True, slots=True)
class Proposals:
    """The proposals of all sources and targets, except rows without candidates."""

    forward: RowPairs
    backward: RowPairs

    def select(self, selection: Selection) -> RowPairs:
        """Select pairs among the proposals."""
        return select(self.forward, self.backward, selection)


def propose(
    plan: Plan, margin: Margin, around: dict[SideName, Neighborhoods], hidden: Hidden | None = None
) -> Proposals:
    """Find the best candidate by margin for each row of both sides. Takes 40 bytes of memory for each row.

    Args:
        plan: a run with finished search.
        margin: margin score.
        around: neighborhoods of both sides.
        hidden: rows to ignore, as proposers, candidates and neighbors.
    """
    best = {side: _propose(plan, side, around, margin, hidden) for side in SIDES}
    (source, targets, scores), (target, sources, back_scores) = best["source"], best["target"]
    return Proposals(RowPairs(source, targets, scores), RowPairs(sources, target, back_scores))


def _propose(
    plan: Plan, side: SideName, around: dict[SideName, Neighborhoods], margin: Margin, hidden: Hidden | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    indices, scores = [], []
    for number in range(plan.n_shards(side)):
        own = around[side].means[number * plan.shard_lines :][: plan.shard_rows(side, number)]
        best = best_by_margin(shard_nearest(plan, side, number, hidden), own, around[other_side(side)].means, margin)
        indices.append(best.indices)
        scores.append(best.scores)
    partners, score = np.concatenate(indices), np.concatenate(scores)
    proposes = np.isfinite(score) if hidden is None else np.isfinite(score) & ~hidden[side]
    rows = np.flatnonzero(proposes)
    return rows, partners[rows], score[rows]


def cosines_of(plan: Plan, source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.float32]:
    """Compute the cosine (P,) of each pair of rows, shard by shard."""
    found = np.empty(len(source), dtype=np.float32)
    for first, at in group_by_shard(source, plan.shard_lines):
        left = shard_vectors(plan, "source", first)
        for second, within in group_by_shard(target[at], plan.shard_lines):
            places = at[within]
            i, j = source[places] - first * plan.shard_lines, target[places] - second * plan.shard_lines
            found[places] = pair_cosines(left, i, shard_vectors(plan, "target", second), j)
    return found


def score_pairs(
    plan: Plan,
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    around: dict[SideName, Neighborhoods],
    margin: Margin,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the cosine and the margin (P,) of given pairs, using the neighborhoods of their rows."""
    cosines = cosines_of(plan, source, target)
    middle = (around["source"].means[source] + around["target"].means[target]) / 2
    return cosines, margin_score(cosines.astype(np.float64), middle, margin)
