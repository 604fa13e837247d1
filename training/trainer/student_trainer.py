"""sentence-transformers' trainer, with the parts of the loss in its log and an evaluation before the first step."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer

from ..losses.soft_contrastive import SoftContrastiveLoss
from .lora import is_adapted, trained_weights

_TRAINED = "trained.safetensors"


class StudentTrainer(SentenceTransformerTrainer):
    """Logs the parts of the loss at each step, for the record and every logger of `report_to`."""

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Add none, although the trainer calls this: the card is our own (training/checkpoint/card.py)."""

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log values; all processes call this."""
        if "loss" in logs and isinstance(self.loss, SoftContrastiveLoss):
            logs = {**logs, **self._means(self.loss)}
        super().log(logs, start_time)

    def evaluate(self, *given: Any, **named: Any) -> dict[str, float]:
        """Score the student without drawing from the random numbers of the steps, so that it changes no weight."""
        on_gpu = [self.args.device] if self.args.device.type == "cuda" else []
        with torch.random.fork_rng(on_gpu):
            scores: dict[str, float] = super().evaluate(*given, **named)
            return scores

    def load_weights(self, checkpoint: Path) -> None:
        """Load the weights of an intermediate checkpoint into the student."""
        if is_adapted(self.model):
            weights = load_file(checkpoint / _TRAINED)
            with torch.no_grad():
                for name, weight in trained_weights(self.model).items():
                    weight.copy_(weights[name])
        else:
            self.model.load_state_dict(SentenceTransformer(str(checkpoint), device="cpu").state_dict())

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ANN401 (the trainer's signature)
        """Save an intermediate checkpoint: under LoRA only the trained weights, otherwise a model."""
        if not is_adapted(self.model):
            super()._save(output_dir, state_dict)
            return
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        save_file(
            {name: weight.contiguous() for name, weight in trained_weights(self.model).items()}, folder / _TRAINED
        )

    def _load_from_checkpoint(self, checkpoint_path: str) -> None:
        """Load the weights to resume with, or the best ones; the trainer calls this."""
        if is_adapted(self.model):
            self.load_weights(Path(checkpoint_path))
        else:
            super()._load_from_checkpoint(checkpoint_path)

    def _means(self, loss: SoftContrastiveLoss) -> dict[str, float]:
        """Return the loss's means over all processes."""
        means = loss.take_means()
        values = torch.stack([*means.values()])
        if self.args.world_size > 1:
            torch.distributed.all_reduce(values)
            values /= self.args.world_size
        found = dict(zip(means, values.tolist(), strict=True))
        if "label_entropy" in found:
            found["effective_positives"] = math.exp(found["label_entropy"])
        return found
