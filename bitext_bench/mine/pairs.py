"""From the nearest rows of both sides to pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..margin import Margin, best_of, margin_score, neighbourhood
from ..mining import MinedPairs, Selection, select
from ..neighbours import Nearest
from .plan import Plan, other
from .ranking import pair_cosines
from .records import load
from .sides import SIDES, SideName, by_shard
from .stages import vectors

Means = dict[SideName, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Proposals:
    """What each source and each target proposes, in the order of their rows."""

    forward: MinedPairs
    backward: MinedPairs

    def select(self, selection: Selection, planted: dict[SideName, NDArray[np.bool_]] | None = None) -> MinedPairs:
        """Choose among them, leaving out those with a row that is planted."""
        if planted is None:
            return select(self.forward, self.backward, selection)
        return select(_without(self.forward, planted), _without(self.backward, planted), selection)


def propose(plan: Plan, margin: Margin) -> Proposals:
    """Let every row of both sides propose its best candidate by margin; 40 bytes a row stay in memory."""
    means = all_means(plan, margin)
    best = {side: _propose(plan, side, means, margin) for side in SIDES}
    (there, scores), (back, back_scores) = best["source"], best["target"]
    return Proposals(
        MinedPairs(np.arange(len(there)), there, scores), MinedPairs(back, np.arange(len(back)), back_scores)
    )


def all_means(plan: Plan, margin: Margin) -> Means:
    """Return the mean cosine of each row's nearest, for both sides."""
    k = neighbourhood(margin)
    return {
        side: np.concatenate([nearest(plan, side, n).mean(k) for n in range(plan.n_shards(side))]) for side in SIDES
    }


def nearest(plan: Plan, side: SideName, number: int) -> Nearest:
    """Return the nearest rows of the other side for a shard."""
    unit = plan.nearest_unit(side, number)
    return Nearest(np.array(load(plan, unit, "indices")), np.array(load(plan, unit, "cosines")))


def _propose(plan: Plan, side: SideName, means: Means, margin: Margin) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    indices, scores = [], []
    for number in range(plan.n_shards(side)):
        own = means[side][number * plan.shard_lines :][: plan.rows_of(side, number)]
        best = best_of(nearest(plan, side, number), own, means[other(side)], margin)
        indices.append(best.indices)
        scores.append(best.scores)
    return np.concatenate(indices), np.concatenate(scores)


def _without(pairs: MinedPairs, planted: dict[SideName, NDArray[np.bool_]]) -> MinedPairs:
    kept = ~(planted["source"][pairs.source] | planted["target"][pairs.target])
    return MinedPairs(pairs.source[kept], pairs.target[kept], pairs.scores[kept])


def cosines_of(plan: Plan, source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return (P,) the cosine of each pair of rows, shard by shard."""
    found = np.empty(len(source), dtype=np.float32)
    for first, at in by_shard(source, plan.shard_lines):
        left = vectors(plan, "source", first)
        for second, within in by_shard(target[at], plan.shard_lines):
            places = at[within]
            i, j = source[places] - first * plan.shard_lines, target[places] - second * plan.shard_lines
            found[places] = pair_cosines(left, i, vectors(plan, "target", second), j)
    return found


def score_pairs(
    plan: Plan, source: NDArray[np.int64], target: NDArray[np.int64], means: Means, margin: Margin
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the cosine and the margin of given pairs, each judged by the neighbourhoods of its two rows."""
    cosines = cosines_of(plan, source, target)
    around = (means["source"][source] + means["target"][target]) / 2
    return cosines, margin_score(cosines.astype(np.float64), around, margin)
