"""Contamination: find training rows that contain a benchmark sentence, exactly or nearly."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from bitext_bench.data import IncompleteData, MissingData, Source
from bitext_bench.encoders import ContaminationAudit
from bitext_bench.errors import UserError
from bitext_bench.languages import Language
from bitext_bench.scoring.metrics import normalize_text
from bitext_bench.tasks import BENCHMARKS, ScoringUnit, Task, default_tasks

from .corpora import SentencePair
from .minhash import NearIndex

Side = Literal["source", "target"]
SIDES: tuple[Side, ...] = get_args(Side)

# Two sentences are near duplicates if the Jaccard similarity of their gram sets (`minhash`) is at least this.
NEAR = 0.8

EXCLUDED = "excluded"  # the reason for a benchmark that the user excluded


@dataclass(frozen=True, slots=True)
class Match:
    """A side of a training row that is also in a benchmark.

    Attributes:
        row: index of the row.
        kind: "exact": equal after normalization (case, punctuation, compatibility forms), at any length; "near":
            similarity of at least `NEAR`.
        similarity: Jaccard similarity of the gram sets of the normalized sentences; 1 if exact.
        benchmark: task and languages of the benchmark, like "Tatoeba ja-en".
        sentence: the benchmark's sentence; the most similar one if several match.
    """

    row: int
    side: Side
    kind: Literal["exact", "near"]
    similarity: float
    benchmark: str
    sentence: str


@dataclass(frozen=True)
class BenchmarkSentences:
    """All sentences, on both sides, of all benchmarks in some sources.

    Attributes:
        sentences: normalized sentence -> (the first benchmark that has it, its original text).
        checked: the tasks and languages included.
        missing: the other tasks, with the reason; tasks of the built-in set are not listed.
    """

    sentences: Mapping[str, tuple[str, str]]
    checked: ContaminationAudit
    missing: Mapping[str, str]

    @classmethod
    def build(
        cls, sources: Sequence[Source], languages: Sequence[Language] | None = None, excluded: Sequence[str] = ()
    ) -> BenchmarkSentences:
        """Load the default tasks of each source.

        A source without some benchmark is accepted, and the benchmark goes to `missing`; a damaged one is an error.

        Args:
            sources: directories, the hub, the built-in set.
            languages: load benchmarks in these languages only; None loads all.
            excluded: tasks to skip.

        Raises:
            UserError: a benchmark is damaged or incomplete, or cannot be downloaded.
        """
        sentences: dict[str, tuple[str, str]] = {}
        checked: dict[str, set[str]] = {}
        missing = {task.name: "" for task in BENCHMARKS} | dict.fromkeys(excluded, EXCLUDED)
        for source in sources:
            for task in default_tasks(source):
                if task.name in excluded:
                    continue
                try:
                    units = _load(task, source, languages)
                except MissingData as error:
                    missing[task.name] = str(error)
                else:
                    checked.setdefault(task.name, set()).update(_add(sentences, task.name, units))
        tasks = {name: tuple(sorted(parts)) for name, parts in checked.items()}
        return cls(
            sentences, ContaminationAudit(tasks), {name: why for name, why in missing.items() if name not in tasks}
        )

    @cached_property
    def sha256(self) -> str:
        """The sha256 of all normalized sentences, in sorted order."""
        return hashlib.sha256("\n".join(sorted(self.sentences)).encode()).hexdigest()

    @cached_property
    def near(self) -> NearIndex:
        """The index for near matches, built on first use."""
        return NearIndex(list(self.sentences))


def find_contamination(rows: Sequence[SentencePair], benchmarks: BenchmarkSentences) -> list[Match]:
    """Return the contaminated sides in row order, each once.

    A side is compared with sentences of any language: the Japanese side of an English-Japanese row may be a test
    sentence of French-Japanese. Near matches are found with probability 0.998 at similarity `NEAR`, and higher above
    it. The result is deterministic.
    """
    folded = {text: normalize_text(text) for row in rows for text in (row.source, row.target)}
    new = sorted({key for key in folded.values() if key and key not in benchmarks.sentences})
    near = benchmarks.near.nearest(new, NEAR)
    matches: list[Match] = []
    for index, row in enumerate(rows):
        for side, text in zip(SIDES, (row.source, row.target), strict=True):
            key = folded[text]
            if key in benchmarks.sentences:
                matches.append(Match(index, side, "exact", 1.0, *benchmarks.sentences[key]))
            elif key in near:
                similarity, similar = near[key]
                matches.append(Match(index, side, "near", similarity, *benchmarks.sentences[similar]))
    return matches


def _load(task: Task, source: Source, languages: Sequence[Language] | None) -> list[ScoringUnit]:
    """Load the scoring units of a benchmark.

    Raises:
        MissingData: the source does not have the benchmark.
        UserError: the benchmark is damaged or empty, or could not be downloaded.
    """
    try:
        units = task.load(source, languages)
        for side in (side for unit in units for side in unit.sides):
            if not any(map(normalize_text, side.sentences)):
                raise UserError(f"{source.name} has an empty {task.name} in {side.language}")
    except UserError as error:
        if isinstance(error, MissingData) and not isinstance(error, IncompleteData):
            raise
        raise UserError(
            f"cannot compare the training rows with {task.name}: {error}. To train without this check, pass "
            f"--exclude-benchmarks {task.name}; results on it will say contamination:unchecked"
        ) from error
    return units


def _add(sentences: dict[str, tuple[str, str]], task: str, units: Sequence[ScoringUnit]) -> set[str]:
    """Add the sentences of a task; return its languages and pairs in the spelling of `ContaminationAudit`."""
    uses = Counter(side for unit in units for side in unit.sides)
    unit_of = {side: unit for unit in units for side in unit.sides}
    parts = set()
    for side, unit in unit_of.items():
        # A side that belongs to one pair is labeled with the pair; a side shared by many (FLORES), with its language.
        languages = [str(each.language) for each in unit.sides] if uses[side] == 1 else [str(side.language)]
        label = f"{task} {'-'.join(dict.fromkeys(languages))}"
        parts.add(ContaminationAudit.pair_name(languages) if uses[side] == 1 else str(side.language))
        for sentence in side.sentences:
            # Text of punctuation only normalizes to "" and cannot contaminate training.
            if key := normalize_text(sentence):
                sentences.setdefault(key, (label, sentence))
    return parts
