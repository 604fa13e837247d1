"""Resume a run: find the newest intact checkpoint, and save the state that the trainer's checkpoints omit."""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from torch import nn
from transformers import TrainerCallback, TrainerState

from bitext_bench.embedding.store import write_atomic
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import say

from ..checkpoint.folder import CHECKPOINTS, find_damage, write_checksums

_STATE = "trainer_state.json"
_LOSS = "loss.pt"


def intact_checkpoint(output: Path) -> Path | None:
    """Return the newest intact checkpoint below `output`, or None if there are no checkpoints.

    Newer damaged checkpoints are reported on stderr and removed; the run will save them again.

    Raises:
        UserError: checkpoints exist, and none is intact.
    """
    damaged: dict[Path, str] = {}
    for folder in _newest_first(output):
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


def _newest_first(output: Path) -> list[Path]:
    steps = {}
    for folder in (output / CHECKPOINTS).glob("checkpoint-*"):
        number = folder.name.rpartition("-")[2]
        if number.isdecimal() and folder.is_dir():
            steps[int(number)] = folder
    return [steps[number] for number in sorted(steps, reverse=True)]


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


def is_last(checkpoint: Path, patience: int) -> bool:
    """Return whether the checkpoint is from a run's last step; resumed from there, the trainer would take another."""
    state = TrainerState.load_from_json(str(checkpoint / _STATE))
    stopping = state.stateful_callbacks.get("EarlyStoppingCallback", {})
    in_vain: int = stopping.get("attributes", {}).get("early_stopping_patience_counter", 0)
    return state.global_step >= state.max_steps or in_vain >= patience


def restore(trainer: SentenceTransformerTrainer, checkpoint: Path) -> None:
    """Restore the state of a finished run: its log, and the weights of the best checkpoint, or of this one."""
    trainer.state = TrainerState.load_from_json(str(checkpoint / _STATE))
    weights = _best(checkpoint) or checkpoint
    trainer.model.load_state_dict(SentenceTransformer(str(weights), device="cpu").state_dict())


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
