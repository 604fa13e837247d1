"""Read translation pairs from JSONL, and from JSON documents with pairs at any depth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..io.lines import read_blocks, read_lines
from .pair_records import SentencePair, Sides, has_pair, names_of, pairs_of


def read_jsonl_pairs(file: Path, sides: Sides) -> list[SentencePair]:
    """Read one record per line; it may be nested in "translation".

    Raises:
        UserError: as for `pair_files.read_pairs`.
    """
    lines = enumerate(read_lines(file), start=1)
    return pairs_of(((number, _record(line, f"{file}:{number}")) for number, line in lines), sides, file)


def read_json_pairs(file: Path, sides: Sides) -> list[SentencePair]:
    """Read all objects with both languages, at any depth of the document; `line` counts them.

    A file with one object per line is read as JSONL.

    Raises:
        UserError: as for `pair_files.read_pairs`; or no object has both languages, or one has only one of them.
    """
    content = b"".join(read_blocks(file))
    if not content:
        return []
    try:
        document = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_without_repeated_keys)
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8, byte {error.start}: convert the file to UTF-8") from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.lineno > 1:
            return read_jsonl_pairs(file, sides)
        raise UserError(f"{file}:{error.lineno}: not JSON: {error.msg} in column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: cannot read this JSON: {error}") from error
    rows = pairs_of(enumerate(_objects(document, sides), start=1), sides, file, "pair")
    if not rows:
        raise UserError(
            f"{file}: no object has {' and '.join(names_of(sides))}: expected keys like "
            + " and ".join(f'"{name}"' for name in names_of(sides))
            + ', or "source" and "target"'
        )
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


def _record(line: str, where: str) -> dict[str, Any]:
    record = parse_record(line, where)
    return record["translation"] if isinstance(record.get("translation"), dict) else record


def _objects(value: object, sides: Sides) -> Iterator[dict[str, Any]]:
    """Yield the objects with a key of a side, in the order of the document.

    An object with one side alone is yielded too, so that `pairs_of` refuses it.
    """
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            inner = any(isinstance(item, dict | list) for item in value.values())  # "id" beside it is no Indonesian
            if has_pair(value, sides) or (not inner and any(side.has(value) for side in sides)):
                yield value
            else:
                waiting += reversed(value.values())
        elif isinstance(value, list):
            waiting += reversed(value)


def _without_repeated_keys(items: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(items)
    if len(record) < len(items):
        keys = [key for key, _ in items]
        raise ValueError(f"the key {max(keys, key=keys.count)!r} is given twice")
    return record
