"""The vector store: a content-addressed cache of vectors on disk.

A vector space (model, pooling, dtype, maximum length) is a folder. The key of a text is a 16-byte hash of its language,
prompt and words. Vectors are stored in shards. Each shard is a file that is written under a temporary name and then
renamed, so that a killed run leaves only finished shards, and concurrent runs do not disturb each other.

    shard = magic, n, d (two uint32), n keys, n x d float32, sha256 of everything before it
"""

from __future__ import annotations

import errno
import hashlib
import os
import struct
from collections.abc import Container, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..io.interrupts import delay_signals
from ..io.temporary import remove_stale, temporary_file
from ..io.terminal import say

KEY_BYTES = 16
_MAGIC = b"BITEXT01"
_HEADER = struct.Struct("<8sII")
_DIGEST_BYTES = 32


def text_key(text: str, prompt: str, language: str) -> bytes:
    """Return the key of a text, the same in every vector space; `language` is "" for encoders that do not use it."""
    content = "\0".join([language, prompt, text])
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).digest()[:KEY_BYTES]


@dataclass(frozen=True, slots=True)
class _Shard:
    """The place of a shard's (n, d) vectors. Files are opened only when read: there may be thousands of shards."""

    file: Path
    first_vector: int  # in bytes
    shape: tuple[int, int]

    def vectors(self) -> NDArray[np.float32]:
        try:
            return np.memmap(self.file, dtype="<f4", mode="r", offset=self.first_vector, shape=self.shape)
        except (OSError, ValueError) as error:  # ValueError: the file became shorter.
            raise UserError(f"{self.file} can no longer be read ({error}): run the command again") from error


class VectorStore:
    """The vectors of one vector space.

    Opening reads every shard once and verifies its checksum. A damaged shard is reported on stderr and removed, and its
    texts count as not encoded.

    Raises:
        UserError: The folder cannot be created, or a shard cannot be read.
    """

    def __init__(self, root: Path, space: str) -> None:
        self.folder = root / space
        make_folder(self.folder)
        self._open_all()

    def _open_all(self) -> None:
        self._shards: list[_Shard] = []
        self._place: dict[bytes, tuple[int, int]] = {}
        for file in sorted(self.folder.glob("*.shard")):
            self._open(file)

    @property
    def dimensions(self) -> int | None:
        """The number of dimensions; None if the store is empty."""
        return self._shards[0].shape[1] if self._shards else None

    def __contains__(self, key: bytes) -> bool:
        return key in self._place

    def __len__(self) -> int:
        return len(self._place)

    @property
    def shards(self) -> list[str]:
        """The names of the shards."""
        return [shard.file.name for shard in self._shards]

    def shard_of(self, key: bytes) -> str:
        """Return the name of the shard with a key. The key must be in the store."""
        return self._shards[self._place[key][0]].file.name

    def forget(self, keys: Container[bytes] | None = None) -> None:
        """Remove all shards, or those with any of these keys, together with their other texts.

        Raises:
            UserError: A shard cannot be removed.
        """
        for file in [shard.file for shard in self._shards]:
            try:
                read = _read_shard(file) if keys is not None else None
                if keys is None or (read and any(key in keys for key in read[0])):
                    file.unlink()
            except FileNotFoundError:
                continue  # Another run has removed it.
            except OSError as error:
                raise UserError(
                    f"cannot remove the old vectors in {file} ({error.strerror}): pass another --cache-folder"
                ) from error
        self._open_all()

    def vectors(self, keys: Sequence[bytes]) -> NDArray[np.float32]:
        """Return (N, D) float32, one row per key. Every key must be in the store, and N at least 1."""
        places = [self._place[key] for key in keys]
        rows = np.empty((len(keys), self._shards[places[0][0]].shape[1]), dtype=np.float32)
        shard_of = np.fromiter((p[0] for p in places), np.int64, len(places))
        row_of = np.fromiter((p[1] for p in places), np.int64, len(places))
        for shard in np.unique(shard_of):
            here = shard_of == shard
            rows[here] = self._shards[shard].vectors()[row_of[here]]
        return rows

    def add(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Write one shard of N keys and (N, D) vectors.

        Raises:
            UserError: The disk is full or the folder cannot be written; no part of the shard is left behind. Or the
                vectors have another number of dimensions than the stored ones.
        """
        if self.dimensions not in (None, vectors.shape[1]):
            raise UserError(
                f"{self.folder} has vectors of {self.dimensions} dimensions for this model, which now gives "
                f"{vectors.shape[1]}: change its `version` when you change it, or pass another --cache-folder"
            )
        body = b"".join(
            [
                _HEADER.pack(_MAGIC, *vectors.shape),
                *keys,
                np.ascontiguousarray(vectors, dtype="<f4").tobytes(),
            ]
        )
        digest = hashlib.sha256(body).digest()
        file = self.folder / f"{digest.hex()[:32]}.shard"
        write_atomic(file, body + digest)
        self._open(file)

    def _open(self, file: Path) -> None:
        try:
            shard = _read_shard(file)
        except FileNotFoundError:
            return  # Another run has just removed it as damaged.
        except OSError as error:
            raise UserError(f"cannot read {file}: {error.strerror}") from error
        if shard is None:
            say(f"{file} is damaged; its sentences are encoded again")
            with suppress(OSError):  # If it cannot be removed, writing it again reports the reason.
                file.unlink()
            return
        keys, place = shard
        at = len(self._shards)
        self._shards.append(place)
        for row, key in enumerate(keys):
            self._place.setdefault(key, (at, row))


def _read_shard(file: Path) -> tuple[list[bytes], _Shard] | None:
    """Return the keys of a shard and the place of its vectors; None if the file is damaged."""
    if file.stat().st_size < _HEADER.size + _DIGEST_BYTES:
        return None
    content = np.memmap(file, dtype=np.uint8, mode="r")
    magic, n, d = _HEADER.unpack(content[: _HEADER.size].tobytes())
    first_vector = _HEADER.size + n * KEY_BYTES
    end = first_vector + n * d * 4
    if magic != _MAGIC or end + _DIGEST_BYTES != len(content):
        return None
    if hashlib.sha256(content.data[:end]).digest() != content[end:].tobytes():
        return None
    flat = content[_HEADER.size : first_vector].tobytes()
    keys = [flat[i : i + KEY_BYTES] for i in range(0, len(flat), KEY_BYTES)]
    return keys, _Shard(file, first_vector, (n, d))


def check_writable(folder: Path) -> None:
    """Check, before any work, that a folder can be created and written to, without creating it.

    Raises:
        UserError: A part of the path is a file, or is read-only.
    """
    try:
        place = next((path for path in (folder, *folder.parents) if path.exists()), Path())
    except OSError as error:
        raise UserError(f"cannot create the directory {folder}: {error.strerror}") from error
    if not place.is_dir():
        raise UserError(f"cannot create the directory {folder}: {place} is a file")
    if not os.access(place, os.W_OK | os.X_OK):
        raise UserError(f"cannot write to the directory {folder}: {place} is read-only")


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, and remove temporary files of killed runs from it.

    Raises:
        UserError: The folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_stale(folder)
    except OSError as error:
        raise write_error(folder, error, "create the directory") from error


def write_atomic(file: Path, content: bytes) -> None:
    """Write a file atomically: it gets its whole new content or stays unchanged.

    Raises:
        UserError: The file cannot be written (full disk, no permission); nothing is left behind.
    """
    write_all_atomic({file: content})


def write_all_atomic(contents: Mapping[Path, bytes]) -> None:
    """Write several files of one folder atomically: none replaces its old version before all are on the disk.

    Raises:
        UserError: A file cannot be written (full disk, no permission); nothing is left behind.
    """
    for file in contents:
        if not file.name or os.path.isdir(file):
            raise UserError(f"cannot write {file}: it is a directory; give the name of a file")
    current = next(iter(contents))
    with ExitStack() as stack:
        try:
            temporary = {}
            for current, content in contents.items():
                temporary[current] = stack.enter_context(temporary_file(current))
                with temporary[current].open("wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
            with delay_signals():
                for current in contents:
                    temporary[current].replace(current)
        except OSError as error:
            raise write_error(current, error) from error


_FREE_SPACE = "finished work is kept: free some disk space and run the same command again"
_CURES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _FREE_SPACE),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose a directory that you may write to"),
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EISDIR: "give the name of a file",
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST), "a file is in the place of a directory: choose another path"),
}


def write_error(file: Path, error: OSError, what: str = "write") -> UserError:
    """Build the error for a file or folder that cannot be written, with advice for its cause."""
    cure = _CURES.get(error.errno or 0)
    return UserError(f"cannot {what} {file}: {error.strerror or error}{f'; {cure}' if cure else ''}")
