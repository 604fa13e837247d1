"""Find the k largest products of each row, in blocks of any rows and any columns, without sorting them.

Each block is divided into runs of columns. A run is read again only if its maximum can be among the k largest of the
row. (If a row meets every column, runs.py is faster.)

If the CPU multiplies bf16 in hardware, blocks of large sides are bf16. The error of such a product is bounded
(bf16.py), so keeping slightly more than k candidates for each row is enough to include the k best. Their products are
then computed again in float32. Rows with too many candidates are searched again. The result equals that of float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .bf16 import ErrorBound, product

_MULTIPLIED = 2_048  # pairs whose vectors are held at once: a few megabytes, which fit in the CPU's cache
_SORTED = 256  # rows that are searched in full at once


def runs_of(n: int, k: int) -> tuple[int, int]:
    """Return the length and the number of the runs for n columns. Together they may cover more than n.

    There are many more runs than k, so that most contain none of the k best. Their number is a multiple of 32, which
    is several times faster to scan.
    """
    lengths = [length for length in (32, 16, 8, 4, 2) if n >= 4 * k * length] or [1]
    shapes = [(length, -(-n // (32 * length)) * 32) for length in lengths]
    return min(shapes, key=lambda shape: (shape[0] + 1) * shape[1])


@dataclass(frozen=True, slots=True)
class Block:
    """A block of products whose rows are divided into runs.

    A run consists of every N-th column, so the maxima of many runs are computed in one vectorized pass.

    Attributes:
        runs: (R, L, N), N runs of length L for each of R rows.
        maxima: (R, N) maximum of each run.
    """

    runs: Tensor
    maxima: Tensor

    @staticmethod
    def of(products: Tensor, length: int) -> Block:
        """Divide products (R, L * N) into runs."""
        runs = products.view(len(products), length, -1)
        return Block(runs, runs.amax(dim=1).float())

    def kth_largest(self, k: int) -> Tensor:
        """Return a lower bound (R,) for the k-th largest value of each row: the k-th largest run maximum."""
        if self.maxima.shape[1] < k:
            return torch.full((len(self.maxima),), -torch.inf)
        return self.maxima.topk(k, dim=1, sorted=True).values[:, -1]

    def at_least(self, bound: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return row, column and product, (C,) each, of all products that reach the bound of their row, by row."""
        row, run = (self.maxima >= bound[:, None]).nonzero(as_tuple=True)
        values = self.runs[row, :, run].float()
        which, offset = (values >= bound[row, None]).nonzero(as_tuple=True)
        return row[which], offset * self.maxima.shape[1] + run[which], values[which, offset]


def kept_for(k: int) -> int:
    """Return the number of candidates to keep for k results."""
    return 2 * k + 8


class TopK:
    """Collect the best candidates of each of N rows, block by block: slightly more than k, by approximate products.

    Args:
        n: number of rows.
        k: number of results for each row.
        found: products and columns, (n, kept_for(k)) each, to start with: largest first, then -inf and -1.
    """

    def __init__(self, n: int, k: int, found: tuple[Tensor, Tensor] | None = None) -> None:
        self.k = k
        nothing = torch.full((n, kept_for(k)), -torch.inf), torch.full((n, kept_for(k)), -1, dtype=torch.int64)
        self._products, self._indices = found or nothing

    def update(self, block: Block, names: tuple[Tensor, Tensor], error: ErrorBound) -> None:
        """Add the products of a block that may be among the k best, that is, at most two errors below the k-th.

        Args:
            block: a block of R rows and C columns.
            names: (R,) row numbers, without repetition, and (C,) column numbers.
            error: error bound of the products.
        """
        which, called = names
        kth = self._products[which, self.k - 1]
        if kth.isinf().any():  # The first block computes its own bound; later blocks hardly improve it.
            kth = torch.maximum(kth, block.kth_largest(self.k))
        row, column, product = block.at_least(lower_bound(kth, error))
        rows, place, counts = torch.unique_consecutive(row, return_inverse=True, return_counts=True)
        if not len(rows):
            return
        # One line for each row: the kept candidates, then the new ones, padded to the longest line.
        rows, kept = which[rows], self._products.shape[1]
        lines = torch.full((len(rows), kept + int(counts.max())), -torch.inf)
        named = torch.full(lines.shape, -1, dtype=torch.int64)
        lines[:, :kept], named[:, :kept] = self._products[rows], self._indices[rows]
        at = torch.arange(len(row)) - (counts.cumsum(0) - counts)[place] + kept
        lines[place, at], named[place, at] = product, called[column]
        self._products[rows], order = lines.topk(kept, dim=1)
        self._indices[rows] = named.gather(1, order)

    def candidates(self, error: ErrorBound) -> Tensor:
        """Return the columns (N, kept_for(k)) that may be among the k best of each row, padded with -1."""
        reach = lower_bound(self._products[:, self.k - 1], error)
        return self._indices.where(self._products >= reach[:, None], -1)

    def finish(self, own: Tensor, others: Tensor, error: ErrorBound) -> tuple[Tensor, Tensor]:
        """Return float32 products and indices, (N, k) each, nearest first. Ties are in order of index."""
        found = self.candidates(error)
        row, place = (found >= 0).nonzero(as_tuple=True)
        exact = torch.full(found.shape, -torch.inf)
        exact[row, place] = exact_products(own, others, row, found[row, place])
        products, indices = _k_largest(exact, found, self.k)
        # If all places are filled, candidates may have been dropped.
        dropped = (found[:, -1] >= 0) & (found.shape[1] < len(others))
        search_in_full(dropped, own, others, (products, indices))
        return products, indices


def search_in_full(wanted: Tensor, own: Tensor, others: Tensor, results: tuple[Tensor, Tensor]) -> None:
    """Replace the results, (N, k) each, of the rows that `wanted` (N,) names, after a search of all columns."""
    products, indices = results
    for some in torch.split(wanted.nonzero().squeeze(1), _SORTED):
        products[some], indices[some] = largest_of_rows(product(own[some], others), products.shape[1])


def lower_bound(kth: Tensor, error: ErrorBound) -> Tensor:
    """Return the smallest approximate product whose exact value may reach the exact k-th largest."""
    return torch.where(kth.isinf(), torch.finfo(kth.dtype).min, kth - 2 * error.of_products(kth))


def exact_products(own: Tensor, others: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Return the float32 products (C,) of pairs, all from one routine, so that equal vectors give equal products."""
    found = torch.empty(len(row))
    # One buffer, reused: results allocated between temporary vectors would fragment the heap.
    buffer = torch.empty((2, min(_MULTIPLIED, len(row)), own.shape[1]))
    for first in range(0, len(row), _MULTIPLIED):
        here = slice(first, first + _MULTIPLIED)
        left, right = buffer[:, : len(row[here])]
        torch.index_select(own, 0, row[here], out=left)
        torch.index_select(others, 0, column[here], out=right)
        torch.sum(left.mul_(right), dim=1, out=found[here])
    return found


def _k_largest(products: Tensor, indices: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k largest of each row. Ties are in order of index."""
    order = indices.argsort(dim=1)
    products, indices = products.gather(1, order), indices.gather(1, order)
    order = products.argsort(dim=1, descending=True, stable=True)[:, :k]
    return products.gather(1, order), indices.gather(1, order)


def largest_of_rows(products: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k largest of each row of a complete matrix, (N, k). Ties are in order of index.

    torch.topk orders ties arbitrarily, so rows with a tie among the k + 1 largest are sorted again, in full and
    stably.
    """
    take = min(k + 1, products.shape[1])
    cosines, indices = _wide(products, take).topk(take, dim=1)
    tied = (cosines[:, 1:] == cosines[:, :-1]).any(dim=1).nonzero().squeeze(1)
    if len(tied):
        again, order = products[tied].sort(dim=1, descending=True, stable=True)
        cosines[tied], indices[tied] = again[:, :take], order[:, :take]
    return cosines[:, :k], indices[:, :k]


def _wide(products: Tensor, k: int) -> Tensor:
    """Pad rows with -inf to 64 k columns if they are slightly shorter.

    With that many columns topk uses a partial sort, which takes half the time (torch 2.13, TopKImpl.h).
    """
    few = 64 * k - products.shape[1]
    return torch.nn.functional.pad(products, (0, few), value=-torch.inf) if 0 < few < 32 * k else products
