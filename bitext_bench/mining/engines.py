"""Run the work units one after the other in this process, or one share of them for a job array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Never

from tqdm import tqdm

from ..embedding.sharding import Share
from ..io.progress import progress_bar
from ..io.terminal import say
from .plan import Plan, Stage, WorkUnit
from .records import is_intact, read_record
from .stages import run_unit

_SAID: dict[Stage, str] = {
    "encode": "encoding",
    "search": "searching",
    "merge": "merging",
    "cells": "placing cells",
    "assign": "filling cells",
    "gather": "sorting cells",
    "probe": "searching",
    "recall": "measuring recall",
}


def progress(units: Sequence[WorkUnit], plan: Plan) -> tqdm[Never]:
    """Return a progress bar that counts the lines of a stage."""
    total = sum(plan.shard_rows(unit.side, unit.number) for unit in units)
    return progress_bar(total=total, unit="line", unit_scale=True, desc=_SAID[units[0].stage])


def run_inline(plan: Plan) -> None:
    """Run all units that are unfinished or have damaged files, one after the other.

    Raises:
        UserError: as for the stages.
    """
    for stage in plan.stages:
        run_units(plan, unfinished_units(plan, stage))


def run_units(plan: Plan, units: Sequence[WorkUnit]) -> None:
    """Run units of one stage in this process."""
    if units:
        with progress(units, plan) as bar:
            for unit in units:
                run_unit(plan, unit, bar.update)


def unfinished_units(plan: Plan, units: Sequence[WorkUnit]) -> list[WorkUnit]:
    """Return the unfinished units, and report finished units with damaged files."""
    left = []
    for unit in units:
        if not is_intact(plan, unit):
            left.append(unit)
            if plan.record_file(unit).exists():
                say(f"{unit.name} is damaged or incomplete; it is rebuilt")
    return left


def run_share(plan: Plan, share: Share) -> bool:
    """Run a share of each stage whose inputs exist, and stop at the first stage that needs results of other shares.

    Processes never wait for each other, so a job array can run with fewer processes than shares.

    Returns:
        Whether all shares of all stages are done.

    Raises:
        UserError: as for the stages.
    """
    for stage in plan.stages:
        run_units(plan, unfinished_units(plan, share.select(stage)))
        waiting = [unit for unit in stage if read_record(plan, unit) is None]
        if waiting:
            last = stage is plan.stages[-1]
            say(
                f"share {share.number}/{share.count} of {_SAID[stage[0].stage]} is done; "
                f"{len(waiting)} of {len(stage)} shards of other shares are unfinished. When they are done, run "
                + ("without --shard to write the pairs" if last else "the same array again")
            )
            return False
    return True
