"""What the harness asks of an encoder, and what it must know of it before any weight is loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..languages import Language
from ..scoring.similarity import Similarity
from .checked import ContaminationAudit

Dtype = Literal["fp32", "bf16", "fp16"]
Backend = Literal["torch", "openvino"]


class Encoder(Protocol):
    """Sentences in, float32 matrix out.

    Attributes:
        batch_tokens: the batch, in tokens with padding, at which it is fastest where it runs.
        device: where it computes, "cpu" or torch's name of an accelerator; "" for one that only reads.
    """

    batch_tokens: int
    device: str

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return (N,) the work that each sentence is, in tokens where there is a tokenizer, at least 1."""

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Return (N, D) float32, of any length, for one batch that shares its prompt and language."""


@runtime_checkable
class BatchesEncoder(Encoder, Protocol):
    """An encoder that does better when it knows the batch to come."""

    def encode_each(
        self, batches: Iterable[Sequence[str]], prompt: str, language: Language | None
    ) -> Iterator[NDArray[np.float32]]:
        """Yield what `encode` would return for each batch, in order."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The text put before each sentence; both sides of a pair get the same.

    Attributes:
        bitext: in tasks about translations.
        sts: in semantic textual similarity.
        tasks: (MTEB's name of a task, prompt) of single tasks, which come first, as in MTEB.
    """

    bitext: str = ""
    sts: str = ""
    tasks: tuple[tuple[str, str], ...] = ()

    def for_task(self, task: str, kind: Literal["bitext", "sts"]) -> str:
        """Return the prompt of a task, by MTEB's name of it."""
        return dict(self.tasks).get(task, self.bitext if kind == "bitext" else self.sts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """How a model is to be loaded, as far as the user said so; None leaves it to the model.

    Attributes:
        prompt: for every task, instead of the registered prompts.
        pooling: "mean", "cls" or "last", for plain transformers checkpoints.
        dtype: that it computes in; "auto" takes what the device is fastest in.
        backend: what runs a transformer.
        max_length: tokens after which a sentence is cut.
        device: torch's name of it; None takes a GPU where there is one.
        allow_pickle: also load weights that are not safetensors.
    """

    prompt: str | None = None
    pooling: str | None = None
    dtype: Dtype | Literal["auto"] = "fp32"
    backend: Backend = "torch"
    max_length: int | None = None
    device: str | None = None
    revision: str | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A resolved model: all that can change its vectors, and how to load it.

    Attributes:
        name: how its results are filed, "org/model"; "local/<folder>" for a directory.
        revision: the hub's commit, or the first 12 digits of the fingerprint.
        fingerprint: sha256 of weights, tokenizer and configuration; of a factory, of its source.
        unhashed: what the fingerprint cannot cover and the vectors depend on, in words; "" where there is nothing.
            Stored vectors of such a model are used only after a spot check.
        software: versions of what makes its vectors; "" where they are only read. Stored vectors that other versions
            made are used only after a spot check.
        needs_language: the encoder wants to know each sentence's language (LASER2, SONAR).
        overrides: settings that differ from the model's own, as they name the results folder.
        registered: its name in the registry, if that is how it was found.
        parameters: how many it has, embeddings included; None where nobody says.
        contaminated_rows: training rows that hold a benchmark's sentence, as its training record says.
        checked: the benchmarks that training compared its rows with; None for a model that `train` did not make.
        training: how `bitext-bench train` made it, for result files; None for any other model.
        similarity: by which its vectors are compared, as its files say; MTEB's scores follow it.
        trainable: whether `bitext-bench train` can train it.
    """

    name: str
    revision: str
    fingerprint: str
    prompts: Prompts
    pooling: str
    dtype: Dtype
    max_length: int | None
    load: Callable[[], Encoder]
    backend: Backend = "torch"
    unhashed: str = ""
    software: str = ""
    needs_language: bool = False
    overrides: tuple[tuple[str, str], ...] = ()
    registered: str | None = None
    parameters: int | None = None
    contaminated_rows: int = 0
    checked: ContaminationAudit | None = None
    training: Mapping[str, Any] | None = None
    similarity: Similarity = "cosine"
    trainable: bool = False

    @property
    def space(self) -> str:
        """Name of the vector space: equal exactly when equal texts must get equal vectors."""
        backend = [] if self.backend == "torch" else [self.backend]
        identity = [self.fingerprint, self.pooling, self.dtype, self.max_length, *backend]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
