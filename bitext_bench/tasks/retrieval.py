"""Translation retrieval: find each sentence's translation on the other side. Tatoeba, and BUCC's gold pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import Bitext, Source
from ..languages import LangPair
from ..scoring.intervals import Interval, mean_interval
from ..scoring.margin import CSLS_K, NEAR_MARGINS, best_candidates
from ..scoring.metrics import (
    accuracy_ceiling,
    hubness,
    mean_reciprocal_rank,
    mteb_f1,
    rank_of_first,
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
        return ScoringUnit(
            (source, target), partial(self._score, bitext, pair), searches, partial(_mteb_scores_by, self._subset(pair))
        )

    def _score(self, bitext: Bitext, pair: LangPair, vectors: Sequence[Vectors]) -> list[SubsetScores]:
        forward, backward = search_both(vectors, _same_text(bitext.target), _same_text(bitext.source))
        scores = scores_of_both(forward, backward)
        scores |= mteb_scores(forward.nearest.indices[:, 0])
        scores["ceiling"] = (accuracy_ceiling(bitext.source) + accuracy_ceiling(bitext.target)) / 2
        gold = np.einsum("nd,nd->n", vectors[0], vectors[1])
        return [
            SubsetScores(
                subset=self._subset(pair),
                languages=(pair.source, pair.target),
                main_score="accuracy",
                scores=scores,
                intervals=intervals_of_both(forward, backward),
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


def mteb_scores(first: NDArray[np.int64], gold: NDArray[np.int64] | None = None) -> dict[str, float]:
    """Return MTEB's scores, given the nearest target of each source; `gold` as in `mteb_f1`."""
    right = np.arange(len(first)) if gold is None else gold
    return {"mteb_accuracy": float((first == right).mean()), "mteb_f1": mteb_f1(first, right)}


def _mteb_scores_by(
    subset: str, similarity: Similarity, vectors: Sequence[Vectors]
) -> Mapping[str, Mapping[str, float]]:
    return {subset: mteb_scores(most_similar(similarity, vectors[0], vectors[1]))}


# Takes the candidates (N, k) of each query, and returns which of them are correct.
Match = Callable[[NDArray[np.int64]], NDArray[np.bool_]]


def _same_text(searched: Sequence[str]) -> Match:
    """Candidates are correct if their text equals that of the query's row."""
    classes = text_classes(searched)

    def match(indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.asarray(classes[indices] == classes[: len(indices), None])

    return match


@dataclass(frozen=True, slots=True)
class Direction:
    """The result of searching one side with the sentences of the other.

    Attributes:
        nearest: the K nearest candidates of each query.
        match: (N, K) which of them are correct.
        hit_by_ratio: (N,) whether the best candidate by ratio margin is correct.
        scores: score -> value.
    """

    nearest: Nearest
    match: NDArray[np.bool_]
    hit_by_ratio: NDArray[np.bool_]
    scores: dict[str, float]

    @staticmethod
    def from_neighbors(neighbors: Neighbors, by_csls: NDArray[np.int64], correct: Match) -> Direction:
        """Score a search; `by_csls` has the best candidate (N,) of each query by CSLS."""
        nearest = neighbors.forward
        match = correct(nearest.indices)
        rank = rank_of_first(match)
        scores = {"accuracy": recall_at(rank, 1)}
        hits = {
            margin: correct(best_candidates(neighbors, margin).indices[:, None])[:, 0]
            for margin in NEAR_MARGINS
            if margin != "absolute"  # the absolute margin is the cosine itself
        }
        scores |= {f"accuracy_{margin}": float(hit.mean()) for margin, hit in hits.items()}
        scores["accuracy_csls"] = float(correct(by_csls[:, None]).mean())
        scores |= {"recall_at_5": recall_at(rank, 5), "recall_at_10": recall_at(rank, 10)}
        scores["mrr"] = mean_reciprocal_rank(rank)
        scores |= hubness(nearest.indices, len(neighbors.backward.indices))
        return Direction(nearest, match, hits["ratio"], scores)

    @property
    def hit(self) -> NDArray[np.bool_]:
        """(N,) whether the nearest candidate is correct."""
        return self.match[:, 0]

    def best_correct(self) -> NDArray[np.float32]:
        """Return the highest cosine (N,) of a correct candidate among the nearest; -inf if there is none."""
        return np.asarray(np.where(self.match, self.nearest.cosines, -np.inf).max(axis=1), dtype=np.float32)

    def outcomes(self, gold: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Return for each sentence: hit, neighbor, its cosine, and the lead of the gold over its best competitor.

        The competitor is the nearest candidate that is not correct, since copies of the gold do not compete with it.
        (If all are correct, the last.) `gold` has the cosine (N,) of each pair.
        """
        cosines, wrong = self.nearest.cosines, ~self.match
        rival = np.where(wrong.any(axis=1), wrong.argmax(axis=1), wrong.shape[1] - 1)
        rivals = np.take_along_axis(cosines, rival[:, None], axis=1)[:, 0]
        return {
            "hit": self.hit,
            "neighbor": self.nearest.indices[:, 0].astype(np.int32),
            "score": cosines[:, 0],
            "margin": (gold - rivals).astype(np.float32),
        }


def search_both(vectors: Sequence[Vectors], to_target: Match, to_source: Match) -> tuple[Direction, Direction]:
    """Search the target side with the source sentences, and the other way round."""
    neighbors, by_csls = nearest_with_csls(vectors[0], vectors[1], K, CSLS_K)
    return (
        Direction.from_neighbors(neighbors, by_csls.forward, to_target),
        Direction.from_neighbors(neighbors.reversed, by_csls.backward, to_source),
    )


def scores_of_both(forward: Direction, backward: Direction) -> dict[str, float | None]:
    """Return each score of both directions and its mean."""
    scores: dict[str, float | None] = {}
    for name in forward.scores:
        scores[f"{name}_forward"] = forward.scores[name]
        scores[f"{name}_backward"] = backward.scores[name]
        scores[name] = (forward.scores[name] + backward.scores[name]) / 2
    return scores


def intervals_of_both(forward: Direction, backward: Direction) -> dict[str, Interval]:
    """Return the intervals of the accuracies."""
    hits = np.stack([forward.hit, backward.hit]).astype(np.float64)
    return {
        "accuracy": mean_interval(hits.mean(axis=0), judgements=2),
        "accuracy_forward": mean_interval(hits[0]),
        "accuracy_backward": mean_interval(hits[1]),
    }


TASKS = (
    Retrieval("Tatoeba", "tatoeba", "nearest translation, xx and en, 112 languages; accuracy of both directions"),
    Retrieval("BUCC.v2", "bucc2018", "nearest translation among BUCC 2018's gold pairs (MTEB's BUCC.v2)"),
    Retrieval("BUCC-style", "bucc-style", "the same on your own BUCC-like corpus, bucc-style/xx-en/"),
    Retrieval("Mini-Tatoeba", "mini", "nearest translation in the built-in set"),
)
