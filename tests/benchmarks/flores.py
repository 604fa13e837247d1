"""FLORES-200 in five languages: our search and all scores, against mteb's top-1 searches for the same 20 pairs."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from bitext_bench.data import open_source
from bitext_bench.languages import resolve
from bitext_bench.scoring.neighbors import normalize
from bitext_bench.tasks import find_task

from .claims import Claim, Measured, Setup, paired_ratio

DIMENSIONS = 384


def measure(setup: Setup) -> Measured:
    """Measure on random vectors around a common vector for each sentence; the values do not change the work."""
    from mteb._evaluators.text.bitext_mining_evaluator import BitextMiningEvaluator
    from mteb.similarity_functions import cos_sim

    languages = [resolve(code) for code in ("en", "fr", "ja", "ko", "ru")]
    units = find_task("FLORES-200").load(open_source(str(setup.data)), languages)
    generator = np.random.default_rng(0)
    meaning = generator.standard_normal((1_012, DIMENSIONS))
    vectors = {x: normalize(meaning + generator.standard_normal(meaning.shape)) for x in languages}

    class Cosine:
        similarity = staticmethod(cos_sim)

    evaluator: Any = object.__new__(BitextMiningEvaluator)

    def ours() -> None:
        for item in units:
            item.score([vectors[side.language] for side in item.sides])

    def theirs() -> None:
        for first, second in permutations(languages, 2):
            evaluator._similarity_search(vectors[first], vectors[second], Cosine)

    ours(), theirs()  # warm-up
    ratio, seconds, peer_seconds = paired_ratio(ours, theirs, rounds=1 if setup.quick else 5)
    detail = f"{seconds:.2f} s with every margin; mteb {peer_seconds:.2f} s"
    yield Claim("mteb's top-1 searches / our search and scoring", ratio, 1.0, detail=detail)
