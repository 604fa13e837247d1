"""Run the work units as Ray tasks. All machines of the cluster must share the file system."""

from __future__ import annotations

from typing import Any

from ..embedding.cluster import RETRIES, get_result, ray_session
from .engines import progress, unfinished_units
from .plan import Plan, WorkUnit
from .stages import run_unit


def run_on_ray(plan: Plan) -> None:
    """Run all unfinished units as Ray tasks.

    Raises:
        UserError: Ray is not installed, a unit failed, or its worker was killed too often.
    """
    with ray_session() as ray:
        task = ray.remote(max_retries=RETRIES)(run_unit)
        gpus = 1 if ray.cluster_resources().get("GPU", 0) >= 1 else 0
        for stage in plan.stages:
            if units := unfinished_units(plan, stage):
                _run_stage(ray, task.options(num_gpus=gpus if units[0].stage == "encode" else 0), plan, units)


def _run_stage(ray: Any, task: Any, plan: Plan, units: list[WorkUnit]) -> None:  # noqa: ANN401 (an optional package)
    """Run the units of one stage in any order. The first error stops the run."""
    with progress(units, plan) as bar:
        running = {task.remote(plan, unit): unit for unit in units}
        while running:
            (done,), _ = ray.wait(list(running), num_returns=1)
            unit = running.pop(done)
            get_result(ray, done)
            bar.update(plan.shard_rows(unit.side, unit.number))
