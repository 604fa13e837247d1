"""Retrieval between two lists of sentences in which a sentence may have several translations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data import Bitext
from ..languages import LangPair
from ..scoring.f1 import cluster_pairs
from ..scoring.intervals import Interval, clustered_interval
from ..scoring.margin import CSLS_K
from ..scoring.metrics import ValidTargets, text_classes
from ..scoring.neighbors import Vectors, nearest_with_csls
from .base import SubsetScores
from .retrieval import Direction, K, scores_of_both, search_both

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
    """Score the sources against all targets, of which some translate no source; `bitext.gold` has the translations."""
    gold = np.array(bitext.gold, dtype=np.int64)
    valid = ValidTargets(text_classes(bitext.source), text_classes(bitext.target), gold)
    neighbors, by_csls = nearest_with_csls(vectors[0], vectors[1], K, CSLS_K)
    forward = Direction.from_neighbors(neighbors, by_csls.forward, valid.match)
    forward.scores["xsim_ratio"] = 1 - forward.scores["accuracy_ratio"]
    return _one_direction(subset, pair, bitext, (forward, valid), np.einsum("nd,nd->n", vectors[0], vectors[1][gold]))


def _search(valid: ValidTargets, vectors: Sequence[Vectors]) -> tuple[Direction, Direction]:
    both = search_both(vectors, valid.match, valid.reversed.match)
    for direction in both:
        direction.scores["xsim_ratio"] = 1 - direction.scores["accuracy_ratio"]
    return both


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
