"""Tiles on several cores: threads, errors, and the same results for any number of cores."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from bitext_bench.scoring import tiles
from bitext_bench.scoring.bf16 import ApproxProduct
from bitext_bench.scoring.neighbors import normalize

BLOCK = (16, 8)


def vectors(n: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(normalize(np.random.default_rng(seed).standard_normal((n, 12))))


@pytest.fixture
def cores() -> Iterator[None]:
    """Let a test set the number of threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("sizes", [(1, 1), (15, 9), (200, 130), (333, 500)])
@pytest.mark.usefixtures("cores")
def test_any_number_of_cores_finds_the_same(sizes: tuple[int, int]) -> None:
    rows, columns = vectors(sizes[0], 1), vectors(sizes[1], 2)
    exact = rows.double() @ columns.double().T
    found = []
    for n in (1, 2, 5):
        torch.set_num_threads(n)
        forward, backward = tiles.largest_of_both(rows, columns, 4, BLOCK)
        found.append([part.tolist() for part in (*forward, *backward)])
    assert found[0] == found[1] == found[2]
    for products, indices in ((exact, found[0][1]), (exact.T, found[0][3])):
        assert products.topk(min(4, products.shape[1]), dim=1).indices.tolist() == indices


@pytest.mark.parametrize(
    ("cores", "expected"),
    [(1, (1024, 2048)), (8, (1024, 2048)), (9, (1024, 1024)), (32, (1024, 512)), (64, (512, 512))],
)
def test_the_blocks_of_all_cores_take_64_mb_at_most(cores: int, expected: tuple[int, int]) -> None:
    assert tiles.block_for((1024, 2048), cores) == expected
    assert expected[0] * expected[1] * 4 * cores <= 64 << 20


@pytest.mark.usefixtures("cores")
def test_the_number_of_threads_is_restored() -> None:
    torch.set_num_threads(3)
    tiles.largest_of_both(vectors(200, 1), vectors(200, 2), 4, BLOCK)
    with ThreadPoolExecutor(1) as pool:
        assert (torch.get_num_threads(), pool.submit(torch.get_num_threads).result()) == (3, 3)


@pytest.mark.usefixtures("cores")
def test_an_error_cancels_the_tiles_that_have_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    class Failing(ApproxProduct):
        def block(self, rows: slice | torch.Tensor, columns: slice, width: int) -> torch.Tensor:
            begun.append(columns.start)
            if len(begun) == 3:
                raise MemoryError("no memory for a block")
            return super().block(rows, columns, width)

    monkeypatch.setattr(tiles, "ApproxProduct", Failing)
    torch.set_num_threads(2)
    with pytest.raises(MemoryError, match="no memory"):
        tiles.largest_of_both(vectors(2_000, 1), vectors(2_000, 2), 4, BLOCK)
    assert len(begun) < 2_000 * 2_000 / (BLOCK[0] * BLOCK[1]) / 2
    assert torch.get_num_threads() == 2
