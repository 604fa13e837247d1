"""Files of translation pairs, read whole: TSV, JSONL, parquet, TMX, and the lines of a Moses file."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from io import BufferedIOBase
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from bitext_bench.data.files import read_text, split_lines
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, Language, resolve

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# What a translation memory's inline elements hold is the mark-up of another format; of these two it is text.
_TMX_TEXT = ("hi", "sub")


class Row(NamedTuple):
    """A translation pair and where it stands: the line, or the record of a parquet or TMX file, from 1."""

    line: int
    source: str
    target: str


def read_pairs(file: Path, pair: LangPair) -> list[Row]:
    """Read a file, by its ending; `pair` says which language is the first column, or is under the key "source".

    TSV has two columns and no header. The keys of JSONL and the columns of parquet are the languages in any spelling,
    or source and target; either may stand below one named translation.

    Raises:
        UserError: the file cannot be read, is damaged or not UTF-8, or a row is not a pair of texts (with its line).
    """
    kind = file.name.removesuffix(".gz").rpartition(".")[2]
    readers: Mapping[str, Callable[[Path, LangPair], list[Row]]]
    readers = {"tsv": _read_tsv, "jsonl": _read_jsonl, "parquet": _read_parquet, "tmx": _read_tmx}
    return readers[kind](file, pair)


def read_lines(file: Path) -> list[str]:
    r"""Return the lines of a text file, .gz or not, cut at \n only.

    Raises:
        UserError: the file cannot be read, is damaged, or is not UTF-8.
    """
    if file.suffix != ".gz":
        return split_lines(read_text(file)[0])
    with _open(file) as stream:
        content = stream.read()
    try:
        return split_lines(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file} is not UTF-8: byte {error.start} of its content is 0x{content[error.start]:02x}; "
            "convert it to UTF-8"
        ) from error


@contextmanager
def _open(file: Path) -> Iterator[BufferedIOBase]:
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            yield stream
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{file} is not a whole gzip file ({error}): get or compress it again") from error
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error


def _read_tsv(file: Path, pair: LangPair) -> list[Row]:
    rows = []
    for number, line in enumerate(read_lines(file), start=1):
        columns = line.split("\t")
        if len(columns) != 2:
            found = f"{len(columns)} column{'' if len(columns) == 1 else 's'}"
            raise UserError(f"{file}:{number}: {found}, expected 2 and no header: {pair.source} TAB {pair.target}")
        rows.append(Row(number, columns[0], columns[1]))
    return rows


def _read_jsonl(file: Path, pair: LangPair) -> list[Row]:
    rows = []
    for number, line in enumerate(read_lines(file), start=1):
        where = f"{file}:{number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f'{where}: {error}; expected one JSON object a line, like {{"en": ..}}') from error
        if isinstance(record, dict) and isinstance(record.get("translation"), dict):
            record = record["translation"]
        if not isinstance(record, dict):
            raise UserError(f"{where}: expected a JSON object, found {line[:60]!r}")
        source, target = _keys(tuple(record), pair, where)
        rows.append(_row(number, record[source], record[target], where))
    return rows


def _read_parquet(file: Path, pair: LangPair) -> list[Row]:
    import pyarrow as pa  # type: ignore[import-untyped]  # half a second, and only for this format
    from pyarrow import parquet

    try:
        table = parquet.read_table(file, partitioning=None)
        if "translation" in table.column_names and pa.types.is_struct(table.schema.field("translation").type):
            table = pa.Table.from_struct_array(table["translation"])
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot read {file} as parquet: {' '.join(str(error).split())[:160]}") from error
    source, target = _keys(tuple(table.column_names), pair, str(file))
    columns = (table[source].to_pylist(), table[target].to_pylist())
    return [_row(number, a, b, f"{file}: row {number}") for number, (a, b) in enumerate(zip(*columns, strict=True), 1)]


def _read_tmx(file: Path, pair: LangPair) -> list[Row]:
    rows = []
    units = 0
    seen: set[str] = set()
    try:
        with _open(file) as stream:
            for units, unit in enumerate(_translation_units(stream), start=1):
                texts: dict[Language | None, str] = {}
                for variant in unit.iter("tuv"):
                    code = variant.get(_XML_LANG, variant.get("lang", ""))
                    seen.add(code)
                    segment = variant.find("seg")
                    texts.setdefault(_language(code), "" if segment is None else "".join(_text(segment)))
                if pair.source in texts and pair.target in texts:  # A memory may have units of other pairs.
                    rows.append(Row(units, texts[pair.source], texts[pair.target]))
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the last two: its encoding
        raise UserError(f"{file} is not whole TMX: {error}") from error
    if not rows:
        codes = ", ".join(sorted(seen)[:10]) or "no language"
        raise UserError(f"{file}: none of {units:,} units has {pair.source} and {pair.target}; found {codes}")
    return rows


def _translation_units(stream: BufferedIOBase) -> Iterator[ElementTree.Element]:
    """Yield each unit and forget it, so that a file of any size takes the memory of one."""
    body = None
    for event, element in ElementTree.iterparse(stream, ("start", "end")):
        if event == "start" and element.tag == "body":
            body = element
        elif event == "end" and element.tag == "tu":
            yield element
            if body is not None:
                body.clear()


def _text(element: ElementTree.Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag in _TMX_TEXT:
            yield from _text(child)
        yield child.tail or ""


def _row(number: int, source: object, target: object, where: str) -> Row:
    if not (isinstance(source, str) and isinstance(target, str)):
        wrong = target if isinstance(source, str) else source
        raise UserError(f"{where}: expected text on both sides, found {str(wrong)[:60]!r}")
    try:
        (source + target).encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{where}: half a character (an unpaired surrogate): write it as UTF-8") from error
    return Row(number, source, target)


def _keys(names: Sequence[str], pair: LangPair, where: str) -> tuple[str, str]:
    """Return which names hold the pair's two sides; raises UserError at `where`."""
    keys = _find_keys(tuple(names), pair)
    if keys is None:
        raise UserError(
            f"{where}: has {', '.join(names)[:80] or 'no keys'}; expected {pair.source} and {pair.target}, "
            "source and target, or either below translation"
        )
    return keys


@cache
def _find_keys(names: tuple[str, ...], pair: LangPair) -> tuple[str, str] | None:
    of_language: dict[Language | None, str] = {}
    for name in names:
        of_language.setdefault(_language(name), name)
    if pair.source in of_language and pair.target in of_language:
        return of_language[pair.source], of_language[pair.target]
    return ("source", "target") if {"source", "target"} <= set(names) else None


@cache
def _language(code: str) -> Language | None:
    """Return the language of a code, also one with a region, "EN-US"; None if it is none."""
    for spelling in (code, code.replace("_", "-").partition("-")[0]):
        try:
            return resolve(spelling)
        except UserError:
            continue
    return None
