"""Metrics as pure functions of arrays. Values are fractions in [0, 1] unless a docstring says otherwise."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def text_classes(texts: Sequence[Hashable]) -> NDArray[np.int64]:
    """Return (N,) the row of the first equal text, so equal texts have equal numbers.

    >>> text_classes(["a", "b", "a"]).tolist()
    [0, 1, 0]
    """
    first: dict[Hashable, int] = {}
    return np.fromiter((first.setdefault(t, i) for i, t in enumerate(texts)), np.int64, len(texts))


def normalize_text(text: str) -> str:
    """Normalize a text: NFKC, casefold, then keep only letters, marks and digits.

    Marks are kept because many scripts write vowels with them: without marks, क, कि and की would be equal.

    >>> normalize_text("Ｈｅｌｌｏ, World!")
    'helloworld'
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(
        c for c in plain if c.isalnum() or (unicodedata.category(c)[0] == "M" and not _is_variation_selector(c))
    )


def _is_variation_selector(mark: str) -> bool:
    """Check for variation selectors, which choose a glyph (as in emoji) and carry no text."""
    return "\ufe00" <= mark <= "\ufe0f" or "\U000e0100" <= mark <= "\U000e01ef"


def accuracy_ceiling(texts: Sequence[str]) -> float:
    """Return the maximum accuracy in `texts` of an encoder that ignores case and punctuation.

    Such an encoder finds only one of the texts that normalize to the same string; the others are misses. Exact copies
    count as one text.
    """
    most: dict[str, int] = {}
    for text, copies in Counter(texts).items():
        key = normalize_text(text) or text
        most[key] = max(copies, most.get(key, 0))
    return sum(most.values()) / len(texts)


def mteb_f1(predicted: NDArray[np.int64], gold: NDArray[np.int64] | None = None) -> float:
    """Return MTEB's bitext F1.

    This is sklearn's weighted F1 with the target's row as class (mteb 2.26
    `_evaluators/text/bitext_mining_evaluator.py`): a target of one query that is predicted h times scores 2 / (h + 1)
    if its own query predicts it and 0 otherwise; all queries have equal weight. It is not the F1 of mined pairs, and
    never exceeds the accuracy.

    Args:
        predicted: (N,) row that each query predicts.
        gold: (N,) correct row of each query; None if it is the query's own row.
    """
    gold = np.arange(len(predicted)) if gold is None else gold
    size = max(predicted.max(), gold.max()) + 1
    hits = np.bincount(gold[predicted == gold], minlength=size)
    support, times = np.bincount(gold, minlength=size), np.bincount(predicted, minlength=size)
    return float((2 * support * hits / np.maximum(support + times, 1)).sum() / len(predicted))


def mteb_precision(predicted: NDArray[np.int64]) -> float:
    """Return MTEB's bitext precision, as in `mteb_f1`: a correct target that is predicted h times scores 1 / h.

    MTEB's recall is the accuracy.

    >>> mteb_precision(np.array([0, 0, 2]))
    0.5
    """
    hit, times = _hits(predicted)
    return float((hit / np.maximum(times, 1)).sum() / len(hit))


def _hits(predicted: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return (N,) whether row i predicts i, and how often i is predicted."""
    n = len(predicted)
    return predicted == np.arange(n), np.bincount(predicted, minlength=n)[:n]


def gold_rank(indices: NDArray[np.int64], classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rank (N,) of each row's own text, counted from 1; 0 if it is not among the k neighbors.

    Args:
        indices: (N, k) neighbors, nearest first.
        classes: (M,) with M >= N, the text class of each row of the other side; row i belongs to query i.
    """
    return rank_of_first(classes[indices] == classes[: len(indices), None])


def rank_of_first(match: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the rank (N,) of the first correct neighbor, counted from 1; 0 if there is none among the k (N, k)."""
    return np.where(match.any(axis=1), match.argmax(axis=1) + 1, 0)


@dataclass(frozen=True, slots=True)
class ValidTargets:
    """The correct candidates of each query in a list of pairs that may repeat a text on either side.

    A candidate is correct if its text is paired with the query's text in any row.

    Attributes:
        queries: (N,) text class of each query (`text_classes`).
        candidates: (M,) text class of each candidate.
        gold: (N,) the candidate that is paired with each query; None if M = N and it is the one in the same row.
    """

    queries: NDArray[np.int64]
    candidates: NDArray[np.int64]
    gold: NDArray[np.int64] | None = None

    def match(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return (N, k) which of the k candidates of each query are correct.

        >>> texts = text_classes(["cat", "cat", "dog"]), text_classes(["paka", "paka mdogo", "mbwa"])
        >>> ValidTargets(*texts).match(np.array([[1, 2], [0, 1], [2, 0]])).tolist()
        [[True, False], [True, True], [True, False]]
        """
        n = len(self.candidates)
        paired = self.candidates if self.gold is None else self.candidates[self.gold]
        return np.isin(self.queries[:, None] * n + self.candidates[indices], self.queries * n + paired)

    @property
    def reversed(self) -> ValidTargets:
        """The same pairs, with the sides exchanged; only if `gold` is None."""
        return ValidTargets(self.candidates, self.queries)


def recall_at(rank: NDArray[np.int64], k: int) -> float:
    """Return the share of queries with a `gold_rank` of at most k."""
    return float(((rank > 0) & (rank <= k)).mean())


def mean_reciprocal_rank(rank: NDArray[np.int64]) -> float:
    """Return the mean of 1 / `gold_rank`; a query whose gold was not found counts as 0."""
    return float(np.where(rank > 0, 1 / np.maximum(rank, 1), 0.0).mean())


def hubness(indices: NDArray[np.int64], n_targets: int, k: int = 10) -> dict[str, float]:
    """Measure how unevenly the targets occur among the k nearest neighbors of the queries (k-occurrence).

    Returns:
        `hub_skewness`: skewness of the k-occurrence (unbounded; 0 is symmetric; Radovanovic et al. 2010);
        `antihubs`: share of targets that never occur; `robin_hood`: share of occurrences that would have to move for
        all targets to occur equally often (Feldbauer et al. 2018).
    """
    nearest = indices[:, :k]
    occurrences = np.bincount(nearest.ravel(), minlength=n_targets).astype(np.float64)
    deviation = occurrences - occurrences.mean()
    spread = occurrences.std()
    skewness = float((deviation**3).mean() / spread**3) if spread else 0.0
    return {
        "hub_skewness": skewness,
        "antihubs": float((occurrences == 0).mean()),
        "robin_hood": float(np.abs(deviation).sum() / (2 * occurrences.sum())),
    }
