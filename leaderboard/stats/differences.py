"""The difference between two models on the subsets of a task that both have on the same data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitext_bench.errors import UserError
from bitext_bench.results.records import by_subset
from bitext_bench.scoring.f1 import cluster_counts, cluster_pairs, count_outcomes

from ..entries.read import Entry
from .paired import Correlation, Difference, average, f1_difference, mean_difference, spearman_difference


@dataclass(frozen=True, slots=True, eq=False)
class ShareOutcomes:
    """A model's hits for each sentence, (n,), from 0 to `judgements` (the number of directions)."""

    hits: NDArray[np.int16]
    judgements: int
    lower_is_better: bool


@dataclass(frozen=True, slots=True, eq=False)
class MinedOutcomes:
    """The pairs that a model mined, and all gold pairs; (P,) each.

    Attributes:
        source: rows of the source side.
        target: rows of the target side.
        taken: whether the model mined the pair.
        gold: whether the pair is gold.
    """

    source: NDArray[np.integer]
    target: NDArray[np.integer]
    taken: NDArray[np.bool_]
    gold: NDArray[np.bool_]

    @property
    def counts(self) -> NDArray[np.int64]:
        """(C, 3) right, wrong and missed pairs of each cluster (`f1.cluster_pairs`)."""
        return cluster_counts(self.source, self.target, self.taken, self.gold)

    def counts_with(self, other: MinedOutcomes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the counts of this model and of another one, with clusters formed from the pairs of both."""
        first = len(self.source)
        cluster = cluster_pairs(
            np.concatenate([self.source, other.source]), np.concatenate([self.target, other.target])
        )
        size = int(cluster.max(initial=-1)) + 1
        return (
            count_outcomes(cluster[:first], self.taken, self.gold, size),
            count_outcomes(cluster[first:], other.taken, other.gold, size),
        )


Evidence = ShareOutcomes | Correlation | MinedOutcomes
_COLUMNS = {"cosine_spearman": ("score", "gold"), "f1": ("source", "target", "hit", "score")}
_HITS = ("hit",)


def common_subsets(a: Entry, b: Entry) -> list[str]:
    """Return the subsets that both entries have a score for, with the same data and n."""
    score = a.score
    return [
        name
        for name, subset in a.subsets.items()
        if name in b.subsets and a.data(name) == b.data(name)
        if subset.scores[score] is not None and b.subsets[name].scores.get(score) is not None
    ]


def read_evidence(entry: Entry, subsets: Sequence[str]) -> list[Evidence]:
    """Read the outcomes that the main score of each subset is computed from.

    Raises:
        UserError: the outcomes are missing or damaged, or have no rows for a subset.
    """
    blocks = by_subset(entry.columns(_COLUMNS.get(entry.score, _HITS)))
    if missing := [name for name in subsets if name not in blocks]:
        raise UserError(f"the outcomes of {entry.file} lack {missing[0]}: run the task again")
    return [_of_subset(entry, name, list(blocks[name].values())) for name in subsets]


def evidence_sha256(entry: Entry, subsets: Sequence[str]) -> str:
    """Return a hash of all that `read_evidence` depends on; the entry must be from a file.

    Raises:
        UserError: the outcomes are missing, or are not those of the result.
    """
    entry.check_outcomes()
    result = entry.result
    sizes = [[subset.subset, subset.n, subset.scores.get("threshold")] for subset in result.subsets]
    depends = [result.outcomes_sha256, entry.score, result.lower_is_better, sizes, [*subsets]]
    return hashlib.sha256(json.dumps(depends).encode()).hexdigest()


def _of_subset(entry: Entry, subset: str, blocks: Sequence[dict[str, NDArray[Any]]]) -> Evidence:
    if entry.score == "cosine_spearman":
        return Correlation(blocks[0]["score"], blocks[0]["gold"])
    if entry.score == "f1":
        return _mined_outcomes(entry, subset, blocks[0])
    hits = np.stack([block["hit"] for block in blocks]).sum(axis=0, dtype=np.int16)
    return ShareOutcomes(np.asarray(hits), len(blocks), entry.result.lower_is_better)


def _mined_outcomes(entry: Entry, subset: str, columns: dict[str, NDArray[Any]]) -> MinedOutcomes:
    """Return the mined pairs and the gold pairs.

    Raises:
        UserError: some gold pairs are missing in the outcomes, as in files of early versions.
    """
    gold, taken = columns["hit"], columns["score"] >= np.float32(entry.threshold(subset))
    if int(gold.sum()) != entry.subsets[subset].n:
        raise UserError(
            f"the outcomes of {entry.file} have only {int(gold.sum()):,} of the {entry.subsets[subset].n:,} gold pairs "
            f"of {subset}: run the task again"
        )
    return MinedOutcomes(*(column[taken | gold] for column in (columns["source"], columns["target"], taken, gold)))


def difference(a: Evidence, b: Evidence) -> Difference:
    """Return A's main score minus B's on one subset, in the unit and direction of the score."""
    if isinstance(a, Correlation) and isinstance(b, Correlation):
        return spearman_difference(a, b)
    if isinstance(a, MinedOutcomes) and isinstance(b, MinedOutcomes):
        return f1_difference(*a.counts_with(b))
    if isinstance(a, ShareOutcomes) and isinstance(b, ShareOutcomes):
        found = mean_difference(a.hits, b.hits, a.judgements)
        return found.negated() if a.lower_is_better else found
    raise TypeError(f"{type(a).__name__} and {type(b).__name__} belong to different scores")


def mean_of_differences(a: Sequence[Evidence], b: Sequence[Evidence]) -> Difference:
    """Return the difference of the means over subsets; A and B must have the same subsets in the same order."""
    return average([difference(ours, theirs) for ours, theirs in zip(a, b, strict=True)])
