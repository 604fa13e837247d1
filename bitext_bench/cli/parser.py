"""The commands of `bitext-bench` and their options. Imports nothing slow, so that --help is fast."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from .. import __version__
from ..languages import DEFAULT_LANGUAGES
from .mine_options import add_mine
from .options import HelpFormatter, add_data, add_encoding_group, add_model_group
from .result_options import add_compare, add_export_mteb, add_import_mteb, add_leaderboard
from .train_options import add_train


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="bitext-bench",
        description="Evaluate and train multilingual sentence embeddings, and mine parallel sentences.",
        epilog="'bitext-bench COMMAND --help' lists the options of a command.",
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"bitext-bench {__version__}", help="show the version and exit"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (add_options, summary) in _COMMANDS.items():
        description = f"{summary[:1].upper()}{summary[1:]}."
        command = commands.add_parser(name, help=summary, description=description, formatter_class=HelpFormatter)
        command.set_defaults(command=name.replace("-", "_"))
        add_options(command)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    add_model_group(parser, required=True)
    what = parser.add_argument_group("benchmarks")
    add_data(what)
    what.add_argument(
        "--tasks",
        nargs="+",
        metavar="TASK",
        help="tasks to score on, see 'bitext-bench list tasks' (default: all tasks in --data)",
    )
    what.add_argument(
        "--languages",
        nargs="+",
        metavar="LANG",
        help="languages to score, like en, eng or eng_Latn, or all; English is always the other side of Tatoeba and "
        f"BUCC (default: {DEFAULT_LANGUAGES})",
    )
    out = parser.add_argument_group("output")
    out.add_argument(
        "--output",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="directory for the result files (default: %(default)s)",
    )
    out.add_argument("--json", action="store_true", help="print the scores as JSON instead of a table")
    encoding = add_encoding_group(parser)
    encoding.add_argument("--shard", metavar="i/N", help="encode the i-th of N shares without scoring; for job arrays")
    encoding.add_argument(
        "--engine",
        choices=["inline", "ray"],
        default="inline",
        help="encode in this process or on a Ray cluster (default: %(default)s)",
    )


def _add_verify(parser: argparse.ArgumentParser) -> None:
    files = parser.add_argument_group("files")
    files.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="result files of 'bitext-bench run', or directories of them"
    )
    add_data(files, default=None, note="(default: hub or mini, if a result was made with it)")
    add_model_group(parser, required=False, settings=False)
    add_encoding_group(parser)


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["models", "tasks", "languages"], help="what to list")


_COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], str]] = {
    "run": (_add_run, "score a model on benchmarks and write result files"),
    "verify": (_add_verify, "compute results again and report differences from their files"),
    "compare": (add_compare, "compare models on the same sentences, with exact tests"),
    "leaderboard": (add_leaderboard, "render result files as Markdown, HTML, LaTeX, CSV or JSON"),
    "train": (add_train, "train a multilingual encoder on parallel sentences"),
    "mine": (add_mine, "find translations between two files of sentences"),
    "import-mteb": (add_import_mteb, "import result files of mteb as reported scores"),
    "export-mteb": (add_export_mteb, "write result files in the format of mteb"),
    "list": (_add_list, "list models, tasks or languages"),
}
