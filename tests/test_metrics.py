"""Metrics: hand-known answers, and other libraries on the same arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bitext_bench.scoring.metrics import (
    accuracy_ceiling,
    gold_rank,
    hubness,
    mean_reciprocal_rank,
    mteb_f1,
    normalize_text,
    recall_at,
    text_classes,
)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_mteb_f1_is_sklearns_weighted_f1(data: st.DataObject) -> None:
    from sklearn.metrics import f1_score  # type: ignore[import-untyped]

    n = data.draw(st.integers(1, 14))
    predicted = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n)))
    expected = f1_score(range(n), predicted, average="weighted", zero_division=0)
    assert mteb_f1(predicted) == pytest.approx(expected, abs=1e-12)
    assert mteb_f1(predicted) <= (predicted == np.arange(n)).mean() + 1e-12


@pytest.mark.parametrize(
    ("predicted", "f1"), [([0, 1, 2], 1.0), ([1, 2, 0], 0.0), ([0, 0, 0], (2 / 4) / 3), ([0, 1, 1], (1 + 2 / 3) / 3)]
)
def test_mteb_f1_by_hand(predicted: list[int], f1: float) -> None:
    assert mteb_f1(np.array(predicted)) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Hello, World!", "helloworld"),
        ("ＡＢＣ１２", "abc12"),
        ("Straße", "strasse"),
        ("«Да»?", "да"),
        ("ｶﾞ行。", "ガ行"),
        ("café", "café"),
        ("cafe\u0301", "café"),  # composed first
        ("ﬁn — x²", "finx2"),
        ("!?", ""),
        ("", ""),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert normalize_text(text) == folded


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a"], 1.0),
        (["a", "b"], 1.0),
        (["Yes.", "yes!", "no"], 2 / 3),
        (["a", "A", "a."], 1 / 3),
        (["a b", "ab", "c", "C!"], 1 / 2),  # spaces are folded too
        (["!", "?"], 1.0),  # nothing is left of them: they stand for themselves
        (["!", "!", "x"], 1.0),  # copies of one text are found together
        (["a", "a", "A", "b"], 3 / 4),
        (["１", "1", "²"], 2 / 3),
        (["❤️", "❤"], 1.0),
        (["❤️ a", "❤ A"], 1 / 2),
    ],
)
def test_ceiling(texts: list[str], expected: float) -> None:
    assert accuracy_ceiling(texts) == pytest.approx(expected)


@pytest.mark.parametrize("texts", [["कि", "की"], ["ไม่", "ไม้"], ["கை", "கா"]])
def test_words_that_differ_in_a_vowel_sign_are_no_duplicates(texts: list[str]) -> None:
    assert accuracy_ceiling(texts) == 1.0


def test_ranks_count_equal_texts_as_the_gold() -> None:
    classes = text_classes(["x", "y", "x", "z"])
    assert classes.tolist() == [0, 1, 0, 3]
    indices = np.array([[2, 1], [0, 1], [3, 1], [0, 1]])
    rank = gold_rank(indices, classes)
    assert rank.tolist() == [1, 2, 0, 0]
    assert recall_at(rank, 1) == 0.25
    assert recall_at(rank, 2) == 0.5
    assert mean_reciprocal_rank(rank) == pytest.approx((1 + 0.5) / 4)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text("ab", max_size=2), max_size=12))
def test_text_classes_are_equal_where_texts_are(texts: list[str]) -> None:
    classes = text_classes(texts).tolist()
    assert len(classes) == len(texts)
    for i, text in enumerate(texts):
        assert classes[i] == texts.index(text)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_ranks_equal_the_loops(data: st.DataObject) -> None:
    """Equal texts on the searched side, which may be longer; the gold may be beyond the k."""
    n_targets = data.draw(st.integers(1, 9))
    n = data.draw(st.integers(1, n_targets))
    k = data.draw(st.integers(1, n_targets))
    texts = data.draw(st.lists(st.sampled_from("abcde"), min_size=n_targets, max_size=n_targets))
    indices = [data.draw(st.permutations(range(n_targets)))[:k] for _ in range(n)]
    ranks = []
    for i, found in enumerate(indices):
        places = [place for place, j in enumerate(found, start=1) if texts[j] == texts[i]]
        ranks.append(min(places, default=0))
    rank = gold_rank(np.array(indices), text_classes(texts))
    assert rank.tolist() == ranks
    for depth in (1, 2, 5):
        assert recall_at(rank, depth) == pytest.approx(sum(1 for r in ranks if 1 <= r <= depth) / n)
    assert mean_reciprocal_rank(rank) == pytest.approx(sum(1 / r for r in ranks if r) / n)


def slow_hubness(indices: list[list[int]], n_targets: int, k: int) -> tuple[float, float, float]:
    occurrences = [sum(row[:k].count(j) for row in indices) for j in range(n_targets)]
    even = sum(occurrences) / n_targets
    moved = sum(o - even for o in occurrences if o > even)
    skewness = float(stats.skew(occurrences)) if len(set(occurrences)) > 1 else 0.0
    return skewness, occurrences.count(0) / n_targets, moved / sum(occurrences)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_hubness_equals_the_loops(data: st.DataObject) -> None:
    n_targets, k = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 6))
    kept = data.draw(st.integers(1, n_targets))
    indices = [data.draw(st.permutations(range(n_targets)))[:kept] for _ in range(data.draw(st.integers(1, 12)))]
    found = hubness(np.array(indices), n_targets, k)
    expected = slow_hubness(indices, n_targets, k)
    assert (found["hub_skewness"], found["antihubs"], found["robin_hood"]) == pytest.approx(expected, abs=1e-9)


def test_one_hub_by_hand() -> None:
    """All four point at target 0: three targets are found by nobody, and 3 of 4 occurrences would have to move."""
    found = hubness(np.zeros((4, 1), dtype=np.int64), 4)
    assert found == pytest.approx({"hub_skewness": 2 / 3**0.5, "antihubs": 0.75, "robin_hood": 0.75})


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
