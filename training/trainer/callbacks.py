"""The progress line of a training run, and a clean stop on a signal."""

from __future__ import annotations

import math
import os
from contextlib import ExitStack, suppress
from typing import Any

import torch
from tqdm import tqdm
from transformers import TrainerCallback

from bitext_bench.errors import UserError
from bitext_bench.io.interrupts import on_first_signal
from bitext_bench.io.progress import progress_bar


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
