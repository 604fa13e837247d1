"""Tiny repositories with random weights and the files of the real ones, for each registered model.

To prove the loader of a new record, write a function for its repository and add a row to LAYOUTS; the tests are in
test_layouts.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from layout_parts import (
    HIDDEN,
    IDENTITY,
    ROBERTA_TOKENS,
    SMALL,
    TANH,
    make_model,
    write_bert_tokenizer,
    write_dense,
    write_files_of_others,
    write_gemma_tokenizer,
    write_json,
    write_length,
    write_modules,
    write_nllb_tokenizer,
    write_pooling,
    write_qwen_tokenizer,
    write_transformer,
    write_weights,
    write_xlmr_tokenizer,
)
from layouts_2026 import (
    arctic,
    e5_instruct,
    f2llm,
    granite,
    gte,
    gte_code,
    harrier_gemma,
    harrier_qwen,
    mexma,
    static,
    write_settings,
    xlmr_large,
)

from bitext_bench.baselines import BASELINES, Baseline

BOTH = ("safetensors", "bin")
OTHER_COMMIT = "0" * 40


@dataclass(frozen=True)
class Layout:
    """A repository on the hub.

    Attributes:
        write: Writes its files into an empty folder.
        references: Functions of layout_vectors.py that give the right vectors.
        dimensions: Of the tiny model.
        gated: Whether the hub requires an account with access.
        others: Writers of other repositories that it needs, by hub id.
    """

    write: Callable[[Path], None]
    references: Sequence[str] = ("sentence_transformers",)
    dimensions: int = HIDDEN
    gated: bool = False
    others: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)


def labse(folder: Path) -> None:
    """Write LaBSE: BERT in pickles of 2021, with the positions that transformers saved then, and a Dense layer."""
    import torch

    size = write_bert_tokenizer(folder, lower=False)
    model = make_model("BertModel", **SMALL, vocab_size=size)
    write_transformer(folder, model, ())
    positions = {"embeddings.position_ids": torch.arange(512).expand(1, -1)}
    write_weights(folder, {**model.state_dict(), **positions}, ["bin"])
    write_modules(folder, "Transformer", "Pooling", "Dense", "Normalize")
    write_pooling(folder, "cls_token")
    write_dense(folder / "2_Dense", (HIDDEN, HIDDEN), TANH, ["bin"], bias=True)
    write_length(folder, 256)
    write_versions(folder)
    write_files_of_others(folder, "flax_model.msgpack", "tf_model.h5")


def write_versions(folder: Path) -> None:
    """Write config_sentence_transformers.json as version 2 did, without prompts."""
    versions = {"sentence_transformers": "2.0.0", "transformers": "4.7.0", "pytorch": "1.9.0+cu102"}
    write_json(folder / "config_sentence_transformers.json", {"__version__": versions})


def distiluse(folder: Path) -> None:
    """Write distiluse: DistilBERT, the mean, and a Dense layer to fewer dimensions; no Normalize."""
    size = write_bert_tokenizer(folder, lower=False)
    small = {"dim": HIDDEN, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "initializer_range": 0.3}
    write_transformer(folder, make_model("DistilBertModel", **small, vocab_size=size), BOTH)
    write_modules(folder, "Transformer", "Pooling", "Dense")
    write_pooling(folder, "mean_tokens")
    write_dense(folder / "2_Dense", (HIDDEN, HIDDEN // 2), TANH, BOTH, bias=True)
    write_length(folder, 128)
    write_versions(folder)
    write_files_of_others(folder, "tf_model.h5", "onnx/model.onnx", "openvino/openvino_model.bin")


def xlmr_model(size: int, name: str = "XLMRobertaModel", positions: int = 514) -> Any:
    """Return a tiny XLM-R."""
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    return make_model(name, **SMALL, **ids, vocab_size=size, max_position_embeddings=positions, type_vocab_size=1)


def paraphrase_mpnet(folder: Path) -> None:
    """Write the multilingual paraphrase model of MPNet's size, which is an XLM-R; no Normalize."""
    write_transformer(folder, xlmr_model(write_xlmr_tokenizer(folder)), BOTH)
    write_modules(folder, "Transformer", "Pooling")
    write_pooling(folder, "mean_tokens")
    write_length(folder, 128)
    write_versions(folder)
    write_files_of_others(folder, "tf_model.h5", "onnx/model.onnx", "openvino/openvino_model.xml")


def paraphrase_minilm(folder: Path) -> None:
    """Write the multilingual paraphrase model of MiniLM's size: a BERT with the tokenizer of XLM-R; no Normalize."""
    size = write_xlmr_tokenizer(folder, "PreTrainedTokenizerFast")
    model = make_model("BertModel", **SMALL, vocab_size=size, pad_token_id=0)
    write_transformer(folder, model, BOTH)
    write_modules(folder, "Transformer", "Pooling")
    write_pooling(folder, "mean_tokens")
    write_length(folder, 128)
    write_versions(folder)
    write_files_of_others(folder, "unigram.json", "tf_model.h5", "onnx/model.onnx", "openvino/openvino_model.bin")


def e5(folder: Path, architecture: str) -> None:
    """Write an E5: BERT with its own tokenizer (English) or XLM-R's (mE5-small), or XLM-R (mE5-base, mE5-large)."""
    if architecture == "XLMRobertaModel":
        model = xlmr_model(write_xlmr_tokenizer(folder))
    else:
        multilingual = architecture == "BertModel, multilingual"
        size = write_xlmr_tokenizer(folder) if multilingual else write_bert_tokenizer(folder, lower=True)
        model = make_model("BertModel", **SMALL, vocab_size=size)
    write_transformer(folder, model, BOTH)
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, "mean_tokens")
    write_length(folder, 512)
    write_files_of_others(folder, "onnx/model.onnx", "onnx/model.onnx_data")


def all_mpnet(folder: Path) -> None:
    """Write all-mpnet-base-v2: MPNet; tokenizer.json pads to 128 tokens, but texts may have 384."""
    tokens = {**ROBERTA_TOKENS, "unk_token": "[UNK]"}
    size = write_bert_tokenizer(folder, lower=True, padded=128, tokens=tokens)
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    model = make_model("MPNetModel", **SMALL, **ids, vocab_size=size, max_position_embeddings=514)
    write_transformer(folder, model, BOTH, architecture="MPNetForMaskedLM")
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, "mean_tokens")
    write_length(folder, 384)
    write_versions(folder)
    write_files_of_others(folder, "train_script.py", "onnx/model.onnx", "openvino/openvino_model.bin")


def all_minilm(folder: Path) -> None:
    """Write all-MiniLM-L6-v2: BERT; tokenizer.json pads to 128 tokens, but texts may have 256."""
    size = write_bert_tokenizer(folder, lower=True, padded=128)
    write_transformer(folder, make_model("BertModel", **SMALL, vocab_size=size), BOTH)
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, "mean_tokens")
    write_length(folder, 256)
    write_versions(folder)
    write_files_of_others(folder, "train_script.py", "rust_model.ot", "tf_model.h5", "onnx/model.onnx")


def xlmr_base(folder: Path) -> None:
    """Write XLM-R, a plain checkpoint with the head of the language model."""
    model = xlmr_model(write_xlmr_tokenizer(folder), "XLMRobertaForMaskedLM")
    write_transformer(folder, model, BOTH)
    write_files_of_others(folder, "flax_model.msgpack", "tf_model.h5", "onnx/model.onnx")


def soft_contrastive(folder: Path) -> None:
    """Write the paper's checkpoint: the weights alone, the tokenizer is that of XLM-R."""
    size = write_xlmr_tokenizer(folder)
    for file in folder.iterdir():
        file.unlink()
    write_transformer(folder, xlmr_model(size), ["safetensors"])


def bge_m3(folder: Path) -> None:
    """Write bge-m3: XLM-R with 8,194 positions in a pickle, and heads for sparse and multi-vector search."""
    write_transformer(folder, xlmr_model(write_xlmr_tokenizer(folder, length=8192), positions=8194), ["bin"])
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, "cls_token")
    write_length(folder, 8192)
    write_versions(folder)
    write_files_of_others(folder, "colbert_linear.pt", "sparse_linear.pt", "onnx/model.onnx", "imgs/bm25.jpg")


def embeddinggemma(folder: Path) -> None:
    """Write EmbeddingGemma: Gemma 3 with attention in both directions, the mean, two linear layers."""
    size = write_gemma_tokenizer(folder, 2048)
    attention = {"num_key_value_heads": 1, "head_dim": 16, "sliding_window": 64, "use_bidirectional_attention": True}
    ids = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}
    model = make_model("Gemma3TextModel", **SMALL, **attention, **ids, vocab_size=size, max_position_embeddings=2048)
    write_transformer(folder, model, ["safetensors"])
    write_modules(folder, "Transformer", "Pooling", "Dense", "Dense", "Normalize")
    write_pooling(folder, "mean_tokens", modes=6, include_prompt=True)
    for number, sizes in ((2, (HIDDEN, 128)), (3, (128, HIDDEN))):
        write_dense(folder / f"{number}_Dense", sizes, IDENTITY, ["safetensors"], bias=False)
    write_length(folder, 2048)
    prompts = {
        "query": "task: search result | query: ",
        "document": "title: none | text: ",
        "BitextMining": "task: search result | query: ",
        "STS": "task: sentence similarity | query: ",
    }
    write_settings(folder, prompts)
    write_json(folder / "generation_config.json", {"cache_implementation": "hybrid"})


def qwen3(folder: Path) -> None:
    """Write Qwen3-Embedding: Qwen3 in bf16, the last token, the length of the tokenizer and the configuration."""
    size = write_qwen_tokenizer(folder, 131_072)
    heads = {"num_key_value_heads": 1, "head_dim": 16}
    model = make_model("Qwen3Model", **SMALL, **heads, vocab_size=size, max_position_embeddings=32_768)
    write_transformer(folder, model, ["safetensors"], architecture="Qwen3ForCausalLM", dtype="bfloat16")
    write_modules(folder, "Transformer", "Pooling", "Normalize")
    write_pooling(folder, "lasttoken", modes=6, include_prompt=True)
    task = "Given a web search query, retrieve relevant passages that answer the query"
    write_settings(folder, {"query": f"Instruct: {task}\nQuery:", "document": ""})
    write_json(folder / "generation_config.json", {"eos_token_id": 2})


def sonar(folder: Path) -> None:
    """Write SONAR's text encoder in the port to transformers: the encoder of M2M100, the tokenizer of NLLB."""
    import torch
    from transformers import M2M100Config
    from transformers.models.m2m_100.modeling_m2m_100 import M2M100Encoder
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    size = write_nllb_tokenizer(folder, FAIRSEQ_LANGUAGE_CODES)
    small = {"d_model": HIDDEN, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 64}
    torch.manual_seed(0)
    config = M2M100Config(vocab_size=size, max_position_embeddings=1024, init_std=0.3, **small)
    write_transformer(folder, M2M100Encoder(config), ["safetensors"])


def potion(folder: Path) -> None:
    """Write a model2vec model: one vector for each token of bge-m3's tokenizer."""
    import torch

    size = write_xlmr_tokenizer(folder, "PreTrainedTokenizerFast")
    (folder / "sentencepiece.bpe.model").unlink()
    torch.manual_seed(0)
    write_weights(folder, {"embeddings": torch.randn(size, 16)}, ["safetensors"])
    settings = {"model_type": "model2vec", "architectures": ["StaticModel"], "tokenizer_name": "BAAI/bge-m3"}
    numbers = {"apply_pca": 256, "apply_zipf": True, "hidden_dim": 16, "seq_length": 1_000_000, "normalize": True}
    write_json(folder / "config.json", {**settings, **numbers})
    kinds = (("", "StaticEmbedding"), ("1_Normalize", "Normalize"))
    modules = [
        {"idx": i, "name": str(i), "path": path or ".", "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(kinds)
    ]
    write_json(folder / "modules.json", modules)
    write_files_of_others(folder, "onnx/model.onnx")


# The repository of each registered model, by the name of the record. The layouts follow the model cards, mteb 2.26, the
# documentation of sentence-transformers, the configuration of the real encoders here, and
# ../shared/tools/hub_tiny_models.py. layouts_2026.py has the newer ones.
LAYOUTS: dict[str, Layout] = {
    "labse": Layout(labse, ("sentence_transformers", "first_token_and_dense")),
    "paraphrase-multilingual-mpnet-base-v2": Layout(paraphrase_mpnet),
    "paraphrase-multilingual-minilm-l12-v2": Layout(paraphrase_minilm),
    "distiluse-base-multilingual-cased-v2": Layout(distiluse, dimensions=HIDDEN // 2),
    "multilingual-e5-small": Layout(partial(e5, architecture="BertModel, multilingual")),
    "multilingual-e5-base": Layout(partial(e5, architecture="XLMRobertaModel")),
    "multilingual-e5-large": Layout(partial(e5, architecture="XLMRobertaModel")),
    "e5-base": Layout(partial(e5, architecture="BertModel")),
    "all-mpnet-base-v2": Layout(all_mpnet),
    "all-minilm-l6-v2": Layout(all_minilm),
    "xlm-roberta-base": Layout(xlmr_base, ("mean",)),
    "bge-m3": Layout(bge_m3),
    "sonar": Layout(sonar, ("sonar",)),
    "embeddinggemma-300m": Layout(embeddinggemma, ("sentence_transformers", "mean_and_two_layers"), gated=True),
    "qwen3-embedding-0.6b": Layout(qwen3, ("sentence_transformers", "last_token")),
    "potion-multilingual-128m": Layout(potion, ("model2vec",), dimensions=16),
    "soft-contrastive-me5-base": Layout(soft_contrastive, ("mean",)),
    "mexma": Layout(mexma, ("first_token",), others={"FacebookAI/xlm-roberta-large": xlmr_large}),
    "multilingual-e5-large-instruct": Layout(e5_instruct),
    "snowflake-arctic-embed-l-v2.0": Layout(arctic),
    "gte-multilingual-base": Layout(gte, others={"Alibaba-NLP/new-impl": gte_code}),
    "static-similarity-mrl-multilingual-v1": Layout(static),
    "granite-embedding-97m-multilingual-r2": Layout(partial(granite, activation="silu")),
    "granite-embedding-311m-multilingual-r2": Layout(partial(granite, activation="gelu")),
    "harrier-oss-v1-270m": Layout(harrier_gemma, ("sentence_transformers", "last_token")),
    "harrier-oss-v1-0.6b": Layout(harrier_qwen, ("sentence_transformers", "last_token")),
    **{f"f2llm-v2-{size}": Layout(f2llm, ("end_token",)) for size in ("80m", "160m", "330m", "0.6b")},
}

GUESSED = {"soft-contrastive-me5-base"}  # nobody here has seen the files of the paper's checkpoint

# Models whose weights are not on the hub, and the test of their loader.
ELSEWHERE = {"laser2": "test_laser_download.py", "muse": "test_extras.py"}

_BY_CHECKPOINT = {BASELINES[name].checkpoint: layout for name, layout in LAYOUTS.items()}
# The same for all records: those with and without a prompt share a repository.
HUB_RECORDS = {
    name: _BY_CHECKPOINT[record.checkpoint] for name, record in BASELINES.items() if record.checkpoint in _BY_CHECKPOINT
}


def write_repository(root: Path, name: str) -> Path:
    """Write a registered model's repository into the folder of a hub, at the registered commit."""
    record, layout = BASELINES[name], LAYOUTS[name]
    folder = root / "models" / record.checkpoint / (record.revision or main_commit(record))
    folder.mkdir(parents=True)
    layout.write(folder)
    write_files_of_others(folder, ".gitattributes", "README.md")
    for checkpoint, write in layout.others.items():
        other = root / "models" / checkpoint / OTHER_COMMIT
        other.mkdir(parents=True)
        write(other)
    if layout.gated:
        write_json(folder.parent / "repo.json", {"gated": "manual"})
    return folder


def main_commit(record: Baseline) -> str:
    """Return a commit for a record without one."""
    return hashlib.sha1(record.checkpoint.encode()).hexdigest()
