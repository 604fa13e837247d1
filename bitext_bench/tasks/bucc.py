"""BUCC as it was meant: find the pairs that translate each other in two corpora of which most sentences do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..data import Comparable, Provenance, Source
from ..languages import LangPair
from ..margin import MARGIN_K
from ..mining import MinedPairs, best_cut, cut_at, judge, mine, precision_recall_curve
from ..neighbours import Vectors, nearest_both_ways
from ..significance import f1_interval
from .base import Kind, Languages, Search, Side, SubsetScores, Unit, english_pairs, mean_of


@dataclass(frozen=True, slots=True)
class Mining:
    """Margin mining with a threshold chosen on the training split and scored on the test split.

    Ratio margin, k = 4, candidates of both directions, greedy one-to-one (LASER's mine_bitexts.py). `f1`,
    `precision` and `recall` are of pairs; `oracle_f1` is the best that any threshold reaches on the test split
    itself, shown and never compared by. Gold pairs whose sentences were repeated count once.
    """

    name: str
    collection: str
    description: str
    split: str = "test"
    kind: Kind = "bitext"
    lower_is_better: bool = False

    def load(self, source: Source, languages: Languages) -> list[Unit]:
        """Load one unit a language, with both splits."""
        pairs = english_pairs(self.name, source, self.collection, languages)
        return [self._unit(source, pair) for pair in pairs]

    def _unit(self, source: Source, pair: LangPair) -> Unit:
        training, test = (source.comparable(self.collection, pair, split) for split in ("training", "test"))
        sides = tuple(
            Side(sentences, language)
            for corpora in (training, test)
            for sentences, language in ((corpora.source, pair.source), (corpora.target, pair.target))
        )
        search = Search(str(pair), "pairs", sides[2], sides[3], self._data(training, test), test.gold)
        return Unit(sides, partial(self._score, training, test, pair), (search,))

    def _data(self, training: Comparable, test: Comparable) -> Provenance:
        return Provenance.of(self.collection, [training.data.sha256, test.data.sha256])

    def _score(
        self, training: Comparable, test: Comparable, pair: LangPair, vectors: Sequence[Vectors]
    ) -> list[SubsetScores]:
        tuned = mine(nearest_both_ways(vectors[0], vectors[1], MARGIN_K))
        gold = set(training.gold)
        threshold = best_cut(tuned.scores, judge(tuned, gold), len(gold)).threshold
        found = mine(nearest_both_ways(vectors[2], vectors[3], MARGIN_K))
        gold = set(test.gold)
        correct = judge(found, gold)
        cut = cut_at(found.scores, correct, len(gold), threshold)
        oracle = best_cut(found.scores, correct, len(gold))
        n_taken = int((found.scores >= threshold).sum())
        n_correct = int(correct[found.scores >= threshold].sum())
        return [
            SubsetScores(
                subset=str(pair),
                languages=(pair.source, pair.target),
                main_score="f1",
                scores={
                    "f1": cut.f1,
                    "precision": cut.precision,
                    "recall": cut.recall,
                    "threshold": threshold,
                    "oracle_f1": oracle.f1,
                    "oracle_threshold": oracle.threshold,
                },
                intervals={"f1": f1_interval(n_correct, n_taken - n_correct, len(gold) - n_correct)},
                n=len(gold),
                signature={
                    "pair": str(pair),
                    "margin": "ratio",
                    "k": str(MARGIN_K),
                    "retrieval": "max",
                    "threshold": "train",
                    "data": str(self._data(training, test)),
                },
                outcomes={"pairs": _outcomes(found, correct)},
                details={
                    "sentences": [len(test.source), len(test.target)],
                    "repeated_sentences_dropped": training.dropped + test.dropped,
                    "precision_recall_curve": precision_recall_curve(correct, len(gold)),
                },
            )
        ]

    def summarise(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return the mean F1 over the pairs of this file."""
        return {"f1": mean_of(subsets, "f1")}


def _outcomes(found: MinedPairs, correct: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, Any]:
    return {
        "hit": correct,
        "source": found.source.astype(np.int32),
        "target": found.target.astype(np.int32),
        "score": found.scores.astype(np.float32),
    }


TASKS = (
    Mining("BUCC-mining", "bucc2018", "BUCC 2018: mine pairs, threshold from training, F1 on test"),
    Mining("BUCC-style-mining", "bucc-style", "the same on a BUCC-like corpus of one's own, bucc-style/xx-en/"),
    Mining("Mini-mining", "mini", "the same on a small corpus made of the built-in set"),
)
