"""Resume a run: find the newest intact checkpoint, and save the state that the trainer's checkpoints omit."""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback, TrainerState

from bitext_bench.embedding.store import write_atomic
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import say

from ..checkpoint.folder import checkpoint_steps, find_damage, write_checksums
from .student_trainer import StudentTrainer

_STATE = "trainer_state.json"
_LOSS = "loss.pt"


def intact_checkpoint(output: Path) -> Path | None:
    """Return the newest intact checkpoint below `output`, or None if there are no checkpoints.

    Newer damaged checkpoints are reported on stderr and removed; the run will save them again.

    Raises:
        UserError: checkpoints exist, and none is intact.
    """
    damaged: dict[Path, str] = {}
    for _, folder in sorted(checkpoint_steps(output).items(), reverse=True):
        if not (damage := _damage(folder)):
            for other, reason in damaged.items():
                say(f"{other} is damaged ({reason}): resuming from {folder.name}")
                shutil.rmtree(other, ignore_errors=True)
            return folder
        damaged[folder] = damage
    if damaged:
        reasons = "; ".join(f"{folder.name}: {reason}" for folder, reason in damaged.items())
        raise UserError(
            f"cannot resume {output}: no checkpoint is intact ({reasons}); restore one from a backup, "
            "or pass --overwrite instead of --resume to train from scratch"
        )
    return None


def _damage(checkpoint: Path) -> str:
    """Return why a run cannot resume from a checkpoint, "" if it can.

    The best weights so far may be in another checkpoint, which must be intact too.
    """
    if damage := find_damage(checkpoint):
        return damage
    best = _best(checkpoint)
    if best not in (None, checkpoint) and (damage := find_damage(best)):
        return f"its best weights are in {best.name}, where {damage}"
    return ""


def _best(checkpoint: Path) -> Path | None:
    """Return the checkpoint that had the best weights when this one was saved; the directory may have moved since."""
    best = TrainerState.load_from_json(str(checkpoint / _STATE)).best_model_checkpoint
    return checkpoint.with_name(Path(best).name) if best else None


def is_last(checkpoint: Path, steps: int, patience: int) -> bool:
    """Return whether a run of this many steps ends at the checkpoint; resumed from there, it would take another step.

    Raises:
        UserError: the checkpoint has more steps.
    """
    state = TrainerState.load_from_json(str(checkpoint / _STATE))
    if state.global_step > steps:
        raise UserError(
            f"cannot resume {checkpoint} for {steps:,} steps, which are behind it: pass more steps, or --overwrite"
        )
    stopping = state.stateful_callbacks.get("EarlyStoppingCallback", {})
    in_vain: int = stopping.get("attributes", {}).get("early_stopping_patience_counter", 0)
    return state.global_step == steps or in_vain >= patience


def restore(trainer: StudentTrainer, checkpoint: Path) -> None:
    """Restore the state of a finished run: its log, and the weights of the best checkpoint, or of this one."""
    trainer.state = TrainerState.load_from_json(str(checkpoint / _STATE))
    trainer.load_weights(_best(checkpoint) or checkpoint)


def check_best(state: TrainerState) -> None:
    """Check that the best weights, which the trainer has just loaded, are unchanged since they were saved.

    Raises:
        UserError: their checkpoint is damaged or missing.
    """
    if state.best_model_checkpoint and (damage := find_damage(Path(state.best_model_checkpoint))):
        raise UserError(
            f"the best weights in {state.best_model_checkpoint} are damaged ({damage}): "
            "pass --overwrite to train from scratch"
        )


class NewSchedule(TrainerCallback):
    """Lets a resumed run follow its own settings: the trainer would take the checkpoint's interval and learning rate.

    The learning rate of the next step is the one that the new length gives; with the same length, nothing changes.
    """

    def on_train_begin(self, args: Any, state: Any, control: Any, **training: Any) -> None:  # noqa: ANN401, D102 (the trainer's signature)
        state.compute_steps(args, state.max_steps)
        schedule = training["lr_scheduler"]
        rates = [
            peak * factor(schedule.last_epoch)
            for peak, factor in zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)
        ]
        schedule.load_state_dict({**schedule.state_dict(), "_last_lr": rates})
        for group, rate in zip(training["optimizer"].param_groups, rates, strict=True):
            group["lr"] = rate


class CompleteCheckpoints(TrainerCallback):
    """Adds the loss's own weights (the projection of embedding-MSE) and then the checksums to each checkpoint."""

    def __init__(self, loss: nn.Module, student: nn.Module) -> None:
        shared = {id(parameter) for parameter in student.parameters()}
        self._own = {name: p for name, p in loss.named_parameters() if id(p) not in shared}

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, D102 (the trainer's signature)
        if args.world_size > 1:
            torch.distributed.barrier()  # wait until every process has saved its random state
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            if self._own:
                stream = BytesIO()
                torch.save({name: parameter.detach() for name, parameter in self._own.items()}, stream)
                write_atomic(folder / _LOSS, stream.getvalue())
            write_checksums(folder)

    def restore(self, checkpoint: Path) -> None:
        """Load the loss's own weights from an intact checkpoint."""
        if self._own:
            saved = torch.load(checkpoint / _LOSS, weights_only=True)
            with torch.no_grad():
                for name, parameter in self._own.items():
                    parameter.copy_(saved[name])
