"""The command line: parse, call, print. The only module that knows every room."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from .errors import UserError
from .interrupts import MESSAGE, Interrupted, Interruptible
from .parser import build_parser
from .status import STATUS
from .temporary import remove_unfinished
from .terminal import say


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns 0 done, 1 the user can mend it, 130 Ctrl-C, 143 SIGTERM (argparse exits with 2)."""
    arguments = build_parser().parse_args(argv)
    try:
        with Interruptible():
            return COMMANDS[arguments.command](arguments)
    except UserError as error:
        say(f"error: {' '.join(str(error).splitlines())}")
        return 1
    except Interrupted as interrupted:
        remove_unfinished()
        print(f"\n{MESSAGE}", file=sys.stderr)
        STATUS.said = True
        return interrupted.exit_code
    except BrokenPipeError:
        # The reader (head, less) has gone: nothing is left to say, and Python must not try at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(arguments: argparse.Namespace) -> int:
    from .commands import run

    return run(arguments)


def _verify(arguments: argparse.Namespace) -> int:
    from .verify_command import verify

    return verify(arguments)


def _mine(arguments: argparse.Namespace) -> int:
    from .commands import model_options
    from .mine.command import run_mine

    return run_mine(arguments, model_options(arguments))


def _train(arguments: argparse.Namespace) -> int:
    if arguments.list_recipes:
        from training.recipe import describe_recipes

        print("\n".join(f"{name:32} {description}" for name, description in describe_recipes().items()))
        return 0
    if arguments.data is None:
        raise UserError("no training data: pass --data with a directory that holds <corpus>/en-ja.tsv or the like")
    from training.command import run_training

    return run_training(arguments)


def _leaderboard(arguments: argparse.Namespace) -> int:
    from leaderboard.command import run_leaderboard

    return run_leaderboard(arguments)


def _import_mteb(arguments: argparse.Namespace) -> int:
    from leaderboard.import_mteb import run_import

    return run_import(arguments)


def _export_mteb(arguments: argparse.Namespace) -> int:
    from .mteb_export import run_export

    return run_export(arguments)


def _compare(arguments: argparse.Namespace) -> int:
    if arguments.errors:
        from leaderboard.misses.command import run_errors

        return run_errors(arguments)
    if arguments.data or arguments.format or arguments.output:
        raise UserError("--data, --format and --output go with --errors")
    if len(arguments.models) < 2:
        raise UserError(f"compare {arguments.models[0]} with what? expected two models or more")
    from leaderboard.compare import run_compare

    return run_compare(arguments)


def _list(arguments: argparse.Namespace) -> int:
    from .listing import render_list

    print(render_list(arguments.what))
    return 0


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "verify": _verify,
    "train": _train,
    "leaderboard": _leaderboard,
    "import_mteb": _import_mteb,
    "export_mteb": _export_mteb,
    "compare": _compare,
    "mine": _mine,
    "list": _list,
}
