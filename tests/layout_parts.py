"""Parts of tiny repositories with random weights: tokenizers, weights and modules in the files that the hub has."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bitext_bench.data.mini import MiniSource
from bitext_bench.languages import resolve

HIDDEN = 32
SMALL: dict[str, Any] = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "initializer_range": 0.3,  # Larger than usual, so that each word of a text changes the vector.
}
TANH = "torch.nn.modules.activation.Tanh"
IDENTITY = "torch.nn.modules.linear.Identity"
BERT_TOKENS = {f"{name.lower()}_token": f"[{name}]" for name in ("UNK", "SEP", "PAD", "CLS", "MASK")}
ROBERTA_TOKENS = {
    **{f"{name}_token": "<s>" for name in ("bos", "cls")},
    **{f"{name}_token": "</s>" for name in ("eos", "sep")},
    **{f"{name}_token": f"<{name}>" for name in ("unk", "pad", "mask")},
}


def write_json(file: Path, content: object) -> None:
    """Write a JSON file and create its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")


def write_files_of_others(folder: Path, *names: str) -> None:
    """Write files that this package must not download, such as weights for other frameworks."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not a model")


# --- Modules of sentence-transformers


def write_modules(folder: Path, *kinds: str) -> None:
    """Write modules.json as sentence-transformers did until version 5."""
    write_json(
        folder / "modules.json",
        [
            {
                "idx": i,
                "name": str(i),
                "path": f"{i}_{kind}" if i else "",
                "type": f"sentence_transformers.models.{kind}",
            }
            for i, kind in enumerate(kinds)
        ],
    )


def write_pooling(folder: Path, mode: str, *, modes: int = 4, **more: Any) -> None:
    """Write 1_Pooling with one flag for each mode: 4 modes in old files, 6 in those of version 2.3 and newer."""
    names = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
    flags = {f"pooling_mode_{name}": name == mode for name in names[:modes]}
    write_json(folder / "1_Pooling/config.json", {"word_embedding_dimension": HIDDEN, **flags, **more})


def write_dense(folder: Path, sizes: tuple[int, int], activation: str, formats: Sequence[str], *, bias: bool) -> None:
    """Write a Dense module of random weights."""
    import torch

    features = dict(zip(("in_features", "out_features"), sizes, strict=True))
    write_json(folder / "config.json", {**features, "bias": bias, "activation_function": activation})
    torch.manual_seed(int(folder.name[0]))
    layer = torch.nn.Linear(*sizes, bias=bias)
    write_weights(folder, {f"linear.{name}": tensor for name, tensor in layer.state_dict().items()}, formats)


def write_length(folder: Path, max_length: int) -> None:
    """Write sentence_bert_config.json."""
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": max_length, "do_lower_case": False})


# --- Weights


def write_weights(folder: Path, state: dict[str, Any], formats: Sequence[str]) -> None:
    """Write weights as model.safetensors, pytorch_model.bin or both."""
    import torch
    from safetensors.torch import save_file

    if "safetensors" in formats:
        tensors = {name: tensor.clone().contiguous() for name, tensor in state.items()}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    if "bin" in formats:
        torch.save(state, folder / "pytorch_model.bin")


def make_model(name: str, **settings: Any) -> Any:
    """Return a model of transformers with random weights; `name` as BertModel, the settings of its configuration."""
    import torch
    import transformers

    kind = getattr(transformers, name)
    torch.manual_seed(0)
    return kind(kind.config_class(**settings)).eval()


def write_transformer(
    folder: Path, model: Any, formats: Sequence[str], *, architecture: str = "", dtype: str = "float32"
) -> None:
    """Write config.json and the weights of a model.

    Args:
        folder: The repository.
        model: A model of transformers.
        formats: "safetensors", "bin" or both.
        architecture: The name in the configuration, if it is not the model's class.
        dtype: The number format of the weights, as torch calls it.
    """
    import torch

    names = {"architectures": [architecture or type(model).__name__], "torch_dtype": dtype}
    config = model.config.to_dict()
    config.pop("dtype", None)  # Version 4 of transformers, which wrote these files, calls it torch_dtype.
    write_json(folder / "config.json", {**config, **names, "transformers_version": "4.40.0"})
    state = model.to(getattr(torch, dtype)).state_dict()
    write_weights(folder, state, formats)


# --- Tokenizers, trained on the built-in sentences


@cache
def texts() -> tuple[str, ...]:
    """Return the built-in sentences of all languages."""
    source = MiniSource()
    return tuple(
        text for code in ("en", "fr", "ja", "ko", "ru") for text in source.parallel("mini", resolve(code)).source
    )


@cache
def train_sentencepiece(kind: str, size: int, **settings: Any) -> bytes:
    """Return a sentencepiece model of a kind, "unigram" or "bpe"."""
    import sentencepiece

    content = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts()),
        model_writer=content,
        model_type=kind,
        vocab_size=size,
        minloglevel=2,
        **settings,
    )
    return content.getvalue()


def pieces_of(model: bytes) -> list[tuple[str, float]]:
    """Return the pieces of a sentencepiece model and their scores."""
    from sentencepiece import SentencePieceProcessor

    pieces = SentencePieceProcessor(model_proto=model)
    return [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())]


def make_bpe(pieces: list[tuple[str, float]], **settings: Any) -> Any:
    """Return the BPE model of tokenizers with these pieces, merged in the order of their scores."""
    from tokenizers import models
    from transformers.convert_slow_tokenizer import generate_merges

    vocabulary = {piece: i for i, (piece, _) in enumerate(pieces)}
    merges = generate_merges(vocabulary, dict(pieces))
    return models.BPE(vocab=vocabulary, merges=merges, fuse_unk=True, unk_token="<unk>", **settings)


def write_tokenizer(folder: Path, tokenizer: Any, tokens: dict[str, str], **settings: Any) -> int:
    """Write tokenizer.json and its two files of settings, and return the size of the vocabulary."""
    from tokenizers import AddedToken

    special = dict.fromkeys(tokens.values())
    tokenizer.add_special_tokens([AddedToken(t, special=True, lstrip=t == "<mask>") for t in special])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {**tokens, **settings})
    write_json(folder / "special_tokens_map.json", tokens)
    return int(tokenizer.get_vocab_size())


def frame(tokenizer: Any, single: str, *tokens: str) -> None:
    """Let a tokenizer put special tokens around a text, as in "<s> $A </s>"."""
    from tokenizers import processors

    ids = [(token, tokenizer.token_to_id(token)) for token in tokens]
    tokenizer.post_processor = processors.TemplateProcessing(single=single, special_tokens=ids)


def write_xlmr_tokenizer(folder: Path, kind: str = "XLMRobertaTokenizer", length: int = 512) -> int:
    """Write XLM-R's tokenizer: sentencepiece.bpe.model (unigram, in spite of its name) and tokenizer.json."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    content = train_sentencepiece("unigram", 3000)
    first = [(token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>")]
    pieces = [*first, *pieces_of(content)[3:], ("<mask>", 0.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    frame(tokenizer, "<s> $A </s>", "<s>", "</s>")
    size = write_tokenizer(folder, tokenizer, ROBERTA_TOKENS, tokenizer_class=kind, model_max_length=length)
    (folder / "sentencepiece.bpe.model").write_bytes(content)
    return size


def write_bert_tokenizer(
    folder: Path, *, lower: bool, length: int = 512, padded: int = 0, tokens: dict[str, str] = BERT_TOKENS
) -> int:
    """Write BERT's tokenizer, or MPNet's, which has the tokens of RoBERTa: vocab.txt and tokenizer.json.

    With `padded`, tokenizer.json truncates and pads to this length, as in the repositories of the all-* models.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token=tokens["unk_token"]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = list(dict.fromkeys(tokens[f"{name}_token"] for name in ("pad", "unk", "cls", "sep", "mask")))
    trainer = trainers.WordPieceTrainer(vocab_size=2000, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts(), trainer)
    first, last = tokens["cls_token"], tokens["sep_token"]
    frame(tokenizer, f"{first} $A {last}", first, last)
    if padded:
        pad = tokens["pad_token"]
        tokenizer.enable_truncation(padded)
        tokenizer.enable_padding(length=padded, pad_token=pad, pad_id=tokenizer.token_to_id(pad))
    vocabulary = tokenizer.get_vocab()
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in sorted(vocabulary, key=vocabulary.__getitem__)))
    name = "BertTokenizer" if tokens is BERT_TOKENS else "MPNetTokenizer"
    settings = {"do_lower_case": lower, "tokenize_chinese_chars": True, "strip_accents": None}
    return write_tokenizer(folder, tokenizer, tokens, tokenizer_class=name, model_max_length=length, **settings)


def write_qwen_tokenizer(folder: Path, length: int) -> int:
    """Write Qwen's tokenizer, byte-level BPE that ends each text with <|endoftext|>: vocab.json, merges.txt."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts(), trainer)
    tokenizer.model.save(str(folder))
    tokens = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    tokenizer.add_special_tokens([*tokens.values()])
    frame(tokenizer, "$A <|endoftext|>", "<|endoftext|>")
    settings = {"bos_token": None, "unk_token": None, "add_prefix_space": False, "errors": "replace"}
    return write_tokenizer(
        folder, tokenizer, tokens, tokenizer_class="Qwen2Tokenizer", model_max_length=length, **settings
    )


def write_gemma_tokenizer(folder: Path, length: int) -> int:
    """Write Gemma's tokenizer, BPE with bytes for unknown characters: tokenizer.model and tokenizer.json."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers

    ids = {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3}
    content = train_sentencepiece("bpe", 3500, byte_fallback=True, add_dummy_prefix=False, **ids)
    names = ["<pad>", "<eos>", "<bos>", "<unk>"]
    pieces = [(token, 0.0) for token in names] + pieces_of(content)[4:]
    tokenizer = Tokenizer(make_bpe(pieces, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    frame(tokenizer, "<bos> $A <eos>", "<bos>", "<eos>")
    tokens = {f"{name[1:-1]}_token": name for name in names}
    settings = {"add_bos_token": True, "add_eos_token": True, "sp_model_kwargs": None}
    size = write_tokenizer(
        folder, tokenizer, tokens, tokenizer_class="GemmaTokenizer", model_max_length=length, **settings
    )
    (folder / "tokenizer.model").write_bytes(content)
    return size


def write_nllb_tokenizer(folder: Path, languages: Sequence[str]) -> int:
    """Write NLLB's tokenizer, which begins each text with its language: sentencepiece.bpe.model, tokenizer.json."""
    from tokenizers import Tokenizer, pre_tokenizers

    content = train_sentencepiece("bpe", 3000)
    first = [(token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>")]
    tokenizer = Tokenizer(make_bpe([*first, *pieces_of(content)[3:]]))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.add_special_tokens([*languages])
    frame(tokenizer, "eng_Latn $A </s>", "eng_Latn", "</s>")
    settings = {"additional_special_tokens": [*languages], "legacy_behaviour": False, "src_lang": "eng_Latn"}
    size = write_tokenizer(
        folder, tokenizer, ROBERTA_TOKENS, tokenizer_class="NllbTokenizer", model_max_length=1024, **settings
    )
    (folder / "sentencepiece.bpe.model").write_bytes(content)
    return size
