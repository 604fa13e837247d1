"""Connect to Ray: the cluster in $RAY_ADDRESS, or this machine's cores."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import UserError, install_hint

# Number of retries for a task after its worker was killed (out of memory, machine lost).
RETRIES = 3


@contextmanager
def ray_session() -> Iterator[Any]:
    """Yield the package `ray`, connected.

    Raises:
        UserError: Ray is not installed, or a task's worker was killed more than RETRIES times inside this context.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no usage reports over the network
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise UserError(f"--engine ray needs Ray: {install_hint('ray')}") from error
    ray.init(include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    try:
        yield ray
    except ray.exceptions.WorkerCrashedError as error:
        raise UserError(
            f"a Ray worker was killed {RETRIES + 1} times on the same shard, possibly out of memory; finished shards "
            "are kept: run fewer tasks at a time (ray start --num-cpus), so that each has more memory"
        ) from error
    finally:
        ray.shutdown()


def get_result(ray: Any, task: Any) -> Any:  # noqa: ANN401 (an optional package, and any result)
    """Return the result of a task; a UserError in the task is raised unchanged."""
    try:
        return ray.get(task)
    except ray.exceptions.RayTaskError as error:
        raise (error.cause if isinstance(error.cause, UserError) else error) from error
