"""Split texts into batches and encode them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..encoders import BatchesEncoder, Encoder
from ..errors import UserError
from ..languages import Language
from ..scoring.neighbors import Vectors, normalize

# A killed run loses at most one shard: a few seconds on a CPU.
SHARD_TEXTS = 512

# Norms with squares in the range of float32; outside, normalization gives zeros or NaN.
_NORM_RANGE = (1e-15, 1e15)


@dataclass(frozen=True, slots=True)
class TextGroup:
    """Sentences with the same language and prompt, in the order of a task's vectors."""

    sentences: tuple[str, ...]
    language: Language | None
    prompt: str


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Maximum size of a batch, in tokens with padding (None for the encoder's default) and in sentences."""

    tokens: int | None = None
    sentences: int | None = None


@dataclass(frozen=True, slots=True)
class EncodingWork:
    """Texts to encode, with their keys in the store and their token counts, (N,) each."""

    texts: TextGroup
    keys: list[bytes]
    token_counts: NDArray[np.int64]

    def middle_rows(self, tokens: int) -> NDArray[np.int64]:
        """Return rows around the median token count with about `tokens` tokens in total, longest first."""
        order = longest_first(self.token_counts)
        n = max(1, tokens // int(np.median(self.token_counts)))
        first = max(0, (len(order) - n) // 2)
        return order[first : first + n]

    def shards(self) -> Iterator[NDArray[np.int64]]:
        """Split the rows into shards, longest first: memory use peaks at the start, and the time left is predictable.

        Shards depend only on the texts, so a resumed run uses the same shards and batches as the interrupted one, and
        gets identical vectors.
        """
        order = longest_first(self.token_counts)
        for first in range(0, len(order), SHARD_TEXTS):
            yield order[first : first + SHARD_TEXTS]


def longest_first(token_counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows by decreasing token count; rows with equal counts keep their order."""
    return np.argsort(-token_counts, kind="stable")


def count_tokens(encoder: Encoder, texts: TextGroup) -> NDArray[np.int64]:
    """Return (N,) token counts of texts, prompt included."""
    return encoder.token_counts([texts.prompt + sentence for sentence in texts.sentences])


def encode_each(
    encoder: Encoder, texts: TextGroup, batches: Iterable[NDArray[np.int64]]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield the rows of each batch and their vectors, in order."""
    rows = list(batches)
    sentences = [[texts.sentences[i] for i in batch] for batch in rows]
    if isinstance(encoder, BatchesEncoder):
        encoded = encoder.encode_each(sentences, texts.prompt, texts.language)
    else:
        encoded = (encoder.encode(batch, texts.prompt, texts.language) for batch in sentences)
    yield from zip(rows, encoded, strict=True)


def split_batches(token_counts: NDArray[np.int64], tokens: int, sentences: int | None) -> Iterator[slice]:
    """Split a shard, sorted by decreasing token count, into batches; a batch is padded to its first sentence."""
    first = 0
    while first < len(token_counts):
        fit = max(1, tokens // int(token_counts[first]))
        # A batch that is at least half full ends when sentences become 10 % shorter, to limit padding.
        similar = first + int(np.searchsorted(-token_counts[first:], -0.9 * token_counts[first], side="right"))
        last = min(len(token_counts), first + fit, max(similar, first + (fit + 1) // 2), first + (sentences or fit))
        yield slice(first, last)
        first = last


def check_vectors(vectors: NDArray[np.float32], sentences: Sequence[str], model: str) -> None:
    """Check that vectors are finite and not zero, so that they have a cosine.

    Raises:
        UserError: A vector is not finite, or its norm is outside 1e-15 to 1e15; the message has the first sentence.
    """
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    bad = ~((norms > _NORM_RANGE[0]) & (norms < _NORM_RANGE[1]))
    if bad.any():
        at = int(bad.argmax())
        kind = f"a vector of length {norms[at]:.0e}" if norms[at] else "a zero vector"
        if not np.isfinite(norms[at]):
            kind = "NaN or infinity"
        mend = "check the weights, or your own encoder; a checkpoint may need fp32 with torch, the defaults"
        if not sentences[at].strip():
            mend = "this model cannot encode an empty text: use another task (STS22.v2 instead of STS22)"
        raise UserError(
            f"{model} gave {kind} for {sentences[at]!r} ({int(bad.sum())} of the {len(sentences)} sentences "
            f"in this batch): expected finite vectors that are not zero; {mend}"
        )


def concatenate_batches(batches: Sequence[Vectors], model: str) -> Vectors:
    """Return (N, D) the vectors of all batches.

    Raises:
        UserError: The batches differ in dimensions.
    """
    dimensions = sorted({batch.shape[1] for batch in batches})
    if len(dimensions) > 1:
        raise UserError(
            f"{model} gave vectors of {dimensions[0]} and of {dimensions[-1]} dimensions: expected the same number for "
            "every sentence"
        )
    return np.concatenate(batches)


def encode_uncached(
    encoder: Encoder,
    texts: TextGroup,
    name: str = "the model in training",
    limits: BatchLimits | None = None,
    advance: Callable[[int], object] = lambda sentences: None,
) -> Vectors:
    """Return (N, D) unit vectors without the store, for a model in training or for texts that are encoded only once.

    Args:
        encoder: The loaded model.
        texts: At least one text.
        name: The model's name in messages.
        limits: Maximum batch size; None for the encoder's default.
        advance: Called after each batch with its number of sentences.

    Raises:
        UserError: A vector is not finite or is zero (with the sentence).
    """
    order, parts = [], []
    for rows, vectors in encode_batches(encoder, texts, name, limits or BatchLimits()):
        order.append(rows)
        parts.append(vectors)
        advance(len(rows))
    return normalize(concatenate_batches(parts, name)[np.argsort(np.concatenate(order))])


def encode_batches(
    encoder: Encoder, texts: TextGroup, name: str, limits: BatchLimits
) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
    """Yield the rows and the vectors of each batch, longest sentences first.

    Raises:
        UserError: As for `encode_uncached`.
    """
    token_counts = count_tokens(encoder, texts)
    order = longest_first(token_counts)
    batches = split_batches(token_counts[order], limits.tokens or encoder.batch_tokens, limits.sentences)
    for rows, vectors in encode_each(encoder, texts, [order[batch] for batch in batches]):
        check_vectors(vectors, [texts.sentences[i] for i in rows], name)
        yield rows, vectors
