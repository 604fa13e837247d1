"""`mine --target-precision` on three kinds of text and three densities: how often the interval has the true precision.

$BITEXT_TRIALS (default 3) sets the number of draws for each kind and density. Each draw is mined with four targets.
"""

from __future__ import annotations

import os

import numpy as np

from tests import precision_study as study

from .claims import Claim, Measured, Setup

_KNOWN = 300  # planted pairs


def measure(setup: Setup) -> Measured:
    n = int(os.environ.get("BITEXT_TRIALS", "1" if setup.quick else "3"))
    kinds, densities = (("everyday",), (0.25,)) if setup.quick else (study.KINDS, study.DENSITIES)
    for kind in kinds:
        pool = study.Pool(setup.data, kind)
        model = study.encode(pool.texts(), setup.model, setup.scratch / kind)
        found = [
            trial
            for density in densities
            for seed in range(n)
            for trial in study.trials(pool, density, _KNOWN, seed, model, setup.scratch / f"{kind}-{density}-{seed}")
        ]
        yield _claim(kind, found)


def _claim(kind: str, trials: list[study.Trial]) -> Claim:
    chosen = [trial for trial in trials if trial.true is not None]  # the others were refused
    holds = sum(trial.holds for trial in chosen)
    true, low, high = (np.mean([getattr(trial, field) for trial in chosen]) for field in ("true", "low", "high"))
    detail = f"({holds} of {len(chosen)}, {len(trials) - len(chosen)} refused; true precision {true:.3f} on average, "
    detail += f"intervals {low:.3f} to {high:.3f})"
    return Claim(f"{kind}: share of intervals with the true precision", holds / len(chosen), 0.9, detail=detail)
