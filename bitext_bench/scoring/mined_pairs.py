"""Mining: select translation pairs of two corpora from their nearest neighbors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .margin import best_candidates
from .neighbors import Neighbors

Selection = Literal["greedy", "forward", "backward", "union", "intersection"]
SELECTIONS: tuple[Selection, ...] = get_args(Selection)

_SLICE = 100_000


@dataclass(frozen=True, slots=True)
class RowPairs:
    """P pairs, best first. After greedy selection each source and each target occurs at most once.

    Attributes:
        source: (P,) rows of the source side.
        target: (P,) rows of the target side.
        scores: (P,) ratio margins, not increasing.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    scores: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold with the precision, recall and F1, in [0, 1], of the pairs scored >= threshold."""

    threshold: float
    precision: float
    recall: float
    f1: float


def mine(neighbors: Neighbors) -> RowPairs:
    """Mine pairs as LASER's mine_bitexts.py does with `--retrieval max --margin ratio -k 4`.

    Each source proposes its best target by ratio margin, and each target its best source. Proposals are accepted
    greedily by score. Ties go to the lower source row, then to the lower target row.
    """
    best, back = best_candidates(neighbors, "ratio"), best_candidates(neighbors.reversed, "ratio")
    forward = RowPairs(np.arange(len(best.indices)), best.indices, best.scores)
    return select(forward, RowPairs(back.indices, np.arange(len(back.indices)), back.scores), "greedy")


def select(forward: RowPairs, backward: RowPairs, selection: Selection) -> RowPairs:
    """Select pairs from the proposals of the sources (`forward`) and of the targets (`backward`), in any order.

    greedy: by decreasing score, skip a pair if either sentence is already used. forward, backward: all proposals of
    one side. union: proposals of either side. intersection: proposals of both sides. Ties are as in `mine`.
    """
    if selection in ("forward", "backward"):
        only = forward if selection == "forward" else backward
        source, target, scores = only.source, only.target, only.scores
    else:
        source = np.concatenate([forward.source, backward.source])
        target = np.concatenate([forward.target, backward.target])
        scores = np.concatenate([forward.scores, backward.scores])
    order = np.lexsort((target, source, -scores))
    source, target, scores = source[order], target[order], scores[order]
    if selection == "greedy":
        kept = _one_to_one(source, target)
    elif selection in ("union", "intersection"):
        kept = _is_repeat(source, target) if selection == "intersection" else ~_is_repeat(source, target)
    else:
        return RowPairs(source, target, scores)
    return RowPairs(source[kept], target[kept], scores[kept])


def _one_to_one(source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.bool_]:
    kept = bytearray(len(source))
    used_sources, used_targets = (bytearray(int(side.max(initial=-1)) + 1) for side in (source, target))
    for first in range(0, len(source), _SLICE):  # Python lists take much more memory than arrays
        here = slice(first, first + _SLICE)
        for at, (left, right) in enumerate(zip(source[here].tolist(), target[here].tolist(), strict=True), first):
            if not used_sources[left] and not used_targets[right]:
                used_sources[left] = used_targets[right] = kept[at] = 1
    return np.frombuffer(bytes(kept), dtype=np.bool_)


def _is_repeat(source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (P,) whether the same pair occurs earlier. Each pair occurs at most twice."""
    order = np.lexsort((target, source))  # stable
    again = np.zeros(len(source), dtype=np.bool_)
    same = (source[order][1:] == source[order][:-1]) & (target[order][1:] == target[order][:-1])
    again[order[1:][same]] = True
    return again


def judge(pairs: RowPairs, gold: set[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return (P,) whether each mined pair is a gold pair."""
    found = zip(pairs.source.tolist(), pairs.target.tolist(), strict=True)
    return np.fromiter((pair in gold for pair in found), np.bool_, count=len(pairs.source))


def with_unmined_gold(pairs: RowPairs, gold: set[tuple[int, int]]) -> RowPairs:
    """Append the gold pairs that were not mined, sorted by row, with the score -inf."""
    left = sorted(gold - set(zip(pairs.source.tolist(), pairs.target.tolist(), strict=True)))
    rows = np.array(left, dtype=np.int64).reshape(-1, 2)
    return RowPairs(
        np.concatenate([pairs.source, rows[:, 0]]),
        np.concatenate([pairs.target, rows[:, 1]]),
        np.concatenate([pairs.scores, np.full(len(rows), -np.inf)]),
    )


def operating_point(
    scores: NDArray[np.float64], correct: NDArray[np.bool_], n_gold: int, threshold: float
) -> OperatingPoint:
    """Return precision, recall and F1 of the pairs scored >= threshold; all are 0 without such a pair."""
    taken = scores >= threshold
    n_taken, n_correct = int(taken.sum()), int((taken & correct).sum())
    precision = n_correct / n_taken if n_taken else 0.0
    recall = n_correct / n_gold if n_gold else 0.0
    return OperatingPoint(threshold, precision, recall, 2 * n_correct / (n_taken + n_gold))


def best_f1_point(scores: NDArray[np.float64], correct: NDArray[np.bool_], n_gold: int) -> OperatingPoint:
    """Choose the threshold with the best F1; the highest such threshold in a tie.

    The threshold is halfway between the last accepted pair and the first rejected pair (BUCC shared task practice).
    If all pairs are accepted it is the last score, where LASER's bucc.py reads past the end; the same if no float is
    halfway. Equal scores are never separated.

    Args:
        scores: (P,) not increasing.
        correct: (P,) whether the pair is gold.
        n_gold: number of gold pairs, found or not; at least 1.

    Raises:
        ValueError: there are no pairs.
    """
    if not len(scores):
        raise ValueError("no pairs to choose a threshold from")
    n_taken = np.arange(1, len(scores) + 1)
    f1 = 2 * np.cumsum(correct) / (n_taken + n_gold)
    f1[:-1][scores[:-1] == scores[1:]] = -1.0
    last = int(f1.argmax())
    after = scores[min(last + 1, len(scores) - 1)]
    halfway = (scores[last] + after) / 2
    return operating_point(scores, correct, n_gold, float(halfway if halfway > after else scores[last]))


def precision_point(
    scores: NDArray[np.float64], correct: NDArray[np.bool_], n_gold: int, precision: float
) -> OperatingPoint | None:
    """Choose the lowest threshold that reaches the target precision; None if no threshold does.

    Args:
        scores: (P,) not increasing.
        correct: (P,) whether the pair is gold.
        n_gold: number of gold pairs, found or not; at least 1.
        precision: target precision, in (0, 1].
    """
    # 0.55 * 100 is more than 55 in floating point.
    enough = np.cumsum(correct) >= precision * np.arange(1, len(scores) + 1) - 1e-9
    enough[:-1] &= scores[:-1] != scores[1:]
    if not enough.any():
        return None
    return operating_point(scores, correct, n_gold, float(scores[np.flatnonzero(enough)[-1]]))


def precision_recall_curve(correct: NDArray[np.bool_], n_gold: int, points: int = 101) -> list[tuple[float, float]]:
    """Return (recall, precision) after the best 1, ..., P pairs, thinned to at most `points`."""
    n_taken = np.arange(1, len(correct) + 1)
    n_correct = np.cumsum(correct)
    at = np.unique(np.linspace(0, len(correct) - 1, min(points, len(correct))).round().astype(int))
    return [(round(float(n_correct[i] / n_gold), 6), round(float(n_correct[i] / n_taken[i]), 6)) for i in at]
