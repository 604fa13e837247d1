"""The shared store of `mine`: normalized vectors of lines, found by the keys of their texts, across files and runs.

It is separate from the store of `run`, which holds all keys in memory; mining has too many for that. A shard consists
of two files. The array may be a hard link to a file in a work folder. The keys can be read without the array.

    NAME.npy  = (N, D) float32, normalized vectors
    NAME.keys = magic, sha256 of NAME.npy, N keys, sha256 of all preceding bytes
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..embedding.store import KEY_BYTES, make_folder, write_all_atomic, write_atomic, write_error
from ..io.checksums import file_sha256
from ..io.temporary import temporary_file
from ..io.terminal import say
from ..scoring.neighbors import Vectors
from .arrays import array_bytes

_MAGIC = b"BITEXTK1"
_DIGEST_BYTES = 32
_DIGITS = 16  # digits of a digest in file names

Keys = NDArray[np.uint64]
"""(N, 2), the 16 bytes of each key."""


@dataclass(frozen=True, slots=True)
class StoredTexts:
    """Texts found in a shard: `rows` of the query are at the rows `at` of its array."""

    name: str
    rows: NDArray[np.int64]
    at: NDArray[np.int64]


def keys_array(keys: Collection[bytes]) -> Keys:
    """Return keys as an array."""
    return np.frombuffer(b"".join(keys), dtype="<u8").reshape(len(keys), 2)


def unit_prefix(keys: Keys) -> str:
    """Return the name prefix of all shards that a work unit with these texts writes."""
    return hashlib.sha256(keys.tobytes()).hexdigest()[:_DIGITS]


class LineStore:
    """The stored vectors of one vector space. Other processes may remove shards at any time.

    Raises:
        UserError: the folder cannot be created.
    """

    def __init__(self, root: Path, space: str) -> None:
        self.folder = root / "mine" / space
        make_folder(self.folder)
        self._intact: set[str] = set()

    def names(self) -> list[str]:
        """Return the names of all shards."""
        return sorted(file.stem for file in self.folder.glob("*.keys"))

    def find(self, keys: Keys, names: Iterable[str]) -> list[StoredTexts]:
        """Find each text in the first of these shards that has it. No vectors are read."""
        hits = []
        order = np.argsort(keys[:, 0])
        ascending = keys[order, 0]
        left = np.ones(len(keys), dtype=np.bool_)
        for name in names:
            if not left.any():
                break
            stored = self._keys(name)
            if stored is None:
                continue
            rows = order[np.minimum(np.searchsorted(ascending, stored[:, 0]), len(keys) - 1)]
            at = np.flatnonzero((keys[rows] == stored).all(axis=1) & left[rows])
            if len(at):
                hits.append(StoredTexts(name, rows[at], at))
                left[rows[at]] = False
        return hits

    def read(self, hit: StoredTexts) -> Vectors | None:
        """Return the vectors (N, D) of the texts found in a shard; None if it is missing or damaged.

        The checksum is verified once. A damaged shard is reported on stderr and removed.
        """
        file = self._file(hit.name, "npy")
        try:
            if hit.name not in self._intact:
                written = self._file(hit.name, "keys").read_bytes()[len(_MAGIC) :][:_DIGEST_BYTES]
                if file_sha256(file) != written.hex():
                    self._remove_damaged(hit.name)
                    return None
                self._intact.add(hit.name)
            stored: Vectors = np.load(file, mmap_mode="r", allow_pickle=False)
        except OSError:
            return None
        return np.array(stored[hit.at])

    def add(self, unit: str, keys: Keys, vectors: Vectors) -> str:
        """Write a shard and return its name.

        Args:
            unit: `unit_prefix` of the work unit.
            keys: keys of N texts.
            vectors: (N, D) normalized vectors.

        Raises:
            UserError: the shard cannot be written.
        """
        content = array_bytes(vectors)
        digest = hashlib.sha256(content)
        name = f"{unit}-{digest.hexdigest()[:_DIGITS]}"
        files = {self._file(name, "keys"): _key_file_content(digest.digest(), keys), self._file(name, "npy"): content}
        write_all_atomic(files)
        return name

    def link(self, unit: str, keys: Keys, array: Path) -> str:
        """Add an array file to the store, as a hard link if possible, and return the name of the shard.

        Raises:
            UserError: the shard cannot be written.
        """
        digest = bytes.fromhex(file_sha256(array))
        name = f"{unit}-{digest.hex()[:_DIGITS]}"
        write_atomic(self._file(name, "keys"), _key_file_content(digest, keys))
        file = self._file(name, "npy")
        try:
            with temporary_file(file) as temporary:
                temporary.unlink()
                try:
                    os.link(array, temporary)
                except OSError:
                    shutil.copyfile(array, temporary)
                temporary.replace(file)
        except OSError as error:
            raise write_error(file, error) from error
        return name

    def remove(self, names: Collection[str]) -> None:
        """Remove shards, ignoring errors."""
        for name in names:
            for kind in ("keys", "npy"):
                with suppress(OSError):
                    self._file(name, kind).unlink()

    def _file(self, name: str, kind: str) -> Path:
        return self.folder / f"{name}.{kind}"

    def _keys(self, name: str) -> Keys | None:
        """Return a shard's keys; None if it is missing, incomplete or damaged (then report and remove it)."""
        try:
            content = self._file(name, "keys").read_bytes()
            if not self._file(name, "npy").exists():
                return None
        except OSError:
            return None
        body, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
        keys = body[len(_MAGIC) + _DIGEST_BYTES :]
        if not body.startswith(_MAGIC) or hashlib.sha256(body).digest() != digest or len(keys) % KEY_BYTES:
            self._remove_damaged(name)
            return None
        return np.frombuffer(keys, dtype="<u8").reshape(-1, 2)

    def _remove_damaged(self, name: str) -> None:
        say(f"{self._file(name, 'npy')} is damaged; its sentences are encoded again")
        self.remove([name])


def _key_file_content(digest: bytes, keys: Keys) -> bytes:
    body = _MAGIC + digest + keys.tobytes()
    return body + hashlib.sha256(body).digest()
