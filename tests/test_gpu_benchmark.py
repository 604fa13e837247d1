"""The benchmark of a GPU, run on the CPU at tiny sizes, where its bounds mean nothing but each value is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from bitext_bench.scoring.bf16 import has_bf16_hardware
from tests.benchmarks import gpu
from tests.benchmarks.claims import Claim, Setup, Skipped

DATA = Path(__file__).parents[1].parent / "shared" / "data"
MODELS = Path(os.environ.get("BITEXT_MODELS") or Path.home() / ".cache" / "bitext-models")


@pytest.mark.shared
@pytest.mark.models
def test_every_claim_is_measured(tmp_path: Path) -> None:
    setup = Setup(DATA, MODELS / "e5-small-q4", tmp_path, quick=True)
    dtypes = ("fp32", "bf16") if has_bf16_hardware() else ("fp32",)  # emulated, bf16 takes minutes
    sizes = gpu.Sizes(pairs=20, sentences=20, vectors=3_000, queries=500, steps=3, batch=4, dtypes=dtypes)
    claims = {claim.what: claim for claim in gpu.measure_on(setup, torch.device("cpu"), sizes)}
    # Two encoders, two peers of the search, one of the step.
    assert len(claims) == 2 * (2 + 3 * ("bf16" in dtypes)) + 4 + 1
    assert all(isinstance(claim, Claim) and claim.measured >= 0 for claim in claims.values())
    same = [claim for what, claim in claims.items() if what.startswith("neighbors, share of the queries as by")]
    assert [claim.measured for claim in same] == [1.0, 1.0]
    lost = {what: claim for what, claim in claims.items() if "accuracy lost" in what}
    assert all(abs(claim.measured) < 2 for claim in lost.values())  # one of the 160 searches is 0.6 points
    accuracy = float(lost["e5-small-q4 fp32, points of Tatoeba accuracy lost to fp32"].detail.strip("()"))
    assert 90 < accuracy <= 100


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_it_is_skipped(tmp_path: Path) -> None:
    (skipped,) = gpu.measure(Setup(tmp_path, tmp_path, tmp_path, quick=False))
    assert isinstance(skipped, Skipped)
    assert str(skipped) == "encoding, neighbors and training: skipped, this machine has no CUDA GPU"
