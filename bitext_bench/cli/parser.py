"""The commands of `bitext-bench` and their options. Imports nothing slow, so that --help is fast."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from .. import __version__
from ..languages import DEFAULT_LANGUAGES
from .options import HelpFormatter, add_data, add_encoding_group, add_model_group, add_own_data


def build_parser(argv: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """Build the parser of all commands; only those in `argv` get their options, and None means all."""
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
    for name, (module, summary) in _COMMANDS.items():
        description = f"{summary[:1].upper()}{summary[1:]}."
        command = commands.add_parser(name, help=summary, description=description, formatter_class=HelpFormatter)
        key = name.replace("-", "_")
        command.set_defaults(command=key)
        if argv is None or name in argv:
            getattr(import_module(f".{module}", __package__), f"add_{key}")(command)
    return parser


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add all options of run."""
    add_model_group(parser, required=True)
    what = parser.add_argument_group("benchmarks")
    add_data(what)
    add_own_data(what)
    what.add_argument(
        "--tasks",
        nargs="+",
        metavar="TASK",
        help="tasks to score on, see 'bitext-bench list tasks' and 'bitext-bench list tasks --mteb' (default: all "
        "tasks of the first list that --data has; with --bitext or --sts only your own data)",
    )
    what.add_argument(
        "--languages",
        nargs="+",
        metavar="LANG",
        help="languages to score, like en, eng or eng_Latn, or all; English is always the other side of Tatoeba and "
        f"BUCC; for your own data, in the order of the columns or files (default: {DEFAULT_LANGUAGES})",
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


def add_verify(parser: argparse.ArgumentParser) -> None:
    """Add all options of verify."""
    files = parser.add_argument_group("files")
    files.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="result files of 'bitext-bench run', or directories of them"
    )
    add_data(files, default=None, note="(default: mini for results on the built-in set, otherwise hub)")
    add_own_data(files)
    add_model_group(parser, required=False, settings=False)
    add_encoding_group(parser)


def add_list(parser: argparse.ArgumentParser) -> None:
    """Add all options of list."""
    parser.add_argument("what", choices=["models", "tasks", "languages"], help="what to list")
    search = parser.add_argument_group("search mteb's registries")
    search.add_argument(
        "--mteb",
        nargs="*",
        metavar="WORD",
        help="search mteb's registry; WORDs must all occur in the id, loader or license of a model, or in the name, "
        "description or data set of a task",
    )
    search.add_argument(
        "--languages", nargs="+", metavar="LANG", help="only models or tasks that have all these languages"
    )
    search.add_argument("--max-size", metavar="N", help="largest number of parameters of a model: 600M, 1.5B")


# Each command: the module with its options, and a summary.
_COMMANDS = {
    "run": ("parser", "score a model on benchmarks and write result files"),
    "verify": ("parser", "compute results again and report differences from their files"),
    "compare": ("result_options", "compare models on the same sentences, with significance tests"),
    "leaderboard": ("result_options", "render result files as Markdown, HTML, LaTeX, CSV, JSON, SVG or PNG"),
    "train": ("train_options", "train a multilingual encoder on parallel sentences"),
    "mine": ("mine_options", "find translations between two files of sentences"),
    "import-mteb": ("result_options", "import result files of mteb as published scores"),
    "export-mteb": ("result_options", "write result files in the format of mteb"),
    "list": ("parser", "list models, tasks or languages"),
}
