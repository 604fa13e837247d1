"""The soft contrastive loss as a loss of sentence-transformers.

Park et al. 2024 (arXiv:2405.16155): labels as in section 3, losses as in equations 2 and 6 to 8. If the authors' code
(IMASCL) differs from the text, the text is the default, and the code's behavior is an option of `Objective`.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import UnionType
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.util.distributed import all_gather, all_gather_with_grad
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from bitext_bench.errors import UserError

from .by_length import join_sides, split_by_length, take_rows
from .means import Means
from .objective import Objective
from .terms import BatchVectors, loss_terms, sum_parts


def _check(name: str, given: object, kind: type | UnionType, expected: str) -> None:
    if not isinstance(given, kind):
        raise UserError(f"{name} is {given!r:.60}: expected {expected}")


class SoftContrastiveLoss(nn.Module):
    """The soft contrastive loss as a loss of sentence-transformers' trainer.

    A training row has a source sentence, a target sentence (in this order) and a label. The label gives the teacher's
    vectors in one of two forms: the vectors, (D,) for the anchor or (2, D) for both sides; or, if `teacher` is a
    matrix of vectors, their integer row numbers in it. If `teacher` is a model, no label column is needed: it encodes
    the student's input in every step, including the student's prompt. Hard labels need neither label nor teacher.

    Args:
        model: the student.
        objective: labels, temperatures, TMS.
        teacher: an (R, D) matrix that integer labels index; or a model with any tokenizer and dimension; or None.
        mini_batch_size: sentences whose activations are in memory at once (gradient caching: the same gradient, for
            one more forward pass); None keeps all.
        gather: use the other processes' sentences as negatives, with their gradient.

    Raises:
        UserError: an argument has the wrong type, or `mini_batch_size` is below 1.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        objective: Objective | None = None,
        teacher: Tensor | SentenceTransformer | None = None,
        *,
        mini_batch_size: int | None = None,
        gather: bool = False,
    ) -> None:
        super().__init__()
        _check("model", model, nn.Module, "a SentenceTransformer")
        _check("objective", objective, Objective | None, "an Objective")
        _check("teacher", teacher, Tensor | SentenceTransformer | None, "a matrix of vectors or a SentenceTransformer")
        _check("mini_batch_size", mini_batch_size, int | None, "a number of sentences")
        if mini_batch_size is not None and mini_batch_size < 1:
            raise UserError(f"mini_batch_size is {mini_batch_size}: expected 1 or more")
        self.model = model
        self.objective = objective or Objective()
        self.mini_batch_size = mini_batch_size
        self.gather = gather
        # The tuple hides a teacher model from nn.Module: it must be neither trained nor saved.
        self._teacher = (teacher,)
        self._means = Means()
        # Kept here, because a model that torchrun wraps has no tokenizer.
        self._pad_token = getattr(getattr(model, "tokenizer", None), "pad_token_id", None) or 0

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor | None = None) -> Tensor:
        """Return the loss of one batch, from the features of source and target and labels as the class describes."""
        read = list(sentence_features)
        if len(read) != 2:
            raise UserError(
                f"a training row has {len(read)} text columns: expected a source and a target sentence; "
                "select the two columns of the dataset"
            )
        source, target = self._embed(read)
        if isinstance(self._teacher[0], SentenceTransformer) and self.objective.needs_teacher:
            teacher = self._run_teacher(self._teacher[0], read).to(source.device)
        else:
            teacher = self._teacher_vectors(labels, source)
        if not self.gather:
            return self._sum(BatchVectors(source, target, source, target, teacher))
        rank = torch.distributed.get_rank()
        batch = BatchVectors(
            source,
            target,
            all_gather_with_grad(source),
            all_gather_with_grad(target),
            all_gather(teacher),
            first=rank * len(source),
        )
        return self._sum(batch)

    def _sum(self, batch: BatchVectors) -> Tensor:
        terms = loss_terms(batch, self.objective)
        parts = terms.parts()
        self._means.add(parts)
        if self.objective.label != "hard":
            self._means.add({"label_entropy": terms.label_entropy})
        return sum_parts(parts)

    def take_means(self) -> dict[str, Tensor]:
        """Return the parts of the loss and the entropy of soft labels (`LossTerms`), as means since the last call."""
        return self._means.take()

    def _embed(self, sides: list[dict[str, Tensor]]) -> list[Tensor]:
        """Return the vectors of each side, (B, D); on a CPU they are computed in parts of similar lengths."""
        masks = [side["attention_mask"] for side in sides if "attention_mask" in side]
        # A GPU computes one large batch faster, in spite of the padding. Static vectors have no mask.
        if len(masks) < len(sides) or (self.mini_batch_size is None and masks[0].device.type != "cpu"):
            return [self._forward(side) for side in sides]
        joined = join_sides(sides, self._pad_token)
        if joined is None:
            return [self._embed_in_parts(side) for side in sides]
        return list(torch.split(self._embed_in_parts(joined), [len(mask) for mask in masks]))

    def _embed_in_parts(self, features: dict[str, Any]) -> Tensor:
        rows = split_by_length(features, self.mini_batch_size)
        vectors = [self._embed_part(take_rows(features, part)) for part in rows]
        return torch.cat(vectors)[torch.cat(rows).argsort()]

    def _embed_part(self, features: dict[str, Any]) -> Tensor:
        if self.mini_batch_size is None:
            return self._forward(features)
        vectors: Tensor = checkpoint(self._forward, features, use_reentrant=False)
        return vectors

    def _forward(self, features: dict[str, Tensor]) -> Tensor:
        vectors: Tensor = self.model(features)["sentence_embedding"]
        return vectors.float()

    def _run_teacher(self, teacher: SentenceTransformer, read: list[dict[str, Tensor]]) -> Tensor:
        """Return (B, S, D) teacher vectors of the student's input, decoded to text because tokenizers may differ."""
        sides = read if self.objective.label == "average" else read[:1]
        texts = [self.model.tokenizer.batch_decode(side["input_ids"], skip_special_tokens=True) for side in sides]
        vectors = [teacher.encode(text, convert_to_tensor=True, show_progress_bar=False) for text in texts]
        return torch.stack(vectors, dim=1).float()

    def _teacher_vectors(self, labels: Tensor | None, like: Tensor) -> Tensor:
        """Return (B, S, D) teacher vectors, without gradient."""
        if not self.objective.needs_teacher:
            return like.detach().unsqueeze(1)
        if labels is None:
            raise UserError(
                "expected a label column with the teacher's vectors or row numbers: only hard labels work without it"
            )
        if not labels.is_floating_point():
            if not isinstance(self._teacher[0], Tensor):
                raise UserError("integer labels are row numbers in the teacher's vectors: pass teacher=")
            labels = self._teacher[0][labels.cpu()]
        vectors = labels.to(like.device, torch.float32).detach()
        return vectors.unsqueeze(1) if vectors.ndim == 2 else vectors
