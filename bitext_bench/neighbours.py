"""Exact nearest neighbours of both sides from one blockwise product.

Every bitext score is read off what `nearest_both_ways` returns, so a pair of languages costs one matrix
product, whatever number of directions, margins and ranks is reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Vectors = NDArray[np.float32]

# One block of similarities is at most 2,048 x 8,192 float32: 64 MB, and as much again for its transpose.
BLOCK_ROWS = 2_048
BLOCK_COLUMNS = 8_192


@dataclass(frozen=True, slots=True)
class Nearest:
    """The k nearest of each of N queries, nearest first; of equal cosines the lowest index first.

    Attributes:
        indices: (N, k) int64 rows of the other side.
        cosines: (N, k) float32 in [-1, 1], not increasing along a row.
    """

    indices: NDArray[np.int64]
    cosines: Vectors

    def mean(self, k: int) -> NDArray[np.float64]:
        """Return the (N,) mean cosine of each query's k nearest (fewer where there are fewer)."""
        return np.asarray(self.cosines[:, :k].mean(axis=1, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What one pass over source and target finds: `forward` source to target, `backward` the reverse."""

    forward: Nearest
    backward: Nearest

    @property
    def reversed(self) -> Neighbours:
        """The same with the sides exchanged: y-x is never searched again after x-y."""
        return Neighbours(forward=self.backward, backward=self.forward)


def unit(vectors: NDArray[np.floating]) -> Vectors:
    """Return the rows scaled to length 1, as float32; (N, D) in and out. Rows must not be zero."""
    exact = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(exact, axis=1, keepdims=True)
    return np.ascontiguousarray(exact / norms, dtype=np.float32)


def nearest_both_ways(source: Vectors, target: Vectors, k: int = 16) -> Neighbours:
    """Find the k nearest targets of each source and the k nearest sources of each target, exactly.

    Memory beyond the inputs is bounded by the block size and (N + M) * k results.

    Args:
        source: (N, D) float32, rows of length 1.
        target: (M, D) float32, rows of length 1.
        k: neighbours to keep; where the other side has fewer rows, all of them are kept.

    Raises:
        ValueError: a side is empty, or the dimensions differ.
    """
    import torch

    if not len(source) or not len(target) or source.shape[1] != target.shape[1]:
        raise ValueError(f"cannot compare shapes {source.shape} and {target.shape}")
    rows, columns = torch.from_numpy(source), torch.from_numpy(target)
    forward, backward = _Best(len(rows), min(k, len(columns))), _Best(len(columns), min(k, len(rows)))
    with torch.inference_mode():
        for left in range(0, len(columns), BLOCK_COLUMNS):
            block = columns[left : left + BLOCK_COLUMNS]
            for top in range(0, len(rows), BLOCK_ROWS):
                similarities = rows[top : top + BLOCK_ROWS] @ block.T
                forward.merge(similarities, first_row=top, first_column=left)
                backward.merge(similarities.T.contiguous(), first_row=left, first_column=top)
    return Neighbours(forward.result(), backward.result())


class _Best:
    """The running k best of each row while blocks of columns arrive in ascending order."""

    def __init__(self, n_rows: int, k: int) -> None:
        import torch

        self.k = k
        self.cosines = torch.full((n_rows, k), -torch.inf)
        self.indices = torch.zeros((n_rows, k), dtype=torch.int64)

    def merge(self, similarities: torch.Tensor, first_row: int, first_column: int) -> None:
        """Take in a block; columns seen before have lower indices, so a stable sort keeps them first."""
        import torch

        here = slice(first_row, first_row + len(similarities))
        cosines, indices = _top(similarities, min(self.k, similarities.shape[1]))
        indices += first_column
        if first_column or cosines.shape[1] < self.k:
            cosines = torch.cat([self.cosines[here], cosines], dim=1)
            indices = torch.cat([self.indices[here], indices], dim=1)
            cosines, order = cosines.sort(dim=1, descending=True, stable=True)
            cosines, indices = cosines[:, : self.k], indices.gather(1, order[:, : self.k])
        self.cosines[here], self.indices[here] = cosines, indices

    def result(self) -> Nearest:
        return Nearest(self.indices.numpy(), self.cosines.clamp(-1.0, 1.0).numpy())


def _top(similarities: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the k largest of each row with the lowest index first among equals.

    topk is free to order equal values as it likes; only the rows where it had that freedom (a tie within the
    k + 1 largest) are sorted again, in full and stably.
    """
    take = min(k + 1, similarities.shape[1])
    cosines, indices = similarities.topk(take, dim=1)
    tied = (cosines[:, 1:] == cosines[:, :-1]).any(dim=1).nonzero().squeeze(1)
    if len(tied):
        again, order = similarities[tied].sort(dim=1, descending=True, stable=True)
        cosines[tied], indices[tied] = again[:, :take], order[:, :take]
    return cosines[:, :k], indices[:, :k]
