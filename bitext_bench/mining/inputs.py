"""The user's files: checks, and files of pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from ..errors import UserError
from ..io.lines import read_lines
from ..io.terminal import say


def check_file(file: Path) -> None:
    """Check that a file is readable and not empty, without reading it.

    Raises:
        UserError: the file is not readable, is not a regular file, or is empty.
    """
    if file.exists() and not file.is_file():
        raise UserError(f"{file} is not a regular file, but it is read more than once: write its text to a file")
    try:
        with file.open("rb") as stream:
            if not stream.read(1):
                raise UserError(f"{file} is empty: expected one sentence or one pair on each line")
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error


def check_not_overwritten(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Check that no output is an input.

    Raises:
        UserError: a file would be overwritten.
    """
    read = {file.resolve(): file for file in inputs}
    for file in outputs:
        if file.resolve() in read:
            raise UserError(f"{file} is an input, and would be overwritten: pass another file for the output")


def has_mined_pairs(file: Path) -> bool:
    """Return whether `mine` found the pairs in a file, by its header."""
    return {"score", "source_line", "target_line"} <= set(next(iter(read_lines(file)), "").split("\t"))


@cache  # once for each file, even if it is read several times
def _note_columns(file: Path, columns: int, *, named: bool) -> None:
    read = "those called source and target" if named else "the first two"
    say(f"note: {file} has {columns} columns; only {read} are read")


def read_rows(file: Path) -> Iterator[tuple[int, str, str]]:
    """Yield line number, source and target of each row in a file of pairs.

    If the first line is a header with source and target, as in the output of `mine`, these columns are read; otherwise
    the first two columns.

    Raises:
        UserError: as for `read_lines`, or a row has too few columns.
    """
    at = (0, 1)
    for number, line in enumerate(read_lines(file), start=1):
        cells = line.split("\t")
        if number == 1 and len(cells) > 2:
            _note_columns(file, len(cells), named={"source", "target"} <= set(cells))
        if number == 1 and {"source", "target"} <= set(cells):
            at = (cells.index("source"), cells.index("target"))
        elif len(cells) <= max(at):
            raise UserError(f"{file}:{number}: expected source TAB target, found {line[:60]!r}")
        else:
            yield number, cells[at[0]], cells[at[1]]
