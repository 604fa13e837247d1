"""`--data mini`: the built-in set, for demos, tests and CI without data and network.

`mini/parallel.tsv` has parallel sentences in en, fr, ja, ko, ru. A row with `of` is a hard negative of that row
(another number, another name, or negated), also parallel in all five. `mini/sts.tsv` has graded pairs. The tasks have
separate names (Mini-...), so that their scores are never compared with those of the real sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..languages import LangPair, Language, resolve
from .files import read_table
from .mteb_tasks import MtebFiles, MtebTask
from .shapes import AugmentedLines, Bitext, ComparableCorpora, MissingData, ParallelLines, Provenance, ScoredPairs

_LANGUAGES = ("en", "fr", "ja", "ko", "ru")
_COLLECTION = "mini"
_FOLDER = Path(__file__).parent / "mini"


@dataclass(frozen=True, slots=True)
class _MiniRow:
    identifier: str
    of: str
    kind: str
    texts: dict[str, str]


class MiniSource:
    """The built-in set."""

    name = "mini"

    def languages(self, collection: str) -> Sequence[Language]:
        """Return the five languages."""
        self._check(collection)
        return [resolve(code) for code in _LANGUAGES]

    def parallel(self, collection: str, language: Language) -> Bitext:
        """Return every row as a pair, hard negatives included."""
        self._check(collection, language)
        source = tuple(row.texts[str(language)] for row in self._rows)
        target = tuple(row.texts["en"] for row in self._rows)
        return Bitext(source, target, self._provenance(source, target))

    def aligned(self, collection: str, language: Language) -> ParallelLines:
        """Return the rows without the hard negatives."""
        self._check(collection, language)
        sentences = tuple(row.texts[str(language)] for row in self._rows if not row.of)
        return ParallelLines(sentences, self._provenance(sentences))

    def augmented(self, collection: str, language: Language) -> AugmentedLines:
        """Return the hard negatives as xSIM++'s altered sentences, for any of the five languages as target."""
        self._check(collection, language)
        code = str(language)
        base = {row.identifier: row.texts[code] for row in self._rows}
        origin = {row.texts[code]: (base[row.of], row.kind) for row in self._rows if row.of}
        return AugmentedLines(tuple(origin), origin, self._provenance(tuple(origin)))

    def comparable(self, collection: str, pair: LangPair, split: str) -> ComparableCorpora:
        """Build a BUCC-style split: every second row is on both sides; other rows and hard negatives are on one.

        Rows with ids that start with "a" are the training split, those with "b" the test split.
        """
        self._check(collection, pair.source)
        first = "a" if split == "training" else "b"
        source: list[str] = []
        target: list[str] = []
        gold: list[tuple[int, int]] = []
        for number, row in enumerate(r for r in self._rows if r.identifier.startswith(first)):
            sides = _sides(number, near_miss=bool(row.of))
            if sides == {"source", "target"}:
                gold.append((len(source), len(target)))
            if "source" in sides:
                source.append(row.texts[str(pair.source)])
            if "target" in sides:
                target.append(row.texts[str(pair.target)])
        data = self._provenance(tuple(source), tuple(target))
        return ComparableCorpora(tuple(source), tuple(target), tuple(gold), 0, data)

    def scored(self, collection: str, subset: str, pair: LangPair, split: str) -> ScoredPairs:
        """Return the graded pairs, within a language or across two."""
        self._check(collection, pair.source)
        first = tuple(row[f"{pair.source}1"] for row in self._graded)
        second = tuple(row[f"{pair.target}2"] for row in self._graded)
        scores = tuple(float(row["score"]) for row in self._graded)
        return ScoredPairs(first, second, scores, self._provenance(first, second))

    def mteb_files(self, task: MtebTask, subsets: Sequence[str]) -> MtebFiles:
        """Refuse: the built-in set has no data of mteb."""
        raise MissingData(f"the built-in set has no {task.name}: pass hub as the data")

    @cached_property
    def _rows(self) -> list[_MiniRow]:
        header = ("id", "of", "kind", *_LANGUAGES)
        rows, _ = read_table(_FOLDER / "parallel.tsv", header)
        return [_MiniRow(r[0], r[1], r[2], dict(zip(_LANGUAGES, r[3:], strict=True))) for r in rows]

    @cached_property
    def _graded(self) -> list[dict[str, str]]:
        header = ("score", *(f"{code}{side}" for code in _LANGUAGES for side in "12"))
        rows, _ = read_table(_FOLDER / "sts.tsv", header)
        return [dict(zip(header, row, strict=True)) for row in rows]

    def _check(self, collection: str, language: Language | None = None) -> None:
        if collection != _COLLECTION:
            raise MissingData(
                f"the built-in set has no {collection}: use the tasks Mini-..., or pass a directory or hub as data"
            )
        if language is not None and str(language) not in _LANGUAGES:
            raise MissingData(f"the built-in set has no {language.name}: it has {', '.join(_LANGUAGES)}")

    @staticmethod
    def _provenance(*sides: tuple[str, ...]) -> Provenance:
        return Provenance.from_parts("mini-1", ["\n".join(side) for side in sides])


def _sides(number: int, *, near_miss: bool) -> set[str]:
    """Return the sides of the comparable corpus that contain a row; a row on both is a gold pair."""
    if not near_miss and number % 2 == 0:
        return {"source", "target"}
    return {"source"} if number % 4 in (0, 1) else {"target"}
