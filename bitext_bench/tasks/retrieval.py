"""Translation retrieval: find each sentence's translation on the other side. Tatoeba, and BUCC's gold pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import Bitext, Source
from ..languages import LangPair
from ..scoring.intervals import mean_interval
from ..scoring.margin import CSLS_K, NEAR_MARGINS, best_candidates
from ..scoring.metrics import (
    accuracy_ceiling,
    gold_rank,
    hubness,
    mean_reciprocal_rank,
    mteb_f1,
    recall_at,
    text_classes,
)
from ..scoring.neighbors import Nearest, Neighbors, Vectors, nearest_with_csls
from ..scoring.similarity import Similarity, most_similar
from .base import (
    BitextTask,
    Languages,
    RetrievalSpec,
    ScoringUnit,
    SentenceSet,
    SubsetScores,
    english_pairs,
    mean_score,
)

K = 16  # number of neighbors: enough for CSLS (k = 10) and recall at 10


@dataclass(frozen=True, slots=True)
class Retrieval(BitextTask):
    """Nearest-neighbor retrieval between a language and English, in both directions.

    The nearest neighbor is correct if its text equals the gold text (LASER's text comparison), so exact duplicates
    count. `accuracy`, the paper's score, is the mean of `accuracy_forward` (xx to en) and `accuracy_backward`.
    `mteb_accuracy` and `mteb_f1` are MTEB's scores: one direction, by row number and with the model's own similarity.
    All other scores use the cosine. `accuracy_ratio` and `accuracy_distance` choose among the 4 nearest by margin,
    `accuracy_csls` among all sentences of the other side.
    """

    def load(self, source: Source, languages: Languages) -> list[ScoringUnit]:
        """Load one unit for each language."""
        pairs = english_pairs(self.name, source, self.collection, languages)
        return [self._unit(source.parallel(self.collection, pair.source), pair) for pair in pairs]

    def _unit(self, bitext: Bitext, pair: LangPair) -> ScoringUnit:
        source, target = SentenceSet(bitext.source, pair.source), SentenceSet(bitext.target, pair.target)
        searches = (
            RetrievalSpec(self._subset(pair), "forward", source, target, bitext.data),
            RetrievalSpec(self._subset(pair), "backward", target, source, bitext.data),
        )
        return ScoringUnit((source, target), partial(self._score, bitext, pair), searches, _mteb_scores_by)

    def _score(self, bitext: Bitext, pair: LangPair, vectors: Sequence[Vectors]) -> list[SubsetScores]:
        neighbors, by_csls = nearest_with_csls(vectors[0], vectors[1], K, CSLS_K)
        forward = _Direction.from_neighbors(neighbors, by_csls.forward, bitext.target)
        backward = _Direction.from_neighbors(neighbors.reversed, by_csls.backward, bitext.source)
        scores: dict[str, float | None] = {}
        for name in forward.scores:
            scores[f"{name}_forward"] = forward.scores[name]
            scores[f"{name}_backward"] = backward.scores[name]
            scores[name] = (forward.scores[name] + backward.scores[name]) / 2
        scores |= _mteb_scores(neighbors.forward.indices[:, 0])
        scores["ceiling"] = (accuracy_ceiling(bitext.source) + accuracy_ceiling(bitext.target)) / 2
        hits = np.stack([forward.hit, backward.hit]).astype(np.float64)
        gold = np.einsum("nd,nd->n", vectors[0], vectors[1])
        return [
            SubsetScores(
                subset=self._subset(pair),
                languages=(pair.source, pair.target),
                main_score="accuracy",
                scores=scores,
                intervals={
                    "accuracy": mean_interval(hits.mean(axis=0), judgements=2),
                    "accuracy_forward": mean_interval(hits[0]),
                    "accuracy_backward": mean_interval(hits[1]),
                },
                n=len(bitext.source),
                signature={"pair": str(pair), "dir": "mean", "match": "text", "sim": "cos"},
                data=bitext.data,
                outcomes={"forward": forward.outcomes(gold), "backward": backward.outcomes(gold)},
            )
        ]

    def _subset(self, pair: LangPair) -> str:
        return pair.tatoeba if self.collection == "tatoeba" else str(pair)

    def summarize(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return the mean accuracy over the language pairs (for the paper's averages see results/averages.py)."""
        return {"accuracy": mean_score(subsets, "accuracy")}


def _mteb_scores(first: NDArray[np.int64]) -> dict[str, float]:
    """Return MTEB's scores, given the nearest target of each source."""
    return {"mteb_accuracy": float((first == np.arange(len(first))).mean()), "mteb_f1": mteb_f1(first)}


def _mteb_scores_by(similarity: Similarity, vectors: Sequence[Vectors]) -> dict[str, float]:
    return _mteb_scores(most_similar(similarity, vectors[0], vectors[1]))


@dataclass(frozen=True, slots=True)
class _Direction:
    """The result of searching one side with the sentences of the other."""

    nearest: Nearest
    hit: NDArray[np.bool_]
    rival: NDArray[np.int64]
    scores: dict[str, float]

    @staticmethod
    def from_neighbors(neighbors: Neighbors, by_csls: NDArray[np.int64], searched: Sequence[str]) -> _Direction:
        classes = text_classes(searched)
        nearest = neighbors.forward
        rank = gold_rank(nearest.indices, classes)
        scores = {"accuracy": recall_at(rank, 1)}
        for margin in NEAR_MARGINS:
            if margin != "absolute":  # the absolute margin is the cosine itself
                found = best_candidates(neighbors, margin).indices
                scores[f"accuracy_{margin}"] = float((classes[found] == classes).mean())
        scores["accuracy_csls"] = float((classes[by_csls] == classes).mean())
        scores |= {"recall_at_5": recall_at(rank, 5), "recall_at_10": recall_at(rank, 10)}
        scores["mrr"] = mean_reciprocal_rank(rank)
        scores |= hubness(nearest.indices, len(searched))
        # The nearest with another text, since copies of the gold do not compete with it. (If all are copies, the last.)
        other = classes[nearest.indices] != classes[: len(rank), None]
        rival = np.where(other.any(axis=1), other.argmax(axis=1), other.shape[1] - 1)
        return _Direction(nearest, rank == 1, rival, scores)

    def outcomes(self, gold: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Return for each sentence: hit, neighbor, its cosine, and the lead of the gold over its best competitor."""
        first = self.nearest.cosines[:, 0]
        rival = np.take_along_axis(self.nearest.cosines, self.rival[:, None], axis=1)[:, 0]
        return {
            "hit": self.hit,
            "neighbor": self.nearest.indices[:, 0].astype(np.int32),
            "score": first,
            "margin": (gold - rival).astype(np.float32),
        }


TASKS = (
    Retrieval("Tatoeba", "tatoeba", "nearest translation, xx and en, 112 languages; accuracy of both directions"),
    Retrieval("BUCC.v2", "bucc2018", "nearest translation among BUCC 2018's gold pairs (MTEB's BUCC.v2)"),
    Retrieval("BUCC-style", "bucc-style", "the same on your own BUCC-like corpus, bucc-style/xx-en/"),
    Retrieval("Mini-Tatoeba", "mini", "nearest translation in the built-in set"),
)
