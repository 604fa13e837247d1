"""The links of a row that is inserted into the files: possible partners and their margins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..scoring.margin import Margin, margin_score, n_candidates
from ..scoring.neighbors import Nearest
from .neighborhoods import Neighborhoods, neighborhoods_of_lists, shard_nearest, without_candidates
from .pairs import cosines_of
from .plan import Plan, other_side
from .sides import SIDES, Hidden, SideName, group_by_shard

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CorpusPair:
    """The two files without planted lines.

    Attributes:
        hidden: whether each row is only planted, for each side.
        around: neighborhoods of the rows of each side, without hidden rows.
    """

    plan: Plan
    margin: Margin
    hidden: Hidden
    around: dict[SideName, Neighborhoods]


@dataclass(frozen=True, slots=True)
class Links:
    """E links between inserted rows and rows of the other side.

    Attributes:
        pair: (E,) index of the known pair with the inserted row.
        partner: (E,) row of the other side.
        scores: (E,) margin.
        means: (E,) neighborhood mean of the partner, including the inserted row.
        proposed: (E,) whether the inserted row proposes the partner.
        accepted: (E,) whether the partner proposes the inserted row.
    """

    pair: Integers
    partner: Integers
    scores: Floats
    means: Floats
    proposed: NDArray[np.bool_]
    accepted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class InsertedRows:
    """The known rows of one side, inserted separately, with their links without and with the translation."""

    rows: Integers
    other: SideName
    without_translation: Links
    with_translation: Links


@dataclass(frozen=True, slots=True)
class PairLinks:
    """The links within the P known pairs.

    Attributes:
        scores: (P,) margin.
        proposed: (P,) whether the row of this side proposes its translation.
    """

    scores: Floats
    proposed: dict[SideName, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class _Incidences:
    """E cases in which an inserted row is a candidate of a row that is not its translation.

    Attributes:
        pair: (E,) index of the known pair.
        partner: (E,) row with this candidate.
        cosines: (E,) cosine of the two.
        means: (E,) neighborhood mean of the partner, including the inserted row.
        rivals: (E,) best margin of the partner with another row.
    """

    pair: Integers
    partner: Integers
    cosines: Floats
    means: Floats
    rivals: Floats


def links_of_pairs(
    corpus: CorpusPair, known: dict[SideName, Integers]
) -> tuple[dict[SideName, InsertedRows], PairLinks]:
    """Return the links of the known rows, with each pair inserted separately, and the links within the pairs.

    Args:
        corpus: the files without planted lines.
        known: (P,) rows of the known pairs on each side.
    """
    cosines = cosines_of(corpus.plan, known["source"], known["target"]).astype(np.float64)
    lists = {side: _own_lists(corpus, side, known) for side in SIDES}
    k = corpus.around["source"].k
    without_translation = {side: neighborhoods_of_lists(lists[side].cosines, k) for side in SIDES}
    everyone = np.arange(len(cosines))
    with_translation = {side: without_translation[side].with_one_more(everyone, cosines) for side in SIDES}
    scores = margin_score(cosines, (with_translation["source"] + with_translation["target"]) / 2, corpus.margin)
    inserted, proposed = {}, {}
    for side in SIDES:
        candidates = _candidates(corpus, side, known[side], lists[side])
        places = _incidences(corpus, side, known)
        width = lists[side].cosines.shape[1]
        within = cosines >= lists[side].cosines[:, n_candidates(width, corpus.margin) - 1]
        best = _margins(corpus, lists[side], candidates, with_translation[side]).max(axis=1)
        proposed[side] = within & (scores >= best)
        inserted[side] = InsertedRows(
            known[side],
            other_side(side),
            _links(
                corpus,
                lists[side],
                candidates,
                without_translation[side].means,
                places,
                np.ones(len(cosines), dtype=np.bool_),
            ),
            _links(corpus, lists[side], candidates, with_translation[side], places, ~proposed[side]),
        )
    return inserted, PairLinks(scores, proposed)


def _own_lists(corpus: CorpusPair, side: SideName, known: dict[SideName, Integers]) -> Nearest:
    """Return the nearest neighbors of a side's known rows, without their translations and planted rows."""
    rows, mates = known[side], known[other_side(side)]
    parts = []
    places = []
    for number, at in group_by_shard(rows, corpus.plan.shard_lines):
        found = shard_nearest(corpus.plan, side, number, corpus.hidden)
        local = rows[at] - number * corpus.plan.shard_lines
        parts.append(Nearest(found.indices[local], found.cosines[local]))
        places.append(at)
    back = np.argsort(np.concatenate(places))
    indices, cosines = (np.concatenate([getattr(p, name) for p in parts])[back] for name in ("indices", "cosines"))
    return without_candidates(Nearest(indices, cosines), indices == mates[:, None])


def _candidates(corpus: CorpusPair, side: SideName, rows: Integers, lists: Nearest) -> Floats:
    """Return the neighborhood means (P, reach) of the rows' candidates, including the row itself."""
    other = corpus.around[other_side(side)]
    width = n_candidates(lists.cosines.shape[1], corpus.margin)
    indices, cosines = lists.indices[:, :width], lists.cosines[:, :width].astype(np.float64)
    grown = other.with_one_more(indices, cosines)
    planted = corpus.hidden[side][rows]
    return np.where(planted[:, None], grown, other.means[indices])


def _margins(corpus: CorpusPair, lists: Nearest, around: Floats, own: Floats) -> Floats:
    """Return the margins (P, reach) of rows with their candidates; -inf without a candidate."""
    cosines = lists.cosines[:, : around.shape[1]].astype(np.float64)
    real = np.isfinite(cosines) & np.isfinite(around) & np.isfinite(own)[:, None]
    middle = np.where(real, (own[:, None] + around) / 2, 1.0)
    return np.where(real, margin_score(np.where(real, cosines, 0.0), middle, corpus.margin), -np.inf)


def _links(
    corpus: CorpusPair, lists: Nearest, around: Floats, own: Floats, places: _Incidences, proposes: NDArray[np.bool_]
) -> Links:
    """Return the proposals of the rows selected by `proposes`, and the proposals of other rows to them."""
    scored = _margins(corpus, lists, around, own)
    pick = scored.argmax(axis=1)
    rows = np.arange(len(scored))
    here = proposes & np.isfinite(scored[rows, pick])
    chosen = np.where(here, lists.indices[rows, pick], -1)
    back = margin_score(places.cosines, (places.means + own[places.pair]) / 2, corpus.margin)
    accepted = back > places.rivals
    mutual = accepted & (places.partner == chosen[places.pair])
    is_mutual = np.zeros(len(rows), dtype=np.bool_)
    is_mutual[places.pair[mutual]] = True
    only_accepted = accepted & ~mutual
    n_proposed, n_accepted = int(here.sum()), int(only_accepted.sum())
    return Links(
        pair=np.concatenate([rows[here], places.pair[only_accepted]]),
        partner=np.concatenate([chosen[here], places.partner[only_accepted]]),
        scores=np.concatenate([scored[rows, pick][here], back[only_accepted]]),
        means=np.concatenate([around[rows, pick][here], places.means[only_accepted]]),
        proposed=np.arange(n_proposed + n_accepted) < n_proposed,
        accepted=np.concatenate([is_mutual[here], np.ones(n_accepted, dtype=np.bool_)]),
    )


def _incidences(corpus: CorpusPair, side: SideName, known: dict[SideName, Integers]) -> _Incidences:
    """Find the rows of the other side with a known row of this side among their candidates."""
    parts = list(_incidences_of_shards(corpus, side, known))
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in _Incidences.__slots__]
    return _Incidences(*columns)


def _incidences_of_shards(corpus: CorpusPair, side: SideName, known: dict[SideName, Integers]) -> Iterator[_Incidences]:
    plan, other = corpus.plan, other_side(side)
    pair_of = np.full(plan.side(side).rows, -1, dtype=np.int64)
    pair_of[known[side]] = np.arange(len(known[side]))
    for number in range(plan.n_shards(other)):
        lists = shard_nearest(plan, other, number)
        row, at = np.nonzero((pair_of[lists.indices] >= 0) & np.isfinite(lists.cosines))
        pair = pair_of[lists.indices[row, at]]
        partner = row + number * plan.shard_lines
        real = ~corpus.hidden[other][partner] & (known[other][pair] != partner)
        yield _count_separately(corpus, side, lists, (row[real], at[real]), (pair[real], partner[real]))


def _count_separately(
    corpus: CorpusPair, side: SideName, lists: Nearest, at: tuple[Integers, Integers], named: tuple[Integers, Integers]
) -> _Incidences:
    """Compute each case separately: of all planted rows, only the one in question remains in the list."""
    row, column = at
    own = lists.indices[row, column]
    indices = lists.indices[row]
    strangers = corpus.hidden[side][indices] & (indices != own[:, None])
    seen = without_candidates(Nearest(indices, lists.cosines[row]), strangers)
    width = n_candidates(seen.cosines.shape[1], corpus.margin)
    means = neighborhoods_of_lists(seen.cosines, corpus.around[side].k).means
    around = corpus.around[side].means[seen.indices[:, :width]]
    scored = _margins(corpus, seen, around, means)
    is_own = seen.indices[:, :width] == own[:, None]
    rivals = np.where(is_own, -np.inf, scored).max(axis=1, initial=-np.inf)
    inside = is_own.any(axis=1)
    pair, partner = named
    cosines = lists.cosines[row, column].astype(np.float64)
    return _Incidences(pair[inside], partner[inside], cosines[inside], means[inside], rivals[inside])
