"""The loop: sentence-transformers' trainer around our labels, loss, criterion and teacher vectors."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, DatasetDict
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.losses import MSELoss, MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.training_args import BatchSamplers
from torch import Tensor, nn
from transformers import EarlyStoppingCallback, PrinterCallback, ProgressCallback

from bitext_bench.encoders import Model
from bitext_bench.encoders.transformer import TransformerEncoder
from bitext_bench.errors import UserError

from ..config import TrainConfig
from ..data.corpora import PairRows, sample_weighted
from ..losses.soft_contrastive import SoftContrastiveLoss
from .arguments import trainer_arguments
from .callbacks import Progress
from .dev_evaluator import DevAccuracy, hold_out
from .hard_negatives import mine_negatives
from .models import Models
from .resume import CompleteCheckpoints, check_best, intact_checkpoint, is_last, restore
from .samplers import LengthGroupedSampler, TopicAwareSampler
from .teacher import TeacherVectors, encode_teacher
from .wise_ft import copy_trainable, interpolate_weights

_LOSS_WINDOW = 10


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run leaves behind.

    Attributes:
        model: the student with its best weights on the held-out rows (the last ones where none are held out).
        curve: one entry a look at the held-out rows: "step", "dev_accuracy" and that of each pair.
        losses: (step, mean loss since the last entry).
        rows: training rows of each pair that the steps are drawn from.
        blended: the held-out scores of the weights that are saved, where the start's are mixed into them.
        stopped_by: the number of the signal that stopped it, with a checkpoint to go on from; else 0.
    """

    model: SentenceTransformer
    curve: list[dict[str, float]]
    losses: list[tuple[int, float]]
    rows: dict[str, int]
    steps: int
    interpolated: dict[str, float]
    stopped_by: int


def train(
    config: TrainConfig,
    models: Models,
    data: Sequence[PairRows],
    output: Path,
    *,
    resume: bool = False,
    report_to: str = "none",
) -> Trained:
    """Train a student on clean pairs (anchor language as the source); checkpoints go to `output`/checkpoints.

    Args:
        config: what to do.
        models: the student and the teacher.
        data: rows of each pair.
        output: the folder of the checkpoint to be.
        resume: go on from the last intact checkpoint there is, with the same losses as if never stopped.
        report_to: where the trainer logs to ("tensorboard", "wandb"), besides the progress bar.

    Raises:
        UserError: the student cannot be trained, the teacher cannot be used, or no checkpoint to resume is intact.
    """
    training, held_out = hold_out(data, config.dev_size, config.seed)
    evaluated = any(item.source for item in held_out)
    arguments = trainer_arguments(config, output, report_to, evaluated=evaluated)
    training = _draw_rows(training, config, arguments.world_size)
    torch.manual_seed(config.seed)
    with arguments.main_process_first(desc="teacher"):
        checkpoint = intact_checkpoint(output) if resume else None
        teacher = _teacher_vectors(config, models, training)
        datasets = _datasets(config, models, training, teacher)
    arguments.batch_sampler = _batch_sampler(config, teacher)
    student = open_student(config, models.student)
    own_length = student.max_seq_length
    student.max_seq_length = min(config.max_length, own_length or config.max_length)
    loss = make_loss(config, student, teacher)
    start = copy_trainable(student) if config.wise_ft_share else {}
    progress = Progress(config.batch_size * arguments.world_size)
    criterion = DevAccuracy(held_out, config.student_prompt) if evaluated else None
    trainer = SentenceTransformerTrainer(
        model=student,
        args=arguments,
        train_dataset=datasets,
        loss=loss,
        evaluator=criterion,
        callbacks=[progress, *([EarlyStoppingCallback(config.early_stopping_patience)] if evaluated else [])],
    )
    _run(trainer, checkpoint, config.early_stopping_patience, progress)
    if start and not progress.stopped_by:
        interpolate_weights(student, start, config.wise_ft_share)
    _set_for_use(student, own_length, config.student_prompt)
    return Trained(
        model=student,
        curve=[_dev_point(entry) for entry in trainer.state.log_history if "eval_dev_accuracy" in entry],
        losses=_window_means([entry["loss"] for entry in trainer.state.log_history if "loss" in entry]),
        rows={str(item.pair): len(item.source) for item in training},
        steps=trainer.state.global_step,
        interpolated=criterion(student) if criterion and start and not progress.stopped_by else {},
        stopped_by=progress.stopped_by,
    )


def _batch_sampler(config: TrainConfig, teacher: TeacherVectors | None) -> Any:  # noqa: ANN401 (the trainer's own type)
    if config.topic_aware_batches and teacher is not None:
        return partial(TopicAwareSampler, vectors=teacher.vectors)
    return LengthGroupedSampler if config.group_by_length else BatchSamplers.NO_DUPLICATES


def _run(trainer: SentenceTransformerTrainer, checkpoint: Path | None, patience: int, progress: Progress) -> None:
    complete = CompleteCheckpoints(trainer.loss, trainer.model)
    trainer.add_callback(complete)
    if checkpoint:
        complete.restore(checkpoint)
    if checkpoint and is_last(checkpoint, patience):
        restore(trainer, checkpoint)
        return
    for theirs in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(theirs)
    with warnings.catch_warnings(), closing(progress):
        # Pinned memory without a GPU, and the like: the libraries' own affairs.
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


def check_training(config: TrainConfig, data: Sequence[PairRows]) -> None:
    """Check that every pair has rows for a batch.

    Raises:
        UserError: a pair has fewer rows than a batch once rows are held out.
    """
    training, _ = hold_out(data, config.dev_size, config.seed)
    for rows in training:
        if len(rows.source) < config.batch_size:
            raise UserError(
                f"{rows.pair} has {len(rows.source)} rows after cleaning and holding out: expected at least one batch "
                f"of {config.batch_size}; add data or lower --batch-size"
            )


def _window_means(losses: Sequence[float]) -> list[tuple[int, float]]:
    """Return (last step, mean) of every ten steps' losses, and of those after them."""
    ends = [*range(_LOSS_WINDOW, len(losses), _LOSS_WINDOW), len(losses)] if losses else []
    starts = [0, *ends]
    return [(end, sum(losses[start:end]) / (end - start)) for start, end in zip(starts, ends, strict=False)]


def _dev_point(entry: dict[str, float]) -> dict[str, float]:
    scores = {k.removeprefix("eval_"): v for k, v in entry.items() if k.startswith("eval_dev_accuracy")}
    return {"step": entry["step"], **scores}


def _draw_rows(training: Sequence[PairRows], config: TrainConfig, processes: int) -> list[PairRows]:
    """Return as many rows of each pair as the steps will use, by size^(1 / temperature).

    Rows that no step can reach would be encoded by the teacher for nothing. A pair that is to be drawn more often
    than it has rows has them several times; never twice in a batch.
    """
    sizes = [len(item.source) for item in training]
    total = float(sum(sizes))
    if config.max_steps:
        # A little more than needed: a batch may pass over a row that repeats a sentence.
        total = min(total, 1.05 * config.max_steps * config.batch_size * processes + config.batch_size)
    shares = [size ** (1 / config.sampling_temperature) for size in sizes]
    drawn = []
    for item, size, share in zip(training, sizes, shares, strict=True):
        weight = max(config.batch_size, total * share / sum(shares)) / size
        rows = sample_weighted(list(zip(item.source, item.target, strict=True)), weight, config.seed)
        drawn.append(PairRows(item.pair, [s for s, _ in rows], [t for _, t in rows]))
    return drawn


def open_student(config: TrainConfig, model: Model) -> SentenceTransformer:
    """Load the model to train, and set its prompt and similarity so that `run` needs no flag.

    Raises:
        UserError: it is not a transformer checkpoint.
    """
    encoder = model.load()
    if not isinstance(encoder, TransformerEncoder):
        raise UserError(f"{config.student} is no transformer checkpoint")
    student = encoder.model
    # For mteb by task type, and for sentence-transformers by what encode_query, encode_document and encode look for.
    student.prompts = dict.fromkeys(("BitextMining", "STS", "query", "document"), config.student_prompt)
    student.similarity_fn_name = "cosine"
    if config.dropout is not None:
        _set_dropout(student, config.dropout)
    if config.freeze_embeddings:
        student[0].auto_model.get_input_embeddings().requires_grad_(requires_grad=False)
    return student


def _set_for_use(student: SentenceTransformer, max_length: int | None, prompt: str) -> None:
    student.max_seq_length = max_length
    # Not before, as sentence-transformers warns about it whenever the trainer loads a checkpoint.
    student.default_prompt_name = "BitextMining" if prompt else None


def _set_dropout(student: SentenceTransformer, probability: float) -> None:
    for module in student.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability
    if probability == 0 and student.device.type == "cpu":
        # Without dropout PyTorch takes an attention made for long texts, which is slow to train with short ones.
        student[0].auto_model.set_attn_implementation("eager")


def make_loss(config: TrainConfig, student: SentenceTransformer, teacher: TeacherVectors | None) -> nn.Module:
    """Return the loss that a config names."""
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    size = student.get_embedding_dimension()
    if config.loss == "translation-ranking":
        ranking: nn.Module = MultipleNegativesRankingLoss(
            student,
            scale=1 / config.objective.tau_student,
            gather_across_devices=distributed,
            directions=("query_to_doc", "doc_to_query"),
            partition_mode="per_direction",
        )
        return ranking
    vectors = teacher.vectors if teacher else None
    fits = vectors is None or vectors.shape[1] == size
    if config.loss == "embedding-mse" and vectors is not None:
        return _TeacherByRow(MSELoss(student, projection_dim=None if fits else vectors.shape[1]), vectors)
    if vectors is not None and not fits and config.objective.distillation_weight:
        raise UserError(
            f"distillation_weight needs a teacher of the student's {size} dimensions, and "
            f"{config.teacher} has {vectors.shape[1]}: leave it out, or take another teacher"
        )
    part = config.mini_batch_size
    return SoftContrastiveLoss(student, config.objective, vectors, mini_batch_size=part, gather=distributed)


class _TeacherByRow(nn.Module):
    """Hands a loss the teacher's vectors for labels that are their row numbers."""

    def __init__(self, loss: nn.Module, vectors: Tensor) -> None:
        super().__init__()
        self.loss = loss
        self._vectors = vectors

    def forward(self, sentence_features: Any, labels: Tensor) -> Tensor:  # noqa: ANN401 (the trainer's own type)
        loss: Tensor = self.loss(sentence_features, self._vectors[labels.cpu()].to(labels.device))
        return loss


def _teacher_vectors(config: TrainConfig, models: Models, training: Sequence[PairRows]) -> TeacherVectors | None:
    if not config.has_teacher:
        return None
    label = config.objective.label if config.loss == "soft-contrastive" else "priority"
    return encode_teacher(models.teacher, config.teacher_prompt, training, label, models.cache)


def _datasets(
    config: TrainConfig, models: Models, training: Sequence[PairRows], teacher: TeacherVectors | None
) -> DatasetDict:
    """Return one dataset a pair, so that batches hold one pair each."""
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
