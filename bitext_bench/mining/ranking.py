"""The k best candidates of each query: collected by block, then ranked by cosines that do not depend on blocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..scoring.neighbors import Nearest, Vectors
from .sides import group_by_shard

# Rows multiplied at a time, in double precision: 100 MB at 384 dimensions.
_CHUNK = 16_384


class TopCandidates:
    """The k best candidates of each of N queries so far, padded with -1 and cosine -inf."""

    def __init__(self, n: int, k: int) -> None:
        self.indices = np.full((n, k), -1, dtype=np.int64)
        self.cosines = np.full((n, k), -np.inf, dtype=np.float32)

    def merge(
        self, queries: slice | NDArray[np.int64], indices: NDArray[np.int64], cosines: NDArray[np.float32]
    ) -> None:
        """Add new candidates (Q, c) of some queries. Ties are in order of index."""
        k = self.indices.shape[1]
        all_indices = np.concatenate([self.indices[queries], indices], axis=1)
        all_cosines = np.concatenate([self.cosines[queries], cosines], axis=1)
        best = _nearest(all_indices, all_cosines, k)
        self.indices[queries], self.cosines[queries] = best.indices, best.cosines


def rescore(
    queries: Vectors, candidates: NDArray[np.int64], shard: Callable[[int], Vectors], shard_lines: int, k: int
) -> Nearest:
    """Rank candidates by cosines in double precision, computed pair by pair so that they depend only on the pair.

    Args:
        queries: (N, D) normalized vectors.
        candidates: (N, c) rows of the other side; -1 for none.
        shard: function that returns the vectors of a shard of the other side.
        shard_lines: rows in a shard.
        k: number of results for each query, at most c.
    """
    flat = candidates.ravel()
    known = np.flatnonzero(flat >= 0)
    cosines = np.full(len(flat), -np.inf, dtype=np.float32)
    for number, at in group_by_shard(flat[known], shard_lines):
        rows = shard(number)
        places = known[at]
        local = flat[places] - number * shard_lines
        cosines[places] = pair_cosines(queries, places // candidates.shape[1], rows, local)
    return _nearest(candidates, cosines.reshape(candidates.shape), k)


def _nearest(indices: NDArray[np.int64], cosines: NDArray[np.float32], k: int) -> Nearest:
    """Return the k best of each row of candidates, nearest first. Ties are in order of index."""
    order = np.lexsort((indices, -cosines), axis=1)[:, :k]
    return Nearest(np.take_along_axis(indices, order, axis=1), np.take_along_axis(cosines, order, axis=1))


def pair_cosines(left: Vectors, i: NDArray[np.int64], right: Vectors, j: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the cosines (P,) of left[i] and right[j], which have length 1."""
    found = np.empty(len(i), dtype=np.float32)
    for first in range(0, len(i), _CHUNK):
        here = slice(first, first + _CHUNK)
        products = left[i[here]].astype(np.float64) * right[j[here]]
        found[here] = products.sum(axis=1).clip(-1.0, 1.0)
    return found
