"""All of FLORES-200: xSIM with every margin on 41,412 ordered pairs of 204 languages, 384 dimensions."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from bitext_bench.data import open_source
from bitext_bench.scoring.neighbors import normalize
from bitext_bench.tasks import find_task

from .claims import Claim

_DIMENSIONS = 384


def measure(data: Path, model_folder: Path, scratch: Path) -> list[Claim]:
    """Measure on random vectors around a common vector for each sentence; the values do not change the work."""
    task = find_task("FLORES-200")
    units = task.load(open_source(str(data)), None)
    generator = np.random.default_rng(0)
    meaning = generator.standard_normal((1_012, _DIMENSIONS))
    languages = {side.language for item in units for side in item.sides}
    vectors = {x: normalize(meaning + generator.standard_normal(meaning.shape)) for x in sorted(languages, key=str)}
    start = time.perf_counter()
    subsets = [scores for item in units for scores in item.score([vectors[side.language] for side in item.sides])]
    summary = task.summarize(subsets)
    minutes = (time.perf_counter() - start) / 60
    detail = f"minutes, {len(subsets):,} pairs of {len(languages)} languages, mean {summary['xsim']['mean']:.4f}"
    return [Claim("all pairs of FLORES-200, every margin", minutes, 6, at_least=False, detail=detail)]
