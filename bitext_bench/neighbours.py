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

# A block of similarities is 16 MB in float32 and 8 MB in bf16, which a processor's last cache may hold.
WHOLE = 2_048 * 2_048  # similarities that are made at once and sorted; beyond, blockwise.py is quicker
BLOCK_ROWS = 1_024
BLOCK_COLUMNS = 4_096


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

    from .blockwise import Best, Block, largest, runs_of
    from .screen import Screen, product, sketch

    if not len(source) or not len(target) or source.shape[1] != target.shape[1]:
        raise ValueError(f"cannot compare shapes {source.shape} and {target.shape}")
    rows, columns = torch.from_numpy(source), torch.from_numpy(target)
    with torch.inference_mode():
        if len(rows) * len(columns) <= WHOLE:
            products = product(rows, columns)
            found = largest(products, min(k, len(columns)))
            return Neighbours(_nearest(*found), _nearest(*largest(products.T.contiguous(), min(k, len(rows)))))
        centre = (rows.mean(dim=0) + columns.mean(dim=0)) / 2
        screen = Screen(sketch(rows, centre, left=True), sketch(columns, centre, left=False))
        forward, backward = Best(len(rows), min(k, len(columns))), Best(len(columns), min(k, len(rows)))
        row_names, column_names = torch.arange(len(rows)), torch.arange(len(columns))
        for left in range(0, len(columns), BLOCK_COLUMNS):
            across = slice(left, left + BLOCK_COLUMNS)
            there = column_names[across]
            length, n_runs = runs_of(len(there), forward.k)
            for top in range(0, len(rows), BLOCK_ROWS):
                here = row_names[top : top + BLOCK_ROWS]
                products = screen.block(slice(top, top + BLOCK_ROWS), across, length * n_runs)
                forward.take(Block.along(products, length), (here, there), screen.error)
                backward.take(Block.down(products[:, : len(there)], backward.k), (there, here), screen.error)
        best = _nearest(*forward.finish(rows, columns, screen.error))
        return Neighbours(best, _nearest(*backward.finish(columns, rows, screen.error)))


def _nearest(cosines: torch.Tensor, indices: torch.Tensor) -> Nearest:
    return Nearest(indices.numpy(), cosines.clamp(-1.0, 1.0).numpy())
