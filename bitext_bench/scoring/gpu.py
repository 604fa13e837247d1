"""Nearest neighbors of large sides on a GPU, the same as on the CPU but for the order of ties.

The GPU multiplies in bf16 (or in float32, if it has no bf16) and keeps slightly more than k candidates for each row.
topk.py computes their products again on the CPU, in float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.functional import pad

from .bf16 import ErrorBound, QuantizedVectors, error_of, quantize_bf16
from .topk import TopK, kept_for

Found = tuple[Tensor, Tensor]  # products and indices, (N, k) each

_ROWS, _COLUMNS = 8_192, 32_768  # a block of 512 MB in bf16
_BLOCKS = 4  # blocks that are in memory at once: products, their transpose, and temporary copies
_RUN = 32  # columns whose maximum is taken first
_ALIGNMENT = 8  # tensor cores need dimensions that are multiples of this


def search_device(rows: Tensor, columns: Tensor, k: int) -> torch.device | None:
    """Return the GPU for a search, or None if there is none or its free memory is too small."""
    if not torch.cuda.is_available():
        return None
    free, _ = torch.cuda.mem_get_info()
    sides = len(rows) + len(columns)
    needed = sides * (rows.shape[1] + 2 * _ALIGNMENT) * 4 + sides * kept_for(k) * 12 + _BLOCKS * _ROWS * _COLUMNS * 4
    return torch.device("cuda") if needed < free else None


def largest_of_both(rows: Tensor, columns: Tensor, k: int, device: torch.device) -> tuple[Found, Found]:
    """Return the k largest products of each row and of each column, nearest first; ties in order of index.

    Args:
        rows: (N, D) float32 on the CPU, rows of length 1.
        columns: (M, D) float32 on the CPU, rows of length 1.
        k: number of results, limited to the rows of the other side.
        device: where to search.
    """
    center = (rows.mean(dim=0) + columns.mean(dim=0)) / 2
    in_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    left, right = (
        quantize_bf16(side, center, left=side is rows) if in_bf16 else QuantizedVectors(side)
        for side in (rows, columns)
    )
    forward, backward = candidates_of_both(left.vectors, right.vectors, k, device)
    error: ErrorBound = error_of(left, right)
    return forward.finish(rows, columns, error), backward.finish(columns, rows, error)


def candidates_of_both(rows: Tensor, columns: Tensor, k: int, device: torch.device) -> tuple[TopK, TopK]:
    """Return the best candidates of each row and of each column, on the CPU."""
    left, right = _moved(rows, device), _moved(columns, device)
    forward = _Best(len(rows), min(k, len(columns)), device)
    backward = _Best(len(columns), min(k, len(rows)), device)
    with _full_sums():
        for top in range(0, len(rows), _ROWS):
            for start in range(0, len(columns), _COLUMNS):
                block = left[top : top + _ROWS] @ right[start : start + _COLUMNS].T
                forward.add(block, top, start)
                backward.add(block.T.contiguous(), start, top)
    return forward.to_cpu(), backward.to_cpu()


def _moved(vectors: Tensor, device: torch.device) -> Tensor:
    return pad(vectors, (0, -vectors.shape[1] % _ALIGNMENT)).to(device)


@contextmanager
def _full_sums() -> Iterator[None]:
    """Add products in float32, and take no TF32: the error bounds need it."""
    settings = torch.backends.cuda.matmul
    before = settings.allow_bf16_reduced_precision_reduction, settings.allow_tf32
    settings.allow_bf16_reduced_precision_reduction, settings.allow_tf32 = False, False
    try:
        yield
    finally:
        settings.allow_bf16_reduced_precision_reduction, settings.allow_tf32 = before


class _Best:
    """The candidates of each of N rows so far, best first, on the device."""

    def __init__(self, n: int, k: int, device: torch.device) -> None:
        self.k = k
        self.products = torch.full((n, kept_for(k)), -torch.inf, device=device)
        self.indices = torch.full((n, kept_for(k)), -1, dtype=torch.int64, device=device)

    def add(self, block: Tensor, top: int, start: int) -> None:
        """Add a block of products; its first row and first column have the numbers `top` and `start`."""
        kept = self.products.shape[1]
        here = slice(top, top + len(block))
        values, places = largest_by_runs(block, min(kept, block.shape[1]))
        lines = torch.cat([self.products[here], values.float()], dim=1)
        named = torch.cat([self.indices[here], places + start], dim=1)
        self.products[here], order = lines.topk(kept, dim=1)
        self.indices[here] = named.gather(1, order)

    def to_cpu(self) -> TopK:
        return TopK(len(self.products), self.k, (self.products.cpu(), self.indices.cpu()))


def largest_by_runs(block: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k largest values of each row and their columns, (R, k) each.

    The k largest values are in the k runs with the largest maxima, so the rest of the block is read only once.
    """
    if block.shape[1] < 4 * _RUN * k:
        found = block.topk(k, dim=1)
        return found.values, found.indices
    padded = pad(block, (0, -block.shape[1] % _RUN), value=-torch.inf)
    runs = padded.view(len(block), _RUN, -1)  # a run has every N-th column
    best = runs.amax(dim=1).topk(k, dim=1).indices
    members = runs.gather(2, best[:, None, :].expand(-1, _RUN, -1)).flatten(1)
    values, place = members.topk(k, dim=1)
    columns = place // k * runs.shape[2] + best.gather(1, place % k)
    return values, columns
