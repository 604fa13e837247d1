"""`mine --target-precision` on real sentences with a real encoder: the true precision lies in the stated interval.

`python -m tests.benchmarks precision` repeats it 20 times for each kind of text and density.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from precision_study import DENSITIES, KINDS, Pool, encode, trials

DATA = Path(__file__).parents[2] / "shared" / "data"
MODELS = Path(os.environ.get("BITEXT_MODELS") or Path.home() / ".cache" / "bitext-models")


@pytest.mark.shared
@pytest.mark.models
def test_the_true_precision_lies_in_the_interval(tmp_path: Path) -> None:
    pools = [Pool(DATA, kind) for kind in KINDS]
    model = encode(pools, MODELS / "e5-small-q4", tmp_path / "vectors")
    found = [
        trial
        for pool in pools
        for density in DENSITIES
        for trial in trials(pool, density, 300, 1, model, tmp_path / f"{pool.kind}-{density}")
    ]
    chosen = [trial for trial in found if trial.true is not None]
    assert len(found) == 36 and len(chosen) >= 24
    assert np.mean([trial.holds for trial in chosen]) >= 0.9
    assert np.mean([trial.true - trial.target for trial in chosen]) == pytest.approx(0, abs=0.02)
