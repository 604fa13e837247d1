"""The training loop: sentence-transformers' trainer with our labels, loss, criterion and teacher vectors."""

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
from .arguments import Progress, trainer_arguments
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
    """The outcome of a training run.

    Attributes:
        model: the student with the best weights on the held-out rows (the last weights if no rows are held out).
        curve: one entry for each evaluation: "step", "dev_accuracy" and "dev_accuracy_PAIR" for each pair.
        losses: (step, mean loss since the last entry).
        rows: number of training rows available for each pair.
        steps: number of steps taken.
        interpolated: held-out scores of the interpolated weights that are saved; {} without interpolation.
        stopped_by: the number of the signal that stopped the run after it saved a checkpoint; else 0.
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
        config: the settings.
        models: the student and the teacher.
        data: rows of each pair.
        output: the directory of the checkpoint.
        resume: continue from the newest intact checkpoint, if any; losses are the same as without the interruption.
        report_to: a logger of the trainer ("tensorboard", "wandb"), in addition to the progress bar.

    Raises:
        UserError: the student cannot be trained, the teacher cannot be used, or checkpoints exist and none is intact.
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


def _window_means(losses: Sequence[float]) -> list[tuple[int, float]]:
    """Return (last step, mean loss) of each window of ten steps; the last window may be shorter."""
    ends = [*range(_LOSS_WINDOW, len(losses), _LOSS_WINDOW), len(losses)] if losses else []
    starts = [0, *ends]
    return [(end, sum(losses[start:end]) / (end - start)) for start, end in zip(starts, ends, strict=False)]


def _dev_point(entry: dict[str, float]) -> dict[str, float]:
    scores = {k.removeprefix("eval_"): v for k, v in entry.items() if k.startswith("eval_dev_accuracy")}
    return {"step": entry["step"], **scores}


def _draw_rows(training: Sequence[PairRows], config: TrainConfig, processes: int) -> list[PairRows]:
    """Draw as many rows of each pair as the steps will use, in proportion to size^(1 / temperature).

    This spares the teacher from encoding rows that no step can reach. If a pair is drawn more often than it has rows,
    rows repeat, but never within a batch.
    """
    sizes = [len(item.source) for item in training]
    total = float(sum(sizes))
    if config.max_steps:
        # A little more than needed: a batch may skip a row that repeats a sentence.
        total = min(total, 1.05 * config.max_steps * config.batch_size * processes + config.batch_size)
    shares = [size ** (1 / config.sampling_temperature) for size in sizes]
    drawn = []
    for item, size, share in zip(training, sizes, shares, strict=True):
        weight = max(config.batch_size, total * share / sum(shares)) / size
        rows = sample_weighted(list(zip(item.source, item.target, strict=True)), weight, config.seed)
        drawn.append(PairRows(item.pair, [s for s, _ in rows], [t for _, t in rows]))
    return drawn


def open_student(config: TrainConfig, model: Model) -> SentenceTransformer:
    """Load the model to train, and store the prompt and the similarity in it, so that `run` needs no flag.

    Raises:
        UserError: it is not a transformer checkpoint.
    """
    encoder = model.load()
    if not isinstance(encoder, TransformerEncoder):
        raise UserError(f"{config.student} is not a transformer checkpoint")
    student = encoder.model
    # mteb looks prompts up by task type; encode_query, encode_document and encode of sentence-transformers by name.
    student.prompts = dict.fromkeys(("BitextMining", "STS", "query", "document"), config.student_prompt)
    student.similarity_fn_name = "cosine"
    if config.dropout is not None:
        _set_dropout(student, config.dropout)
    if config.freeze_embeddings:
        student[0].auto_model.get_input_embeddings().requires_grad_(requires_grad=False)
    return student


def _set_for_use(student: SentenceTransformer, max_length: int | None, prompt: str) -> None:
    student.max_seq_length = max_length
    # Set after training: sentence-transformers warns about a default prompt whenever the trainer loads a checkpoint.
    student.default_prompt_name = "BitextMining" if prompt else None


def _set_dropout(student: SentenceTransformer, probability: float) -> None:
    for module in student.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability
    if probability == 0 and student.device.type == "cpu":
        # Without dropout, PyTorch uses an attention kernel for long texts, which trains slowly on short ones.
        student[0].auto_model.set_attn_implementation("eager")


def make_loss(config: TrainConfig, student: SentenceTransformer, teacher: TeacherVectors | None) -> nn.Module:
    """Build the loss of a config."""
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
            f"distillation_weight needs a teacher with the student's {size} dimensions, but "
            f"{config.teacher} has {vectors.shape[1]}: set it to 0, or use another teacher"
        )
    part = config.mini_batch_size
    return SoftContrastiveLoss(student, config.objective, vectors, mini_batch_size=part, gather=distributed)


class _TeacherByRow(nn.Module):
    """Wraps a loss that takes vectors as labels: looks up the teacher's vectors by row number."""

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
