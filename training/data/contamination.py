"""Contamination: which training rows hold a sentence of a benchmark, word for word or nearly."""

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

# The Jaccard similarity of two sentences' sets of grams (`minhash`) from which they are nearly the same.
NEAR = 0.8

EXCLUDED = "excluded"  # the reason for a benchmark that the user leaves out


@dataclass(frozen=True, slots=True)
class Match:
    """A side of a training row that is also in a benchmark.

    Attributes:
        row: its index in the rows that were searched.
        kind: "exact": equal but for case, punctuation and compatibility forms, however short;
            "near": similar by at least `NEAR`.
        similarity: Jaccard similarity of the folded sentences' grams; 1 where exact.
        benchmark: its task and languages, "Tatoeba ja-en".
        sentence: the benchmark's sentence; of several, the most similar.
    """

    row: int
    side: Side
    kind: Literal["exact", "near"]
    similarity: float
    benchmark: str
    sentence: str


@dataclass(frozen=True)
class BenchmarkSentences:
    """Every sentence of every benchmark that some sources have, whatever its side.

    Attributes:
        sentences: folded sentence to the first benchmark that has it and the sentence as it stands there.
        checked: the tasks and languages whose sentences are here.
        missing: the other tasks, and why; those of the built-in set are not among them.
    """

    sentences: Mapping[str, tuple[str, str]]
    checked: ContaminationAudit
    missing: Mapping[str, str]

    @classmethod
    def build(
        cls, sources: Sequence[Source], languages: Sequence[Language] | None = None, excluded: Sequence[str] = ()
    ) -> BenchmarkSentences:
        """Load from each source what `run` scores on it by default.

        A directory need not have every benchmark, and the hub has not all of them; those are missing. What is there
        has to be whole.

        Args:
            sources: directories, the hub, the built-in set.
            languages: of which benchmarks are loaded; None for all.
            excluded: tasks that are not loaded.

        Raises:
            UserError: a benchmark is damaged, or the hub does not deliver it.
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
        """The sha256 of all sentences: the same for the same benchmarks."""
        return hashlib.sha256("\n".join(sorted(self.sentences)).encode()).hexdigest()

    @cached_property
    def near(self) -> NearIndex:
        """The index for near matches; made when it is first asked for, and kept."""
        return NearIndex(list(self.sentences))


def find_contamination(rows: Sequence[SentencePair], benchmarks: BenchmarkSentences) -> list[Match]:
    """Return the contaminated sides in the order of the rows, each side once.

    A side is compared with sentences of any language: the Japanese of an English-Japanese row may be a test
    sentence of French-Japanese. Near matches are found with probability 0.998 at `NEAR`, more above; the same in
    every run.
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
    """Return a benchmark's units.

    Raises:
        MissingData: the source does not have it.
        UserError: it is damaged, empty, or was not delivered.
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
            f"--exclude-benchmarks {task.name}; its results will say contamination:unchecked"
        ) from error
    return units


def _add(sentences: dict[str, tuple[str, str]], task: str, units: Sequence[ScoringUnit]) -> set[str]:
    """Add the sentences of a task, and return their languages and pairs as `ContaminationAudit` names them."""
    uses = Counter(side for unit in units for side in unit.sides)
    unit_of = {side: unit for unit in units for side in unit.sides}
    parts = set()
    for side, unit in unit_of.items():
        # A side of one pair is named by the pair, one that many pairs share (FLORES) by its own language.
        languages = [str(each.language) for each in unit.sides] if uses[side] == 1 else [str(side.language)]
        label = f"{task} {'-'.join(dict.fromkeys(languages))}"
        parts.add(ContaminationAudit.pair_name(languages) if uses[side] == 1 else str(side.language))
        for sentence in side.sentences:
            # Punctuation alone normalizes to nothing: no sentence that could contaminate training.
            if key := normalize_text(sentence):
                sentences.setdefault(key, (label, sentence))
    return parts
