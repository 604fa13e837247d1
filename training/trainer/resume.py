"""Resuming a run: find the newest intact checkpoint, and keep what the trainer leaves out of its checkpoints."""

from __future__ import annotations

import shutil
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from torch import nn
from transformers import TrainerCallback, TrainerState

from bitext_bench.embedding.store import write_atomic
from bitext_bench.errors import UserError

from ..checkpoint.checksums import find_damage, write_checksums
from ..checkpoint.folder import CHECKPOINTS

_STATE = "trainer_state.json"
_LOSS = "loss.pt"


def intact_checkpoint(output: Path) -> Path | None:
    """Return the newest intact checkpoint below `output`, or None if no checkpoint was begun.

    Newer ones that are damaged are reported on stderr and removed: the run will save them again.

    Raises:
        UserError: there are checkpoints and none of them is intact.
    """
    damaged: dict[Path, str] = {}
    for folder in _newest_first(output):
        if not (damage := _damage(folder)):
            for other, reason in damaged.items():
                print(f"bitext-bench: {other} is damaged ({reason}): resuming from {folder.name}", file=sys.stderr)
                shutil.rmtree(other, ignore_errors=True)
            return folder
        damaged[folder] = damage
    if damaged:
        reasons = "; ".join(f"{folder.name}: {reason}" for folder, reason in damaged.items())
        raise UserError(
            f"cannot resume {output}: no checkpoint is intact ({reasons}); restore one from a copy, "
            "or pass --overwrite instead of --resume to train from the start"
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
    """Return why a run cannot go on from a checkpoint; "" if it can. The best weights so far may be another's."""
    if damage := find_damage(checkpoint):
        return damage
    best = _best(checkpoint)
    if best not in (None, checkpoint) and (damage := find_damage(best)):
        return f"its best weights are those of {best.name}, where {damage}"
    return ""


def _best(checkpoint: Path) -> Path | None:
    """Return the checkpoint with the best weights when this one was saved; the folder may have moved since."""
    best = TrainerState.load_from_json(str(checkpoint / _STATE)).best_model_checkpoint
    return checkpoint.with_name(Path(best).name) if best else None


def is_last(checkpoint: Path, patience: int) -> bool:
    """Say whether a run had taken its last step when the checkpoint was written: the trainer would take another."""
    state = TrainerState.load_from_json(str(checkpoint / _STATE))
    stopping = state.stateful_callbacks.get("EarlyStoppingCallback", {})
    in_vain: int = stopping.get("attributes", {}).get("early_stopping_patience_counter", 0)
    return state.global_step >= state.max_steps or in_vain >= patience


def restore(trainer: SentenceTransformerTrainer, checkpoint: Path) -> None:
    """Put the trainer where a run ended: the weights of the best checkpoint, or of this one, and what was logged."""
    trainer.state = TrainerState.load_from_json(str(checkpoint / _STATE))
    weights = _best(checkpoint) or checkpoint
    trainer.model.load_state_dict(SentenceTransformer(str(weights), device="cpu").state_dict())


def check_best(state: TrainerState) -> None:
    """Make sure that the best weights, which the trainer has just loaded, are those that it had saved.

    Raises:
        UserError: their checkpoint is damaged or gone.
    """
    if state.best_model_checkpoint and (damage := find_damage(Path(state.best_model_checkpoint))):
        raise UserError(
            f"the best weights in {state.best_model_checkpoint} are damaged ({damage}): "
            "pass --overwrite to train from the start"
        )


class CompleteCheckpoints(TrainerCallback):
    """Adds to each checkpoint the loss's own weights (the projection of embedding-MSE) and, last, the checksums."""

    def __init__(self, loss: nn.Module, student: nn.Module) -> None:
        shared = {id(parameter) for parameter in student.parameters()}
        self._own = {name: p for name, p in loss.named_parameters() if id(p) not in shared}

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, D102 (the trainer's signature)
        if args.world_size > 1:
            torch.distributed.barrier()  # every process saves the state of its random numbers
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            if self._own:
                stream = BytesIO()
                torch.save({name: parameter.detach() for name, parameter in self._own.items()}, stream)
                write_atomic(folder / _LOSS, stream.getvalue())
            write_checksums(folder)

    def restore(self, checkpoint: Path) -> None:
        """Put the loss's own weights back from an intact checkpoint."""
        if self._own:
            saved = torch.load(checkpoint / _LOSS, weights_only=True)
            with torch.no_grad():
                for name, parameter in self._own.items():
                    parameter.copy_(saved[name])
