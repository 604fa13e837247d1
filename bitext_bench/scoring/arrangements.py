"""Agreement with arrangements: people place texts on a canvas, and similar texts should be close to each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def alpha_auc(arrangements: Sequence[tuple[Matrix, Matrix]], thresholds: Matrix) -> float | None:
    """Return the agreement on which of two texts is closer to a third, from -1 to 1; 0 is chance.

    For a threshold d, alpha(d) = 2 p - 1, where p is the share of triplets on which model and people agree, among those
    in which the farther text is more than d times as far as the closer one. The result is the area under alpha over
    log d, divided by the range of log d (mteb 2.26, StakeholderGrounding). None if no triplet has such a difference.

    Args:
        arrangements: (n, n) distances by people, and (n, n) similarities of the model, of each arrangement.
        thresholds: (T,) rising values of d, at least 1.
    """
    judged = [_triplets(distances, similarities) for distances, similarities in arrangements]
    ratios, agree = (np.concatenate(columns) for columns in zip(*judged, strict=True))
    kept = [threshold for threshold in thresholds if (ratios > threshold).any()]
    if not kept:
        return None
    alphas = np.array([2 * agree[ratios > threshold].mean() - 1 for threshold in kept])
    logs = np.log(kept)
    span = logs[-1] - logs[0]
    return float(np.trapezoid(alphas, logs) / span if span else alphas.mean())


def _triplets(distances: Matrix, similarities: Matrix) -> tuple[Matrix, NDArray[np.bool_]]:
    """Return for each triplet how many times as far the farther text is, and whether the model agrees."""
    n = len(distances)
    anchor, i, j = (index.ravel() for index in np.indices((n, n, n)))
    different = (i < j) & (anchor != i) & (anchor != j)
    anchor, i, j = anchor[different], i[different], j[different]
    i_is_closer = distances[anchor, i] < distances[anchor, j]
    closer, farther = np.where(i_is_closer, i, j), np.where(i_is_closer, j, i)
    with np.errstate(divide="ignore", invalid="ignore"):  # texts at the same place
        ratios = distances[anchor, farther] / distances[anchor, closer]
    return ratios, similarities[anchor, closer] > similarities[anchor, farther]


def square(pairs: Sequence[tuple[str, str]], values: NDArray[np.floating]) -> Matrix:
    """Return the symmetric matrix of values for pairs of texts; rows are in order of first occurrence.

    >>> square([("a", "b"), ("b", "c")], np.array([1, 2])).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 2.0], [0.0, 2.0, 0.0]]
    """
    place = {text: row for row, text in enumerate(dict.fromkeys(text for pair in pairs for text in pair))}
    matrix = np.zeros((len(place), len(place)))
    for (a, b), value in zip(pairs, values.tolist(), strict=True):
        matrix[place[a], place[b]] = matrix[place[b], place[a]] = value
    return matrix
