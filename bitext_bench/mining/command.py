"""`bitext-bench mine`: from arguments to a file of pairs and a report."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from ..embedding.batching import BatchLimits
from ..embedding.sharding import Share
from ..embedding.store import cache_folder, check_place
from ..encoders import ModelOptions, resolve_model
from ..errors import UserError
from ..io.terminal import printable
from ..languages import LangPair
from .budget import Budget
from .engines import run_inline, run_share
from .formats import Output, write_tables
from .inputs import check_file
from .known import known_pairs
from .manifest import Request, array_of, open_plan
from .output import MinedTables, check_twins, mined, scored
from .plan import ModelSpec, Plan
from .ray_engine import run_on_ray
from .recheck import check_vectors_in
from .report import describe, say, write_report
from .stages import check_model
from .threshold import ThresholdPolicy


def run_mine(arguments: argparse.Namespace, options: ModelOptions) -> int:
    """Mine or score pairs; with --shard, do a share of the work on the way there.

    Raises:
        UserError: something in the arguments or the files is not as expected.
    """
    start = time.monotonic()
    share = Share.parse(arguments.shard) if arguments.shard else None
    pair = LangPair.parse(arguments.pair) if arguments.pair else None
    output = Output.parse(arguments.output, pair)
    policy = ThresholdPolicy.parse(arguments)
    request = _request(arguments, options, pair)
    if output.kind == "tmx" and request.form == "arrays":
        raise UserError(f"-o {output.file}: TMX holds texts, and {request.source} are vectors")
    plan = open_plan(request)
    if plan.source.vectors:
        request.budget.check(plan, array_of(plan.source.vectors).shape[1])
    else:
        request.budget.check(plan)
    for line in describe(plan):
        say(line)
    if request.model is not None:
        check_vectors_in(plan, request.model)
    if share is not None:
        if run_share(plan, share):
            say("all shards of all shares are there: run without --shard to write the pairs")
        return 0
    # What is wrong with the known pairs must not come out after hours of encoding.
    known = known_pairs(plan, policy.gold, policy.plant, complete=policy.complete) if policy.known else None
    if arguments.score:
        check_twins(plan, request)
    (run_on_ray if arguments.engine == "ray" else run_inline)(plan)
    if arguments.score:
        tables = scored(plan, request, arguments.margin, policy)
    else:
        tables = mined(plan, arguments.margin, arguments.select, policy, known)
    n_pairs = write_tables(output, tables.chunks(request.budget.pairs_at_once), pair)
    _finish(plan, output.file, tables, n_pairs, time.monotonic() - start)
    return 0


def _finish(plan: Plan, file: Path, tables: MinedTables, n_pairs: int, seconds: float) -> None:
    report = write_report(plan, file, {**tables.about, "pairs": n_pairs}, seconds)
    for line in report.lines:
        say(line)
    say(f"{n_pairs:,} pairs in {printable(str(file))}; {printable(str(plan.root))} can go when you need no more of it")


def _request(arguments: argparse.Namespace, options: ModelOptions, pair: LangPair | None) -> Request:
    source, target = arguments.source, arguments.target
    arrays = [file.suffix == ".npy" for file in (source, target) if file is not None]
    _check(arguments, arrays)
    work = (arguments.work or arguments.output.with_name(f"{arguments.output.name}.work")).absolute()
    check_place(work)
    cache = cache_folder(arguments.cache_folder).absolute()
    model = spec = None
    if not any(arrays):
        if arguments.model is None:
            raise UserError("no model: pass --model, or two .npy files of vectors")
        check_place(cache)
        model = resolve_model(arguments.model, options)
        check_model(model, pair)
        limits = BatchLimits(arguments.batch_tokens, arguments.batch_size)
        spec = ModelSpec(arguments.model, options, limits, model.space, cache)
    return Request(
        source=source.absolute(),
        target=target.absolute() if target else None,
        plant=arguments.plant,
        model=model,
        spec=spec,
        pair=pair,
        search=None if arguments.search == "auto" else arguments.search,
        exact_limit=arguments.exact_limit,
        probes=arguments.probes,
        shard_lines=arguments.shard_lines,
        budget=Budget.parse(arguments.memory),
        work=work,
    )


def _check(arguments: argparse.Namespace, arrays: list[bool]) -> None:
    if arguments.target is None and not arguments.score:
        raise UserError(f"mine {arguments.source} with what? expected SRC and TGT (one file of pairs takes --score)")
    if any(arrays) and (not all(arrays) or len(arrays) == 1):
        raise UserError("expected two text files or two .npy files of vectors")
    if any(arrays) and arguments.plant:
        raise UserError("--plant mixes sentences into texts: it cannot be used with vectors")
    for file in (arguments.source, arguments.target, arguments.plant, arguments.gold):
        if file is not None:
            check_file(file)
