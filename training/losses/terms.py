"""The terms of the soft contrastive loss, computed in log space (Park et al. 2024, equations 2 and 6 to 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .labels import cosines, label_entropy, soft_labels, teacher_similarities
from .objective import Objective


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


@dataclass(frozen=True, slots=True)
class LossTerms:
    """The parts of the loss, scalars with their weights: their sum is the loss.

    Attributes:
        cross_lingual: L_cross; times lambda under TMS.
        monolingual: L_mono; None without TMS.
        distillation: the distance to the teacher's vectors, times its weight; None without it.
        label_entropy: the mean entropy of the labels, in nats; it is not a part of the loss.
    """

    cross_lingual: Tensor
    monolingual: Tensor | None
    distillation: Tensor | None
    label_entropy: Tensor

    def parts(self) -> dict[str, Tensor]:
        """Return the parts that the loss has, by name."""
        named = {
            "cross_lingual": self.cross_lingual,
            "monolingual": self.monolingual,
            "distillation": self.distillation,
        }
        return {name: part for name, part in named.items() if part is not None}


def contrastive_loss(batch: BatchVectors, objective: Objective) -> Tensor:
    """Return this process's share of the loss; the mean over processes is the loss of the whole batch."""
    return sum_parts(loss_terms(batch, objective).parts())


def sum_parts(parts: Mapping[str, Tensor]) -> Tensor:
    """Return the loss from its parts."""
    cross, *others = parts.values()
    return sum(others, start=cross)


def loss_terms(batch: BatchVectors, objective: Objective) -> LossTerms:
    """Return the parts of this process's share of the loss.

    L_cross = L_row + L_col (equations 2 and 6): the sum of both directions, each a mean over its rows. With TMS,
    L = lambda L_cross + L_mono (equations 7 and 8). The distillation term is added in both cases.
    """
    distilled = _distance(batch) * objective.distillation_weight if objective.distillation_weight else None
    similarities = teacher_similarities(objective.label, batch.teacher)
    here = slice(batch.first, batch.first + len(batch.source))
    forward = _Target.from_similarities(similarities, objective)
    backward = forward if objective.column_labels == "renormalized" else forward.transposed
    rows, columns = forward.take_rows(here), backward.take_rows(here)
    cross = _similarity_loss(batch.source, batch.all_target, rows, objective)
    cross = cross + _similarity_loss(batch.target, batch.all_source, columns, objective)
    return LossTerms(
        cross_lingual=objective.lambda_cross * cross if objective.tms else cross,
        monolingual=_monolingual(batch, rows, columns, objective) if objective.tms else None,
        distillation=distilled,
        label_entropy=label_entropy(rows.labels),
    )


def _monolingual(batch: BatchVectors, rows: _Target, columns: _Target, objective: Objective) -> Tensor:
    # Equation 7 normalizes over the first index, so it needs the transposed labels.
    mono = torch.zeros_like(batch.source[0, 0])
    for side, everything in ((batch.source, batch.all_source), (batch.target, batch.all_target)):
        mono = mono + _similarity_loss(side, everything, columns, objective)
        if objective.symmetric_monolingual:
            mono = mono + _similarity_loss(side, everything, rows, objective)
    return mono


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
