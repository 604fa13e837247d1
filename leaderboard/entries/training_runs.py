"""What result files say of the training of their model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PAPER = {"lambda_cross": 0.1, "tau_teacher": 0.1, "tau_student": 0.1}  # Park et al. 2024, section 4.1
# What does not tell two rows apart: the seed, and what follows from it. A run that stops early has steps of its own,
# which its settings explain; where these are not recorded, other steps may mean other settings.
_OF_A_SEED = ("seed", "curve")


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A model that training began with."""

    name: str
    revision: str
    prompt: str

    @property
    def short(self) -> str:
        """Its name without the organization: a copy on disk is local/<directory>."""
        return self.name.rpartition("/")[2] or self.name


@dataclass(frozen=True, slots=True)
class Training:
    """How a checkpoint was trained.

    Attributes:
        label, tms: of the soft contrastive loss; the other losses have them too and do not use them.
        taught: a teacher was looked at; of hard labels and translation ranking none is.
        beyond: something is done that the paper does not know, so that it is none of its rows.
        shared: what runs of other seeds have in common, and runs of other settings do not.
        data: (corpus, rows kept); empty where that was not recorded.
    """

    student: Origin
    teacher: Origin
    pairs: frozenset[frozenset[str]]
    loss: str
    label: str
    tms: bool
    num_hard_negatives: int
    taught: bool
    beyond: bool
    recipe: str
    steps: int
    batch_size: int
    seed: int
    shared: str
    data: tuple[tuple[str, int], ...]
    particulars: tuple[str, ...]


def training_of(said: Mapping[str, Any] | None) -> Training | None:
    """Return what a result's `training` says of its model; None where it says nothing whole."""
    if said is None:
        return None
    try:
        return Training(
            student=_origin(said["student"]),
            teacher=_origin(said["teacher"]),
            pairs=frozenset(frozenset(pair.split("-")) for pair in said["pairs"]),
            loss=str(said["loss"]),
            label=str(said["label"]),
            tms=bool(said["tms"]),
            num_hard_negatives=int(said["num_hard_negatives"]),
            taught=_taught(said),
            beyond=any(
                said.get(name) for name in ("distillation_weight", "wise_ft_share", "topic_aware_batches", "divergence")
            ),
            recipe=str(said["recipe"]),
            steps=int(said["steps"]),
            batch_size=int(said["batch_size"]),
            seed=int(said["seed"]),
            shared=_shared(said),
            data=tuple((str(name), int(rows)) for name, rows in said.get("corpora", {}).items()),
            particulars=_particulars(said),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _origin(said: Mapping[str, Any]) -> Origin:
    return Origin(str(said["name"]), str(said["revision"]), str(said["prompt"]))


def _taught(said: Mapping[str, Any]) -> bool:
    if said["loss"] == "soft-contrastive":
        return said["label"] != "hard" or bool(said.get("distillation_weight"))
    return bool(said["loss"] != "translation-ranking")


def _shared(said: Mapping[str, Any]) -> str:
    apart = (*_OF_A_SEED, "steps") if "settings" in said else _OF_A_SEED
    return json.dumps({name: value for name, value in said.items() if name not in apart}, sort_keys=True)


def _particulars(said: Mapping[str, Any]) -> tuple[str, ...]:
    """Return in words what the label of a row does not say and the paper's settings do not imply."""
    found = [f"{name} {said[name]}" for name, usual in _PAPER.items() if float(said[name]) != usual]
    found += [
        f"{name} {said[name]}" for name in ("divergence", "column_labels", "symmetric_monolingual") if name in said
    ]
    if said["num_hard_negatives"] > 1:
        found.append(f"{said['num_hard_negatives']} hard negatives a row")
    if "learning_rate" in said:
        found.append(f"learning rate {said['learning_rate']:g}")
    return tuple(found)
