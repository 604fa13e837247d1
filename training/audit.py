"""The leak audit: which training rows hold a sentence of a benchmark, word for word or nearly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from bitext_bench.data import MissingData, Source
from bitext_bench.errors import UserError
from bitext_bench.languages import Language
from bitext_bench.metrics import fold
from bitext_bench.tasks import REPORTED, Unit

from .corpora import Row
from .minhash import NearIndex

Side = Literal["source", "target"]
SIDES: tuple[Side, ...] = get_args(Side)

# The Jaccard similarity of two sentences' sets of grams (`minhash`) from which they are nearly the same.
NEAR = 0.8


@dataclass(frozen=True, slots=True)
class Leak:
    """A side of a training row that stands in a benchmark.

    Attributes:
        row: its index in the rows that were audited.
        kind: "exact": equal but for case, punctuation and compatibility forms, however short;
            "near": similar by at least `NEAR`.
        similarity: Jaccard similarity of the folded sentences' grams; 1 where exact.
        test: the benchmark and the side's languages, "Tatoeba ja-en".
        sentence: the benchmark's sentence; of several, the most similar.
    """

    row: int
    side: Side
    kind: Literal["exact", "near"]
    similarity: float
    test: str
    sentence: str


@dataclass(frozen=True)
class Benchmarks:
    """Every sentence of every benchmark that some sources have, whatever its side.

    Attributes:
        sentences: folded sentence to the first benchmark that has it and the sentence as it stands there.
        covered: the tasks whose sentences are here.
        missing: the other tasks, and why.
    """

    sentences: Mapping[str, tuple[str, str]]
    covered: tuple[str, ...]
    missing: Mapping[str, str]

    @classmethod
    def build(cls, sources: Sequence[Source], languages: Sequence[Language] | None = None) -> Benchmarks:
        """Load what is reported from each source; what a source lacks, or the hub cannot give, leaves a task missing.

        Args:
            sources: directories, the hub, the built-in set.
            languages: of which benchmarks are loaded; None for all.

        Raises:
            UserError: files of a source are damaged.
        """
        sentences: dict[str, tuple[str, str]] = {}
        covered: list[str] = []
        missing: dict[str, str] = {}
        for task in REPORTED:
            reasons: list[str] = []
            for source in sources:
                try:
                    units = task.load(source, languages)
                except UserError as error:
                    # The hub says in this way that there is no network; of files it means damage.
                    if not (isinstance(error, MissingData) or source.name == "hub"):
                        raise
                    reasons.append(str(error))
                else:
                    _add(sentences, task.name, units)
            if len(reasons) < len(sources):
                covered.append(task.name)
            else:
                missing[task.name] = "; ".join(reasons)
        return cls(sentences, tuple(covered), missing)

    @cached_property
    def near(self) -> NearIndex:
        """The index for near matches; made when it is first asked for, and kept."""
        return NearIndex(list(self.sentences))


def audit(rows: Sequence[Row], benchmarks: Benchmarks) -> list[Leak]:
    """Return the leaks of both sides, in the order of the rows; a side is listed once.

    A side is compared with sentences of any language: the Japanese of an English-Japanese row may be a test
    sentence of French-Japanese. Near matches are found with probability 0.998 at `NEAR`, more above; the same in
    every run.
    """
    folded = {text: fold(text) for row in rows for text in (row.source, row.target)}
    new = sorted({key for key in folded.values() if key and key not in benchmarks.sentences})
    near = benchmarks.near.nearest(new, NEAR)
    leaks: list[Leak] = []
    for index, row in enumerate(rows):
        for side, text in zip(SIDES, (row.source, row.target), strict=True):
            key = folded[text]
            if key in benchmarks.sentences:
                leaks.append(Leak(index, side, "exact", 1.0, *benchmarks.sentences[key]))
            elif key in near:
                similarity, similar = near[key]
                leaks.append(Leak(index, side, "near", similarity, *benchmarks.sentences[similar]))
    return leaks


def _add(sentences: dict[str, tuple[str, str]], task: str, units: Sequence[Unit]) -> None:
    uses = Counter(side for unit in units for side in unit.sides)
    unit_of = {side: unit for unit in units for side in unit.sides}
    for side, unit in unit_of.items():
        # A side of one pair is named by the pair, one that many pairs share (FLORES) by its own language.
        languages = [each.language for each in unit.sides] if uses[side] == 1 else [side.language]
        label = f"{task} {'-'.join(dict.fromkeys(map(str, languages)))}"
        for sentence in side.sentences:
            if key := fold(sentence):  # Punctuation alone folds to nothing, and is not a sentence that could leak.
                sentences.setdefault(key, (label, sentence))
