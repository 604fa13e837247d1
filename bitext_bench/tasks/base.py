"""The interface of a task: it loads scoring units, and each unit computes scores from vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..data import MissingData, Provenance, Source
from ..errors import list_some
from ..languages import LangPair, Language, resolve
from ..scoring.intervals import Interval
from ..scoring.neighbors import Vectors
from ..scoring.similarity import Similarity

OF_MTEB = "mteb-"  # before the name of a task of mteb if one of ours has the same name
Kind = Literal["bitext", "sts"]
Languages = Sequence[Language] | None  # None: all languages in the source


@dataclass(frozen=True, slots=True, eq=False)
class SentenceSet:
    """Sentences in one language. Units with the same sentences share the object, so its vectors are loaded once."""

    sentences: tuple[str, ...]
    language: Language


@dataclass(frozen=True, slots=True)
class SubsetScores:
    """The scores of one subset (usually a language pair).

    Attributes:
        subset: MTEB's name of the subset.
        main_score: name of the score for comparisons.
        scores: values by name: fractions in [0, 1] or correlations in [-1, 1]; None if a score cannot be computed.
        intervals: 95 % intervals by score name.
        n: number of sentences or pairs judged.
        signature: settings that can change the values, besides model, task and data: pair, direction, margin.
        data: provenance of the data.
        outcomes: per-sentence columns of equal length by direction ("forward", "backward", or "pairs").
        details: further values that are not scores, such as a precision-recall curve or error kinds.
        flores_codes: whether MTEB uses FLORES-200's language codes (arb-Arab) rather than Tatoeba's (ara-Arab).
        codes: MTEB's language codes, if they are neither.
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
    codes: tuple[str, ...] = ()

    @property
    def mteb_languages(self) -> list[str]:
        """MTEB's language codes."""
        if self.codes:
            return list(self.codes)
        return [language.mteb_flores if self.flores_codes else language.mteb for language in self.languages]


@dataclass(frozen=True, slots=True)
class RetrievalSpec:
    """The sentences behind a block of outcomes, for showing errors as text.

    Attributes:
        subset: subset of the block.
        direction: direction of the block.
        queries: source sentences of the search; for "pairs", the column `source` indexes them.
        candidates: sentences that are searched; the column `neighbor` (for "pairs", `target`) indexes them.
        data: the data as in the signature.
        gold: (query, candidate) for each correct pair, or for each query in order if the direction is not "pairs"; None
            if candidate i translates query i.
    """

    subset: str
    direction: str
    queries: SentenceSet
    candidates: SentenceSet
    data: Provenance
    gold: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class ScoringUnit:
    """Sentences that are scored together, with the function that scores them.

    Attributes:
        sides: sets of sentences.
        score: pure function of the normalized vectors of the sides, in the same order.
        searches: one for each block of outcomes from `score`; empty for STS.
        mteb_scores: function for the scores that MTEB computes with the model's own similarity, from vectors that are
            not normalized, for each subset; None if there are no such scores.
    """

    sides: tuple[SentenceSet, ...]
    score: Callable[[Sequence[Vectors]], list[SubsetScores]]
    searches: tuple[RetrievalSpec, ...] = ()
    mteb_scores: Callable[[Similarity, Sequence[Vectors]], Mapping[str, Mapping[str, float]]] | None = None


class Task(Protocol):
    """A benchmark.

    Attributes:
        name: name of the task and its result file; MTEB's name if the data are MTEB's.
        kind: kind of task, which determines the prompt.
        split: reported split of the data.
        lower_is_better: true for error rates.
        description: one line for `list tasks`.
    """

    # Properties, so that frozen dataclasses match the protocol.
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
            MissingData: the source does not have the data in any of these languages.
            UserError: the data are damaged.
        """

    def summarize(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return the scores over all subsets, for the result file."""


@dataclass(frozen=True, slots=True)
class BitextTask:
    """The attributes of a task on translations: those of `Task`, and the name of its data in a `Source`."""

    name: str
    collection: str
    description: str
    split: str = "test"
    kind: Kind = "bitext"
    lower_is_better: bool = False


def mteb_task_name(task: str) -> str:
    """Return MTEB's name of the task with the same data. Models name their prompts by it.

    >>> mteb_task_name("STSBenchmark-dev"), mteb_task_name("FLORES-200-xsimpp"), mteb_task_name("mteb-Tatoeba")
    ('STSBenchmark', 'FloresBitextMining', 'Tatoeba')
    """
    if task.startswith("FLORES-200"):
        return "FloresBitextMining"
    return task.removeprefix(OF_MTEB).removesuffix("-dev").removesuffix("-validation")


def select_languages(available: Sequence[Language], languages: Languages) -> list[Language]:
    """Return the available languages that are in `languages`, in the order of `available`."""
    return [language for language in available if languages is None or language in languages]


def english_pairs(name: str, source: Source, collection: str, languages: Languages) -> list[LangPair]:
    """Return xx-en for each chosen language in a collection of such pairs.

    Raises:
        MissingData: the source has none of the languages in this collection.
    """
    english = resolve("en")
    available = source.languages(collection)
    pairs = [LangPair(x, english) for x in select_languages(available, languages) if x != english]
    if not pairs:
        others = list_some([language for language in available if language != english], 12)
        raise MissingData(f"{source.name} has no {name} in the requested languages: it pairs {others} with en")
    return pairs


def mean_score(subsets: Sequence[SubsetScores], score: str) -> dict[str, Any]:
    """Return the mean of a score over subsets, with the number of subsets that have it."""
    values = [v for s in subsets if (v := s.scores[score]) is not None]
    return {"mean": float(np.mean(values)) if values else None, "subsets": len(values)}
