"""Neighbours against a slow reference; ties; several blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bitext_bench import neighbours
from bitext_bench.neighbours import Nearest, Vectors, nearest_both_ways, unit


def slow(queries: Vectors, corpus: Vectors, k: int) -> NDArray[np.int64]:
    """Sort by falling cosine, then by rising row, one query at a time."""
    similarities = queries @ corpus.T
    return np.array([sorted(range(len(corpus)), key=lambda j: (-row[j], j))[:k] for row in similarities])


def exact_vectors(n: int, seed: int) -> Vectors:
    """Vectors whose products are exact in float32, with many ties: entries 0 and +-1/2."""
    return (np.random.default_rng(seed).integers(-1, 2, (n, 6)) / 2).astype(np.float32)


def check(found: Nearest, queries: Vectors, corpus: Vectors, k: int) -> None:
    expected = slow(queries, corpus, min(k, len(corpus)))
    np.testing.assert_array_equal(found.indices, expected)
    cosines = np.take_along_axis(queries @ corpus.T, expected, axis=1)
    np.testing.assert_allclose(found.cosines, np.clip(cosines, -1, 1), atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 30), m=st.integers(1, 30), k=st.integers(1, 20), seed=st.integers(0, 99))
def test_equals_the_slow_reference_ties_included(n: int, m: int, k: int, seed: int) -> None:
    source, target = exact_vectors(n, seed), exact_vectors(m, seed + 1)
    found = nearest_both_ways(source, target, k)
    check(found.forward, source, target, k)
    check(found.backward, target, source, k)


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (7, 5), (1, 1), (64, 2)])
def test_several_blocks_are_one(monkeypatch: pytest.MonkeyPatch, rows: int, columns: int) -> None:
    source, target = exact_vectors(37, 1), exact_vectors(29, 2)
    monkeypatch.setattr(neighbours, "BLOCK_ROWS", rows)
    monkeypatch.setattr(neighbours, "BLOCK_COLUMNS", columns)
    found = nearest_both_ways(source, target, 6)
    check(found.forward, source, target, 6)
    check(found.backward, target, source, 6)


def test_all_equal_vectors_give_the_first_rows() -> None:
    same = np.ones((9, 4), dtype=np.float32) / 2
    found = nearest_both_ways(same, same, 3)
    assert found.forward.indices.tolist() == [[0, 1, 2]] * 9
    assert found.backward.indices.tolist() == [[0, 1, 2]] * 9


def test_random_vectors_agree_with_faiss() -> None:
    import faiss

    generator = np.random.default_rng(0)
    source, target = (unit(generator.standard_normal((200, 16))) for _ in range(2))
    index = faiss.IndexFlatIP(16)
    index.add(target)
    cosines, indices = index.search(source, 8)
    found = nearest_both_ways(source, target, 8).forward
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.cosines, cosines, atol=1e-6)


def test_reversed_exchanges_the_sides() -> None:
    found = nearest_both_ways(exact_vectors(5, 1), exact_vectors(8, 2), 3)
    assert found.reversed.forward is found.backward
    assert found.reversed.backward is found.forward


@pytest.mark.parametrize(("first", "second"), [((0, 3), (2, 3)), ((2, 3), (0, 3)), ((2, 3), (2, 4))])
def test_shapes_that_cannot_be_compared(first: tuple[int, int], second: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="cannot compare shapes"):
        nearest_both_ways(np.zeros(first, np.float32), np.zeros(second, np.float32))


def test_unit_scales_rows_to_length_one() -> None:
    scaled = unit(np.array([[3.0, 4.0], [0.0, -2.0]]))
    np.testing.assert_allclose(scaled, [[0.6, 0.8], [0.0, -1.0]], rtol=1e-6)
    assert scaled.dtype == np.float32
