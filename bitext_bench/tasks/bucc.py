"""BUCC mining: find the translation pairs in two corpora in which most sentences have no translation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import ComparableCorpora, Provenance, Source
from ..languages import LangPair
from ..scoring.f1 import cluster_counts, f1_interval
from ..scoring.intervals import Interval
from ..scoring.margin import MARGIN_K
from ..scoring.mined_pairs import (
    RowPairs,
    best_f1_point,
    judge,
    mine,
    operating_point,
    precision_recall_curve,
    with_unmined_gold,
)
from ..scoring.neighbors import Vectors, search_bidirectional
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


@dataclass(frozen=True, slots=True)
class BuccMining(BitextTask):
    """Margin mining with a threshold chosen on the training split and scored on the test split.

    Ratio margin, k = 4, candidates of both directions, greedy one-to-one selection (LASER's mine_bitexts.py). `f1`,
    `precision` and `recall` count pairs. `oracle_f1` is the best F1 of any threshold on the test split; it is shown,
    but not used for comparisons.

    Repeated sentences are kept once: a pair is correct if the gold has any copy of it, and gold pairs with equal texts
    count once. LASER's tasks/bucc/bucc.py mines the same pairs, but then drops those with a repeated sentence and
    counts each line of the gold file for them as missed. `f1_laser`, `precision_laser`, `recall_laser` and
    `threshold_laser` follow that rule, with their own threshold from the training split. Compare these with figures
    from bucc.py; without repeated sentences they are equal to ours. (If the best threshold accepts all pairs, bucc.py
    reads past the end; here `mined_pairs.best_f1_point` decides.)
    """

    def load(self, source: Source, languages: Languages) -> list[ScoringUnit]:
        """Load one unit for each language, with both splits."""
        pairs = english_pairs(self.name, source, self.collection, languages)
        return [self._unit(source, pair) for pair in pairs]

    def _unit(self, source: Source, pair: LangPair) -> ScoringUnit:
        training, test = (source.comparable(self.collection, pair, split) for split in ("training", "test"))
        sides = tuple(
            SentenceSet(sentences, language)
            for corpora in (training, test)
            for sentences, language in ((corpora.source, pair.source), (corpora.target, pair.target))
        )
        search = RetrievalSpec(str(pair), "pairs", sides[2], sides[3], self._data(training, test), test.gold)
        return ScoringUnit(sides, partial(self._score, training, test, pair), (search,))

    def _data(self, training: ComparableCorpora, test: ComparableCorpora) -> Provenance:
        return Provenance.joined(self.collection, [training.data, test.data])

    def _score(
        self, training: ComparableCorpora, test: ComparableCorpora, pair: LangPair, vectors: Sequence[Vectors]
    ) -> list[SubsetScores]:
        tuned = mine(search_bidirectional(vectors[0], vectors[1], MARGIN_K))
        gold = set(training.gold)
        threshold = best_f1_point(tuned.scores, judge(tuned, gold), len(gold)).threshold
        found = mine(search_bidirectional(vectors[2], vectors[3], MARGIN_K))
        gold = set(test.gold)
        correct = judge(found, gold)
        cut = operating_point(found.scores, correct, len(gold), threshold)
        oracle = best_f1_point(found.scores, correct, len(gold))
        judged = with_unmined_gold(found, gold)
        hit = judge(judged, gold)
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
                    **_laser_scores(tuned, training, found, test),
                },
                intervals={"f1": _interval(judged, hit, threshold)},
                n=len(gold),
                signature={
                    "pair": str(pair),
                    "margin": "ratio",
                    "k": str(MARGIN_K),
                    "retrieval": "max",
                    "threshold": "train",
                },
                data=self._data(training, test),
                outcomes={"pairs": _outcomes(judged, hit)},
                details={
                    "sentences": [len(test.source), len(test.target)],
                    "repeated_sentences_dropped": training.dropped + test.dropped,
                    "precision_recall_curve": precision_recall_curve(correct, len(gold)),
                },
            )
        ]

    def summarize(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return the mean F1 over the language pairs."""
        return {"f1": mean_score(subsets, "f1")}


def _laser_scores(
    tuned: RowPairs, training: ComparableCorpora, found: RowPairs, test: ComparableCorpora
) -> dict[str, float | None]:
    """Return the scores under LASER's rule for repeated sentences; None if it leaves no training pair."""
    tuned, found = _without_repeated(tuned, training), _without_repeated(found, test)
    names = ("f1_laser", "precision_laser", "recall_laser", "threshold_laser")
    if not len(tuned.scores):
        return dict.fromkeys(names)
    threshold = best_f1_point(tuned.scores, judge(tuned, set(training.gold)), len(training.gold)).threshold
    cut = operating_point(found.scores, judge(found, set(test.gold)), len(test.gold), threshold)
    return dict(zip(names, (cut.f1, cut.precision, cut.recall, threshold), strict=True))


def _without_repeated(pairs: RowPairs, corpora: ComparableCorpora) -> RowPairs:
    sources, targets = (np.fromiter(rows, np.int64, len(rows)) for rows in corpora.repeated)
    kept = ~(np.isin(pairs.source, sources) | np.isin(pairs.target, targets))
    return RowPairs(pairs.source[kept], pairs.target[kept], pairs.scores[kept])


def _interval(judged: RowPairs, hit: NDArray[np.bool_], threshold: float) -> Interval:
    taken = judged.scores >= threshold
    kept = taken | hit
    return f1_interval(cluster_counts(judged.source[kept], judged.target[kept], taken[kept], hit[kept]))


def _outcomes(judged: RowPairs, hit: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Return the mined pairs, best first, then the gold pairs that were not mined, with the score -inf."""
    return {
        "hit": hit,
        "source": judged.source.astype(np.int32),
        "target": judged.target.astype(np.int32),
        "score": judged.scores.astype(np.float32),
    }


TASKS = (
    BuccMining("BUCC-mining", "bucc2018", "BUCC 2018: mine pairs, threshold from training, F1 on test"),
    BuccMining("BUCC-style-mining", "bucc-style", "the same on your own BUCC-like corpus, bucc-style/xx-en/"),
    BuccMining("Mini-mining", "mini", "the same on a small corpus from the built-in set"),
)
