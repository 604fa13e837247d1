"""`bitext-bench leaderboard`: from a results folder to a file, or whether the file is still what the folder yields."""

from __future__ import annotations

import argparse
import sys

from bitext_bench.errors import UserError
from bitext_bench.store import write_whole

from .board import tables
from .markdown import render
from .read import read_results


def run_leaderboard(arguments: argparse.Namespace) -> int:
    """Write the leaderboard, or with --check compare it with the file; returns 1 where they differ.

    Raises:
        UserError: there are no results, or outcomes are missing.
    """
    found = read_results(arguments.results)
    if not found.entries:
        raise UserError(f"{arguments.results} holds no results: run bitext-bench run --output-folder DIR first")
    for file, reason in found.skipped:
        print(f"bitext-bench: left out: {file}: {reason}", file=sys.stderr)
    content = render(tables(found.entries), found, arguments.results).encode()
    output = arguments.output
    if arguments.check:
        current = output.read_bytes() if output.is_file() else b""
        if current != content:
            raise UserError(f"{output} is not what {arguments.results} yields: run bitext-bench leaderboard")
        print(f"bitext-bench: {output} is up to date", file=sys.stderr)
        return 0
    write_whole(output, content)
    print(f"bitext-bench: wrote {output}", file=sys.stderr)
    return 0
