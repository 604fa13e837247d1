"""Looking into cells: the queries that probe one are multiplied with what lies in it, as a block."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..neighbours import BLOCK_ROWS, Vectors
from .cells import bounds_of, cells_of_group, nearest_cells
from .plan import KEPT, Plan, Unit, other
from .ranking import rescored
from .records import load
from .sides import SideName

if TYPE_CHECKING:
    import torch

Advance = Callable[[int], object]

_NEAREST = 2  # cells of a query that are looked into first


def probe(plan: Plan, work: Unit, advance: Advance) -> dict[str, NDArray[Any]]:
    """Find the nearest rows of the other side for a shard, among those in the cells nearest to each query."""
    there = other(work.side)
    kept = min(KEPT, plan.side(there).rows)
    queries = np.array(load(plan, Unit("encode", work.side, work.number), "vectors"))
    centres = load(plan, Unit("cells", there), "centres")
    nearest = nearest_cells(queries, centres, min(plan.probes, len(centres)))
    bounds = bounds_of(plan, there)
    found = _Found(queries, centres, kept)
    # The nearest cells first: what is found there spares most of the sorting in the others.
    rounds = [_Asked(cells, len(centres)) for cells in (nearest[:, :_NEAREST], nearest[:, _NEAREST:])]
    steps = [(asked, number) for asked in rounds for number in range(plan.n_shards(there))]
    for step, (asked, number) in enumerate(steps):
        found.look_into(*_gathered(plan, there, number))
        cells = cells_of_group(plan, there, bounds, number)
        for cell in cells.tolist():
            inside = slice(int(bounds[cell] - bounds[cells[0]]), int(bounds[cell + 1] - bounds[cells[0]]))
            found.compare(asked.by(cell), inside)
        advance(len(queries) * (step + 1) // len(steps) - len(queries) * step // len(steps))
    candidates = found.candidates()
    few = np.flatnonzero((candidates >= 0).sum(axis=1) < kept)
    if len(few):  # Their cells hold next to nothing.
        candidates[few] = _among_all(plan, there, _Found(queries[few], centres, kept))
    best = rescored(
        queries,
        candidates,
        lambda number: load(plan, Unit("encode", there, number), "vectors"),
        plan.shard_lines,
        kept,
    )
    return {"indices": best.indices, "cosines": best.cosines}


def _among_all(plan: Plan, there: SideName, found: _Found) -> NDArray[np.int64]:
    """Return the candidates of queries that are compared with all rows of the other side."""
    for number in range(plan.n_shards(there)):
        rows, vectors = _gathered(plan, there, number)
        found.look_into(rows, vectors)
        found.compare(np.arange(len(found)), slice(0, len(rows)))
    return found.candidates()


def _gathered(plan: Plan, side: SideName, number: int) -> tuple[NDArray[np.int64], Vectors]:
    group = Unit("gather", side, number)
    return np.array(load(plan, group, "rows")), np.array(load(plan, group, "vectors"))


class _Asked:
    """Which queries look into a cell."""

    def __init__(self, cells: NDArray[np.int64], n_cells: int) -> None:
        self._query = np.argsort(cells.ravel(), kind="stable") // cells.shape[1]
        self._bounds = np.concatenate([[0], np.cumsum(np.bincount(cells.ravel(), minlength=n_cells))])

    def by(self, cell: int) -> NDArray[np.int64]:
        queries: NDArray[np.int64] = self._query[self._bounds[cell] : self._bounds[cell + 1]]
        return queries


class _Found:
    """The best candidates of each query so far; cells are compared with, group by group."""

    def __init__(self, queries: Vectors, centres: Vectors, k: int) -> None:
        from ..blockwise import Best, Error

        self._queries = _tensor(queries)
        self._centre = _tensor((queries.mean(axis=0) + centres.mean(axis=0)) / 2)
        self._best = Best(len(queries), k)
        self._error = Error()

    def __len__(self) -> int:
        return len(self._queries)

    def look_into(self, rows: NDArray[np.int64], vectors: Vectors) -> None:
        """Take up a group of cells: (G,) which rows they hold and (G, D) the vectors of these; there may be none."""
        from ..blockwise import Screen

        if not len(rows):
            return
        self._rows = _tensor(rows)
        self._screen = Screen(self._queries, _tensor(vectors), self._centre)
        self._error = self._error.or_worse(self._screen.error)

    def compare(self, queries: NDArray[np.int64], cell: slice) -> None:
        """Take in the queries' nearest of one cell of the group."""
        import torch

        from ..blockwise import Block

        if cell.start == cell.stop:
            return
        names = self._rows[cell]
        with torch.inference_mode():
            for first in range(0, len(queries), BLOCK_ROWS):
                asked = _tensor(queries[first : first + BLOCK_ROWS])
                block = Block.of(self._screen.block(asked, cell), self._best.k, down=False)
                self._best.take(block, (asked, names), self._screen.error)

    def candidates(self) -> NDArray[np.int64]:
        """Return (N, c) rows that may be among the k best of each query; -1 in places that are left."""
        return np.array(self._best.candidates(self._error).numpy())


def _tensor(array: NDArray[Any]) -> torch.Tensor:
    import torch

    return torch.from_numpy(array)
