"""Encode a plan of texts into the vector store, and read them back as unit vectors."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Never

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ..encoders import Encoder, Model
from ..errors import UserError
from ..io.progress import progress_bar
from ..languages import Language
from ..scoring.neighbors import Vectors, normalize
from .batch_size import WORTH_MEASURING, fastest_batch_tokens, measure_seconds
from .batching import (
    BatchLimits,
    EncodingWork,
    TextGroup,
    check_vectors,
    concatenate_batches,
    count_tokens,
    encode_each,
    encode_uncached,
    split_batches,
)
from .sharding import Share
from .spot_check import KeyedTexts, VerifiedShards, sample_stored, select_texts, stale_reason, warn_reused, warn_stale
from .store import VectorStore, text_key


@dataclass(frozen=True, slots=True)
class EncodingStats:
    """Statistics of encoding a plan.

    Attributes:
        needed: Number of distinct texts in the plan.
        encoded: Number of texts that were not in the store.
        tokens: Number of tokens in the encoded texts.
        seconds: Time for encoding, without loading the model.
        device: The device; "" if nothing was encoded.
    """

    needed: int
    encoded: int = 0
    tokens: int = 0
    seconds: float = 0.0
    device: str = ""


class Embedder:
    """A model and its store: `encode` encodes a plan, `vectors` reads vectors back.

    The model is loaded only if a text is missing from the store. If the model's vectors depend on anything outside its
    fingerprint, or were computed by other software, stored vectors are used only after a spot check, which loads the
    model.

    Args:
        refresh: Encode every text of a plan again, and replace the stored vectors.
    """

    def __init__(self, model: Model, cache: Path, limits: BatchLimits | None = None, *, refresh: bool = False) -> None:
        self.model = model
        self._limits = limits or BatchLimits()
        self._store = VectorStore(cache, model.space)
        self._budget = 0
        self._refresh = refresh
        self._fresh: set[bytes] = set()  # with refresh, keys already encoded by this embedder
        self._encoder: Encoder | None = None
        self._trusted = False  # whether the store has vectors known to be this model's
        self._known = VerifiedShards(self._store.folder, model.software)

    @property
    def dimensions(self) -> int | None:
        """The number of dimensions; None before anything is encoded."""
        return self._store.dimensions

    def vectors(self, texts: TextGroup) -> Vectors:
        """Return (N, D) float32 unit vectors of encoded texts."""
        return normalize(self.raw_vectors(texts))

    def raw_vectors(self, texts: TextGroup) -> Vectors:
        """Return (N, D) float32 vectors of encoded texts, not normalized."""
        return self._store.vectors([self._key(s, texts) for s in texts.sentences])

    def check(self, plan: Iterable[TextGroup]) -> None:
        """Remove vectors that must not be used for a plan: stale ones, and with `refresh` all of its texts.

        Raises:
            UserError: The model needed for the check cannot be loaded, or vectors cannot be removed.
        """
        self._check(self._groups(plan))

    def encode(self, plan: Iterable[TextGroup]) -> EncodingStats:
        """Encode every text of the plan that is not in the store, each once, with a progress bar on stderr.

        Raises:
            UserError: A vector is not finite or is zero (with the sentence), or the disk is full. Finished shards are
                kept.
        """
        groups = self._groups(plan)
        self._check(groups)
        needed, missing = sum(len(keys) for keys, _ in groups), self._missing(groups)
        if not missing:
            return EncodingStats(needed)
        encoder = self._loaded()
        start = time.monotonic()
        work = [EncodingWork(texts, keys, count_tokens(encoder, texts)) for keys, texts in missing]
        tokens = sum(int(w.token_counts.sum()) for w in work)
        self._budget = self._limits.tokens or self._fastest(encoder, work, tokens)
        self._run(encoder, work, tokens)
        n_encoded = sum(len(keys) for keys, _ in missing)
        return EncodingStats(needed, n_encoded, tokens, time.monotonic() - start, encoder.device)

    def encode_share(self, plan: Iterable[TextGroup], share: Share) -> int:
        """Encode the texts of one share that are not in the store, and return their number.

        Every process splits the whole plan into the same shards, independent of the content of the store.

        Raises:
            UserError: As for `encode`.
        """
        groups = self._groups(plan)
        encoder = self._loaded()
        work = [EncodingWork(texts, keys, count_tokens(encoder, texts)) for keys, texts in groups]
        self._budget = self._limits.tokens or encoder.batch_tokens
        shards = share.select([(part, shard) for part in work for shard in part.shards()])
        self._check([select_texts(part.keys, part.texts, shard.tolist()) for part, shard in shards])
        new = [(part, shard[[part.keys[i] not in self._store for i in shard]]) for part, shard in shards]
        tokens = sum(int(part.token_counts[shard].sum()) for part, shard in new)
        with progress_bar(total=tokens, unit="tok", unit_scale=True, desc=f"share {share.number}/{share.count}") as bar:
            done = 0
            for part in work:
                own = [shard for other, shard in new if other is part and len(shard)]
                done += sum(self._encode_shards(encoder, part, own, bar))
        return done

    def _key(self, sentence: str, texts: TextGroup) -> bytes:
        language = str(texts.language) if self.model.needs_language else ""
        return text_key(sentence, texts.prompt, language)

    def _loaded(self) -> Encoder:
        if self._encoder is None:
            self._encoder = self.model.load()
        return self._encoder

    def _check(self, groups: list[KeyedTexts]) -> None:
        """Check the stored vectors of these texts, and remove stale ones.

        Raises:
            UserError: The model needed for the check cannot be loaded, or vectors cannot be removed.
        """
        keys = {key for group, _ in groups for key in group}
        used = {self._store.shard_of(key) for key in keys if key in self._store}
        self._trusted = bool(used)
        if used and (self._refresh or self.model.unhashed or not self._known.covers(used)):
            sample = sample_stored(groups, self._store)
            if fault := self._fault(sample):
                warn_stale(self.model.name, fault)
                self._store.forget()
            elif self.model.unhashed and not self._refresh:
                n_checked, n_stored = sum(len(part) for part, _ in sample), sum(key in self._store for key in keys)
                if n_checked < n_stored:
                    warn_reused(self.model.name, n_checked, n_stored)
            self._known.add(used, self._store.shards)
        if self._refresh:
            self._store.forget(keys - self._fresh)
            self._fresh |= keys

    def _fault(self, sample: list[KeyedTexts]) -> str | None:
        try:
            encoder = self._loaded()
        except UserError as error:
            raise UserError(
                f"the stored vectors of {self.model.name} must be checked before use, and the model cannot be loaded "
                f"for that: {error}"
            ) from error
        stored = normalize(self._store.vectors([key for keys, _ in sample for key in keys]))

        def encode(limits: BatchLimits) -> Vectors:
            parts = [encode_uncached(encoder, texts, self.model.name, limits) for _, texts in sample]
            return concatenate_batches(parts, self.model.name)

        return stale_reason(stored, encode)

    def _missing(self, groups: list[KeyedTexts]) -> list[KeyedTexts]:
        """Return the texts that are not in the store."""
        left = [
            select_texts(keys, texts, [i for i, key in enumerate(keys) if key not in self._store])
            for keys, texts in groups
        ]
        return [group for group in left if group[0]]

    def _groups(self, plan: Iterable[TextGroup]) -> list[KeyedTexts]:
        """Return the distinct texts of a plan with their keys, grouped by prompt and language."""
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
            (list(group), TextGroup(tuple(group.values()), language, prompt))
            for (prompt, language), group in groups.items()
            if group
        ]

    def _fastest(self, encoder: Encoder, work: list[EncodingWork], tokens: int) -> int:
        """Return the fastest batch size in tokens, or the default if a measurement does not pay off."""
        if tokens < WORTH_MEASURING or not encoder.device:
            return encoder.batch_tokens
        most = max(work, key=lambda part: int(part.token_counts.sum()))

        def seconds_of(budget: int, probe: int) -> float:
            rows = most.middle_rows(probe)
            batches = [rows[b] for b in split_batches(most.token_counts[rows], budget, self._limits.sentences)]
            return measure_seconds(lambda: list(encode_each(encoder, most.texts, batches)))

        return fastest_batch_tokens(encoder.batch_tokens, self._store.folder, seconds_of)

    def _run(self, encoder: Encoder, work: list[EncodingWork], tokens: int) -> None:
        n_texts = sum(len(w.keys) for w in work)
        done = 0
        with progress_bar(total=tokens, unit="tok", unit_scale=True, desc=f"encoding {n_texts:,} sentences") as bar:
            for part in work:
                for stored in self._encode_shards(encoder, part, list(part.shards()), bar):
                    done += stored
                    bar.set_postfix_str(f"{done:,}/{n_texts:,} sentences")

    def _encode_shards(
        self, encoder: Encoder, part: EncodingWork, shards: list[NDArray[np.int64]], bar: tqdm[Never]
    ) -> Iterator[int]:
        """Encode shards into the store; yield the number of sentences in each."""
        written = []
        batches = [
            [shard[b] for b in split_batches(part.token_counts[shard], self._budget, self._limits.sentences)]
            for shard in shards
        ]
        stream = encode_each(encoder, part.texts, chain.from_iterable(batches))
        for shard, of_shard in zip(shards, batches, strict=True):
            vectors = []
            for rows, encoded in islice(stream, len(of_shard)):
                check_vectors(encoded, [part.texts.sentences[i] for i in rows], self.model.name)
                vectors.append(encoded)
                bar.update(int(part.token_counts[rows].sum()))
            self._add([part.keys[i] for i in shard], concatenate_batches(vectors, self.model.name))
            written.append(self._store.shards[-1])
            yield len(shard)
        self._known.add(written, self._store.shards)

    def _add(self, keys: list[bytes], vectors: Vectors) -> None:
        stored = self._store.dimensions
        if not self._trusted and stored not in (None, vectors.shape[1]):
            warn_stale(self.model.name, f"they have {stored} dimensions, and the model now gives {vectors.shape[1]}")
            self._store.forget()
        self._store.add(keys, vectors)
        self._trusted = True
