"""`bitext-bench leaderboard`: from a results folder to a file, or whether the file is still what the folder yields."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bitext_bench.errors import UserError
from bitext_bench.languages import resolve
from bitext_bench.results import mteb_language
from bitext_bench.store import write_whole

from .board import tables
from .flat import render_csv, render_json
from .markdown import render
from .page.render import render_page
from .read import Entry, Found, read_results

_FILE = Path("leaderboard/README.md")


def run_leaderboard(arguments: argparse.Namespace) -> int:
    """Write the leaderboard, or with --check compare it with the file.

    Raises:
        UserError: there are no results, or none that was asked for; outcomes are missing; or, with --check, the file
            is not what the results yield.
    """
    if arguments.check and arguments.format != "markdown" and arguments.output is None:
        raise UserError("--check compares with a file: pass --output FILE")
    found = read_results(arguments.results)
    if not found.entries:
        raise UserError(f"{arguments.results} holds no results: run bitext-bench run --output-folder DIR first")
    for file, reason in found.skipped:
        print(f"bitext-bench: left out: {file}: {reason}", file=sys.stderr)
    found = replace(found, entries=_chosen(found.entries, arguments))
    content = _render(arguments.format, found, arguments.results)
    output = arguments.output or (_FILE if arguments.format == "markdown" else None)
    if output is None:
        print(content, end="")
    elif arguments.check:
        _check(output, content, arguments.results)
    else:
        write_whole(output, content.encode())
        print(f"bitext-bench: wrote {output}", file=sys.stderr)
    return 0


def _render(form: str, found: Found, root: Path) -> str:
    shown = tables(found.entries)
    if form == "markdown":
        return render(shown, found, root)
    if form == "html":
        return render_page(shown, found, root)
    return {"csv": render_csv, "json": render_json}[form](shown)


def _chosen(entries: Sequence[Entry], arguments: argparse.Namespace) -> list[Entry]:
    """Return what --tasks, --models and --languages leave.

    Raises:
        UserError: nothing.
    """
    if arguments.tasks:
        entries = [entry for entry in entries if entry.task in arguments.tasks]
    if arguments.models:
        parts = [part.casefold() for part in arguments.models]
        entries = [entry for entry in entries if any(part in entry.label.casefold() for part in parts)]
    if arguments.languages:
        words = [word for text in arguments.languages for word in text.split(",") if word]
        codes = frozenset(mteb_language(resolve(word)) for word in words)
        entries = [kept for entry in entries if (kept := replace(entry, languages=codes)).subsets]
    if not entries:
        raise UserError("no result is left: see bitext-bench leaderboard without --tasks, --models and --languages")
    return list(entries)


def _check(output: Path, content: str, root: Path) -> None:
    current = output.read_bytes() if output.is_file() else b""
    if current != content.encode():
        raise UserError(f"{output} is not what {root} yields: run bitext-bench leaderboard")
    print(f"bitext-bench: {output} is up to date", file=sys.stderr)
