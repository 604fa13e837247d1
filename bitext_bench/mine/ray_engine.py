"""The same units on Ray: tasks over the same files, which every machine of the cluster has to see."""

from __future__ import annotations

import importlib
import os
from typing import Any

from ..errors import UserError
from .engines import missing, progress
from .plan import Plan, Unit
from .stages import run_unit

# A task whose worker was killed (out of memory, machine gone) is tried again this often.
_RETRIES = 3


def run_on_ray(plan: Plan) -> None:
    """Do all that is not done as Ray tasks: on the cluster that $RAY_ADDRESS names, else on this machine.

    Raises:
        UserError: Ray is not installed, a unit failed, or its worker was killed more often than is tried again.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody asked for reports to others
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise UserError('--engine ray needs Ray: pip install "bitext-bench[ray]"') from error
    ray.init(include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    try:
        task = ray.remote(max_retries=_RETRIES)(run_unit)
        gpus = 1 if ray.cluster_resources().get("GPU", 0) >= 1 else 0
        for stage in plan.stages:
            if units := missing(plan, stage):
                _run_stage(ray, task.options(num_gpus=gpus if units[0].stage == "encode" else 0), plan, units)
    except ray.exceptions.WorkerCrashedError as error:
        raise UserError(
            f"a Ray worker was killed {_RETRIES + 1} times over one shard, out of memory perhaps; finished shards are "
            "kept: fewer tasks at a time (ray start --num-cpus) leave each of them more"
        ) from error
    finally:
        ray.shutdown()


def _run_stage(ray: Any, task: Any, plan: Plan, units: list[Unit]) -> None:  # noqa: ANN401 (an optional package)
    """Run the units of one stage in any order; the first error stops it."""
    with progress(units, plan) as bar:
        running = {task.remote(plan, unit): unit for unit in units}
        while running:
            (done,), _ = ray.wait(list(running), num_returns=1)
            unit = running.pop(done)
            try:
                ray.get(done)
            except ray.exceptions.RayTaskError as error:
                raise (error.cause if isinstance(error.cause, UserError) else error) from error
            bar.update(plan.rows_of(unit.side, unit.number))
