"""Pipelined batches: tokenization runs ahead, and several batches compute at once or a GPU always has the next one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

Batch = TypeVar("Batch")
Ready = TypeVar("Ready")
Done = TypeVar("Done")

_AHEAD = 2  # batches prepared in advance


def run_overlapped(
    batches: Iterable[Batch],
    prepare: Callable[[Batch], Ready],
    start: Callable[[Ready], Callable[[], Done]],
    at_once: int = 1,
) -> Iterator[Done]:
    """Yield the result for each batch, in order.

    Args:
        batches: The batches.
        prepare: Prepares a batch; runs in its own thread, at most two batches ahead.
        start: Starts the computation and returns immediately, with a function that waits for the result. `at_once` + 1
            batches are started before the first wait, so that there is no pause.
        at_once: Number of batches that compute at the same time.
    """
    prepared: deque[Future[Ready]] = deque()
    running: deque[Callable[[], Done]] = deque()
    with ThreadPoolExecutor(max_workers=1) as thread:
        for batch in batches:
            prepared.append(thread.submit(prepare, batch))
            if len(prepared) > _AHEAD:
                running.append(start(prepared.popleft().result()))
            if len(running) > at_once:
                yield running.popleft()()
        for left in prepared:
            running.append(start(left.result()))
            if len(running) > at_once:
                yield running.popleft()()
        for wait in running:
            yield wait()


@dataclass(frozen=True, slots=True)
class FastForward:
    """A faster form of a model, for inference only.

    Attributes:
        vectors: Takes the features of a batch and returns (B, D) vectors.
        at_once: Best number of concurrent batches. If more than one, `vectors` is called in that many threads; it
            releases Python's global lock.
    """

    vectors: Callable[[dict[str, Any]], Tensor]
    at_once: int = 1


def start_in_thread(threads: ThreadPoolExecutor, quick: FastForward, features: dict[str, Any]) -> Callable[[], Tensor]:
    """Start a batch in a thread; return a function that waits for its vectors."""

    def run() -> Tensor:
        import torch

        with torch.inference_mode():
            return quick.vectors(features).float()

    return threads.submit(run).result


def pin_features(features: dict[str, Any]) -> dict[str, Any]:
    """Copy a batch's tensors to pinned memory, for asynchronous transfer to the GPU."""
    return {k: v.pin_memory() if hasattr(v, "pin_memory") else v for k, v in features.items()}


def start_on_device(model: SentenceTransformer, features: dict[str, Any]) -> Callable[[], Tensor]:
    """Start a batch on the model's CUDA device, without waiting; return a function that waits for its vectors."""
    import torch

    on_device = {k: v.to(model.device, non_blocking=True) if hasattr(v, "to") else v for k, v in features.items()}
    with torch.inference_mode():
        vectors = model(on_device)["sentence_embedding"].float()
    copy = torch.empty(vectors.shape, pin_memory=True)
    copy.copy_(vectors, non_blocking=True)
    copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
    copied.record(torch.cuda.current_stream(model.device))

    def wait() -> Tensor:
        copied.synchronize()
        return copy

    return wait
