"""User-defined encoders, from `package.module:factory`."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..languages import Language
from ..scoring.numeric import as_floats
from .extras import FOREIGN_BATCH_TOKENS, check_matrix, estimate_token_counts
from .sources import source_digest, user_modules

# The user's modules that a factory imported, by factory. On a second call they are already imported.
_brought: dict[str, set[str]] = {}


class FactoryEncoder:
    """Any object with `encode(sentences)` that a user's `package.module:factory` returns.

    Attributes:
        version: The object's `version` attribute, or "". Changing it makes the object a new model.
        wrapped: The model inside mteb's wrapper of sentence-transformers, if the object is such a wrapper.
        prompts: The wrapper's prompts, by name.
        source: A sha256 of the user's modules that define the factory and its encoder, and of those that they import.
    """

    batch_tokens = FOREIGN_BATCH_TOKENS
    device = "unknown"

    def __init__(self, spec: str) -> None:
        module_name, _, attribute = spec.partition(":")
        before = user_modules()
        try:
            factory = getattr(importlib.import_module(module_name), attribute)
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            named = "hub:ORG/NAME, hub: and a name from bitext-bench list models, or " if module_name == "hub" else ""
            raise UserError(
                f"cannot import the model {spec!r}: {error}; expected {named}package.module:factory, with the package "
                "installed or its directory in PYTHONPATH"
            ) from error
        if not callable(factory):
            raise UserError(f"{spec} is a {type(factory).__name__}: expected a function without arguments")
        try:
            inspect.signature(factory).bind()
        except TypeError as error:
            raise UserError(f"{spec} needs arguments ({error}): expected a function without arguments") from error
        except ValueError:
            pass  # of a builtin, which does not say
        self._spec, self._model = spec, factory()
        self.wrapped = _wrapped_by_mteb(self._model)
        self.prompts: dict[str, str | None] = {}
        if self.wrapped is None:
            _check_encode(spec, self._model)
        else:
            self.prompts = {**self.wrapped.prompts, **(self._model.model_prompts or {})}
        self.needs_language = bool(getattr(self._model, "needs_language", False))
        version = getattr(self._model, "version", "")
        self.version = "" if callable(version) else str(version)  # str() of a method contains its address
        brought = _brought.setdefault(spec, user_modules() - before)
        parts = [factory, getattr(factory, "func", None), self._model, *getattr(self._model, "__dict__", {}).values()]
        self.source = source_digest({module_name, *brought, *_modules_of(parts)}, module_name)

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return estimated token counts."""
        return estimate_token_counts(sentences)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch; `language=` (a FLORES-200 code) is passed on if the object has `needs_language`."""
        if self.wrapped is not None:  # Given any prompt, even "", it adds none of its own.
            return as_floats(self.wrapped.encode(list(sentences), prompt=prompt))
        texts = [prompt + s for s in sentences]
        more = {"language": language.flores if language else None} if self.needs_language else {}
        given = self._model.encode(texts, **more)
        return check_matrix(given, len(texts), f"{self._spec}: encode()")


def _check_encode(spec: str, model: object) -> None:
    """Raise a UserError if a model has no `encode` that can be called with only a list of sentences."""
    expected = "expected an object with encode(list of N sentences) -> (N, D) array"
    encode = getattr(model, "encode", None)
    if not callable(encode):
        raise UserError(f"{spec}() returned {type(model).__name__}, which has no encode(): {expected}")
    more = {"language": None} if getattr(model, "needs_language", False) else {}
    try:
        inspect.signature(encode).bind([], **more)
    except TypeError as error:
        wants = f"{spec}() returned {type(model).__name__}, whose encode() needs other arguments ({error})"
        if type(model).__module__.startswith("mteb."):
            wants += ", because it is a wrapper of mteb's: return the wrapped model, or pass the model's name"
        raise UserError(f"{wants}: {expected}") from error
    except ValueError:
        pass  # of a builtin, which does not say


def _wrapped_by_mteb(model: object) -> Any:  # noqa: ANN401 (an optional import's object)
    """Return the SentenceTransformer inside mteb's wrapper; None for any other object.

    Subclasses of the wrapper are not unwrapped: they compute something else.
    """
    kind = type(model)
    is_wrapper = (kind.__module__, kind.__name__) == (
        "mteb.models.sentence_transformer_wrapper",
        "SentenceTransformerEncoderWrapper",
    )
    return getattr(model, "model", None) if is_wrapper else None


def _modules_of(parts: Collection[object]) -> set[str]:
    """Return the names of the modules that define these objects and their base classes."""
    classes = {kind for part in parts for kind in type(part).__mro__}
    defined = [*classes, *(part for part in parts if inspect.isroutine(part) or inspect.isclass(part))]
    return {name for part in defined if isinstance(name := part.__module__, str)}
