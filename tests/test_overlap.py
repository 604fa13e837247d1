"""Batches that overlap: what is prepared, started and waited for when; and on a GPU, where there is one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bitext_bench.embedding.batching import TextGroup, encode_each
from bitext_bench.encoders import BatchesEncoder, ModelOptions, resolve_model
from bitext_bench.encoders.overlap import run_overlapped


class Device:
    """Notes what happens to which batch, and in which thread."""

    def __init__(self) -> None:
        self.log: list[tuple[str, int]] = []
        self.threads: set[int] = set()

    def batches(self, n: int) -> Iterator[int]:
        for i in range(n):
            self.log.append(("drawn", i))
            yield i

    def prepare(self, batch: int) -> int:
        self.threads.add(threading.get_ident())
        return 10 * batch

    def start(self, ready: int) -> Callable[[], int]:
        self.log.append(("started", ready // 10))

        def wait() -> int:
            self.log.append(("waited", ready // 10))
            return ready + 1

        return wait


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 9])
def test_every_batch_comes_back_in_order(n: int) -> None:
    device = Device()
    assert list(run_overlapped(device.batches(n), device.prepare, device.start)) == [10 * i + 1 for i in range(n)]
    assert threading.get_ident() not in device.threads


def test_the_next_is_started_before_the_last_is_waited_for() -> None:
    device = Device()
    assert len(list(run_overlapped(device.batches(6), device.prepare, device.start))) == 6
    at = {event: place for place, event in enumerate(device.log)}
    for i in range(5):
        assert at["started", i + 1] < at["waited", i]
    for i in range(4):  # and what is prepared waits in memory: no more than three are drawn and not yet started
        assert at["started", i] < at.get(("drawn", i + 3), len(at))
    for i in range(4):
        assert at["waited", i] < at["started", i + 2]


def test_what_fails_is_raised_where_the_batch_was_due() -> None:
    def fails_on(bad: int) -> Callable[[int], int]:
        def prepare(batch: int) -> int:
            if batch == bad:
                raise ValueError("cannot be tokenized")
            return 10 * batch

        return prepare

    for bad in (0, 2, 4):
        device = Device()
        done = []
        with pytest.raises(ValueError, match="cannot be tokenized"):
            for value in run_overlapped(device.batches(5), fails_on(bad), device.start):
                done.append(value)
        assert done == [10 * i + 1 for i in range(len(done))]
        assert len(done) <= bad


def test_one_that_is_not_read_to_its_end_leaves_no_thread() -> None:
    before = threading.active_count()
    device = Device()
    running = run_overlapped(device.batches(9), device.prepare, device.start)
    assert next(running) == 1
    running.close()
    assert threading.active_count() == before


def test_a_transformer_encodes_batches_as_one_by_one(tiny_model: Path) -> None:
    encoder = resolve_model(str(tiny_model), ModelOptions()).load()
    assert isinstance(encoder, BatchesEncoder)
    batches = [["a cat", "two dogs"], ["a house"]]
    found = list(encoder.encode_each(batches, "query: ", None))
    for batch, vectors in zip(batches, found, strict=True):
        np.testing.assert_array_equal(vectors, encoder.encode(batch, "query: ", None))
    texts = TextGroup(("a cat", "two dogs", "a house"), None, "query: ")
    rows = [np.array([2, 0]), np.array([1])]
    for (named, vectors), expected in zip(encode_each(encoder, texts, rows), rows, strict=True):
        assert named.tolist() == expected.tolist()
        alone = encoder.encode([texts.sentences[i] for i in expected], "query: ", None)
        np.testing.assert_array_equal(vectors, alone)


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.mark.parametrize("dtype", ["fp32", "fp16", "auto"])
def test_on_a_gpu_the_vectors_are_those_of_the_cpu(tiny_model: Path, dtype: str) -> None:
    if not _has_cuda():
        pytest.skip("no CUDA device")
    batches = [[f"sentence number {i} of {n}" for i in range(n)] for n in (3, 1, 5, 2)]
    cpu = resolve_model(str(tiny_model), ModelOptions(device="cpu")).load()
    gpu = resolve_model(str(tiny_model), ModelOptions(device="cuda", dtype=dtype)).load()  # type: ignore[arg-type]
    assert isinstance(gpu, BatchesEncoder)
    for batch, vectors in zip(batches, gpu.encode_each(batches, "", None), strict=True):
        expected = cpu.encode(batch, "", None)
        cosines = (vectors * expected).sum(1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(expected, axis=1)
        assert cosines.min() > (0.9999 if dtype == "fp32" else 0.99)
        np.testing.assert_array_equal(vectors, gpu.encode(batch, "", None))
