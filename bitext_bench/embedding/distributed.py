"""Encode a run in shares into one store: a single share (for a job array), or all shares as Ray tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..encoders import ModelOptions, resolve_model
from ..io.progress import progress_bar
from .batching import BatchLimits, TextGroup
from .cluster import RETRIES, get_result, ray_session
from .embedder import Embedder
from .sharding import Share

# More shares than workers, so that a slow or repeated one does not delay the rest.
_SHARES_A_WORKER = 4


def encode_share(
    name: str, options: ModelOptions, plan: Sequence[TextGroup], cache: Path, share: Share, limits: BatchLimits
) -> int:
    """Encode a share of a plan into the store, and return the number of new texts.

    Raises:
        UserError: As for `Embedder.encode_share`, or the model cannot be found on this machine.
    """
    return Embedder(resolve_model(name, options), cache, limits).encode_share(plan, share)


def encode_on_ray(
    name: str, options: ModelOptions, plan: Sequence[TextGroup], cache: Path, limits: BatchLimits
) -> None:
    """Encode a whole plan with Ray tasks. Every machine in the cluster needs access to the store and the model.

    Raises:
        UserError: Ray is not installed, a task failed, or its worker was killed repeatedly.
    """
    with ray_session() as ray:
        resources = ray.cluster_resources()
        gpus = 1 if resources.get("GPU", 0) >= 1 else 0
        n = _SHARES_A_WORKER * max(1, int(resources.get("GPU" if gpus else "CPU", 1)))
        task = ray.remote(max_retries=RETRIES, num_gpus=gpus)(encode_share)
        given = ray.put(list(plan))
        running = [task.remote(name, options, given, cache.absolute(), Share(i, n), limits) for i in range(1, n + 1)]
        with progress_bar(total=n, unit="share", desc="encoding on Ray") as bar:
            while running:
                (done,), running = ray.wait(running, num_returns=1)
                get_result(ray, done)
                bar.update()
