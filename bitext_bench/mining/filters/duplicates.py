"""Exact and near duplicates, in bounded memory: keys of all pairs are on disk, and are compared one column at a time.

Near duplicates are found by MinHash with locality-sensitive hashing (Broder 1997; Leskovec et al., Mining of Massive
Datasets, chapter 3), and confirmed by the Jaccard similarity of the texts.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .normalized import letters_and_digits, normalize_text

Keys = NDArray[np.uint64]

# Near duplicates share this proportion of their character 4-grams.
LEAST_JACCARD = 0.85
_GRAM = 4
# 10 bands of 8 values: texts with a Jaccard similarity of 0.85 share a band with probability 0.96, of 0.9 with 0.996.
N_BANDS, _BAND = 10, 8
_SEED = 1


def exact_keys(text: str) -> Keys:
    """Return the key (1,) of a text: that of its letters and digits, without case."""
    return np.frombuffer(hashlib.blake2b(letters_and_digits(text).encode(), digest_size=8).digest(), dtype="<u8")


def is_same(left: str, right: str) -> bool:
    """Return whether two texts have the same letters and digits."""
    return letters_and_digits(left) == letters_and_digits(right)


def band_keys(text: str) -> Keys:
    """Return the keys (10,) of the bands of a text's MinHash."""
    sketch = _empty_sketch().copy()
    sketch.update_batch([gram.encode() for gram in _grams(text)])
    bands = sketch.hashvalues.reshape(N_BANDS, _BAND).astype("<u8")
    digests = [hashlib.blake2b(band.tobytes(), digest_size=8).digest() for band in bands]
    return np.frombuffer(b"".join(digests), dtype="<u8")


def is_near(left: str, right: str) -> bool:
    """Return whether two texts have similar character 4-grams."""
    first, second = _grams(left), _grams(right)
    return len(first & second) >= LEAST_JACCARD * len(first | second)


@lru_cache(maxsize=1)
def _empty_sketch() -> Any:  # noqa: ANN401 (an optional package)
    from datasketch import MinHash

    return MinHash(num_perm=N_BANDS * _BAND, seed=_SEED)


def _grams(text: str) -> set[str]:
    plain = normalize_text(text)
    return {plain[at : at + _GRAM] for at in range(max(1, len(plain) - _GRAM + 1))}


def first_positions(keys: Keys) -> NDArray[np.int64]:
    """Return for each of N keys the position of the first equal key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    begins = np.ones(len(keys), dtype=np.bool_)
    begins[1:] = ordered[1:] != ordered[:-1]
    first = np.empty(len(keys), dtype=np.int64)
    first[order] = order[begins][np.cumsum(begins) - 1]
    return first
