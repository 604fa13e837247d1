"""Toy encoders for `--model toys:...`: real encoders with obvious vectors, instead of mocks."""

from __future__ import annotations

import hashlib
import os
import signal
import time
import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray


class HashEncoder:
    """A random but fixed vector for each word; a sentence is their sum."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([sum((_word(w) for w in s.split()), np.zeros(64, np.float32)) for s in sentences])


@cache
def _word(word: str) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(64).astype(np.float32)


def hashing() -> HashEncoder:
    return HashEncoder()


class LoggingEncoder(HashEncoder):
    """Writes each sentence that it encodes to $TOY_LOG, and takes $TOY_SECONDS for a batch.

    With $TOY_PARTNER, the log of another process, it returns nothing before the other one is encoding too.
    """

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
        with open(os.environ["TOY_LOG"], "a", encoding="utf-8") as log:
            log.writelines(f"{sentence}\n" for sentence in sentences)
        deadline = time.monotonic() + 60
        while not os.path.exists(os.environ.get("TOY_PARTNER", os.environ["TOY_LOG"])):
            if time.monotonic() > deadline:
                raise TimeoutError("the other process never came")
            time.sleep(0.01)
        return super().encode(sentences)


def logging_() -> LoggingEncoder:
    return LoggingEncoder()


class BatchEncoder(LoggingEncoder):
    """What is in a batch shows in the last bits of its vectors, as it does in real models."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        return super().encode(sentences) + np.float32(1e-6 * (zlib.crc32("".join(sentences).encode()) % 7))


def batches() -> BatchEncoder:
    return BatchEncoder()


class BrokenEncoder(HashEncoder):
    """Gives a vector that no cosine can be taken of for sentences with the word in `word`."""

    def __init__(self, word: str, value: float) -> None:
        self._word, self._value = word, value

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        vectors = super().encode(sentences)
        vectors[[self._word in sentence for sentence in sentences]] = self._value
        return vectors


def nan() -> BrokenEncoder:
    return BrokenEncoder("blue", float("nan"))


def infinite() -> BrokenEncoder:
    return BrokenEncoder("blue", float("inf"))


def zero() -> BrokenEncoder:
    return BrokenEncoder("blue", 0.0)


class FlatEncoder:
    """Forgets that there is more than one sentence."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        return np.ones(8, dtype=np.float32)


def flat() -> FlatEncoder:
    return FlatEncoder()


class LetterEncoder(HashEncoder):
    """Sees letters in place of words: better or worse than its parent, and not on the same sentences."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        return super().encode([" ".join(sentence) for sentence in sentences])


def letters() -> LetterEncoder:
    return LetterEncoder()


class LanguageEncoder(HashEncoder):
    """Wants to know the language, and puts it into the vector."""

    needs_language = True

    def encode(self, sentences: Sequence[str], language: str | None = None) -> NDArray[np.float32]:
        return super().encode([f"{sentence} {language}" for sentence in sentences])


def with_language() -> LanguageEncoder:
    return LanguageEncoder()


def nothing() -> object:
    return object()


class DyingEncoder(HashEncoder):
    """Kills its process, as the system does when memory runs out, at the first sentence with $TOY_DIES; once."""

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        mark = os.environ["TOY_MARK"]
        if any(os.environ["TOY_DIES"] in sentence for sentence in sentences) and not os.path.exists(mark):
            with open(mark, "w", encoding="utf-8"):
                os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(sentences)


def dying() -> DyingEncoder:
    return DyingEncoder()
