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
_ROUNDED = 16_384  # vectors that are rounded at once
_MULTIPLIED = 2_048  # pairs whose vectors are held at once: some megabytes, within a processor's cache
_SORTED = 256  # rows that are compared with everything at once


@dataclass(frozen=True, slots=True)
class Error:
    """How far products of a screen can be from the true ones: by what rounding did to the sides, and to the product."""

    of_sides: float = 0.0
    relative: float = 0.0

    def at(self, largest: Tensor) -> Tensor:
        """Return how far products can be from the true ones that are up to `largest`, each."""
        return self.of_sides + self.relative * (largest.abs() + self.of_sides) + _SUMMING

    def or_worse(self, other: Error) -> Error:
        """Return an error that bounds both."""
        return Error(max(self.of_sides, other.of_sides), max(self.relative, other.relative))


class Screen:
    """Products of two sides of vectors of length 1, in float32 or, to be looked at twice, in bf16.

    |a'b' - ab| <= |a' - a| |b'| + |a| |b' - b| for what rounding makes of a and b, and then the product is rounded too.
    Encoders put all sentences into a narrow cone, where that error would hide the differences. So bf16 products are of
    vectors less their centre c, which are short: ab - cc = (a - c)(b - c) + c(a - c) + c(b - c), the last two as
    columns beside the vectors. What orders the products of a row stays as it is.

    Args:
        rows: (N, D) float32.
        columns: (M, D) float32.
        centre: (D,); any gives the same neighbours, the vectors' mean soonest. Products of screens with the same centre
            can be compared.
    """

    def __init__(self, rows: Tensor, columns: Tensor, centre: Tensor) -> None:
        self._rows, self._columns = rows, columns
        self.error = Error()
        if _in_hardware():
            ours, theirs = _Short.of(rows, centre), _Short.of(columns, centre)
            ones = [torch.ones(len(side), 2, dtype=torch.bfloat16) for side in (rows, columns)]
            self._rows = torch.cat([ours.vectors, ours.beside, ones[0]], dim=1)
            self._columns = torch.cat([theirs.vectors, ones[1], theirs.beside], dim=1)
            of_vectors = ours.rounding * (theirs.length + theirs.rounding) + ours.length * theirs.rounding
            self.error = Error(of_vectors + ours.rest + theirs.rest, _ROUNDING)

    def block(self, rows: slice | Tensor, columns: slice) -> Tensor:
        """Return the products of a block; `rows` may be a list of them."""
        return product(self._rows[rows], self._columns[columns])


@dataclass(frozen=True, slots=True)
class _Short:
    """Vectors less a centre, in bf16, and what rounding them took away.

    Attributes:
        vectors: (N, D).
        beside: (N, 2) their products with the centre, in two parts, the second being what the first leaves.
        length: the greatest length of a vector before rounding.
        rounding: the greatest length of what rounding changed.
        rest: the most that both parts of `beside` leave.
    """

    vectors: Tensor
    beside: Tensor
    length: float
    rounding: float
    rest: float

    @staticmethod
    def of(exact: Tensor, centre: Tensor) -> _Short:
        """Shorten and round (N, D) float32 vectors, some at a time."""
        vectors, beside, most = [], [], [0.0, 0.0, 0.0]
        for piece in torch.split(exact, _ROUNDED):
            short = piece - centre
            along = short @ centre
            high = along.bfloat16()
            low = (along - high).bfloat16()
            vectors.append(short.bfloat16())
            beside.append(torch.stack([high, low], dim=1))
            errors = (short, short - vectors[-1], (along - high - low)[:, None])
            most = [max(known, float(error.norm(dim=1).max())) for known, error in zip(most, errors, strict=True)]
        return _Short(torch.cat(vectors), torch.cat(beside), *most)


def product(rows: Tensor, columns: Tensor) -> Tensor:
    """Return rows @ columns.T, by oneDNN where that is quicker than PyTorch's MKL (see encoders/packed.py)."""
    if len(rows) * len(columns) < _FEWEST_PACKED or rows.dtype != torch.float32 or not _HAS_ONEDNN:
        return rows @ columns.T
    packed = torch.ops.mkldnn._reorder_linear_weight(columns, len(rows))
    found: Tensor = torch.ops.mkldnn._linear_pointwise(rows, packed, None, "none", [], "")
    return found


def _in_hardware() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


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
    """The best of each of N rows while blocks arrive: somewhat more than k, by the products of the screen.

    Args:
        n: rows.
        k: how many of each are wanted.
    """

    def __init__(self, n: int, k: int) -> None:
        self.k = k
        self._products = torch.full((n, 2 * k + 8), -torch.inf)
        self._indices = torch.full((n, 2 * k + 8), -1, dtype=torch.int64)

    def take(self, block: Block, names: tuple[Tensor, Tensor], error: Error) -> None:
        """Take in what of a block may be among the k best: what is not further below them than two errors.

        Args:
            block: of R rows.
            names: (R,) which of the N rows they are, each once, and (C,) what its columns are called.
            error: of the block's products.
        """
        which, called = names
        kth = self._products[which, self.k - 1]
        if kth.isinf().any():  # The first block has to find its own bound; later ones add little to it.
            kth = torch.maximum(kth, block.kth_largest(self.k))
        row, column, product = block.from_on(_reach(kth, error))
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

    def candidates(self, error: Error) -> Tensor:
        """Return (N, 2 k + 8) what may be among the k best of each row, in no order; -1 in places that are left."""
        reach = _reach(self._products[:, self.k - 1], error)
        return self._indices.where(self._products >= reach[:, None], -1)

    def finish(self, own: Tensor, others: Tensor, error: Error) -> tuple[Tensor, Tensor]:
        """Return (N, k) float32 products and indices, nearest first and of equals the lowest index first."""
        found = self.candidates(error)
        row, place = (found >= 0).nonzero(as_tuple=True)
        exact = torch.full(found.shape, -torch.inf)
        exact[row, place] = exact_products(own, others, row, found[row, place])
        products, indices = _first(exact, found, self.k)
        # Where even the last one kept is that near, others that are not kept may be as well.
        full = (found[:, -1] >= 0) & (found.shape[1] < len(others))
        for some in torch.split(full.nonzero().squeeze(1), _SORTED):
            products[some], indices[some] = largest(product(own[some], others), self.k)
        return products, indices


def _reach(kth: Tensor, error: Error) -> Tensor:
    """Return the least product that may belong to one that is truly as large as the true k-th."""
    return torch.where(kth.isinf(), torch.finfo(kth.dtype).min, kth - 2 * error.at(kth))


def exact_products(own: Tensor, others: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Return (C,) float32 products of pairs, all by one routine, so that equal vectors have equal ones."""
    pieces = zip(torch.split(row, _MULTIPLIED), torch.split(column, _MULTIPLIED), strict=True)
    parts = [(own.index_select(0, r) * others.index_select(0, c)).sum(dim=1) for r, c in pieces]
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
