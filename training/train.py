"""The loop: sentence-transformers' trainer around our labels, loss, criterion and teacher vectors."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from datasets import Dataset, DatasetDict
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MSELoss, MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.training_args import BatchSamplers, MultiDatasetBatchSamplers
from torch import Tensor, nn
from tqdm import tqdm
from transformers import EarlyStoppingCallback, PrinterCallback, ProgressCallback, TrainerCallback

from bitext_bench.encoders import Model, ModelOptions, resolve_model
from bitext_bench.encoders.transformer import TransformerEncoder
from bitext_bench.errors import UserError

from .config import TrainConfig
from .dev import DevAccuracy, hold_out
from .loss import SoftContrastiveLoss
from .teacher import PairRows, TeacherVectors, encode_teacher

_CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run leaves behind: the model with its best weights, the dev curve, and how far it came."""

    model: SentenceTransformer
    curve: list[dict[str, float]]
    best: float | None
    steps: int
    stopped: bool


def train(config: TrainConfig, data: Sequence[PairRows], output: Path, cache: Path, *, resume: bool = False) -> Trained:
    """Train a student on clean pairs (anchor language as the source); checkpoints go to `output`/checkpoints.

    Raises:
        UserError: the student cannot be trained or the teacher cannot be used, or there are fewer rows than a batch.
    """
    splits = [hold_out(item, config.dev_rows, config.seed) for item in data]
    training, held_out = [rows for rows, _ in splits], [rows for _, rows in splits]
    for rows in training:
        if len(rows.source) < config.batch_size:
            raise UserError(
                f"{rows.pair} has {len(rows.source)} rows after cleaning and holding out {config.dev_rows}: "
                f"expected at least one batch of {config.batch_size}; add data or lower --batch-size"
            )
    torch.manual_seed(config.seed)
    teacher = _teacher_vectors(config, training, cache)
    student = open_student(config)
    evaluator = DevAccuracy(held_out, config.student_prompt)
    progress = Progress(evaluator, config.batch_size)
    trainer = SentenceTransformerTrainer(
        model=student,
        args=_arguments(config, output),
        train_dataset=_datasets(training, teacher),
        loss=make_loss(config, student, teacher),
        evaluator=evaluator,
        callbacks=[progress, EarlyStoppingCallback(config.patience)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    with warnings.catch_warnings():
        # Pinned memory without a GPU, and the like: the libraries' own affairs.
        warnings.simplefilter("ignore", UserWarning)
        trainer.train(resume_from_checkpoint=resume or None)
    return Trained(student, evaluator.curve, trainer.state.best_metric, trainer.state.global_step, progress.stopped)


def open_student(config: TrainConfig) -> SentenceTransformer:
    """Load the model to be trained, its prompt and similarity set so that `run` needs no flag.

    Raises:
        UserError: it is not a transformer checkpoint.
    """
    encoder = resolve_model(config.student, ModelOptions(prompt=config.student_prompt)).load()
    if not isinstance(encoder, TransformerEncoder):
        raise UserError(
            f"{config.student} is no transformer checkpoint: expected a model directory or a hub id to train"
        )
    student = encoder.model
    student.max_seq_length = min(config.max_length, student.max_seq_length or config.max_length)
    student.prompts = {"BitextMining": config.student_prompt, "STS": config.student_prompt}
    student.similarity_fn_name = "cosine"
    if config.freeze_embeddings:
        student[0].auto_model.get_input_embeddings().requires_grad_(requires_grad=False)
    return student


def make_loss(config: TrainConfig, student: SentenceTransformer, teacher: TeacherVectors | None) -> nn.Module:
    """Return the loss that a config names."""
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    if config.loss == "ranking":
        ranking: nn.Module = MultipleNegativesRankingLoss(
            student,
            scale=1 / config.objective.tau_student,
            gather_across_devices=distributed,
            directions=("query_to_doc", "doc_to_query"),
            partition_mode="per_direction",
        )
        return ranking
    vectors = teacher.vectors if teacher else None
    if config.loss == "embedding-mse" and vectors is not None:
        size = student.get_embedding_dimension()
        return _ByRow(MSELoss(student, projection_dim=vectors.shape[1] if vectors.shape[1] != size else None), vectors)
    return SoftContrastiveLoss(student, config.objective, vectors, mini_batch=config.mini_batch, gather=distributed)


class _ByRow(nn.Module):
    """Hands a loss the teacher's vectors for labels that are their row numbers."""

    def __init__(self, loss: nn.Module, vectors: Tensor) -> None:
        super().__init__()
        self.loss = loss
        self._vectors = vectors

    def forward(self, sentence_features: Any, labels: Tensor) -> Tensor:  # noqa: ANN401 (the trainer's own type)
        loss: Tensor = self.loss(sentence_features, self._vectors[labels.cpu()].to(labels.device))
        return loss


def _teacher_vectors(config: TrainConfig, training: Sequence[PairRows], cache: Path) -> TeacherVectors | None:
    soft = config.loss == "soft-contrastive" and config.objective.label != "hard"
    if not soft and config.loss != "embedding-mse":
        return None
    label = config.objective.label if soft else "priority"
    model: Model = resolve_model(config.teacher or config.student, ModelOptions(prompt=config.teacher_prompt))
    return encode_teacher(model, config.teacher_prompt, training, label, cache)


def _datasets(training: Sequence[PairRows], teacher: TeacherVectors | None) -> DatasetDict:
    """Return one dataset a pair, so that batches hold one pair each."""
    datasets = {}
    for rows in training:
        columns: dict[str, Any] = {"source": rows.source, "target": rows.target}
        if teacher is not None:
            columns["label"] = teacher.rows[rows.pair]
        datasets[str(rows.pair)] = Dataset.from_dict(columns)
    return DatasetDict(datasets)


def _arguments(config: TrainConfig, output: Path) -> SentenceTransformerTrainingArguments:
    return SentenceTransformerTrainingArguments(
        output_dir=str(output / _CHECKPOINTS),
        num_train_epochs=config.epochs,
        max_steps=config.max_steps or -1,
        per_device_train_batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        max_grad_norm=config.clip,
        bf16=config.precision == "bf16",
        fp16=config.precision == "fp16",
        seed=config.seed,
        data_seed=config.seed,
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        multi_dataset_batch_sampler=MultiDatasetBatchSamplers.PROPORTIONAL,
        prompts={"source": config.student_prompt, "target": config.student_prompt},
        eval_strategy="steps",
        eval_steps=config.eval_steps,
        save_strategy="steps",
        save_steps=config.eval_steps,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_dev_accuracy",
        greater_is_better=True,
        logging_steps=10,
        disable_tqdm=True,
        report_to="none",
    )


class Progress(TrainerCallback):
    """One line with loss, dev accuracy, pairs a second and time left; and a stop that saves on SIGTERM and Ctrl-C."""

    def __init__(self, evaluator: DevAccuracy, batch_size: int) -> None:
        self.stopped = False
        self._evaluator = evaluator
        self._batch_size = batch_size
        self._bar: tqdm[Any] | None = None
        self._shown: dict[str, str] = {}
        self._handlers: dict[int, Any] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, D102 (the trainer's signature)
        if state.is_world_process_zero:
            self._bar = tqdm(total=state.max_steps, initial=state.global_step, desc="training", unit="step")
        for number in (signal.SIGTERM, signal.SIGINT):
            self._handlers[number] = signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopped = True

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, D102
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)
            rate = self._bar.format_dict["rate"]
            if rate:
                self._shown["pairs/s"] = f"{rate * self._batch_size:.0f}"
            self._bar.set_postfix(self._shown, refresh=False)
        if self.stopped:
            control.should_save = control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:  # noqa: ANN401, D102
        if logs and "loss" in logs:
            self._shown["loss"] = f"{logs['loss']:.3f}"

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, D102
        self._shown["dev"] = f"{self._evaluator.curve[-1]['dev_accuracy']:.4f}"

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, D102
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._bar is not None:
            self._bar.close()
