"""The least work of each stage, its rate, and its share of the machine's peak.

Peaks are measured in the same run: products of 4,096 x 4,096 matrices in float32 and bf16, and memory copies.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bitext_bench.embedding.store import VectorStore, text_key
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.scoring.bf16 import has_bf16_hardware
from bitext_bench.scoring.neighbors import normalize, search_bidirectional

from .claims import Claim
from .encode import PROMPT, gigaflop, mixed_sentences, ours, sgemm_peak

_SENTENCES = 2_000
_ROWS, _DIMENSIONS = 40_000, 384
_STORED = 100_000
_FLORES = 1_012  # sentences in each language


def measure(data: Path, model_folder: Path, scratch: Path) -> list[Claim]:
    fp32, bf16, copying = sgemm_peak(), _bf16_peak(), _bandwidth()
    claims = _encoding(data, model_folder, scratch, {"fp32": fp32, "bf16": bf16})
    claims.append(_neighbors(bf16 if has_bf16_hardware() else fp32))
    claims.append(_scoring(fp32))
    claims.append(_store(scratch, copying))
    return claims


def _share(what: str, work: float, seconds: float, peak: float, least: float, unit_name: str = "GFLOP") -> Claim:
    detail = f"({work:,.1f} {unit_name} in {seconds:.2f} s: {work / seconds:,.0f} of {peak:,.0f} {unit_name}/s)"
    return Claim(f"{what}, share of the peak", work / seconds / peak, least, detail=detail)


def _encoding(data: Path, folder: Path, scratch: Path, peaks: dict[str, float]) -> list[Claim]:
    from sentence_transformers import SentenceTransformer

    sentences = mixed_sentences(data, _SENTENCES)
    model = SentenceTransformer(str(folder), device="cpu")
    work = gigaflop(model, sentences)
    claims = []
    for dtype, least in (("fp32", 0.85), ("bf16", 0.45)):
        encode = ours(ModelOptions(prompt=PROMPT, device="cpu", backend="openvino", dtype=dtype), folder, scratch)
        seconds = _best(lambda encode=encode: encode(sentences), rounds=2)
        claims.append(_share(f"encoding by OpenVINO, {dtype}", work, seconds, peaks[dtype], least))
    encoder = resolve_model(str(folder), ModelOptions(prompt=PROMPT, device="cpu")).load()
    tokenizing = _best(lambda: encoder.token_counts(sentences), rounds=2)
    share = tokenizing / seconds
    claims.append(
        Claim(
            "tokenizing, share of the time of encoding in bf16",
            share,
            0.1,
            at_least=False,
            detail=f"({tokenizing:.2f} s)",
        )
    )
    return claims


def _neighbors(peak: float) -> Claim:
    generator = np.random.default_rng(0)
    sides = [normalize(generator.standard_normal((_ROWS, _DIMENSIONS), dtype=np.float32)) for _ in range(2)]
    seconds = _best(lambda: search_bidirectional(sides[0], sides[1], 4), rounds=2)
    work = 2 * _ROWS**2 * _DIMENSIONS / 1e9
    return _share(f"neighbors of {_ROWS:,} x {_ROWS:,}, both directions", work, seconds, peak, 0.4)


def _scoring(peak: float) -> Claim:
    """Measure one pair of FLORES to rank 16; most of the time is sorting."""
    generator = np.random.default_rng(0)
    sides = [normalize(generator.standard_normal((_FLORES, _DIMENSIONS))) for _ in range(2)]
    neighbors = _best(lambda: search_bidirectional(sides[0], sides[1], 16), rounds=20)
    work = 2 * _FLORES**2 * _DIMENSIONS / 1e9
    return _share("neighbors of a pair of FLORES-200", work, neighbors, peak, 0.05)


def _store(scratch: Path, bandwidth: float) -> Claim:
    store = VectorStore(scratch / "roofline", "space")
    keys = [text_key(str(i), "", "") for i in range(_STORED)]
    vectors = np.random.default_rng(0).standard_normal((_STORED, _DIMENSIONS)).astype(np.float32)
    for first in range(0, _STORED, 512):
        store.add(keys[first : first + 512], vectors[first : first + 512])
    again = VectorStore(scratch / "roofline", "space")
    seconds = _best(lambda: again.vectors(keys), rounds=2)
    return _share(f"reading {_STORED:,} vectors from the store", vectors.nbytes / 1e9, seconds, bandwidth, 0.05, "GB")


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
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best
