"""The vectors of a work unit: read them from the shared store, or encode and save them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..embedding.batching import SHARD_TEXTS, TextGroup, encode_batches, encode_uncached
from ..embedding.spot_check import CHECKED_SENTENCES, VerifiedShards, stale_reason, warn_reused, warn_stale
from ..embedding.store import text_key
from ..encoders import Encoder, Model, resolve_model
from ..errors import UserError
from ..scoring.neighbors import Vectors, normalize
from .line_store import LineStore, StoredTexts, keys_array, unit_prefix
from .plan import ModelSpec, Plan, WorkUnit

# Save after this many texts, but not more often than once in this many seconds, since a fast model would otherwise
# mostly wait for the disk. A killed run loses the texts since the last save.
_SAVED_TEXTS, _SAVED_SECONDS = SHARD_TEXTS, 1.0


@dataclass
class RunModel:
    """The model of a run in one process. Its weights are loaded on first use.

    Attributes:
        model: the resolved model.
        store: stored vectors of its vector space.
        checked: shards of the store that are known to match the model.
    """

    model: Model
    store: LineStore
    checked: set[str] = field(default_factory=set)

    @cached_property
    def encoder(self) -> Encoder:
        """The loaded model."""
        return self.model.load()


@lru_cache(maxsize=1)
def run_model(spec: ModelSpec) -> RunModel:
    """Resolve the model, once for each process.

    Raises:
        UserError: the model has changed since the run began.
    """
    model = resolve_model(spec.name, spec.options)
    if model.space != spec.space:
        raise UserError(f"the model {spec.name} changed after this run began: run the command again")
    return RunModel(model, LineStore(spec.cache, spec.space))


class UnitTexts:
    """The texts of a work unit, and the store with vectors of some of them.

    A unit uses only vectors that were stored before the run began or saved for the same unit since. The last bits of a
    vector depend on its batch, and batches must not depend on the order of parallel processes.
    """

    def __init__(self, plan: Plan, work: WorkUnit, spec: ModelSpec) -> None:
        self._limits = spec.limits
        self._run = run_model(spec)
        self._model, self._store = self._run.model, self._run.store
        sentences = tuple(plan.files(work.side).texts(work.number))
        self._texts = TextGroup(sentences, plan.language(work.side), self._model.prompts.bitext)
        language = str(self._texts.language) if self._model.needs_language else ""
        self._keys = keys_array([text_key(text, self._texts.prompt, language) for text in sentences])
        self._name = unit_prefix(self._keys)
        self._known = VerifiedShards(self._store.folder, self._model.software)
        self._before = [name for name in self._store.names() if name in plan.stored]
        self._new = np.ones(len(sentences), dtype=np.bool_)  # texts that no other unit has stored

    def vectors(self, advance: Callable[[int], object]) -> Vectors:
        """Return the normalized vectors (N, D) of all texts. Encode and save those that are not stored.

        Raises:
            UserError: the encoder returns unusable vectors, or a file cannot be written. Saved vectors are kept.
        """
        vectors: Vectors | None = None
        left = np.ones(len(self._keys), dtype=np.bool_)
        for hit, stored in self._stored():
            vectors = np.empty((len(left), stored.shape[1]), dtype=np.float32) if vectors is None else vectors
            vectors[hit.rows] = stored
            left[hit.rows] = False
            self._new[hit.rows] = self._is_own(hit.name)
        advance(int((~left).sum()))
        unsaved: list[NDArray[np.int64]] = []
        saved_at = time.monotonic()
        # A killed run saved the first batches of its list. The remaining texts form the same batches as they would have
        # then, so the vectors have the same bits.
        for rows, encoded in self._encoded(np.flatnonzero(left)):
            vectors = np.empty((len(left), encoded.shape[1]), dtype=np.float32) if vectors is None else vectors
            vectors[rows] = encoded
            unsaved.append(rows)
            advance(len(rows))
            if sum(map(len, unsaved)) >= _SAVED_TEXTS and time.monotonic() - saved_at >= _SAVED_SECONDS:
                chosen = np.concatenate(unsaved)
                self._note(self._store.add(self._name, self._keys[chosen], vectors[chosen]))
                unsaved, saved_at = [], time.monotonic()
        if vectors is None:
            raise ValueError("the unit has no texts")
        return vectors

    def keep(self, array: Path) -> None:
        """Add the new vectors to the store as one shard, which replaces those saved during encoding.

        Args:
            array: file of all vectors. If all are new, the store links to this file.

        Raises:
            UserError: a file cannot be written.
        """
        if not self._new.any():
            return
        saved = self._own_shards()
        if self._new.all():
            name = self._store.link(self._name, self._keys, array)
        else:
            vectors = np.load(array, mmap_mode="r", allow_pickle=False)
            name = self._store.add(self._name, self._keys[self._new], vectors[self._new])
        self._note(name)
        self._store.remove([other for other in saved if other != name])

    def _is_own(self, name: str) -> bool:
        return name.startswith(f"{self._name}-")

    def _own_shards(self) -> list[str]:
        """Return the names of the shards written for a unit with the same texts."""
        return [name for name in self._store.names() if self._is_own(name)]

    def _stored(self) -> list[tuple[StoredTexts, Vectors]]:
        """Return the stored vectors of the texts, after a check against the model."""
        hits = self._store.find(self._keys, [*self._own_shards(), *self._before])
        found = [(hit, vectors) for hit in hits if (vectors := self._store.read(hit)) is not None]
        new = {hit.name for hit, _ in found} - self._run.checked
        if new and (self._model.unhashed or not self._known.covers(new)):
            if fault := self._stale_reason([(hit, vectors) for hit, vectors in found if hit.name in new]):
                warn_stale(self._model.name, fault)
                self._store.remove(new)
                return [(hit, vectors) for hit, vectors in found if hit.name not in new]
            self._known.add(new, self._store.names())
        self._run.checked |= new
        return found

    def _encoded(self, rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
        """Encode the texts of some rows. Yield the rows of each batch and their normalized vectors."""
        if not len(rows):
            return
        for batch, vectors in encode_batches(self._run.encoder, self._select(rows), self._model.name, self._limits):
            yield rows[batch], normalize(np.ascontiguousarray(vectors))

    def _note(self, name: str) -> None:
        self._run.checked.add(name)
        self._known.add([name], self._store.names())

    def _stale_reason(self, found: list[tuple[StoredTexts, Vectors]]) -> str | None:
        """Return why stored vectors cannot be used; None if the model still gives the same vectors."""
        n = sum(len(hit.rows) for hit, _ in found)
        step = max(1, n // CHECKED_SENTENCES)  # The first vector of each shard is always included.
        stored = [vectors[::step] for _, vectors in found]
        if len({vectors.shape[1] for vectors in stored}) > 1:
            return "they have different dimensions"
        texts = self._select(np.concatenate([hit.rows[::step] for hit, _ in found]))
        encoder, name = self._run.encoder, self._model.name
        fault = stale_reason(np.concatenate(stored), lambda limits: encode_uncached(encoder, texts, name, limits))
        if fault is None and self._model.unhashed and len(texts.sentences) < n:
            warn_reused(name, len(texts.sentences), n, "another --cache-folder")
        return fault

    def _select(self, rows: NDArray[np.int64]) -> TextGroup:
        return replace(self._texts, sentences=tuple(self._texts.sentences[row] for row in rows.tolist()))
