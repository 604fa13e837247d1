"""Find the two sentences of a pair in a record: by the languages in its keys, or by keys like source and target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError, count_of
from .files import warn
from .variants import VariantChooser


class SentencePair(NamedTuple):
    """A translation pair; `line` is its line (parquet: row, TMX: unit, PO: message, JSON: record), from 1."""

    line: int
    source: str
    target: str


Sides = tuple[VariantChooser, VariantChooser]

# Keys for the two sides without a language. The first follow the order of languages in the file's name; the second are
# used by sentence-transformers' parallel-sentences datasets.
_KEYS_IN_ORDER = (
    ("source", "target"),
    ("src", "tgt"),
    ("sentence1", "sentence2"),
    ("source", "reference"),  # WMT's shared tasks
    ("sourceString", "targetString"),  # TICO-19
)
_BESIDE_ENGLISH = ("english", "non_english")
# Keys for the languages of `_KEYS_IN_ORDER`, if each record has its own.
ROW_LANGUAGES = (("source_language", "target_language"), ("sourceLang", "targetLang"))


def pairs_of(
    records: Iterable[tuple[int, Mapping[str, object]]], sides: Sides, file: Path, unit: str = ""
) -> list[SentencePair]:
    """Return the pairs of numbered records; those that name other languages are left out, with a warning.

    Args:
        records: numbers and records.
        sides: the languages, in the order of keys without a language.
        file: the file, for messages.
        unit: what the numbers count, if not lines.

    Raises:
        UserError: a record has not both sides, a side is no text, or every record names other languages.
    """
    rows = []
    others, left_out = "", 0
    for number, record in records:
        where = f"{file}: {unit} {number}" if unit else f"{file}:{number}"
        if texts := _texts(record, sides, where):
            rows.append(checked_pair(number, *texts, where))
        else:
            left_out += 1
            others = " and ".join(str(record[key]) for keys in ROW_LANGUAGES for key in keys if key in record)
    if left_out and not rows:
        raise UserError(f"{file}: no row names {' and '.join(names_of(sides))}; the last one names {others[:80]}")
    if left_out:
        warn(f"{file}: {count_of(left_out, 'row')} in other languages left out; the last one names {others[:80]}")
    return rows


def checked_pair(number: int, source: object, target: object, where: str) -> SentencePair:
    """Return a pair of texts.

    Raises:
        UserError: a side is no text, or has half a character; the message begins with `where`.
    """
    if not (isinstance(source, str) and isinstance(target, str)):
        wrong = target if isinstance(source, str) else source
        hint = "; write one row for each translation" if isinstance(wrong, list) else ""
        raise UserError(f"{where}: expected text on both sides, found {str(wrong)[:60]!r}{hint}")
    try:
        (source + target).encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{where}: half a character (an unpaired surrogate): replace it by valid text") from error
    return SentencePair(number, source, target)


def has_pair(record: Mapping[str, object], sides: Sides) -> bool:
    """Return whether a record has keys for both sides."""
    return all(side.has(record) for side in sides) or keys_of_sides(record, sides) is not None


def keys_of_sides(names: Iterable[str], sides: Sides) -> tuple[str, str] | None:
    """Return the keys of the two sides if they are not languages, like "source" and "target"; else None."""
    known = set(names)
    languages = [side.language.code for side in sides]
    if "en" in languages and known.issuperset(_BESIDE_ENGLISH):
        english, other = _BESIDE_ENGLISH
        return (english, other) if languages[0] == "en" else (other, english)
    return next((keys for keys in _KEYS_IN_ORDER if known.issuperset(keys)), None)


def no_pair_error(names: Iterable[str], sides: Sides, where: str) -> UserError:
    """Return the error for keys that do not name both sides."""
    return UserError(
        f"{where}: has {', '.join(names)[:80] or 'no keys'}; expected {' and '.join(names_of(sides))}, "
        'source and target, or english and non_english (they may be inside "translation")'
    )


def names_of(sides: Sides) -> list[str]:
    """Return the names of both languages."""
    return [str(side.language) for side in sides]


def _texts(record: Mapping[str, object], sides: Sides, where: str) -> tuple[object, object] | None:
    """Return the two sides of a record, or None if it names other languages."""
    if all(side.has(record) for side in sides):
        return sides[0].text(record), sides[1].text(record)
    keys = keys_of_sides(record, sides)
    if keys is None:
        raise no_pair_error(record, sides, where)
    first, second = record[keys[0]], record[keys[1]]
    languages = next((named for named in ROW_LANGUAGES if record.keys() >= set(named)), None)
    if languages is None:
        return first, second
    by_language = {str(record[languages[0]]): first, str(record[languages[1]]): second}
    return _texts(by_language, sides, where) if all(side.has(by_language) for side in sides) else None
