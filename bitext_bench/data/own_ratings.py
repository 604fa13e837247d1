"""The user's own rated pairs, sts: two sentences and their similarity in each row of a TSV, JSONL or parquet file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError, count_of
from ..io.checksums import input_sha256
from ..io.hub import HUB_PREFIX
from ..io.lines import read_lines
from ..languages import LangPair, Language
from .files import warn
from .own import own_provenance
from .pair_files import suffix_of
from .pair_json import parse_record
from .shapes import ScoredPairs
from .tables import describe_columns, read_records, read_rows

_RATED = ("sentence1", "sentence2", "score")
_FEW = 10


def read_own_ratings(file: Path, languages: Sequence[Language] | None) -> tuple[LangPair, ScoredPairs]:
    """Read sentence pairs with similarity ratings, on any scale.

    TSV has the columns sentence1, sentence2 and score, in this order or with a header. JSONL has these keys, parquet
    these columns.

    Args:
        file: the file of rated pairs.
        languages: one language, or those of the first and second sentence.

    Raises:
        UserError: the file is missing, damaged or empty, a row is incomplete or its score is not a number, all scores
            are equal, or the languages are missing.
    """
    if languages is None or len(languages) > 2:
        found = "none was" if languages is None else f"{len(languages)} were"
        raise UserError(
            f"sts {file} needs one language, or those of the first and the second sentence, but "
            f"{found} given: add them, like de"
        )
    if str(file).startswith(HUB_PREFIX):
        raise UserError(
            f"sts {file}: rated pairs are read from a file: download the dataset and pass its file; "
            "STS data of mteb have their own tasks: bitext-bench list tasks --mteb STS"
        )
    readers = {"tsv": _tsv_ratings, "jsonl": _jsonl_ratings, "parquet": _parquet_ratings}
    if suffix_of(file) not in readers:
        raise UserError(
            f"sts {file}: expected .tsv, .jsonl or .parquet with sentence1, sentence2 and score: convert it"
        )
    rows = [_checked_rating(file, *row) for row in readers[suffix_of(file)](file)]
    if not rows:
        raise UserError(f"{file}:1: the file is empty: expected {', '.join(_RATED)} in each row")
    first, second, scores = zip(*rows, strict=True)
    if len(set(scores)) == 1:
        raise UserError(
            f"{file}: every score is {scores[0]:g} ({count_of(len(rows), 'row')}), which has no "
            "correlation with anything: expected rows with different scores"
        )
    if len(rows) < _FEW:
        warn(f"{file}: {count_of(len(rows), 'row')}, too few for a correlation to mean much")
    return LangPair(languages[0], languages[-1]), ScoredPairs(
        first, second, scores, own_provenance([input_sha256(file)])
    )


def _tsv_ratings(file: Path) -> Iterator[tuple[int, Any, Any, Any]]:
    at, width = (0, 1, 2), 3
    for number, cells in enumerate(read_rows(file), start=1):
        if number == 1 and set(_RATED) <= set(cells):
            at, width = (cells.index(_RATED[0]), cells.index(_RATED[1]), cells.index(_RATED[2])), len(cells)
        elif len(cells) != width or (number == 1 and not _is_number(cells[2])):
            found = f"the score {cells[2]!r} is not a number" if len(cells) == width else describe_columns(cells)
            raise UserError(
                f"{file}:{number}: {found}, expected {' TAB '.join(_RATED)}, or a header with these names on line 1"
            )
        else:
            yield number, cells[at[0]], cells[at[1]], cells[at[2]]


def _parquet_ratings(file: Path) -> Iterator[tuple[int, Any, Any, Any]]:
    for number, record in enumerate(read_records(file, _RATED), start=1):
        yield number, *(record[name] for name in _RATED)


def _jsonl_ratings(file: Path) -> Iterator[tuple[int, Any, Any, Any]]:
    for number, line in enumerate(read_lines(file), start=1):
        record = parse_record(line, f"{file}:{number}")
        if missing := [name for name in _RATED if name not in record]:
            raise UserError(f"{file}:{number}: no {missing[0]}; expected {', '.join(_RATED)}")
        yield number, *(record[name] for name in _RATED)


def _checked_rating(file: Path, number: int, first: object, second: object, given: object) -> tuple[str, str, float]:
    for text in (first, second):
        if not isinstance(text, str) or not text.strip():
            raise UserError(f"{file}:{number}: expected two sentences, found {json.dumps(text)[:60]}")
    if not _is_number(given):
        raise UserError(f"{file}:{number}: the score {given!r} is not a number; expected {', '.join(_RATED)}")
    return str(first), str(second), float(str(given))


def _is_number(given: object) -> bool:
    # JSON's true is no number, and float() would accept the underscore of Python's 1_0.
    if not isinstance(given, str | int | float) or isinstance(given, bool) or "_" in str(given):
        return False
    try:
        return math.isfinite(float(str(given)))
    except (ValueError, OverflowError):
        return False
