"""The types of test data, and the interface of data sources."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..errors import UserError
from ..languages import LangPair, Language
from .files import joined_name
from .mteb_tasks import MtebFiles, MtebTask

# MTEB's name of a split -> distributors' names for it: "valid" in JGLUE and KorSTS, "dev" in the STS benchmark.
SPLIT_NAMES = {"validation": ("validation", "valid", "dev")}


class MissingData(UserError):
    """The source does not have a data set; the message gives the expected files and how to get them."""


class IncompleteData(MissingData):
    """The source has only a part of a data set, because of damage or a failed download."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The identity of test data.

    Attributes:
        version: The name; "custom-..." or "unverified-..." if not known to be official (see `official`).
        sha256: The checksum of the subset's content.
        set_sha256: The checksum of all files of the set, if not known to be official, to distinguish sets in the layout
            of the same benchmark; otherwise "".
    """

    version: str
    sha256: str
    set_sha256: str = ""

    def __str__(self) -> str:
        """Return the form used in signatures: version@sha256:first twelve digits."""
        return f"{self.version}@sha256:{self.sha256[:12]}"

    @property
    def set_name(self) -> str:
        """The name of the whole set: the same for all its subsets, and different for different sets."""
        return f"{self.version}-{self.set_sha256[:8]}" if self.set_sha256 else self.version

    @staticmethod
    def joined(data: str, parts: Sequence[Provenance]) -> Provenance:
        """Combine the provenance of several parts, in order; official only if every part is."""
        name = joined_name(data, [part.version for part in parts])
        found = Provenance.from_parts(name, [part.sha256 for part in parts])
        sets = sorted({part.set_sha256 for part in parts} - {""})
        return replace(
            found, set_sha256=sets[0] if len(sets) == 1 else Provenance.from_parts("", sets).sha256 if sets else ""
        )

    @staticmethod
    def from_parts(version: str, parts: Iterable[str]) -> Provenance:
        """Build the provenance from the sha256 (or the texts) of the parts, in order."""
        return Provenance(version, hashlib.sha256("\n".join(parts).encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class ParallelLines:
    """The sentences of one language in a many-way parallel set: line i has the same meaning in every language."""

    sentences: tuple[str, ...]
    data: Provenance


@dataclass(frozen=True, slots=True)
class Bitext:
    """Translation pairs: target sentence i translates source sentence i.

    Attributes:
        gold: The row of the translation of each source sentence, if it is another row; otherwise empty.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    data: Provenance
    gold: tuple[int, ...] = ()

    @property
    def reversed(self) -> Bitext:
        """The same pairs with the sides exchanged; not for pairs with `gold`."""
        return Bitext(self.target, self.source, self.data)


@dataclass(frozen=True, slots=True)
class AugmentedLines:
    """xSIM++'s hard negatives for one target language.

    Attributes:
        sentences: The altered sentences; they are not translations of any source sentence.
        origin: Altered sentence -> its original and the kind of error ("number", "entity", "causality").
    """

    sentences: tuple[str, ...]
    origin: Mapping[str, tuple[str, str]]
    data: Provenance


@dataclass(frozen=True, slots=True)
class ComparableCorpora:
    """Two corpora with some translation pairs. Each sentence is kept once, even if it is repeated.

    Attributes:
        gold: (source row, target row) of every gold pair, in the order of the gold file. Repeated sentences share a
            row, so pairs may be equal.
        dropped: Number of dropped repetitions on both sides.
        repeated: The source rows and the target rows with a sentence that is repeated in the corpus.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    gold: tuple[tuple[int, int], ...]
    dropped: int
    data: Provenance
    repeated: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """Sentence pairs with human similarity ratings, on any scale: only ranks and correlation matter."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    scores: tuple[float, ...]
    data: Provenance


class Source(Protocol):
    """A source of data. A collection is the name of a data set; every method raises MissingData or UserError.

    Attributes:
        name: The value of --data.
    """

    name: str

    def languages(self, collection: str) -> Sequence[Language]:
        """Return the languages of a collection; for pairs with English, the other language."""

    def parallel(self, collection: str, language: Language) -> Bitext:
        """Return the pairs of a language (source) and English (target)."""

    def aligned(self, collection: str, language: Language) -> ParallelLines:
        """Return one language of a many-way parallel set."""

    def augmented(self, collection: str, language: Language) -> AugmentedLines:
        """Return the hard negatives of a target language."""

    def comparable(self, collection: str, pair: LangPair, split: str) -> ComparableCorpora:
        """Return two comparable corpora with gold pairs; `split` is "training" or "test"."""

    def scored(self, collection: str, subset: str, pair: LangPair, split: str) -> ScoredPairs:
        """Return sentence pairs with gold similarities."""

    def mteb_files(self, task: MtebTask, subsets: Sequence[str]) -> MtebFiles:
        """Return the files of a task of mteb, at least those of the subsets."""
