"""Fast approximate products of vectors with a known error bound, in bf16 if the CPU supports it.

If a' and b' are a and b after rounding, |a'b' - ab| <= |a' - a| |b'| + |a| |b' - b|; the product is rounded too.
Encoders map all sentences into a narrow cone, where this error would hide the differences. Therefore bf16 products use
vectors minus a center c, which are short: ab - cc = (a - c)(b - c) + c(a - c) + c(b - c). The last two terms are extra
columns of the vectors. The constant cc does not change the order within a row or a column.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from . import onednn

# Relative rounding error of bf16: half a unit in the last place.
_ROUNDING = 2.0**-9
# Error of float32 sums of some hundred products that add up to at most 1, and of the error bound itself.
_SUMMING = 3e-5
_ROUNDED = 4_096  # vectors that are rounded at once
_FEWEST_PACKED = 2**16  # products that pay for reordering one side for oneDNN


@dataclass(frozen=True, slots=True)
class ErrorBound:
    """A bound on the error of approximate products: from rounding the vectors (`of_sides`) and the product."""

    of_sides: float = 0.0
    relative: float = 0.0

    def of_products(self, largest: Tensor) -> Tensor:
        """Return the largest possible error of each product whose magnitude is at most `largest`."""
        return self.of_sides + self.relative * (largest.abs() + self.of_sides) + _SUMMING

    def maximum(self, other: ErrorBound) -> ErrorBound:
        """Return a bound for both errors."""
        return ErrorBound(max(self.of_sides, other.of_sides), max(self.relative, other.relative))


@dataclass(frozen=True, slots=True)
class QuantizedVectors:
    """Vectors of one side, ready to multiply: float32 unchanged, or centered and rounded to bf16.

    Attributes:
        vectors: (N, D) float32, or (N, D + 4) bf16.
        length: maximum length of a centered vector; 0 in float32, like the next two.
        rounding: maximum length of the rounding error of a vector.
        rest: maximum rounding error of a vector's product with the center.
    """

    vectors: Tensor
    length: float = 0.0
    rounding: float = 0.0
    rest: float = 0.0

    @property
    def is_bf16(self) -> bool:
        """Whether the vectors are bf16."""
        return self.vectors.dtype == torch.bfloat16


def quantize(exact: Tensor, center: Tensor, *, left: bool) -> QuantizedVectors:
    """Prepare vectors for products: convert them to bf16 if the CPU has hardware support.

    Args:
        exact: (N, D) float32 vectors of length 1.
        center: (D,), the same for both sides. The bounds hold for any center; the mean of the vectors is tightest.
        left: whether the vectors are the rows of a product, rather than its columns.
    """
    return quantize_bf16(exact, center, left=left) if has_bf16_hardware() else QuantizedVectors(exact)


def has_bf16_hardware() -> bool:
    """Return whether the CPU multiplies bf16 in hardware."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def quantize_bf16(exact: Tensor, center: Tensor, *, left: bool) -> QuantizedVectors:
    """Convert vectors to bf16 on any CPU; see `quantize`."""
    n, d = exact.shape
    vectors = torch.ones((n, d + 4), dtype=torch.bfloat16)
    along_center = vectors[:, d : d + 2] if left else vectors[:, d + 2 :]
    length = rounding = rest = 0.0
    for first in range(0, n, _ROUNDED):
        here = slice(first, first + _ROUNDED)
        short = exact[here] - center
        vectors[here, :d] = short
        length = max(length, float(short.norm(dim=1).max()))
        rounding = max(rounding, float((short - vectors[here, :d]).norm(dim=1).max()))
        along = short @ center  # stored as a rounded value and its remainder
        along_center[here, 0] = along
        along_center[here, 1] = along - along_center[here, 0]
        rest = max(rest, float((along - along_center[here, 0] - along_center[here, 1]).abs().max()))
    return QuantizedVectors(vectors, length, rounding, rest)


def error_of(rows: QuantizedVectors, columns: QuantizedVectors) -> ErrorBound:
    """Return the error bound of the products of two sides."""
    of_vectors = rows.rounding * (columns.length + columns.rounding) + rows.length * columns.rounding
    return ErrorBound(of_vectors + rows.rest + columns.rest, _ROUNDING) if rows.is_bf16 else ErrorBound()


class ApproxProduct:
    """Approximate products of two sides of the same type. Products with one center are comparable across sides."""

    def __init__(self, rows: QuantizedVectors, columns: QuantizedVectors) -> None:
        self._rows, self._columns = rows.vectors, columns.vectors
        self._buffer = torch.empty(0, dtype=self._rows.dtype)
        self.itemsize = self._rows.itemsize  # bytes of a product
        self._packed: tuple[slice, Tensor] | None = None  # the columns of the last block, for oneDNN
        self.error = error_of(rows, columns)

    def block(self, rows: slice | Tensor, columns: slice, width: int) -> Tensor:
        """Return the products of a block, padded with -inf to `width` columns. The next call overwrites them.

        Blocks reuse one buffer, since new memory costs as much as the product. They have one of a few shapes, since
        oneDNN compiles a routine for each shape; products beyond the requested columns are discarded.
        """
        left = (
            self._rows[rows] if isinstance(rows, slice) else self._rows.index_select(0, pad(rows, (0, -len(rows) % 64)))
        )
        right = self._columns[columns.start : columns.start + width]
        if left.dtype != torch.bfloat16 and len(right) == width and columns.stop - columns.start == width:
            found = self._product(left, right, columns)
        else:
            found = self._padded(left, right, columns, width)
        return found if isinstance(rows, slice) else found[: len(rows)]

    def _product(self, left: Tensor, right: Tensor, columns: slice) -> Tensor:
        """Return float32 products; the columns are reordered once for all blocks of rows."""
        if not packs(left, right):
            return left @ right.T
        if self._packed is None or self._packed[0] != columns:
            self._packed = columns, onednn.pack(right, len(left))
        return onednn.product(left, self._packed[1])

    def _padded(self, left: Tensor, right: Tensor, columns: slice, width: int) -> Tensor:
        if len(left) * width > len(self._buffer):
            self._buffer = torch.empty(len(left) * width, dtype=left.dtype)
        found = self._buffer[: len(left) * width].view(len(left), width)
        inside = found[:, : len(right)]
        if left.dtype == torch.bfloat16:
            torch.mm(left, right.T, out=inside)
        else:
            inside.copy_(product(left, right))
        found[:, min(columns.stop, len(self._columns)) - columns.start :] = -torch.inf
        return found


def product(rows: Tensor, columns: Tensor) -> Tensor:
    """Return rows @ columns.T, with oneDNN if it is faster than PyTorch's MKL (see encoders/packed.py)."""
    return onednn.product(rows, onednn.pack(columns, len(rows))) if packs(rows, columns) else rows @ columns.T


def packs(rows: Tensor, columns: Tensor) -> bool:
    """Return whether a product is large enough to reorder the columns for oneDNN, and of a type that it takes."""
    return onednn.AVAILABLE and rows.dtype == torch.float32 and len(rows) * len(columns) >= _FEWEST_PACKED
