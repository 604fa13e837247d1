"""The soft contrastive loss and its soft labels, computed in log space.

Park et al. 2024 (arXiv:2405.16155): labels as in section 3, losses as in equations 2 and 6 to 8. If the authors' code
(IMASCL) differs from the text, the text is the default, and the code's behavior is an option of `Objective`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import UnionType

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.util.distributed import all_gather, all_gather_with_grad
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from bitext_bench.errors import UserError

from .objective import Label, Objective


def cosines(rows: Tensor, columns: Tensor) -> Tensor:
    """Return the (N, M) cosines between (N, D) and (M, D) vectors; a zero vector has cosine 0 with all others."""
    return functional.normalize(rows, dim=1) @ functional.normalize(columns, dim=1).T


def teacher_similarities(label: Label, teacher: Tensor) -> Tensor:
    """Return the teacher's similarity of each pair of rows, (N, N), symmetric.

    Args:
        label: "priority": cosines between the anchor sentences; "average": the mean of the cosines between sources
            and between targets; "hard": the identity (equation 3), used as labels without softmax.
        teacher: (N, S, D) teacher vectors of each pair: S = 1 for the anchor (priority), S = 2 for source and target
            (average). "hard" uses only N and the dtype.

    Raises:
        UserError: "average" without both sides.
    """
    if label == "hard":
        return torch.eye(len(teacher), dtype=teacher.dtype, device=teacher.device)
    anchor = teacher[:, 0]
    if label == "priority":
        return cosines(anchor, anchor)
    if teacher.shape[1] < 2:
        raise UserError(f"average labels need the teacher's vectors of both sides, got shape {tuple(teacher.shape)}")
    return (cosines(anchor, anchor) + cosines(teacher[:, 1], teacher[:, 1])) / 2


def soft_labels(label: Label, similarities: Tensor, tau: float) -> Tensor:
    """Return the labels w(i, j), (N, N), from `teacher_similarities`; rows sum to 1.

    Priority (equation 4) is the softmax over each row of sim / tau; average (equation 5) is the same softmax of the
    mean similarity. Hard labels are the similarities themselves.
    """
    return similarities if label == "hard" else functional.softmax(similarities / tau, dim=1)


def soft_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return equation 2: -1/N sum_ij labels_ij log softmax_j(logits_ij), for (N, M) and (N, M)."""
    return -(labels * functional.log_softmax(logits, dim=1)).sum(dim=1).mean()


@dataclass(frozen=True, slots=True)
class BatchVectors:
    """The vectors of a batch, in this process and in all processes (in rank order).

    Attributes:
        source: (B, D), this process's source vectors.
        target: (B, D), this process's target vectors.
        all_source: (M, D), the source vectors of all processes.
        all_target: (M, D), the target vectors of all processes.
        teacher: (M, S, D'), the teacher vectors of all processes for `teacher_similarities`, without gradient.
        first: index in M of this process's first row.
    """

    source: Tensor
    target: Tensor
    all_source: Tensor
    all_target: Tensor
    teacher: Tensor
    first: int = 0


def contrastive_loss(batch: BatchVectors, objective: Objective) -> Tensor:
    """Return this process's share of the loss; the mean over processes is the loss of the whole batch.

    L_cross = L_row + L_col (equations 2 and 6): the sum of both directions, each a mean over its rows. With TMS,
    L = lambda L_cross + L_mono (equations 7 and 8). The distillation term is added in both cases.
    """
    distilled = _distance(batch) * objective.distillation_weight if objective.distillation_weight else 0
    similarities = teacher_similarities(objective.label, batch.teacher)
    here = slice(batch.first, batch.first + len(batch.source))
    forward = _Target.from_similarities(similarities, objective)
    backward = forward if objective.column_labels == "renormalized" else forward.transposed
    rows, columns = forward.take_rows(here), backward.take_rows(here)
    cross = _similarity_loss(batch.source, batch.all_target, rows, objective)
    cross = cross + _similarity_loss(batch.target, batch.all_source, columns, objective)
    if not objective.tms:
        return cross + distilled
    # Equation 7 normalizes over the first index, so it needs the transposed labels.
    mono = torch.zeros_like(cross)
    for side, everything in ((batch.source, batch.all_source), (batch.target, batch.all_target)):
        mono = mono + _similarity_loss(side, everything, columns, objective)
        if objective.symmetric_monolingual:
            mono = mono + _similarity_loss(side, everything, rows, objective)
    return objective.lambda_cross * cross + mono + distilled


def _distance(batch: BatchVectors) -> Tensor:
    """Return the mean squared distance from normalized vectors to the teacher's anchor, summed over both sides."""
    anchors = functional.normalize(batch.teacher[batch.first : batch.first + len(batch.source), 0], dim=1)
    sides = (functional.normalize(side, dim=1) for side in (batch.source, batch.target))
    return torch.stack([(side - anchors).square().sum(dim=1).mean() for side in sides]).sum()


@dataclass(frozen=True, slots=True)
class _Target:
    """The student's target: the teacher's similarities, and the labels computed from them."""

    similarities: Tensor
    labels: Tensor

    @staticmethod
    def from_similarities(similarities: Tensor, objective: Objective) -> _Target:
        return _Target(similarities, soft_labels(objective.label, similarities, objective.tau_teacher))

    @property
    def transposed(self) -> _Target:
        return _Target(self.similarities.T, self.labels.T)

    def take_rows(self, rows: slice) -> _Target:
        return _Target(self.similarities[rows], self.labels[rows])


def _similarity_loss(rows: Tensor, columns: Tensor, target: _Target, objective: Objective) -> Tensor:
    """Return the divergence of the student's (B, M) similarities from the target, a scalar."""
    seen = cosines(rows, columns)
    if objective.divergence == "similarity-mse":
        return ((seen - target.similarities) / objective.tau_student).square().mean()
    logits = seen / objective.tau_student
    if objective.divergence == "cross-entropy":
        return soft_cross_entropy(logits, target.labels)
    if objective.divergence == "kl":
        return soft_cross_entropy(logits, target.labels) + torch.xlogy(target.labels, target.labels).sum(1).mean()
    return _jensen_shannon(logits, target.labels / target.labels.sum(dim=1, keepdim=True))


def _jensen_shannon(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean Jensen-Shannon divergence of the rows, in nats, from 0 to log 2; label rows must sum to 1."""
    student_log = functional.log_softmax(logits, dim=1)
    student = student_log.exp()
    middle = (student + labels) / 2
    # If the mixture underflows to 0, both sides are 0 and contribute nothing.
    middle_log = middle.clamp_min(torch.finfo(middle.dtype).tiny).log()
    from_student = (student * (student_log - middle_log)).sum(dim=1)
    from_labels = (torch.xlogy(labels, labels) - labels * middle_log).sum(dim=1)
    return ((from_student + from_labels) / 2).mean()


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

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor | None = None) -> Tensor:
        """Return the loss of one batch, from the features of source and target and labels as the class describes."""
        read = list(sentence_features)
        if len(read) != 2:
            raise UserError(
                f"a training row has {len(read)} text columns: expected a source and a target sentence; "
                "select the two columns of the dataset"
            )
        source, target = (self._embed(features) for features in read)
        if isinstance(self._teacher[0], SentenceTransformer) and self.objective.needs_teacher:
            teacher = self._run_teacher(self._teacher[0], read).to(source.device)
        else:
            teacher = self._teacher_vectors(labels, source)
        if not self.gather:
            return contrastive_loss(BatchVectors(source, target, source, target, teacher), self.objective)
        rank = torch.distributed.get_rank()
        batch = BatchVectors(
            source,
            target,
            all_gather_with_grad(source),
            all_gather_with_grad(target),
            all_gather(teacher),
            first=rank * len(source),
        )
        return contrastive_loss(batch, self.objective)

    def _embed(self, features: dict[str, Tensor]) -> Tensor:
        if self.mini_batch_size is None:
            return self._forward(features)
        n = len(features["input_ids"])
        parts = [
            {k: v[i : i + self.mini_batch_size] if isinstance(v, Tensor) and v.ndim else v for k, v in features.items()}
            for i in range(0, n, self.mini_batch_size)
        ]
        return torch.cat([checkpoint(self._forward, part, use_reentrant=False) for part in parts])

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
