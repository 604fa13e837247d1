"""Encoding, neighbors and training on one GPU, against sentence-transformers, torch.topk and faiss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitext_bench.data.files import read_sentences
from bitext_bench.encoders import ModelOptions
from bitext_bench.scoring.gpu import largest_of_both
from bitext_bench.scoring.neighbors import normalize, search_bidirectional

from . import encode, train
from .claims import Claim, Measured, Setup, Skipped, seconds_of

MODELS = {"e5-small-q4": "query: ", "minilm-l6": ""}  # directory -> prompt
_TATOEBA = ("kor", "fra", "jpn", "rus")
_K = 4
_ROUNDING = 2e-6  # closer cosines are ties
_GB = 1e9


@dataclass(frozen=True)
class Sizes:
    """How much is measured: Tatoeba pairs, other sentences, vectors per side, queries of the slow peers, steps."""

    pairs: int
    sentences: int
    vectors: int
    queries: int
    steps: int
    batch: int
    dtypes: tuple[str, ...] = ("fp32", "bf16", "fp16")


FULL, QUICK = Sizes(1_000, 50_000, 1_000_000, 65_536, 60, 128), Sizes(1_000, 5_000, 100_000, 16_384, 12, 64)


def measure(setup: Setup) -> Measured:
    if not torch.cuda.is_available():
        yield Skipped("encoding, neighbors and training", "this machine has no CUDA GPU")
        return
    yield from measure_on(setup, torch.device("cuda"), QUICK if setup.quick else FULL)


def measure_on(setup: Setup, device: torch.device, sizes: Sizes) -> Measured:
    """Measure on a device; tests run this on the CPU."""
    for name, prompt in MODELS.items():
        yield from _encoding(setup, setup.model.parent / name, prompt, device, sizes)
    yield from _neighbors(device, sizes)
    yield from _training(setup, sizes)


def _encoding(setup: Setup, folder: Path, prompt: str, device: torch.device, sizes: Sizes) -> Iterator[Claim]:
    from sentence_transformers import SentenceTransformer

    sentences = [*_translations(setup.data, sizes.pairs), *encode.mixed_sentences(setup.data, sizes.sentences)]
    plain = SentenceTransformer(str(folder), device=str(device))
    slowest = _seconds(device, lambda: plain.encode(sentences, prompt=prompt, normalize_embeddings=True))
    accuracy: dict[str, float] = {}
    for dtype in sizes.dtypes:
        options = ModelOptions(prompt=prompt, device=str(device), dtype=dtype)
        ours = encode.ours(options, folder, setup.scratch)
        found: list[NDArray[np.float32]] = []
        _reset(device)
        seconds = _seconds(device, encode.kept(ours, sentences, found))
        name, rate = f"{folder.name} {dtype}", f"({len(sentences) / seconds:.0f} sentences/s"
        accuracy[dtype] = _accuracy(found[-1], sizes.pairs)
        detail = f"{rate} and {len(sentences) / slowest:.0f})"
        yield Claim(f"{name}, x sentence-transformers with its defaults", slowest / seconds, 1.2, detail=detail)
        if dtype == "bf16":
            kwargs = {"dtype": torch.bfloat16, "attn_implementation": "sdpa"}
            fast = SentenceTransformer(str(folder), device=str(device), model_kwargs=kwargs)
            encoding = partial(fast.encode, sentences, prompt=prompt, normalize_embeddings=True, batch_size=512)
            best = _seconds(device, encoding)
            detail = f"{rate} and {len(sentences) / best:.0f})"
            yield Claim(f"{name}, x sentence-transformers in bf16, SDPA, batch 512", best / seconds, 1.0, detail=detail)
        lost = accuracy["fp32"] - accuracy[dtype]
        detail = f"({accuracy[dtype]:.2f})"
        yield Claim(f"{name}, points of Tatoeba accuracy lost to fp32", lost, 0.2, at_least=False, detail=detail)
        yield from _memory(device, name, 4.0)


def _translations(data: Path, n: int) -> list[str]:
    """Return n sentences of each side of each pair, in turn."""
    folder = data / "tatoeba" / "v1"
    sides = [folder / f"tatoeba.{code}-eng.{side}" for code in _TATOEBA for side in (code, "eng")]
    return [sentence for side in sides for sentence in read_sentences(side)[0][:n]]


def _accuracy(vectors: NDArray[np.float32], n: int) -> float:
    """Return the mean accuracy over the pairs and both directions, in percent."""
    shares = []
    for pair in range(len(_TATOEBA)):
        source, target = (normalize(vectors[(2 * pair + side) * n :][:n]) for side in (0, 1))
        found = search_bidirectional(source, target, 1)
        shares += [(near.indices[:, 0] == np.arange(n)).mean() for near in (found.forward, found.backward)]
    return 100 * float(np.mean(shares))


def _neighbors(device: torch.device, sizes: Sizes) -> Iterator[Claim]:
    generator = np.random.default_rng(0)
    own = normalize(generator.standard_normal((sizes.vectors, 384), dtype=np.float32))
    noise = normalize(generator.standard_normal(own.shape, dtype=np.float32))
    source, target = torch.from_numpy(own), torch.from_numpy(normalize(own + noise))
    found: list[Any] = []
    _reset(device)
    seconds = _seconds(device, lambda: found.append(largest_of_both(source, target, _K, device)), warm=False)
    yield from _memory(device, f"neighbors of {sizes.vectors:,} x {sizes.vectors:,}", 10.0)
    some = source[: sizes.queries]
    scale = 2 * len(source) / len(some)  # both directions; the peers search some queries in one
    peers: dict[str, tuple[Callable[[], tuple[Tensor, Tensor]], float]] = {
        "torch.topk on this device": (lambda: _torch_search(some, target.to(device)), 1.2),
        "faiss on the CPU": (lambda: _faiss_search(some, target), 5.0 if device.type == "cuda" else 0.0),
    }
    for name, (search, bound) in peers.items():
        expected: list[tuple[Tensor, Tensor]] = []
        theirs = scale * _seconds(device, lambda: expected.append(search()), warm=False)  # noqa: B023
        detail = f"({seconds:.1f} s and {theirs:.1f} s, extrapolated from {len(some):,} queries)"
        yield Claim(f"neighbors, x two searches with {name}", theirs / seconds, bound, detail=detail)
        yield Claim(f"neighbors, share of the queries as by {name}, but for ties", _same(found[0][0], expected[0]), 1.0)


def _torch_search(queries: Tensor, corpus: Tensor) -> tuple[Tensor, Tensor]:
    found = [(block.to(corpus.device) @ corpus.T).topk(_K, dim=1) for block in queries.split(1_024)]
    return torch.cat([block.values for block in found]).cpu(), torch.cat([block.indices for block in found]).cpu()


def _faiss_search(queries: Tensor, corpus: Tensor) -> tuple[Tensor, Tensor]:
    import faiss

    index = faiss.IndexFlatIP(corpus.shape[1])
    index.add(corpus.numpy())
    products, indices = index.search(queries.numpy(), _K)
    return torch.from_numpy(products), torch.from_numpy(indices)


def _same(ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]) -> float:
    products, indices = (side[: len(theirs[0])] for side in ours)
    equal = (indices == theirs[1]) | ((products - theirs[0]).abs() < _ROUNDING)
    return float(equal.all(dim=1).float().mean())


def _training(setup: Setup, sizes: Sizes) -> Iterator[Claim]:
    trainings = train.prepare(setup, sizes.steps, sizes.batch)
    ours, theirs = trainings.cached(), trainings.peer()
    detail = f"({sizes.batch} pairs a step; {1 / ours:.1f} and {1 / theirs:.1f} steps/s)"
    yield Claim("soft contrastive steps/s, x MultipleNegativesRankingLoss", theirs / ours, 0.95, detail=detail)


def _memory(device: torch.device, name: str, limit: float) -> Iterator[Claim]:
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device) / _GB
        yield Claim(f"{name}, peak GPU memory in GB", peak, limit, at_least=False)


def _reset(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _seconds(device: torch.device, call: Callable[[], object], *, warm: bool = True) -> float:
    """Time a call until the device has finished, by default after a first call that is not timed."""

    def finished() -> None:
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    if warm:
        finished()
    return seconds_of(finished)
