"""Scores of pairs that are wrong on purpose: random sources and targets of the given pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..scoring.margin import Margin, margin_score
from ..scoring.neighbors import Nearest
from .neighborhoods import Neighborhoods, neighborhoods_of_lists, shard_nearest, without_candidates
from .pairs import cosines_of
from .plan import Plan
from .precision import SEED
from .sides import SideName, group_by_shard

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_PAIRS = 50_000


def score_random_pairs(
    plan: Plan, rows: dict[SideName, Rows], around: dict[SideName, Neighborhoods], margin: Margin
) -> tuple[Floats, Floats]:
    """Score random pairs, once with the neighborhoods as they are, once without the given partner of each sentence.

    The sentences of a misaligned pair may have their translations elsewhere in the files, or nowhere. A translation
    nearby lowers the margin of all other pairs.

    Args:
        plan: a run with finished search.
        rows: (P,) rows of the given pairs on each side.
        around: neighborhoods of both sides.
        margin: margin score.

    Returns:
        Scores in ascending order, with the partners and without them; fewer than 50,000, or none, if pairs repeat.
    """
    draw = np.random.default_rng(SEED)
    first, second = draw.integers(0, len(rows["source"]), (2, _PAIRS))
    other = ~np.isin(_pair_ids(plan, rows["source"][first], rows["target"][second]), _pair_ids(plan, **rows))
    first, second = first[other], second[other]
    source, target = rows["source"][first], rows["target"][second]
    cosines = cosines_of(plan, source, target).astype(np.float64)
    present = (around["source"].means[source] + around["target"].means[target]) / 2
    k = around["source"].k
    own = _means_without(plan, "source", source, rows["target"][first], k)
    absent = (own + _means_without(plan, "target", target, rows["source"][second], k)) / 2
    with_partners, without = (np.sort(margin_score(cosines, middle, margin)) for middle in (present, absent))
    return with_partners, without


def _pair_ids(plan: Plan, source: Rows, target: Rows) -> Rows:
    return source * plan.target.rows + target


def _means_without(plan: Plan, side: SideName, rows: Rows, partners: Rows, k: int) -> Floats:
    """Return the neighborhood mean of each row, without its partner."""
    means = np.empty(len(rows))
    for number, at in group_by_shard(rows, plan.shard_lines):
        nearest, local = shard_nearest(plan, side, number), rows[at] - number * plan.shard_lines
        lists = Nearest(nearest.indices[local], nearest.cosines[local])
        without = without_candidates(lists, lists.indices == partners[at, None])
        means[at] = neighborhoods_of_lists(without.cosines, k).means
    return means
