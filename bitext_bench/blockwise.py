"""The k best of both sides of a similarity matrix that is made block by block and never sorted.

Of each run of columns only the largest product is looked at: what cannot be among the best of its row is not read
again. The other direction reads the same block by runs of rows, so that nothing is transposed.

Where the CPU multiplies bf16 in hardware, blocks of large sides are bf16. How far such a product can be from the true
one is known (`Screen`), so that a little more than k of each row are kept, of which the k best are certain to be; the
products of these are made again in float32, and rows that were not enough kept of are searched again. So the result
is that of float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_RUN = 32  # columns that one largest product stands for; shorter where a block has few
# Half a unit in the last place of bf16, relative: what rounding a product to it can add.
_ROUNDING = 2.0**-9
# Of float32 sums of some hundred products that add up to 1 at most, and of the error's own change within its reach.
_SUMMING = 3e-5
_FEWEST_PACKED = 2**16  # products for which oneDNN's own order of a side is worth making
_HAS_ONEDNN = bool(torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_reorder_linear_weight"))
_GATHERED = 16_384  # pairs whose vectors are held at once
_SORTED = 256  # rows that are compared with everything at once


class Screen:
    """Products of two sides of vectors of length 1, in float32 or, to be looked at twice, in bf16.

    |a'b' - ab| <= |a' - a| |b'| + |a| |b' - b| for what rounding makes of a and b, and then the product is rounded too.
    """

    def __init__(self, rows: Tensor, columns: Tensor) -> None:
        self._rows, self._columns = rows, columns
        self._of_sides = 0.0
        self._relative = 0.0
        if _in_hardware():
            self._rows, self._columns = rows.bfloat16(), columns.bfloat16()
            ours, theirs = _rounding_error(rows, self._rows), _rounding_error(columns, self._columns)
            self._of_sides, self._relative = ours * (1 + theirs) + theirs, _ROUNDING

    def block(self, rows: slice, columns: slice) -> Tensor:
        """Return the products of a block."""
        return product(self._rows[rows], self._columns[columns])

    def error(self, largest: Tensor) -> Tensor:
        """Return how far products can be from the true ones that are up to `largest`, each."""
        return self._of_sides + self._relative * (largest.abs() + self._of_sides) + _SUMMING


def product(rows: Tensor, columns: Tensor) -> Tensor:
    """Return rows @ columns.T, by oneDNN where that is quicker than PyTorch's MKL (see encoders/packed.py)."""
    if len(rows) * len(columns) < _FEWEST_PACKED or rows.dtype != torch.float32 or not _HAS_ONEDNN:
        return rows @ columns.T
    packed = torch.ops.mkldnn._reorder_linear_weight(columns, len(rows))
    found: Tensor = torch.ops.mkldnn._linear_pointwise(rows, packed, None, "none", [], "")
    return found


def _in_hardware() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _rounding_error(exact: Tensor, rounded: Tensor) -> float:
    pieces = zip(torch.split(exact, _GATHERED), torch.split(rounded, _GATHERED), strict=True)
    return max(float((piece - short.float()).norm(dim=1).max()) for piece, short in pieces)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of products, read along its rows or (`down`) down its columns, as runs.

    A run is every N-th column, or row, so that the largest of many runs are found side by side.

    Attributes:
        runs: of R rows along: (R, L, N), N runs of L; down, of R columns: (L, N, R).
        maxima: (R, N) the largest of each run.
    """

    runs: Tensor
    maxima: Tensor
    down: bool

    @staticmethod
    def of(products: Tensor, k: int, *, down: bool) -> Block:
        """Cut a block into runs; the last is filled up with -inf."""
        n = len(products) if down else products.shape[1]
        length = _RUN
        while length > 1 and n < 4 * k * length:  # many more runs than k, so that most hold none of the k best
            length //= 2
        if fill := -n % length:
            around = (0, 0, 0, fill) if down else (0, fill)
            products = torch.nn.functional.pad(products, around, value=-torch.inf)
        if down:
            runs = products.view(length, -1, products.shape[1])
            return Block(runs, runs.amax(dim=0).T.float(), down)
        runs = products.view(len(products), length, -1)
        return Block(runs, runs.amax(dim=1).float(), down)

    def kth_largest(self, k: int) -> Tensor:
        """Return (R,) at most the k-th largest of each row: that of its runs' largest."""
        if self.maxima.shape[1] < k:
            return torch.full((len(self.maxima),), -torch.inf)
        return self.maxima.topk(k, dim=1, sorted=True).values[:, -1]

    def from_on(self, bound: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return row, column and product, (C,) each, of all that reach the bound of their row; rows ascending."""
        row, run = (self.maxima >= bound[:, None]).nonzero(as_tuple=True)
        values = (self.runs[:, run, row].T if self.down else self.runs[row, :, run]).float()
        which, offset = (values >= bound[row, None]).nonzero(as_tuple=True)
        return row[which], offset * self.maxima.shape[1] + run[which], values[which, offset]


class Best:
    """The best of each of N rows while blocks arrive: somewhat more than k, by the products of the screen."""

    def __init__(self, own: Tensor, others: Tensor, k: int) -> None:
        self._own, self._others, self.k = own, others, k
        width = 2 * k + 8
        self._products = torch.full((len(own), width), -torch.inf)
        self._indices = torch.zeros((len(own), width), dtype=torch.int64)

    def take(self, block: Block, first_row: int, first_column: int, screen: Screen) -> None:
        """Take in what of a block may be among the k best: what is not further below them than two errors."""
        here = slice(first_row, first_row + len(block.maxima))
        kth = self._products[here, self.k - 1]
        if kth.isinf().any():  # The first block has to find its own bound; later ones add little to it.
            kth = torch.maximum(kth, block.kth_largest(self.k))
        row, column, product = block.from_on(self._reach(kth, screen))
        rows, place, counts = torch.unique_consecutive(row, return_inverse=True, return_counts=True)
        if not len(rows):
            return
        # One line a row: what was kept, then what is new; the longest has as many places as it needs.
        kept = self._products.shape[1]
        lines = torch.full((len(rows), kept + int(counts.max())), -torch.inf)
        named = torch.zeros(lines.shape, dtype=torch.int64)
        rows += first_row
        lines[:, :kept], named[:, :kept] = self._products[rows], self._indices[rows]
        at = torch.arange(len(row)) - (counts.cumsum(0) - counts)[place] + kept
        lines[place, at], named[place, at] = product, column + first_column
        self._products[rows], order = lines.topk(kept, dim=1)
        self._indices[rows] = named.gather(1, order)

    @staticmethod
    def _reach(kth: Tensor, screen: Screen) -> Tensor:
        """Return the least product that may belong to one that is truly as large as the true k-th."""
        return torch.where(kth.isinf(), kth, kth - 2 * screen.error(kth))

    def finish(self, screen: Screen) -> tuple[Tensor, Tensor]:
        """Return (N, k) float32 products and indices, nearest first and of equals the lowest index first."""
        reach = self._reach(self._products[:, self.k - 1], screen)
        near = self._products >= reach[:, None]
        row, place = near.nonzero(as_tuple=True)
        exact = torch.full(self._products.shape, -torch.inf)
        exact[row, place] = exact_products(self._own, self._others, row, self._indices[row, place])
        cosines, indices = _first(exact, self._indices, self.k)
        # Where even the last one kept is that near, others that are not kept may be as well.
        for some in torch.split((near[:, -1] & (near.shape[1] < len(self._others))).nonzero().squeeze(1), _SORTED):
            cosines[some], indices[some] = largest(product(self._own[some], self._others), self.k)
        return cosines, indices


def exact_products(own: Tensor, others: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Return (C,) float32 products of pairs, all by one routine, so that equal vectors have equal ones."""
    pieces = zip(torch.split(row, _GATHERED), torch.split(column, _GATHERED), strict=True)
    parts = [(own[r] * others[c]).sum(dim=1) for r, c in pieces]
    return torch.cat(parts) if parts else torch.zeros(0)


def _first(products: Tensor, indices: Tensor, k: int) -> tuple[Tensor, Tensor]:
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
