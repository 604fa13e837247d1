"""Encoding 3,000 sentences of ../shared/data, against sentence-transformers and the machine's peak."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitext_bench.data.files import read_sentences
from bitext_bench.embedding.batching import TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.scoring.bf16 import has_bf16_hardware

from .claims import NO_BF16, Claim, Measured, Setup, Skipped, paired_ratio, seconds_of

PROMPT = "query: "
# Backend, dtype, least speed relative to sentence-transformers in fp32, least cosine to its vectors.
_WAYS = (("torch", "fp32", 1.5, 0.9999), ("openvino", "fp32", 2.0, 0.9999), ("torch", "bf16", 2.5, 0.999))
_WAYS += (("openvino", "bf16", 3.2, 0.999),)


def mixed_sentences(data: Path, n: int) -> list[str]:
    """Return a random sample of Tatoeba's sentences in English and 112 languages."""
    files = sorted((data / "tatoeba" / "v1").iterdir())
    every = list(dict.fromkeys(sentence for file in files for sentence in read_sentences(file)[0]))
    return random.Random(0).sample(every, n)


def measure(setup: Setup) -> Measured:
    from sentence_transformers import SentenceTransformer

    n, rounds = (300, 2) if setup.quick else (3_000 if has_bf16_hardware() else 2_000, 9)
    sentences = mixed_sentences(setup.data, n)
    peer = SentenceTransformer(str(setup.model), device="cpu")
    expected: list[NDArray[np.float32]] = []

    def theirs() -> None:
        expected[:] = [peer.encode(sentences, prompt=PROMPT, normalize_embeddings=True)]

    work = gigaflop(peer, sentences)
    for backend, dtype, bound, least in _WAYS:
        if dtype == "bf16" and not has_bf16_hardware():
            yield Skipped(f"{backend} {dtype}", NO_BF16)
            continue
        found: list[NDArray[np.float32]] = []
        options = ModelOptions(prompt=PROMPT, device="cpu", backend=backend, dtype=dtype)
        encode = kept(ours(options, setup.model, setup.scratch), sentences, found)
        encode()  # warm-up: the first call packs or converts the weights
        ratio, seconds, peer_seconds = paired_ratio(encode, theirs, rounds=1)
        rates = f"({n / seconds:.0f} and {n / peer_seconds:.0f} sentences/s; {work / seconds:.0f} GFLOP/s)"
        cosine = float(np.einsum("nd,nd->n", found[-1], expected[0]).min())
        yield Claim(f"{backend} {dtype}, x sentence-transformers' encode", ratio, bound, detail=rates)
        yield Claim(f"{backend} {dtype}, least cosine to its vectors", cosine, least)
        if dtype == "fp32" and backend == "openvino":
            share, peak = share_of_peak(encode, work, rounds)
            yield Claim("openvino fp32, share of the sgemm peak", share, 0.85, detail=f"of {peak:.0f} GFLOP/s")


def ours(options: ModelOptions, folder: Path, scratch: Path) -> Callable[[list[str]], NDArray[np.float32]]:
    model = resolve_model(str(folder), options)
    encoder = model.load()
    loaded = replace(model, load=lambda: encoder)  # do not time the loading

    def encode(sentences: list[str]) -> NDArray[np.float32]:
        texts = TextGroup(tuple(sentences), None, PROMPT)
        with tempfile.TemporaryDirectory(dir=scratch) as cache:
            embedder = Embedder(loaded, Path(cache))
            embedder.encode([texts])
            return embedder.vectors(texts)

    return encode


def kept(
    encode: Callable[[list[str]], NDArray[np.float32]], sentences: list[str], found: list[NDArray[np.float32]]
) -> Callable[[], None]:
    """Return a call that encodes the sentences and keeps the vectors."""
    return lambda: found.append(encode(sentences))


def gigaflop(model: Any, sentences: list[str]) -> float:
    """Return the least work: two operations per weight and token, and attention's products, without padding."""
    lengths = [len(ids) for ids in model.tokenizer([PROMPT + s for s in sentences])["input_ids"]]
    config = model[0].model.config
    hidden, layers = config.hidden_size, config.num_hidden_layers
    a_token = 2 * layers * (4 * hidden**2 + 2 * hidden * config.intermediate_size)
    attention = sum(4 * layers * hidden * n * n for n in lengths)
    return (a_token * sum(lengths) + attention) / 1e9


def share_of_peak(encode: Callable[[], None], work: float, rounds: int) -> tuple[float, float]:
    """Return the median share of the peak and the median peak.

    The peak is measured again before each round, because machines drift within minutes.
    """
    found = []
    for _ in range(rounds):
        peak = sgemm_peak()
        found.append((work / seconds_of(encode) / peak, peak))
    return median(share for share, _ in found), median(peak for _, peak in found)


def sgemm_peak() -> float:
    """Return GFLOP/s of float32 products of 4,096 x 4,096 matrices, the fastest of PyTorch, oneDNN and numpy."""
    import torch

    a, b = torch.rand(4_096, 4_096), torch.rand(4_096, 4_096)
    packed = torch.ops.mkldnn._reorder_linear_weight(b, 4_096)
    ways: list[Callable[[], object]] = [
        lambda: a @ b,
        lambda: a.numpy() @ b.numpy(),
        lambda: torch.ops.mkldnn._linear_pointwise(a, packed, None, "none", [], ""),
    ]
    with torch.inference_mode():
        return max(2 * 4_096**3 / median(_times(way, 1.0)) / 1e9 for way in ways)


def _times(call: Callable[[], object], seconds: float) -> list[float]:
    call()  # warm-up
    times: list[float] = []
    while sum(times) < seconds:
        times.append(seconds_of(call))
    return times
