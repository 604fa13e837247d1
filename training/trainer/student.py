"""The student: the model to train, loaded and prepared."""

from __future__ import annotations

from sentence_transformers import SentenceTransformer
from torch import nn

from bitext_bench.encoders import Model
from bitext_bench.encoders.transformer import TransformerEncoder
from bitext_bench.errors import UserError

from ..config import TrainConfig
from .lora import add_lora


def open_student(config: TrainConfig, model: Model) -> SentenceTransformer:
    """Load the model to train, and store the prompt and the similarity in it, so that `run` needs no flag.

    Raises:
        UserError: it is not a transformer checkpoint.
    """
    encoder = model.load()
    if not isinstance(encoder, TransformerEncoder):
        raise UserError(f"{config.student} is not a transformer checkpoint")
    student = encoder.model
    # mteb looks prompts up by task type; encode_query, encode_document and encode of sentence-transformers by name.
    student.prompts = dict.fromkeys(("BitextMining", "STS", "query", "document"), config.student_prompt)
    student.similarity_fn_name = "cosine"
    if config.dropout is not None:
        _set_dropout(student, config.dropout)
    if config.freeze_embeddings:
        student[0].auto_model.get_input_embeddings().requires_grad_(requires_grad=False)
    if config.gradient_checkpointing:
        _checkpoint_gradients(student, config.student)
    if config.lora_rank is not None:
        is_local = model.name.startswith("local/")
        add_lora(student, config.lora_rank, *((config.student, None) if is_local else (model.name, model.revision)))
    return student


def _checkpoint_gradients(student: SentenceTransformer, name: str) -> None:
    transformer = student[0].auto_model
    # The method has this name since transformers 5.24.
    enable = getattr(transformer, "activation_checkpointing_enable", transformer.gradient_checkpointing_enable)
    try:
        enable({"use_reentrant": False})  # the reentrant form loses the gradients of layers above frozen embeddings
    except ValueError as error:
        raise UserError(f"{name} does not support gradient_checkpointing: set it to false ({error})") from error


def set_for_use(student: SentenceTransformer, max_length: int | None, prompt: str) -> None:
    """Set what differs in training: the maximum length, the default prompt and gradient checkpointing."""
    student.max_seq_length = max_length
    # Set after training: sentence-transformers warns about a default prompt whenever the trainer loads a checkpoint.
    student.default_prompt_name = "BitextMining" if prompt else None


def _set_dropout(student: SentenceTransformer, probability: float) -> None:
    for module in student.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability
    if probability == 0 and student.device.type == "cpu":
        # Without dropout, PyTorch uses an attention kernel for long texts, which trains slowly on short ones.
        student[0].auto_model.set_attn_implementation("eager")
