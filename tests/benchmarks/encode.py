"""Encoding 1,000 Tatoeba sentences of mixed languages, fp32, against sentence-transformers' own encode."""

from __future__ import annotations

import random
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from bitext_bench.data.files import read_sentences
from bitext_bench.embeddings import Embedder, Texts
from bitext_bench.encoders import ModelOptions, resolve_model

from .claims import Claim, paired_ratio

PROMPT = "query: "


def mixed_sentences(data: Path, n: int) -> list[str]:
    files = sorted((data / "tatoeba" / "v1").iterdir())
    every = list(dict.fromkeys(sentence for file in files for sentence in read_sentences(file)[0]))
    return random.Random(0).sample(every, n)


def measure(data: Path, model_folder: Path, scratch: Path) -> list[Claim]:
    from sentence_transformers import SentenceTransformer

    sentences = mixed_sentences(data, 1_000)
    peer = SentenceTransformer(str(model_folder), device="cpu")
    model = resolve_model(str(model_folder), ModelOptions(prompt=PROMPT, device="cpu"))
    encoder = model.load()
    loaded = replace(model, load=lambda: encoder)  # loading weights is not encoding
    texts = Texts(tuple(sentences), None, PROMPT)
    vectors = []

    def ours() -> None:
        with tempfile.TemporaryDirectory(dir=scratch) as cache:
            embedder = Embedder(loaded, Path(cache))
            embedder.encode([texts])
            vectors.append(embedder.vectors(texts))

    def theirs() -> None:
        vectors.append(peer.encode(sentences, prompt=PROMPT, normalize_embeddings=True))

    ours(), theirs()  # warm-up
    ratio, seconds, peer_seconds = paired_ratio(ours, theirs, rounds=3)
    rates = f"{1000 / seconds:.0f} and {1000 / peer_seconds:.0f} sentences/s"
    cosine = float(np.einsum("nd,nd->n", vectors[0], vectors[1]).min())
    return [
        Claim("speed / sentence-transformers' encode", ratio, 1.5, detail=rates),
        Claim("minimum cosine to its vectors", cosine, 0.9999),
    ]
