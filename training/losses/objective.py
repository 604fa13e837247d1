"""The settings of the loss; reading and checking them does not import torch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite
from typing import Literal, get_args

from bitext_bench.errors import UserError

from ..recipe import validate_fields

Label = Literal["priority", "average", "hard"]
LABELS: tuple[Label, ...] = get_args(Label)
Divergence = Literal["cross-entropy", "kl", "jsd", "similarity-mse"]


@dataclass(frozen=True, slots=True)
class Objective:
    """Settings of the soft contrastive loss; the defaults are the paper's.

    Attributes:
        label: how teacher similarities become labels (equations 3 to 5).
        tms: add the monolingual terms (equation 7), L = lambda_cross * L_cross + L_mono (equation 8).
        lambda_cross: the paper's lambda: the weight of the *cross-lingual* term under TMS (equation 8); > 0.
        tau_teacher: temperature of the labels (equations 4 and 5); > 0. The paper has one tau for both.
        tau_student: temperature of the student's similarities (equations 2, 6 and 7); > 0.
        divergence: the divergence between labels and student. "cross-entropy" is the paper's (equation 2); "kl" has
            the same gradient and is 0 at its minimum; "jsd" is bounded by log 2; "similarity-mse" compares the
            similarity matrices, ((student - teacher) / tau_student)^2 (the authors' "MMSE").
        column_labels: "transposed" uses w(i, j) for the columns too (equation 6 as written); "renormalized" uses the
            softmax over each row of the transposed teacher similarities (the authors' code).
        symmetric_monolingual: count each monolingual term (equation 7) in both directions, as the authors' code does.
        distillation_weight: weight of an additional term: the squared distance between both sides' normalized vectors
            and the teacher's vector of the anchor (Reimers and Gurevych 2020; not in the paper). It keeps the anchor
            language in place and pulls the other language to it. 0 disables it. Teacher and student must have the
            same dimension.

    Raises:
        UserError: a value has the wrong type, is no known choice or is not finite; a temperature or lambda is not
            positive; or `distillation_weight` is negative.
    """

    label: Label = "priority"
    tms: bool = False
    lambda_cross: float = 0.1
    tau_teacher: float = 0.1
    tau_student: float = 0.1
    divergence: Divergence = "cross-entropy"
    column_labels: Literal["transposed", "renormalized"] = "transposed"
    symmetric_monolingual: bool = False
    distillation_weight: float = 0.0

    def __post_init__(self) -> None:
        validate_fields(self)
        for name in ("lambda_cross", "tau_teacher", "tau_student"):
            if not getattr(self, name) > 0:
                raise UserError(f"{name} is {getattr(self, name)}: expected a number above 0")
        if not self.distillation_weight >= 0:
            raise UserError(f"distillation_weight is {self.distillation_weight}: expected a number, 0 or more")
        for name in ("lambda_cross", "tau_teacher", "tau_student", "distillation_weight"):
            if not isfinite(getattr(self, name)):
                raise UserError(f"{name} is {getattr(self, name)}: expected a finite number")

    def without_effect(self, loss: str) -> list[str]:
        """Return the settings that are not the defaults, but that change nothing with a loss of `TrainConfig.loss`."""
        changed = [field.name for field in fields(self) if getattr(self, field.name) != field.default]
        if loss == "soft-contrastive":
            unused = {"lambda_cross", "symmetric_monolingual"} if not self.tms else set[str]()
            unused |= {"tau_teacher"} if self.label == "hard" else set[str]()
        else:
            unused = set(changed) - ({"tau_student"} if loss == "translation-ranking" else set[str]())
        return [name for name in changed if name in unused]

    @property
    def needs_teacher(self) -> bool:
        """Whether the loss uses a teacher; hard labels without distillation do not."""
        return self.label != "hard" or self.distillation_weight > 0
