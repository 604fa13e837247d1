"""Builders of test material: a tiny real checkpoint, and text files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitext_bench.encoders import Model

WORDS = "a the cat dog sat ran on under mat house tree red blue one two three not le la chat chien".split()
SENTENCES = ["the cat sat on the mat", "dog", "le chat", "a red house under the blue tree " * 3]

VOCABULARY = list(dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
SMALL: dict[str, Any] = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


def make_plain_checkpoint(folder: Path) -> Path:
    """Write a plain transformers checkpoint: random BERT of 64 positions, tokenizer over WORDS."""
    from transformers import BertConfig, BertModel

    return save_with_tokenizer(folder, BertModel, BertConfig(**SMALL, max_position_embeddings=64))


def save_with_tokenizer(folder: Path, kind: Any, config: Any, **settings: Any) -> Path:
    """Write a plain checkpoint of any architecture, with random weights and a word tokenizer with these settings."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {f"{name.lower()}_token": f"[{name}]" for name in ("UNK", "PAD", "CLS", "SEP", "MASK")}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special, **{"model_max_length": 64, **settings})
    torch.manual_seed(0)
    kind(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


Architecture = tuple[str, dict[str, Any]]  # transformers' name of it, and what its configuration has beyond SMALL

BERT: Architecture = ("Bert", {"max_position_embeddings": 64})
XLM_R: Architecture = ("XLMRoberta", {"max_position_embeddings": 66, "pad_token_id": 1})
ROBERTA: Architecture = ("Roberta", {"max_position_embeddings": 65, "pad_token_id": 0})
MPNET: Architecture = ("MPNet", {"max_position_embeddings": 66, "pad_token_id": 1})
MODERN_BERT: Architecture = (
    "ModernBert",
    {
        "max_position_embeddings": 128,
        "local_attention": 16,
        "num_hidden_layers": 4,
        **{f"{name}_token_id": VOCABULARY.index(f"[{token}]") for name, token in (("pad", "PAD"), ("bos", "CLS"))},
        **{f"{name}_token_id": VOCABULARY.index(f"[{name.upper()}]") for name in ("cls", "sep")},
        "eos_token_id": VOCABULARY.index("[SEP]"),
    },
)
QWEN3: Architecture = ("Qwen3", {"max_position_embeddings": 128, "num_key_value_heads": 1, "head_dim": 16})
T5: Architecture = ("T5", {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2})


def make_checkpoint(folder: Path, architecture: Architecture, **tokenizer: Any) -> Path:
    """Write a plain checkpoint of an architecture."""
    import transformers

    name, settings = architecture
    small = {"vocab_size": SMALL["vocab_size"]} if name == "T5" else SMALL
    config = getattr(transformers, f"{name}Config")(**{**small, **settings})
    return save_with_tokenizer(folder, getattr(transformers, f"{name}Model"), config, **tokenizer)


def make_saved(folder: Path, architecture: Architecture, pooling: Any = "mean", **tokenizer: Any) -> Path:
    """Write a sentence-transformers directory of an architecture, with a pooling and no more."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    plain = make_checkpoint(folder.with_name(f"{folder.name}-plain"), architecture, **tokenizer)
    SentenceTransformer(modules=[Transformer(str(plain)), Pooling(32, pooling)], device="cpu").save(str(folder))
    return folder


def write(file: Path, lines: list[str]) -> None:
    """Write lines as UTF-8 with a line feed after each."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def vectors(model: Model, sentences: list[str] | None = None, prompt: str = "") -> NDArray[np.float32]:
    """Return what a model makes of sentences in one batch."""
    return model.load().encode(sentences or SENTENCES, prompt, None)


def edit(file: Path, **changes: object) -> None:
    """Change keys of a JSON file."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def shards(cache: Path) -> list[tuple[str, int]]:
    """Return the shards of a store, and when each was written: the same as before where nothing was encoded for it."""
    return sorted((file.name, file.stat().st_mtime_ns) for file in cache.rglob("*.shard"))
