"""Two models on one task: the difference on every subset that both were scored on with the same data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitext_bench.errors import UserError

from .paired import Difference, f1_difference, mean_difference, mean_of, spearman_difference
from .read import Entry

Columns = dict[str, dict[str, NDArray[Any]]]  # direction -> column -> values


def common_subsets(a: Entry, b: Entry) -> list[str]:
    """Return the subsets that both have a score on, of the same data and n."""
    score = a.result.run["main_score"]
    return [
        name
        for name, subset in a.subsets.items()
        if name in b.subsets and a.data(name) == b.data(name)
        if subset[score] is not None and b.subsets[name].get(score) is not None
    ]


def subset_difference(a: Entry, b: Entry, subset: str) -> Difference:
    """Return the main score of A minus that of B on one subset, in the score's own unit and direction.

    Raises:
        UserError: the outcomes of one are missing, or not of the same sentences.
    """
    ours, theirs = _columns(a, subset), _columns(b, subset)
    score = a.result.run["main_score"]
    if score == "f1":
        return f1_difference(*_mined(ours["pairs"], theirs["pairs"], a, b, subset), n_gold=a.subsets[subset]["n"])
    if score == "cosine_spearman":
        return spearman_difference(ours["pairs"]["score"], theirs["pairs"]["score"], ours["pairs"]["gold"])
    difference = mean_difference(_hits(ours), _hits(theirs), len(ours))
    return difference.negated() if a.result.run["lower_is_better"] else difference


def task_difference(a: Entry, b: Entry, subsets: Sequence[str]) -> Difference:
    """Return the difference of the means over subsets.

    Raises:
        UserError: as `subset_difference`.
    """
    return mean_of([subset_difference(a, b, subset) for subset in subsets])


def _columns(entry: Entry, subset: str) -> Columns:
    columns = {direction: block for (name, direction), block in entry.outcomes.items() if name == subset}
    if not columns:
        raise UserError(f"the outcomes beside {entry.file} lack {subset}: run the task again")
    return columns


def _hits(columns: Columns) -> NDArray[np.int64]:
    return np.asarray(sum(block["hit"].astype(np.int64) for block in columns.values()))


def _mined(
    ours: dict[str, NDArray[Any]], theirs: dict[str, NDArray[Any]], a: Entry, b: Entry, subset: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return right and wrong pairs of each source sentence that either model took, (n, 2) of each."""
    taken = []
    for pairs, entry in ((ours, a), (theirs, b)):
        above = pairs["score"] >= np.float32(entry.subsets[subset]["threshold"])
        taken.append((pairs["source"][above], pairs["hit"][above]))
    sources = np.unique(np.concatenate([source for source, _ in taken]))
    counts = np.zeros((2, len(sources), 2), dtype=np.int64)
    for side, (source, hit) in zip(counts, taken, strict=True):
        np.add.at(side, (np.searchsorted(sources, source), np.where(hit, 0, 1)), 1)
    return counts[0], counts[1]
