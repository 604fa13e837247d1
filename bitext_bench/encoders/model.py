"""The interface of encoders, and the description of a model before its weights are loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..languages import Language
from ..scoring.similarity import Similarity
from .record import ContaminationAudit

Dtype = Literal["fp32", "bf16", "fp16"]
Backend = Literal["torch", "openvino"]
MAX_PROMPT = 100_000  # characters
UNHASHED_PREFIX = "in-memory-"  # of the revision of an object in memory that cannot be identified


class Encoder(Protocol):
    """Turns sentences into a float32 matrix.

    Attributes:
        batch_tokens: Default batch size, in tokens with padding, chosen for speed on the encoder's device.
        device: "cpu" or torch's name of an accelerator; "" for precomputed vectors.
    """

    batch_tokens: int
    device: str

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return (N,) token counts, at least 1; estimated if there is no tokenizer."""

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Return (N, D) float32 vectors, not normalized, for one batch with the same prompt and language."""


@runtime_checkable
class BatchesEncoder(Encoder, Protocol):
    """An encoder that is faster when it can prepare the next batch."""

    def encode_each(
        self, batches: Iterable[Sequence[str]], prompt: str, language: Language | None
    ) -> Iterator[NDArray[np.float32]]:
        """Yield the result of `encode` for each batch, in order."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The text prepended to each sentence, the same on both sides of a pair.

    Attributes:
        bitext: For translation tasks.
        sts: For semantic textual similarity.
        tasks: (MTEB's task name, prompt) pairs, which override the others, as in MTEB.

    Raises:
        UserError: a prompt is longer than a result file may record.
    """

    bitext: str = ""
    sts: str = ""
    tasks: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for text in (self.bitext, self.sts, *(text for _, text in self.tasks)):
            if len(text) > MAX_PROMPT:
                raise UserError(
                    f"a prompt has {len(text):,} characters: expected at most {MAX_PROMPT:,}; shorten it "
                    "(--prompt, or prompts in the model's config_sentence_transformers.json)"
                )

    def for_task(self, task: str, kind: Literal["bitext", "sts"]) -> str:
        """Return the prompt for a task, given by MTEB's name."""
        return dict(self.tasks).get(task, self.bitext if kind == "bitext" else self.sts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """The user's options for loading a model; None for the model's own setting.

    Attributes:
        prompt: Used for every task instead of the registered prompts.
        pooling: "mean", "cls" or "last", for plain transformers checkpoints.
        dtype: The number format of the computation; "auto" for the fastest on the device.
        backend: The library that runs a transformer.
        max_length: Tokens at which a sentence is truncated.
        device: torch's name of the device; None for a GPU if available.
        revision: The commit, branch or tag of a model on the hub; None for the registered one, or the newest.
        trust_remote_code: Run Python code from the model's repository, which some models need.
        allow_pickle: Also load weights that are not safetensors.

    Raises:
        UserError: an option is not one of its values.
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

    def __post_init__(self) -> None:
        expected = {
            "dtype": ("auto", *get_args(Dtype)),
            "backend": get_args(Backend),
            "pooling": (None, "mean", "cls", "last"),
        }
        for name, values in expected.items():
            if (given := getattr(self, name)) not in values:
                raise UserError(f"{name} is {given!r}: expected one of {', '.join(map(str, values))}")
        for name in ("prompt", "device", "revision"):
            if not isinstance(given := getattr(self, name), str | None):
                raise UserError(f"{name} is {given!r}: expected a string or None")
        length = self.max_length
        if length is not None and (isinstance(length, bool) or not isinstance(length, int) or length < 1):
            raise UserError(f"max_length is {length!r}: expected a number of tokens, at least 1, or None")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A resolved model: everything that can change its vectors, and how to load it.

    Attributes:
        name: The name in results, "org/model"; "local/<folder>" for a directory.
        revision: The hub commit, or the first 12 digits of the fingerprint.
        fingerprint: sha256 of weights, tokenizer and configuration; for a factory, of its source.
        unhashed: A description of anything outside the fingerprint that the vectors depend on, or "". Stored vectors
            of such a model are used only after a spot check.
        software: Versions of the libraries that compute the vectors; "" for precomputed vectors. Stored vectors from
            other versions are used only after a spot check.
        needs_language: Whether the encoder needs the language of each sentence (SONAR).
        overrides: Settings that differ from the model's own; the results folder is named after them.
        registered: The name in the registry, if the model was found there.
        parameters: Number of parameters, embeddings included; None if unknown.
        contaminated_rows: Number of training rows with a benchmark sentence, from the training record.
        checked: The benchmarks that the training rows were compared with; None if `train` did not create the model.
        training: The training record for result files; None if `bitext-bench train` did not create the model.
        prompt_source: Where the prompts come from ("mteb 2.26.24"); "" for the registry, the model or the user.
        prompt_texts: The texts of prompts that name a task ("mteb:Tatoeba"), as far as they are known.
        similarity: The model's own similarity function, used for MTEB's scores.
        trainable: Whether `bitext-bench train` can train the model.
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
    prompt_source: str = ""
    prompt_texts: Mapping[str, str] = field(default_factory=dict)
    similarity: Similarity = "cosine"
    trainable: bool = False

    @property
    def identity(self) -> str:
        """The model in signatures: "sha256:" and 12 digits, or "in-memory-" and random digits if nothing is hashed."""
        return self.revision if self.revision.startswith(UNHASHED_PREFIX) else f"sha256:{self.fingerprint[:12]}"

    @property
    def space(self) -> str:
        """Name of the vector space: the same for two models if and only if their vectors are interchangeable."""
        backend = [] if self.backend == "torch" else [self.backend]
        identity = [self.fingerprint, self.pooling, self.dtype, self.max_length, *backend]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
