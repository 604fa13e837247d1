"""Batches that overlap: tokenized ahead, several computed at once or, on a GPU, one after the other without a pause."""

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

_AHEAD = 2  # batches that are prepared before they are wanted


def run_overlapped(
    batches: Iterable[Batch],
    prepare: Callable[[Batch], Ready],
    start: Callable[[Ready], Callable[[], Done]],
    at_once: int = 1,
) -> Iterator[Done]:
    """Yield what becomes of each batch, in order.

    Args:
        batches: what to work on.
        prepare: runs in a thread of its own, at most two batches ahead.
        start: begins the work and returns at once; what it returns waits for the result. One batch more than are
            computed at once is started before a result is waited for, so that there is no pause.
        at_once: how many batches are computed at the same time.
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
    """A model made quick, that can only encode: features of a batch to (B, D), and how many batches it likes at once.

    With more than one, it is called in as many threads, and its computing does not hold Python's lock.
    """

    vectors: Callable[[dict[str, Any]], Tensor]
    at_once: int = 1


def start_in_thread(threads: ThreadPoolExecutor, quick: FastForward, features: dict[str, Any]) -> Callable[[], Tensor]:
    """Have a thread compute a batch."""

    def run() -> Tensor:
        import torch

        with torch.inference_mode():
            return quick.vectors(features).float()

    return threads.submit(run).result


def pin_features(features: dict[str, Any]) -> dict[str, Any]:
    """Put a batch's tensors into memory that the device reads by itself."""
    return {k: v.pin_memory() if hasattr(v, "pin_memory") else v for k, v in features.items()}


def start_on_device(model: SentenceTransformer, features: dict[str, Any]) -> Callable[[], Tensor]:
    """Send a batch to the model's CUDA device; the vectors are on the way back when this returns."""
    import torch

    there = {k: v.to(model.device, non_blocking=True) if hasattr(v, "to") else v for k, v in features.items()}
    with torch.inference_mode():
        vectors = model(there)["sentence_embedding"].float()
    here = torch.empty(vectors.shape, pin_memory=True)
    here.copy_(vectors, non_blocking=True)
    copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
    copied.record(torch.cuda.current_stream(model.device))

    def wait() -> Tensor:
        copied.synchronize()
        return here

    return wait
