"""Probe cells: multiply all queries of a cell with the rows in it, as one block."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..scoring.neighbors import BLOCK_ROWS, Vectors
from .cells import any_bf16, cell_starts, cells_of_group, load_group, mean_center, nearest_cells
from .plan import KEPT, Plan, WorkUnit, other_side
from .ranking import rescore
from .records import load_array
from .sides import SideName

if TYPE_CHECKING:
    import torch

    from ..scoring.bf16 import QuantizedVectors

Advance = Callable[[int], object]

_NEAREST = 2  # cells of each query that are searched first


def probe(plan: Plan, work: WorkUnit, advance: Advance) -> dict[str, NDArray[Any]]:
    """Find the nearest rows of the other side for a shard, within the nearest cells of each query."""
    other = other_side(work.side)
    kept = min(KEPT, plan.side(other).rows)
    queries = np.array(load_array(plan, WorkUnit("encode", work.side, work.number), "vectors"))
    centers = load_array(plan, WorkUnit("cells", other), "centers")
    nearest = nearest_cells(queries, centers, min(plan.probes, len(centers)))
    starts = cell_starts(plan, other)
    short = any_bf16(plan, other)
    found = _ProbeResults(queries, mean_center(plan), kept, short=short)
    # Nearest cells first: their candidates give a bound that avoids most of the sorting in the other cells.
    rounds = [_CellQueries(cells, len(centers)) for cells in (nearest[:, :_NEAREST], nearest[:, _NEAREST:])]
    steps = [(asked, number) for asked in rounds for number in range(plan.n_shards(other))]
    for step, (asked, number) in enumerate(steps):
        found.load_group(*load_group(plan, other, number))
        cells = cells_of_group(plan, starts, number)
        for cell in cells.tolist():
            inside = slice(int(starts[cell] - starts[cells[0]]), int(starts[cell + 1] - starts[cells[0]]))
            found.compare(asked.queries_of(cell), inside)
        advance(len(queries) * (step + 1) // len(steps) - len(queries) * step // len(steps))
    candidates = found.candidates()
    few = np.flatnonzero((candidates >= 0).sum(axis=1) < kept)
    if len(few):  # Their cells have too few rows.
        candidates[few] = _all_candidates(
            plan, other, _ProbeResults(queries[few], mean_center(plan), kept, short=short)
        )
    best = rescore(
        queries,
        candidates,
        lambda number: load_array(plan, WorkUnit("encode", other, number), "vectors"),
        plan.shard_lines,
        kept,
    )
    return {"indices": best.indices, "cosines": best.cosines}


def _all_candidates(plan: Plan, other: SideName, found: _ProbeResults) -> NDArray[np.int64]:
    """Return the candidates after comparing the queries with all rows of the other side."""
    for number in range(plan.n_shards(other)):
        rows, vectors = load_group(plan, other, number)
        found.load_group(rows, vectors)
        found.compare(np.arange(len(found)), slice(0, len(rows)))
    return found.candidates()


class _CellQueries:
    """The queries that probe each cell."""

    def __init__(self, cells: NDArray[np.int64], n_cells: int) -> None:
        self._query = np.argsort(cells.ravel(), kind="stable") // cells.shape[1]
        self._bounds = np.concatenate([[0], np.cumsum(np.bincount(cells.ravel(), minlength=n_cells))])

    def queries_of(self, cell: int) -> NDArray[np.int64]:
        queries: NDArray[np.int64] = self._query[self._bounds[cell] : self._bounds[cell + 1]]
        return queries


class _ProbeResults:
    """The best candidates of each query so far. Cells are searched group by group."""

    def __init__(self, queries: Vectors, center: torch.Tensor, k: int, *, short: bool) -> None:
        from ..scoring.bf16 import ErrorBound, QuantizedVectors, quantize_bf16
        from ..scoring.topk import TopK

        rows = _tensor(queries)
        self._center = center
        self._queries = quantize_bf16(rows, center, left=True) if short else QuantizedVectors(rows)
        self._best = TopK(len(queries), k)
        self._error = ErrorBound()

    def __len__(self) -> int:
        return len(self._queries.vectors)

    def load_group(self, rows: NDArray[np.int64], vectors: QuantizedVectors) -> None:
        """Set the current group of cells: its rows (G,) and their quantized vectors."""
        from ..scoring.bf16 import ApproxProduct, quantize_bf16

        # Machines in a job array may differ, but float32 and bf16 products cannot be mixed.
        if self._queries.is_bf16 and not vectors.is_bf16:
            vectors = quantize_bf16(vectors.vectors, self._center, left=False)
        self._rows = _tensor(rows)
        self._screen = ApproxProduct(self._queries, vectors)
        self._error = self._error.maximum(self._screen.error)

    def compare(self, queries: NDArray[np.int64], cell: slice) -> None:
        """Search one cell of the group for some queries."""
        import torch

        from ..scoring.topk import Block, runs_of

        if cell.start == cell.stop or not len(queries):
            return
        names = self._rows[cell]
        length, n_runs = runs_of(len(names), self._best.k)
        with torch.inference_mode():
            for asked in torch.chunk(_tensor(queries), -(-len(queries) // BLOCK_ROWS)):
                products = self._screen.block(asked, cell, length * n_runs)
                self._best.update(Block.of(products, length), (asked, names), self._screen.error)

    def candidates(self) -> NDArray[np.int64]:
        """Return the rows (N, c) that may be among the k best of each query, padded with -1."""
        return np.array(self._best.candidates(self._error).numpy())


def _tensor(array: NDArray[Any]) -> torch.Tensor:
    import torch

    return torch.from_numpy(array)
