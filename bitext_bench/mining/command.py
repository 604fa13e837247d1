"""`bitext-bench mine`: mine or score pairs, and write them with a report."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..embedding.batching import BatchLimits
from ..embedding.sharding import Share
from ..embedding.store import check_writable, write_atomic
from ..encoders import ModelOptions, resolve_model
from ..errors import UserError
from ..io.cache import cache_folder
from ..io.terminal import say
from ..languages import LangPair
from ..scoring.margin import Margin
from ..scoring.mined_pairs import Selection
from .budget import Budget
from .documents import LineFormat
from .engines import run_inline, run_share
from .filters.record import AnyFilter
from .filters.registry import check_filters, parse_filters
from .filters.screening import Screener
from .formats import OutputFile, write_tables
from .inputs import check_file, check_not_overwritten
from .known import known_pairs
from .manifest import Request, map_array, open_plan
from .output import MinedTables, prepare_mined
from .page import MiningPage, check_page
from .plan import ModelSpec, Plan, SearchMethod
from .ray_engine import run_on_ray
from .recheck import recheck_stored_vectors
from .report import describe, write_report
from .scored import check_parallel, prepare_scored
from .sides import SIDES
from .signature import mining_signature
from .stages import check_model
from .threshold import ThresholdPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFiles:
    """The files that a run reads and writes.

    Attributes:
        source: sentences, one on each line, or vectors (.npy); without a target, pairs of sentences in two columns.
        target: the same in the other language; None only for scoring a file of pairs.
        output: file for the pairs.
        work: work folder; None for a folder next to the output.
        pair: languages of source and target, as in "fr-en"; None if nothing needs them.
        line_format: how to read the lines of texts.
        page: file for the report as an HTML page; None for no page.
    """

    source: Path
    target: Path | None
    output: Path
    work: Path | None = None
    pair: str | None = None
    line_format: LineFormat = field(default_factory=LineFormat)
    page: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """The model and its encoding options.

    Attributes:
        model: name of the model, as for `resolve_model`; None if the files have vectors.
        cache: directory of the cached vectors; None for the default.
    """

    model: str | None
    options: ModelOptions
    limits: BatchLimits
    cache: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selecting:
    """Which pairs to write.

    Attributes:
        score_given: score the pairs in the files, line by line, instead of mining.
        selection: how to select pairs among the proposals.
        filters: names of filters, as for `parse_filters`.
    """

    score_given: bool
    margin: Margin
    selection: Selection
    policy: ThresholdPolicy
    filters: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Searching:
    """How to search for neighbors.

    Attributes:
        search: search method; None for exact search up to `exact_limit`, and approximate search beyond.
        exact_limit: number of lines on each side.
        probes: number of cells that each line is compared with in approximate search.
        memory: memory limit without the model, like "4G".
        shard_lines: lines in a shard; None for as many as the memory allows.
    """

    search: SearchMethod | None
    exact_limit: int
    probes: int
    memory: str
    shard_lines: int | None


def run_mine(
    files: InputFiles,
    encoding: Encoding,
    selecting: Selecting,
    searching: Searching,
    share: Share | None = None,
    engine: Literal["inline", "ray"] = "inline",
) -> int:
    """Mine or score pairs and write them; with a share, do only that part of the work and write no pairs.

    Raises:
        UserError: a setting or a file is invalid.
    """
    start = time.monotonic()
    pair = LangPair.parse(files.pair) if files.pair else None
    output = OutputFile.parse(files.output, pair)
    policy = selecting.policy
    _check(files, selecting)
    filters = parse_filters(selecting.filters)
    check_filters(filters, pair)
    request = _request(files, encoding, searching, policy.plant, pair)
    if output.kind == "tmx" and request.form == "arrays":
        raise UserError(f"-o {output.file}: TMX needs texts, but {request.source} has vectors")
    plan = open_plan(request)
    if plan.source.vectors:
        request.budget.check(plan, map_array(plan.source.vectors).shape[1])
    else:
        request.budget.check(plan)
    for line in describe(plan):
        say(line)
    if request.model is not None:
        recheck_stored_vectors(plan, request.model)
    if share is not None:
        if run_share(plan, share):
            say("all shares are done: run without --shard to write the pairs")
        return 0
    # Errors in the known pairs must not appear after hours of encoding.
    known = known_pairs(plan, policy.gold, policy.plant, complete=policy.complete) if policy.has_known_pairs else None
    if selecting.score_given:
        check_parallel(plan, request)
    (run_on_ray if engine == "ray" else run_inline)(plan)
    screener = Screener(filters, pair, request.budget.pairs_at_once) if filters else None
    if selecting.score_given:
        tables = prepare_scored(plan, request, selecting.margin, policy.threshold, screener)
    else:
        tables = prepare_mined(plan, selecting.margin, selecting.selection, policy, known, screener)
    _write_output(plan, request, output, files.page, tables, start)
    return 0


def _write_output(
    plan: Plan, request: Request, output: OutputFile, page: Path | None, tables: MinedTables, start: float
) -> None:
    """Write the pairs, the dropped pairs and the reports; `start` is the time of the monotonic clock."""
    about, n, filters = dict(tables.about), request.budget.pairs_at_once, list[AnyFilter]()
    dropped = _dropped_file(output.file)
    if tables.screened is None:
        dropped.unlink(missing_ok=True)  # of an earlier run with filters
    else:
        filters += tables.screened.screener.filters
        write_tables(OutputFile(dropped, "tsv", ""), tables.dropped(n), plan.pair)
        about["filters"] = {"file": dropped.name, **about["filters"]}
    n_pairs = write_tables(output, tables.chunks(n), plan.pair)
    about |= {"pairs": n_pairs, "signature": mining_signature(plan, request.model, about, filters)}
    report = write_report(plan, output.file, about, time.monotonic() - start)
    for line in report.lines:
        say(line)
    if page is not None:
        inputs = {str(side): request.file(side) for side in SIDES}
        write_atomic(page, MiningPage(output.file, inputs, report.content, tables.pool()).render().encode())
        say(f"report in {page}")
    say(f"{n_pairs:,} pairs in {output.file}; you can remove {plan.root} when you are done")


def _request(
    files: InputFiles, encoding: Encoding, searching: Searching, plant: Path | None, pair: LangPair | None
) -> Request:
    work = (files.work or files.output.with_name(f"{files.output.name}.work")).absolute()
    check_writable(work)
    cache = cache_folder(encoding.cache).absolute()
    model = spec = None
    if files.source.suffix != ".npy":
        if encoding.model is None:
            raise UserError("no model: pass --model, or two .npy files of vectors")
        check_writable(cache)
        model = resolve_model(encoding.model, encoding.options)
        check_model(model, pair)
        spec = ModelSpec(encoding.model, encoding.options, encoding.limits, model.space, cache)
    return Request(
        source=files.source.absolute(),
        target=files.target.absolute() if files.target else None,
        plant=plant,
        model=model,
        spec=spec,
        pair=pair,
        search=searching.search,
        exact_limit=searching.exact_limit,
        probes=searching.probes,
        shard_lines=searching.shard_lines,
        budget=Budget.parse(searching.memory),
        work=work,
        line_format=files.line_format,
    )


def _check(files: InputFiles, selecting: Selecting) -> None:
    if files.page is not None:
        check_page(files.page)
    if selecting.score_given:
        selecting.policy.check_for_given_pairs()
    selecting.policy.check()
    plant, gold = selecting.policy.plant, selecting.policy.gold
    arrays = [file.suffix == ".npy" for file in (files.source, files.target) if file is not None]
    if files.target is None and not selecting.score_given:
        raise UserError(
            f"{files.source} has no counterpart: expected SRC and TGT (for one file of pairs, pass --score)"
        )
    if any(arrays) and (not all(arrays) or len(arrays) == 1):
        raise UserError("expected two text files or two .npy files of vectors")
    if any(arrays) and selecting.filters != "none":
        raise UserError("--filters looks at texts: it cannot be used with vectors")
    if any(arrays) and plant:
        raise UserError("--planted-pairs adds sentences to texts: it cannot be used with vectors")
    if not files.line_format.is_plain:
        _check_documents(files, selecting, vectors=any(arrays))
    inputs = [file for file in (files.source, files.target, plant, gold) if file is not None]
    for file in inputs:
        check_file(file)
    outputs = [files.output, _dropped_file(files.output), *([files.page] if files.page else [])]
    check_not_overwritten(outputs, inputs)


def _dropped_file(output: Path) -> Path:
    return output.with_name(f"{output.name}.dropped.tsv")


def _check_documents(files: InputFiles, selecting: Selecting, *, vectors: bool) -> None:
    given = files.line_format
    named = {"--ids": given.ids, "--split-sentences": given.split, "--max-characters": given.max_characters is not None}
    option = next(name for name, passed in named.items() if passed)
    if vectors:
        raise UserError(f"{option} is for texts: it cannot be used with vectors")
    if selecting.score_given:
        raise UserError(f"{option} is for mining: it cannot be used with --score, which reads one pair on each line")
    if given.split and files.pair is None:
        raise UserError("--split-sentences needs the languages of the texts: pass --pair, as in --pair fr-en")
