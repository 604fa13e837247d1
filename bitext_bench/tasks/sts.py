"""Semantic textual similarity: correlation of the cosine with human similarity ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import IncompleteData, MissingData, ScoredPairs, Source, warn
from ..languages import LangPair
from ..scoring.correlation import pearson, spearman
from ..scoring.intervals import spearman_interval
from ..scoring.neighbors import Vectors
from .base import Kind, Languages, ScoringUnit, SentenceSet, SubsetScores, mean_score


@dataclass(frozen=True, slots=True)
class Sts:
    """Spearman (and Pearson) correlation of the cosine with the gold similarity, as MTEB computes them.

    Attributes:
        subsets: MTEB's subset name -> the languages of the two sentences, as in "en-fr". The order of the languages in
            MTEB's names is arbitrary.
        collection: name of the data set, if it differs from the name of the task.
    """

    name: str
    subsets: Mapping[str, str]
    description: str
    split: str = "test"
    kind: Kind = "sts"
    lower_is_better: bool = False
    collection: str = ""

    def load(self, source: Source, languages: Languages) -> list[ScoringUnit]:
        """Load the subsets in the source for which both languages were chosen."""
        pairs = {subset: LangPair.parse(pair) for subset, pair in self.subsets.items()}
        chosen = {
            subset: pair
            for subset, pair in pairs.items()
            if languages is None or {pair.source, pair.target} <= set(languages)
        }
        if not chosen:
            has = ", ".join(dict.fromkeys(map(str, pairs.values())))
            raise MissingData(f"{self.name} has no subset in the requested languages: it has {has}")
        units: list[ScoringUnit] = []
        missing: dict[str, MissingData] = {}
        for subset, pair in chosen.items():
            try:
                units.append(self._unit(source, subset, pair))
            except IncompleteData:
                raise
            except MissingData as error:
                missing[subset] = error
        if not units:
            raise next(iter(missing.values()))
        if missing:
            warn(f"{self.name} without {', '.join(missing)}: {source.name} has no such subset")
        return units

    def _unit(self, source: Source, subset: str, pair: LangPair) -> ScoringUnit:
        pairs = source.scored(self.collection or self.name, subset, pair, self.split)
        sides = (SentenceSet(pairs.first, pair.source), SentenceSet(pairs.second, pair.target))
        return ScoringUnit(sides, partial(score_similarity, subset, pair, pairs))

    def summarize(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return the mean over the subsets."""
        return {"cosine_spearman": mean_score(subsets, "cosine_spearman")}


def score_similarity(
    subset: str,
    pair: LangPair,
    pairs: ScoredPairs,
    vectors: Sequence[Vectors],
    draws: NDArray[np.int64] | None = None,
) -> list[SubsetScores]:
    """Return the correlations of one subset; `draws` as in `spearman_interval`."""
    predicted = _cosines(vectors[0], vectors[1])
    gold = np.asarray(pairs.scores)
    if np.isnan(ranked := spearman(predicted, gold)):
        constant = f"all {len(gold):,} {'ratings' if len(set(pairs.scores)) == 1 else 'cosines'} are equal"
        warn(f"{subset} has no correlation: {constant if len(gold) > 1 else 'it has one pair'}")
    return [
        SubsetScores(
            subset=subset,
            languages=(pair.source,) if pair.source == pair.target else (pair.source, pair.target),
            main_score="cosine_spearman",
            scores={"cosine_spearman": _defined(ranked), "cosine_pearson": _defined(pearson(predicted, gold))},
            intervals={"cosine_spearman": spearman_interval(predicted, gold, draws)},
            n=len(gold),
            signature={"pair": str(pair), "subset": subset, "sim": "cos"},
            data=pairs.data,
            outcomes={"pairs": {"score": predicted.astype(np.float32), "gold": gold.astype(np.float32)}},
        )
    ]


def _cosines(first: Vectors, second: Vectors) -> NDArray[np.float64]:
    """Return the cosines (N,) in float64, as 1 - |a - b|^2 / 2, so that all equal sentences get exactly 1 and tie."""
    a, b = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (first.astype(float), second.astype(float)))
    return np.asarray(1 - np.square(a - b).sum(axis=1) / 2, dtype=np.float64)


def _defined(correlation: float) -> float | None:
    """Return None if the correlation is undefined (constant values, one pair), so that it does not count as 0."""
    return None if np.isnan(correlation) else correlation


_EN = {"default": "en-en"}
_STS22 = {
    **{code: f"{code}-{code}" for code in ("en", "de", "es", "pl", "tr", "ar", "ru", "zh", "fr", "it")},
    **{pair: pair for pair in ("de-en", "es-en", "pl-en", "zh-en", "es-it", "de-fr", "de-pl", "fr-pl")},
}
_STS17 = ("ko-ko", "ar-ar", "en-ar", "en-de", "en-en", "en-tr", "es-en", "es-es", "fr-en", "it-en", "nl-en")
_STSB_MULTI = ("en", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "zh")
_MINI = {**{c: f"{c}-{c}" for c in ("en", "fr", "ja", "ko", "ru")}, "en-fr": "en-fr"}

TASKS = (
    *(Sts(f"STS{year}", _EN, f"SemEval 20{year}, English") for year in range(12, 17)),
    Sts("STS17", {pair: pair for pair in _STS17}, "SemEval 2017, within and across languages"),
    Sts("STS22", _STS22, "SemEval 2022 news, within and across languages"),
    Sts("STS22.v2", _STS22, "STS22 without the pairs that have an empty text"),
    Sts("STSBenchmark", _EN, "the STS benchmark, English"),
    Sts("KorSTS", {"default": "ko-ko"}, "the STS benchmark in Korean, translated by people"),
    Sts("JSTS", {"default": "ja-ja"}, "JGLUE's Japanese STS", split="validation"),
    Sts("STSBenchmarkMultilingualSTS", {c: f"{c}-{c}" for c in _STSB_MULTI}, "the STS benchmark, machine-translated"),
    Sts(
        "STSBenchmark-dev",
        _EN,
        "for choosing settings: STSBenchmark's dev split",
        "validation",
        collection="STSBenchmark",
    ),
    Sts(
        "KorSTS-dev",
        {"default": "ko-ko"},
        "for choosing settings: KorSTS's dev split",
        "validation",
        collection="KorSTS",
    ),
    Sts("Mini-STS", _MINI, "graded pairs of the built-in set", collection="mini"),
)
