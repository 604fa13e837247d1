"""Ray, where it is asked for: a cluster that $RAY_ADDRESS names, else this machine's cores."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import UserError

# A task whose worker was killed (out of memory, machine gone) is tried again this often.
RETRIES = 3


@contextmanager
def ray_session() -> Iterator[Any]:
    """Yield the package, connected.

    Raises:
        UserError: it is not installed, or within, a task's worker was killed more often than is tried again.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody asked for reports to others
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise UserError('--engine ray needs Ray: pip install "bitext-bench[ray]"') from error
    ray.init(include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    try:
        yield ray
    except ray.exceptions.WorkerCrashedError as error:
        raise UserError(
            f"a Ray worker was killed {RETRIES + 1} times over one shard, out of memory perhaps; finished shards are "
            "kept: fewer tasks at a time (ray start --num-cpus) leave each of them more"
        ) from error
    finally:
        ray.shutdown()


def get_result(ray: Any, task: Any) -> Any:  # noqa: ANN401 (an optional package, and whatever its task returns)
    """Return what a task returned; a UserError within it is raised as it is."""
    try:
        return ray.get(task)
    except ray.exceptions.RayTaskError as error:
        raise (error.cause if isinstance(error.cause, UserError) else error) from error
