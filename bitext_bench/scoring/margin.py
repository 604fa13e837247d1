"""Margin scores: a cosine relative to the neighborhoods of both sentences.

Sources: Artetxe and Schwenk 2019 (arXiv:1811.01136, section 3.1) for ratio, distance and absolute; Conneau et al. 2018
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
NearMargin = Literal["ratio", "distance", "absolute"]  # margins that only rank the nearest neighbors
NEAR_MARGINS: tuple[NearMargin, ...] = get_args(NearMargin)

MARGIN_K = 4  # LASER's neighborhood, for both candidates and means
CSLS_K = 10  # neighborhood in the CSLS paper


@dataclass(frozen=True, slots=True)
class BestCandidate:
    """The best candidate for each of N queries.

    Attributes:
        indices: (N,) rows of the other side.
        scores: (N,) margin scores; higher is better. The unit depends on the margin.
        leads: (N,) difference to the score of the second-best candidate, at least 0; 1 without a second candidate.
            If texts are given, candidates with the same text as the best are ignored.
    """

    indices: NDArray[np.int64]
    scores: NDArray[np.float64]
    leads: NDArray[np.float64]


def best_candidates(neighbors: Neighbors, margin: NearMargin, texts: NDArray[np.int64] | None = None) -> BestCandidate:
    """Choose the candidate with the best margin score for each source. Ties go to the nearer candidate.

    With m(x) the mean cosine of x's k nearest neighbors on the other side:
    ratio = cos / ((m(x) + m(y)) / 2), or 0 if that mean is 0; distance = cos - (m(x) + m(y)) / 2; absolute = cos.
    The candidates are the k nearest neighbors of the source, with k = 4 as in LASER's xSIM. For CSLS, which ranks all
    rows of the other side, see `neighbors.nearest_with_csls`.

    Args:
        neighbors: neighbors of both sides, at least 4 if the sides have that many rows.
        margin: margin score.
        texts: (M,) text class of each row of the other side (`metrics.text_classes`). Copies of the best candidate then
            do not count as second-best.
    """
    k = margin_k(margin)
    means = (neighbors.forward.mean(k), neighbors.backward.mean(k))
    return best_by_margin(neighbors.forward, *means, margin, texts)


def margin_k(margin: Margin) -> int:
    """Return the size of the neighborhood."""
    return CSLS_K if margin == "csls" else MARGIN_K


def n_candidates(kept: int, margin: Margin) -> int:
    """Return how many of the `kept` neighbors are candidates: all for CSLS."""
    return kept if margin == "csls" else min(kept, MARGIN_K)


def best_by_margin(
    nearest: Nearest,
    own_means: NDArray[np.float64],
    other_means: NDArray[np.float64],
    margin: Margin,
    texts: NDArray[np.int64] | None = None,
) -> BestCandidate:
    """Choose candidates as `best_candidates` does, for some of the queries and with known means.

    For csls (2 cos - m(x) - m(y), k = 10) only the given neighbors are candidates. This is an approximation, since the
    definition ranks all rows of the other side.

    Args:
        nearest: neighbors of N queries among the M rows of the other side.
        own_means: (N,) mean cosine of each query's `margin_k(margin)` nearest neighbors.
        other_means: (M,) the same for the other side.
        margin: margin score.
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
    """Return the margin scores of cosines. `around` has the same shape: the average of the two neighborhood means."""
    if margin == "ratio":
        # If all neighbors are orthogonal, the score is 0 rather than 0 / 0.
        return np.divide(cosines, around, out=np.zeros_like(cosines), where=around != 0)
    if margin == "distance":
        return cosines - around
    if margin == "csls":
        return 2 * (cosines - around)
    return cosines
