"""Checkpoints of every module of sentence-transformers give its vectors, or are refused with the true reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import SENTENCES, VOCABULARY, WORDS, edit

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders.fingerprint import fingerprint
from bitext_bench.encoders.transformer import TransformerEncoder
from bitext_bench.errors import UserError

PLAIN = Path()  # set by the fixture: a plain transformers checkpoint


@pytest.fixture(autouse=True)
def plain_checkpoint(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.PLAIN", plain)


def st() -> Any:
    from sentence_transformers.sentence_transformer import modules

    return modules


def body(**settings: Any) -> list[Any]:
    return [st().Transformer(str(PLAIN), max_seq_length=64, **settings), st().Pooling(32, "mean")]


def words() -> Any:
    from sentence_transformers.sentence_transformer.modules.tokenizer import WhitespaceTokenizer

    tokenizer = WhitespaceTokenizer(WORDS, stop_words=set(), do_lower_case=True)
    return st().WordEmbeddings(tokenizer, np.random.default_rng(0).normal(size=(len(WORDS), 32)).astype(np.float32))


def wrapped() -> Any:
    from transformers import AutoTokenizer

    vectors = np.random.default_rng(0).normal(size=(len(VOCABULARY), 32)).astype(np.float32)
    return st().WordEmbeddings(AutoTokenizer.from_pretrained(str(PLAIN)), vectors)


def static() -> Any:
    from tokenizers import Tokenizer

    return st().StaticEmbedding(Tokenizer.from_file(str(PLAIN / "tokenizer.json")), embedding_dim=32)


def bag() -> Any:
    return st().BoW(WORDS, {"cat": 2.0})


def router(query: list[Any], document: list[Any]) -> Any:
    return st().Router.for_query_document(query, document)


MODELS: dict[str, Callable[[], list[Any]]] = {
    "bag of words": lambda: [bag()],
    "bag of words, dense": lambda: [bag(), st().Dense(len(WORDS), 8), st().Normalize()],
    "words": lambda: [words(), st().Pooling(32, "mean")],
    "words of a transformer's tokenizer": lambda: [wrapped(), st().Pooling(32, "mean")],
    "words, weighted": lambda: [words(), st().WordWeights(WORDS, {"cat": 2.0}), st().Pooling(32, "mean")],
    "words, convolution": lambda: [words(), st().CNN(32, 16, [1, 3]), st().Pooling(32, "mean")],
    "words, recurrent": lambda: [words(), st().LSTM(32, 16), st().Pooling(32, "mean")],
    "transformer, convolution": lambda: [body()[0], st().CNN(32, 16, [1, 3]), st().Pooling(32, "mean")],
    "transformer, layers weighted": lambda: [
        body(config_kwargs={"output_hidden_states": True})[0],
        st().WeightedLayerPooling(32, num_hidden_layers=2, layer_start=1),
        st().Pooling(32, "mean"),
    ],
    "transformer, norm": lambda: [*body(), st().LayerNorm(32), st().Dropout(0.1)],
    "static": lambda: [static(), st().Dense(32, 8, use_residual=True)],
    "router": lambda: [router(body(), body()), st().Normalize()],
    "router, static query": lambda: [router([static()], body())],
    "router, static document": lambda: [router(body(), [static()])],
    "router, bag query": lambda: [router([bag(), st().Dense(len(WORDS), 32)], body())],
    "router, bags": lambda: [router([bag()], [bag()])],
    "router, words document": lambda: [router(body(), [words(), st().Pooling(32, "mean")])],
    "router in a router": lambda: [router([router(body(), body())], body())],
    "router, later": lambda: [*body(), router([st().Dense(32, 8)], [st().Dense(32, 8)])],
    "router by modality": lambda: [
        st().Router({"text": body()[:1]}, route_mappings={(None, "text"): "text"}, allow_empty_key=False),
        st().Pooling(32, "mean"),
    ],
}


def save(folder: Path, modules: list[Any]) -> Path:
    from sentence_transformers import SentenceTransformer

    SentenceTransformer(modules=modules, device="cpu").save(str(folder))
    return folder


def load(folder: Path, **options: Any) -> TransformerEncoder:
    encoder = resolve_model(str(folder), ModelOptions(device="cpu", **options)).load()
    assert isinstance(encoder, TransformerEncoder)
    return encoder


@pytest.mark.parametrize("name", MODELS)
def test_a_checkpoint_gives_sentence_transformers_vectors(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentence_transformers import SentenceTransformer

    folder = save(tmp_path / "model", MODELS[name]())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    model = SentenceTransformer(str(folder), device="cpu")
    encoder = load(Path("here/../model"))  # as a path with .., by which modules used to be missed
    for prompt in ("", "the "):
        sizes = encoder.token_counts([prompt + sentence for sentence in SENTENCES])
        assert len(sizes) == len(SENTENCES) and sizes[3] > sizes[0] > sizes[1] > 0
        expected = model.encode(SENTENCES, prompt=prompt or None)
        np.testing.assert_allclose(encoder.encode(SENTENCES, prompt, None), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["router", "static", "transformer, norm"])
def test_the_fingerprint_does_not_depend_on_how_the_path_is_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save(tmp_path / "model", MODELS[name]())
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    found = {fingerprint(Path(path)) for path in ("model", "model/../model", "link", "./model/.", str(folder))}
    assert len(found) == 1
    weights = max(folder.rglob("model.safetensors"), key=lambda file: len(file.parts))
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    assert fingerprint(Path("model/../model")) not in found


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("static", {"max_length": 3}, "has a StaticEmbedding, which never truncates a text"),
        ("bag of words", {"max_length": 3}, "has a BoW, which never truncates a text"),
        ("router, static query", {"max_length": 3}, "has a StaticEmbedding, which never truncates a text"),
        ("words", {"pooling": "cls"}, "expected a transformer as the first module of .*, found WordEmbeddings"),
    ],
)
def test_settings_that_a_module_does_not_have(name: str, options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        load(save(tmp_path / "model", MODELS[name]()), **options)


def without_pad_token(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", pad_token=None)


def without_default_route(folder: Path) -> None:
    config = json.loads((folder / "router_config.json").read_text())
    edit(
        folder / "router_config.json",
        parameters={**config["parameters"], "default_route": None, "allow_empty_key": False},
    )


def longer_than_positions(folder: Path) -> None:
    edit(folder / "sentence_bert_config.json", max_seq_length=512)


def without_pooling(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps(modules[:1]))


def route_without_tokenizer(folder: Path) -> None:
    for file in (folder / "document_0_Transformer").glob("tokenizer*"):
        file.unlink()


def without_weights(folder: Path) -> None:
    for file in folder.rglob("*.safetensors"):
        file.unlink()


def a_router_of_itself(folder: Path) -> None:
    router = "sentence_transformers.base.modules.router.Router"
    edit(folder / "router_config.json", types={".": router}, structure={"query": ["."]})


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("transformer, norm", without_pad_token, "cannot encode a text: Asking to pad but the tokenizer does not have"),
        ("router", without_default_route, "cannot encode a text: Could not determine route .* setting a default route"),
        ("transformer, norm", without_pooling, "has no module that returns a sentence vector"),
        ("router", route_without_tokenizer, "document_0_Transformer has no tokenizer"),
        ("router", without_weights, "has no weights"),
        ("words", without_weights, "has no weights"),
        ("router", a_router_of_itself, "cannot load the model"),
    ],
)
def test_what_cannot_encode_is_refused_in_one_line(
    name: str, damage: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    folder = save(tmp_path / "model", MODELS[name]())
    damage(folder)
    with pytest.raises(UserError, match=words):
        load(folder)


def test_texts_are_cut_where_the_positions_end_whatever_the_files_say(tmp_path: Path) -> None:
    folder = save(tmp_path / "model", MODELS["transformer, norm"]())
    longer_than_positions(folder)
    encoder = load(folder)
    assert encoder.model.max_seq_length == 64
    assert encoder.encode(["the cat " * 100], "", None).shape == (1, 32)


@pytest.mark.parametrize(
    ("prompts", "default", "expected"),
    [
        ({"document": None}, None, ""),
        ({"document": None, "query": "the "}, "query", "the "),
        ({"document": None}, "document", ""),
    ],
)
def test_a_prompt_of_null_is_none(
    prompts: dict[str, str | None] | None, default: str | None, expected: str, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    folder = save(tmp_path / "model", MODELS["transformer, norm"]())
    edit(folder / "config_sentence_transformers.json", prompts=prompts, default_prompt_name=default)
    model = resolve_model(str(folder), ModelOptions(device="cpu"))
    assert (model.prompts.bitext, model.prompts.sts) == (expected, expected)
    found = model.load().encode(SENTENCES, expected, None)
    np.testing.assert_allclose(found, SentenceTransformer(str(folder), device="cpu").encode(SENTENCES), atol=1e-5)
