"""Search a large matrix of products in both directions at once, a tile of blocks on each core."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from threading import Lock

import torch
from torch import Tensor

from .bf16 import ApproxProduct, QuantizedVectors, error_of, quantize
from .runs import BestRuns

_TILE = (4, 2)  # blocks down and across
_MOST_BYTES = 64 << 20  # of the blocks of all cores: many cores have less cache each
_FEWEST_TILES = 8  # for each core, or tiles are single blocks: all cores end at about the same time

Found = tuple[Tensor, Tensor]  # products and indices, (N, k) each


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows or the columns of a tile: one slice for each block. The lock is held while their results change."""

    slices: list[slice]
    lock: Lock


def largest_of_both(rows: Tensor, columns: Tensor, k: int, block: tuple[int, int]) -> tuple[Found, Found]:
    """Return the k largest products of each row and of each column.

    Args:
        rows: (N, D) float32, rows of length 1.
        columns: (M, D) float32, rows of length 1.
        k: number of results, limited to the rows of the other side.
        block: rows and float32 columns that are multiplied at once, or fewer if there are many cores. With bf16 there
            are twice as many columns.
    """
    center = (rows.mean(dim=0) + columns.mean(dim=0)) / 2
    sides = quantize(rows, center, left=True), quantize(columns, center, left=False)
    cores = torch.get_num_threads()
    search = _Search(*sides, k, block_for(block, cores))
    pool = ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,))
    try:
        search.run(pool, cores)
        sides_of = (search.forward, rows, columns), (search.backward, columns, rows)
        finishing = [[pool.submit(best.finish, part, *side) for part in best.parts(cores)] for best, *side in sides_of]
        forward, backward = [[part.result() for part in parts] for parts in finishing]
    finally:
        pool.shutdown(cancel_futures=True)  # After an interruption, wait only for the work that has begun.
        torch.set_num_threads(cores)  # The threads of the pool have set it for every new thread.
    return _joined(forward), _joined(backward)


class _Search:
    def __init__(self, left: QuantizedVectors, right: QuantizedVectors, k: int, block: tuple[int, int]) -> None:
        self.left, self.right = left, right
        n, m = len(left.vectors), len(right.vectors)
        self._height, self._width = block[0], block[1] * 4 // left.vectors.itemsize
        error = error_of(left, right)
        self.forward = BestRuns((n, m), min(k, m), self._width, error)
        self.backward = BestRuns((m, n), min(k, n), self._height, error)

    def run(self, pool: ThreadPoolExecutor, cores: int) -> None:
        """Search all tiles. Threads that compute alone wait for each other less than those that share each product."""
        high, wide = _TILE
        n, m = len(self.left.vectors), len(self.right.vectors)
        if n * m < _FEWEST_TILES * cores * high * self._height * wide * self._width:
            high = wide = 1
        tiles = product(_parts(m, self._width, wide), _parts(n, self._height, high))
        for searched in [pool.submit(self._tile, down, across) for across, down in tiles]:
            searched.result()

    @torch.inference_mode()
    def _tile(self, down: _Part, across: _Part) -> None:
        products = ApproxProduct(self.left, self.right)
        of_rows: list[list[Tensor]] = [[] for _ in down.slices]
        for columns in across.slices:
            of_columns = []
            for rows, found in zip(down.slices, of_rows, strict=True):
                of_row, of_column = self._maxima(products, rows, columns)
                found.append(of_row)
                of_columns.append(of_column)
            with across.lock:
                self.backward.add(columns, down.slices[0].start, of_columns)
        with down.lock:
            for rows, found in zip(down.slices, of_rows, strict=True):
                self.forward.add(rows, across.slices[0].start, found)

    def _maxima(self, products: ApproxProduct, rows: slice, columns: slice) -> tuple[Tensor, Tensor]:
        """Return the maxima of the runs of a block. Its memory is free, and still mapped, for the next one."""
        n = columns.stop - columns.start
        block = products.block(rows, columns, self.forward.padded(n))
        return self.forward.maxima_of_rows(block), self.backward.maxima_of_columns(block[:, :n])


def block_for(block: tuple[int, int], cores: int) -> tuple[int, int]:
    """Return the rows and float32 columns of a block, halved until a block for each core fits into memory and cache."""
    height, width = block
    while height * width * 4 * cores > _MOST_BYTES and max(height, width) > 1:
        height, width = (height, width // 2) if width >= height else (height // 2, width)
    return height, width


def _parts(n: int, size: int, blocks: int) -> list[_Part]:
    """Divide n rows into blocks of a size, and these into parts."""
    slices = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    return [_Part(slices[first : first + blocks], Lock()) for first in range(0, len(slices), blocks)]


def _joined(parts: list[Found]) -> Found:
    products, indices = zip(*parts, strict=True)
    return torch.cat(products), torch.cat(indices)
