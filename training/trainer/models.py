"""The student and the teacher of a run: resolved and checked before any weights are loaded; the teacher's vectors.

Each sentence is encoded once by the teacher, through the vector cache, before training begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bitext_bench.embedding.batching import TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import Model, ModelOptions, needs_hub, resolve_model
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, Language

from ..config import TrainConfig
from ..data.corpora import PairRows
from ..losses.objective import Label


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a run, each resolved once.

    Attributes:
        student: the initial model; its prompts are the model's own, not those used in training.
        teacher: the model whose similarities become the labels; the student if the config names none.
        cache: the vector cache.
    """

    student: Model
    teacher: Model
    cache: Path

    @classmethod
    def from_resolved(cls, config: TrainConfig, resolved: Mapping[str, Model], cache: Path) -> Models:
        """Pick the student and the teacher from models that are resolved by name."""
        return cls(resolved[config.student], resolved[config.teacher or config.student], cache)


def resolve_models(config: TrainConfig, *, of_hub: bool) -> dict[str, Model]:
    """Resolve the student and the teacher by name: those from the hub, or all others.

    Raises:
        UserError: a model cannot be used, or the student cannot be trained.
    """
    names = dict.fromkeys((config.student, config.teacher or config.student))
    found = {name: resolve_model(name, ModelOptions()) for name in names if needs_hub(name) == of_hub}
    if config.student in found and not found[config.student].trainable:
        raise UserError(
            f"{config.student} is not a transformer checkpoint, which train needs: pass --model with the directory or "
            "the hub id of one"
        )
    return found


@dataclass(frozen=True, slots=True)
class TeacherVectors:
    """The teacher's vectors, and the row numbers that the labels need.

    Attributes:
        vectors: (R, D) float32 of length 1, one for each distinct sentence that a label needs.
        rows: the row of `vectors` for each training row of each pair: the anchor's, or (average) both sides'.
    """

    vectors: Tensor
    rows: dict[LangPair, list[int] | list[list[int]]]


def encode_teacher(model: Model, prompt: str, data: Sequence[PairRows], label: Label, cache: Path) -> TeacherVectors:
    """Encode the anchors of all pairs, or both sides for average labels, each distinct sentence once.

    Raises:
        UserError: the teacher returns NaN or zero vectors (with the sentence), or the disk is full.
    """
    row_of: dict[tuple[Language, str], int] = {}
    for item in data:
        sides = [(item.pair.source, item.source)]
        if label == "average":
            sides.append((item.pair.target, item.target))
        for language, sentences in sides:
            for sentence in sentences:
                row_of.setdefault((language, sentence), len(row_of))
    embedder = Embedder(model, cache)
    by_language: dict[Language, list[str]] = {}
    for language, sentence in row_of:
        by_language.setdefault(language, []).append(sentence)
    texts = {language: TextGroup(tuple(sentences), language, prompt) for language, sentences in by_language.items()}
    embedder.encode(texts.values())
    vectors: Tensor | None = None
    for language, part in texts.items():
        encoded = torch.from_numpy(embedder.vectors(part))
        vectors = torch.empty(len(row_of), encoded.shape[1]) if vectors is None else vectors
        vectors[[row_of[language, sentence] for sentence in part.sentences]] = encoded
    if vectors is None:
        raise ValueError("no sentence to encode")
    return TeacherVectors(vectors, {item.pair: _teacher_rows(item, row_of, label) for item in data})


def _teacher_rows(item: PairRows, row_of: dict[tuple[Language, str], int], label: Label) -> list[int] | list[list[int]]:
    anchors = [row_of[item.pair.source, sentence] for sentence in item.source]
    if label != "average":
        return anchors
    others = [row_of[item.pair.target, sentence] for sentence in item.target]
    return [[anchor, other] for anchor, other in zip(anchors, others, strict=True)]
