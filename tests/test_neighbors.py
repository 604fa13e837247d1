"""Neighbors against a slow reference; ties; several blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bitext_bench.scoring import bf16, small
from bitext_bench.scoring import neighbors as neighbors
from bitext_bench.scoring import topk as blockwise
from bitext_bench.scoring.neighbors import Nearest, Neighbors, Vectors, normalize, search_bidirectional


def slow(queries: Vectors, corpus: Vectors, k: int) -> tuple[list[list[int]], list[list[float]]]:
    """Multiply out one pair at a time; sort by falling product, then by rising row."""
    indices, products = [], []
    for q in queries.tolist():
        row = [sum(a * b for a, b in zip(q, c, strict=True)) for c in corpus.tolist()]
        best = sorted(range(len(row)), key=lambda j: (-row[j], j))[:k]
        indices.append(best)
        products.append([row[j] for j in best])
    return indices, products


def exact_vectors(n: int, seed: int) -> Vectors:
    """Vectors whose products are exact in float32 and at most 1, with many ties and duplicates."""
    return (np.random.default_rng(seed).integers(-1, 2, (n, 4)) / 2).astype(np.float32)


def check(found: Nearest, queries: Vectors, corpus: Vectors, k: int) -> None:
    indices, products = slow(queries, corpus, k)
    assert found.indices.tolist() == indices
    assert found.cosines.tolist() == products


def check_both(found: Neighbors, source: Vectors, target: Vectors, k: int) -> None:
    check(found.forward, source, target, k)
    check(found.backward, target, source, k)


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(1, 20), m=st.integers(1, 20), k=st.integers(1, 20), seed=st.integers(0, 99), by_numpy=st.booleans()
)
def test_equals_the_slow_reference_ties_included(n: int, m: int, k: int, seed: int, by_numpy: bool) -> None:
    source, target = exact_vectors(n, seed), exact_vectors(m, seed + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small, "MAX_PRODUCTS", 1_000 if by_numpy else 0)
        found = search_bidirectional(source, target, k)
    check_both(found, source, target, k)


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(1, 20),
    m=st.integers(1, 20),
    k=st.integers(1, 8),
    rows=st.integers(1, 10),
    columns=st.integers(1, 10),
    seed=st.integers(0, 99),
)
def test_any_blocks_are_one(n: int, m: int, k: int, rows: int, columns: int, seed: int) -> None:
    """Blocks narrower than k, a last block of one, ties across the border."""
    source, target = exact_vectors(n, seed), exact_vectors(m, seed + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small, "MAX_PRODUCTS", 0)
        patch.setattr(neighbors, "MAX_FULL_MATRIX", 0)
        patch.setattr(neighbors, "BLOCK_ROWS", rows)
        patch.setattr(neighbors, "BLOCK_COLUMNS", columns)
        found = search_bidirectional(source, target, k)
    check_both(found, source, target, k)


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (1, 1), (64, 2), (2, 64)])
def test_several_blocks_are_one(monkeypatch: pytest.MonkeyPatch, rows: int, columns: int) -> None:
    """On vectors as encoders give them, in which nothing ties: the same as in one block."""
    generator = np.random.default_rng(1)
    source, target = (normalize(generator.standard_normal((n, 24))) for n in (23, 19))
    whole = search_bidirectional(source, target, 6)
    monkeypatch.setattr(small, "MAX_PRODUCTS", 0)
    monkeypatch.setattr(neighbors, "MAX_FULL_MATRIX", 0)
    monkeypatch.setattr(neighbors, "BLOCK_ROWS", rows)
    monkeypatch.setattr(neighbors, "BLOCK_COLUMNS", columns)
    found = search_bidirectional(source, target, 6)
    for ours, theirs in ((found.forward, whole.forward), (found.backward, whole.backward)):
        np.testing.assert_array_equal(ours.indices, theirs.indices)
        np.testing.assert_allclose(ours.cosines, theirs.cosines, atol=1e-6)


@pytest.fixture(params=["bf16", "fp32"])
def screened(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blockwise whatever the size, with and without approximate products, whatever the CPU has."""
    monkeypatch.setattr(small, "MAX_PRODUCTS", 0)
    monkeypatch.setattr(neighbors, "MAX_FULL_MATRIX", 0)
    monkeypatch.setattr(neighbors, "BLOCK_ROWS", 100)
    monkeypatch.setattr(neighbors, "BLOCK_COLUMNS", 130)
    monkeypatch.setattr(bf16, "has_bf16_hardware", lambda: request.param == "bf16")


@pytest.mark.parametrize("spread", [1.0, 0.1, 0.003, 0.0])
@pytest.mark.usefixtures("screened")
def test_a_screen_changes_nothing(spread: float) -> None:
    """Even of vectors that bf16 does not tell apart: against float64, up to what float32 does not tell apart."""
    generator = np.random.default_rng(2)
    center = generator.standard_normal(48)
    source, target = (normalize(center + spread * generator.standard_normal((n, 48))) for n in (333, 290))
    found = search_bidirectional(source, target, 5)
    cosines = source.astype(np.float64) @ target.T.astype(np.float64)
    for nearest, exact in ((found.forward, cosines), (found.backward, cosines.T)):
        best = -np.sort(-exact, axis=1)[:, :5]
        np.testing.assert_allclose(nearest.cosines, np.minimum(best, 1), atol=1e-6)
        np.testing.assert_allclose(np.take_along_axis(exact, nearest.indices, axis=1), best, atol=1e-6)
        assert all(len(set(row)) == 5 for row in nearest.indices.tolist())
        assert (np.diff(nearest.cosines, axis=1) <= 0).all()


@pytest.mark.usefixtures("screened")
def test_many_copies_are_taken_in_order() -> None:
    """More equals than are kept: those of the lowest index, from all over the side."""
    generator = np.random.default_rng(3)
    kinds = normalize(generator.standard_normal((4, 32)))
    of_source, of_target = generator.integers(0, 4, 250), generator.integers(0, 4, 300)
    found = search_bidirectional(kinds[of_source], kinds[of_target], 6)
    for nearest, ours, theirs in ((found.forward, of_source, of_target), (found.backward, of_target, of_source)):
        for kind, indices in zip(ours.tolist(), nearest.indices.tolist(), strict=True):
            assert indices == np.flatnonzero(theirs == kind)[:6].tolist()


@pytest.mark.parametrize("width", [1, 5, 300, 320, 321, 400, 640, 641])
def test_the_largest_are_those_of_a_stable_sort(width: int) -> None:
    """At widths around those at which rows are filled up for topk; with ties."""
    import torch

    products = np.random.default_rng(5).integers(-30, 30, (50, width)).astype(np.float32)
    products[products == 7] = -0.0  # equal to 0
    k = min(9, width)
    expected = np.argsort(-products, axis=1, kind="stable")[:, :k]
    largest = np.take_along_axis(products, expected, axis=1).tolist()
    cosines, indices = blockwise.largest_of_rows(torch.from_numpy(products), k)
    assert (indices.tolist(), cosines.tolist()) == (expected.tolist(), largest)
    columns, values = small.largest(products, k)
    assert (columns.tolist(), values.tolist()) == (expected.tolist(), largest)


@pytest.mark.parametrize("centered", [0.0, 0.5, 1.0, -2.0])
def test_the_error_of_the_screen_is_a_bound(centered: float) -> None:
    import torch

    generator = np.random.default_rng(4)
    rows, columns = (torch.from_numpy(normalize(generator.standard_normal((n, 24)) + 0.5)) for n in (200, 300))
    center = rows.mean(dim=0) * centered
    made = bf16.ApproxProduct(
        bf16.quantize_bf16(rows, center, left=True), bf16.quantize_bf16(columns, center, left=False)
    )
    products = made.block(slice(0, 200), slice(0, 300), 300).float()
    # What the center takes off every product is the same.
    off = (products + center.double().square().sum() - (rows.double() @ columns.double().T)).abs()
    bound = made.error.of_products(products)
    assert (off <= bound).all()
    assert float(off.max()) > 0.2 * float(bound.max()), "a bound that is no use"


def test_all_equal_vectors_give_the_first_rows() -> None:
    same: Vectors = np.full((9, 4), 0.5, dtype=np.float32)
    found = search_bidirectional(same, same, 3)
    assert found.forward.indices.tolist() == [[0, 1, 2]] * 9
    assert found.backward.indices.tolist() == [[0, 1, 2]] * 9


@pytest.mark.parametrize(
    ("target", "k", "expected"),
    [
        ([2, 0, 1, 0], 1, [[1], [2], [0]]),  # a tie across the last place kept: the lower row stays
        ([2, 0, 1, 0], 2, [[1, 3], [2, 0], [0, 1]]),
        ([2, 0, 1, 0], 9, [[1, 3, 0, 2], [2, 0, 1, 3], [0, 1, 2, 3]]),  # k beyond the side: all of it
        ([1], 4, [[0], [0], [0]]),
        ([3, 3, 3], 2, [[0, 1], [0, 1], [0, 1]]),  # nothing is alike
    ],
)
def test_one_hot_vectors_by_hand(target: list[int], k: int, expected: list[list[int]]) -> None:
    axes = np.eye(4, dtype=np.float32)
    assert search_bidirectional(axes[:3], axes[target], k).forward.indices.tolist() == expected


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (5, 1), (20, 20)])
def test_one_pass_is_both_searches(n: int, m: int) -> None:
    source, target = exact_vectors(n, 1), exact_vectors(m, 2)
    one, other = search_bidirectional(source, target, 6), search_bidirectional(target, source, 6).reversed
    for ours, theirs in ((one.forward, other.forward), (one.backward, other.backward)):
        np.testing.assert_array_equal(ours.indices, theirs.indices)
        np.testing.assert_array_equal(ours.cosines, theirs.cosines)


@pytest.mark.parametrize("by_numpy", [True, False])
def test_random_vectors_agree_with_faiss(monkeypatch: pytest.MonkeyPatch, by_numpy: bool) -> None:
    import faiss

    monkeypatch.setattr(small, "MAX_PRODUCTS", 40_000 if by_numpy else 0)
    generator = np.random.default_rng(0)
    source, target = (normalize(generator.standard_normal((200, 16))) for _ in range(2))
    index = faiss.IndexFlatIP(16)
    index.add(target)
    cosines, indices = index.search(source, 8)
    found = search_bidirectional(source, target, 8).forward
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.cosines, cosines, atol=1e-6)


def test_cosines_stay_within_one_though_lengths_are_rounded() -> None:
    longer = np.array([[1.0000001, 0.0], [-1.0000001, 0.0]], dtype=np.float32)
    found = search_bidirectional(longer, longer, 2)
    assert found.forward.cosines.tolist() == found.backward.cosines.tolist() == [[1.0, -1.0], [1.0, -1.0]]


def test_the_mean_is_of_as_many_as_there_are() -> None:
    nearest = Nearest(np.array([[0, 1, 2], [2, 1, 0]]), np.array([[1.0, 0.5, 0.0], [0.5, 0.25, -0.75]], np.float32))
    assert nearest.mean(1).tolist() == [1.0, 0.5]
    assert nearest.mean(2).tolist() == [0.75, 0.375]
    assert nearest.mean(3).tolist() == nearest.mean(9).tolist() == [0.5, 0.0]
    assert nearest.mean(2).dtype == np.float64


def test_reversed_exchanges_the_sides() -> None:
    found = search_bidirectional(exact_vectors(5, 1), exact_vectors(8, 2), 3)
    assert found.reversed.forward is found.backward
    assert found.reversed.backward is found.forward


@pytest.mark.parametrize(
    ("first", "second"), [((0, 3), (2, 3)), ((2, 3), (0, 3)), ((0, 3), (0, 3)), ((2, 3), (2, 4)), ((2, 3), (3, 2))]
)
def test_shapes_that_cannot_be_compared(first: tuple[int, int], second: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="cannot compare shapes") as caught:
        search_bidirectional(np.zeros(first, np.float32), np.zeros(second, np.float32))
    assert f"{first} and {second}" in str(caught.value)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_unit_scales_rows_to_length_one(kind: type[np.floating]) -> None:
    given_ = np.array([[3.0, 4.0], [0.0, -2.0], [0.5, 0.0]], dtype=kind)
    before = given_.copy()
    scaled = normalize(given_)
    np.testing.assert_allclose(scaled, [[0.6, 0.8], [0.0, -1.0], [1.0, 0.0]], rtol=1e-6)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(given_, before)  # scaled, not overwritten


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 999), power=st.integers(-10, 10), every=st.integers(1, 3))
def test_unit_whatever_the_scale_and_the_layout(seed: int, power: int, every: int) -> None:
    generator: np.random.Generator = np.random.default_rng(seed)
    given_: NDArray[np.float64] = generator.standard_normal((6, 12)) * 10.0**power
    scaled = normalize(given_[::every, ::every])
    assert scaled.flags.c_contiguous  # torch takes it as it is
    lengths = [sum(x * x for x in row) ** 0.5 for row in scaled.tolist()]
    assert lengths == pytest.approx([1.0] * len(lengths), abs=1e-6)
    # Same direction: each row is a positive multiple of what was given.
    for row, original in zip(scaled.astype(np.float64), given_[::every, ::every], strict=True):
        np.testing.assert_allclose(row, original / np.sqrt((original**2).sum()), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("whole", ["small", "full", "blocks"])
@pytest.mark.parametrize(("n", "m", "dimensions"), [(67, 45, 16), (300, 211, 48), (129, 515, 384)])
def test_copies_give_the_same_cosines(
    monkeypatch: pytest.MonkeyPatch, whole: str, n: int, m: int, dimensions: int
) -> None:
    """Wherever they stand in a matrix: OpenBLAS adds in another order at the edges."""
    if whole != "small":
        monkeypatch.setattr(small, "MAX_PRODUCTS", 0)
    if whole == "blocks":
        monkeypatch.setattr(neighbors, "MAX_FULL_MATRIX", 0)
    kinds = normalize(np.random.default_rng(n).standard_normal((7, dimensions)))
    found = search_bidirectional(kinds[np.arange(n) % 7], kinds[np.arange(m) % 7], m).forward
    assert (found.cosines == found.cosines[np.arange(n) % 7]).all()
    assert (found.indices == found.indices[np.arange(n) % 7]).all()
    first = found.cosines[:, : m // 7]  # the copies of the nearest kind, itself
    assert (first == first[:, :1]).all()
