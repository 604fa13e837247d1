"""The k best of both sides of a similarity matrix that is made block by block and never sorted.

Of each run of columns only the largest product is looked at: what cannot be among the best of its row is not read
again. The other direction reads the same block by runs of rows, so that nothing is transposed.

Where the CPU multiplies bf16 in hardware, blocks of large sides are bf16. How far such a product can be from the true
one is known (bf16.py), so that a little more than k of each row are kept, of which the k best are certain to be; the
products of these are made again in float32, and rows that were not enough kept of are searched again. So the result
is that of float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .bf16 import ErrorBound, product

_MULTIPLIED = 2_048  # pairs whose vectors are held at once: some megabytes, within a processor's cache
_SORTED = 256  # rows that are compared with everything at once


def runs_of(n: int, k: int) -> tuple[int, int]:
    """Return how long the runs are in which n columns are read, and how many; together they may be more than n.

    There are many more runs than k, so that most hold none of the k best, and a multiple of 32, which is several times
    quicker to go through.
    """
    lengths = [length for length in (32, 16, 8, 4, 2) if n >= 4 * k * length] or [1]
    shapes = [(length, -(-n // (32 * length)) * 32) for length in lengths]
    return min(shapes, key=lambda shape: (shape[0] + 1) * shape[1])


@dataclass(frozen=True, slots=True)
class Block:
    """A block of products, read along its rows or (`turned`) down its columns, as runs.

    A run is every N-th column, or row, so that the largest of many runs are found side by side.

    Attributes:
        runs: of R rows along: (R, L, N), N runs of L; down, of R columns: (L, N, R).
        maxima: (R, N) the largest of each run.
    """

    runs: Tensor
    maxima: Tensor
    turned: bool

    @staticmethod
    def along(products: Tensor, length: int) -> Block:
        """Cut rows, a multiple of `length` long, into runs."""
        runs = products.view(len(products), length, -1)
        return Block(runs, runs.amax(dim=1).float(), turned=False)

    @staticmethod
    def down(products: Tensor, k: int) -> Block:
        """Cut columns into runs; the last is filled up with -inf."""
        length = next((length for length in (32, 16, 8, 4, 2) if len(products) >= 4 * k * length), 1)
        if fill := -len(products) % length:
            products = torch.nn.functional.pad(products, (0, 0, 0, fill), value=-torch.inf)
        runs = products.view(length, -1, products.shape[1])
        return Block(runs, runs.amax(dim=0).T.float(), turned=True)

    def kth_largest(self, k: int) -> Tensor:
        """Return (R,) at most the k-th largest of each row: that of its runs' largest."""
        if self.maxima.shape[1] < k:
            return torch.full((len(self.maxima),), -torch.inf)
        return self.maxima.topk(k, dim=1, sorted=True).values[:, -1]

    def at_least(self, bound: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return row, column and product, (C,) each, of all that reach the bound of their row; rows ascending."""
        row, run = (self.maxima >= bound[:, None]).nonzero(as_tuple=True)
        values = (self.runs[:, run, row].T if self.turned else self.runs[row, :, run]).float()
        which, offset = (values >= bound[row, None]).nonzero(as_tuple=True)
        return row[which], offset * self.maxima.shape[1] + run[which], values[which, offset]


class TopK:
    """The best of each of N rows while blocks arrive: somewhat more than k, by approximate products.

    Args:
        n: rows.
        k: how many of each are wanted.
    """

    def __init__(self, n: int, k: int) -> None:
        self.k = k
        self._products = torch.full((n, 2 * k + 8), -torch.inf)
        self._indices = torch.full((n, 2 * k + 8), -1, dtype=torch.int64)

    def update(self, block: Block, names: tuple[Tensor, Tensor], error: ErrorBound) -> None:
        """Add the products of a block that may be among the k best: those at most two errors below them.

        Args:
            block: of R rows.
            names: (R,) which of the N rows they are, each once, and (C,) what its columns are called.
            error: of the block's products.
        """
        which, called = names
        kth = self._products[which, self.k - 1]
        if kth.isinf().any():  # The first block has to find its own bound; later ones add little to it.
            kth = torch.maximum(kth, block.kth_largest(self.k))
        row, column, product = block.at_least(_lower_bound(kth, error))
        rows, place, counts = torch.unique_consecutive(row, return_inverse=True, return_counts=True)
        if not len(rows):
            return
        # One line a row: what was kept, then what is new; the longest has as many places as it needs.
        rows, kept = which[rows], self._products.shape[1]
        lines = torch.full((len(rows), kept + int(counts.max())), -torch.inf)
        named = torch.full(lines.shape, -1, dtype=torch.int64)
        lines[:, :kept], named[:, :kept] = self._products[rows], self._indices[rows]
        at = torch.arange(len(row)) - (counts.cumsum(0) - counts)[place] + kept
        lines[place, at], named[place, at] = product, called[column]
        self._products[rows], order = lines.topk(kept, dim=1)
        self._indices[rows] = named.gather(1, order)

    def candidates(self, error: ErrorBound) -> Tensor:
        """Return (N, 2 k + 8) what may be among the k best of each row, in no order; -1 in places that are left."""
        reach = _lower_bound(self._products[:, self.k - 1], error)
        return self._indices.where(self._products >= reach[:, None], -1)

    def finish(self, own: Tensor, others: Tensor, error: ErrorBound) -> tuple[Tensor, Tensor]:
        """Return (N, k) float32 products and indices, nearest first and of equals the lowest index first."""
        found = self.candidates(error)
        row, place = (found >= 0).nonzero(as_tuple=True)
        exact = torch.full(found.shape, -torch.inf)
        exact[row, place] = exact_products(own, others, row, found[row, place])
        products, indices = _k_largest(exact, found, self.k)
        # Where even the last one kept is that near, others that are not kept may be as well.
        full = (found[:, -1] >= 0) & (found.shape[1] < len(others))
        for some in torch.split(full.nonzero().squeeze(1), _SORTED):
            products[some], indices[some] = largest(product(own[some], others), self.k)
        return products, indices


def _lower_bound(kth: Tensor, error: ErrorBound) -> Tensor:
    """Return the least product that may belong to one that is truly as large as the true k-th."""
    return torch.where(kth.isinf(), torch.finfo(kth.dtype).min, kth - 2 * error.of_products(kth))


def exact_products(own: Tensor, others: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Return (C,) float32 products of pairs, all by one routine, so that equal vectors have equal ones."""
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
    """Return the k largest of each row, of equals the lowest index first."""
    order = indices.argsort(dim=1)
    products, indices = products.gather(1, order), indices.gather(1, order)
    order = products.argsort(dim=1, descending=True, stable=True)[:, :k]
    return products.gather(1, order), indices.gather(1, order)


def largest(products: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return (N, k) the largest of each row of a whole matrix, of equals the lowest index first.

    topk is free to order equal values as it likes; only the rows where it had that freedom (a tie within the
    k + 1 largest) are sorted again, in full and stably.
    """
    take = min(k + 1, products.shape[1])
    cosines, indices = _wide(products, take).topk(take, dim=1)
    tied = (cosines[:, 1:] == cosines[:, :-1]).any(dim=1).nonzero().squeeze(1)
    if len(tied):
        again, order = products[tied].sort(dim=1, descending=True, stable=True)
        cosines[tied], indices[tied] = again[:, :take], order[:, :take]
    return cosines[:, :k], indices[:, :k]


def _wide(products: Tensor, k: int) -> Tensor:
    """Return rows filled up with -inf to 64 k columns where they are somewhat shorter.

    From there on topk sorts in part, which takes it half the time (torch 2.13, TopKImpl.h).
    """
    few = 64 * k - products.shape[1]
    return torch.nn.functional.pad(products, (0, few), value=-torch.inf) if 0 < few < 32 * k else products
