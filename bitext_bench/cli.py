"""The command line: parse, call, print. The only module that knows every room."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__
from .errors import UserError

# The paper's five languages; encoding all of Tatoeba and FLORES takes hours on a CPU and has to be asked for.
DEFAULT_LANGUAGES = "en,fr,ja,ko,ru"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns 0 done, 1 the user can mend it, 130 interrupted (argparse exits with 2 on usage)."""
    arguments = build_parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except UserError as error:
        print(f"bitext-bench: error: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nbitext-bench: interrupted; finished shards and results are kept, the same command goes on from there",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone: nothing is left to say, and Python must not try at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; importing nothing heavy, so that --help is immediate."""
    parser = argparse.ArgumentParser(
        prog="bitext-bench",
        description="Score sentence encoders on Tatoeba, BUCC, FLORES-200 xSIM and STS.",
    )
    parser.add_argument("--version", action="version", version=f"bitext-bench {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_run(
        commands.add_parser("run", help="score a model", description="Score a model and write one result file a task.")
    )
    _add_verify(
        commands.add_parser(
            "verify", help="derive a result again", description="Derive a result file again and say where it differs."
        )
    )
    listing = commands.add_parser("list", help="list models, tasks or languages")
    listing.add_argument("what", choices=["models", "tasks", "languages"])
    listing.set_defaults(run=_list)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_model_options(parser)
    parser.add_argument(
        "--tasks", nargs="+", metavar="TASK", help="task names, see list tasks (default: every task that --data has)"
    )
    parser.add_argument(
        "--languages",
        nargs="+",
        metavar="LANG",
        default=[DEFAULT_LANGUAGES],
        help="en, eng or eng_Latn, or all; English is always the other side of Tatoeba and BUCC (default: %(default)s)",
    )
    parser.add_argument(
        "--output-folder", type=Path, default=Path("results"), metavar="DIR", help="(default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the scores as JSON instead of a table")
    parser.set_defaults(run=_run)


def _add_model_options(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        required=required,
        metavar="NAME",
        help="a name from list models, a hub id, a model directory, package.module:factory, or a folder of .npy + .txt",
    )
    model.add_argument("--model-revision", metavar="COMMIT", help="hub revision (default: the registered one)")
    model.add_argument(
        "--prompt", metavar="TEXT", help='text before each sentence, "" for none (default: the registered one)'
    )
    model.add_argument("--pooling", choices=["mean", "cls", "last"], help="for plain transformers checkpoints")
    model.add_argument("--max-length", type=_positive, metavar="TOKENS", help="(default: the model's own)")
    model.add_argument("--dtype", choices=["fp32", "bf16", "fp16"], default="fp32", help="(default: %(default)s)")
    model.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1, mps (default: a GPU where there is one)")
    model.add_argument("--trust-remote-code", action="store_true", help="run code that comes with the model")
    model.add_argument("--allow-pickle", action="store_true", help="load weights that are not safetensors")
    data = parser.add_argument_group("data and speed")
    data.add_argument(
        "--data",
        default=None if not required else "hub",
        metavar="SOURCE",
        help="a directory of official layouts, hub, or mini (built in)" + (" (default: hub)" if required else ""),
    )
    data.add_argument(
        "--cache-folder",
        type=Path,
        metavar="DIR",
        help="embedding store (default: $BITEXT_BENCH_CACHE, else ~/.cache/bitext-bench)",
    )
    data.add_argument(
        "--batch-tokens", type=_positive, metavar="N", help="tokens in a batch (default: 1024; more on a GPU)"
    )
    data.add_argument("--batch-size", type=_positive, metavar="N", help="most sentences in a batch (default: no limit)")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a positive number")
    return value


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a result file that bitext-bench run wrote")
    _add_model_options(parser, required=False)
    parser.set_defaults(run=_verify)


def _run(arguments: argparse.Namespace) -> int:
    from .commands import run

    return run(arguments)


def _verify(arguments: argparse.Namespace) -> int:
    from .commands import verify

    return verify(arguments)


def _list(arguments: argparse.Namespace) -> int:
    from .listing import render_list

    print(render_list(arguments.what))
    return 0
