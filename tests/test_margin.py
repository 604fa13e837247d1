"""Margins and CSLS against their definitions, in loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext_bench.scoring import bf16, small
from bitext_bench.scoring import neighbors as neighbors
from bitext_bench.scoring.margin import (
    CSLS_K,
    MARGIN_K,
    MARGINS,
    NEAR_MARGINS,
    BestCandidate,
    Margin,
    NearMargin,
    best_by_margin,
    best_candidates,
)
from bitext_bench.scoring.metrics import text_classes
from bitext_bench.scoring.neighbors import Vectors, nearest_with_csls, normalize, search_bidirectional


def noisy_pair(n: int, m: int, seed: int, dimensions: int = 12, common: float = 0.0) -> tuple[Vectors, Vectors]:
    """Rows with the same number mean the same; a common part makes every cosine positive, as real encoders do."""
    generator = np.random.default_rng(seed)
    meaning = generator.standard_normal((max(n, m), dimensions)) + common
    noise = generator.standard_normal((2, *meaning.shape))
    return normalize(meaning[:n] + noise[0, :n]), normalize(meaning[:m] + noise[1, :m])


def slow_best(x: Vectors, y: Vectors, margin: Margin, reach: int | None = None) -> tuple[list[int], list[float]]:
    """LASER's source/xsim.py, one pair at a time, in float64; CSLS with its own neighborhood, over all targets."""
    cosines = (x @ y.T).astype(np.float64)
    k = CSLS_K if margin == "csls" else MARGIN_K
    reach = reach or (len(y) if margin == "csls" else MARGIN_K)
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


def best_of_kept(x: Vectors, y: Vectors, margin: Margin, k: int = 16) -> BestCandidate:
    """What `mine` takes: the best of the neighbors that are kept."""
    found = search_bidirectional(x, y, k)
    k_means = CSLS_K if margin == "csls" else MARGIN_K
    return best_by_margin(found.forward, found.forward.mean(k_means), found.backward.mean(k_means), margin)


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 40), m=st.integers(1, 40), seed=st.integers(0, 999), margin=st.sampled_from(NEAR_MARGINS))
def test_equals_the_loops(n: int, m: int, seed: int, margin: NearMargin) -> None:
    # Where a neighborhood's mean is near 0, a ratio magnifies the last digit of a cosine beyond comparing.
    x, y = noisy_pair(n, m, seed, common=2.0)
    neighbors = search_bidirectional(x, y)
    for found, (queries, corpus) in (
        (best_candidates(neighbors, margin), (x, y)),
        (best_candidates(neighbors.reversed, margin), (y, x)),
    ):
        winners, scores = slow_best(queries, corpus, margin)
        assert found.indices.tolist() == winners
        np.testing.assert_allclose(found.scores, scores, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 6), (6, 1), (3, 3), (2, 7)])
@pytest.mark.parametrize("margin", NEAR_MARGINS)
def test_fewer_rows_than_neighbors(n: int, m: int, margin: NearMargin) -> None:
    """The means are then of all rows there are."""
    x, y = noisy_pair(n, m, seed=11, common=2.0)
    winners, scores = slow_best(x, y, margin)
    found = best_candidates(search_bidirectional(x, y), margin)
    assert found.indices.tolist() == winners
    np.testing.assert_allclose(found.scores, scores, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("margin", NEAR_MARGINS)
def test_error_counts_of_xsim(margin: NearMargin) -> None:
    x, y = noisy_pair(300, 300, seed=5)
    found = best_candidates(search_bidirectional(x, y), margin)
    errors = sum(winner != i for i, winner in enumerate(slow_best(x, y, margin)[0]))
    assert int((found.indices != np.arange(300)).sum()) == errors
    assert 0 < errors < 300


@settings(deadline=None, max_examples=20)
@given(n=st.integers(1, 30), m=st.integers(1, 30), seed=st.integers(0, 999))
def test_the_absolute_margin_is_the_nearest(n: int, m: int, seed: int) -> None:
    neighbors = search_bidirectional(*noisy_pair(n, m, seed))
    found = best_candidates(neighbors, "absolute")
    assert found.indices.tolist() == neighbors.forward.indices[:, 0].tolist()
    assert found.scores.tolist() == neighbors.forward.cosines[:, 0].tolist()


# For source 0, twelve targets are nearer (1/2) than the last (7/16), but are hubs: all other sources lie on them.
FAR = (
    np.array([[1, 0], *[[0, 1]] * 12], np.float32),
    np.array([*[[1 / 2, 1]] * 12, [7 / 16, 0]], np.float32),
)


@pytest.mark.parametrize(("margin", "winner"), [("ratio", 0), ("distance", 0), ("absolute", 0), ("csls", 12)])
def test_what_is_no_near_neighbor_is_no_candidate(margin: Margin, winner: int) -> None:
    """Only the four nearest are, as in LASER, though another's margin is the best; CSLS ranks whatever is kept."""
    assert best_of_kept(*FAR, margin).indices[0] == winner
    assert margin == "absolute" or slow_best(*FAR, margin, reach=13)[0][0] == 12


def test_csls_ranks_all_of_the_other_side() -> None:
    """Equation 3 of Conneau et al. 2018, argmax over the whole vocabulary: also what is none of the 16 nearest."""
    hubs = 40
    x = np.array([[1, 0], *[[0, 1]] * hubs], np.float32)
    y = np.array([*[[1 / 2, 1]] * hubs, [7 / 16, 0]], np.float32)
    found, winners = nearest_with_csls(x, y, 16, CSLS_K)
    assert hubs not in found.forward.indices[0]
    assert winners.forward[0] == hubs == slow_best(x, y, "csls")[0][0]
    assert best_of_kept(x, y, "csls").indices[0] != hubs


@pytest.fixture(params=["small", "whole", "fp32", "bf16"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """All similarities at once, by NumPy and by torch, or block by block with and without approximate products."""
    if request.param != "small":
        monkeypatch.setattr(small, "MAX_PRODUCTS", 0)
    if request.param in ("fp32", "bf16"):
        monkeypatch.setattr(neighbors, "MAX_FULL_MATRIX", 0)
        monkeypatch.setattr(neighbors, "BLOCK_ROWS", 100)
        monkeypatch.setattr(neighbors, "BLOCK_COLUMNS", 130)
        monkeypatch.setattr(bf16, "has_bf16_hardware", lambda: request.param == "bf16")


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 6), (6, 1), (2, 7), (40, 31), (333, 290)])
@pytest.mark.parametrize("common", [0.0, 2.0])
@pytest.mark.usefixtures("path")
def test_csls_equals_the_loops(n: int, m: int, common: float) -> None:
    """Both directions; where float32 does not tell two scores apart, either."""
    x, y = noisy_pair(n, m, seed=n, dimensions=6, common=common)
    found, winners = nearest_with_csls(x, y, 16, CSLS_K)
    plain = search_bidirectional(x, y, 16)
    assert found.forward.indices.tolist() == plain.forward.indices.tolist()
    assert found.backward.cosines.tolist() == plain.backward.cosines.tolist()
    for queries, corpus, best in ((x, y, winners.forward), (y, x, winners.backward)):
        scores = slow_best(queries, corpus, "csls")[1]
        taken = [slow_score(queries, corpus, "csls", i, j) for i, j in enumerate(best.tolist())]
        np.testing.assert_allclose(taken, scores, atol=1e-6)


@pytest.mark.usefixtures("path")
def test_of_copies_the_first_has_the_greatest_csls() -> None:
    kinds = normalize(np.random.default_rng(3).standard_normal((30, 16)))
    of_source, of_target = np.arange(120) % 30, np.arange(150) % 30
    winners = nearest_with_csls(kinds[of_source], kinds[of_target], 16, CSLS_K)[1]
    assert winners.forward.tolist() == of_source.tolist()
    assert winners.backward.tolist() == of_target.tolist()


def test_csls_needs_the_neighbors_of_its_means() -> None:
    with pytest.raises(ValueError, match="mean of 10 neighbors: only 4 are kept"):
        nearest_with_csls(*HUB, 4, 10)


# Source 0 lies nearest to target 0, a hub, which is nearer still to source 1. The products are exact:
# 1/2 and 7/16 for source 0, 3/4 and 0 for source 1; every mean is over all rows, as there are two.
HUB = np.array([[1, 0], [0, 1]], np.float32), np.array([[1 / 2, 3 / 4], [7 / 16, 0]], np.float32)


@pytest.mark.parametrize(
    ("margin", "winners", "score"),
    [
        ("absolute", [0, 0], 1 / 2),
        ("ratio", [1, 0], (7 / 16) / ((15 / 32 + 7 / 32) / 2)),
        ("distance", [1, 0], 7 / 16 - (15 / 32 + 7 / 32) / 2),
        ("csls", [1, 0], 14 / 16 - 15 / 32 - 7 / 32),
    ],
)
def test_a_hub_loses_by_hand(margin: Margin, winners: list[int], score: float) -> None:
    found = best_of_kept(*HUB, margin)
    assert found.indices.tolist() == winners
    assert found.scores[0] == pytest.approx(score, abs=1e-12)


@pytest.mark.parametrize("margin", ["distance", "csls"])
@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_of_equal_scores_the_nearer_wins(margin: Margin, order: list[int]) -> None:
    """Cosines 1/2 and 1/4 within neighborhoods that make up for it exactly; whichever stands first."""
    x = np.eye(2, dtype=np.float32)
    y = np.array([[1 / 2, 3 / 4], [1 / 4, 0]], np.float32)[order]
    found = best_of_kept(x, y, margin)
    around_x, around_y = 3 / 8, {0: 5 / 8, 1: 1 / 8}
    assert 1 / 2 - (around_x + around_y[0]) / 2 == 1 / 4 - (around_x + around_y[1]) / 2  # the tie is real
    assert order[found.indices[0]] == 0


@pytest.mark.parametrize("margin", MARGINS)
def test_of_equal_candidates_the_first_wins(margin: Margin) -> None:
    x = np.array([[1, 0], [0.5, 0.5]], np.float32)
    y = np.array([[0.5, 0.25], [1, 0], [1, 0], [1, 0]], np.float32)
    assert best_of_kept(x, y, margin).indices[0] == 1


def test_where_all_is_orthogonal_no_candidate_has_a_ratio() -> None:
    nothing = search_bidirectional(np.eye(4, dtype=np.float32)[:2], np.eye(4, dtype=np.float32)[2:])
    found = best_candidates(nothing, "ratio")
    assert found.scores.tolist() == [0, 0] and found.indices.tolist() == [0, 0] and found.leads.tolist() == [0, 0]


@pytest.mark.parametrize("margin", MARGINS)
def test_the_lead_is_over_the_second_best(margin: Margin) -> None:
    x, y = noisy_pair(9, 3, seed=4, common=2.0)
    found = best_of_kept(x, y, margin)
    for i in range(9):
        others = [j for j in range(3) if j != found.indices[i]]
        apart = slow_best(x, y, margin)[1][i] - max(slow_score(x, y, margin, i, j) for j in others)
        assert found.leads[i] == pytest.approx(apart, abs=1e-6)
    assert best_of_kept(x, y[:1], margin).leads.tolist() == [1.0] * 9


@pytest.mark.parametrize("margin", NEAR_MARGINS)
def test_a_copy_of_the_winner_is_no_rival(margin: NearMargin) -> None:
    """Candidates 0 and 2 have one text: the lead is over candidate 1, or over nothing where all have it."""
    x, y = noisy_pair(9, 2, seed=4, common=2.0)
    y = np.concatenate([y, y[:1]])
    found = best_candidates(search_bidirectional(x, y), margin, text_classes(["a", "b", "a"]))
    for i in range(9):
        score = {j: slow_score(x, y, margin, i, j) for j in range(3)}
        rival = score[1] if found.indices[i] != 1 else score[0]
        assert found.leads[i] == pytest.approx(score[int(found.indices[i])] - rival, abs=1e-6)
    copies = best_candidates(search_bidirectional(x, y), margin, text_classes(["a", "a", "a"]))
    assert copies.leads.tolist() == [1.0] * 9


def slow_score(x: Vectors, y: Vectors, margin: Margin, i: int, j: int) -> float:
    cosines = (x @ y.T).astype(np.float64)
    k = CSLS_K if margin == "csls" else MARGIN_K
    b = (np.sort(cosines[i])[::-1][:k].mean() + np.sort(cosines[:, j])[::-1][:k].mean()) / 2
    a = float(cosines[i, j])
    return {"ratio": a / b, "distance": a - b, "absolute": a, "csls": 2 * (a - b)}[margin]
