"""Batch sizes: the fastest is taken and remembered, and noise changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bitext_bench.embedding import embedder as embeddings
from bitext_bench.embedding.batch_size import fastest_batch_tokens, usable_cores
from bitext_bench.embedding.batching import BatchLimits, TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.languages import Language


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({512: 2.0, 1024: 2.0, 2048: 1.0, 4096: 3.0}, 2048),
        ({512: 1.0, 1024: 2.0, 2048: 2.0, 4096: 2.0}, 512),
        ({512: 1.0, 1024: 1.02, 2048: 1.0, 4096: 1.0}, 1024),  # as good as equal: as proposed
        ({512: 9.0, 1024: 9.0, 2048: 9.0, 4096: 1.0}, 4096),
    ],
)
def test_the_fastest_is_taken_and_measured_once(seconds: dict[int, float], expected: int, tmp_path: Path) -> None:
    asked: list[int] = []

    def seconds_of(size: int, tokens: int) -> float:
        asked.append(size)
        return seconds[size]

    assert fastest_batch_tokens(1_024, tmp_path, seconds_of) == expected
    assert sorted(set(asked)) == sorted(seconds)
    asked.clear()
    assert fastest_batch_tokens(1_024, tmp_path, seconds_of) == expected
    assert not asked
    (tmp_path / "batches.json").write_text("{damaged")
    assert fastest_batch_tokens(1_024, tmp_path, seconds_of) == expected
    assert asked


class Sized:
    """Keeps the tokens of the batches that it was given."""

    batch_tokens = 100
    device = "cpu"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def token_counts(self, sentences: Sequence[str]) -> NDArray[np.int64]:
        return np.array([len(s) for s in sentences])

    def encode(self, sentences: Sequence[str], prompt: str, language: Language | None) -> NDArray[np.float32]:
        self.batches.append(len(sentences) * max(map(len, sentences)))
        return np.array([[len(s), 1.0] for s in sentences], dtype=np.float32)


def test_a_large_plan_is_measured_and_encoded_in_the_batches_that_were_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Sized()
    model = resolve_model("toys:hashing", ModelOptions())
    texts = TextGroup(tuple(f"{i:05} " + "x" * (i % 40) for i in range(2_000)), None, "")
    monkeypatch.setattr(embeddings, "WORTH_MEASURING", 1_000)
    monkeypatch.setattr(embeddings, "fastest_batch_tokens", lambda proposed, folder, seconds_of: 4 * proposed)
    loaded = model.__class__(**{f: getattr(model, f) for f in model.__slots__} | {"load": lambda: encoder})
    Embedder(loaded, tmp_path / "large").encode([texts])
    assert 300 < np.median(encoder.batches) <= 400
    encoder.batches.clear()
    Embedder(loaded, tmp_path / "said", BatchLimits(tokens=50)).encode([texts])
    assert max(encoder.batches) <= 50


@pytest.mark.parametrize(("allowed", "expected"), [("1", 1), ("3", 3), ("99", 4), ("0", 4), ("", 4), ("two", 4)])
def test_cores_are_those_that_are_used_not_those_that_are_there(
    allowed: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 2, 4, 6}, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", allowed)
    assert usable_cores() == expected
