"""Metrics: hand-known answers, and other libraries on the same arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bitext_bench.metrics import (
    ceiling,
    fold,
    gold_rank,
    hubness,
    mean_reciprocal_rank,
    mteb_f1,
    recall_at,
    text_classes,
)


@settings(deadline=None, max_examples=60)
@given(predicted=st.lists(st.integers(0, 11), min_size=12, max_size=12))
def test_mteb_f1_is_sklearns_weighted_f1(predicted: list[int]) -> None:
    from sklearn.metrics import f1_score

    expected = f1_score(range(12), predicted, average="weighted", zero_division=0)
    assert mteb_f1(np.array(predicted)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("predicted", "f1"), [([0, 1, 2], 1.0), ([1, 2, 0], 0.0), ([0, 0, 0], (2 / 4) / 3), ([0, 1, 1], (1 + 2 / 3) / 3)]
)
def test_mteb_f1_by_hand(predicted: list[int], f1: float) -> None:
    assert mteb_f1(np.array(predicted)) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Hello, World!", "helloworld"), ("ＡＢＣ１２", "abc12"), ("Straße", "strasse"), ("«Да»?", "да"), ("!?", "")],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("texts", "expected"),
    [(["a", "b"], 1.0), (["Yes.", "yes!", "no"], 2 / 3), (["!", "?"], 1.0), (["a", "A", "a."], 1 / 3)],
)
def test_ceiling(texts: list[str], expected: float) -> None:
    assert ceiling(texts) == pytest.approx(expected)


def test_ranks_count_equal_texts_as_the_gold() -> None:
    classes = text_classes(["x", "y", "x", "z"])
    assert classes.tolist() == [0, 1, 0, 3]
    indices = np.array([[2, 1], [0, 1], [3, 1], [0, 1]])
    rank = gold_rank(indices, classes)
    assert rank.tolist() == [1, 2, 0, 0]
    assert recall_at(rank, 1) == 0.25
    assert recall_at(rank, 2) == 0.5
    assert mean_reciprocal_rank(rank) == pytest.approx((1 + 0.5) / 4)


def test_hubness_by_its_definitions() -> None:
    indices = np.random.default_rng(0).integers(0, 50, (200, 16)) // 2
    found = hubness(indices, 50, k=10)
    occurrences = np.bincount(indices[:, :10].ravel(), minlength=50)
    assert found["hub_skewness"] == pytest.approx(stats.skew(occurrences))
    assert found["antihubs"] == pytest.approx((occurrences == 0).mean())
    even = occurrences.sum() / 50
    assert found["robin_hood"] == pytest.approx(sum(o - even for o in occurrences if o > even) / occurrences.sum())


def test_an_even_spread_has_no_hubs() -> None:
    assert hubness(np.arange(8)[:, None], 8) == {"hub_skewness": 0.0, "antihubs": 0.0, "robin_hood": 0.0}
