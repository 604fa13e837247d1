"""Translate our settings into the trainer's, and check them against the hardware and the installed packages."""

from __future__ import annotations

from pathlib import Path

import torch
from sentence_transformers import SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.training_args import MultiDatasetBatchSamplers
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK, get_available_reporting_integrations

from bitext_bench.encoders.device import has_bf16_hardware
from bitext_bench.errors import UserError

from ..checkpoint.folder import CHECKPOINTS
from ..config import Precision, TrainConfig


def check_reporter(name: str) -> str:
    """Check that the trainer can log to `name`, and return it.

    Raises:
        UserError: the trainer does not know the logger, or its package is not installed.
    """
    if name == "none":
        return name
    if name not in INTEGRATION_TO_CALLBACK:
        known = ", ".join(sorted(INTEGRATION_TO_CALLBACK))
        raise UserError(f"--report-to {name}: expected one of {known}")
    if name not in get_available_reporting_integrations():
        raise UserError(f"--report-to {name} needs its package, which is not installed: pip install {name}")
    return name


def resolve_precision(precision: Precision) -> Precision:
    """Resolve "auto" to bf16 if the hardware supports it, else to fp32; return other values unchanged.

    Raises:
        UserError: fp16 without a GPU.
    """
    if precision == "fp16" and not torch.cuda.is_available():
        raise UserError("fp16 training needs a GPU, and this machine has none: pass --precision bf16 or fp32")
    if precision != "auto":
        return precision
    return "bf16" if has_bf16_hardware(on_gpu=torch.cuda.is_available()) else "fp32"


def trainer_arguments(
    config: TrainConfig, output: Path, report_to: str, *, evaluated: bool
) -> SentenceTransformerTrainingArguments:
    """Return the trainer's arguments.

    Args:
        config: the settings; `precision` may be "auto".
        output: the directory for checkpoints.
        report_to: a logger of the trainer, or "none".
        evaluated: whether held-out rows exist to choose the best checkpoint.

    Raises:
        UserError: see `resolve_precision`.
    """
    every = min(config.eval_steps, config.max_steps or config.eval_steps)
    precision = resolve_precision(config.precision)
    on_cpu = not (torch.cuda.is_available() or torch.backends.mps.is_available())
    columns = ("source", "target", *(f"negative_{i}" for i in range(1, config.num_hard_negatives + 1)))
    return SentenceTransformerTrainingArguments(
        output_dir=str(output / CHECKPOINTS),
        num_train_epochs=config.epochs,
        max_steps=config.max_steps or -1,
        per_device_train_batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        use_cpu=on_cpu,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        seed=config.seed,
        data_seed=config.seed,
        multi_dataset_batch_sampler=MultiDatasetBatchSamplers.PROPORTIONAL,
        prompts=dict.fromkeys(columns, config.student_prompt),
        eval_strategy="steps" if evaluated else "no",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=evaluated,
        restore_callback_states_from_checkpoint=True,  # the early-stopping counter
        metric_for_best_model="eval_dev_accuracy" if evaluated else None,
        greater_is_better=True if evaluated else None,
        logging_nan_inf_filter=False,  # the filter would log a NaN or infinite loss as 0
        logging_steps=1,  # a mean over several steps would differ if a run stopped between them
        disable_tqdm=True,
        report_to=report_to,
    )
