"""Retrieval between two lists of sentences in which a sentence may have several translations.

Candidates are the distinct texts of the other side: copies of a text take one place among the neighbors, ranks and
margins. Every row is a query, so a text that is repeated counts as often as its rows. Writing all rows twice
therefore changes no score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..data import Bitext
from ..languages import LangPair
from ..scoring.f1 import cluster_pairs
from ..scoring.intervals import Interval, clustered_interval
from ..scoring.margin import CSLS_K
from ..scoring.metrics import ValidTargets, text_classes
from ..scoring.neighbors import CslsWinners, Nearest, Neighbors, Vectors, nearest_with_csls
from .base import SubsetScores
from .retrieval import Direction, K, scores_of_both

_MATCH = {"match": "any valid text", "sim": "cos"}


def score_both(subset: str, pair: LangPair, bitext: Bitext, vectors: Sequence[Vectors]) -> SubsetScores:
    """Score both directions as one subset. `bitext.gold` must be empty.

    A target is correct if any row pairs its text with the text of the source. `xsim_ratio` is xSIM's error rate: the
    share of sentences whose best candidate by ratio margin is wrong.
    """
    valid = ValidTargets(text_classes(bitext.source), text_classes(bitext.target))
    forward, backward = _search(valid, vectors)
    cosines = np.einsum("nd,nd->n", vectors[0], vectors[1])
    return SubsetScores(
        subset=subset,
        languages=(pair.source, pair.target),
        main_score="accuracy",
        scores=scores_of_both(forward, backward),
        intervals=_intervals(forward, backward, valid),
        n=len(bitext.source),
        signature={"pair": str(pair), "dir": "mean", **_MATCH},
        data=bitext.data,
        outcomes={
            name: direction.outcomes(np.maximum(cosines, direction.best_correct()))
            for name, direction in (("forward", forward), ("backward", backward))
        },
    )


def score_each(
    subsets: Sequence[str], pair: LangPair, bitext: Bitext, vectors: Sequence[Vectors]
) -> list[SubsetScores]:
    """Score the two directions as two subsets, from one search. Otherwise as `score_both`."""
    valid = ValidTargets(text_classes(bitext.source), text_classes(bitext.target))
    cosines = np.einsum("nd,nd->n", vectors[0], vectors[1])
    forward, backward = _search(valid, vectors)
    return [
        _one_direction(subsets[0], pair, bitext, (forward, valid), cosines),
        _one_direction(subsets[1], pair.reversed, bitext, (backward, valid.reversed), cosines),
    ]


def score_forward(subset: str, pair: LangPair, bitext: Bitext, vectors: Sequence[Vectors]) -> SubsetScores:
    """Score the sources against all targets. Some translate no source; `bitext.gold` has the translations."""
    gold = np.array(bitext.gold, dtype=np.int64)
    valid = ValidTargets(text_classes(bitext.source), text_classes(bitext.target), gold)
    forward = _Search.of_texts(valid, vectors).score(valid)
    return _one_direction(subset, pair, bitext, (forward, valid), np.einsum("nd,nd->n", vectors[0], vectors[1][gold]))


@dataclass(frozen=True, slots=True)
class _Texts:
    """The distinct texts of one side.

    Attributes:
        rows: (T,) the first row of each text.
        of_row: (N,) the text of each row.
    """

    rows: NDArray[np.int64]
    of_row: NDArray[np.int64]

    @staticmethod
    def of(classes: NDArray[np.int64]) -> _Texts:
        """Find the texts by the `text_classes` of a side."""
        return _Texts(*np.unique(classes, return_inverse=True))

    def vectors(self, of_rows: Vectors) -> Vectors:
        """Return the vectors (T, D) of the texts."""
        return of_rows if len(self.rows) == len(of_rows) else of_rows[self.rows]


@dataclass(frozen=True, slots=True)
class _Search:
    """The nearest texts of every text on the other side."""

    sources: _Texts
    targets: _Texts
    neighbors: Neighbors
    by_csls: CslsWinners

    @staticmethod
    def of_texts(valid: ValidTargets, vectors: Sequence[Vectors]) -> _Search:
        """Search with the distinct texts of both sides."""
        sources, targets = _Texts.of(valid.queries), _Texts.of(valid.candidates)
        found = nearest_with_csls(sources.vectors(vectors[0]), targets.vectors(vectors[1]), K, CSLS_K)
        return _Search(sources, targets, *found)

    @property
    def reversed(self) -> _Search:
        """The same search with the sides exchanged."""
        return _Search(self.targets, self.sources, self.neighbors.reversed, self.by_csls.reversed)

    def score(self, valid: ValidTargets) -> Direction:
        """Score the direction from source to target, with one query for each row. Neighbors are rows of the target."""
        of_row, rows = self.sources.of_row, self.targets.rows
        of_texts = self.neighbors.forward
        nearest = Nearest(of_texts.indices[of_row], of_texts.cosines[of_row])
        direction = Direction.from_neighbors(
            Neighbors(nearest, self.neighbors.backward),
            self.by_csls.forward[of_row],
            lambda texts: valid.match(rows[texts]),
        )
        direction.scores["xsim_ratio"] = 1 - direction.scores["accuracy_ratio"]
        return replace(direction, nearest=Nearest(rows[nearest.indices], nearest.cosines))


def _search(valid: ValidTargets, vectors: Sequence[Vectors]) -> tuple[Direction, Direction]:
    found = _Search.of_texts(valid, vectors)
    return found.score(valid), found.reversed.score(valid.reversed)


def _one_direction(
    subset: str, pair: LangPair, bitext: Bitext, searched: tuple[Direction, ValidTargets], cosines: Vectors
) -> SubsetScores:
    """Return the scores of one direction; `cosines` has the cosine of each sentence with its translation."""
    direction, valid = searched
    missed = 1 - direction.hit_by_ratio.astype(np.float64)
    return SubsetScores(
        subset=subset,
        languages=(pair.source, pair.target),
        main_score="accuracy",
        scores=dict(direction.scores),
        intervals={
            "accuracy": clustered_interval(direction.hit.astype(np.float64), valid.queries),
            "xsim_ratio": clustered_interval(missed, valid.queries),
        },
        n=len(direction.hit),
        signature={"pair": str(pair), "dir": "forward", **_MATCH},
        data=bitext.data,
        outcomes={"forward": direction.outcomes(np.maximum(cosines, direction.best_correct()))},
    )


def _intervals(forward: Direction, backward: Direction, valid: ValidTargets) -> dict[str, Interval]:
    """Return the intervals of the accuracies; rows with a common sentence are one draw."""
    both = np.mean([forward.hit, backward.hit], axis=0)
    return {
        "accuracy": clustered_interval(both, cluster_pairs(valid.queries, valid.candidates), judgements=2),
        "accuracy_forward": clustered_interval(forward.hit.astype(np.float64), valid.queries),
        "accuracy_backward": clustered_interval(backward.hit.astype(np.float64), valid.candidates),
    }
