"""The training loop: sentence-transformers' trainer with our labels, loss, criterion and teacher vectors."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.training_args import BatchSamplers
from transformers import EarlyStoppingCallback, PrinterCallback, ProgressCallback

from bitext_bench.errors import UserError
from bitext_bench.io.terminal import quiet_logger, say

from ..config import TrainConfig
from ..data.corpora import PairRows
from .arguments import Progress, RunOptions, trainer_arguments
from .dev_evaluator import DevAccuracy, hold_out
from .label_report import describe_labels
from .log import dev_curve, window_means
from .lora import merge_lora
from .loss import make_loss
from .models import Models
from .resume import CompleteCheckpoints, NewSchedule, check_best, intact_checkpoint, is_last, restore
from .rows import draw_rows, make_datasets, teacher_vectors
from .samplers import LengthGroupedSampler, TopicAwareSampler
from .student import open_student, set_for_use
from .student_trainer import StudentTrainer
from .teacher import TeacherVectors
from .wise_ft import copy_trainable, interpolate_weights


@dataclass(frozen=True, slots=True)
class Trained:
    """The outcome of a training run.

    Attributes:
        model: the student with the best weights on the held-out rows (the last weights if no rows are held out).
        curve: one entry for each evaluation, see `dev_curve`.
        log: the loss, its parts, the learning rate and the gradient norm, as means of ten steps, see `window_means`.
        rows: number of training rows available for each pair.
        steps: number of steps taken.
        interpolated: held-out scores of the interpolated weights that are saved; {} without interpolation.
        stopped_by: the number of the signal that stopped the run after it saved a checkpoint; else 0.
    """

    model: SentenceTransformer
    curve: list[dict[str, float]]
    log: list[dict[str, Any]]
    rows: dict[str, int]
    steps: int
    interpolated: dict[str, float]
    stopped_by: int


def train(config: TrainConfig, models: Models, data: Sequence[PairRows], output: Path, options: RunOptions) -> Trained:
    """Train a student on clean pairs (anchor language as the source); checkpoints go to `output`/checkpoints.

    Args:
        config: the settings.
        models: the student and the teacher.
        data: rows of each pair.
        output: the directory of the checkpoint.
        options: resuming, logger and device.

    Raises:
        UserError: the student cannot be trained, the teacher cannot be used, or checkpoints exist and none is intact.
    """
    training, held_out = hold_out(data, config.dev_size, config.seed)
    evaluated = any(item.source for item in held_out)
    arguments = trainer_arguments(config, output, options, evaluated=evaluated)
    training = draw_rows(training, config, arguments.world_size)
    torch.manual_seed(config.seed)
    with arguments.main_process_first(desc="teacher"):
        checkpoint = intact_checkpoint(output) if options.resume else None
        teacher = teacher_vectors(config, models, training)
        datasets = make_datasets(config, models, training, teacher)
    arguments.eval_on_start = evaluated and checkpoint is None
    arguments.batch_sampler = _batch_sampler(config, teacher)
    student = open_student(config, models.student)
    own_length = student.max_seq_length
    student.max_seq_length = min(config.max_length, own_length or config.max_length)
    loss = make_loss(config, student, teacher)
    start = copy_trainable(student) if config.wise_ft_share else {}
    progress = Progress(config.batch_size * config.gradient_accumulation_steps * arguments.world_size)
    criterion = DevAccuracy(held_out, config.student_prompt) if evaluated else None
    trainer = StudentTrainer(
        model=student,
        args=arguments,
        train_dataset=datasets,
        loss=loss,
        evaluator=criterion,
        callbacks=[progress, *([EarlyStoppingCallback(config.early_stopping_patience)] if evaluated else [])],
    )
    if trainer.is_world_process_zero():
        for line in describe_labels(config, teacher, datasets, trainer):
            say(line)
    _run(trainer, checkpoint, config, progress)
    if start and not progress.stopped_by:
        interpolate_weights(student, start, config.wise_ft_share)
    if config.lora_rank is not None and config.merge_lora and not progress.stopped_by:
        merge_lora(student)
    set_for_use(student, own_length, config.student_prompt)
    return Trained(
        model=student,
        curve=dev_curve(trainer.state.log_history),
        log=window_means(trainer.state.log_history),
        rows={str(item.pair): len(item.source) for item in training},
        steps=trainer.state.global_step,
        interpolated=criterion(student) if criterion and start and not progress.stopped_by else {},
        stopped_by=progress.stopped_by,
    )


def _batch_sampler(config: TrainConfig, teacher: TeacherVectors | None) -> Any:  # noqa: ANN401 (the trainer's own type)
    if config.topic_aware_batches and teacher is not None:
        return partial(TopicAwareSampler, vectors=teacher.vectors)
    return LengthGroupedSampler if config.group_by_length else BatchSamplers.NO_DUPLICATES


def _run(trainer: StudentTrainer, checkpoint: Path | None, config: TrainConfig, progress: Progress) -> None:
    complete = CompleteCheckpoints(trainer.loss, trainer.model)
    trainer.add_callback(complete)
    if checkpoint:
        complete.restore(checkpoint)
        trainer.add_callback(NewSchedule())
        steps = _steps(trainer, config)
        if is_last(checkpoint, steps, config.early_stopping_patience):
            restore(trainer, checkpoint)
            return
        if trainer.is_world_process_zero():
            say(f"resuming after step {int(checkpoint.name.rpartition('-')[2]):,} of {steps:,}")
    for theirs in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(theirs)
    # transformers remarks that the interval of evaluations has changed, which a resumed run may do: see NewSchedule.
    with quiet_logger("transformers.trainer_utils"), warnings.catch_warnings(), closing(progress):
        # The libraries warn about internals, such as pinned memory without a GPU.
        warnings.simplefilter("ignore", UserWarning)
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except (OSError, SafetensorError) as error:
            cure = "free some disk space, and " if "No space left" in str(error) or "quota" in str(error) else ""
            raise UserError(
                f"cannot write or read a file of the run ({error}): {cure}run the same command with --resume"
            ) from error
    if trainer.is_world_process_zero() and trainer.args.load_best_model_at_end:
        check_best(trainer.state)


def _steps(trainer: StudentTrainer, config: TrainConfig) -> int:
    if config.max_steps:
        return config.max_steps
    in_an_epoch = math.ceil(len(trainer.get_train_dataloader()) / config.gradient_accumulation_steps)
    return math.ceil(config.epochs * in_an_epoch)


def check_training(config: TrainConfig, data: Sequence[PairRows]) -> None:
    """Check that every pair has enough rows for a batch.

    Raises:
        UserError: a pair has fewer rows than a batch after holding out.
    """
    training, _ = hold_out(data, config.dev_size, config.seed)
    for rows in training:
        if len(rows.source) < config.batch_size:
            raise UserError(
                f"{rows.pair} has {len(rows.source)} rows after cleaning and holding out: expected at least one batch "
                f"of {config.batch_size}; add data or lower --batch-size"
            )
