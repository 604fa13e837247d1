"""Translate our settings into the trainer's arguments, and show its progress.

Settings are checked against the hardware and the installed packages.
"""

from __future__ import annotations

import math
import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.training_args import MultiDatasetBatchSamplers
from tqdm import tqdm
from transformers import TrainerCallback
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK, get_available_reporting_integrations

from bitext_bench.encoders.device import has_bf16_hardware
from bitext_bench.errors import UserError
from bitext_bench.io.interrupts import on_first_signal
from bitext_bench.io.progress import progress_bar

from ..checkpoint.folder import CHECKPOINTS
from ..config import Precision, TrainConfig


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is carried out: nothing here is a setting of the training.

    Attributes:
        resume: continue from the newest intact checkpoint, if any; losses are the same as without the interruption.
        report_to: a logger of the trainer ("tensorboard", "wandb"), in addition to the progress bar; or "none".
        device: "cpu", "cuda" or "mps"; None takes a GPU if there is one.
    """

    resume: bool = False
    report_to: str = "none"
    device: str | None = None


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


def check_device(device: str | None) -> None:
    """Check that this machine has the device.

    Raises:
        UserError: it does not.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device is not None and not available.get(device, device == "cpu"):
        raise UserError(f"--device {device}: torch finds no such device here; leave it out, or pass --device cpu")


def resolve_precision(precision: Precision, device: str | None = None) -> Precision:
    """Resolve "auto" to bf16 if the hardware supports it, else to fp32; return other values unchanged.

    Raises:
        UserError: fp16 without a GPU.
    """
    on_gpu = torch.cuda.is_available() and device in (None, "cuda")
    if precision == "fp16" and not on_gpu:
        raise UserError("fp16 training needs a GPU, and this machine has none: pass --precision bf16 or fp32")
    if precision != "auto":
        return precision
    return "bf16" if has_bf16_hardware(on_gpu=on_gpu) else "fp32"


def trainer_arguments(
    config: TrainConfig, output: Path, options: RunOptions, *, evaluated: bool
) -> SentenceTransformerTrainingArguments:
    """Return the trainer's arguments.

    Args:
        config: the settings; `precision` may be "auto".
        output: the directory for checkpoints.
        options: the logger and the device.
        evaluated: whether held-out rows exist to choose the best checkpoint.

    Raises:
        UserError: see `resolve_precision`.
    """
    every = min(config.eval_steps, config.max_steps or config.eval_steps)
    precision = resolve_precision(config.precision, options.device)
    on_cpu = options.device == "cpu" or not (torch.cuda.is_available() or torch.backends.mps.is_available())
    columns = ("source", "target", *(f"negative_{i}" for i in range(1, config.num_hard_negatives + 1)))
    return SentenceTransformerTrainingArguments(
        output_dir=str(output / CHECKPOINTS),
        num_train_epochs=config.epochs,
        max_steps=config.max_steps or -1,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
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
        report_to=options.report_to,
    )


class Progress(TrainerCallback):
    """Shows loss, dev accuracy, pairs per second and time left; on SIGTERM or Ctrl-C, saves and stops.

    Attributes:
        stopped_by: the number of the signal; 0 if there was none.
    """

    def __init__(self, pairs_a_step: int) -> None:
        self.stopped_by = 0
        self._pairs_a_step = pairs_a_step
        self._bar: tqdm[Any] | None = None
        self._shown: dict[str, str] = {}
        self._stopping = ExitStack()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, D102 (the trainer's signature)
        if state.is_world_process_zero:
            self._bar = progress_bar(total=state.max_steps, initial=state.global_step, desc="training", unit="step")
        self._stopping.enter_context(on_first_signal(self._stop))

    def _stop(self, number: int) -> None:
        self.stopped_by = number
        line = (
            "\nbitext-bench: stopping after this step is finished and saved (and its evaluation, if one has begun); "
            "interrupt again to stop at once\n"
        )
        with suppress(OSError):
            os.write(2, line.encode())  # The signal may have interrupted a write to sys.stderr.

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, D102
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)
            rate = self._bar.format_dict["rate"]
            if rate:
                self._shown["pairs/s"] = f"{rate * self._pairs_a_step:.0f}"
            self._bar.set_postfix(self._shown, refresh=False)
        self.stopped_by = self._any_stopped(args)
        if self.stopped_by:
            control.should_save = control.should_training_stop = True
            args.load_best_model_at_end = False  # it takes seconds and would not be used

    def _any_stopped(self, args: Any) -> int:  # noqa: ANN401
        """Return a signal that any process received: all processes must stop at the same step."""
        if args.world_size == 1:
            return self.stopped_by
        number = torch.tensor(float(self.stopped_by), device=args.device)
        torch.distributed.all_reduce(number, torch.distributed.ReduceOp.MAX)
        return int(number)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:  # noqa: ANN401, D102
        if logs and "loss" in logs:
            if not math.isfinite(logs["loss"]):
                raise UserError(
                    f"the loss of step {state.global_step:,} is {logs['loss']}: lower --learning-rate, "
                    "or train with --precision fp32"
                )
            self._shown["loss"] = f"{logs['loss']:.3f}"

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:  # noqa: ANN401, D102
        self._shown["dev"] = f"{metrics['eval_dev_accuracy']:.4f}"

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, D102
        self.close()

    def close(self) -> None:
        """Restore the signal handlers and close the progress bar."""
        self._stopping.close()
        if self._bar is not None:
            self._bar.close()
