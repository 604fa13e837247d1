"""Read text files, report bad encoding, empty lines and unequal line counts, and recognize official data.

official.tsv has the checksum of every subset of Tatoeba v1, FLORES-200 devtest and the STS sets, computed as for
signatures. Every byte of a file counts, so files with other line ends are not official.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
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
    check_sentences(sentences, file)
    return tuple(sentences), digest


def check_sentences(sentences: Sequence[str], file: Path) -> None:
    """Check the lines of a file.

    Raises:
        UserError: The file is empty or has an empty line.
    """
    if not sentences:
        raise UserError(f"{file}:1: the file is empty: expected one sentence per line")
    empty = [number for number, sentence in enumerate(sentences, start=1) if not sentence.strip()]
    if empty:
        raise UserError(
            f"{file}:{empty[0]}: empty line ({len(empty)} of {len(sentences)} lines are empty): expected one sentence "
            "per line; fill it in, because deleting it would misalign all later lines"
        )


def check_line_counts(first: Path, n_first: int, second: Path, n_second: int) -> None:
    """Check that two files are parallel.

    Raises:
        UserError: Their line counts differ.
    """
    if n_first != n_second:
        longer, n = (first, n_second + 1) if n_first > n_second else (second, n_first + 1)
        raise UserError(
            f"{first} has {n_first:,} lines and {second} has {n_second:,}, so {longer}:{n} has no translation: "
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


CUSTOM = "custom-"  # the checksum differs from the official one
UNVERIFIED = "unverified-"  # the official checksum is unknown
OWN = "own"  # a user's file, in no benchmark's layout
_BUCC_STYLE = "bucc-style"  # a user's corpus, which has no benchmark's name
# Sets with only some of their subsets in official.tsv; it has all subsets of the others.
_PARTLY_KNOWN = ("STS17-test", "flores200-dev_510")
_HUB = re.compile("hub-[0-9a-f]{8}")  # a revision that mteb pins


def data_name(data: str, subset: str, sha256: str) -> str:
    """Return the name of a subset on disk.

    Args:
        data: The benchmark with this layout, and the split ("tatoeba-v1", "STS12-test").
        subset: As in official.tsv.
        sha256: The checksum of the subset's content.

    Returns:
        `data` if the checksum is the official one; otherwise "custom-..." or "unverified-...".
    """
    if data.startswith(_BUCC_STYLE):
        return data
    known = official_subsets(data)
    if known.get(subset) == sha256:
        return data
    if not known or (data in _PARTLY_KNOWN and subset not in known):
        return UNVERIFIED + data
    return CUSTOM + data.removesuffix("-v1")


def joined_name(data: str, parts: Iterable[str]) -> str:
    """Return the name of `data` combined from several parts: official only if every part is.

    >>> joined_name("flores200-devtest", ["flores200-devtest", "custom-flores200-devtest"])
    'custom-flores200-devtest'
    """
    names = list(parts)
    return next((prefix for prefix in (CUSTOM, UNVERIFIED) if any(n.startswith(prefix) for n in names)), "") + data


def has_own_name(name: str) -> bool:
    """Return whether a name identifies data, instead of only naming the layout: a benchmark's, or a user's file."""
    return not name.startswith((CUSTOM, UNVERIFIED, f"{OWN}-"))


def benchmark_of(name: str) -> str:
    """Return the benchmark with the layout of this data: "STS12-test" for "custom-STS12-test"."""
    return name.removeprefix(CUSTOM).removeprefix(UNVERIFIED)


def is_official(name: str) -> bool:
    """Return whether scores on this data can be compared with published ones.

    True for verified files, for the hub's data at the revisions that mteb pins, and for the built-in set.
    """
    return name in _official() or name.startswith("mini") or _HUB.fullmatch(name) is not None


def official_subsets(data: str) -> Mapping[str, str]:
    """Return subset -> sha256 for an official name; empty for any other name."""
    return _official().get(data, {})


@cache
def _official() -> Mapping[str, Mapping[str, str]]:
    """Return data -> subset -> sha256."""
    found: dict[str, dict[str, str]] = {}
    for line in Path(__file__).with_name("official.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        data, subset, sha256 = line.split("\t")
        found.setdefault(data, {})[subset] = sha256
    return found
