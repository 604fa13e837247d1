"""Encode once: the plan of all texts that the tasks need, run into the store, and read back as unit vectors."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Never

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from .encoders import Encoder, Model
from .errors import UserError
from .languages import Language
from .neighbours import Vectors, unit
from .share import Share
from .store import VectorStore, text_key
from .tuning import WORTH_MEASURING, batch_tokens, timed

# A killed run loses at most one shard: a few seconds on a CPU.
SHARD_TEXTS = 512

# Lengths whose squares float32 holds exactly enough; beyond them, making a vector a unit vector gives zeros or NaN.
_LENGTHS = (1e-15, 1e15)


@dataclass(frozen=True, slots=True)
class Texts:
    """Sentences of one language that share a prompt, in the order in which a task wants their vectors."""

    sentences: tuple[str, ...]
    language: Language | None
    prompt: str


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much goes into one batch: tokens, padding included (None: the encoder's choice), and sentences."""

    tokens: int | None = None
    sentences: int | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """What running a plan did.

    Attributes:
        needed: different texts in the plan.
        encoded: those that the store did not hold.
        tokens: of those newly encoded.
        seconds: that encoding them took, the loading of the model not counted.
        device: where; "" when nothing was computed.
    """

    needed: int
    encoded: int = 0
    tokens: int = 0
    seconds: float = 0.0
    device: str = ""


class Embedder:
    """A model and its store: `encode` runs a plan, `vectors` reads it back.

    The model is loaded when the first text is missing from the store; a second run loads nothing.
    """

    def __init__(self, model: Model, cache: Path, limits: BatchLimits | None = None) -> None:
        self.model = model
        self._limits = limits or BatchLimits()
        self._store = VectorStore(cache, model.space)
        self._budget = 0

    @property
    def dimensions(self) -> int | None:
        """The length of the model's vectors; None before anything is encoded."""
        return self._store.dimensions

    def vectors(self, texts: Texts) -> Vectors:
        """Return (N, D) float32 of length 1, for texts that were encoded."""
        return unit(self._store.vectors([self._key(s, texts) for s in texts.sentences]))

    def encode(self, plan: Iterable[Texts]) -> Encoded:
        """Encode every text of the plan that the store does not hold, each once, showing progress on stderr.

        Raises:
            UserError: a vector is not finite or is zero (with the sentence), or the disk is full. Shards that were
                finished before are kept.
        """
        needed, missing = self._missing(plan)
        if not missing:
            return Encoded(needed)
        encoder = self.model.load()
        start = time.monotonic()
        work = [_Work(texts, keys, _sizes(encoder, texts)) for keys, texts in missing]
        tokens = sum(int(w.sizes.sum()) for w in work)
        self._budget = self._limits.tokens or self._fastest(encoder, work, tokens)
        self._run(encoder, work, tokens)
        n_encoded = sum(len(keys) for keys, _ in missing)
        return Encoded(needed, n_encoded, tokens, time.monotonic() - start, encoder.device)

    def encode_share(self, plan: Iterable[Texts], share: Share) -> int:
        """Encode the share of a plan that the store does not hold; returns how many texts that were.

        Shards are cut from the whole plan, whatever the store holds, so that every process cuts alike.

        Raises:
            UserError: as `encode`.
        """
        groups = self._groups(plan)
        encoder = self.model.load()
        work = [_Work(texts, keys, _sizes(encoder, texts)) for keys, texts in groups]
        self._budget = self._limits.tokens or encoder.batch_tokens
        shards = share.takes([(part, shard) for part in work for shard in part.shards()])
        new = [(part, shard[[part.keys[i] not in self._store for i in shard]]) for part, shard in shards]
        tokens = sum(int(part.sizes[shard].sum()) for part, shard in new)
        with tqdm(total=tokens, unit="tok", unit_scale=True, desc=f"share {share.number}/{share.of}") as bar:
            for part, shard in new:
                if len(shard):
                    self._store.add([part.keys[i] for i in shard], self._encode_shard(encoder, part, shard, bar))
        return sum(len(shard) for _, shard in new)

    def _key(self, sentence: str, texts: Texts) -> bytes:
        language = str(texts.language) if self.model.needs_language else ""
        return text_key(sentence, texts.prompt, language)

    def _missing(self, plan: Iterable[Texts]) -> tuple[int, list[tuple[list[bytes], Texts]]]:
        """Return how many different texts the plan has, and those to encode, grouped by prompt and language."""
        groups = self._groups(plan)
        needed = sum(len(keys) for keys, _ in groups)
        missing = []
        for keys, texts in groups:
            left = [i for i, key in enumerate(keys) if key not in self._store]
            if left:
                some = replace(texts, sentences=tuple(texts.sentences[i] for i in left))
                missing.append(([keys[i] for i in left], some))
        return needed, missing

    def _groups(self, plan: Iterable[Texts]) -> list[tuple[list[bytes], Texts]]:
        """Return the different texts of a plan with their keys, grouped by prompt and language."""
        seen: set[bytes] = set()
        groups: dict[tuple[str, Language | None], dict[bytes, str]] = defaultdict(dict)
        for texts in plan:
            group = groups[texts.prompt, texts.language if self.model.needs_language else None]
            for sentence in texts.sentences:
                key = self._key(sentence, texts)
                if key not in seen:
                    group[key] = sentence
                    seen.add(key)
        return [
            (list(group), Texts(tuple(group.values()), language, prompt))
            for (prompt, language), group in groups.items()
            if group
        ]

    def _fastest(self, encoder: Encoder, work: list[_Work], tokens: int) -> int:
        """Return the tokens in a batch at which the encoder is fastest here, where there is enough to encode."""
        if tokens < WORTH_MEASURING or not encoder.device:
            return encoder.batch_tokens
        most = max(work, key=lambda part: int(part.sizes.sum()))

        def seconds_of(budget: int, probe: int) -> float:
            rows = most.middling(probe)
            sentences = [most.texts.sentences[i] for i in rows]
            batches = list(_batches(most.sizes[rows], budget, self._limits.sentences))
            return timed(
                lambda: [encoder.encode(sentences[b], most.texts.prompt, most.texts.language) for b in batches]
            )

        return batch_tokens(encoder.batch_tokens, self._store.folder, seconds_of)

    def _run(self, encoder: Encoder, work: list[_Work], tokens: int) -> None:
        n_texts = sum(len(w.keys) for w in work)
        done = 0
        with tqdm(total=tokens, unit="tok", unit_scale=True, desc=f"encoding {n_texts:,} sentences") as bar:
            for part in work:
                for shard in part.shards():
                    self._store.add([part.keys[i] for i in shard], self._encode_shard(encoder, part, shard, bar))
                    done += len(shard)
                    bar.set_postfix_str(f"{done:,}/{n_texts:,} sentences")

    def _encode_shard(
        self, encoder: Encoder, part: _Work, shard: NDArray[np.int64], bar: tqdm[Never]
    ) -> NDArray[np.float32]:
        vectors = []
        for batch in _batches(part.sizes[shard], self._budget, self._limits.sentences):
            rows = shard[batch]
            sentences = [part.texts.sentences[i] for i in rows]
            encoded = encoder.encode(sentences, part.texts.prompt, part.texts.language)
            check_vectors(encoded, sentences, self.model.name)
            vectors.append(encoded)
            bar.update(int(part.sizes[rows].sum()))
        return np.concatenate(vectors)


@dataclass(frozen=True, slots=True)
class _Work:
    texts: Texts
    keys: list[bytes]
    sizes: NDArray[np.int64]

    def middling(self, tokens: int) -> NDArray[np.int64]:
        """Return rows of middling size with about so many tokens, longest first."""
        order = np.argsort(-self.sizes, kind="stable")
        n = max(1, tokens // int(np.median(self.sizes)))
        first = max(0, (len(order) - n) // 2)
        return order[first : first + n]

    def shards(self) -> Iterator[NDArray[np.int64]]:
        """Cut the rows into shards, longest first, so that memory peaks at once and the time left shrinks surely.

        The cut depends on the texts alone: what a killed run left undone is cut, batched and encoded just as
        the killed run would have done it, and so gives the same bits.
        """
        order = np.argsort(-self.sizes, kind="stable")
        for first in range(0, len(order), SHARD_TEXTS):
            yield order[first : first + SHARD_TEXTS]


def encode_now(
    encoder: Encoder,
    texts: Texts,
    name: str = "the model in training",
    limits: BatchLimits | None = None,
    advance: Callable[[int], object] = lambda sentences: None,
) -> Vectors:
    """Return (N, D) unit vectors without a store, for an encoder that changes, or texts that need no second look.

    Args:
        encoder: the model, loaded.
        texts: at least one.
        name: what a message calls the model.
        limits: what goes into one batch; None: the encoder's choice.
        advance: is told of each batch how many sentences it had.

    Raises:
        UserError: a vector is not finite or is zero (with the sentence).
    """
    limits = limits or BatchLimits()
    work = _Work(texts, [], _sizes(encoder, texts))
    order = np.argsort(-work.sizes, kind="stable")
    parts = []
    for batch in _batches(work.sizes[order], limits.tokens or encoder.batch_tokens, limits.sentences):
        sentences = [texts.sentences[i] for i in order[batch]]
        vectors = encoder.encode(sentences, texts.prompt, texts.language)
        check_vectors(vectors, sentences, name)
        parts.append(vectors)
        advance(len(sentences))
    return unit(np.concatenate(parts)[np.argsort(order)])


def _sizes(encoder: Encoder, texts: Texts) -> NDArray[np.int64]:
    return encoder.sizes([texts.prompt + sentence for sentence in texts.sentences])


def _batches(sizes: NDArray[np.int64], tokens: int, sentences: int | None) -> Iterator[slice]:
    """Cut a shard, sorted by falling size, into batches; the first sentence of each is its padded width."""
    first = 0
    while first < len(sizes):
        fit = max(1, tokens // int(sizes[first]))
        # Once half full, a batch ends where the sentences get a tenth shorter: more would be mostly padding.
        alike = first + int(np.searchsorted(-sizes[first:], -0.9 * sizes[first], side="right"))
        last = min(len(sizes), first + fit, max(alike, first + (fit + 1) // 2), first + (sentences or fit))
        yield slice(first, last)
        first = last


def check_vectors(vectors: NDArray[np.float32], sentences: Sequence[str], model: str) -> None:
    """Refuse vectors that no cosine can be taken of.

    Raises:
        UserError: the first sentence whose vector has a NaN, an infinity, is all zeros or as good as that.
    """
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    bad = ~((norms > _LENGTHS[0]) & (norms < _LENGTHS[1]))
    if bad.any():
        at = int(bad.argmax())
        kind = f"a vector of length {norms[at]:.0e}" if norms[at] else "a zero vector"
        if not np.isfinite(norms[at]):
            kind = "NaN or infinity"
        raise UserError(
            f"{model} gave {kind} for {sentences[at]!r} ({int(bad.sum())} of the {len(sentences)} sentences "
            "of this batch): expected finite vectors that are not zero; try --dtype fp32, or check the model's weights"
        )
