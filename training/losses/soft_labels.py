"""Labels for the contrastive loss: how much sentence j counts as a translation of sentence i.

Park et al. 2024 (arXiv:2405.16155), section 3. All functions take and return float tensors on one device.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

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
        ValueError: "average" without both sides.
    """
    if label == "hard":
        return torch.eye(len(teacher), dtype=teacher.dtype, device=teacher.device)
    anchor = teacher[:, 0]
    if label == "priority":
        return cosines(anchor, anchor)
    if teacher.shape[1] < 2:
        raise ValueError(f"average labels need the teacher's vectors of both sides, got shape {tuple(teacher.shape)}")
    return (cosines(anchor, anchor) + cosines(teacher[:, 1], teacher[:, 1])) / 2


def soft_labels(label: Label, similarities: Tensor, tau: float) -> Tensor:
    """Return the labels w(i, j), (N, N), from `teacher_similarities`; rows sum to 1.

    Priority (equation 4) is the softmax over each row of sim / tau; average (equation 5) is the same softmax of the
    mean similarity. Hard labels are the similarities themselves.
    """
    return similarities if label == "hard" else functional.softmax(similarities / tau, dim=1)
