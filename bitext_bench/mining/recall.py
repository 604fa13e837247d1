"""Measure the recall of approximate search by exact search for a sample of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..scoring.margin import MARGIN_K
from ..scoring.neighbors import search_bidirectional
from .cells import vectors_of_rows
from .plan import KEPT, Plan, WorkUnit, other_side
from .ranking import TopCandidates
from .records import load_array
from .sides import SIDES, SideName

Advance = Callable[[int], object]

SAMPLE = 1_000
_SEED = 1


def sample_rows(plan: Plan, side: SideName) -> NDArray[np.int64]:
    """Return the sampled rows of a side, in ascending order."""
    n = plan.side(side).rows
    return np.sort(np.random.default_rng(_SEED).choice(n, min(n, SAMPLE), replace=False))


def search_sample_exactly(plan: Plan, work: WorkUnit, advance: Advance) -> dict[str, NDArray[Any]]:
    """Search the nearest rows of the sample exactly."""
    other = other_side(work.side)
    queries = vectors_of_rows(plan, work.side, sample_rows(plan, work.side))
    best = TopCandidates(len(queries), KEPT)
    for number in range(plan.n_shards(other)):
        found = search_bidirectional(
            queries, np.array(load_array(plan, WorkUnit("encode", other, number), "vectors")), KEPT
        ).forward
        best.merge(slice(None), found.indices + number * plan.shard_lines, found.cosines)
    advance(plan.shard_rows(work.side, work.number))
    return {"indices": best.indices}


def measure_recall(plan: Plan) -> dict[str, Any]:
    """Return the shares of exact neighbors that were found, in [0, 1], over the samples of both sides.

    Returns:
        `sample`: number of sampled rows; `at_1`: share of rows whose nearest neighbor was found; `at_4`: share of the
        four nearest neighbors, which the margin uses; `pairs`: share of pairs (row, nearest neighbor) that were found
        from at least one side.
    """
    first, four, either = [], [], []
    for side in SIDES:
        rows = sample_rows(plan, side)
        exact = np.array(load_array(plan, WorkUnit("recall", side), "indices"))[
            :, : min(MARGIN_K, plan.side(other_side(side)).rows)
        ]
        found = _found_neighbors(plan, side, rows)
        hit = (exact[:, :, None] == found[:, None, :]).any(axis=2)
        back = (_found_neighbors(plan, other_side(side), exact[:, 0]) == rows[:, None]).any(axis=1)
        first.append(hit[:, 0])
        four.append(hit)
        either.append(hit[:, 0] | back)
    return {
        "sample": sum(map(len, first)),
        "at_1": float(np.concatenate(first).mean()),
        "at_4": float(np.concatenate([hit.ravel() for hit in four]).mean()),
        "pairs": float(np.concatenate(either).mean()),
    }


def _found_neighbors(plan: Plan, side: SideName, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the neighbors (R, kept) that the search found for some rows, which may be in any order."""
    found = []
    for row in rows.tolist():
        number, at = divmod(row, plan.shard_lines)
        found.append(np.array(load_array(plan, plan.nearest_unit(side, number), "indices")[at]))
    return np.stack(found)
