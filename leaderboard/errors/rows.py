"""Which sentences a model missed, by row, from outcomes alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """A sentence whose translation was not found.

    Attributes:
        direction: "forward" or "backward".
        query: its row among the sentences searched for.
        gold: the row of its translation on the other side.
        rival: the row of what was taken instead; None where nothing was.
        margin: by how much the translation lost, 0 or negative; None where the outcomes do not say.
        taken: for how many sentences of this direction the rival was taken.
    """

    direction: str
    query: int
    gold: int
    rival: int | None
    margin: float | None
    taken: int = 1


def retrieval_errors(direction: str, own: Columns, others: Sequence[Columns]) -> Iterator[ErrorRow]:
    """Yield what is missed in `own` and found in all the others, where row i is translated by row i."""
    lost = ~own["hit"]
    for columns in others:
        lost &= columns["hit"]
    neighbors = own["neighbour"]
    taken = np.bincount(neighbors)
    for row in np.flatnonzero(lost).tolist():
        rival = int(neighbors[row])
        yield ErrorRow(direction, row, row, rival, float(own["margin"][row]), int(taken[rival]))


def correct_pairs(columns: Columns, threshold: float) -> set[tuple[int, int]]:
    """Return the right pairs among those scored at the threshold or above."""
    right = columns["hit"] & (columns["score"] >= np.float32(threshold))
    return set(zip(columns["source"][right].tolist(), columns["target"][right].tolist(), strict=True))


def mining_errors(columns: Columns, threshold: float, lost: Iterable[tuple[int, int]]) -> Iterator[ErrorRow]:
    """Yield the misses behind right pairs that are not among `correct_pairs`.

    A pair that was mined below the threshold is one miss without a rival, forward. Otherwise each of its sentences that
    was mined with another, whatever the score, is one: the source forward, the target backward; where neither was, the
    source alone, without a rival.
    """
    mined = np.isfinite(columns["score"])  # the score of a gold pair that was not is -inf
    sources, targets = columns["source"][mined].tolist(), columns["target"][mined].tolist()
    target_of = dict(zip(sources, targets, strict=True))
    source_of = dict(zip(targets, sources, strict=True))
    score_of = dict(zip(sources, columns["score"][mined].tolist(), strict=True))
    for source, target in lost:
        other_target, other_source = target_of.get(source), source_of.get(target)
        if other_target == target:
            yield ErrorRow("forward", source, target, None, score_of[source] - threshold)
            continue
        if other_target is not None or other_source is None:
            yield ErrorRow("forward", source, target, other_target, None)
        if other_source is not None:
            yield ErrorRow("backward", target, source, other_source, None)
