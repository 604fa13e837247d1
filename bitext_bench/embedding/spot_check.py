"""Whether stored vectors are still what an encoder gives: a few sentences encoded again and compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..scoring.neighbors import Vectors
from .batching import SHARD_TEXTS, BatchLimits, TextGroup
from .store import VectorStore, write_atomic

KeyedTexts = tuple[list[bytes], TextGroup]
"""Texts that share a prompt and a language, and their keys in the store."""

# How many sentences are encoded again: all, where there are fewer than twice this number; otherwise at least this many.
# At least one is of each shard that is used.
CHECKED_SENTENCES = 256

# How far two float32 encodings of one sentence are from each other (unit vectors), batches of any size.
_ROUNDING = 1e-5
# Beyond that, an encoder may differ from itself by as much as its number format rounds (bf16: about 0.005) ...
_MOST_ROUNDING = 0.03
# ... and stored vectors by so many times what it differs from itself, at most and on average.
_TIMES, _TIMES_ON_AVERAGE = 3, 1.5
_FILE = "software.json"


def stale_reason(stored: Vectors, encode: Callable[[BatchLimits], Vectors]) -> str | None:
    """Return in words why stored vectors may not be used; None where the encoder still gives them.

    Args:
        stored: (N, D) unit vectors.
        encode: returns unit vectors of the same N sentences, encoded anew within the limits.
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
    alone = encode(BatchLimits(sentences=1))
    own = np.maximum(own, _distances(together, alone))
    if own.max() > _MOST_ROUNDING:
        return f"the model gives a sentence another vector in another batch (distance {own.max():.2g})"
    differ = np.minimum(differ, _distances(stored, alone))
    others = int((differ > max(_ROUNDING, _TIMES * own.max())).sum())
    if not others and differ.mean() > max(_ROUNDING, _TIMES_ON_AVERAGE * own.mean()):
        others = len(stored)
    return f"{others} of {len(stored)} sentences now have another vector" if others else None


def sample_stored(groups: Sequence[KeyedTexts], store: VectorStore) -> list[KeyedTexts]:
    """Return the texts to check of those that the store holds: some of every shard, and evenly over the texts."""
    stored = [(g, i) for g, (keys, _) in enumerate(groups) for i, key in enumerate(keys) if key in store]
    step = max(1, min(len(stored) // CHECKED_SENTENCES, SHARD_TEXTS))
    chosen = set(stored[step // 2 :: step])
    # Keys are hashes: the smallest one of a shard is as good as a random choice.
    least: dict[str, tuple[bytes, tuple[int, int]]] = {}
    for g, i in stored:
        entry = (groups[g][0][i], (g, i))
        shard = store.shard_of(entry[0])
        least[shard] = min(least.get(shard, entry), entry)
    chosen |= {place for _, place in least.values()}
    sample = [select_texts(*group, sorted(i for g, i in chosen if g == number)) for number, group in enumerate(groups)]
    return [group for group in sample if group[0]]


def select_texts(keys: Sequence[bytes], texts: TextGroup, rows: Sequence[int]) -> KeyedTexts:
    """Return some of a group's texts, by their numbers."""
    return [keys[i] for i in rows], replace(texts, sentences=tuple(texts.sentences[i] for i in rows))


def warn_stale(name: str, fault: str) -> None:
    """Say on stderr that stored vectors are not used, and why."""
    print(f"bitext-bench: the stored vectors of {name} are not used: {fault}; encoding again", file=sys.stderr)


def warn_reused(name: str, n_checked: int, n_stored: int, instead: str = "--refresh") -> None:
    """Say on stderr that stored vectors are used which only a sample vouches for; `instead` encodes all."""
    print(
        f"bitext-bench: {n_stored:,} stored vectors of {name} are used again: {n_checked:,} of them, encoded again, "
        f"were the same. A change that only the others show would be missed; {instead} encodes all",
        file=sys.stderr,
    )


def _distances(one: Vectors, two: Vectors) -> Vectors:
    distances: Vectors = np.linalg.norm(one - two, axis=1)
    return distances


class VerifiedShards:
    """Which shards in a folder are known to hold what the software here gives: it wrote or checked them.

    A list that is lost, or that cannot be written, only costs another check.
    """

    def __init__(self, folder: Path, software: str) -> None:
        self._file, self._software = folder / _FILE, software

    def covers(self, names: Collection[str]) -> bool:
        """Say whether all shards of these names are known."""
        return set(names) <= set(self._read().get(self._software, []))

    def add(self, names: Collection[str], there: Collection[str]) -> None:
        """Add names to those that are known, and keep only those that are there."""
        known = self._read()
        own = sorted({*known.get(self._software, []), *names} & set(there))
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
