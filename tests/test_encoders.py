"""From a name to vectors, over every kind of model."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import SENTENCES, WORDS, edit, vectors

from bitext_bench.baselines import find_baseline
from bitext_bench.embedding.batching import TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ModelOptions, Prompts, resolve_model
from bitext_bench.encoders.fingerprint import count_parameters, fingerprint
from bitext_bench.errors import UserError
from bitext_bench.languages import resolve

EN, FR, JA = resolve("en"), resolve("fr"), resolve("ja")
DEFAULT = ModelOptions(device="cpu")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def copy(dense: Path, tmp_path: Path) -> Path:
    """A directory to be damaged or changed."""
    return Path(shutil.copytree(dense, tmp_path / "a copy"))


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
    texts = TextGroup(tuple(sentences), FR, prompt)
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
    assert aloud.overrides == silent.overrides == ()  # nor are its results another model's
    np.testing.assert_array_equal(vectors(aloud), vectors(silent))


def test_every_setting_that_changes_vectors_is_a_space_and_a_name_of_its_own(tiny_model: Path) -> None:
    settings: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {
        (): {},
        (("dtype", "bf16"),): {"dtype": "bf16"},
        (("dtype", "fp16"),): {"dtype": "fp16"},
        (("maxlen", "32"),): {"max_length": 32},
        (("backend", "openvino"),): {"backend": "openvino"},
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
    assert encoder.token_counts(["cat", "the cat sat", "", "cat " * 100]).tolist() == [3, 5, 2, 102]


def test_more_tokens_than_positions(tiny_model: Path) -> None:
    resolve_model(str(tiny_model), ModelOptions(max_length=64))
    with pytest.raises(UserError, match=r"--max-length 65: .* has positions for only 64 tokens"):
        resolve_model(str(tiny_model), ModelOptions(max_length=65))


def test_robertas_positions_begin_after_the_padding(tiny_model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_model, tmp_path / "copy")
    (file,) = copy.rglob("config.json") if not (copy / "config.json").exists() else [copy / "config.json"]
    config = json.loads(file.read_text()) | {"model_type": "xlm-roberta", "pad_token_id": 1}
    file.write_text(json.dumps(config))
    with pytest.raises(UserError, match="has positions for only 62 tokens"):
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
    for name in ("optimizer.pt", "scheduler.pt", "training_args.bin", "trainer_state.json", "dropped_rows.tsv"):
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
        (remove_weights, "a copy has no weights"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 99), "is not a safetensors file"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "cannot load the model"),
        (lambda folder: edit(folder / "config.json", model_type="no such type"), "cannot load the model"),
        (lambda folder: edit(folder / "1_Pooling" / "config.json", surprise=1), "cannot load the model"),
        (lambda folder: (folder / "modules.json").write_text('{"no": "list"}'), "modules.json is not a list"),
        (lambda folder: (folder / "modules.json").write_text("[1]"), "modules.json is not a list of sentence"),
        (lambda folder: (folder / "modules.json").write_bytes(b"\xff"), "modules.json is not a list of sentence"),
        (lambda folder: edit(folder / "config_sentence_transformers.json", prompts=["x"]), "has invalid prompts"),
        (lambda folder: edit(folder / "config_sentence_transformers.json", prompts={"STS": 3}), "has invalid prompts"),
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
    with pytest.raises(UserError, match=rf"a copy/{name} (is not JSON|contains .*: expected a JSON object)"):
        resolve_model(str(copy), DEFAULT)


def test_a_device_that_is_not_there(tiny_model: Path) -> None:
    import torch

    missing = ["no-such-device"] if torch.cuda.is_available() else ["no-such-device", "cuda"]
    for device in missing:
        with pytest.raises(UserError, match="cannot load the model"):
            resolve_model(str(tiny_model), ModelOptions(device=device)).load()


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
    with pytest.raises(UserError, match=r"model\.safetensors is not a safetensors file: .*copy the model again"):
        resolve_model(str(copy), DEFAULT)


def test_a_prompt_that_no_result_file_can_record_is_refused():
    assert len(Prompts("x" * 100_000).bitext) == 100_000
    with pytest.raises(UserError, match="a prompt has 100,001 characters: expected at most 100,000; shorten it"):
        Prompts(tasks=(("Tatoeba", "x" * 100_001),))
