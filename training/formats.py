"""Files of translation pairs, read whole: TSV, JSONL, parquet, TMX, and the lines of a Moses file."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from bitext_bench.data.files import read_text, split_lines
from bitext_bench.errors import UserError

from .variants import Choice, variants_of

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# What a translation memory's inline elements hold is the mark-up of another format; of these two it is text.
_TMX_TEXT = ("hi", "sub")


class Row(NamedTuple):
    """A translation pair and where it stands: the line, or the record of a parquet or TMX file, from 1."""

    line: int
    source: str
    target: str


Sides = tuple[Choice, Choice]


def read_pairs(file: Path, sides: Sides) -> list[Row]:
    """Read a file, by its ending; `sides` are in the order of the columns, or of the keys "source" and "target".

    TSV has two columns and no header. The keys of JSONL and the columns of parquet are the languages in any spelling,
    or source and target; either may stand below one named translation. Of several variants of a language
    (pt-BR, pt-PT) each record's is chosen by `variants`.

    Raises:
        UserError: the file cannot be read, is damaged or not UTF-8, or a row is not a pair of texts (with its line).
    """
    kind = file.name.removesuffix(".gz").rpartition(".")[2]
    readers: Mapping[str, Callable[[Path, Sides], list[Row]]]
    readers = {"tsv": _read_tsv, "jsonl": _read_jsonl, "parquet": _read_parquet, "tmx": _read_tmx}
    return readers[kind](file, sides)


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


def _read_tsv(file: Path, sides: Sides) -> list[Row]:
    rows = []
    for number, line in enumerate(read_lines(file), start=1):
        columns = line.split("\t")
        if len(columns) != 2:
            found = f"{len(columns)} column{'' if len(columns) == 1 else 's'}"
            raise UserError(f"{file}:{number}: {found}, expected 2 and no header: {' TAB '.join(_names(sides))}")
        rows.append(Row(number, columns[0], columns[1]))
    return rows


def _read_jsonl(file: Path, sides: Sides) -> list[Row]:
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
        rows.append(_row(number, *_texts(record, sides, where), where))
    return rows


def _read_parquet(file: Path, sides: Sides) -> list[Row]:
    import pyarrow as pa  # type: ignore[import-untyped]  # half a second, and only for this format
    from pyarrow import parquet

    try:
        table = parquet.read_table(file, partitioning=None)
        if "translation" in table.column_names and pa.types.is_struct(table.schema.field("translation").type):
            table = pa.Table.from_struct_array(table["translation"])
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot read {file} as parquet: {' '.join(str(error).split())[:160]}") from error
    names = table.column_names
    if not _has_pair(dict.fromkeys(names), sides):
        raise _no_pair(names, sides, str(file))
    of_languages = [variants_of(tuple(names), side.language, str(side.language)) for side in sides]
    wanted = [*dict.fromkeys(sum(of_languages, ())), *({"source", "target"} & set(names))]
    records = zip(*(table[name].to_pylist() for name in wanted), strict=True)
    rows = []
    for number, values in enumerate(records, start=1):
        record = dict.fromkeys(names) | dict(zip(wanted, values, strict=True))
        rows.append(_row(number, *_texts(record, sides, str(file)), f"{file}: row {number}"))
    return rows


def _read_tmx(file: Path, sides: Sides) -> list[Row]:
    rows = []
    units = 0
    seen: set[str] = set()
    try:
        with _open(file) as stream:
            for units, unit in enumerate(_translation_units(stream), start=1):
                texts: dict[str, str] = {}
                for variant in unit.iter("tuv"):
                    code = variant.get(_XML_LANG, variant.get("lang", ""))
                    seen.add(code)
                    segment = variant.find("seg")
                    if not texts.get(code, "").strip():
                        texts[code] = "" if segment is None else "".join(_text(segment))
                if all(side.has(texts) for side in sides):  # A memory may have units of other pairs.
                    rows.append(_row(units, sides[0].text(texts), sides[1].text(texts), f"{file}: unit {units}"))
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the last two: its encoding
        raise UserError(f"{file} is not whole TMX: {error}") from error
    if not rows:
        codes = ", ".join(sorted(seen)[:10]) or "no language"
        raise UserError(f"{file}: none of {units:,} units has {' and '.join(_names(sides))}; found {codes}")
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


def _texts(record: Mapping[str, object], sides: Sides, where: str) -> tuple[object, object]:
    """Return the two sides of a record; raises UserError at `where`."""
    if not _has_pair(record, sides):
        raise _no_pair(record, sides, where)
    if all(side.has(record) for side in sides):
        return sides[0].text(record), sides[1].text(record)
    return record["source"], record["target"]


def _has_pair(record: Mapping[str, object], sides: Sides) -> bool:
    return all(side.has(record) for side in sides) or {"source", "target"} <= record.keys()


def _no_pair(names: Iterable[str], sides: Sides, where: str) -> UserError:
    return UserError(
        f"{where}: has {', '.join(names)[:80] or 'no keys'}; expected {' and '.join(_names(sides))}, "
        "source and target, or either below translation"
    )


def _names(sides: Sides) -> list[str]:
    return [str(side.language) for side in sides]
