"""Read the rows of TSV and CSV files and the records of parquet files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError, count_of, list_some
from ..io.lines import EXPANDS, is_decompression_bomb, read_lines
from .files import warn

BATCH_ROWS = 8_192  # rows of a parquet file in memory at once
# A cell as CSV writers quote it: quotes inside are doubled.
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


def read_rows(file: Path) -> Iterator[list[str]]:
    r"""Iterate over the cells of the lines of a TSV file.

    Quotes are part of a sentence. But if a writer of CSV has quoted every cell of a column, they are removed, with a
    note.

    Raises:
        UserError: the file cannot be read, or its lines end in \r alone.
    """
    rows = (line.split("\t") for line in read_lines(file))
    first = next(rows, None)
    if first is None:
        return
    if "\r" in "\t".join(first):
        raise UserError(f"{file}:1: a carriage return (\\r) in the line: expected lines that end in \\n or \\r\\n")
    if any(map(_QUOTED.fullmatch, first)):
        yield from _unquoted([first, *rows], file)
    else:
        yield first
        yield from rows


def read_csv_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Iterate over the rows of a CSV file, each with the number of its last line; a quoted cell may have line ends.

    Raises:
        UserError: the file cannot be read, or its quotes are wrong.
    """
    rows = csv.reader((f"{line}\n" for line in read_lines(file)), strict=True)
    try:
        for row in rows:
            yield rows.line_num, row or [""]
    except csv.Error as error:
        raise UserError(f"{file}:{rows.line_num}: not CSV: {error}") from error


def _unquoted(rows: list[list[str]], file: Path) -> Iterator[list[str]]:
    quoted = {at for at in range(len(rows[0])) if all(at < len(row) and _QUOTED.fullmatch(row[at]) for row in rows)}
    if quoted and len(rows) > 1:  # one row is no evidence
        columns = list_some([at + 1 for at in sorted(quoted)], 8)
        warn(f"{file}: every cell of column {columns} is in double quotes, which are removed")
        for row in rows:
            yield [cell[1:-1].replace('""', '"') if at in quoted else cell for at, cell in enumerate(row)]
    else:
        yield from rows


def describe_columns(cells: Sequence[str]) -> str:
    """Return the number of columns of a line of TSV, for a message."""
    return count_of(len(cells), "column") if list(cells) != [""] else "an empty line"


def read_records(file: Path, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Iterate over some columns of a parquet file, in records.

    Raises:
        UserError: the file is no parquet file or is damaged, has no such column, or unpacks to far more than its size.
    """
    import pyarrow as pa  # type: ignore[import-untyped]  # takes half a second; only this format needs it
    from pyarrow import parquet

    n_bytes, n_rows = 0, 0
    try:
        packed = file.stat().st_size
        with parquet.ParquetFile(file) as stored:
            if missing := [name for name in names if name not in stored.schema_arrow.names]:
                has = list_some(stored.schema_arrow.names, 8)
                raise UserError(f"{file}: has no column {missing[0]}; expected {', '.join(names)}; it has {has}")
            for batch in stored.iter_batches(BATCH_ROWS, columns=list(names)):
                records = batch.to_pylist()
                n_rows += len(records)
                n_bytes += sum(len(str(value)) for record in records for value in record.values())
                if is_decompression_bomb(n_bytes, packed):
                    raise UserError(f"{file}: row {n_rows}: the file {EXPANDS}")
                yield from records
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot read {file} as parquet: {' '.join(str(error).split())[:160]}") from error
