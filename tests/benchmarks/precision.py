"""`mine --target-precision` on three kinds of text and three densities: how often the interval has the true precision.

$BITEXT_TRIALS (default 20) sets the number of draws for each kind, density and number of planted pairs (300 or 1,000).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests import precision_study as study

from .claims import Claim


def measure(data: Path, model_folder: Path, scratch: Path) -> Iterator[Claim]:
    n = int(os.environ.get("BITEXT_TRIALS", "20"))
    pools = [study.Pool(data, kind) for kind in study.KINDS]
    model = study.encode([text for pool in pools for text in pool.texts()], model_folder, scratch / "vectors")
    for known in (300, 1_000):
        for pool in pools:
            if len(pool.pairs) < 4 * known and known > 300:
                continue
            for density in study.DENSITIES:
                found = [
                    trial
                    for seed in range(n)
                    for trial in study.trials(
                        pool, density, known, seed, model, scratch / f"{pool.kind}-{density}-{known}-{seed}"
                    )
                ]
                for target in study.TARGETS:
                    yield _claim([trial for trial in found if trial.target == target], known)


def _claim(trials: list[study.Trial], known: int) -> Claim:
    chosen = [trial for trial in trials if trial.true is not None]
    first = trials[0]
    name = f"{first.kind}, {first.density:.0%} translated, --target-precision {first.target:g}, {known:,} known pairs"
    refused = f"{len(trials) - len(chosen)} of {len(trials)} refused"
    if not chosen:
        return Claim(f"{name}: share of intervals with the true precision", 1.0, 0.9, detail=refused)
    true, low, high = (np.mean([getattr(trial, field) for trial in chosen]) for field in ("true", "low", "high"))
    return Claim(
        f"{name}: share of intervals with the true precision",
        float(np.mean([trial.holds for trial in chosen])),
        0.9,
        detail=f"(true precision {true:.3f} on average, intervals {low:.3f} to {high:.3f}; {refused})",
    )
