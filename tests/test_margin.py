"""Margins against LASER's definition, in loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext_bench.margin import CSLS_K, MARGIN_K, MARGINS, Margin, best_candidates
from bitext_bench.neighbours import Vectors, nearest_both_ways, unit


def noisy_pair(n: int, m: int, seed: int, dimensions: int = 12) -> tuple[Vectors, Vectors]:
    generator = np.random.default_rng(seed)
    meaning = generator.standard_normal((max(n, m), dimensions))
    noise = generator.standard_normal((2, *meaning.shape))
    return unit(meaning[:n] + noise[0, :n]), unit(meaning[:m] + noise[1, :m])


def slow_best(x: Vectors, y: Vectors, margin: Margin, kept: int = 16) -> tuple[list[int], list[float]]:
    """LASER's source/xsim.py, one pair at a time, in float64; CSLS with its own neighbourhood."""
    cosines = (x @ y.T).astype(np.float64)
    k = CSLS_K if margin == "csls" else MARGIN_K
    reach = kept if margin == "csls" else MARGIN_K
    around_x = [float(np.mean(sorted(row, reverse=True)[:k])) for row in cosines]
    around_y = [float(np.mean(sorted(column, reverse=True)[:k])) for column in cosines.T]
    winners, scores = [], []
    for i in range(len(x)):
        best, best_score = -1, -np.inf
        for j in sorted(range(len(y)), key=lambda j: -cosines[i, j])[:reach]:
            b = (around_x[i] + around_y[j]) / 2
            a = cosines[i, j]
            score = {"ratio": a / b, "distance": a - b, "absolute": a, "csls": 2 * a - around_x[i] - around_y[j]}[
                margin
            ]
            if score > best_score:
                best, best_score = j, score
        winners.append(best)
        scores.append(float(best_score))
    return winners, scores


@settings(deadline=None, max_examples=30)
@given(n=st.integers(2, 40), m=st.integers(2, 40), seed=st.integers(0, 999), margin=st.sampled_from(MARGINS))
def test_equals_the_loops(n: int, m: int, seed: int, margin: Margin) -> None:
    x, y = noisy_pair(n, m, seed)
    found = best_candidates(nearest_both_ways(x, y), margin)
    winners, scores = slow_best(x, y, margin)
    assert found.indices.tolist() == winners
    np.testing.assert_allclose(found.scores, scores, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("margin", MARGINS)
def test_error_counts_of_xsim(margin: Margin) -> None:
    x, y = noisy_pair(300, 300, seed=5)
    found = best_candidates(nearest_both_ways(x, y), margin)
    errors = sum(winner != i for i, winner in enumerate(slow_best(x, y, margin)[0]))
    assert int((found.indices != np.arange(300)).sum()) == errors
    assert 0 < errors < 300


def test_the_absolute_margin_is_the_nearest() -> None:
    neighbours = nearest_both_ways(*noisy_pair(20, 30, seed=1))
    assert best_candidates(neighbours, "absolute").indices.tolist() == neighbours.forward.indices[:, 0].tolist()
