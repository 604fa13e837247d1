"""The teacher's vectors: each sentence is encoded once, through the vector cache, before training begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bitext_bench.embedding.batching import TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import Model
from bitext_bench.languages import LangPair, Language

from ..data.corpora import PairRows
from ..losses.objective import Label


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
