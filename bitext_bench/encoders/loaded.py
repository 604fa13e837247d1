"""Models in memory: a loaded SentenceTransformer, or any object or function that encodes sentences."""

from __future__ import annotations

import hashlib
import inspect
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..languages import Language
from ..scoring.similarity import Similarity
from .extras import FOREIGN_BATCH_TOKENS, check_matrix, estimate_token_counts
from .fingerprint import TRANSFORMERS, software
from .loaded_digest import loaded_digest, replaces_methods
from .model import UNHASHED_PREFIX, Dtype, Encoder, Model, ModelOptions, Prompts
from .resolve import resolve_model
from .saved import find_similarity, make_prompts
from .transformer import TransformerEncoder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def as_model(given: object, options: ModelOptions | None = None) -> Model:
    """Return the model for a name, a directory, or an object in memory.

    Args:
        given: A name as for `--model`, a directory, a loaded SentenceTransformer, an object with
            `encode(list of N sentences) -> (N, D) array`, or a function with the same signature.
        options: Options for loading; for an object in memory, only `prompt` can be set.

    Raises:
        UserError: `given` is none of these, or cannot be loaded.
    """
    options = ModelOptions() if options is None else options
    if not isinstance(options, ModelOptions):
        raise UserError(f'options is a {type(options).__name__}: expected ModelOptions, as in ModelOptions(prompt="")')
    if isinstance(given, str | Path):
        return resolve_model(str(given), options)
    if replace(options, prompt=None) != ModelOptions():
        raise UserError("the model is already loaded: only its prompt can be set")
    model = _from_sentence_transformer(given) if _is_sentence_transformer(given) else _from_object(given)
    if options.prompt is None or Prompts(options.prompt, options.prompt) == model.prompts:
        return model
    prompts = Prompts(options.prompt, options.prompt)
    return replace(model, prompts=prompts, overrides=(("prompt", options.prompt),))


def is_cacheable(model: Model) -> bool:
    """Return whether the model's vectors may be cached: not if it runs own code and has no name and version."""
    return not model.revision.startswith(UNHASHED_PREFIX)


_CODE = "code that runs in this process"


def _is_sentence_transformer(given: object) -> bool:
    library = sys.modules.get("sentence_transformers")  # imported, if the object is one of its models
    return library is not None and isinstance(given, library.SentenceTransformer)


def _from_sentence_transformer(given: Any) -> Model:  # noqa: ANN401 (sentence-transformers is untyped)
    model: SentenceTransformer = given
    digest = loaded_digest(model)
    if digest is None:
        own = _from_object(model)
        encoder = CallingEncoder(model)
        return replace(own, prompts=encoder.prompts, load=lambda: encoder, similarity=_similarity(model))
    names: dict[str, Dtype] = {"torch.float32": "fp32", "torch.bfloat16": "bf16", "torch.float16": "fp16"}
    parameters = list(model.parameters())
    dtype = names.get(str(parameters[0].dtype), "fp32") if parameters else "fp32"
    return Model(
        name=f"local/{type(model).__name__}-{digest[:8]}",
        revision=digest[:12],
        fingerprint=digest,
        prompts=make_prompts(model.prompts, model.default_prompt_name),
        pooling="model",
        dtype=dtype,
        max_length=model.max_seq_length,
        load=lambda: TransformerEncoder(model),
        unhashed=_CODE,
        software=software(TRANSFORMERS),
        parameters=sum(each.numel() for each in parameters),
        similarity=_similarity(model),
    )


def sentence_encoder(model: SentenceTransformer) -> tuple[Encoder, Prompts]:
    """Return the encoder and the prompts of a loaded model whose vectors are not cached.

    The fast encoder is for models of the class SentenceTransformer itself. A subclass, and a model whose methods were
    replaced, encode with their own `encode`.
    """
    if type(model) is sys.modules["sentence_transformers"].SentenceTransformer and not replaces_methods(model):
        return TransformerEncoder(model), make_prompts(model.prompts, model.default_prompt_name)
    encoder = CallingEncoder(model)
    return encoder, encoder.prompts


def _similarity(model: SentenceTransformer) -> Similarity:
    return find_similarity(model.similarity_fn_name)


def _from_object(given: object) -> Model:
    encode = getattr(given, "encode", given)
    if not callable(encode) or isinstance(given, type):
        raise UserError(
            f"{_display_name(given)} is not a model: expected a name, a directory, a SentenceTransformer, or an object "
            "or function that turns a list of N sentences into an (N, D) array"
        )
    name, version = getattr(given, "name", None), getattr(given, "version", None)
    if isinstance(name, str) and name and version is not None and not callable(version):
        digest = hashlib.sha256(f"{name}\0{version}".encode()).hexdigest()
        revision = digest[:12]
    else:
        digest = hashlib.sha256(uuid.uuid4().bytes).hexdigest()
        name, revision = _display_name(given), f"{UNHASHED_PREFIX}{digest[:12]}"
        if name == "<lambda>" or _is_sentence_transformer(given):  # The name alone says too little.
            name = f"{name.strip('<>')}-{digest[:8]}"
    encoder = ObjectEncoder(given, encode)
    return Model(
        name=f"local/{name}",
        revision=revision,
        fingerprint=digest,
        prompts=Prompts(),
        pooling="model",
        dtype="fp32",
        max_length=None,
        load=lambda: encoder,
        unhashed=_CODE,
        needs_language=encoder.needs_language,
    )


def _display_name(given: object) -> str:
    return getattr(given, "__name__", None) or type(given).__name__


class ObjectEncoder:
    """A user's object or function that encodes a list of sentences.

    An object with `needs_language` also gets `language=`, a FLORES-200 code.
    """

    batch_tokens = FOREIGN_BATCH_TOKENS
    device = "unknown"

    def __init__(self, given: object, encode: Callable[..., Any]) -> None:
        self._encode, self._name = encode, _display_name(given)
        self.needs_language = bool(getattr(given, "needs_language", False))

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return estimated token counts."""
        return estimate_token_counts(sentences)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch.

        Raises:
            UserError: The result is not an (N, D) array of numbers.
        """
        texts = [prompt + s for s in sentences]
        more = {"language": language.flores if language else None} if self.needs_language else {}
        given = self._encode(texts, **more)
        return check_matrix(given, len(texts), f"{self._name}: encode()")


class CallingEncoder(ObjectEncoder):
    """A SentenceTransformer that encodes with its own `encode`: a subclass, or one with own code in it.

    Attributes:
        prompts: the model's own, if `encode` takes `prompt=`; otherwise `encode` has to add them, and this has none.
    """

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__(model, model.encode)
        self.device = model.device.type
        parameters = inspect.signature(model.encode).parameters.values()
        self._takes_prompt = any(p.name == "prompt" or p.kind is p.VAR_KEYWORD for p in parameters)
        saved = make_prompts(model.prompts, model.default_prompt_name)
        self.prompts = saved if self._takes_prompt else Prompts()

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch.

        Raises:
            UserError: The result is not an (N, D) array of numbers.
        """
        if not self._takes_prompt:
            return super().encode(sentences, prompt, language)
        more = {"language": language.flores if language else None} if self.needs_language else {}
        # Without a prompt, encode() would add the default one.
        given = self._encode(list(sentences), prompt=prompt, **more)
        return check_matrix(given, len(sentences), f"{self._name}: encode()")
