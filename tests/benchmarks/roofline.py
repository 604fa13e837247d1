"""The least work of each stage, its rate, and its share of the machine's peak.

Peaks are measured in the same run: products of 4,096 x 4,096 matrices in float32 and bf16, and memory copies.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bitext_bench.embedding.store import VectorStore, text_key
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.scoring.bf16 import has_bf16_hardware
from bitext_bench.scoring.neighbors import normalize, search_bidirectional

from .claims import NO_BF16, Claim, Measured, Setup, Skipped, seconds_of
from .encode import PROMPT, gigaflop, mixed_sentences, ours, sgemm_peak

_DIMENSIONS = 384
_FLORES = 1_012  # sentences in each language


def measure(setup: Setup) -> Measured:
    sentences, rows, stored = (200, 8_000, 10_000) if setup.quick else (2_000, 40_000, 100_000)
    fp32 = sgemm_peak()
    bf16 = _bf16_peak() if has_bf16_hardware() else None
    yield from _encoding(setup, mixed_sentences(setup.data, sentences), fp32, bf16)
    yield _neighbors(rows, bf16 or fp32)
    yield _scoring(fp32)
    yield _store(setup.scratch, stored, _bandwidth())


def _share(what: str, work: float, seconds: float, peak: float, least: float, unit_name: str = "GFLOP") -> Claim:
    detail = f"({work:,.1f} {unit_name} in {seconds:.2f} s: {work / seconds:,.0f} of {peak:,.0f} {unit_name}/s)"
    return Claim(f"{what}, share of the peak", work / seconds / peak, least, detail=detail)


def _encoding(setup: Setup, sentences: list[str], fp32: float, bf16: float | None) -> Measured:
    from sentence_transformers import SentenceTransformer

    def seconds(dtype: str) -> float:
        options = ModelOptions(prompt=PROMPT, device="cpu", backend="openvino", dtype=dtype)
        encode = ours(options, setup.model, setup.scratch)
        return _best(lambda: encode(sentences), rounds=2)

    work = gigaflop(SentenceTransformer(str(setup.model), device="cpu"), sentences)
    yield _share("encoding by OpenVINO, fp32", work, seconds("fp32"), fp32, 0.85)
    if bf16 is None:
        yield Skipped("encoding and tokenizing in bf16", NO_BF16)
        return
    of_bf16 = seconds("bf16")
    yield _share("encoding by OpenVINO, bf16", work, of_bf16, bf16, 0.45)
    encoder = resolve_model(str(setup.model), ModelOptions(prompt=PROMPT, device="cpu")).load()
    tokenizing = _best(lambda: encoder.token_counts(sentences), rounds=2)
    name, detail = "tokenizing, share of the time of encoding in bf16", f"({tokenizing:.2f} s)"
    yield Claim(name, tokenizing / of_bf16, 0.1, at_least=False, detail=detail)


def _neighbors(rows: int, peak: float) -> Claim:
    generator = np.random.default_rng(0)
    sides = [normalize(generator.standard_normal((rows, _DIMENSIONS), dtype=np.float32)) for _ in range(2)]
    seconds = _best(lambda: search_bidirectional(sides[0], sides[1], 4), rounds=2)
    work = 2 * rows**2 * _DIMENSIONS / 1e9
    return _share(f"neighbors of {rows:,} x {rows:,}, both directions", work, seconds, peak, 0.4)


def _scoring(peak: float) -> Claim:
    """Measure one pair of FLORES to rank 16; most of the time is sorting."""
    generator = np.random.default_rng(0)
    sides = [normalize(generator.standard_normal((_FLORES, _DIMENSIONS))) for _ in range(2)]
    neighbors = _best(lambda: search_bidirectional(sides[0], sides[1], 16), rounds=20)
    work = 2 * _FLORES**2 * _DIMENSIONS / 1e9
    return _share("neighbors of a pair of FLORES-200", work, neighbors, peak, 0.05)


def _store(scratch: Path, stored: int, bandwidth: float) -> Claim:
    store = VectorStore(scratch / "roofline", "space")
    keys = [text_key(str(i), "", "") for i in range(stored)]
    vectors = np.random.default_rng(0).standard_normal((stored, _DIMENSIONS)).astype(np.float32)
    for first in range(0, stored, 512):
        store.add(keys[first : first + 512], vectors[first : first + 512])
    again = VectorStore(scratch / "roofline", "space")
    seconds = _best(lambda: again.vectors(keys), rounds=2)
    return _share(f"reading {stored:,} vectors from the store", vectors.nbytes / 1e9, seconds, bandwidth, 0.05, "GB")


def _bf16_peak() -> float:
    a, b = (torch.rand(4_096, 4_096).bfloat16() for _ in range(2))
    return 2 * 4_096**3 / _best(lambda: a @ b.T, rounds=4) / 1e9


def _bandwidth() -> float:
    """Return GB/s of copying 400 MB; reading and writing both count."""
    source = torch.zeros(100_000_000)
    target = torch.empty_like(source)
    return 2 * 4e8 / _best(lambda: target.copy_(source), rounds=3) / 1e9


def _best(call: Callable[[], object], rounds: int) -> float:
    call()  # warm-up
    return min(seconds_of(call) for _ in range(rounds))
