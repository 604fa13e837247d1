"""What a task is: it loads units of work, and each unit turns vectors into scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..data import MissingData, Provenance, Source
from ..languages import LangPair, Language, resolve
from ..scoring.intervals import Interval
from ..scoring.neighbors import Vectors
from ..scoring.similarity import Similarity

Kind = Literal["bitext", "sts"]
Languages = Sequence[Language] | None  # None: all that the source has


@dataclass(frozen=True, slots=True, eq=False)
class SentenceSet:
    """Sentences in one language; units that share a side share the object, so that it is gathered once."""

    sentences: tuple[str, ...]
    language: Language


@dataclass(frozen=True, slots=True)
class SubsetScores:
    """The scores of one subset (a language pair, as a rule).

    Attributes:
        subset: as MTEB names it.
        scores: every score by name; fractions, correlations in [-1, 1], or null where one cannot be computed.
        main_score: the name of the score to compare by.
        intervals: 95 % intervals by score name.
        n: sentences or pairs that were judged.
        signature: what can change the numbers besides the model, the task and the data: pair, direction, margin.
        data: what was scored.
        outcomes: per-sentence columns of equal length by direction ("forward", "backward", or "pairs").
        details: what is worth keeping and is not a score (a precision-recall curve, error kinds).
        flores_codes: whether MTEB files the languages by FLORES-200's codes (arb-Arab) or by Tatoeba's (ara-Arab).
    """

    subset: str
    languages: tuple[Language, ...]
    main_score: str
    scores: dict[str, float | None]
    intervals: dict[str, Interval]
    n: int
    signature: dict[str, str]
    data: Provenance
    outcomes: dict[str, dict[str, NDArray[Any]]] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    flores_codes: bool = False

    @property
    def mteb_languages(self) -> list[str]:
        """MTEB's codes of the languages."""
        return [language.mteb_flores if self.flores_codes else language.mteb for language in self.languages]


@dataclass(frozen=True, slots=True)
class RetrievalSpec:
    """What the rows in one block of outcomes stand for, so that a miss can be read as text.

    Attributes:
        subset: the block's subset.
        direction: the block's direction.
        queries: the sentences whose translations are looked for; in "pairs", what `source` counts.
        candidates: where they are looked for; what `neighbour`, or in "pairs" `target`, counts.
        data: as it stands in the signature.
        gold: (query, candidate) of every right pair; None where query i is translated by candidate i.
    """

    subset: str
    direction: str
    queries: SentenceSet
    candidates: SentenceSet
    data: Provenance
    gold: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class ScoringUnit:
    """Work that is scored together: its sides, and a pure function of their unit vectors in the same order.

    Attributes:
        searches: one for each block of outcomes that `score` gives; none where nothing is searched (STS).
        mteb_scores: those scores that MTEB takes by the model's own similarity, of the vectors in the length that the
            model gave them; None where there are none.
    """

    sides: tuple[SentenceSet, ...]
    score: Callable[[Sequence[Vectors]], list[SubsetScores]]
    searches: tuple[RetrievalSpec, ...] = ()
    mteb_scores: Callable[[Similarity, Sequence[Vectors]], dict[str, float]] | None = None


class Task(Protocol):
    """A benchmark.

    Attributes:
        name: names the result file; MTEB's name where the data are MTEB's.
        kind: decides the prompt.
        split: the split that is reported.
        lower_is_better: true for error rates.
        description: one line for `list tasks`.
    """

    # As properties, so that frozen dataclasses fit.
    @property
    def name(self) -> str: ...  # noqa: D102 (above)
    @property
    def kind(self) -> Kind: ...  # noqa: D102
    @property
    def split(self) -> str: ...  # noqa: D102
    @property
    def lower_is_better(self) -> bool: ...  # noqa: D102
    @property
    def description(self) -> str: ...  # noqa: D102

    def load(self, source: Source, languages: Languages) -> list[ScoringUnit]:
        """Read the data of the chosen languages.

        Raises:
            MissingData: the source does not have it, or nothing of it in these languages.
            UserError: the data are damaged.
        """

    def summarize(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return what is said about all subsets together, for the result file."""


def mteb_task_name(task: str) -> str:
    """Return MTEB's name of the task whose data a task reads, by which models name their prompts.

    >>> mteb_task_name("STSBenchmark-dev"), mteb_task_name("FLORES-200-xsimpp"), mteb_task_name("Tatoeba")
    ('STSBenchmark', 'FloresBitextMining', 'Tatoeba')
    """
    return "FloresBitextMining" if task.startswith("FLORES-200") else task.removesuffix("-dev")


def select_languages(available: Sequence[Language], languages: Languages) -> list[Language]:
    """Return the available languages that were chosen, in the order of `available`."""
    return [language for language in available if languages is None or language in languages]


def english_pairs(name: str, source: Source, collection: str, languages: Languages) -> list[LangPair]:
    """Return xx-en for every chosen language that a collection of such pairs has.

    Raises:
        MissingData: the source does not have the collection, or none of the languages.
    """
    english = resolve("en")
    pairs = [LangPair(x, english) for x in select_languages(source.languages(collection), languages) if x != english]
    if not pairs:
        raise MissingData(f"{source.name} has no {name} in the languages asked for")
    return pairs


def mean_score(subsets: Sequence[SubsetScores], score: str) -> dict[str, Any]:
    """Return the mean of a score over subsets, with how many there are."""
    values = [v for s in subsets if (v := s.scores[score]) is not None]
    return {"mean": float(np.mean(values)) if values else None, "subsets": len(values)}
