"""How soft the labels are, measured on the first batches: nearly one-hot labels train like hard ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainer
from torch import Tensor

from ..config import TrainConfig
from ..losses.labels import mean_entropy, teacher_similarities, temperature_for
from .teacher import TeacherVectors

_BATCHES = 16
_NEARLY_ONE_HOT = 1.1  # effective positives
_SUGGESTED = 2.0  # effective positives


def describe_labels(
    config: TrainConfig,
    teacher: TeacherVectors | None,
    datasets: Mapping[str, Dataset],
    trainer: SentenceTransformerTrainer,
) -> list[str]:
    """Return lines on the labels of the first batches: their entropy, and a warning if they are nearly one-hot.

    The number of effective positives is the exponential of the entropy: 1 for hard labels, N for uniform ones.
    """
    size = config.batch_size * trainer.args.world_size
    if teacher is None or config.loss != "soft-contrastive" or config.objective.label == "hard" or size < 2:
        return []
    each = -(-_BATCHES // len(datasets))
    batches = [
        teacher_similarities(config.objective.label, vectors)
        for dataset in datasets.values()
        for vectors in islice(_batches(trainer, dataset, teacher, size), each)
    ]
    if not batches:  # fewer rows than all processes take at once
        return []
    entropy = mean_entropy(batches, config.objective.tau_teacher)
    positives = math.exp(entropy)
    lines = [f"labels: {positives:.2f} effective positives in a batch of {size} (entropy {entropy:.2f} nats)"]
    if positives < _NEARLY_ONE_HOT:
        wanted = min(_SUGGESTED, (1 + size) / 2)
        found = temperature_for(batches, wanted, above=config.objective.tau_teacher)
        lines.append(
            "warning: the labels are nearly one-hot, so soft labels train like hard ones; "
            f"--set objective.tau_teacher={found:.2g} gives {wanted:.2g} effective positives"
        )
    return lines


def _batches(
    trainer: SentenceTransformerTrainer, dataset: Dataset, teacher: TeacherVectors, size: int
) -> Iterator[Tensor]:
    """Yield the teacher's vectors of batches that the trainer's own sampler draws, (N, S, D)."""
    seed = trainer.args.seed
    sampler = trainer.get_batch_sampler(
        dataset,
        batch_size=size,
        drop_last=True,
        valid_label_columns=["label"],
        generator=torch.Generator().manual_seed(seed),
        seed=seed,
    )
    labels = torch.tensor(dataset["label"])
    for rows in sampler:
        found = teacher.vectors[labels[rows]]
        yield found.unsqueeze(1) if found.ndim == 2 else found
