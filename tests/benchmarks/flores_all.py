"""Half of FLORES-200: xSIM with every margin on the 10,302 ordered pairs of 102 languages, 384 dimensions."""

from __future__ import annotations

import time

import numpy as np

from bitext_bench.data import open_source
from bitext_bench.scoring.neighbors import normalize
from bitext_bench.tasks import find_task

from .claims import Claim, Measured, Setup

_DIMENSIONS = 384
_MOST_MS = 6 * 60_000 / 41_412  # six minutes for the pairs of all 204 languages


def measure(setup: Setup) -> Measured:
    """Measure on random vectors around a common vector for each sentence; the values do not change the work."""
    task = find_task("FLORES-200")
    source = open_source(str(setup.data))
    languages = source.languages(task.collection)[:: 7 if setup.quick else 2]
    units = task.load(source, languages)
    generator = np.random.default_rng(0)
    meaning = generator.standard_normal((1_012, _DIMENSIONS))
    vectors = {x: normalize(meaning + generator.standard_normal(meaning.shape)) for x in languages}
    start = time.perf_counter()
    subsets = [scores for item in units for scores in item.score([vectors[side.language] for side in item.sides])]
    summary = task.summarize(subsets)
    seconds = time.perf_counter() - start
    pairs = f"{len(subsets):,} ordered pairs of {len(languages)} languages"
    detail = f"({pairs} in {seconds:.0f} s, mean {summary['xsim']['mean']:.4f})"
    yield Claim(
        "every margin, ms for each pair", 1_000 * seconds / len(subsets), _MOST_MS, at_least=False, detail=detail
    )
