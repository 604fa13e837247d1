"""The common store of `mine`: unit vectors of lines, found by the keys of their texts whatever file they came from.

It lies beside the store of `run`, which holds all its keys in memory while it is open: too many are mined for that.
A shard is two files. The array can be a hard link to that of a work folder; the keys can be read without it.

    NAME.npy  = (N, D) float32, unit vectors
    NAME.keys = magic, sha256 of NAME.npy, N keys, sha256 of all before it
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..embedding.store import KEY_BYTES, make_folder, write_all_atomic, write_atomic, write_error
from ..io.checksums import file_sha256
from ..io.temporary import temporary_file
from ..scoring.neighbors import Vectors
from .arrays import array_bytes

_MAGIC = b"BITEXTK1"
_DIGEST_BYTES = 32
_DIGITS = 16  # of a digest in a name

Keys = NDArray[np.uint64]
"""(N, 2): the 16 bytes of each key."""


@dataclass(frozen=True, slots=True)
class StoredTexts:
    """Texts that a shard holds: `rows` of what was looked for are `at` these rows of its array."""

    name: str
    rows: NDArray[np.int64]
    at: NDArray[np.int64]


def keys_array(keys: Collection[bytes]) -> Keys:
    """Return keys as an array."""
    return np.frombuffer(b"".join(keys), dtype="<u8").reshape(len(keys), 2)


def unit_prefix(keys: Keys) -> str:
    """Return how the names of all shards begin that a unit of work with these texts writes."""
    return hashlib.sha256(keys.tobytes()).hexdigest()[:_DIGITS]


class LineStore:
    """The vectors of one space. Shards may vanish at any time: another process found them stale, or put them together.

    Raises:
        UserError: the folder cannot be made.
    """

    def __init__(self, root: Path, space: str) -> None:
        self.folder = root / "mine" / space
        make_folder(self.folder)
        self._intact: set[str] = set()

    def names(self) -> list[str]:
        """Return the names of all shards."""
        return sorted(file.stem for file in self.folder.glob("*.keys"))

    def find(self, keys: Keys, names: Iterable[str]) -> list[StoredTexts]:
        """Find texts in the shards of these names, each text in the first that holds it; no vector is read."""
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
        """Return the (N, D) vectors of what was found in a shard; None where it is gone or damaged.

        Its checksum is compared once. A damaged shard is reported on stderr and removed.
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
        """Write a shard of N keys and (N, D) unit vectors; returns its name.

        Args:
            unit: `unit_prefix` of the unit of work that they belong to.
            keys: of the texts.
            vectors: theirs.

        Raises:
            UserError: it cannot be written.
        """
        content = array_bytes(vectors)
        digest = hashlib.sha256(content)
        name = f"{unit}-{digest.hexdigest()[:_DIGITS]}"
        files = {self._file(name, "keys"): _key_file_content(digest.digest(), keys), self._file(name, "npy"): content}
        write_all_atomic(files)
        return name

    def link(self, unit: str, keys: Keys, array: Path) -> str:
        """Put an array file into the store, as a hard link where the file system can; returns the shard's name.

        Raises:
            UserError: it cannot be written.
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
        """Remove shards, as far as that can be done."""
        for name in names:
            for kind in ("keys", "npy"):
                with suppress(OSError):
                    self._file(name, kind).unlink()

    def _file(self, name: str, kind: str) -> Path:
        return self.folder / f"{name}.{kind}"

    def _keys(self, name: str) -> Keys | None:
        """Return a shard's keys; None where it is gone or not yet complete, or damaged, which is said and removed."""
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
        file = self._file(name, "npy")
        print(f"bitext-bench: {file} is damaged; its sentences are encoded again", file=sys.stderr)
        self.remove([name])


def _key_file_content(digest: bytes, keys: Keys) -> bytes:
    body = _MAGIC + digest + keys.tobytes()
    return body + hashlib.sha256(body).digest()
