"""Token ids kept between counting and padding, beside sentence-transformers' own features."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer

from bitext_bench.encoders.tokens import TokenIds

WORDS = ("the", "cat", "Chat", "not", "under", "é", "\n", "?", "[MASK]", "zebra")


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> SentenceTransformer:
    return SentenceTransformer(str(tiny_model), device="cpu")


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        same = torch.equal(found[name], value) if isinstance(value, torch.Tensor) else found[name] == value
        assert same, name


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join), min_size=1, max_size=6), st.booleans())
@settings(max_examples=60, deadline=None)
def test_features_are_those_of_preprocess(model: SentenceTransformer, sentences: list[str], counted: bool) -> None:
    """Counted before or not, longer than the model takes or empty, the same twice, with a prompt."""
    tokens = TokenIds(model)
    if counted:
        tokens.token_counts(["the " + sentence for sentence in sentences])
    assert_same(tokens.features(sentences, "the "), dict(model.preprocess(sentences, prompt="the ")))


def test_sizes_are_the_lengths_of_the_tokenizers_ids(model: SentenceTransformer) -> None:
    texts = ["the cat", "the cat " * 300, "", "?"]
    expected = [len(ids) for ids in model.tokenizer(texts, padding=False, truncation=False)["input_ids"]]
    assert TokenIds(model).token_counts(texts).tolist() == expected


def test_each_text_is_tokenized_once(model: SentenceTransformer) -> None:
    tokens = TokenIds(model)
    texts = ["the cat", "the dog sat"]
    tokens.token_counts(texts)
    tokens.features(texts, "")  # The prompt is tried.
    tokens.token_counts(texts)
    with patch.object(model, "preprocess", side_effect=KeyError):
        tokens.features(texts, "")
        with pytest.raises(KeyError):  # What was asked for is forgotten.
            tokens.features(texts, "")


@pytest.mark.parametrize(("name", "value"), [("padding_side", "left"), ("pad_token", "[SEP]")])
def test_what_is_padded_otherwise_has_the_same_features(tiny_model: Path, name: str, value: str) -> None:
    model = SentenceTransformer(str(tiny_model), device="cpu")
    setattr(model.tokenizer, name, value)
    tokens = TokenIds(model)
    texts = ["the cat sat", "dog"]
    tokens.token_counts(texts)
    assert_same(tokens.features(texts, ""), dict(model.preprocess(texts)))
