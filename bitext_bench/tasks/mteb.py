"""Every task of bitext mining and STS in mteb's registry, read by mteb's own task objects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import (
    Bitext,
    MissingData,
    MtebData,
    MtebTask,
    Provenance,
    ScoredPairs,
    Source,
    benchmark_of,
    find_mteb_task,
)
from ..errors import list_some
from ..languages import LangPair, Language
from ..scoring.arrangements import alpha_auc, square
from ..scoring.intervals import mean_interval
from ..scoring.neighbors import Vectors
from ..scoring.similarity import Similarity, most_similar
from .base import OF_MTEB, Kind, Languages, RetrievalSpec, ScoringUnit, SentenceSet, SubsetScores, Task, mean_score
from .pairs import score_both, score_each, score_forward
from .retrieval import mteb_scores
from .sts import score_similarity


@dataclass(frozen=True, slots=True)
class _Task:
    """The attributes that mteb's tasks have in common.

    Attributes:
        of_mteb: the task in mteb's registry.
        name: MTEB's name; "mteb-..." for a task that bitext-bench reads itself by default, "...-validation" for a
            second split.
        split: split of the data.
    """

    of_mteb: MtebTask
    name: str
    split: str
    lower_is_better: bool = False

    @property
    def kind(self) -> Kind:
        """Kind of the task."""
        return self.of_mteb.kind

    @property
    def description(self) -> str:
        """First sentence of mteb's description."""
        text = " ".join(str(self.of_mteb.task.metadata.description).split())
        return text.partition(". ")[0].rstrip(".")

    def _choose(self, languages: Languages) -> Mapping[str, LangPair]:
        """Return the subsets whose languages were all chosen, or the only subset.

        English need not be chosen if all subsets have it.
        """
        pairs = self.of_mteb.pairs
        if len(pairs) == 1:
            return pairs
        implied = {"en"} if self.of_mteb.has_english_side else set()
        wanted = None if languages is None else {str(language) for language in languages} | implied
        chosen = {
            subset: pair
            for subset, pair in pairs.items()
            if wanted is None or {str(pair.source), str(pair.target)} <= wanted
        }
        if not chosen:
            raise self._nothing_chosen(languages)
        return chosen

    def _nothing_chosen(self, languages: Languages) -> MissingData:
        named = ", ".join(map(str, languages or ()))
        if others := self.of_mteb.partners(languages or ()):
            reason = f"needs both languages of a pair, but only {named} was given: add one of {list_some(others, 12)}"
        else:
            reason = f"has no subset in {named}: pass some of {list_some(self.of_mteb.languages, 12)}"
        return MissingData(f"{self.name} {reason}, or pass all as the languages")

    def _signed(self, scored: SubsetScores, data: MtebData) -> SubsetScores:
        """Add mteb's language codes, and to the signature the subset and the data set on the hub with its revision."""
        repository = self.of_mteb.repository
        revision = f"@{repository.revision}" if data.files.version.startswith("hub-") else ""
        more = {"subset": scored.subset, "dataset": f"{repository.name}{revision}"}
        codes = tuple(self.of_mteb.language_codes(scored.subset))
        return replace(scored, signature={**scored.signature, **more}, codes=codes)


@dataclass(frozen=True, slots=True)
class _TaskOfSubsets(_Task, ABC):
    """A task whose subsets are scored one by one."""

    def load(self, source: Source, languages: Languages) -> list[ScoringUnit]:
        """Load one unit for each subset."""
        chosen = self._choose(languages)
        data = MtebData.load(self.of_mteb, list(chosen), source.mteb_files(self.of_mteb, list(chosen)))
        return [self._unit(data, subset, pair) for subset, pair in chosen.items()]

    @abstractmethod
    def _unit(self, data: MtebData, subset: str, pair: LangPair) -> ScoringUnit:
        """Return the unit of one subset."""


@dataclass(frozen=True, slots=True)
class MtebPairs(_TaskOfSubsets):
    """Retrieval in both directions between the two sides of each subset.

    The scores are those of a user's own pairs, and MTEB's. A data set whose targets are not all translations (BUCC)
    is scored in one direction.
    """

    def _unit(self, data: MtebData, subset: str, pair: LangPair) -> ScoringUnit:
        bitext = data.pairs(subset, self.split)
        first, second = SentenceSet(bitext.source, pair.source), SentenceSet(bitext.target, pair.target)
        gold = tuple(enumerate(bitext.gold)) or None
        searches = [RetrievalSpec(subset, "forward", first, second, bitext.data, gold)]
        if gold is None:
            searches.append(RetrievalSpec(subset, "backward", second, first, bitext.data))
        score = partial(self._score, data, subset, pair, bitext)
        return ScoringUnit((first, second), score, tuple(searches), partial(_by_similarity, [subset], bitext.gold))

    def _score(
        self, data: MtebData, subset: str, pair: LangPair, bitext: Bitext, vectors: Sequence[Vectors]
    ) -> list[SubsetScores]:
        scored = (score_forward if bitext.gold else score_both)(subset, pair, bitext, vectors)
        return [self._signed(_with_mteb_scores(scored, bitext, vectors), data)]

    def summarize(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return the means over the subsets."""
        return {name: mean_score(subsets, name) for name in ("accuracy", "xsim_ratio", "mteb_f1")}


@dataclass(frozen=True, slots=True)
class MtebNWay(_Task):
    """Retrieval and xSIM over every ordered pair of the chosen languages, in a set with all lines in all languages.

    Pairs that mteb does not score are included: of the 14,520 pairs of NTREX, mteb scores 1,916.
    """

    def load(self, source: Source, languages: Languages) -> list[ScoringUnit]:
        """Load one unit for each unordered pair; one search scores both directions."""
        columns = self.of_mteb.column_languages
        chosen = {c: x for c, x in columns.items() if languages is None or x in languages}
        if len(chosen) < 2:
            raise self._nothing_chosen(languages)
        data = MtebData.load(self.of_mteb, ["default"], source.mteb_files(self.of_mteb, ["default"]))
        sides = {column: self._side(data, column, language) for column, language in chosen.items()}
        return [self._unit(data, names, (sides[names[0]], sides[names[1]])) for names in combinations(chosen, 2)]

    def _side(self, data: MtebData, column: str, language: Language) -> tuple[SentenceSet, Provenance]:
        lines = data.lines(column, self.split)
        return SentenceSet(lines.sentences, language), lines.data

    def _unit(
        self, data: MtebData, names: tuple[str, str], sides: tuple[tuple[SentenceSet, Provenance], ...]
    ) -> ScoringUnit:
        (first, one), (second, other) = sides
        # Sorted, so that x-y and y-x have the same data name.
        parts = sorted([one, other], key=lambda data: data.sha256)
        bitext = Bitext(first.sentences, second.sentences, Provenance.joined(benchmark_of(one.version), parts))
        subsets = ["-".join(names), "-".join(reversed(names))]
        pair = LangPair(first.language, second.language)
        searches = (
            RetrievalSpec(subsets[0], "forward", first, second, bitext.data),
            RetrievalSpec(subsets[1], "forward", second, first, bitext.data),
        )
        score = partial(self._score, data, subsets, pair, bitext)
        return ScoringUnit((first, second), score, searches, partial(_by_similarity, subsets, ()))

    def _score(
        self, data: MtebData, subsets: Sequence[str], pair: LangPair, bitext: Bitext, vectors: Sequence[Vectors]
    ) -> list[SubsetScores]:
        there, back = score_each(subsets, pair, bitext, vectors)
        return [
            self._signed(_with_mteb_scores(there, bitext, vectors), data),
            self._signed(_with_mteb_scores(back, bitext.reversed, vectors[::-1]), data),
        ]

    def summarize(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return the means over all ordered pairs, and xSIM for each pair and language."""
        errors = {(str(s.languages[0]), str(s.languages[1])): s.scores["xsim_ratio"] for s in subsets}
        codes = sorted({code for pair in errors for code in pair})
        hits = np.mean([s.outcomes["forward"]["hit"] for s in subsets], axis=0)
        accuracy = {"mean": float(hits.mean()), "interval": mean_interval(hits, judgements=len(subsets))}
        return {
            "accuracy": {**accuracy, "subsets": len(subsets)},
            **{name: mean_score(subsets, name) for name in ("xsim_ratio", "mteb_f1")},
            "xsim_per_language": {
                code: float(np.mean([e for pair, e in errors.items() if code in pair and e is not None]))
                for code in codes
            },
            "xsim_matrix": {"languages": codes, "rows": [[errors.get((a, b)) for b in codes] for a in codes]},
        }


@dataclass(frozen=True, slots=True)
class MtebSts(_TaskOfSubsets):
    """Correlation of the cosine with human ratings.

    If people arranged the texts on a canvas instead (StakeholderGrounding), the ratings are 1 - distance, and
    `mteb_alpha_auc` is MTEB's score.
    """

    def _unit(self, data: MtebData, subset: str, pair: LangPair) -> ScoringUnit:
        rated = data.ratings(subset, self.split)
        sides = (SentenceSet(rated.first, pair.source), SentenceSet(rated.second, pair.target))
        arranged = [] if self.of_mteb.thresholds is None else data.arrangements(subset, self.split)

        def score(vectors: Sequence[Vectors]) -> list[SubsetScores]:
            (scored,) = score_similarity(subset, pair, rated, vectors)
            scored = self._signed(scored, data)
            return [self._with_alpha_auc(scored, rated, arranged) if arranged else scored]

        return ScoringUnit(sides, score)

    def _with_alpha_auc(
        self, scored: SubsetScores, rated: ScoredPairs, arranged: Sequence[NDArray[np.int64]]
    ) -> SubsetScores:
        cosines, ratings = scored.outcomes["pairs"]["score"], np.array(rated.scores)
        matrices = []
        for rows in arranged:
            pairs = [(rated.first[row], rated.second[row]) for row in rows]
            matrices.append((square(pairs, 1 - ratings[rows]), square(pairs, cosines[rows])))
        found = alpha_auc(matrices, np.asarray(self.of_mteb.thresholds))
        return replace(scored, scores={**scored.scores, "mteb_alpha_auc": found})

    def summarize(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return the mean over the subsets."""
        return {"cosine_spearman": mean_score(subsets, "cosine_spearman")}


def _with_mteb_scores(scored: SubsetScores, bitext: Bitext, vectors: Sequence[Vectors]) -> SubsetScores:
    """Add MTEB's scores. Of equal targets, MTEB counts only the row of the source, and finds any of them."""
    nearest = scored.outcomes["forward"]["neighbor"].astype(np.int64)
    if len(set(bitext.target)) < len(bitext.target):
        nearest = most_similar("cosine", vectors[0], vectors[1])  # finds the same one as MTEB
    return replace(scored, scores={**scored.scores, **mteb_scores(nearest, _rows(bitext.gold))})


def _by_similarity(
    subsets: Sequence[str], gold: Sequence[int], similarity: Similarity, vectors: Sequence[Vectors]
) -> Mapping[str, Mapping[str, float]]:
    """Return MTEB's scores by the model's own similarity, of the first subset and of the opposite direction."""
    searched = [(vectors[0], vectors[1]), (vectors[1], vectors[0])][: len(subsets)]
    return {
        subset: mteb_scores(most_similar(similarity, queries, candidates), _rows(gold))
        for subset, (queries, candidates) in zip(subsets, searched, strict=True)
    }


def _rows(gold: Sequence[int]) -> NDArray[np.int64] | None:
    return np.array(gold, dtype=np.int64) if gold else None


def find_task_of_mteb(name: str, *, reserved: bool = False) -> Task | None:
    """Return a task of mteb's registry, or None.

    Args:
        name: MTEB's name in any case and punctuation; "-validation" or "-dev" at its end chooses that split.
        reserved: whether the name means another task without "mteb:", so that the name of the result needs a prefix.

    Raises:
        UserError: mteb has the task, but bitext-bench cannot score it.
    """
    if found := find_mteb_task(name):
        return _make(found, found.splits[0], reserved=reserved)
    start, _, end = name.rpartition("-")
    found = find_mteb_task(start) if start else None
    return _make(found, end, reserved=reserved) if found and end in found.splits[1:] else None


def _make(found: MtebTask, split: str, *, reserved: bool) -> Task:
    name = f"{OF_MTEB if reserved else ''}{found.name}{'' if split == found.splits[0] else f'-{split}'}"
    kind = MtebSts if found.kind == "sts" else MtebNWay if found.is_n_way else MtebPairs
    return kind(found, name, split)
