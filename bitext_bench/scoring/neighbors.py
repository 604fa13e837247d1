"""Exact nearest neighbors of both sides from one blockwise product.

All bitext scores except CSLS derive from the result of `search_bidirectional`, so a language pair costs one matrix
product for all directions, margins and ranks. CSLS ranks all candidates and needs a second pass (`nearest_with_csls`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .small import csls_winners, is_small, largest, similarities

if TYPE_CHECKING:
    import torch

    from .tiles import Found

Vectors = NDArray[np.float32]

MAX_FULL_MATRIX = 2_048 * 2_048  # similarities that are computed at once and sorted; tiles.py is faster for more
BLOCK_ROWS = 1_024
BLOCK_COLUMNS = 2_048  # in float32, and twice as many in bf16: 8 MB, which fit in the last-level cache of most CPUs


@dataclass(frozen=True, slots=True)
class Nearest:
    """The k nearest neighbors of each of N queries, nearest first. Ties are in order of index.

    Attributes:
        indices: (N, k) int64 rows of the other side.
        cosines: (N, k) float32 in [-1, 1], not increasing along a row.
    """

    indices: NDArray[np.int64]
    cosines: Vectors

    def mean(self, k: int) -> NDArray[np.float64]:
        """Return the mean cosine (N,) of each query's k nearest neighbors (or of all, if there are fewer)."""
        return np.asarray(self.cosines[:, :k].mean(axis=1, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Neighbors:
    """Neighbors in both directions: `forward` from source to target, `backward` from target to source."""

    forward: Nearest
    backward: Nearest

    @property
    def reversed(self) -> Neighbors:
        """The same neighbors with the sides swapped, so that y-x needs no search after x-y."""
        return Neighbors(forward=self.backward, backward=self.forward)


@dataclass(frozen=True, slots=True)
class CslsWinners:
    """The row with the highest CSLS on the other side: for each source in `forward` (N,), for each target (M,)."""

    forward: NDArray[np.int64]
    backward: NDArray[np.int64]

    @property
    def reversed(self) -> CslsWinners:
        """The same rows with the sides swapped."""
        return CslsWinners(self.backward, self.forward)


def normalize(vectors: NDArray[np.floating]) -> Vectors:
    """Return the rows (N, D) scaled to length 1, as float32. No row may be zero."""
    exact = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(exact, axis=1, keepdims=True)
    return np.ascontiguousarray(exact / norms, dtype=np.float32)


def search_bidirectional(source: Vectors, target: Vectors, k: int = 16) -> Neighbors:
    """Find the k nearest targets of each source and the k nearest sources of each target, exactly.

    Memory beyond the inputs is limited to one block and (N + M) * k results.

    Args:
        source: (N, D) float32, rows of length 1.
        target: (M, D) float32, rows of length 1.
        k: number of neighbors, limited to the rows of the other side.

    Raises:
        ValueError: a side is empty, or the dimensions differ.
    """
    _check_sides(source, target)
    if is_small(source, target):
        return _small_neighbors(similarities(source, target), k)
    import torch

    rows, columns = torch.from_numpy(source), torch.from_numpy(target)
    with torch.inference_mode():
        return _neighbors(*_largest_of_both(rows, columns, k, _full_product(rows, columns)))


def nearest_with_csls(source: Vectors, target: Vectors, k: int, csls_k: int) -> tuple[Neighbors, CslsWinners]:
    """Search as `search_bidirectional` does, and find the row with the highest CSLS for each row.

    CSLS(x, y) = 2 cos(x, y) - m(x) - m(y), where m is the mean cosine of a row's csls_k nearest neighbors on the other
    side (Conneau et al. 2018, arXiv:1710.04087, equation 3). The means are known only after the search, so the ranking
    takes a second pass over the similarities. Scores are float32; ties go to the lowest row.

    Args:
        source: (N, D) float32, rows of length 1.
        target: (M, D) float32, rows of length 1.
        k: number of neighbors, at least csls_k.
        csls_k: size of the neighborhoods.

    Raises:
        ValueError: a side is empty, the dimensions differ, or k is less than csls_k.
    """
    if k < csls_k:
        raise ValueError(f"cannot take the mean of {csls_k} neighbors: only {k} are kept")
    _check_sides(source, target)
    if is_small(source, target):
        products = similarities(source, target)
        neighbors = _small_neighbors(products, k)
        return neighbors, CslsWinners(*csls_winners(products, *_half_means(neighbors, csls_k)))
    import torch

    rows, columns = torch.from_numpy(source), torch.from_numpy(target)
    with torch.inference_mode():
        whole = _full_product(rows, columns)
        neighbors = _neighbors(*_largest_of_both(rows, columns, k, whole))
        of_rows, of_columns = map(torch.from_numpy, _half_means(neighbors, csls_k))
        return neighbors, _csls(rows, columns, (of_rows, of_columns), whole)


def _check_sides(source: Vectors, target: Vectors) -> None:
    if not len(source) or not len(target) or source.shape[1] != target.shape[1]:
        raise ValueError(f"cannot compare shapes {source.shape} and {target.shape}")


def _small_neighbors(products: Vectors, k: int) -> Neighbors:
    found = (largest(products, min(k, products.shape[1])), largest(products.T, min(k, len(products))))
    return Neighbors(*(Nearest(indices, values.clip(-1.0, 1.0)) for indices, values in found))


def _half_means(neighbors: Neighbors, csls_k: int) -> tuple[Vectors, Vectors]:
    """Return half of the mean cosine of each row and of each column, less a term that is the same for all of a side.

    A term that is equal for all candidates does not change their order.
    """
    means = (neighbors.forward.mean(csls_k), neighbors.backward.mean(csls_k))
    of_rows, of_columns = (((m - m.mean()) / 2).astype(np.float32) for m in means)
    return of_rows, of_columns


def _full_product(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor | None:
    """Return all similarities, or None if there are too many to hold at once."""
    from .bf16 import product

    return product(rows, columns) if len(rows) * len(columns) <= MAX_FULL_MATRIX else None


def _largest_of_both(
    rows: torch.Tensor, columns: torch.Tensor, k: int, products: torch.Tensor | None
) -> tuple[Found, Found]:
    """Return the k largest products of each row and of each column; `products` has all of them, if known."""
    from . import gpu, tiles
    from .topk import largest_of_rows

    if products is not None:
        found = largest_of_rows(products, min(k, len(columns)))
        return found, largest_of_rows(products.T.contiguous(), min(k, len(rows)))
    if device := gpu.search_device(rows, columns, k):
        return gpu.largest_of_both(rows, columns, k, device)
    return tiles.largest_of_both(rows, columns, k, (BLOCK_ROWS, BLOCK_COLUMNS))


def _neighbors(forward: Found, backward: Found) -> Neighbors:
    return Neighbors(*(Nearest(found[1].numpy(), found[0].clamp(-1.0, 1.0).numpy()) for found in (forward, backward)))


def _csls(
    rows: torch.Tensor,
    columns: torch.Tensor,
    half_means: tuple[torch.Tensor, torch.Tensor],
    products: torch.Tensor | None,
) -> CslsWinners:
    """Return the winners, given half of the mean cosine of each row and of each column."""
    import torch

    of_rows, of_columns = half_means
    if products is not None:
        forward, backward = (products - of_columns).argmax(dim=1), (products - of_rows[:, None]).argmax(dim=0)
        return CslsWinners(forward.numpy(), backward.numpy())
    # a.b - p - q is the product of (a, s, -p / s) and (b, -q / s, s). With s = sqrt(p) all vectors are short, as
    # bf16.py needs.
    scale = float(torch.cat([of_rows, of_columns]).abs().max().sqrt().clamp(min=1e-3))
    left = torch.cat([rows, torch.full((len(rows), 1), scale), -of_rows[:, None] / scale], dim=1)
    right = torch.cat([columns, -of_columns[:, None] / scale, torch.full((len(columns), 1), scale)], dim=1)
    (_, forward), (_, backward) = _largest_of_both(left, right, 1, None)
    return CslsWinners(forward[:, 0].numpy(), backward[:, 0].numpy())
