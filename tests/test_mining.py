"""Mining and thresholds against slow references written from the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext_bench.scoring.mined_pairs import (
    RowPairs,
    best_f1_point,
    judge,
    mine,
    operating_point,
    precision_recall_curve,
)
from bitext_bench.scoring.neighbors import Vectors, normalize, search_bidirectional


def corpora(n_gold: int, alone: tuple[int, int], seed: int) -> tuple[Vectors, Vectors]:
    """The first n_gold rows of both sides translate each other; the rest have no partner.

    All have a part in common, as with real encoders: where cosines average to 0, a ratio says nothing.
    """
    generator = np.random.default_rng(seed)
    meaning = generator.standard_normal((n_gold, 16))
    sides = [
        normalize(
            1.5
            + np.concatenate(
                [meaning + 0.7 * generator.standard_normal(meaning.shape), generator.standard_normal((n, 16))]
            )
        )
        for n in alone
    ]
    return sides[0], sides[1]


def slow_mine(x: Vectors, y: Vectors, k: int = 4) -> list[tuple[int, int, float]]:
    """LASER's mine_bitexts.py, --retrieval max, ratio margin: a loop a step."""
    cosines = (x @ y.T).astype(np.float64)
    around_x = [float(np.mean(sorted(row, reverse=True)[:k])) for row in cosines]
    around_y = [float(np.mean(sorted(column, reverse=True)[:k])) for column in cosines.T]

    def score(i: int, j: int) -> float:
        return float(cosines[i, j] / ((around_x[i] + around_y[j]) / 2))

    proposals = []
    for i in range(len(x)):
        nearest = sorted(range(len(y)), key=lambda j: -cosines[i, j])[:k]
        best = max(nearest, key=lambda j: score(i, j))
        proposals.append((i, best, score(i, best)))
    for j in range(len(y)):
        nearest = sorted(range(len(x)), key=lambda i: -cosines[i, j])[:k]
        best = max(nearest, key=lambda i: score(i, j))
        proposals.append((best, j, score(best, j)))
    taken: list[tuple[int, int, float]] = []
    for i, j, s in sorted(proposals, key=lambda p: (-p[2], p[0], p[1])):
        if all(i != a and j != b for a, b, _ in taken):
            taken.append((i, j, s))
    return taken


def as_pairs(found: RowPairs) -> list[tuple[int, int]]:
    return list(zip(found.source.tolist(), found.target.tolist(), strict=True))


@settings(deadline=None, max_examples=30)
@given(n_gold=st.integers(1, 20), alone=st.tuples(st.integers(0, 20), st.integers(0, 20)), seed=st.integers(0, 999))
def test_mining_equals_the_loops(n_gold: int, alone: tuple[int, int], seed: int) -> None:
    x, y = corpora(n_gold, alone, seed)
    neighbors = search_bidirectional(x, y, 4)
    found = mine(neighbors)
    expected = slow_mine(x, y)
    assert as_pairs(found) == [(i, j) for i, j, _ in expected]
    np.testing.assert_allclose(found.scores, [s for _, _, s in expected], rtol=1e-5)
    # One to one, best first, and the same from the other side.
    assert len(set(found.source.tolist())) == len(set(found.target.tolist())) == len(found.scores)
    assert (np.diff(found.scores) <= 0).all()
    assert {(j, i) for i, j in as_pairs(mine(neighbors.reversed))} == set(as_pairs(found))


@pytest.mark.parametrize(
    ("x", "y", "pairs", "score"),
    [
        # Everything is equal: all propose row 0 of the other side, so one pair is all there is.
        ([0, 0, 0], [0, 0], [(0, 0)], 1.0),
        # Both sources lie on target 1; the lower one gets it, and nobody proposes the other.
        ([1, 1], [0, 1], [(0, 1)], 1 / ((1 / 2 + 1) / 2)),
        # Equal scores: by source row.
        ([2, 1, 0], [0, 1, 2], [(0, 2), (1, 1), (2, 0)], 3.0),
        # A source without a partner is nobody's best.
        ([0, 1, 3], [1, 0], [(0, 1), (1, 0)], 1 / ((1 / 2 + 1 / 3) / 2)),
    ],
)
def test_mining_ties_by_hand(x: list[int], y: list[int], pairs: list[tuple[int, int]], score: float) -> None:
    axes = np.eye(4, dtype=np.float32)
    found = mine(search_bidirectional(axes[x], axes[y], 4))
    assert as_pairs(found)[: len(pairs)] == pairs
    assert found.scores[: len(pairs)] == pytest.approx([score] * len(pairs), rel=1e-6)
    assert len(set(found.source.tolist())) == len(set(found.target.tolist())) == len(found.scores)


def slow_best(scores: list[float], correct: list[bool], n_gold: int) -> tuple[float, float, float, float]:
    """Try a threshold below every pair; the first best F1 wins, and must really yield what it promises."""
    best = (0.0, -1.0, 0.0, 0.0)
    for i in range(len(scores)):
        following = scores[i + 1] if i + 1 < len(scores) else scores[i]
        threshold = (scores[i] + following) / 2
        taken = [c for s, c in zip(scores, correct, strict=True) if s >= threshold]
        if len(taken) != i + 1:
            continue  # a cut between equal scores is no threshold
        right = sum(taken)
        precision, recall = right / len(taken), right / n_gold
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        if f1 > best[1] + 1e-12:
            best = (threshold, f1, precision, recall)
    return best


@settings(deadline=None, max_examples=100)
@given(values=st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=25), missed=st.integers(0, 5))
def test_the_best_cut_equals_the_loop(values: list[tuple[int, bool]], missed: int) -> None:
    ordered = sorted(values, key=lambda v: -v[0])
    scores, correct = [1 + v / 8 for v, _ in ordered], [c for _, c in ordered]
    n_gold = max(1, sum(correct) + missed)
    cut = best_f1_point(np.array(scores), np.array(correct), n_gold)
    threshold, f1, precision, recall = slow_best(scores, correct, n_gold)
    assert (cut.f1, cut.precision, cut.recall) == pytest.approx((f1, precision, recall))
    assert cut.threshold == pytest.approx(threshold)


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=25),
    missed=st.integers(0, 5),
    other=st.floats(0.5, 2.5),
)
def test_no_threshold_is_better_than_the_best(values: list[tuple[int, bool]], missed: int, other: float) -> None:
    ordered = sorted(values, key=lambda v: -v[0])
    scores, correct = np.array([1 + v / 8 for v, _ in ordered]), np.array([c for _, c in ordered])
    n_gold = max(1, int(correct.sum()) + missed)
    best = best_f1_point(scores, correct, n_gold)
    assert best == operating_point(scores, correct, n_gold, best.threshold)  # it yields what it promises
    for threshold in (*scores.tolist(), other):
        assert operating_point(scores, correct, n_gold, threshold).f1 <= best.f1


@pytest.mark.parametrize(
    ("scores", "correct", "n_gold", "threshold", "f1"),
    [
        ([1.5], [True], 1, 1.5, 1.0),
        ([1.5], [False], 1, 1.5, 0.0),
        ([1.5, 1.25, 1.0], [True, True, False], 2, 1.125, 1.0),
        ([1.5, 1.25, 1.0], [True, False, False], 3, 1.375, 0.5),
        ([1.5, 1.5, 1.0], [True, False, False], 1, 1.25, 2 / 3),  # no cut between equal scores
        ([1.5, 1.5], [False, True], 1, 1.5, 2 / 3),
        ([1.5, 1.25, 1.0], [False, False, False], 2, 1.375, 0.0),  # all wrong: as few as can be
        ([1.5, 1.5, 1.0], [False, False, False], 2, 1.25, 0.0),
        # 2/4 after one pair and 4/8 after five: of equal F1 the higher threshold.
        ([6.0, 5.0, 4.0, 3.0, 2.0], [True, False, False, False, True], 3, 5.5, 0.5),
    ],
)
def test_best_cuts_by_hand(scores: list[float], correct: list[bool], n_gold: int, threshold: float, f1: float) -> None:
    cut = best_f1_point(np.array(scores), np.array(correct), n_gold)
    assert cut.threshold == threshold
    assert cut.f1 == pytest.approx(f1)


def test_the_best_cut_between_neighboring_floats() -> None:
    cut = best_f1_point(np.array([np.nextafter(1.0, 2.0), 1.0]), np.array([True, False]), 1)
    assert cut.f1 == 1.0


def test_the_best_cut_at_the_last_pair() -> None:
    """LASER's BuccOptimize reads one past the end here."""
    cut = best_f1_point(np.array([1.3, 1.2, 1.1]), np.array([True, True, True]), 3)
    assert (cut.threshold, cut.f1) == (1.1, 1.0)


def test_no_pair_is_no_threshold() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        best_f1_point(np.array([]), np.array([], dtype=bool), 3)


@pytest.mark.parametrize(
    ("threshold", "precision", "recall", "f1"),
    [(1.25, 1.0, 0.25, 0.4), (1.15, 0.5, 0.25, 1 / 3), (1.0, 2 / 3, 0.5, 4 / 7), (9.0, 0.0, 0.0, 0.0)],
)
def test_cuts_by_hand(threshold: float, precision: float, recall: float, f1: float) -> None:
    cut = operating_point(np.array([1.3, 1.2, 1.1]), np.array([True, False, True]), 4, threshold)
    assert (cut.precision, cut.recall, cut.f1) == pytest.approx((precision, recall, f1))


@pytest.mark.parametrize("n_gold", [1, 3])
def test_nothing_found_scores_nothing(n_gold: int) -> None:
    cut = operating_point(np.array([]), np.array([], dtype=bool), n_gold, 1.0)
    assert (cut.threshold, cut.precision, cut.recall, cut.f1) == (1.0, 0.0, 0.0, 0.0)


@settings(deadline=None, max_examples=60)
@given(correct=st.lists(st.booleans(), max_size=30), missed=st.integers(0, 5), points=st.integers(2, 40))
def test_the_curve_equals_the_loop(correct: list[bool], missed: int, points: int) -> None:
    n_gold = max(1, sum(correct) + missed)
    whole = []
    for n_taken in range(1, len(correct) + 1):
        right = sum(correct[:n_taken])
        whole.append((round(right / n_gold, 6), round(right / n_taken, 6)))
    found = precision_recall_curve(np.array(correct, dtype=bool), n_gold, points)
    assert len(found) == min(points, len(correct))
    assert found[:1] + found[-1:] == whole[:1] + whole[-1:]  # both ends stay
    rest = iter(whole)
    assert all(point in rest for point in found)  # a part of it, in its order
    if points >= len(correct):
        assert found == whole


def test_judge_and_curve() -> None:
    pairs = RowPairs(np.array([0, 1, 2]), np.array([0, 5, 2]), np.array([1.3, 1.2, 1.1]))
    correct = judge(pairs, {(0, 0), (1, 1), (2, 2), (3, 3)})
    assert correct.tolist() == [True, False, True]
    assert precision_recall_curve(correct, 4) == [(0.25, 1.0), (0.25, 0.5), (0.5, 0.666667)]
    assert len(precision_recall_curve(np.ones(5000, dtype=bool), 5000)) == 101
