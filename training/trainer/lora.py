"""LoRA (Hu et al. 2021): trains two small matrices beside each linear layer instead of the layer's own weights."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Transformer
from torch import Tensor, nn

from bitext_bench.errors import UserError


def add_lora(student: SentenceTransformer, rank: int, base: str, revision: str | None) -> None:
    """Freeze the transformer and add trainable matrices to all its linear layers, with alpha = 2 * rank.

    Layers after the transformer, such as the Dense layer of LaBSE, train as without LoRA.

    Args:
        student: the model to train, changed in place.
        rank: the smaller dimension of the matrices.
        base: the directory or hub id of the student, for a checkpoint that keeps the matrices separate.
        revision: its commit on the hub; None for a directory.

    Raises:
        UserError: the first module of the student is not a transformer.
    """
    from peft import LoraConfig, get_peft_model

    if not isinstance(student[0], Transformer):
        raise UserError(f"--lora: {base} begins with a {type(student[0]).__name__}: expected a Transformer")
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # peft calls a method that has a new name
        adapted: Any = get_peft_model(student[0].model, config)
    config.base_model_name_or_path, config.revision = base, revision
    # The embeddings are frozen; otherwise peft would look on the hub whether the vocabulary has changed.
    adapted.save_pretrained = partial(adapted.save_pretrained, save_embedding_layers=False)
    student[0].model = adapted


def merge_lora(student: SentenceTransformer) -> None:
    """Add the products of the matrices to the weights: afterwards the student is a plain model again."""
    student[0].model = student[0].model.merge_and_unload()


def trained_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights that training changes, by name: those of an intermediate checkpoint under LoRA."""
    return {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}


def is_adapted(student: Any) -> bool:  # noqa: ANN401 (sentence-transformers is untyped)
    """Return whether a student has LoRA matrices that are not merged."""
    return hasattr(getattr(student[0], "model", None), "merge_and_unload")
