"""A folder of precomputed vectors, looked up by sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..io.lines import split_lines
from ..languages import Language


class PrecomputedEncoder:
    """Vectors from `<name>.npy`, (N, D), for the N lines of `<name>.txt` in the same folder.

    Raises:
        UserError: A .txt file is missing, or its length differs, or the dimensions differ between files.
    """

    batch_tokens = 4_096
    device = ""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._row_of: dict[str, int] = {}
        parts: list[NDArray[np.float32]] = []
        for file in sorted(folder.glob("*.npy")):
            sentences, vectors = _read_pair(file)
            if parts and parts[0].shape[1] != vectors.shape[1]:
                raise UserError(
                    f"{file} has {vectors.shape[1]} dimensions, the files before it have {parts[0].shape[1]}: "
                    "expected vectors of one model"
                )
            first = sum(len(part) for part in parts)
            for row, sentence in enumerate(sentences):
                self._row_of.setdefault(sentence, first + row)
            parts.append(vectors)
        self._vectors = np.concatenate(parts)

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        """Return 1 for each sentence."""
        return np.ones(len(sentences), dtype=np.int64)

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        """Look the sentences up, without the prompt.

        Raises:
            UserError: A sentence has no vector.
        """
        missing = [s for s in sentences if s not in self._row_of]
        if missing:
            raise UserError(
                f"{self._folder} has no vector for {missing[0]!r} and {len(missing) - 1} others in this batch: "
                "add them to a <name>.txt and <name>.npy there"
            )
        return self._vectors[[self._row_of[s] for s in sentences]]


def _read_pair(file: Path) -> tuple[list[str], NDArray[np.float32]]:
    text = file.with_suffix(".txt")
    if not text.is_file():
        raise UserError(f"{file} has no {text.name} next to it: expected its sentences, one per line")
    sentences = split_lines(text.read_bytes(), text)
    try:
        with file.open("rb") as stream:
            vectors = np.lib.format.read_array(stream, allow_pickle=False)
    except ValueError as error:
        raise UserError(f"{file} is not a numpy array file: {error}") from error
    if vectors.dtype.kind not in "fiu":
        raise UserError(f"{file} contains {vectors.dtype}: expected numbers")
    if vectors.ndim != 2 or len(vectors) != len(sentences):
        raise UserError(
            f"{file} has shape {vectors.shape} and {text.name} has {len(sentences)} lines: expected one row per line"
        )
    return sentences, vectors.astype(np.float32)
