"""The maximum length of every checkpoint layout, compared with sentence-transformers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import BERT, MODERN_BERT, MPNET, ROBERTA, T5, XLM_R, Architecture, edit, make_checkpoint, make_saved

from bitext_bench.embedding.batching import TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.errors import UserError

pytestmark = pytest.mark.usefixtures("one_thread")
DEFAULT = ModelOptions(device="cpu")
# Words in another order at each place, so that every token that is cut off or kept changes the vector.
TEXTS = (
    "dog",
    "the cat sat on the mat",
    "a red cat ran " * 14,
    "one two three not " * 160,
    "le chat under la house " * 150,
)


def without_length(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", model_max_length=10**30)


def settings(folder: Path, name: str = "sentence_bert_config.json", **changes: Any) -> None:
    """Write a transformer module's settings into the file of that name alone."""
    given = json.loads((folder / "sentence_bert_config.json").read_text())
    (folder / "sentence_bert_config.json").unlink()
    (folder / name).write_text(json.dumps({**given, **changes}))


def old_settings(name: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "sentence_bert_config.json").unlink()
        (folder / name).write_text(json.dumps({"max_seq_length": 16, "do_lower_case": False}))

    return write


def in_tokenizer(**changes: Any) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        file = folder / "tokenizer_config.json"
        kept = {k: v for k, v in json.loads(file.read_text()).items() if k not in ("model_max_length", "max_len")}
        file.write_text(json.dumps({**kept, **changes}))

    return write


def in_own_folder(folder: Path) -> None:
    """The layout of before version 2: the transformer in 0_Transformer, nothing of it at the top."""
    (folder / "0_Transformer").mkdir()
    for file in list(folder.iterdir()):
        if file.is_file() and file.name not in ("modules.json", "config_sentence_transformers.json", "README.md"):
            file.rename(folder / "0_Transformer" / file.name)
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (folder / "modules.json").write_text(json.dumps(modules))
    settings(folder / "0_Transformer", max_seq_length=16)


def nothing(folder: Path) -> None:
    pass


# An architecture, what is changed of what sentence-transformers saved, and the length that is right.
LAYOUTS: list[tuple[str, Architecture, Callable[[Path], None], int | None]] = [
    ("as saved", BERT, nothing, 64),
    ("max_seq_length", BERT, lambda folder: settings(folder, max_seq_length=16), 16),
    ("max_seq_length null", BERT, lambda folder: settings(folder, max_seq_length=None), 64),
    ("of 0_Transformer", BERT, in_own_folder, 16),
    *(
        (f"sentence_{kind}_config", BERT, old_settings(f"sentence_{kind}_config.json"), 16)
        for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
    ),
    ("tokenizer_args", BERT, lambda folder: settings(folder, tokenizer_args={"model_max_length": 16}), 16),
    ("processor_kwargs", BERT, lambda folder: settings(folder, processor_kwargs={"model_max_length": 16}), 16),
    (
        "both, and max_seq_length",
        BERT,
        lambda folder: settings(
            folder, processor_kwargs={"model_max_length": 8}, tokenizer_args={"model_max_length": 16}, max_seq_length=4
        ),
        16,
    ),
    ("config_args", BERT, lambda folder: settings(folder, config_args={"attention_dropout": 0.1}), 64),
    ("tokenizer_config", BERT, in_tokenizer(model_max_length=24), 24),
    ("max_len of an old tokenizer_config", BERT, in_tokenizer(max_len=24), 24),
    ("nothing stated", BERT, in_tokenizer(), 64),
    ("no limit stated", BERT, without_length, 64),
    ("more than the configuration", BERT, in_tokenizer(model_max_length=1_000), 64),
    ("an offset, nothing stated", XLM_R, without_length, 64),
    ("an offset, 66 stated", XLM_R, lambda folder: settings(folder, max_seq_length=66), 64),
    ("an offset, less stated", XLM_R, lambda folder: settings(folder, max_seq_length=32), 32),
    ("an offset of 1", ROBERTA, without_length, 64),
    ("an offset by mpnet", MPNET, without_length, 64),
    ("positions without a table", MODERN_BERT, without_length, 128),
    (
        "beyond the configuration, without a table",
        MODERN_BERT,
        lambda folder: settings(folder, max_seq_length=512),
        512,
    ),
    ("no positions", T5, without_length, None),
    ("no positions, a length", T5, nothing, 64),
]


def marks(name: str) -> list[pytest.MarkDecorator]:
    """The other names of the same file are slow."""
    return [pytest.mark.slow] if name.startswith("sentence_") and name != "sentence_bert_config" else []


@pytest.mark.parametrize(
    ("architecture", "change", "expected"), [pytest.param(*row[1:], id=row[0], marks=marks(row[0])) for row in LAYOUTS]
)
def test_the_length_is_that_of_sentence_transformers(
    tmp_path: Path, architecture: Architecture, change: Callable[[Path], None], expected: int | None
) -> None:
    """Known before loading, reported after it, and texts of 600 tokens are cut there."""
    from sentence_transformers import SentenceTransformer

    folder = make_saved(tmp_path / "model", architecture)
    change(folder)
    reference = SentenceTransformer(str(folder), device="cpu")
    theirs = reference.max_seq_length if reference.max_seq_length < 10**9 else None
    if architecture[0] in ("XLMRoberta", "Roberta", "MPNet") or expected is None or theirs is None:
        reference.max_seq_length = expected or 10**9  # Where theirs reads beyond its positions.
    else:
        assert theirs == expected
    model = resolve_model(str(folder), DEFAULT)
    assert model.max_length == expected
    embedder = Embedder(model, tmp_path / "cache")
    embedder.encode([TextGroup(TEXTS, None, "")])
    found = embedder.vectors(TextGroup(TEXTS, None, ""))
    np.testing.assert_allclose(found, reference.encode(list(TEXTS), normalize_embeddings=True), atol=2e-6)
    # As `verify` does, which takes the length from the result file.
    aloud = resolve_model(str(folder), ModelOptions(device="cpu", max_length=expected))
    assert (aloud.space, aloud.overrides) == (model.space, ())
    np.testing.assert_array_equal(aloud.load().encode(TEXTS, "", None), model.load().encode(TEXTS, "", None))


@pytest.mark.parametrize(
    "given", [{"text": {"max_length": 16}}, {"common": {"max_length": 16}}, {"text": {"max_length": 48}}]
)
def test_a_length_that_each_call_is_given(tmp_path: Path, given: dict[str, Any]) -> None:
    """`max_seq_length` does not know it, and `--max-length` replaces it."""
    from sentence_transformers import SentenceTransformer

    folder = make_saved(tmp_path / "model", BERT)
    settings(folder, processing_kwargs=given, max_seq_length=32)
    model = resolve_model(str(folder), DEFAULT)
    assert model.max_length == next(iter(given.values()))["max_length"]
    reference = SentenceTransformer(str(folder), device="cpu")
    assert reference.max_seq_length == 32
    encoder = model.load()
    encoder.token_counts(TEXTS)
    np.testing.assert_allclose(encoder.encode(TEXTS, "", None), reference.encode(list(TEXTS)), atol=2e-6)
    reference[0].processing_kwargs = {}
    for length in (24, 32):
        reference.max_seq_length = length
        other = resolve_model(str(folder), ModelOptions(device="cpu", max_length=length)).load()
        np.testing.assert_allclose(other.encode(TEXTS, "", None), reference.encode(list(TEXTS)), atol=2e-6)


@pytest.mark.parametrize("length", [None, 32])
def test_a_router_reports_the_longest_of_its_routes_and_each_keeps_its_own(tmp_path: Path, length: int | None) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Router, Transformer

    plain = make_checkpoint(tmp_path / "plain", BERT)
    short, long = Transformer(str(plain), max_seq_length=16), Transformer(str(plain), max_seq_length=48)
    router = Router.for_query_document([short], [long], default_route="query")
    SentenceTransformer(modules=[router, Pooling(32, "mean")], device="cpu").save(str(tmp_path / "model"))
    reference = SentenceTransformer(str(tmp_path / "model"), device="cpu")
    assert reference.max_seq_length == 48
    model = resolve_model(str(tmp_path / "model"), ModelOptions(device="cpu", max_length=length))
    assert model.max_length == (length or 48)
    if length:
        reference.max_seq_length = length
    encoder = model.load()
    encoder.token_counts(TEXTS)
    np.testing.assert_allclose(encoder.encode(TEXTS, "", None), reference.encode(list(TEXTS)), atol=2e-6)


@pytest.mark.parametrize("architecture", [BERT, XLM_R, MPNET, MODERN_BERT, T5])
def test_a_plain_checkpoint(tmp_path: Path, architecture: Architecture) -> None:
    from sentence_transformers import SentenceTransformer

    folder = make_checkpoint(tmp_path / "plain", architecture, model_max_length=10**30)
    model = resolve_model(str(folder), ModelOptions(pooling="mean", device="cpu"))
    reference = SentenceTransformer(str(folder), device="cpu")
    reference.max_seq_length = model.max_length or 10**9
    assert model.max_length == {"ModernBert": 128, "T5": None}.get(architecture[0], 64)
    np.testing.assert_allclose(model.load().encode(TEXTS, "", None), reference.encode(list(TEXTS)), atol=2e-6)


def test_another_pooling_leaves_the_transformers_settings(tmp_path: Path) -> None:
    """Replacing the pooling must keep the length and the case setting."""
    from sentence_transformers import SentenceTransformer

    folder = make_saved(tmp_path / "model", BERT)
    old_settings("sentence_roberta_config.json")(folder)
    reference = SentenceTransformer(str(folder), device="cpu")
    reference[1].pooling_mode = "cls"
    model = resolve_model(str(folder), ModelOptions(pooling="cls", device="cpu"))
    assert (model.max_length, model.overrides) == (16, (("pool", "cls"),))
    np.testing.assert_allclose(model.load().encode(TEXTS, "", None), reference.encode(list(TEXTS)), atol=2e-6)


def test_files_that_are_read_otherwise_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout that nobody here knows must not be scored under a length that it does not have."""
    from sentence_transformers.sentence_transformer.modules import Transformer

    folder = make_saved(tmp_path / "model", BERT)
    monkeypatch.setattr(Transformer, "max_seq_length", property(lambda module: 40))
    with pytest.raises(
        UserError, match="reports a maximum length of 40 tokens, its files say 64: pass the right one as --max-length"
    ):
        resolve_model(str(folder), DEFAULT).load()


@pytest.mark.parametrize("stated", ["long", [16], True, -1, float("nan"), float("-inf")])
def test_a_length_that_is_no_number(tmp_path: Path, stated: object) -> None:
    folder = make_saved(tmp_path / "model", BERT)
    settings(folder, max_seq_length=stated)
    with pytest.raises(UserError, match=r"as its maximum length: expected a number of tokens"):
        resolve_model(str(folder), DEFAULT)


@pytest.mark.parametrize("key", ["pad_token_id", "max_position_embeddings"])
@pytest.mark.parametrize("stated", ["1", [1], 1.5, True])
def test_a_configuration_with_something_else_than_a_number(tmp_path: Path, key: str, stated: object) -> None:
    folder = make_saved(tmp_path / "model", XLM_R)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, key: stated}))
    with pytest.raises(UserError, match=f"config.json has {key} .*: expected a whole number|as its maximum length"):
        resolve_model(str(folder), DEFAULT)


@pytest.mark.parametrize(
    "change",
    [{"model_type": ["bert"]}, {"hidden_size": 0}, {"num_attention_heads": 0}],
    ids=["the type", "the size", "the heads"],
)
def test_a_configuration_that_no_model_can_have_is_one_line(tmp_path: Path, change: dict[str, object]) -> None:
    folder = make_saved(tmp_path / "model", BERT)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(UserError, match="cannot load the model in "):
        resolve_model(str(folder), DEFAULT).load()


def test_a_tokenizer_with_a_negative_length_is_one_line(tmp_path: Path) -> None:
    folder = make_saved(tmp_path / "model", BERT)
    in_tokenizer(model_max_length=-5)(folder)
    with pytest.raises(UserError, match="give -5 as its maximum length: expected a number of tokens"):
        resolve_model(str(folder), DEFAULT).load()


def test_more_than_there_are_positions(tmp_path: Path) -> None:
    folder = make_saved(tmp_path / "model", XLM_R)
    assert resolve_model(str(folder), ModelOptions(max_length=64)).max_length == 64
    with pytest.raises(UserError, match=r"--max-length 65: .* has positions for only 64 tokens"):
        resolve_model(str(folder), ModelOptions(max_length=65))


def test_a_tokenizer_with_more_tokens_than_the_model_is_one_line(tmp_path: Path) -> None:
    folder = make_saved(tmp_path / "model", ("Bert", {"max_position_embeddings": 64, "vocab_size": 20}))
    with pytest.raises(
        UserError, match=r"no embedding for a token or a position .*: check that the tokenizer is the model's"
    ):
        resolve_model(str(folder), DEFAULT).load().encode(["the chat chien"], "", None)


def test_pickled_weights_are_not_opened_to_count_positions(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = Path(shutil.copytree(make_saved(tmp_path / "model", XLM_R), tmp_path / "pickled"))
    without_length(folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    model = resolve_model(str(folder), ModelOptions(device="cpu", allow_pickle=True))
    assert model.max_length == 64
    assert np.isfinite(model.load().encode(TEXTS, "", None)).all()
