"""A spot check of stored vectors: encode a few sentences again and compare."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..io.terminal import say
from ..scoring.neighbors import Vectors
from .batching import SHARD_TEXTS, BatchLimits, TextGroup
from .store import VectorStore, write_atomic

KeyedTexts = tuple[list[bytes], TextGroup]
"""The keys in the store, and the texts, which share a prompt and a language."""

# Number of sentences to encode again: all if there are fewer than twice this number, otherwise at least this many, and
# at least one from each shard in use.
CHECKED_SENTENCES = 256

# Largest distance between two float32 encodings of a sentence (unit vectors), in batches of any size.
_ROUNDING = 1e-5
# Otherwise, an encoder's own encodings may differ by the rounding of its number format (bf16: about 0.005) ...
_MOST_ROUNDING = 0.03
# ... and stored vectors by this many times that difference, at most and on average.
_TIMES, _TIMES_ON_AVERAGE = 3, 1.5
_FILE = "software.json"


def stale_reason(stored: Vectors, encode: Callable[[BatchLimits], Vectors]) -> str | None:
    """Return the reason why stored vectors must not be used; None if the encoder still gives the same vectors.

    Args:
        stored: (N, D) unit vectors.
        encode: Encodes the same N sentences again within the limits and returns their unit vectors.
    """
    together = encode(BatchLimits())
    if together.shape != stored.shape:
        return f"they have {stored.shape[1]} dimensions, and the model now gives {together.shape[1]}"
    differ = _distances(stored, together)
    if differ.max() <= _ROUNDING:
        return None
    own = _distances(together, encode(BatchLimits()))
    if own.max() > _MOST_ROUNDING:
        return f"the model gives a sentence another vector each time (distance {own.max():.2g})"
    one_by_one = encode(BatchLimits(sentences=1))
    own = np.maximum(own, _distances(together, one_by_one))
    if own.max() > _MOST_ROUNDING:
        return f"the model gives a sentence another vector in another batch (distance {own.max():.2g})"
    differ = np.minimum(differ, _distances(stored, one_by_one))
    others = int((differ > max(_ROUNDING, _TIMES * own.max())).sum())
    if not others and differ.mean() > max(_ROUNDING, _TIMES_ON_AVERAGE * own.mean()):
        others = len(stored)
    return f"{others} of {len(stored)} sentences now have another vector" if others else None


def sample_stored(groups: Sequence[KeyedTexts], store: VectorStore) -> list[KeyedTexts]:
    """Return a sample of the stored texts: at least one from every shard, and evenly spaced over all texts."""
    stored = [(g, i) for g, (keys, _) in enumerate(groups) for i, key in enumerate(keys) if key in store]
    step = max(1, min(len(stored) // CHECKED_SENTENCES, SHARD_TEXTS))
    chosen = set(stored[step // 2 :: step])
    # Keys are hashes, so the smallest key of a shard is a random choice.
    least: dict[str, tuple[bytes, tuple[int, int]]] = {}
    for g, i in stored:
        entry = (groups[g][0][i], (g, i))
        shard = store.shard_of(entry[0])
        least[shard] = min(least.get(shard, entry), entry)
    chosen |= {place for _, place in least.values()}
    sample = [select_texts(*group, sorted(i for g, i in chosen if g == number)) for number, group in enumerate(groups)]
    return [group for group in sample if group[0]]


def select_texts(keys: Sequence[bytes], texts: TextGroup, rows: Sequence[int]) -> KeyedTexts:
    """Return the texts of a group in these rows, with their keys."""
    return [keys[i] for i in rows], replace(texts, sentences=tuple(texts.sentences[i] for i in rows))


def warn_stale(name: str, fault: str) -> None:
    """Report on stderr that stored vectors are not used, with the reason."""
    say(f"the stored vectors of {name} are not used: {fault}; encoding again")


def warn_reused(
    name: str, n_checked: int, n_stored: int, instead: str = "--refresh (in Python, another cache)"
) -> None:
    """Report on stderr that stored vectors are used although only a sample was checked; `instead` encodes all."""
    say(
        f"{n_stored:,} vectors of {name} are from the cache: {n_checked:,} of these sentences were encoded again, with "
        f"the same result. The others were not checked; {instead} encodes all of them"
    )


def _distances(one: Vectors, two: Vectors) -> Vectors:
    distances: Vectors = np.linalg.norm(one - two, axis=1)
    return distances


class VerifiedShards:
    """The shards in a folder that were written or checked by the current software.

    If the list is lost or cannot be written, the shards are checked again.
    """

    def __init__(self, folder: Path, software: str) -> None:
        self._file, self._software = folder / _FILE, software

    def covers(self, names: Collection[str]) -> bool:
        """Return whether all these shards are known."""
        return set(names) <= set(self._read().get(self._software, []))

    def add(self, names: Collection[str], existing: Collection[str]) -> None:
        """Add shards to the known ones, and drop those that are not in `existing`."""
        known = self._read()
        own = sorted({*known.get(self._software, []), *names} & set(existing))
        if own != known.get(self._software):
            with suppress(UserError):
                write_atomic(self._file, json.dumps({**known, self._software: own}).encode())

    def _read(self) -> dict[str, list[str]]:
        try:
            known = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        lists = known.items() if isinstance(known, dict) else []
        return {software: names for software, names in lists if isinstance(names, list)}
