"""One side of a mining run: its distinct texts in numbered shards, and their line numbers in the user's file."""

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
Hidden = dict[SideName, NDArray[np.bool_]]  # whether each row is only planted, for each side

_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class CorpusSide:
    """The counts of one side.

    Attributes:
        name: name of the side.
        rows: number of distinct texts, or of vectors.
        lines: number of lines in the user's file, or of the sentences in them.
        blank: number of blank or overlong ones.
        planted: number of rows that are not in the file.
        vectors: array file of the rows; None for texts.
        documents: number of lines, if they are divided into sentences.
        id_shards: number of files with the ids of the lines; 0 if they have none.
        too_long: number of overlong texts.
    """

    name: SideName
    rows: int
    lines: int
    blank: int = 0
    planted: int = 0
    vectors: Path | None = None
    documents: int | None = None
    id_shards: int = 0
    too_long: int = 0

    @property
    def n_unique(self) -> int:
        """Number of distinct texts, or vectors, in the user's file."""
        return self.rows - self.planted


class EmptyCorpus(Exception):
    """A file has no text."""


class SideFiles:
    """The files of one side in the work folder: texts in shards, and the mappings between lines and rows."""

    def __init__(self, root: Path, name: SideName) -> None:
        self._texts = root / "texts"
        self.name = name
        self.line_of_row = self._texts / f"{name}.line_of_row.npy"
        self.row_of_line = self._texts / f"{name}.row_of_line.npy"
        self.first_sentence = self._texts / f"{name}.first_sentence.npy"  # of each document; last, their number

    def shard(self, number: int) -> Path:
        """Return the file of a shard, with one text on each line."""
        return self._texts / f"{self.name}.{number:05}.txt"

    def ids(self, number: int) -> Path:
        """Return a file with the ids of some documents, one on each line."""
        return self._texts / f"{self.name}.{number:05}.ids.txt"

    def names(self, shards: int, id_shards: int, *, split: bool) -> list[str]:
        """Return the names of all files, for these numbers of shards."""
        shard_files = [self.shard(number) for number in range(shards)] + [self.ids(n) for n in range(id_shards)]
        arrays = [self.line_of_row, self.row_of_line, *([self.first_sentence] if split else [])]
        return [file.name for file in (*shard_files, *arrays)]

    def path(self, name: str) -> Path:
        """Return a file by its name."""
        return self._texts / name

    def texts(self, number: int) -> list[str]:
        """Return the texts of a shard."""
        return self.shard(number).read_bytes().decode("utf-8").split("\n")[:-1]


def split_side(
    files: SideFiles, read: Callable[[], Iterable[str]], planted: Sequence[str], shard_lines: int
) -> tuple[int, int, int, int]:
    """Write the distinct texts of a side in shards, in order of first occurrence.

    The file is read twice. The first pass finds repeated lines by keys of 16 bytes, so that no texts stay in memory.
    The output depends only on the arguments, so simultaneous processes write the same files.

    Args:
        files: files to write.
        read: function that opens the file and yields its lines.
        planted: texts to append after the last line.
        shard_lines: number of texts in a shard.

    Returns:
        Number of rows, lines, blank lines and planted rows.

    Raises:
        UserError: a file cannot be read or written.
        EmptyCorpus: there is no text.
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
    """Return the key (L, 2) of each line (zeros for a blank line), and the number of lines that are not planted."""
    keys = bytearray()
    for line in itertools.chain(lines, planted):
        keys += hashlib.blake2b(line.encode(), digest_size=_KEY_BYTES).digest() if line.strip() else bytes(_KEY_BYTES)
    n = len(keys) // _KEY_BYTES
    return np.frombuffer(bytes(keys), dtype="<u8").reshape(n, 2), n - len(planted)


def _first_lines(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row of each line (-1 if blank), and the first line of each row (from 0, ascending)."""
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
    """Return the texts of rows, which may be in any order. Each shard is read once."""
    found: list[str] = [""] * len(rows)
    for number, at in group_by_shard(rows, shard_lines):
        texts = files.texts(number)
        for i in at.tolist():
            found[i] = texts[int(rows[i]) - number * shard_lines]
    return found


def group_by_shard(rows: NDArray[np.int64], shard_lines: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield the number of each shard with some of the rows, in ascending order, and their indices in `rows`."""
    shard = rows // shard_lines
    order = np.argsort(shard, kind="stable")
    bounds = np.flatnonzero(np.diff(shard[order])) + 1
    for at in np.split(order, bounds) if len(order) else []:
        yield int(shard[at[0]]), at
