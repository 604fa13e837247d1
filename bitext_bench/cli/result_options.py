"""Options of the commands that read result files: leaderboard, compare, import-mteb, export-mteb."""

from __future__ import annotations

import argparse
from pathlib import Path

_LANGUAGES = (
    "languages to show, as --languages of run; English is always the other side of Tatoeba and BUCC (default: all)"
)


def add_leaderboard(parser: argparse.ArgumentParser) -> None:
    """Add all options of leaderboard."""
    shown = parser.add_argument_group("results")
    _add_results(shown)
    shown.add_argument("--tasks", nargs="+", metavar="TASK", help="tasks to show (default: all)")
    shown.add_argument("--languages", nargs="+", metavar="LANG", help=_LANGUAGES)
    shown.add_argument(
        "--models",
        nargs="+",
        metavar="NAME",
        help="models to show, measured or published, by name or part of a name (default: all that are measured, the "
        "usual baselines and the best published model of each size)",
    )
    shown.add_argument(
        "--include",
        nargs="+",
        choices=["experiments"],
        default=[],
        help="show the results in the directory experiments/ of --results, too",
    )
    form = parser.add_argument_group("output")
    form.add_argument(
        "--format",
        choices=["markdown", "html", "latex", "csv", "json", "svg", "png"],
        default="markdown",
        help="format of the leaderboard; svg and png are the main chart of the HTML page (default: %(default)s)",
    )
    form.add_argument(
        "--paper-table",
        type=int,
        choices=range(1, 7),
        metavar="N",
        help="render table N of Park et al. 2024 (1 to 6), with the measured rows that belong to it, instead of the "
        "leaderboard",
    )
    form.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="file to write, - for the terminal; its directory is created (default: leaderboard/README.md for the "
        "leaderboard in markdown, otherwise the terminal)",
    )
    form.add_argument("--check", action="store_true", help="write nothing, and fail if the file is out of date")
    form.add_argument(
        "--sort",
        metavar="COLUMN",
        help="column to order rows by, like model, mean, jpn-eng, tatoeba or speed (default: rank)",
    )
    form.add_argument(
        "--data",
        metavar="SOURCE",
        help="with --format html: the data of the results, as --data of run, to show the sentences that models get "
        "wrong",
    )


def add_compare(parser: argparse.ArgumentParser) -> None:
    """Add all options of compare."""
    shown = parser.add_argument_group("results")
    shown.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="two or more models (with --errors one or two): names or parts of names in --results, or directories "
        "below it; a part that matches several seeds of one training selects all of them; other names, like labse, "
        "select published scores, which give intervals that are not paired",
    )
    _add_results(shown)
    shown.add_argument(
        "--tasks", nargs="+", metavar="TASK", help="tasks to compare on (default: all that two of the models have)"
    )
    shown.add_argument("--languages", nargs="+", metavar="LANG", help=_LANGUAGES)
    errors = parser.add_argument_group("sentences")
    errors.add_argument(
        "--errors",
        action="store_true",
        help="list sentences instead of scores: with two models those that only one gets right, with one model those "
        "that it gets wrong",
    )
    errors.add_argument(
        "--data", metavar="SOURCE", help="with --errors: the data of the results, as --data of run (default: hub)"
    )
    errors.add_argument(
        "--format", choices=["table", "tsv", "html"], help="with --errors: format of the list (default: table)"
    )
    errors.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="with --errors: file to write, - for the terminal (the default); its directory is created",
    )


def add_import_mteb(parser: argparse.ArgumentParser) -> None:
    """Add all options of import-mteb."""
    files = parser.add_argument_group("files")
    files.add_argument("path", type=Path, metavar="PATH", help="result file of mteb, or a directory of them")
    _add_results(files)


def add_export_mteb(parser: argparse.ArgumentParser) -> None:
    """Add all options of export-mteb."""
    files = parser.add_argument_group("files")
    files.add_argument(
        "path",
        type=Path,
        nargs="?",
        metavar="PATH",
        default=Path("results"),
        help="result file, or a directory of them (default: %(default)s)",
    )
    files.add_argument(
        "--output",
        type=Path,
        default=Path("mteb-results"),
        metavar="DIR",
        help="directory for mteb's result files, which mteb.ResultCache reads (default: %(default)s)",
    )


def _add_results(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--results",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="directory of the result files (default: %(default)s)",
    )
