"""Find the rows that a model missed, from its outcomes."""

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
        query: row of the sentence among the queries.
        gold: row of its translation on the other side.
        rival: row of the sentence chosen instead; None if there was none.
        margin: by how much the translation lost, 0 or negative; None if the outcomes do not have it.
        taken: number of sentences of this direction for which the rival was chosen.
    """

    direction: str
    query: int
    gold: int
    rival: int | None
    margin: float | None
    taken: int = 1


def retrieval_errors(
    direction: str, own: Columns, others: Sequence[Columns], gold: Sequence[int] | None = None
) -> Iterator[ErrorRow]:
    """Yield the rows missed in `own` and found in all others.

    `gold` has the row of the translation of each query; None if it is the query's own row.
    """
    lost = ~own["hit"]
    for columns in others:
        lost &= columns["hit"]
    neighbors = own["neighbor"]
    taken = np.bincount(neighbors)
    for row in np.flatnonzero(lost).tolist():
        rival = int(neighbors[row])
        translation = row if gold is None else gold[row]
        yield ErrorRow(direction, row, translation, rival, float(own["margin"][row]), int(taken[rival]))


def correct_pairs(columns: Columns, threshold: float) -> set[tuple[int, int]]:
    """Return the gold pairs that score at least the threshold."""
    right = columns["hit"] & (columns["score"] >= np.float32(threshold))
    return set(zip(columns["source"][right].tolist(), columns["target"][right].tolist(), strict=True))


def mining_errors(columns: Columns, threshold: float, lost: Iterable[tuple[int, int]]) -> Iterator[ErrorRow]:
    """Yield the misses for gold pairs that are not in `correct_pairs`.

    A pair mined below the threshold is one forward miss without a rival. Otherwise, each of its sentences that was
    mined in another pair, at any score, is one miss: the source forward, the target backward. If neither was mined, the
    source is one miss without a rival.
    """
    mined = np.isfinite(columns["score"])  # gold pairs that were not mined have the score -inf
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
