"""`mine`: turn parsed arguments into a run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from ..embedding.batching import BatchLimits
from ..embedding.sharding import Share
from ..errors import UserError
from ..mining.command import Encoding, InputFiles, Searching, Selecting, run_mine
from ..mining.documents import LineFormat
from ..mining.threshold import ThresholdPolicy
from .options import model_options


def mine(arguments: argparse.Namespace) -> int:
    """Mine or score pairs. Return 0."""
    if arguments.score:
        _check_of_mining({"--selection": arguments.selection, "--search": arguments.search})
    share = Share.parse(arguments.shard) if arguments.shard else None
    files = InputFiles(
        source=arguments.source,
        target=arguments.target,
        output=arguments.output,
        work=arguments.work_dir,
        pair=arguments.pair,
        line_format=LineFormat(arguments.ids, arguments.split_sentences, arguments.max_characters),
        page=arguments.report,
    )
    encoding = Encoding(
        model=arguments.model,
        options=model_options(arguments),
        limits=BatchLimits(arguments.batch_tokens, arguments.batch_size),
        cache=arguments.cache_folder,
    )
    policy = ThresholdPolicy(
        threshold=arguments.threshold,
        precision=arguments.target_precision,
        best_f1=arguments.best_f1,
        best_available=arguments.best_available,
        gold=arguments.gold,
        plant=arguments.planted_pairs,
        complete=arguments.gold_complete,
    )
    selecting = Selecting(
        score_given=arguments.score,
        margin=arguments.margin,
        selection=arguments.selection or "greedy",
        policy=policy,
        filters=arguments.filters,
    )
    searching = Searching(
        search=None if arguments.search in (None, "auto") else arguments.search,
        exact_limit=arguments.exact_limit,
        probes=arguments.nprobe,
        memory=arguments.max_memory,
        shard_lines=arguments.shard_lines,
    )
    return run_mine(files, encoding, selecting, searching, share, arguments.engine)


def _check_of_mining(options: Mapping[str, str | None]) -> None:
    for name, value in options.items():
        if value is not None:
            raise UserError(f"{name} is for mining: it cannot be used with --score, which scores the given pairs")
