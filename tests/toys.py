"""Toy encoders for `--model toys:...`: real encoders with obvious vectors, instead of mocks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class HashEncoder:
    """A random but fixed vector for each word; a sentence is their sum."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([sum((_word(w) for w in s.split()), np.zeros(64, np.float32)) for s in sentences])


def _word(word: str) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(64).astype(np.float32)


def hashing() -> HashEncoder:
    return HashEncoder()
