"""Read files of translation pairs: TSV, JSONL, parquet and TMX."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UserError
from ..io.lines import EXPANDS, is_decompression_bomb, read_lines
from ..languages import find_language
from .files import check_line_counts
from .tables import BATCH_ROWS, describe_columns, read_rows
from .tmx import read_units
from .variants import VariantChooser, variants_of

PAIR_FORMATS = ("tsv", "jsonl", "tmx", "parquet")  # the suffixes that `read_pairs` knows


class SentencePair(NamedTuple):
    """A translation pair; `line` is its line, or its row in parquet or unit in TMX, from 1."""

    line: int
    source: str
    target: str


Sides = tuple[VariantChooser, VariantChooser]

# Keys for the two sides without a language. The first follow the order of languages in the file's name; the second are
# used by sentence-transformers' parallel-sentences datasets.
_KEYS_IN_ORDER = (("source", "target"), ("src", "tgt"), ("sentence1", "sentence2"))
_BESIDE_ENGLISH = ("english", "non_english")
_LICENSE = "CC-BY "  # begins the third column of the files of manythings.org


def read_pairs(file: Path, sides: Sides) -> list[SentencePair]:
    """Read a file in the format of its suffix; `sides` follow the order of its columns, or of "source" and "target".

    TSV has two columns, or a header that names them. Without a header, a third column with the license of each row is
    left out, as in the files of manythings.org. Names in the header, the keys of JSONL and the columns of parquet are
    the languages in any spelling, source and target (or src and tgt, sentence1 and sentence2), or english and
    non_english; keys and columns may be nested below "translation". If a record has several variants of a language
    (pt-BR, pt-PT), `variants` chooses one. A TMX unit with several texts of a language gives several pairs.

    Raises:
        UserError: the file cannot be read, is damaged or not UTF-8, its header names other languages, or a row is not a
            pair of texts (with its line).
    """
    readers: Mapping[str, Callable[[Path, Sides], list[SentencePair]]]
    readers = {"tsv": _read_tsv, "jsonl": _read_jsonl, "parquet": _read_parquet, "tmx": _read_tmx}
    return readers[suffix_of(file)](file, sides)


def read_files(files: Sequence[Path], sides: Sides) -> list[SentencePair]:
    """Read one file, two parallel files, or the shards of a parquet file; `sides` as for `read_pairs`.

    Raises:
        UserError: as for `read_pairs`, or two parallel files have different numbers of lines.
    """
    if suffix_of(files[-1]) == "parquet":
        shards = [row for file in files for row in read_pairs(file, sides)]
        return [SentencePair(line, row.source, row.target) for line, row in enumerate(shards, start=1)]
    if len(files) == 2:
        first, second = (list(read_lines(file)) for file in files)
        check_line_counts(files[0], len(first), files[1], len(second))
        return [SentencePair(line, a, b) for line, (a, b) in enumerate(zip(first, second, strict=True), start=1)]
    return read_pairs(files[0], sides)


def suffix_of(file: Path) -> str:
    """Return the suffix of a file in lower case, without the dot; .gz does not count."""
    return file.name.removesuffix(".gz").rpartition(".")[2].casefold()


def _read_tsv(file: Path, sides: Sides) -> list[SentencePair]:
    rows = []
    header: list[str] = []
    for number, columns in enumerate(read_rows(file), start=1):
        if number == 1 and _has_pair(dict.fromkeys(columns), sides):
            header = columns
            if len(set(columns)) < len(columns):
                raise UserError(f"{file}:1: the header {' TAB '.join(columns)[:80]} names a column twice: rename one")
        elif number == 1 and len(columns) > 1 and all(map(find_language, columns)):
            raise UserError(
                f"{file}:1: the header names {', '.join(columns)[:80]}; expected {' and '.join(_names(sides))}: change "
                "the languages, or add the right header if this line is a pair of sentences"
            )
        elif not header and len(columns) == 3 and columns[2].startswith(_LICENSE):
            rows.append(SentencePair(number, columns[0], columns[1]))
        elif len(columns) != (len(header) or 2):
            expected = (
                f"{len(header)} as in the header"
                if header
                else f"2: {' TAB '.join(_names(sides))}, or a header that names them"
            )
            raise UserError(f"{file}:{number}: {describe_columns(columns)}, expected {expected}")
        elif header:
            where = f"{file}:{number}"
            rows.append(_row(number, *_texts(dict(zip(header, columns, strict=True)), sides, where), where))
        else:
            rows.append(SentencePair(number, columns[0], columns[1]))
    return rows


def _read_jsonl(file: Path, sides: Sides) -> list[SentencePair]:
    rows = []
    for number, line in enumerate(read_lines(file), start=1):
        where = f"{file}:{number}"
        record = parse_record(line, where)
        if isinstance(record.get("translation"), dict):
            record = record["translation"]
        rows.append(_row(number, *_texts(record, sides, where), where))
    return rows


def parse_record(line: str, where: str) -> dict[str, Any]:
    """Parse a line of JSONL; `where` is its file and line.

    Raises:
        UserError: the line is not a JSON object.
    """
    expected = 'expected one JSON object per line, like {"en": ..}'
    if not line.strip():
        raise UserError(f"{where}: an empty line; {expected}")
    try:
        record = json.loads(line, object_pairs_hook=_without_repeated_keys)
    except json.JSONDecodeError as error:
        raise UserError(f"{where}: {error.msg} in column {error.colno}; {expected}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: {error}; {expected}") from error
    if not isinstance(record, dict):
        raise UserError(f"{where}: expected a JSON object, found {line[:60]!r}")
    return record


def _without_repeated_keys(items: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(items)
    if len(record) < len(items):
        keys = [key for key, _ in items]
        raise ValueError(f"the key {max(keys, key=keys.count)!r} is given twice")
    return record


def _read_parquet(file: Path, sides: Sides) -> list[SentencePair]:
    import pyarrow as pa  # type: ignore[import-untyped]  # takes half a second; only this format needs it

    rows: list[SentencePair] = []
    n_bytes, packed = 0, 0
    try:
        packed = file.stat().st_size
        for names, columns in _parquet_batches(file, sides):
            for values in zip(*columns.values(), strict=True):
                record = dict.fromkeys(names) | dict(zip(columns, values, strict=True))
                rows.append(_row(len(rows) + 1, *_texts(record, sides, str(file)), f"{file}: row {len(rows) + 1}"))
                n_bytes += len(rows[-1].source) + len(rows[-1].target)
            if is_decompression_bomb(n_bytes, packed):
                raise UserError(f"{file}: row {len(rows)}: the file {EXPANDS}")
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot read {file} as parquet: {' '.join(str(error).split())[:160]}") from error
    return rows


def _parquet_batches(file: Path, sides: Sides) -> Iterator[tuple[list[str], dict[str, list[object]]]]:
    """Yield the names of all columns and the values of those that may contain the sides, in batches of rows."""
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetFile(file) as stored:
        schema, within = stored.schema_arrow, ""
        if "translation" in schema.names and pa.types.is_struct(schema.field("translation").type):
            schema, within = pa.schema(list(schema.field("translation").type)), "translation"
        names = list(schema.names)
        if not _has_pair(dict.fromkeys(names), sides):
            raise _no_pair_error(names, sides, str(file))
        of_languages = [variants_of(tuple(names), side.language, str(side.language)) for side in sides]
        wanted = [*dict.fromkeys([*sum(of_languages, ()), *(_keys_of_sides(names, sides) or ())])]
        for batch in stored.iter_batches(BATCH_ROWS, columns=[within] if within else wanted):
            found = pa.RecordBatch.from_struct_array(batch[within]) if within else batch
            yield names, {name: found[name].to_pylist() for name in wanted}


def _read_tmx(file: Path, sides: Sides) -> list[SentencePair]:
    rows = []
    units = 0
    seen: set[str] = set()
    for units, texts in enumerate(read_units(file), start=1):
        seen |= texts.keys()
        if all(side.has(texts) for side in sides):  # The file may have units of other pairs.
            first = {code: of_code[0] for code, of_code in texts.items()}
            chosen = [texts[side.choose(first)] for side in sides]
            # A unit with several texts of a language has several valid pairs.
            rows += [_row(units, a, b, f"{file}: unit {units}") for a, b in product(*chosen)]
    if not rows:
        codes = ", ".join(sorted(seen)[:10]) or "no language"
        raise UserError(f"{file}: none of {units:,} units has {' and '.join(_names(sides))}; found {codes}")
    return rows


def _row(number: int, source: object, target: object, where: str) -> SentencePair:
    if not (isinstance(source, str) and isinstance(target, str)):
        wrong = target if isinstance(source, str) else source
        hint = "; write one row for each translation" if isinstance(wrong, list) else ""
        raise UserError(f"{where}: expected text on both sides, found {str(wrong)[:60]!r}{hint}")
    try:
        (source + target).encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{where}: half a character (an unpaired surrogate): replace it by valid text") from error
    return SentencePair(number, source, target)


def _texts(record: Mapping[str, object], sides: Sides, where: str) -> tuple[object, object]:
    """Return the two sides of a record; an error names `where` it is."""
    if not _has_pair(record, sides):
        raise _no_pair_error(record, sides, where)
    if all(side.has(record) for side in sides):
        return sides[0].text(record), sides[1].text(record)
    first, second = _keys_of_sides(record, sides) or ("source", "target")
    return record[first], record[second]


def _has_pair(record: Mapping[str, object], sides: Sides) -> bool:
    return all(side.has(record) for side in sides) or _keys_of_sides(record, sides) is not None


def _keys_of_sides(names: Iterable[str], sides: Sides) -> tuple[str, str] | None:
    """Return the keys of the two sides if they are not languages, like "source" and "target"; else None."""
    known = set(names)
    languages = [side.language.code for side in sides]
    if "en" in languages and known.issuperset(_BESIDE_ENGLISH):
        english, other = _BESIDE_ENGLISH
        return (english, other) if languages[0] == "en" else (other, english)
    return next((keys for keys in _KEYS_IN_ORDER if known.issuperset(keys)), None)


def _no_pair_error(names: Iterable[str], sides: Sides, where: str) -> UserError:
    return UserError(
        f"{where}: has {', '.join(names)[:80] or 'no keys'}; expected {' and '.join(_names(sides))}, "
        'source and target, or english and non_english (they may be inside "translation")'
    )


def _names(sides: Sides) -> list[str]:
    return [str(side.language) for side in sides]
