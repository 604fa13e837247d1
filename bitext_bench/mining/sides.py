"""One side of a mining run: its different texts, in numbered shards, and where they stand in the user's file."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..embedding.store import make_folder, write_atomic
from .arrays import write_array

SideName = Literal["source", "target"]
SIDES: tuple[SideName, SideName] = ("source", "target")
Hidden = dict[SideName, NDArray[np.bool_]]  # rows of each side that are there only because they were planted

_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class CorpusSide:
    """What was read.

    Attributes:
        name: which side it is.
        rows: different texts, or vectors.
        lines: lines of the user's file.
        blank: of the lines, those without a text.
        planted: of the rows, those that are no lines of the file.
        vectors: the array file that the rows are in already; None for texts.
    """

    name: SideName
    rows: int
    lines: int
    blank: int = 0
    planted: int = 0
    vectors: Path | None = None

    @property
    def n_unique(self) -> int:
        """How many different texts, or vectors, the user's file has."""
        return self.rows - self.planted


class EmptyCorpus(Exception):
    """There is no text in a file."""


class SideFiles:
    """The files of one side below the work folder: texts in shards, and the two tables between lines and rows."""

    def __init__(self, root: Path, name: SideName) -> None:
        self._texts = root / "texts"
        self.name = name
        self.line_of_row = self._texts / f"{name}.line_of_row.npy"
        self.row_of_line = self._texts / f"{name}.row_of_line.npy"

    def shard(self, number: int) -> Path:
        """Return the file of a shard of texts, one a line."""
        return self._texts / f"{self.name}.{number:05}.txt"

    def names(self, shards: int) -> list[str]:
        """Return the names of all files, for this number of shards."""
        return [*(self.shard(number).name for number in range(shards)), self.line_of_row.name, self.row_of_line.name]

    def path(self, name: str) -> Path:
        """Return a file by its name."""
        return self._texts / name

    def texts(self, number: int) -> list[str]:
        """Return the texts of a shard."""
        return self.shard(number).read_bytes().decode("utf-8").split("\n")[:-1]


def split_side(
    files: SideFiles, read: Callable[[], Iterable[str]], planted: Sequence[str], shard_lines: int
) -> tuple[int, int, int, int]:
    """Write the different texts of a side in shards, in the order in which they first come.

    Two passes over the file: 16 bytes a line find the repeated ones, so that no text has to stay in memory. What it
    writes depends on its arguments alone; two processes that do it at once write the same.

    Args:
        files: where to.
        read: opens the file anew and yields its lines.
        planted: texts to put after the last line.
        shard_lines: texts a shard.

    Returns:
        Rows, lines of the file, how many of these are blank, and how many of the rows are planted.

    Raises:
        UserError: as reading and writing.
        EmptySide: there is not one text.
    """
    make_folder(files.line_of_row.parent)
    keys, n_lines = _keys(read(), planted)
    row_of_line, first = _first_lines(keys)
    if not len(first):
        raise EmptyCorpus
    taken = np.zeros(len(row_of_line), dtype=np.bool_)
    taken[first] = True
    kept = itertools.compress(itertools.chain(read(), planted), taken)
    for number in itertools.count():
        shard = list(itertools.islice(kept, shard_lines))
        if not shard:
            break
        write_atomic(files.shard(number), "".join(f"{text}\n" for text in shard).encode())
    write_array(files.row_of_line, row_of_line)
    write_array(files.line_of_row, first + 1)
    return len(first), n_lines, int((row_of_line[:n_lines] < 0).sum()), int((first >= n_lines).sum())


def _keys(lines: Iterable[str], planted: Sequence[str]) -> tuple[NDArray[np.uint64], int]:
    """Return (L, 2) the key of each line, zeros for a blank one, and how many lines are not planted."""
    keys = bytearray()
    for line in itertools.chain(lines, planted):
        keys += hashlib.blake2b(line.encode(), digest_size=_KEY_BYTES).digest() if line.strip() else bytes(_KEY_BYTES)
    n = len(keys) // _KEY_BYTES
    return np.frombuffer(bytes(keys), dtype="<u8").reshape(n, 2), n - len(planted)


def _first_lines(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row of each line (-1: blank), and the lines (from 0, ascending) at which the rows first stand."""
    lines = np.flatnonzero(keys.any(axis=1))
    order = lines[np.lexsort((keys[lines, 1], keys[lines, 0]))]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (keys[order[1:]] != keys[order[:-1]]).any(axis=1)
    first = order[new]  # lexsort is stable: the lowest line of equal ones comes first
    rank = np.empty(len(first), dtype=np.int64)
    rank[first.argsort()] = np.arange(len(first))
    row_of_line = np.full(len(keys), -1, dtype=np.int64)
    row_of_line[order] = rank[np.cumsum(new) - 1]
    return row_of_line, np.sort(first)


def read_texts(files: SideFiles, rows: NDArray[np.int64], shard_lines: int) -> list[str]:
    """Return the texts of rows, in any order and number, reading each shard once."""
    found: list[str] = [""] * len(rows)
    for number, at in group_by_shard(rows, shard_lines):
        texts = files.texts(number)
        for i in at.tolist():
            found[i] = texts[int(rows[i]) - number * shard_lines]
    return found


def group_by_shard(rows: NDArray[np.int64], shard_lines: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each shard that rows fall into, ascending, with the places in `rows` of those that do."""
    shard = rows // shard_lines
    order = np.argsort(shard, kind="stable")
    bounds = np.flatnonzero(np.diff(shard[order])) + 1
    for at in np.split(order, bounds) if len(order) else []:
        yield int(shard[at[0]]), at
