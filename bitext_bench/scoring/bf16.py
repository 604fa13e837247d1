"""Products of vectors that are made quickly and are known to be near enough: bf16 where the CPU multiplies that.

|a'b' - ab| <= |a' - a| |b'| + |a| |b' - b| for what rounding makes of a and b, and then the product is rounded too.
Encoders put all sentences into a narrow cone, where that error would hide the differences. So bf16 products are of
vectors less a center c, which are short: ab - cc = (a - c)(b - c) + c(a - c) + c(b - c), the last two as columns beside
the vectors. What orders the products of a row, and of a column, stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

# Half a unit in the last place of bf16, relative: what rounding a number to it can change.
_ROUNDING = 2.0**-9
# Of float32 sums of some hundred products that add up to 1 at most, and of the error's own change within its reach.
_SUMMING = 3e-5
_ROUNDED = 4_096  # vectors that are rounded at once
_FEWEST_PACKED = 2**16  # products for which oneDNN's own order of a side is worth making
_HAS_ONEDNN = bool(torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_reorder_linear_weight"))


@dataclass(frozen=True, slots=True)
class ErrorBound:
    """How far products can be from the true ones: by what rounding did to the sides, and to the product."""

    of_sides: float = 0.0
    relative: float = 0.0

    def of_products(self, largest: Tensor) -> Tensor:
        """Return how far products can be from the true ones that are up to `largest`, each."""
        return self.of_sides + self.relative * (largest.abs() + self.of_sides) + _SUMMING

    def maximum(self, other: ErrorBound) -> ErrorBound:
        """Return an error that bounds both."""
        return ErrorBound(max(self.of_sides, other.of_sides), max(self.relative, other.relative))


@dataclass(frozen=True, slots=True)
class QuantizedVectors:
    """Vectors of one side, ready to be multiplied: float32 unchanged, or bf16 less a center and rounded.

    Attributes:
        vectors: (N, D) float32, or (N, D + 4) bf16.
        length: the greatest length of a vector less the center; 0 in float32, like the next two.
        rounding: the greatest length of what rounding a vector changed.
        rest: the most that rounding changed of a vector's product with the center.
    """

    vectors: Tensor
    length: float = 0.0
    rounding: float = 0.0
    rest: float = 0.0

    @property
    def is_bf16(self) -> bool:
        """Whether it is bf16."""
        return self.vectors.dtype == torch.bfloat16


def quantize(exact: Tensor, center: Tensor, *, left: bool) -> QuantizedVectors:
    """Return (N, D) float32 vectors of length 1 ready for products: bf16 where the CPU multiplies that in hardware.

    Args:
        exact: the vectors.
        center: (D,), the same of both sides; any gives true bounds, and the vectors' mean the closest.
        left: they will be the rows of a product, not its columns.
    """
    return quantize_bf16(exact, center, left=left) if has_bf16_hardware() else QuantizedVectors(exact)


def has_bf16_hardware() -> bool:
    """Return whether the CPU multiplies bf16."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def quantize_bf16(exact: Tensor, center: Tensor, *, left: bool) -> QuantizedVectors:
    """Return vectors in bf16, whatever the CPU; see `quantize`."""
    n, d = exact.shape
    vectors = torch.ones((n, d + 4), dtype=torch.bfloat16)
    beside = vectors[:, d : d + 2] if left else vectors[:, d + 2 :]
    length = rounding = rest = 0.0
    for first in range(0, n, _ROUNDED):
        here = slice(first, first + _ROUNDED)
        short = exact[here] - center
        vectors[here, :d] = short
        length = max(length, float(short.norm(dim=1).max()))
        rounding = max(rounding, float((short - vectors[here, :d]).norm(dim=1).max()))
        along = short @ center  # in two parts, the second being what the first leaves
        beside[here, 0] = along
        beside[here, 1] = along - beside[here, 0]
        rest = max(rest, float((along - beside[here, 0] - beside[here, 1]).abs().max()))
    return QuantizedVectors(vectors, length, rounding, rest)


class ApproxProduct:
    """Approximate products of two sides of one type. Products with the same center are comparable across sides."""

    def __init__(self, rows: QuantizedVectors, columns: QuantizedVectors) -> None:
        self._rows, self._columns = rows.vectors, columns.vectors
        self._buffer = torch.empty(0, dtype=self._rows.dtype)
        of_vectors = rows.rounding * (columns.length + columns.rounding) + rows.length * columns.rounding
        self.error = ErrorBound(of_vectors + rows.rest + columns.rest, _ROUNDING) if rows.is_bf16 else ErrorBound()

    def block(self, rows: slice | Tensor, columns: slice, width: int) -> Tensor:
        """Return the products of a block, filled up with -inf to `width` columns; good until the next call.

        Blocks reuse one buffer, since new memory costs as much as the product, and have one of few
        shapes, since oneDNN compiles a routine for each: what lies beyond a side's piece is multiplied and not used.
        """
        left = (
            self._rows[rows] if isinstance(rows, slice) else self._rows.index_select(0, pad(rows, (0, -len(rows) % 64)))
        )
        right = self._columns[columns.start : columns.start + width]
        if len(left) * width > len(self._buffer):
            self._buffer = torch.empty(len(left) * width, dtype=left.dtype)
        found = self._buffer[: len(left) * width].view(len(left), width)
        inside = found[:, : len(right)]
        if left.dtype == torch.bfloat16:
            torch.mm(left, right.T, out=inside)
        else:
            inside.copy_(product(left, right))
        found[:, min(columns.stop, len(self._columns)) - columns.start :] = -torch.inf
        return found if isinstance(rows, slice) else found[: len(rows)]


def product(rows: Tensor, columns: Tensor) -> Tensor:
    """Return rows @ columns.T, by oneDNN where that is quicker than PyTorch's MKL (see encoders/packed.py)."""
    if len(rows) * len(columns) < _FEWEST_PACKED or rows.dtype != torch.float32 or not _HAS_ONEDNN:
        return rows @ columns.T
    packed = torch.ops.mkldnn._reorder_linear_weight(columns, len(rows))
    found: Tensor = torch.ops.mkldnn._linear_pointwise(rows, packed, None, "none", [], "")
    return found
