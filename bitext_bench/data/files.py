"""Read text files and report bad encoding, empty lines and unequal line counts."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import UserError
from ..io.lines import split_lines
from ..io.terminal import say


def read_content(file: Path) -> tuple[bytes, str]:
    """Return a file's bytes and their sha256.

    Raises:
        UserError: The file is missing or unreadable.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error
    return content, hashlib.sha256(content).hexdigest()


def read_hashed_lines(file: Path) -> tuple[list[str], str]:
    """Return the lines of a file, and its sha256.

    Raises:
        UserError: As for `read_content` and `split_lines`.
    """
    content, digest = read_content(file)
    return split_lines(content, file), digest


def read_sentences(file: Path) -> tuple[tuple[str, ...], str]:
    """Return the sentences of a file, one per line, and its sha256.

    Raises:
        UserError: As for `read_hashed_lines`, or the file is empty or has an empty line.
    """
    sentences, digest = read_hashed_lines(file)
    if not sentences:
        raise UserError(f"{file} is empty: expected one sentence per line")
    empty = [number for number, sentence in enumerate(sentences, start=1) if not sentence.strip()]
    if empty:
        raise UserError(
            f"{file}:{empty[0]}: empty line ({len(empty)} of {len(sentences)} lines are empty): expected one sentence "
            "per line; fill it in, because deleting it would misalign all later lines"
        )
    return tuple(sentences), digest


def check_line_counts(first: Path, n_first: int, second: Path, n_second: int) -> None:
    """Check that two files are parallel.

    Raises:
        UserError: Their line counts differ.
    """
    if n_first != n_second:
        raise UserError(
            f"{first} has {n_first:,} lines and {second} has {n_second:,}: "
            "expected line i of one to translate line i of the other"
        )


def read_table(file: Path, columns: tuple[str, ...]) -> tuple[list[list[str]], str]:
    """Return the rows of a tab-separated file, without its header, and its sha256.

    Raises:
        UserError: As for `read_hashed_lines`, or the header or a row does not have these columns.
    """
    lines, digest = read_hashed_lines(file)
    if not lines or tuple(lines[0].split("\t")) != columns:
        found = lines[0] if lines else "nothing"
        raise UserError(f"{file}:1: expected the header {' TAB '.join(columns)}, found {found[:80]!r}")
    rows = [line.split("\t") for line in lines[1:]]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(columns):
            raise UserError(f"{file}:{number}: {len(row)} columns, expected {len(columns)}: {', '.join(columns)}")
    return rows, digest


def warn(message: str) -> None:
    """Print a warning on stderr."""
    say(f"warning: {message}")
