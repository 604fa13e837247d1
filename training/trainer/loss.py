"""The loss of a config."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MSELoss, MultipleNegativesRankingLoss
from torch import Tensor, nn

from bitext_bench.errors import UserError

from ..config import TrainConfig
from ..losses.soft_contrastive import SoftContrastiveLoss
from .teacher import TeacherVectors


def make_loss(config: TrainConfig, student: SentenceTransformer, teacher: TeacherVectors | None) -> nn.Module:
    """Build the loss of a config."""
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    size = student.get_embedding_dimension()
    if config.loss == "translation-ranking":
        ranking: nn.Module = MultipleNegativesRankingLoss(
            student,
            scale=1 / config.objective.tau_student,
            gather_across_devices=distributed,
            directions=("query_to_doc", "doc_to_query"),
            partition_mode="per_direction",
        )
        return ranking
    vectors = teacher.vectors if teacher else None
    fits = vectors is None or vectors.shape[1] == size
    if config.loss == "embedding-mse" and vectors is not None:
        return _TeacherByRow(MSELoss(student, projection_dim=None if fits else vectors.shape[1]), vectors)
    if vectors is not None and not fits and config.objective.distillation_weight:
        raise UserError(
            f"distillation_weight needs a teacher with the student's {size} dimensions, but "
            f"{config.teacher} has {vectors.shape[1]}: set it to 0, or use another teacher"
        )
    part = config.mini_batch_size
    return SoftContrastiveLoss(student, config.objective, vectors, mini_batch_size=part, gather=distributed)


class _TeacherByRow(nn.Module):
    """Wraps a loss that takes vectors as labels: looks up the teacher's vectors by row number."""

    def __init__(self, loss: nn.Module, vectors: Tensor) -> None:
        super().__init__()
        self.loss = loss
        self._vectors = vectors

    def forward(self, sentence_features: Any, labels: Tensor) -> Tensor:  # noqa: ANN401 (the trainer's own type)
        loss: Tensor = self.loss(sentence_features, self._vectors[labels.cpu()].to(labels.device))
        return loss
