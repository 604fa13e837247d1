"""What is needed to go on from where a run was stopped: a whole checkpoint, and the loss's own weights in it."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from torch import nn
from transformers import TrainerCallback, TrainerState

from bitext_bench.store import write_whole

CHECKPOINTS = "checkpoints"
TENSORBOARD = "runs"  # where the trainer logs for it, below the checkpoints
# Files without which the trainer cannot go on; it writes the state last.
_STATE = "trainer_state.json"
_NEEDED = ("optimizer.pt", "scheduler.pt", _STATE)
_LOSS = "loss.pt"


def last_checkpoint(output: Path, *, with_loss: bool) -> Path | None:
    """Return the newest whole checkpoint below `output`, None where there is none.

    A run that was killed while it wrote one leaves a part of it, which is passed over; so is one without the loss's
    own weights where it has some.
    """
    steps = {}
    for folder in (output / CHECKPOINTS).glob("checkpoint-*"):
        number = folder.name.rpartition("-")[2]
        if number.isdecimal() and _is_whole(folder) and (not with_loss or (folder / _LOSS).is_file()):
            steps[int(number)] = folder
    return steps[max(steps)] if steps else None


def _is_whole(folder: Path) -> bool:
    if not (any(folder.rglob("*.safetensors")) and all((folder / name).is_file() for name in _NEEDED)):
        return False
    try:
        json.loads((folder / _STATE).read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def is_last(checkpoint: Path, patience: int) -> bool:
    """Say whether a run had taken its last step when the checkpoint was written: the trainer would take another."""
    state = TrainerState.load_from_json(str(checkpoint / _STATE))
    stopping = state.stateful_callbacks.get("EarlyStoppingCallback", {})
    in_vain: int = stopping.get("attributes", {}).get("early_stopping_patience_counter", 0)
    return state.global_step >= state.max_steps or in_vain >= patience


def take(trainer: SentenceTransformerTrainer, checkpoint: Path) -> None:
    """Put the trainer where a run ended: the weights of the best checkpoint, or of this one, and what was logged."""
    trainer.state = TrainerState.load_from_json(str(checkpoint / _STATE))
    best = trainer.state.best_model_checkpoint
    weights = checkpoint.with_name(Path(best).name) if best else checkpoint
    trainer.model.load_state_dict(SentenceTransformer(str(weights), device="cpu").state_dict())


class KeepLoss(TrainerCallback):
    """Saves the loss's own weights (the projection of embedding-MSE) with each checkpoint; the trainer does not."""

    def __init__(self, loss: nn.Module, student: nn.Module) -> None:
        shared = {id(parameter) for parameter in student.parameters()}
        self._own = {name: p for name, p in loss.named_parameters() if id(p) not in shared}

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, D102 (the trainer's signature)
        if self._own and state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            stream = BytesIO()
            torch.save({name: parameter.detach() for name, parameter in self._own.items()}, stream)
            write_whole(folder / _LOSS, stream.getvalue())

    def last_checkpoint(self, output: Path) -> Path | None:
        """Return the newest whole checkpoint below `output`, with the loss's weights put back from it."""
        checkpoint = last_checkpoint(output, with_loss=bool(self._own))
        if checkpoint and self._own:
            saved = torch.load(checkpoint / _LOSS, weights_only=True)
            with torch.no_grad():
                for name, parameter in self._own.items():
                    parameter.copy_(saved[name])
        return checkpoint
