"""A model whose vectors depend on weights that its files do not hold is refused; other missing weights do no harm."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import BERT, SMALL, T5, make_checkpoint, make_plain_checkpoint, save_with_tokenizer, vectors
from safetensors.torch import load_file, save_file

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders.extras import SonarEncoder
from bitext_bench.encoders.missing import check_missing_weights, collect_incomplete_models
from bitext_bench.errors import UserError

_MEAN = ModelOptions(device="cpu", pooling="mean")
_ENCODER_DECODER = {
    "vocab_size": SMALL["vocab_size"],
    "max_position_embeddings": 64,
    **{f"{side}_layers": 1 for side in ("encoder", "decoder")},
    **{f"{side}_attention_heads": 2 for side in ("encoder", "decoder")},
    **{f"{side}_ffn_dim": 64 for side in ("encoder", "decoder")},
    **dict.fromkeys(["pad_token_id", "decoder_start_token_id", "forced_eos_token_id"], 0),
}
_MARIAN: Any = {**_ENCODER_DECODER, "d_model": 32}
_PROPHETNET = {
    "vocab_size": SMALL["vocab_size"],
    "hidden_size": 32,
    "max_position_embeddings": 128,
    **{f"num_{side}_layers": 1 for side in ("encoder", "decoder")},
    **{f"num_{side}_attention_heads": 2 for side in ("encoder", "decoder")},
    **{f"{side}_ffn_dim": 64 for side in ("encoder", "decoder")},
}
# Of these, sentence-transformers loads the encoder alone, whose weights have other names in a whole model's files.
_OTHER_NAMES = {
    "Marian": _MARIAN,
    "M2M100": _MARIAN,
    "Pegasus": _MARIAN,
    "Blenderbot": _MARIAN,
    "ProphetNet": _PROPHETNET,
}


@pytest.fixture
def reports() -> Iterator[list[str]]:
    """The reports of transformers on weights, independent of its handler's output."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("transformers.modeling_utils")
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


def make(family: str, folder: Path, kind: str = "Model") -> Path:
    import transformers

    config = getattr(transformers, f"{family}Config")(**_OTHER_NAMES[family])
    return save_with_tokenizer(folder, getattr(transformers, f"{family}{kind}"), config)


def load(folder: Path) -> np.ndarray:
    return vectors(resolve_model(str(folder), _MEAN))


def without(folder: Path, is_lost: Callable[[str], bool]) -> int:
    """Remove weights from a checkpoint; returns how many."""
    file = folder / "model.safetensors"
    weights = load_file(file)
    kept = {name: weight for name, weight in weights.items() if not is_lost(name)}
    save_file(kept, file, metadata={"format": "pt"})
    return len(weights) - len(kept)


@pytest.mark.parametrize("family", _OTHER_NAMES)
def test_weights_under_other_names_are_not_made_up(family: str, tmp_path: Path, reports: list[str]) -> None:
    plain = make(family, tmp_path / "plain")
    reports.clear()
    with pytest.raises(
        UserError, match=f"has [0-9]+ weights of {family}Encoder .* under other names.*get_encoder"
    ) as error:
        load(plain)
    assert "\n" not in str(error.value)
    assert reports == []

    from transformers import AutoModel  # what the message says mends it

    encoder = AutoModel.from_pretrained(plain).get_encoder()
    encoder.save_pretrained(tmp_path / "encoder")
    for file in plain.glob("tokenizer*"):
        shutil.copy(file, tmp_path / "encoder")
    model = resolve_model(str(tmp_path / "encoder"), _MEAN).load()
    ids = torch.tensor([[2, *range(5, 5 + 16), 3]])
    text = " ".join("a the cat dog sat ran on under mat house tree red blue one two three".split())
    with torch.inference_mode():
        expected = encoder.eval()(ids).last_hidden_state.mean(1).numpy()
    np.testing.assert_allclose(model.encode([text], "", None), expected, atol=1e-4)


def test_a_whole_translation_model_is_refused_as_well(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="of MarianEncoder .*get_encoder"):
        load(make("Marian", tmp_path / "marian", "MTModel"))


@pytest.mark.parametrize(
    "lost",
    [
        "embeddings.word_embeddings.weight",
        "encoder.layer.1.output.LayerNorm.weight",  # 1, not random
        "encoder.layer.0.attention.output.dense.bias",  # 0, not random
    ],
)
def test_one_weight_that_is_not_in_the_files(lost: str, tmp_path: Path) -> None:
    folder = make_plain_checkpoint(tmp_path / "bert")
    assert without(folder, lambda name: name == lost or "pooler" in name) == 3
    with pytest.raises(UserError, match=r"is missing 3 weights of BertModel \(.*copy all weight files again"):
        load(folder)
    assert without(folder, lambda name: "layer.0.output.dense.weight" in name) == 1
    with pytest.raises(UserError, match=r"is missing 4 weights of BertModel \("):
        load(folder)


def test_missing_weights_that_no_vector_depends_on(tmp_path: Path, reports: list[str]) -> None:
    from transformers import BertForMaskedLM

    folder = make_plain_checkpoint(tmp_path / "bert")
    expected = load(folder)
    assert without(folder, lambda name: "pooler" in name) == 2
    reports.clear()
    np.testing.assert_array_equal(load(folder), expected)
    assert reports == []
    BertForMaskedLM.from_pretrained(folder).save_pretrained(tmp_path / "head")  # names that begin with "bert."
    for file in folder.glob("tokenizer*"):
        shutil.copy(file, tmp_path / "head")
    assert any(name.startswith("cls.") for name in load_file(tmp_path / "head" / "model.safetensors"))
    np.testing.assert_array_equal(load(tmp_path / "head"), expected)


def test_tied_weights_are_not_missing(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "t5", T5)
    names = set(load_file(folder / "model.safetensors"))
    assert "encoder.embed_tokens.weight" not in names
    np.testing.assert_array_equal(load(folder), load(folder))
    assert without(folder, lambda name: name == "shared.weight") == 1
    with pytest.raises(UserError, match="is missing"):
        load(folder)


def test_positions_that_are_computed_need_not_be_in_the_files(tmp_path: Path) -> None:
    """The first releases of Marian's and Pegasus' checkpoints have no table of sines."""
    folder = make("Marian", tmp_path / "marian")
    from transformers import AutoModel

    AutoModel.from_pretrained(folder).get_encoder().save_pretrained(folder)
    expected = load(folder)
    assert without(folder, lambda name: name == "embed_positions.weight") == 1
    np.testing.assert_array_equal(load(folder), expected)
    assert without(folder, lambda name: name == "layers.0.fc1.weight") == 1
    with pytest.raises(UserError, match=r"is missing the weight layers.0.fc1.weight of MarianEncoder"):
        load(folder)


def test_shards_that_the_index_leaves_out(tmp_path: Path) -> None:
    from transformers import AutoModel

    folder = make_plain_checkpoint(tmp_path / "bert")
    expected = load(folder)
    model = AutoModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    np.testing.assert_array_equal(load(folder), expected)
    index = folder / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    last = content["weight_map"]["encoder.layer.0.output.dense.weight"]
    content["weight_map"] = {name: file for name, file in content["weight_map"].items() if file != last}
    index.write_text(json.dumps(content))
    (folder / last).unlink()
    with pytest.raises(UserError, match="is missing"):
        load(folder)


def test_a_pickle(tmp_path: Path) -> None:
    folder = make_plain_checkpoint(tmp_path / "bert")
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    options = ModelOptions(device="cpu", pooling="mean", allow_pickle=True)
    torch.save({name: weight for name, weight in weights.items() if "pooler" not in name}, folder / "pytorch_model.bin")
    resolve_model(str(folder), options).load()
    torch.save({name: weight for name, weight in weights.items() if "key" not in name}, folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="is missing 4 weights"):
        resolve_model(str(folder), options).load()


def test_only_the_route_that_texts_take_has_to_be_whole(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Router, Transformer

    plain = make_checkpoint(tmp_path / "plain", BERT)
    routes = {name: [Transformer(str(plain)), Pooling(32, "mean")] for name in ("query", "document")}
    router = Router(routes, default_route="document")
    SentenceTransformer(modules=[router], device="cpu").save(str(tmp_path / "router"))
    options = ModelOptions(device="cpu")
    expected = vectors(resolve_model(str(tmp_path / "router"), options))
    query, document = (
        next(file.parent for file in (tmp_path / "router").rglob("model.safetensors") if route in str(file))
        for route in ("query_", "document_")
    )
    assert without(query, lambda name: "layer.0" in name) > 0
    np.testing.assert_array_equal(vectors(resolve_model(str(tmp_path / "router"), options)), expected)
    assert without(document, lambda name: name == "encoder.layer.0.output.dense.weight") == 1
    with pytest.raises(UserError, match="is missing the weight encoder.layer.0.output.dense.weight of BertModel"):
        resolve_model(str(tmp_path / "router"), options).load()


def test_sonar_loads_the_encoder_alone(tmp_path: Path) -> None:
    from transformers import NllbTokenizer

    folder = make("M2M100", tmp_path / "nllb")
    for file in folder.glob("tokenizer*"):
        file.unlink()
    NllbTokenizer(
        vocab={token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", "▁"])}, merges=[]
    ).save_pretrained(folder)
    with pytest.raises(UserError, match="has [0-9]+ weights of M2M100Encoder .* under other names"):
        SonarEncoder(folder, "cpu", 32)


def test_nothing_is_tried_where_nothing_is_missing(tmp_path: Path) -> None:
    from transformers import BertModel

    folder = make_plain_checkpoint(tmp_path / "bert")
    with collect_incomplete_models() as found:
        BertModel.from_pretrained(folder)
        _, info = BertModel.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"]
    assert found == []

    def encode() -> torch.Tensor:
        raise AssertionError

    check_missing_weights(folder, found, encode)


def test_what_transformers_refuses_itself_is_shown_with_its_report(tmp_path: Path, reports: list[str]) -> None:
    folder = make_plain_checkpoint(tmp_path / "bert")
    file = folder / "model.safetensors"
    save_file({name: weight[:1].clone() for name, weight in load_file(file).items()}, file, metadata={"format": "pt"})
    with pytest.raises(UserError, match="cannot load the model"):
        load(folder)
    assert "MISMATCH" in "".join(reports)
