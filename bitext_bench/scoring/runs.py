"""Find the k largest products of each row and each column of a large matrix, block by block, from maxima of runs.

A run is a set of columns of one block, or of its rows. The k largest values of a row are in the k runs with the largest
maxima. So each block is only read for the maxima of its runs, in both directions, and each row keeps its best runs. At
the end the products of these runs are computed again, in float32.

If the CPU multiplies bf16 in hardware, blocks are bf16. The error of such a product is bounded (bf16.py), so a row
keeps more than k runs: all that can have one of its k largest products. Rows with too many such runs are searched in
full. The result equals that of float32.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from .bf16 import ErrorBound
from .topk import TopK, kept_for, lower_bound, runs_of, search_in_full

_FINISHED = 2**17  # results that all cores finish at once: 20 MB for their runs, and as much for each row's products


class BestRuns:
    """The runs with the largest maxima, for each row of a matrix, or for each column.

    Args:
        shape: number of rows and of columns.
        k: number of results for each row, at most the number of columns.
        width: number of columns of a block. The last block may have fewer.
        error: error bound of the products.
    """

    def __init__(self, shape: tuple[int, int], k: int, width: int, error: ErrorBound) -> None:
        n, self._n_columns = shape
        self._k, self._width, self._error = k, width, error
        self._length, self.n_runs = runs_of(width, k)
        self._maxima = torch.full((n, kept_for(k)), -torch.inf)  # largest first
        self._runs = torch.full((n, kept_for(k)), -1, dtype=torch.int32)

    def padded(self, n: int) -> int:
        """Return the multiple of the number of runs that n columns are filled up to."""
        return -(-n // self.n_runs) * self.n_runs

    def maxima_of_rows(self, block: Tensor) -> Tensor:
        """Return the maximum of each run (R, N) of the rows of a block (R, C), where C is a multiple of N.

        A run has every N-th column, so the maxima of many runs are computed in one vectorized pass.
        """
        return block.view(len(block), -1, self.n_runs).amax(dim=1)

    def maxima_of_columns(self, block: Tensor) -> Tensor:
        """Return the maximum of each run (R, N) of the columns of a block (C, R)."""
        if fill := -len(block) % self.n_runs:
            block = pad(block, (0, 0, 0, fill), value=-torch.inf)
        return block.view(-1, self.n_runs, block.shape[1]).amax(dim=0).T

    def add(self, rows: slice, start: int, maxima: list[Tensor]) -> None:
        """Add the runs of some rows in successive blocks, the first of which begins at column `start`.

        Several blocks at once are faster: a row is searched for its best runs less often.
        """
        first = start // self._width * self.n_runs
        new = torch.cat(maxima, dim=1)
        changed = rows.start + (new.amax(dim=1) >= self._bound(self._maxima[rows])).nonzero().squeeze(1)
        lines = torch.cat([self._maxima[changed], new[changed - rows.start]], dim=1)
        self._maxima[changed], order = lines.topk(self._maxima.shape[1], dim=1)
        names = torch.arange(first, first + new.shape[1], dtype=torch.int32).expand(len(changed), -1)
        self._runs[changed] = torch.cat([self._runs[changed], names], dim=1).gather(1, order)

    def parts(self, cores: int) -> list[slice]:
        """Divide the rows into parts that can be finished on several cores at once."""
        size = max(1, _FINISHED // (self._k * cores))
        return [slice(first, first + size) for first in range(0, len(self._maxima), size)]

    def finish(self, part: slice, own: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
        """Return float32 products and indices of some rows, (R, k) each, nearest first. Ties are in order of index.

        Args:
            part: the rows.
            own: (N, D) float32, the vectors of all rows.
            others: (M, D) float32, the vectors of the columns.
        """
        maxima, runs, own = self._maxima[part], self._runs[part].long(), own[part]
        wanted = (maxima >= self._bound(maxima)[:, None]) & (runs >= 0)
        n_runs = -(-self._n_columns // self._width) * self.n_runs
        too_many = wanted.all(dim=1) & (wanted.shape[1] < n_runs)
        wanted &= ~too_many[:, None]
        best = TopK(len(own), self._k, self._members(runs, wanted, own, others))
        products, indices = best.finish(own, others, ErrorBound())
        search_in_full(too_many, own, others, (products, indices))
        return products, indices

    def _bound(self, maxima: Tensor) -> Tensor:
        """Return the smallest maximum (R,) of a run to read: at least k values reach the k-th largest maximum."""
        return lower_bound(maxima[:, self._k - 1], self._error)

    def _members(self, runs: Tensor, wanted: Tensor, own: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
        """Return the largest products of each row in its wanted runs and their columns, (R, kept_for(k)) each."""
        row, place = wanted.nonzero(as_tuple=True)
        run, order = runs[row, place].sort()
        row, place = row[order], place[order]
        names, counts = torch.unique_consecutive(run, return_counts=True)
        kept, length, slots = runs.shape[1], self._length, int(wanted.sum(dim=1).max())
        values = torch.full((len(run), length), -torch.inf)
        buffer = torch.empty(int(counts.max()) if len(run) else 0, own.shape[1])
        done = 0
        for name, count in zip(names.tolist(), counts.tolist(), strict=True):
            members, here = others[self._columns(name)], slice(done, done + count)
            asked = torch.index_select(own, 0, row[here], out=buffer[:count])
            torch.mm(asked, members.T, out=values[here, : len(members)])
            done += count
        lines = torch.full((len(own), max(slots * length, kept)), -torch.inf)
        lines[:, : slots * length].view(len(own), slots, length)[row, place] = values
        products, at = lines.topk(kept, dim=1)
        first = runs.gather(1, (at // length).clamp(max=kept - 1))
        columns = first // self.n_runs * self._width + first % self.n_runs + at % length * self.n_runs
        return products, columns.where(products > -torch.inf, -1)

    def _columns(self, run: int) -> slice:
        """Return the columns of a run."""
        block, first = divmod(run, self.n_runs)
        start = block * self._width
        return slice(start + first, min(start + self._width, self._n_columns), self.n_runs)
