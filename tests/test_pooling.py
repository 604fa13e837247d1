"""Which pooling a checkpoint has, in every way to say it, beside sentence-transformers' vectors."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import BERT, QWEN3, SENTENCES, make_saved

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.errors import UserError

pytestmark = pytest.mark.usefixtures("one_thread")
DEFAULT = ModelOptions(device="cpu")
FLAGS = ("cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
NAMES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "last")


def pooled(folder: Path, **config: Any) -> Path:
    """Save a model whose pooling says this and no more."""
    make_saved(folder, BERT)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    return folder


def check(folder: Path, expected: str, prompt: str = "") -> None:
    """Compare the name of the pooling, and vectors of texts of several lengths with sentence-transformers'."""
    from sentence_transformers import SentenceTransformer

    model = resolve_model(str(folder), DEFAULT)
    assert (model.pooling, model.overrides) == (expected, ())
    encoder = model.load()
    encoder.token_counts([prompt + sentence for sentence in SENTENCES])
    reference = SentenceTransformer(str(folder), device="cpu").encode(SENTENCES, prompt=prompt or None)
    np.testing.assert_allclose(encoder.encode(SENTENCES, prompt, None), reference, atol=2e-6)


@pytest.mark.parametrize(
    "on",
    [
        *((n,) for n in range(6)),
        *((0, n) for n in range(1, 6)),
        *(pytest.param(pair, marks=pytest.mark.slow) for pair in itertools.combinations(range(1, 6), 2)),
        (),
        tuple(range(6)),
    ],
)
def test_old_flags(tmp_path: Path, on: tuple[int, ...]) -> None:
    """None means the mean; several are concatenated."""
    flags = {f"pooling_mode_{name}": i in on for i, name in enumerate(FLAGS)}
    check(pooled(tmp_path / "model", word_embedding_dimension=32, **flags), "+".join(NAMES[i] for i in on) or "mean")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("cls", "cls"),
        ("lasttoken", "last"),
        ("weightedmean", "weightedmean"),
        ("max", "max"),
        (["mean"], "mean"),
        (["cls", "max"], "cls+max"),
        (["lasttoken", "mean", "cls"], "last+mean+cls"),
    ],
)
def test_a_mode_or_a_list_of_them(tmp_path: Path, mode: str | list[str], expected: str) -> None:
    check(pooled(tmp_path / "model", embedding_dimension=32, pooling_mode=mode), expected)


def test_the_new_key_counts_beside_old_flags(tmp_path: Path) -> None:
    folder = pooled(tmp_path / "model", embedding_dimension=32, pooling_mode="max", pooling_mode_cls_token=True)
    check(folder, "max")


def test_nothing_said_is_the_mean(tmp_path: Path) -> None:
    check(pooled(tmp_path / "model", embedding_dimension=32), "mean")


@pytest.mark.parametrize("mode", ["mean", "cls", "weightedmean", ["cls", "mean"]])
def test_a_prompt_that_is_not_pooled(tmp_path: Path, mode: str | list[str]) -> None:
    folder = pooled(tmp_path / "model", embedding_dimension=32, pooling_mode=mode, include_prompt=False)
    check(folder, mode if isinstance(mode, str) else "+".join(mode), prompt="the red ")


def test_the_last_token_behind_padding_on_the_left(tmp_path: Path) -> None:
    check(make_saved(tmp_path / "model", QWEN3, "lasttoken", padding_side="left"), "last")


@pytest.mark.parametrize("asked", ["cls", "mean", "last"])
def test_a_stated_pooling_replaces_two(tmp_path: Path, asked: str) -> None:
    """`--pooling cls` used to leave cls and max as they were, as the first of the two was taken for both."""
    from sentence_transformers import SentenceTransformer

    two = pooled(tmp_path / "two", pooling_mode_cls_token=True, pooling_mode_max_tokens=True, embedding_dimension=32)
    one = pooled(tmp_path / "one", embedding_dimension=32, pooling_mode={"last": "lasttoken"}.get(asked, asked))
    model = resolve_model(str(two), ModelOptions(pooling=asked, device="cpu"))
    assert (model.pooling, model.overrides) == (asked, (("pool", asked),))
    expected = SentenceTransformer(str(one), device="cpu").encode(SENTENCES)
    np.testing.assert_allclose(model.load().encode(SENTENCES, "", None), expected, atol=2e-6)


def test_a_stated_pooling_needs_a_transformer(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(make_saved(tmp_path / "model", BERT)))
    static = StaticEmbedding(tokenizer.backend_tokenizer, embedding_dim=32)
    SentenceTransformer(modules=[static], device="cpu").save(str(tmp_path / "static"))
    with pytest.raises(
        UserError, match=r"--pooling cls: expected a transformer as the first module of .*, found StaticEmbedding"
    ):
        resolve_model(str(tmp_path / "static"), ModelOptions(pooling="cls", device="cpu")).load()
