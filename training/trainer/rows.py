"""The rows that the steps will use, as datasets of the trainer with the teacher's vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datasets import Dataset, DatasetDict

from ..config import TrainConfig
from ..data.corpora import PairRows, sample_weighted
from .hard_negatives import mine_negatives
from .models import Models
from .teacher import TeacherVectors, encode_teacher


def draw_rows(training: Sequence[PairRows], config: TrainConfig, processes: int) -> list[PairRows]:
    """Draw as many rows of each pair as the steps will use, in proportion to size^(1 / temperature).

    This spares the teacher from encoding rows that no step can reach. If a pair is drawn more often than it has rows,
    rows repeat, but never within a batch.
    """
    sizes = [len(item.source) for item in training]
    total = float(sum(sizes))
    batches = config.gradient_accumulation_steps * processes  # in a step
    if config.max_steps:
        # A little more than needed: a batch may skip a row that repeats a sentence.
        total = min(total, 1.05 * config.max_steps * batches * config.batch_size + config.batch_size)
    shares = [size ** (1 / config.sampling_temperature) for size in sizes]
    drawn = []
    for item, size, share in zip(training, sizes, shares, strict=True):
        weight = max(config.batch_size, total * share / sum(shares)) / size
        rows = sample_weighted(list(zip(item.source, item.target, strict=True)), weight, config.seed)
        drawn.append(PairRows(item.pair, [s for s, _ in rows], [t for _, t in rows]))
    return drawn


def teacher_vectors(config: TrainConfig, models: Models, training: Sequence[PairRows]) -> TeacherVectors | None:
    """Encode what the labels need; None for a loss without a teacher."""
    if not config.has_teacher:
        return None
    label = config.objective.label if config.loss == "soft-contrastive" else "priority"
    return encode_teacher(models.teacher, config.teacher_prompt, training, label, models.cache)


def make_datasets(
    config: TrainConfig, models: Models, training: Sequence[PairRows], teacher: TeacherVectors | None
) -> DatasetDict:
    """Return one dataset for each pair, so that a batch has rows of one pair only."""
    datasets = {}
    for rows in training:
        columns: dict[str, Any] = {"source": rows.source, "target": rows.target}
        if k := config.num_hard_negatives:
            negatives = mine_negatives(models.student, config.student_prompt, rows, k, models.cache)
            columns |= {f"negative_{i}": column for i, column in enumerate(negatives, start=1)}
        if teacher is not None:
            columns["label"] = teacher.rows[rows.pair]
        datasets[str(rows.pair)] = Dataset.from_dict(columns)
    return DatasetDict(datasets)
