"""The shapes that test data comes in, whatever its source, and what a source can be asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..errors import UserError
from ..languages import LangPair, Language
from .official import joined_name

# The names that distributors give a split, by MTEB's name: JGLUE and KorSTS have "valid", the STS benchmark "dev".
SPLIT_NAMES = {"validation": ("validation", "valid", "dev")}


class MissingData(UserError):
    """A data set that this source does not have; the message says what was looked for and how to get it."""


class IncompleteData(MissingData):
    """A data set of which the source has a part and not the rest: damage, or a hub that did not deliver."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which data.

    Attributes:
        version: their name; "custom-..." or "unverified-..." where they are not known to be official (`official`).
        sha256: of the content of the subset.
        set_sha256: of all files of a set that is not known to be official: two sets in the layout of one benchmark
            differ in it. "" for others.
    """

    version: str
    sha256: str
    set_sha256: str = ""

    def __str__(self) -> str:
        """Return it as it stands in a signature: version@sha256:first twelve digits."""
        return f"{self.version}@sha256:{self.sha256[:12]}"

    @property
    def set_name(self) -> str:
        """The name of the whole set: one for all subsets of the same data, another for other data."""
        return f"{self.version}-{self.set_sha256[:8]}" if self.set_sha256 else self.version

    @staticmethod
    def joined(data: str, parts: Sequence[Provenance]) -> Provenance:
        """Build it from those of the parts, in their order; official only where every part is."""
        name = joined_name(data, [part.version for part in parts])
        found = Provenance.from_parts(name, [part.sha256 for part in parts])
        sets = sorted({part.set_sha256 for part in parts} - {""})
        return replace(
            found, set_sha256=sets[0] if len(sets) == 1 else Provenance.from_parts("", sets).sha256 if sets else ""
        )

    @staticmethod
    def from_parts(version: str, parts: Iterable[str]) -> Provenance:
        """Build it from the sha256 (or the texts) of the parts, in their order."""
        return Provenance(version, hashlib.sha256("\n".join(parts).encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class ParallelLines:
    """The sentences of one language of a set in which line i means the same in every language."""

    sentences: tuple[str, ...]
    data: Provenance


@dataclass(frozen=True, slots=True)
class Bitext:
    """Translation pairs: sentence i of the source side is translated by sentence i of the target side."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    data: Provenance


@dataclass(frozen=True, slots=True)
class AugmentedLines:
    """xSIM++'s hard negatives for one target language.

    Attributes:
        sentences: the altered sentences, none of which translates anything.
        origin: altered sentence to the original and the kind of error ("number", "entity", "causality").
    """

    sentences: tuple[str, ...]
    origin: Mapping[str, tuple[str, str]]
    data: Provenance


@dataclass(frozen=True, slots=True)
class ComparableCorpora:
    """Two corpora of which some sentences translate each other; repeated sentences stand once.

    Attributes:
        gold: (source row, target row) of every gold pair, in the order of the gold file; those of copies are equal.
        dropped: how many repeated sentences were left out, both sides together.
        repeated: the source rows, and the target rows, whose sentence occurs more than once in the corpus.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    gold: tuple[tuple[int, int], ...]
    dropped: int
    data: Provenance
    repeated: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """Sentence pairs with the similarity that people gave them (any scale: only ranks and correlation matter)."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    scores: tuple[float, ...]
    data: Provenance


class Source(Protocol):
    """A place to ask for data. A collection is a data set's name; every method raises MissingData or UserError.

    Attributes:
        name: as it was given to --data.
    """

    name: str

    def languages(self, collection: str) -> Sequence[Language]:
        """Return the languages that a collection has (for xx-en collections: the xx)."""

    def parallel(self, collection: str, language: Language) -> Bitext:
        """Return the pairs of a language (source side) with English (target side)."""

    def aligned(self, collection: str, language: Language) -> ParallelLines:
        """Return one language of a many-way parallel set."""

    def augmented(self, collection: str, language: Language) -> AugmentedLines:
        """Return the hard negatives of a target language."""

    def comparable(self, collection: str, pair: LangPair, split: str) -> ComparableCorpora:
        """Return two corpora with gold pairs; `split` is "training" or "test"."""

    def scored(self, collection: str, subset: str, pair: LangPair, split: str) -> ScoredPairs:
        """Return sentence pairs with gold similarities."""
