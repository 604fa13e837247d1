"""The search on a GPU, run on the CPU: equal to `search_bidirectional`, with every tensor on the right device."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode

from bitext_bench.scoring import bf16, gpu, small, topk
from bitext_bench.scoring import neighbors as on_cpu
from bitext_bench.scoring.neighbors import Neighbors, normalize, search_bidirectional

CPU = torch.device("cpu")


def sides(n: int, m: int, seed: int, *, repeated: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit vectors in a narrow cone, as encoders give them; a third are equal if `repeated`."""
    generator = np.random.default_rng(seed)
    drawn = [normalize(generator.standard_normal((count, 20)) + 1) for count in (n, m)]
    for side in drawn if repeated else []:
        side[len(side) // 2 :: 3] = side[0]
    return torch.from_numpy(drawn[0]), torch.from_numpy(drawn[1])


def expect(rows: torch.Tensor, columns: torch.Tensor, k: int) -> Neighbors:
    """Search on the CPU as large sides are searched, by which equal vectors have equal products."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small, "MAX_PRODUCTS", 0)
        patch.setattr(on_cpu, "MAX_FULL_MATRIX", 0)
        return search_bidirectional(rows.numpy(), columns.numpy(), k)


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 90), m=st.integers(1, 90), k=st.integers(1, 6), seed=st.integers(0, 99), data=st.data())
def test_equals_the_search_on_the_cpu(n: int, m: int, k: int, seed: int, data: st.DataObject) -> None:
    repeated, block = data.draw(st.booleans()), data.draw(st.integers(1, 40))
    rows, columns = sides(n, m, seed, repeated=repeated)
    expected = expect(rows, columns, k)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu, "_ROWS", block)
        patch.setattr(gpu, "_COLUMNS", 2 * block)
        found = gpu.largest_of_both(rows, columns, k, CPU)
    for (products, indices), nearest in zip(found, (expected.forward, expected.backward), strict=True):
        assert repeated or indices.tolist() == nearest.indices.tolist()
        np.testing.assert_allclose(products, nearest.cosines, atol=1e-6)


@pytest.mark.parametrize("k", [1, 4])
def test_bf16_candidates_lead_to_the_float32_result(k: int) -> None:
    rows, columns = sides(300, 5_000, seed=1)
    center = (rows.mean(dim=0) + columns.mean(dim=0)) / 2
    left, right = bf16.quantize_bf16(rows, center, left=True), bf16.quantize_bf16(columns, center, left=False)
    found = gpu.candidates_of_both(left.vectors, right.vectors, k, CPU)
    expected = expect(rows, columns, k)
    indices = found[0].finish(rows, columns, bf16.error_of(left, right))[1]
    assert indices.tolist() == expected.forward.indices.tolist()
    indices = found[1].finish(columns, rows, bf16.error_of(left, right))[1]
    assert indices.tolist() == expected.backward.indices.tolist()


@settings(deadline=None, max_examples=30)
@given(rows=st.integers(1, 5), columns=st.integers(1, 2_000), k=st.integers(1, 9), seed=st.integers(0, 99))
def test_runs_give_the_largest_values(rows: int, columns: int, k: int, seed: int) -> None:
    block = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    k = min(k, columns)
    values, places = gpu.largest_by_runs(block, k)
    assert torch.equal(values, block.topk(k, dim=1).values)
    assert torch.equal(values, block.gather(1, places))


def test_no_step_mixes_the_devices() -> None:
    """Fake tensors have a device but no values, and refuse operations across devices, as a GPU does.

    The device "lazy" needs no driver.
    """
    with FakeTensorMode():
        rows, columns = torch.empty(10_000, 36, dtype=torch.bfloat16), torch.empty(40_000, 36, dtype=torch.bfloat16)
        forward, backward = gpu.candidates_of_both(rows, columns, 4, torch.device("lazy"))
        assert forward._products.shape == (10_000, topk.kept_for(4))
        assert backward._products.shape == (40_000, topk.kept_for(4))
        assert forward._products.device == backward._indices.device == CPU
        with pytest.raises(RuntimeError, match="to be on the same device"):
            forward._products + torch.empty(10_000, 1, device="lazy")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_the_cpu_searches() -> None:
    assert gpu.search_device(*sides(5, 5, seed=0), k=1) is None
