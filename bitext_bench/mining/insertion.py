"""Simulate mining with one more line, with and without its translation, to estimate precision.

Each known pair is inserted into the files separately: with both lines, to see whether the pair is found; and with only
one line, to see which wrong pairs a line without a translation is in. This needs no new search: the neighbors of known
rows are on disk, and one row changes only the neighborhoods that it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..scoring.margin import Margin
from ..scoring.mined_pairs import RowPairs, Selection
from .links import CorpusPair, InsertedRows, Links, PairLinks, links_of_pairs
from .plan import other_side
from .sides import SIDES, SideName

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NEVER = -np.inf  # score of a pair that is not mined at any threshold


@dataclass(frozen=True, slots=True)
class Events:
    """Mined pairs: the index of the known pair that each belongs to, and its score."""

    pair: Integers
    scores: Floats

    def best(self, n: int) -> Floats:
        """Return the highest score (n,) for each known pair, or NEVER without events."""
        best = np.full(n, NEVER)
        np.maximum.at(best, self.pair, self.scores)
        return best


@dataclass(frozen=True, slots=True)
class SideOutcome:
    """The mined pairs of the known rows on one side.

    Attributes:
        wrong: pairs with a row other than the translation, when the translation is present.
        false: pairs of the row when its translation is absent.
    """

    wrong: Events
    false: Events


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes for P known pairs, each inserted separately.

    Attributes:
        right: (P,) score at which the two rows are mined as a pair; NEVER if they are not.
        sides: outcomes on each side that is counted; a mined pair counts once on each side.
    """

    right: Floats
    sides: dict[SideName, SideOutcome]


@dataclass(frozen=True, slots=True)
class _Greedy:
    """For each row of a side, the score of its mined pair (NEVER if none), and its partner (-1 if none)."""

    scores: Floats
    partner: Integers

    @classmethod
    def from_pairs(cls, rows: Integers, partners: Integers, scores: Floats, n: int) -> _Greedy:
        """Build it from one-to-one pairs."""
        mined = cls(np.full(n, NEVER), np.full(n, -1, dtype=np.int64))
        mined.scores[rows] = scores
        mined.partner[rows] = partners
        return mined


def simulate_insertion(
    corpus: CorpusPair, known: dict[SideName, Integers], pairs: RowPairs, selection: Selection
) -> Outcomes:
    """Simulate mining after inserting each known pair separately.

    Args:
        corpus: the files without planted lines.
        known: (P,) rows of the known pairs on each side.
        pairs: pairs mined from the files without a threshold.
        selection: how to select pairs.
    """
    inserted, couples = links_of_pairs(corpus, known)
    if selection == "greedy":
        taken: dict[SideName, _Greedy] = {
            "source": _Greedy.from_pairs(pairs.source, pairs.target, pairs.scores, corpus.plan.source.rows),
            "target": _Greedy.from_pairs(pairs.target, pairs.source, pairs.scores, corpus.plan.target.rows),
        }
        false = {
            side: _first_free(corpus, row, row.without_translation, taken[row.other]) for side, row in inserted.items()
        }
        wrong = {
            side: _first_free(corpus, row, row.with_translation, taken[row.other]) for side, row in inserted.items()
        }
        together = _is_pair_mined(couples, wrong, selection)
        wrong = {side: _without_events(events, together) for side, events in wrong.items()}
    else:
        false = {side: _accepted_events(row.without_translation, selection) for side, row in inserted.items()}
        wrong = {side: _accepted_events(row.with_translation, selection) for side, row in inserted.items()}
        together = _is_pair_mined(couples, wrong, selection)
    counted: tuple[SideName, ...] = SIDES
    if selection in ("forward", "backward"):
        counted = ("source",) if selection == "forward" else ("target",)
    outcomes = {side: SideOutcome(wrong[side], false[side]) for side in counted}
    return Outcomes(np.where(together, couples.scores, NEVER), outcomes)


def _accepted_events(links: Links, selection: Selection) -> Events:
    """Return the links that become mined pairs, if a row may be in several pairs."""
    chosen = links.proposed
    if selection == "intersection":
        chosen = links.proposed & links.accepted
    elif selection == "union":
        chosen = links.proposed | links.accepted
    return Events(links.pair[chosen], links.scores[chosen])


def _first_free(corpus: CorpusPair, inserted: InsertedRows, links: Links, mined: _Greedy) -> Events:
    """Return each inserted row's best link to a row that is not already in a better pair.

    The inserted row belongs to the partner's neighborhood, which lowers the score of the partner's current pair.
    """
    rival = mined.partner[links.partner]
    own_side = corpus.around[other_side(inserted.other)].means[rival]
    before = (corpus.around[inserted.other].means[links.partner] + own_side) / 2
    weakened = _updated_margins(mined.scores[links.partner], before, (links.means + own_side) / 2, corpus.margin)
    free = (rival < 0) | (weakened < links.scores) | (rival == inserted.rows[links.pair])
    best = Events(links.pair[free], links.scores[free]).best(len(inserted.rows))
    found = np.flatnonzero(best > NEVER)
    return Events(found, best[found])


def _updated_margins(scores: Floats, before: Floats, after: Floats, margin: Margin) -> Floats:
    """Return the margins of pairs after a change of their neighborhood mean from `before` to `after`."""
    if margin == "ratio":
        return np.divide(scores * before, after, out=np.zeros_like(scores), where=after != 0)
    if margin == "absolute":
        return scores
    return scores - (2 if margin == "csls" else 1) * (after - before)


def _is_pair_mined(couples: PairLinks, wrong: dict[SideName, Events], selection: Selection) -> NDArray[np.bool_]:
    """Return (P,) whether the known pair itself is mined."""
    if selection == "forward":
        return couples.proposed["source"]
    if selection == "backward":
        return couples.proposed["target"]
    if selection == "intersection":
        return couples.proposed["source"] & couples.proposed["target"]
    either = couples.proposed["source"] | couples.proposed["target"]
    if selection == "union":
        return either
    n = len(couples.scores)
    return either & (couples.scores > wrong["source"].best(n)) & (couples.scores > wrong["target"].best(n))


def _without_events(events: Events, left_out: NDArray[np.bool_]) -> Events:
    kept = ~left_out[events.pair]
    return replace(events, pair=events.pair[kept], scores=events.scores[kept])
