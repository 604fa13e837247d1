"""Contamination: find training rows that contain a benchmark sentence, exactly or nearly (MinHash).

A text is represented by its set of grams. A gram has three characters, or two if the first is a kanji, kana or Hangul
character; the last grams of a text are shorter.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bitext_bench.data import IncompleteData, MissingData, Source
from bitext_bench.encoders import ContaminationAudit
from bitext_bench.errors import UserError
from bitext_bench.languages import Language
from bitext_bench.scoring.metrics import normalize_text
from bitext_bench.tasks import BENCHMARKS, ScoringUnit, Task, default_tasks

from .corpora import SentencePair

Side = Literal["source", "target"]
SIDES: tuple[Side, ...] = get_args(Side)

# Two sentences are near duplicates if the Jaccard similarity of their gram sets is at least this.
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


Codes = NDArray[np.uint64]
Indices = NDArray[np.int64]

# Two texts with similarity s share a band with probability 1 - (1 - s^5)^16: 0.998 at 0.8, 0.4 at 0.5, 0.04 at 0.3.
_BANDS = 16
_BAND_HASHES = 5
_CHUNK = 4_096  # texts hashed at once: few enough to stay in the CPU cache
_CANDIDATES = 200_000  # pairs compared at once

# Hash: multiply by an odd number and keep the high bits. The numbers have a fixed seed, so results are reproducible.
_ODD = np.random.default_rng(1997).integers(0, 2**63, (2, _BANDS * _BAND_HASHES), dtype=np.uint64) * np.uint64(2)
_HASHES, _KEY_PARTS = _ODD + np.uint64(1)


class NearIndex:
    """An index of non-empty texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        keys = _band_keys(texts)
        self._order = np.argsort(keys, axis=1)
        self._keys = np.take_along_axis(keys, self._order, axis=1)

    def nearest(self, texts: Sequence[str], threshold: float) -> dict[str, tuple[float, str]]:
        """Return the most similar indexed text and its Jaccard similarity; texts without a match are left out.

        Args:
            texts: distinct, non-empty texts.
            threshold: minimum similarity; below 0.7, many matches are missed.
        """
        found: dict[str, tuple[float, str]] = {}
        queries, rows = self._candidates(texts)
        for start in range(0, len(queries), _CANDIDATES):
            part = slice(start, start + _CANDIDATES)
            similar = _jaccard(texts, queries[part], self._texts, rows[part])
            for i in np.flatnonzero(similar >= threshold).tolist():
                best = (float(similar[i]), self._texts[rows[start + i]])
                text = texts[queries[start + i]]
                if text not in found or best > found[text]:
                    found[text] = best
        return found

    def _candidates(self, texts: Sequence[str]) -> tuple[Indices, Indices]:
        """Return the sorted, unique pairs (row of `texts`, row of the index) that share a band."""
        keys = _band_keys(texts)
        pairs: list[Indices] = [np.empty(0, np.int64)]
        for known, order, asked in zip(self._keys, self._order, keys, strict=True):
            first = np.searchsorted(known, asked, "left")
            count = np.searchsorted(known, asked, "right") - first
            query = np.repeat(np.arange(len(texts)), count)
            within = np.arange(len(query)) - np.repeat(np.cumsum(count) - count, count)
            pairs.append(query * len(self._texts) + order[np.repeat(first, count) + within])
        both = np.unique(np.concatenate(pairs))
        return np.divmod(both, len(self._texts)) if len(both) else (both, both)


def _band_keys(texts: Sequence[str]) -> Codes:
    """Return the keys, (bands, N): texts with equal keys in a band have equal minimum hashes in it."""
    keys = np.empty((_BANDS, len(texts)), np.uint64)
    for start in range(0, len(texts), _CHUNK):
        grams, begins = _grams(texts[start : start + _CHUNK])
        mixed = _mix(grams)
        for band in range(_BANDS):
            key = np.zeros(len(begins), np.uint64)
            for i in range(band * _BAND_HASHES, (band + 1) * _BAND_HASHES):
                smallest = np.minimum.reduceat(mixed * _HASHES[i], begins)
                key += (smallest >> np.uint64(32)) * _KEY_PARTS[i]
            keys[band, start : start + _CHUNK] = key
    return keys


def _grams(texts: Sequence[str]) -> tuple[Codes, Indices]:
    """Return the concatenated grams of all texts as integers, and the offset of each text.

    Three code points of 21 bits fit into one integer, so distinct grams have distinct integers.
    """
    points = np.frombuffer("\0\0".join([*texts, ""]).encode("utf-32-le"), "<u4").astype(np.uint64)
    first, second, third = points[:-2], points[1:-1], points[2:]
    grams = (first << np.uint64(42)) | (second << np.uint64(21)) | np.where(_dense(first), np.uint64(0), third)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return grams[first != 0], np.cumsum(lengths) - lengths


def _dense(points: Codes) -> NDArray[np.bool_]:
    """Return a mask of CJK code points: the blocks from the radicals to Hangul, and the later ideographs."""
    return ((points >= 0x2E80) & (points <= 0xD7FF)) | ((points >= 0xF900) & (points <= 0xFAFF)) | (points >= 0x20000)


def _mix(numbers: Codes) -> Codes:
    """Mix the bits of 64-bit integers (the finalizer of splitmix64)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def _jaccard(left: Sequence[str], left_rows: Indices, right: Sequence[str], right_rows: Indices) -> NDArray[np.float64]:
    """Return (P,) Jaccard similarities between the gram sets of left[left_rows[p]] and right[right_rows[p]]."""
    lefts, left_at = np.unique(left_rows, return_inverse=True)
    rights, right_at = np.unique(right_rows, return_inverse=True)
    left_sets = list(_gram_sets([left[i] for i in lefts]))
    right_sets = list(_gram_sets([right[i] for i in rights]))
    similar = np.empty(len(left_rows))
    for p, (i, j) in enumerate(zip(left_at.tolist(), right_at.tolist(), strict=True)):
        common = len(left_sets[i] & right_sets[j])
        similar[p] = common / (len(left_sets[i]) + len(right_sets[j]) - common)
    return similar


def _gram_sets(texts: Sequence[str]) -> Iterator[frozenset[int]]:
    grams, begins = _grams(texts)
    numbers = grams.tolist()
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(numbers)], strict=True):
        yield frozenset(numbers[begin:end])
