"""Scores of two arrays, beside slow references written from their definitions, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bitext_bench as bb

Floats = NDArray[np.float64]


def noisy(n: int, m: int, seed: int, noise: float = 1.2) -> tuple[Floats, Floats]:
    """Return (n, 16) and (m, 16): the first n rows of the second are noisy copies, of any length."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 16))
    y = np.concatenate([x + noise * random.normal(size=x.shape), random.normal(size=(m - n, 16))])
    return x * random.uniform(0.1, 9, size=(n, 1)), y


def cosines(x: Floats, y: Floats) -> Floats:
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (x, y)]
    return np.asarray(unit[0] @ unit[1].T)


def laser_xsim(x: Floats, y: Floats, margin: str) -> float:
    """Return xSIM sentence by sentence, k = 4, after LASER's source/xsim.py."""
    cos, k, errors = cosines(x, y), 4, 0
    for i in range(len(x)):
        candidates = np.argsort(-cos[i], kind="stable")[:k]
        scores = []
        for j in candidates:
            around = (np.sort(cos[i])[-k:].mean() + np.sort(cos[:, j])[-k:].mean()) / 2
            scores.append({"ratio": cos[i, j] / around, "distance": cos[i, j] - around, "absolute": cos[i, j]}[margin])
        errors += int(candidates[int(np.argmax(scores))] != i)
    return errors / len(x)


@pytest.mark.parametrize("margin", ["ratio", "distance", "absolute"])
@pytest.mark.parametrize("seed", range(3))
def test_xsim_is_lasers(margin: Any, seed: int) -> None:
    x, y = noisy(60, 80, seed)
    score = bb.xsim(x, y, margin)
    assert score.value == pytest.approx(laser_xsim(x, y, margin)) and 0 < float(score) < 1
    assert score.lower_is_better and score.n == 60 and score.low is not None and score.high is not None
    assert score.low < float(score) < score.high
    assert f"margin:{margin}" in score.signature and "candidates:80" in score.signature


def test_xsim_by_csls_ranks_all() -> None:
    x, y = noisy(60, 80, 5)
    cos = cosines(x, y)
    around = np.sort(cos, axis=1)[:, -10:].mean(axis=1)[:, None] + np.sort(cos, axis=0)[-10:].mean(axis=0)[None]
    expected = ((2 * cos - around).argmax(axis=1) != np.arange(60)).mean()
    assert bb.xsim(x, y, "csls").value == pytest.approx(expected)


def test_a_copy_of_the_translation_is_right_where_texts_are_given() -> None:
    x = np.eye(3)
    y = np.array([[0.9, 0.2, 0], [1.0, 0, 0], [0, 0, 1]])
    texts = ["same", "same", "other"]
    assert bb.xsim(x[:1], y, "absolute").value == 1
    assert bb.xsim(x[:1], y, "absolute", texts).value == 0
    assert "match:text" in bb.xsim(x[:1], y, "absolute", texts).signature
    assert bb.retrieval_accuracy(x[:2], y[:2], ["a", "b"], texts[:2]).value == pytest.approx(0.75)


def test_retrieval_accuracy_is_the_mean_of_both_directions() -> None:
    x, y = noisy(70, 70, 1)
    cos, rows = cosines(x, y), np.arange(70)
    ways = [float((cos.argmax(axis=1) == rows).mean()), float((cos.argmax(axis=0) == rows).mean())]
    score = bb.retrieval_accuracy(x, y)
    assert [score.details["forward"], score.details["backward"]] == pytest.approx(ways)
    assert score.value == pytest.approx(np.mean(ways)) and score.name == "accuracy" and not score.lower_is_better


def test_margin_scores_of_aligned_pairs() -> None:
    x, y = noisy(30, 30, 2)
    cos = cosines(x, y)
    for k in (1, 4, 30):
        around = (np.sort(cos, axis=1)[:, -k:].mean(axis=1) + np.sort(cos, axis=0)[-k:].mean(axis=0)) / 2
        np.testing.assert_allclose(bb.margin_scores(x, y, k), np.diag(cos) / around, rtol=1e-5)
        np.testing.assert_allclose(bb.margin_scores(x, y, k, "distance"), np.diag(cos) - around, atol=1e-6)


def test_nearest_neighbors_are_exact_and_in_order() -> None:
    x, y = noisy(20, 50, 3)
    found = bb.nearest_neighbors(x, y, k=7)
    assert (found.indices == np.argsort(-cosines(x, y), axis=1)[:, :7]).all()
    assert bb.nearest_neighbors(x, y[:3], k=7).indices.shape == (20, 3)


def test_mining_f1_by_hand() -> None:
    x = np.eye(4)[:3]
    y = np.array([[1, 0.1, 0, 0], [0, 1, 0.1, 0], [0.1, 0, 0, 1]])
    score = bb.mining_f1(x, y, [(0, 0), (1, 1)], threshold=1.2)
    assert (score.value, score.details["precision"], score.details["recall"]) == (1.0, 1.0, 1.0)
    missed = bb.mining_f1(x, y, [(0, 0), (1, 1)], threshold=100.0)
    assert missed.value == 0 and missed.n == 2
    best = bb.mining_f1(x, y, [(0, 0), (1, 1)])
    assert best.value == 1 and "threshold:oracle" in best.signature and best.details["threshold"] > 0


def test_tensors_lists_and_arrays_are_one() -> None:
    import torch

    x, y = noisy(20, 20, 4)
    expected = bb.retrieval_accuracy(x, y)
    assert bb.retrieval_accuracy(x.tolist(), y.tolist()) == expected
    assert bb.retrieval_accuracy(torch.tensor(x, requires_grad=True), torch.tensor(y, dtype=torch.float64)) == expected  # type: ignore[arg-type]


def test_the_interval_of_f1_holds_its_value_if_every_pair_is_taken() -> None:
    x, y = noisy(200, 300, 6, noise=1.3)
    gold = [(i, i) for i in range(200)]
    everything, low = (bb.mining_f1(x, y, gold, threshold) for threshold in (-np.inf, -1e9))
    assert everything.details["recall"] < 1, "some gold pairs are not mined"
    assert (everything.value, everything.low, everything.high) == (low.value, low.low, low.high)
    assert everything.low is not None and everything.high is not None
    assert everything.low < float(everything) < everything.high


@pytest.mark.parametrize("scale", [1e-300, 1e-40, 1e-24, 1e-19, 1e19, 1e30, 1e100, 1e300])
def test_the_length_of_vectors_does_not_matter(scale: float) -> None:
    import torch

    x, y = noisy(50, 50, 7)
    expected = bb.retrieval_accuracy(x, y)
    assert 0.5 < float(expected) < 1
    assert bb.retrieval_accuracy(x * scale, y) == bb.retrieval_accuracy(x, y * scale) == expected
    assert bb.retrieval_accuracy(torch.tensor(x * scale), y) == expected  # type: ignore[arg-type]
    np.testing.assert_allclose(bb.margin_scores(x * scale, y * scale), bb.margin_scores(x, y), rtol=1e-5)


def test_one_extreme_row_changes_no_other_and_no_input() -> None:
    x, y = (side.astype(np.float32) for side in noisy(30, 30, 8))
    mixed = x.copy()
    mixed[3] *= np.float32(1e30)
    before = mixed.copy()
    found, expected = bb.nearest_neighbors(mixed, y), bb.nearest_neighbors(x, y)
    assert (found.indices == expected.indices).all() and (mixed == before).all()
    others = np.arange(30) != 3
    assert (found.cosines[others] == expected.cosines[others]).all()


def test_signatures_have_every_setting() -> None:
    x, y = noisy(20, 20, 9)
    texts = [f"text {i}" for i in range(20)]
    given = [{}, {"x_texts": texts}, {"y_texts": texts}, {"x_texts": texts, "y_texts": texts}]
    fields = [bb.retrieval_accuracy(x, y, **more).signature.split("|")[4] for more in given]
    assert fields == ["match:row", "match:x_texts", "match:y_texts", "match:text"]
    threshold = 1.0000001234567
    assert f"|threshold:{threshold}|" in bb.mining_f1(x, y, [(0, 0)], threshold).signature


def test_texts_may_be_any_iterable_of_strings() -> None:
    import pandas as pd

    x, y = noisy(20, 20, 10)
    texts = [f"text {i // 2}" for i in range(20)]
    expected = bb.xsim(x, y, y_texts=texts)
    for given in (iter(texts), np.array(texts), pd.Series(texts, index=range(100, 120))):
        assert bb.xsim(x, y, y_texts=given) == expected


ONE = np.eye(3)
BAD: list[tuple[Any, Any, str]] = [
    (np.ones(3), ONE, r"x has shape \(3,\): expected \(N, D\)"),
    (ONE, np.ones((3, 4)), "x has 3 dimensions and y 4"),
    (ONE, np.zeros((0, 3)), r"y has shape \(0, 3\)"),
    (ONE, [[1, 0, 0], [0, float("nan"), 0], [0, 0, 1]], "row 1 of y contains NaN"),
    ([[1, 0, 0], [0, 0, 0], [0, 0, 1]], ONE, "row 1 of x is all zeros"),
    ("two", ONE, "x is not an array of numbers"),
    ([["1", "0", "0"]] * 3, ONE, r"x is not an array of numbers \(it has text\)"),
    (ONE.astype("S9"), ONE, r"x is not an array of numbers \(it has text\)"),
    (np.array([[1, "0", 0]] * 3, dtype=object), ONE, r"x is not an array of numbers \(it has text\)"),
    (ONE, ONE + 1j, r"y is not an array of numbers \(it has complex numbers\)"),
    (ONE, np.ma.masked_equal(ONE, 1), r"y is not an array of numbers \(it has masked entries\)"),
    (ONE, [np.ma.masked_equal(row, 1) for row in ONE], r"y is not an array of numbers \(it has masked entries\)"),
    (ONE, ONE.astype("m8[s]"), r"y is not an array of numbers \(it has entries of type timedelta64"),
    ([[1, 2], [3]], ONE, "x is not an array of numbers"),
    (ONE, np.eye(3)[:2], "x has 3 rows and y 2"),
]


@pytest.mark.parametrize(("x", "y", "message"), BAD)
@pytest.mark.parametrize("function", [bb.xsim, bb.retrieval_accuracy, bb.margin_scores])
def test_bad_arrays_are_refused(function: Any, x: Any, y: Any, message: str) -> None:
    with pytest.raises(bb.UserError, match=message) as caught:
        function(x, y)
    assert isinstance(caught.value, ValueError) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bb.xsim(ONE, ONE, "cosine"), "unknown margin 'cosine': expected one of ratio"),  # type: ignore[arg-type]
        (lambda: bb.xsim(ONE, ONE, y_texts=["a"]), "there are 1 texts for 3 vectors"),
        (lambda: bb.nearest_neighbors(ONE, ONE, k=0), "k is 0: expected 1 or more"),
        (lambda: bb.mining_f1(ONE, ONE, []), "gold is empty"),
        (lambda: bb.mining_f1(ONE, ONE, [(0, 3)]), r"gold pair \(0, 3\) is out of range"),
        *[
            (lambda gold=gold: bb.mining_f1(ONE, ONE, gold), "gold is not a list of pairs of row numbers")
            for gold in (None, [0, 1], [(0, 0, 1)], [("fr-1", "en-1")], ["01"], [(0.7, 0.2)], [(np.nan, 0)], {0: 0})
        ],
        *[
            (lambda t=t: bb.mining_f1(ONE, ONE, [(0, 0)], t), "threshold is .*: expected a number")
            for t in ("1.0", "best", [1.0], np.nan)
        ],
        *[
            (lambda k=k: bb.nearest_neighbors(ONE, ONE, k), "k is .*: expected an integer, 1 or more")
            for k in (4.0, "4", None, np.nan)
        ],
        (lambda: bb.margin_scores(ONE, ONE, 2.5), "k is 2.5"),  # type: ignore[arg-type]
        (lambda: bb.xsim(ONE, ONE, y_texts=[1, 2, 3]), "y_texts 1 is a int: expected a sentence"),  # type: ignore[list-item]
        (lambda: bb.xsim(ONE, ONE, y_texts="abc"), "y_texts is a single string"),
        (lambda: bb.retrieval_accuracy(ONE, ONE, y_texts={"a": 1}), "y_texts is a dict"),
        (lambda: bb.retrieval_accuracy(ONE, ONE, 3), "x_texts is a int"),  # type: ignore[arg-type]
    ],
)
def test_bad_settings_are_refused(call: Any, message: str) -> None:
    with pytest.raises(bb.UserError, match=message):
        call()
