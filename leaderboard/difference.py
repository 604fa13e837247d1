"""Two models on one task: the difference on every subset that both were scored on with the same data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitext_bench.errors import UserError
from bitext_bench.result_files import read_outcomes

from .paired import Correlation, Difference, f1_difference, mean_difference, mean_of, spearman_difference
from .read import Entry


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """A model's hits of each sentence, (n,), among its `judgements`, the directions."""

    hits: NDArray[np.int16]
    judgements: int
    lower_is_better: bool


@dataclass(frozen=True, slots=True, eq=False)
class Mined:
    """The pairs that a model took: (m,) the row of the source sentence, and whether the pair is right."""

    source: NDArray[np.integer]
    right: NDArray[np.bool_]
    n_gold: int


Evidence = Shares | Correlation | Mined
_COLUMNS = {"cosine_spearman": ("score", "gold"), "f1": ("source", "hit", "score")}
_HITS = ("hit",)


def common_subsets(a: Entry, b: Entry) -> list[str]:
    """Return the subsets that both have a score on, of the same data and n."""
    score = a.score
    return [
        name
        for name, subset in a.subsets.items()
        if name in b.subsets and a.data(name) == b.data(name)
        if subset.scores[score] is not None and b.subsets[name].scores.get(score) is not None
    ]


def evidence(entry: Entry, subsets: Sequence[str]) -> list[Evidence]:
    """Return what stands behind the main score of each subset, read from the outcomes beside the result file.

    Raises:
        UserError: the outcomes are missing or damaged, or lack a subset.
    """
    blocks: dict[str, list[dict[str, NDArray[Any]]]] = {}
    for (subset, _), columns in read_outcomes(entry.file, entry.result, _COLUMNS.get(entry.score, _HITS)).items():
        blocks.setdefault(subset, []).append(columns)
    if missing := [name for name in subsets if name not in blocks]:
        raise UserError(f"the outcomes beside {entry.file} lack {missing[0]}: run the task again")
    return [_of_subset(entry, name, blocks[name]) for name in subsets]


def _of_subset(entry: Entry, subset: str, blocks: Sequence[dict[str, NDArray[Any]]]) -> Evidence:
    if entry.score == "cosine_spearman":
        return Correlation(blocks[0]["score"], blocks[0]["gold"])
    if entry.score == "f1":
        taken = blocks[0]["score"] >= np.float32(entry.threshold(subset))
        return Mined(blocks[0]["source"][taken], blocks[0]["hit"][taken], entry.subsets[subset].n)
    hits = np.stack([block["hit"] for block in blocks]).sum(axis=0, dtype=np.int16)
    return Shares(np.asarray(hits), len(blocks), entry.result.lower_is_better)


def difference(a: Evidence, b: Evidence) -> Difference:
    """Return the main score of A minus that of B on one subset, in the score's own unit and direction."""
    if isinstance(a, Correlation) and isinstance(b, Correlation):
        return spearman_difference(a, b)
    if isinstance(a, Mined) and isinstance(b, Mined):
        return f1_difference(*_by_source(a, b), n_gold=a.n_gold)
    if isinstance(a, Shares) and isinstance(b, Shares):
        found = mean_difference(a.hits, b.hits, a.judgements)
        return found.negated() if a.lower_is_better else found
    raise TypeError(f"{type(a).__name__} and {type(b).__name__} are not of one score")


def mean_of_differences(a: Sequence[Evidence], b: Sequence[Evidence]) -> Difference:
    """Return the difference of the means over subsets, which are the same and in the same order."""
    return mean_of([difference(ours, theirs) for ours, theirs in zip(a, b, strict=True)])


def _by_source(a: Mined, b: Mined) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return right and wrong pairs of each source sentence that either model took, (n, 2) of each."""
    sources = np.unique(np.concatenate([a.source, b.source]))
    counts = np.zeros((2, len(sources), 2), dtype=np.int64)
    for side, mined in zip(counts, (a, b), strict=True):
        np.add.at(side, (np.searchsorted(sources, mined.source), np.where(mined.right, 0, 1)), 1)
    return counts[0], counts[1]
