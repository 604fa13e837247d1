"""The labels of the soft contrastive loss, computed from a teacher's vectors, and how far they are from hard labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from bitext_bench.errors import UserError

from .objective import Label


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


def label_entropy(labels: Tensor) -> Tensor:
    """Return the mean entropy of the rows, in nats: 0 for hard labels, log N for uniform ones."""
    entropies: Tensor = torch.special.entr(labels).sum(dim=1)
    return entropies.mean()


def mean_entropy(similarities: Sequence[Tensor], tau: float) -> float:
    """Return the mean entropy of the soft labels of several batches, in nats, from `teacher_similarities`."""
    entropies = [label_entropy(functional.softmax(batch / tau, dim=1)) for batch in similarities]
    return float(torch.stack(entropies).mean())


def temperature_for(similarities: Sequence[Tensor], positives: float, above: float) -> float:
    """Return the temperature at which labels have this many effective positives (the exponential of their entropy).

    Args:
        similarities: the teacher's similarities in several batches of N pairs.
        positives: between the number at the temperature `above`, and N.
        above: a temperature that gives fewer.
    """
    low, high = above, 2 * above
    while mean_entropy(similarities, high) < math.log(positives) and high < 1e6:
        low, high = high, 2 * high
    for _ in range(30):  # more entropy at every higher temperature, so bisection finds it
        middle = (low + high) / 2
        low, high = (middle, high) if mean_entropy(similarities, middle) < math.log(positives) else (low, middle)
    return high
