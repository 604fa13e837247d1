"""Read translation pairs from TSV and CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from ..errors import UserError
from ..languages import find_language
from .pair_records import ROW_LANGUAGES, SentencePair, Sides, has_pair, names_of, pairs_of
from .tables import describe_columns, read_csv_rows, read_rows

_LICENSE = "CC-BY "  # begins the third column of the files of manythings.org


def read_tsv_pairs(file: Path, sides: Sides) -> list[SentencePair]:
    """Read lines of columns; see `pair_files.read_pairs`."""
    return _pairs(enumerate(read_rows(file), start=1), sides, file)


def read_csv_pairs(file: Path, sides: Sides) -> list[SentencePair]:
    """Read rows of CSV, with or without quotes; see `pair_files.read_pairs`."""
    return _pairs(read_csv_rows(file), sides, file)


def _pairs(rows: Iterator[tuple[int, list[str]]], sides: Sides, file: Path) -> list[SentencePair]:
    first_rows = list(islice(rows, 2))
    if not first_rows:
        return []
    number, columns = first_rows[0]
    if len(first_rows) == 2 and all(map(_names_languages, first_rows)):
        header = [*ROW_LANGUAGES[0], "source", "target"]
        return pairs_of(_records(chain(first_rows, rows), header, file), sides, file)
    if has_pair(dict.fromkeys(columns), sides):
        if len(set(columns)) < len(columns):
            raise UserError(
                f"{file}:{number}: the header {' TAB '.join(columns)[:80]} names a column twice: rename one"
            )
        return pairs_of(_records(chain(first_rows[1:], rows), columns, file, " as in the header"), sides, file)
    if len(columns) > 1 and all(map(find_language, columns)):
        raise UserError(
            f"{file}:{number}: the header names {', '.join(columns)[:80]}; expected {' and '.join(names_of(sides))}: "
            "change the languages, or add the right header if this line is a pair of sentences"
        )
    return [_pair(*row, sides, file) for row in chain(first_rows, rows)]


def _names_languages(row: tuple[int, list[str]]) -> bool:
    """Return whether a row is the languages of a pair and the pair, as in the Tatoeba Challenge."""
    _, columns = row
    return len(columns) == 4 and all(map(find_language, columns[:2]))


def _records(
    rows: Iterable[tuple[int, list[str]]], header: list[str], file: Path, why: str = ""
) -> Iterator[tuple[int, dict[str, str]]]:
    for number, columns in rows:
        if len(columns) != len(header):
            raise UserError(f"{file}:{number}: {describe_columns(columns)}, expected {len(header)}{why}")
        yield number, dict(zip(header, columns, strict=True))


def _pair(number: int, columns: list[str], sides: Sides, file: Path) -> SentencePair:
    """Return a row of two columns without a header, or of three with a license."""
    if len(columns) == 2 or (len(columns) == 3 and columns[2].startswith(_LICENSE)):
        return SentencePair(number, columns[0], columns[1])
    expected = f"2: {' TAB '.join(names_of(sides))}, or a header that names them"
    raise UserError(f"{file}:{number}: {describe_columns(columns)}, expected {expected}")
