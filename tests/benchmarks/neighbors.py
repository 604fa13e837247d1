"""Neighbors of 50,000 x 50,000 vectors in both directions, k = 4, against two searches of faiss's exact index."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitext_bench.scoring.bf16 import has_bf16_hardware
from bitext_bench.scoring.neighbors import Nearest, Vectors, normalize, search_bidirectional

from .claims import Claim, Measured, Setup, Skipped, paired_ratio
from .encode import sgemm_peak

_K = 4
_ROUNDING = 2e-6  # closer cosines are ties, because the two libraries sum in different orders


def measure(setup: Setup) -> Measured:
    """Measure on uniform directions, and on a narrow cone like E5's, with a mean cosine of 0.77."""
    rows = 10_000 if setup.quick else 50_000
    for dimensions, cosine, bound in ((384, 0.0, 1.4), (384, 0.77, 1.4), (768, 0.0, 1.6)):
        yield from _claims(rows, dimensions, cosine, bound)


def _claims(rows: int, dimensions: int, cosine: float, bound: float) -> Measured:
    import faiss

    generator = np.random.default_rng(0)
    center = normalize(generator.standard_normal((1, dimensions)))
    own = normalize(generator.standard_normal((rows, dimensions), dtype=np.float32))
    translated = normalize(own + normalize(generator.standard_normal((rows, dimensions), dtype=np.float32)))
    source, target = (normalize(cosine**0.5 * center + (1 - cosine) ** 0.5 * side) for side in (own, translated))
    found: dict[str, object] = {}

    def ours() -> None:
        found["ours"] = search_bidirectional(source, target, _K)

    def theirs() -> None:
        found["theirs"] = [
            _search(faiss.IndexFlatIP(dimensions), *sides) for sides in ((source, target), (target, source))
        ]

    peak = sgemm_peak()
    ratio, our_seconds, their_seconds = paired_ratio(ours, theirs, rounds=1)
    both = found["ours"]
    same = min(
        _same(nearest, *expected)
        for nearest, expected in zip((both.forward, both.backward), found["theirs"], strict=True)
    )
    gigaflops = 2 * rows**2 * dimensions / our_seconds / 1e9
    detail = f"({our_seconds:.1f} s and {their_seconds:.1f} s; {gigaflops:.0f} GFLOP/s including the sorting)"
    name = f"{dimensions} dimensions, mean cosine {cosine}"
    yield Claim(f"{name}: speed relative to two faiss searches", ratio, bound, detail=detail)
    yield Claim(f"{name}: rows with the same neighbors, except for ties", same, 1.0)
    share = f"{name}: share of the sgemm peak"
    if has_bf16_hardware():
        yield Skipped(share, "this CPU multiplies in bf16")
    else:
        yield Claim(share, gigaflops / peak, 0.7, detail=f"of {peak:.0f} GFLOP/s")


def _search(index: object, queries: Vectors, corpus: Vectors) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    index.add(corpus)
    return index.search(queries, _K)


def _same(nearest: Nearest, cosines: NDArray[np.float32], indices: NDArray[np.int64]) -> float:
    """Return the share of rows with the same neighbors or equally near ones."""
    tied = np.abs(nearest.cosines - cosines) < _ROUNDING
    return float(((nearest.indices == indices) | tied).all(axis=1).mean())
