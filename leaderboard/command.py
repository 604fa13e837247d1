"""`bitext-bench leaderboard`: from a results folder to a file, or whether the file is still what the folder yields."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bitext_bench.data import open_source
from bitext_bench.embedding.store import check_place, make_folder, write_whole
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import say, write_data
from bitext_bench.tasks.choices import chosen_tasks

from .entries.read import Entry, Found, in_languages, read_results, say_skipped
from .html.errors import browsable
from .html.render import render_page
from .paper_tables.command import lay_out
from .render.latex import render_latex
from .render.markdown import render
from .render.records import render_csv, render_json
from .tables.overview import Overview, make_overview
from .tables.ranking import Table, make_board

_FILE = Path("leaderboard/README.md")


def run_leaderboard(arguments: argparse.Namespace) -> int:
    """Write the leaderboard, or with --layout a table of the paper; with --check compare it with the file.

    Raises:
        UserError: there are no results, or none that was asked for; outcomes are missing; or, with --check, the file
            is not what the results yield.
    """
    if arguments.data and (arguments.format != "html" or arguments.layout):
        raise UserError("--data goes with --format html, whose error browser shows the sentences")
    output = arguments.output or (_FILE if arguments.format == "markdown" and not arguments.layout else None)
    if arguments.check and output is None:
        raise UserError("--check compares with a file: pass --output FILE")
    if arguments.data:
        open_source(arguments.data)  # which says if it is not there
    if output and not arguments.check:
        check_place(output.parent)
    found = read_results(arguments.results)
    if not found.entries and not arguments.layout:
        raise UserError(f"{arguments.results} holds no results: run bitext-bench run --output-folder DIR first")
    entries = _chosen(found.entries, arguments) if found.entries else []
    if arguments.layout:
        say_skipped(found.skipped)
        content = lay_out(arguments, entries)
    else:
        content = _render(arguments, entries, found.skipped)
    if output is None:
        write_data(content)
    elif arguments.check:
        _check(output, content, arguments.results)
    else:
        make_folder(output.parent)
        write_whole(output, content.encode())
        say(f"wrote {output}")
    return 0


def _render(arguments: argparse.Namespace, entries: Sequence[Entry], unreadable: Sequence[tuple[Path, str]]) -> str:
    board = make_board(entries)
    skipped = sorted([*unreadable, *board.skipped])
    say_skipped(skipped)
    if not board.tables:
        raise UserError(f"no result in {arguments.results} can be shown: what is wrong with each is said above")
    overview = make_overview(board.tables, entries)
    shown = board.tables
    if arguments.sort:
        shown, overview = _sorted(shown, overview, arguments.sort)
    if arguments.format == "markdown":
        return render(shown, overview, skipped, arguments.results)
    if arguments.format == "html":
        misses = browsable(overview.models, entries, arguments.data) if arguments.data else []
        return render_page(shown, Found(list(entries), skipped), arguments.results, misses)
    if arguments.format == "latex":
        return render_latex(shown, overview)
    return {"csv": render_csv, "json": render_json}[arguments.format](shown)


def _sorted(tables: Sequence[Table], overview: Overview, column: str) -> tuple[list[Table], Overview]:
    """Return all in the order of a column, where they have it.

    Raises:
        UserError: nothing has it.
    """
    subsets = {name for table in tables for name in table.subsets}
    known = ["model", "mean", "parameters", "dimensions", "speed", *(c.key for c in overview.columns), *sorted(subsets)]
    if column not in known:
        raise UserError(f"no table has a column {column!r} to sort by: expected one of {', '.join(known)}")
    return [table.by(column) for table in tables], overview.by(column)


def _chosen(entries: Sequence[Entry], arguments: argparse.Namespace) -> list[Entry]:
    """Return what --tasks, --models and --languages leave.

    Raises:
        UserError: nothing.
    """
    if arguments.tasks:
        tasks = {task.name for task in chosen_tasks(arguments.tasks)}
        entries = [entry for entry in entries if entry.task in tasks]
    if arguments.models:
        parts = [part.casefold() for part in arguments.models]
        entries = [entry for entry in entries if any(part in entry.label.casefold() for part in parts)]
    entries = in_languages(entries, arguments.languages)
    if not entries:
        raise UserError("no result is left: see bitext-bench leaderboard without --tasks, --models and --languages")
    return entries


def _check(output: Path, content: str, root: Path) -> None:
    current = output.read_bytes() if output.is_file() else b""
    if current != content.encode():
        raise UserError(f"{output} is not what {root} yields: run bitext-bench leaderboard")
    say(f"{output} is up to date")
