"""Margin scores: a cosine judged against the neighborhoods of both sentences.

Artetxe and Schwenk 2019 (arXiv:1811.01136, section 3.1) for ratio, distance and absolute; Conneau et al. 2018
(arXiv:1710.04087, equation 3) for CSLS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .neighbors import Nearest, Neighbors

Margin = Literal["ratio", "distance", "absolute", "csls"]
MARGINS: tuple[Margin, ...] = get_args(Margin)
NearMargin = Literal["ratio", "distance", "absolute"]  # those whose candidates are the nearest neighbors
NEAR_MARGINS: tuple[NearMargin, ...] = get_args(NearMargin)

MARGIN_K = 4  # LASER's neighborhood, for candidates and means alike
CSLS_K = 10  # the neighborhood of the CSLS paper


@dataclass(frozen=True, slots=True)
class BestCandidate:
    """The winner for each of N queries.

    Attributes:
        indices: (N,) rows of the other side.
        scores: (N,) margin scores; larger is better, the unit depends on the margin.
        leads: (N,) by how much the score beats the second-best candidate's, at least 0; 1 where there is no other.
            Where texts are given, the best candidate's with another text.
    """

    indices: NDArray[np.int64]
    scores: NDArray[np.float64]
    leads: NDArray[np.float64]


def best_candidates(neighbors: Neighbors, margin: NearMargin, texts: NDArray[np.int64] | None = None) -> BestCandidate:
    """Choose, for each source, the candidate with the best margin score; equal scores: the nearer one.

    With m(x) the mean cosine of x's k nearest on the other side:
    ratio = cos / ((m(x) + m(y)) / 2), 0 where that mean is 0; distance = cos - (m(x) + m(y)) / 2; absolute = cos.
    Candidates are the source's k nearest, k = 4 as in LASER's xSIM. (CSLS ranks every row of the other side:
    `neighbors.nearest_with_csls`.)

    Args:
        neighbors: of both sides, at least 4 where there are so many.
        margin: which score.
        texts: (M,) the text class of each row of the other side (`metrics.text_classes`); a lead is then over the best
            candidate with another text than the winner's, since a copy of it is no rival.
    """
    k = margin_k(margin)
    means = (neighbors.forward.mean(k), neighbors.backward.mean(k))
    return best_by_margin(neighbors.forward, *means, margin, texts)


def margin_k(margin: Margin) -> int:
    """Return over how many nearest the mean is taken."""
    return CSLS_K if margin == "csls" else MARGIN_K


def n_candidates(kept: int, margin: Margin) -> int:
    """Return how many of the nearest that were kept are candidates: for CSLS all."""
    return kept if margin == "csls" else min(kept, MARGIN_K)


def best_by_margin(
    nearest: Nearest,
    own_means: NDArray[np.float64],
    other_means: NDArray[np.float64],
    margin: Margin,
    texts: NDArray[np.int64] | None = None,
) -> BestCandidate:
    """Do what `best_candidates` does for some of the queries, with the means of both sides as they are known.

    Under csls (2 cos - m(x) - m(y), k = 10) the candidates are all neighbors that are given, and no others: an
    approximation, since the definition ranks every row of the other side.

    Args:
        nearest: of N queries, rows of the M of the other side.
        own_means: (N,) mean cosines of the queries' nearest, over `margin_k(margin)` of them.
        other_means: (M,) likewise of the other side.
        margin: which score.
        texts: as in `best_candidates`.
    """
    width = n_candidates(nearest.indices.shape[1], margin)
    indices = nearest.indices[:, :width]
    cosines = nearest.cosines[:, :width].astype(np.float64)
    scores = margin_score(cosines, (own_means[:, None] + other_means[indices]) / 2, margin)
    scores[~np.isfinite(cosines)] = -np.inf  # no candidate
    best = scores.argmax(axis=1)[:, None]
    top = np.take_along_axis(scores, best, axis=1)[:, 0]
    if texts is None:
        same = np.arange(scores.shape[1]) == best
    else:
        same = texts[indices] == texts[np.take_along_axis(indices, best, axis=1)]
    rival = np.where(same, -np.inf, scores).max(axis=1)
    leads = np.subtract(top, rival, out=np.ones(len(top)), where=np.isfinite(rival))
    return BestCandidate(np.take_along_axis(indices, best, axis=1)[:, 0], top, leads)


def margin_score(cosines: NDArray[np.float64], around: NDArray[np.float64], margin: Margin) -> NDArray[np.float64]:
    """Return the margin of cosines, given the mean of the two neighborhoods' mean cosines; shapes are equal."""
    if margin == "ratio":
        # Where everything near is orthogonal there is nothing to be better than: 0, not 0 / 0.
        return np.divide(cosines, around, out=np.zeros_like(cosines), where=around != 0)
    if margin == "distance":
        return cosines - around
    if margin == "csls":
        return 2 * (cosines - around)
    return cosines
