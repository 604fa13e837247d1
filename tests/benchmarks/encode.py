"""Encoding 5,000 sentences of ../shared/data, against sentence-transformers and the machine's peak."""

from __future__ import annotations

import random
import tempfile
import time
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

from .claims import Claim, paired_ratio

PROMPT = "query: "
_N = 5_000
# Backend, dtype, least speed relative to sentence-transformers in fp32, least cosine to its vectors.
_WAYS = (("torch", "fp32", 1.5, 0.9999), ("openvino", "fp32", 2.0, 0.9999), ("torch", "bf16", 2.5, 0.999))
_WAYS += (("openvino", "bf16", 3.2, 0.999),)


def mixed_sentences(data: Path, n: int) -> list[str]:
    """Return a random sample of Tatoeba's sentences in English and 112 languages."""
    files = sorted((data / "tatoeba" / "v1").iterdir())
    every = list(dict.fromkeys(sentence for file in files for sentence in read_sentences(file)[0]))
    return random.Random(0).sample(every, n)


def measure(data: Path, model_folder: Path, scratch: Path) -> list[Claim]:
    from sentence_transformers import SentenceTransformer

    sentences = mixed_sentences(data, _N)
    peer = SentenceTransformer(str(model_folder), device="cpu")
    expected: list[NDArray[np.float32]] = []

    def theirs() -> None:
        expected[:] = [peer.encode(sentences, prompt=PROMPT, normalize_embeddings=True)]

    work = gigaflop(peer, sentences)
    claims = []
    for backend, dtype, bound, least in _WAYS:
        found: list[NDArray[np.float32]] = []
        encode_ours = ours(
            ModelOptions(prompt=PROMPT, device="cpu", backend=backend, dtype=dtype), model_folder, scratch
        )
        encode = _kept(encode_ours, sentences, found)
        encode()  # warm-up: the first call packs or converts the weights
        ratio, seconds, peer_seconds = paired_ratio(encode, theirs, rounds=1)
        rates = f"({_N / seconds:.0f} and {_N / peer_seconds:.0f} sentences/s; {work / seconds:.0f} GFLOP/s)"
        cosine = float(np.einsum("nd,nd->n", found[-1], expected[0]).min())
        claims.append(Claim(f"{backend} {dtype}, x sentence-transformers' encode", ratio, bound, detail=rates))
        claims.append(Claim(f"{backend} {dtype}, least cosine to its vectors", cosine, least))
        if dtype == "fp32" and backend == "openvino":
            share, peak = share_of_peak(encode, work)
            claims.append(Claim("openvino fp32, share of the sgemm peak", share, 0.85, detail=f"of {peak:.0f} GFLOP/s"))
    return claims


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


def _kept(
    encode: Callable[[list[str]], NDArray[np.float32]], sentences: list[str], found: list[NDArray[np.float32]]
) -> Callable[[], None]:
    return lambda: found.append(encode(sentences))


def gigaflop(model: Any, sentences: list[str]) -> float:
    """Return the least work: two operations per weight and token, and attention's products, without padding."""
    lengths = [len(ids) for ids in model.tokenizer([PROMPT + s for s in sentences])["input_ids"]]
    config = model[0].model.config
    hidden, layers = config.hidden_size, config.num_hidden_layers
    a_token = 2 * layers * (4 * hidden**2 + 2 * hidden * config.intermediate_size)
    attention = sum(4 * layers * hidden * n * n for n in lengths)
    return (a_token * sum(lengths) + attention) / 1e9


def share_of_peak(encode: Callable[[], None], work: float) -> tuple[float, float]:
    """Return the median share of the peak and the median peak of nine rounds.

    The peak is measured again before each round, because machines drift within minutes.
    """
    rounds = []
    for _ in range(9):
        peak = sgemm_peak()
        start = time.perf_counter()
        encode()
        rounds.append((work / (time.perf_counter() - start) / peak, peak))
    return median(share for share, _ in rounds), median(peak for _, peak in rounds)


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
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times
