"""The stages of a run, as pure functions over shard files. The plan determines which files a unit reads."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embedding.batching import check_vectors
from ..encoders import Model
from ..errors import UserError
from ..scoring.neighbors import Nearest, Vectors, normalize, search_bidirectional
from . import cells, recall
from .encoding import UnitTexts, run_model
from .plan import CANDIDATES, KEPT, Plan, Stage, WorkUnit, other_side
from .probe import probe
from .ranking import TopCandidates, rescore
from .records import load_array, write_unit
from .sides import SideName

Advance = Callable[[int], object]


def run_unit(plan: Plan, work: WorkUnit, advance: Advance = lambda rows: None) -> None:
    """Run a work unit whose inputs exist; `advance` is called with the number of finished rows.

    Raises:
        UserError: the encoder returns unusable vectors, or a file cannot be written.
    """
    start = time.monotonic()

    def about() -> dict[str, float]:
        return {"seconds": round(time.monotonic() - start, 3), "rows": plan.shard_rows(work.side, work.number)}

    if work.stage == "encode" and plan.model is not None:
        texts = UnitTexts(plan, work, plan.model)
        arrays = {"vectors": texts.vectors(advance)}
        write_unit(plan, work, arrays, **about(), software=run_model(plan.model).model.software)
        texts.keep(plan.path(work, "vectors"))
    else:
        arrays = _RUN[work.stage](plan, work, advance)
        write_unit(plan, work, arrays, **about())


def shard_vectors(plan: Plan, side: SideName, number: int) -> Vectors:
    """Return the memory-mapped, normalized vectors of a shard."""
    return load_array(plan, WorkUnit("encode", side, number), "vectors")


def _given_vectors(plan: Plan, work: WorkUnit, advance: Advance) -> dict[str, NDArray[np.float32]]:
    file = plan.side(work.side).vectors
    first = work.number * plan.shard_lines
    rows = np.load(str(file), mmap_mode="r", allow_pickle=False)[first : first + plan.shard_lines].astype(np.float32)
    check_vectors(rows, [f"row {first + i}" for i in range(len(rows))], str(file))
    advance(len(rows))
    return {"vectors": normalize(rows)}


def _search(plan: Plan, work: WorkUnit, advance: Advance) -> dict[str, NDArray[Any]]:
    """Compare a source shard with all targets, in both directions.

    Returns the nearest targets of each source and, as input for `merge`, the nearest sources of each target within
    this shard (`back_rows`).
    """
    queries = np.array(shard_vectors(plan, "source", work.number))
    best = TopCandidates(len(queries), CANDIDATES)
    back_rows, back_cosines = [], []
    n_blocks = plan.n_shards("target")
    for number in range(n_blocks):
        found = search_bidirectional(queries, np.array(shard_vectors(plan, "target", number)), CANDIDATES)
        best.merge(slice(None), found.forward.indices + number * plan.shard_lines, found.forward.cosines)
        back_rows.append(found.backward.indices.astype(np.uint32))
        back_cosines.append(found.backward.cosines)
        advance(len(queries) * (number + 1) // n_blocks - len(queries) * number // n_blocks)
    nearest = _rescore_exactly(plan, "source", queries, best.indices)
    return {
        "indices": nearest.indices,
        "cosines": nearest.cosines,
        "back_rows": np.concatenate(back_rows),
        "back_cosines": np.concatenate(back_cosines),
    }


def _merge(plan: Plan, work: WorkUnit, advance: Advance) -> dict[str, NDArray[Any]]:
    """Merge the search results of all source shards for a target shard."""
    queries = np.array(shard_vectors(plan, "target", work.number))
    here = slice(work.number * plan.shard_lines, work.number * plan.shard_lines + len(queries))
    best = TopCandidates(len(queries), CANDIDATES)
    for number in range(plan.n_shards("source")):
        searched = WorkUnit("search", "source", number)
        rows = load_array(plan, searched, "back_rows")[here].astype(np.int64)
        best.merge(slice(None), rows + number * plan.shard_lines, load_array(plan, searched, "back_cosines")[here])
    nearest = _rescore_exactly(plan, "target", queries, best.indices)
    advance(len(queries))
    return {"indices": nearest.indices, "cosines": nearest.cosines}


def _rescore_exactly(plan: Plan, side: SideName, queries: Vectors, candidates: NDArray[np.int64]) -> Nearest:
    other = other_side(side)
    kept = min(KEPT, plan.side(other).rows)
    return rescore(queries, candidates, lambda number: shard_vectors(plan, other, number), plan.shard_lines, kept)


def check_model(model: Model, pair: object | None) -> None:
    """Check that the languages are known if the model needs them.

    Raises:
        UserError: the model needs the languages, but --pair is missing.
    """
    if model.needs_language and pair is None:
        raise UserError(f"{model.name} needs to know the language of a sentence: pass --pair, as in --pair fr-en")


_RUN: dict[Stage, Callable[[Plan, WorkUnit, Advance], dict[str, NDArray[Any]]]] = {
    "encode": _given_vectors,
    "search": _search,
    "merge": _merge,
    "cells": cells.train_cells,
    "assign": cells.assign_cells,
    "gather": cells.gather_group,
    "probe": probe,
    "recall": recall.search_sample_exactly,
}
