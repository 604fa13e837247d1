"""Approximate search: divide one side into cells by k-means and compare each row only with its nearest cells.

This is an inverted file like faiss's IVFFlat, but searched cell by cell: all queries that probe a cell are multiplied
with the rows in it as one block (probe.py). On CPUs the cost of one comparison is the same as in exact search. Scanning
codes (IVF with 4-bit product quantization, 96 bytes for each vector) took longer and lost most of the second to fourth
neighbors, which the margin needs. Cosines are exact; only neighbors in cells that were not probed are missed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..scoring.neighbors import BLOCK_ROWS, Vectors
from .plan import Plan, WorkUnit
from .records import load_array
from .sides import SIDES, SideName

if TYPE_CHECKING:
    import torch

    from ..scoring.bf16 import QuantizedVectors

Advance = Callable[[int], object]

# k-means: training points for each center (faiss recommends 39, but fewer are as good here) and iterations.
POINTS_A_CELL = 32
_ROUNDS = 6
_SEED = 0


def n_cells(rows: int) -> int:
    """Return the number of cells for a side: about twice the square root of its rows.

    For each row, finding the p nearest of c cells takes c products, and searching them p * rows / c. With more cells
    and more probes, fewer products give the same recall, but products of small blocks are slower.
    """
    return max(1, min(65_536, 2 * math.isqrt(rows), rows // 39))


def train_cells(plan: Plan, work: WorkUnit, advance: Advance) -> dict[str, NDArray[Any]]:
    """Compute the cell centers of a side by k-means, from a sample of the vectors in all shards."""
    import faiss

    total, cells = plan.side(work.side).rows, n_cells(plan.side(work.side).rows)
    size = min(total, cells * POINTS_A_CELL)
    rows = np.sort(np.random.default_rng(_SEED).choice(total, size, replace=False))
    sample = vectors_of_rows(plan, work.side, rows)
    means = faiss.Kmeans(
        sample.shape[1], cells, niter=_ROUNDS, seed=_SEED, spherical=True, min_points_per_centroid=1, verbose=False
    )
    means.train(sample)
    advance(plan.shard_rows(work.side, work.number))
    return {"centers": np.ascontiguousarray(means.centroids, dtype=np.float32)}


def vectors_of_rows(plan: Plan, side: SideName, rows: NDArray[np.int64]) -> Vectors:
    """Return the vectors of rows, which must be in ascending order."""
    parts = []
    for number in range(plan.n_shards(side)):
        here = rows[(rows // plan.shard_lines) == number] - number * plan.shard_lines
        parts.append(np.asarray(load_array(plan, WorkUnit("encode", side, number), "vectors")[here]))
    return np.concatenate(parts)


def assign_cells(plan: Plan, work: WorkUnit, advance: Advance) -> dict[str, NDArray[Any]]:
    """Assign each row of a shard to its nearest cell."""
    centers = load_array(plan, WorkUnit("cells", work.side), "centers")
    nearest = nearest_cells(load_array(plan, WorkUnit("encode", work.side, work.number), "vectors"), centers, 1)[:, 0]
    advance(len(nearest))
    return {"cell": nearest.astype(np.uint32), "sizes": np.bincount(nearest, minlength=len(centers))}


def nearest_cells(vectors: Vectors, centers: Vectors, probes: int) -> NDArray[np.int64]:
    """Return the cells (N, probes) nearest to each row."""
    import torch

    from ..scoring.bf16 import product

    rows, columns = torch.from_numpy(np.array(vectors)), torch.from_numpy(np.array(centers))
    with torch.inference_mode():
        blocks = [product(piece, columns).topk(probes, dim=1).indices for piece in torch.split(rows, BLOCK_ROWS)]
        return np.asarray(torch.cat(blocks).numpy())


def cell_starts(plan: Plan, side: SideName) -> NDArray[np.int64]:
    """Return the offset (cells + 1,) of each cell when the rows of a side are sorted by cell."""
    sizes = sum(
        load_array(plan, WorkUnit("assign", side, n), "sizes").astype(np.int64) for n in range(plan.n_shards(side))
    )
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def cells_of_group(plan: Plan, starts: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Return the cells of a group: those with an offset in the range of this shard. Each shard has one group."""
    return np.flatnonzero(starts[:-1] // plan.shard_lines == number)


def gather_group(plan: Plan, work: WorkUnit, advance: Advance) -> dict[str, NDArray[Any]]:
    """Collect the vectors of a group of adjacent cells, as columns of a product."""
    import torch

    from ..scoring.bf16 import quantize

    starts = cell_starts(plan, work.side)
    cells = cells_of_group(plan, starts, work.number)
    first, last = (int(cells[0]), int(cells[-1])) if len(cells) else (1, 0)
    rows, cell, vectors = [], [], []
    for number in range(plan.n_shards(work.side)):
        where = load_array(plan, WorkUnit("assign", work.side, number), "cell")
        here = np.flatnonzero((where >= first) & (where <= last))
        rows.append(here + number * plan.shard_lines)
        cell.append(where[here])
        vectors.append(np.asarray(load_array(plan, WorkUnit("encode", work.side, number), "vectors")[here]))
    order = np.argsort(np.concatenate(cell), kind="stable")
    written = quantize(torch.from_numpy(np.concatenate(vectors)[order]), mean_center(plan), left=False)
    bounds = np.array([written.length, written.rounding, written.rest])
    advance(plan.shard_rows(work.side, work.number))
    return {"rows": np.concatenate(rows)[order], "vectors": _to_numpy(written.vectors), "bounds": bounds}


def mean_center(plan: Plan) -> torch.Tensor:
    """Return the approximate mean (D,) of the vectors of both sides, the center for quantized vectors."""
    import torch

    means = [load_array(plan, WorkUnit("cells", side), "centers").mean(axis=0) for side in SIDES]
    return torch.from_numpy((means[0] + means[1]) / 2)


def any_bf16(plan: Plan, side: SideName) -> bool:
    """Check whether any group was written in bf16, by a machine with hardware support; others write float32."""
    groups = range(plan.n_shards(side))
    return any(load_array(plan, WorkUnit("gather", side, number), "vectors").dtype == np.int16 for number in groups)


def _to_numpy(vectors: torch.Tensor) -> NDArray[Any]:
    import torch

    short = vectors.dtype == torch.bfloat16  # not supported by numpy
    return np.asarray((vectors.view(torch.int16) if short else vectors).numpy())


def load_group(plan: Plan, side: SideName, number: int) -> tuple[NDArray[np.int64], QuantizedVectors]:
    """Return the rows (G,) in a group of cells, and their vectors as columns of a product."""
    import torch

    from ..scoring.bf16 import QuantizedVectors

    group = WorkUnit("gather", side, number)
    vectors = torch.from_numpy(np.array(load_array(plan, group, "vectors")))
    length, rounding, rest = load_array(plan, group, "bounds").tolist()
    vectors = vectors.view(torch.bfloat16) if vectors.dtype == torch.int16 else vectors
    return np.array(load_array(plan, group, "rows")), QuantizedVectors(vectors, length, rounding, rest)
