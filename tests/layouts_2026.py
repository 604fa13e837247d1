"""The repositories of models from 2024 to 2026; layouts.py lists them.

For arctic-embed, F2LLM and MEXMA the files follow listings of the real repositories. For the others they follow the
model cards, articles about the models and mteb 2.26.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from layout_parts import (
    HIDDEN,
    SMALL,
    frame,
    make_model,
    texts,
    write_bert_tokenizer,
    write_files_of_others,
    write_gemma_tokenizer,
    write_json,
    write_length,
    write_modules,
    write_pooling,
    write_qwen_tokenizer,
    write_tokenizer,
    write_transformer,
    write_weights,
    write_xlmr_tokenizer,
)

FEW_HEADS = {"num_key_value_heads": 1, "head_dim": 16}


def write_settings(folder: Path, prompts: Mapping[str, str] = {}) -> None:
    """Write config_sentence_transformers.json as versions 3 to 5 did."""
    settings = {"default_prompt_name": None, "similarity_fn_name": "cosine"}
    write_json(folder / "config_sentence_transformers.json", {"prompts": dict(prompts), **settings})


def write_xlmr(folder: Path, positions: int) -> None:
    """Write an XLM-R and its tokenizer."""
    size = write_xlmr_tokenizer(folder, length=positions - 2)
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
    model = make_model("XLMRobertaModel", **SMALL, **ids, vocab_size=size, max_position_embeddings=positions)
    write_transformer(folder, model, ["safetensors"])


def e5_instruct(folder: Path) -> None:
    """Write multilingual-e5-large-instruct: XLM-R, the mean, length 1; the prompt is only in the model card."""
    write_xlmr(folder, 514)
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, "mean_tokens")
    write_length(folder, 512)
    write_files_of_others(folder, "onnx/model.onnx", "onnx/model.onnx_data")


def arctic(folder: Path) -> None:
    """Write arctic-embed-l-v2.0: XLM-R with 8,194 positions, the first token, a prompt for queries only."""
    write_xlmr(folder, 8194)
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, "cls_token", modes=6, include_prompt=True)
    write_length(folder, 8192)
    write_settings(folder, {"query": "query: "})
    write_files_of_others(folder, "onnx/model.onnx", "onnx/model_int8.onnx")


def mexma(folder: Path) -> None:
    """Write MEXMA's first commit: the weights of an XLM-R, and no tokenizer."""
    write_xlmr(folder, 514)
    for file in (*folder.glob("*token*"), folder / "sentencepiece.bpe.model"):
        file.unlink()


def xlmr_large(folder: Path) -> None:
    """Write the repository with MEXMA's tokenizer; its weights must not be downloaded."""
    write_xlmr_tokenizer(folder)
    write_json(folder / "config.json", {"model_type": "xlm-roberta"})
    write_files_of_others(folder, "model.safetensors", "pytorch_model.bin", "onnx/model.onnx")


def gte(folder: Path) -> None:
    """Write gte-multilingual-base: its architecture is code in another repository; the first token, length 1."""
    size = write_xlmr_tokenizer(folder, "PreTrainedTokenizerFast", 32_768)
    model = make_model("GteModel", **SMALL, pad_token_id=1, vocab_size=size, max_position_embeddings=8192)
    write_transformer(folder, model, ["safetensors"], architecture="NewModel", dtype="float16")
    file = folder / "config.json"
    code = "Alibaba-NLP/new-impl--"
    classes = {"AutoConfig": f"{code}configuration.NewConfig", "AutoModel": f"{code}modeling.NewModel"}
    write_json(file, {**json.loads(file.read_text(encoding="utf-8")), "model_type": "new", "auto_map": classes})
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, "cls_token")
    write_length(folder, 8192)


def gte_code(folder: Path) -> None:
    """Write code of gte-multilingual-base's architecture: that of transformers, under the name of the original."""
    (folder / "configuration.py").write_text(
        'from transformers import GteConfig\n\n\nclass NewConfig(GteConfig):\n    model_type = "new"\n'
    )
    (folder / "modeling.py").write_text(
        "from transformers import GteModel\n\nfrom .configuration import NewConfig\n\n\n"
        "class NewModel(GteModel):\n    config_class = NewConfig\n"
    )


def static(folder: Path) -> None:
    """Write a static model of sentence-transformers: the mean of one vector for each token of BERT's tokenizer."""
    import torch

    module = folder / "0_StaticEmbedding"
    module.mkdir()
    size = write_bert_tokenizer(module, lower=True)
    for file in module.iterdir():
        if file.name != "tokenizer.json":
            file.unlink()
    torch.manual_seed(0)
    write_weights(module, {"embedding.weight": torch.randn(size, HIDDEN)}, ["safetensors"])
    kind = "sentence_transformers.models.StaticEmbedding"
    write_json(folder / "modules.json", [{"idx": 0, "name": "0", "path": module.name, "type": kind}])
    write_settings(folder)


def granite(folder: Path, activation: str) -> None:
    """Write a Granite R2: ModernBERT in bf16, the first token, byte-level BPE."""
    size = write_byte_tokenizer(folder)
    ids = {f"{name}_token_id": 0 for name in ("bos", "cls")} | {f"{name}_token_id": 1 for name in ("eos", "sep")}
    sizes = {**SMALL, "num_hidden_layers": 3, "vocab_size": size, "max_position_embeddings": 32_768}
    attention = {"local_attention": 32, "hidden_activation": activation}
    model = make_model("ModernBertModel", **sizes, **attention, **ids, pad_token_id=2)
    write_transformer(folder, model, ["safetensors"], dtype="bfloat16")
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, "cls_token", modes=6, include_prompt=True)
    write_length(folder, 32_768)
    write_settings(folder, {"query": "", "document": ""})
    write_files_of_others(folder, "onnx/model.onnx", "openvino/openvino_model.bin")


def write_byte_tokenizer(folder: Path) -> int:
    """Write a byte-level BPE tokenizer that puts [CLS] before each text and [SEP] after it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokens = {f"{name.lower()}_token": f"[{name}]" for name in ("CLS", "SEP", "PAD", "UNK", "MASK")}
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = list(tokens.values())
    trainer = trainers.BpeTrainer(
        vocab_size=1500, initial_alphabet=alphabet, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(texts(), trainer)
    frame(tokenizer, "[CLS] $A [SEP]", "[CLS]", "[SEP]")
    kind = "PreTrainedTokenizerFast"
    return write_tokenizer(folder, tokenizer, tokens, tokenizer_class=kind, model_max_length=32_768)


def write_last_token(folder: Path) -> None:
    """Write the modules of a model that takes the vector of the last token."""
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, "lasttoken", modes=6, include_prompt=True)
    write_settings(folder)


def harrier_gemma(folder: Path) -> None:
    """Write harrier-oss-v1-270m: Gemma 3 in bf16, the last token."""
    ids = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}
    sizes = {"vocab_size": write_gemma_tokenizer(folder, 32_768), "max_position_embeddings": 32_768}
    model = make_model("Gemma3TextModel", **SMALL, **FEW_HEADS, **ids, **sizes, sliding_window=64)
    write_transformer(folder, model, ["safetensors"], dtype="bfloat16")
    write_last_token(folder)
    write_length(folder, 32_768)


def harrier_qwen(folder: Path) -> None:
    """Write harrier-oss-v1-0.6b: Qwen3 in bf16, the last token."""
    write_qwen(folder, 32_768)
    write_last_token(folder)
    write_length(folder, 32_768)


def write_qwen(folder: Path, positions: int) -> None:
    """Write a Qwen3 in bf16 and its tokenizer."""
    size = write_qwen_tokenizer(folder, positions)
    model = make_model("Qwen3Model", **SMALL, **FEW_HEADS, vocab_size=size, max_position_embeddings=positions)
    write_transformer(folder, model, ["safetensors"], dtype="bfloat16")


def f2llm(folder: Path) -> None:
    """Write an F2LLM-v2: Qwen3 in bf16, the last token; mteb makes its tokenizer add an end token."""
    write_qwen(folder, 40_960)
    file = folder / "tokenizer.json"
    plain = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    write_json(file, {**json.loads(file.read_text(encoding="utf-8")), "post_processor": plain})
    write_last_token(folder)
