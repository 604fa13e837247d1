"""Entry point of the command line: parse the arguments and run the command. The only module that uses all packages."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from ..errors import UserError
from ..io.interrupts import MESSAGE, STATUS, Interrupted, Interruptible
from ..io.memory_errors import FAILS, out_of_memory_message
from ..io.temporary import remove_unfinished
from ..io.terminal import TERMINAL, say
from .parser import build_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Return 0 for success, 1 for a user error, 130 for Ctrl-C, 143 for SIGTERM (usage: 2)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for characters that the locale cannot encode
    try:
        code = _command(argv)
    except SystemExit as ended:  # from argparse, after --help or a usage error
        if _flush_stdout():
            raise
        raise SystemExit(1) from ended
    return code if _flush_stdout() else 1


def _flush_stdout() -> bool:
    """Flush stdout. Return False on an error, but True if the reader (head, less) has closed the pipe."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError):  # so that Python does not try again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            say(f"error: cannot write to stdout: {error.strerror}")
            return False
    return True


def _command(argv: Sequence[str] | None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    arguments = build_parser(argv).parse_args(argv)
    try:
        with Interruptible():
            return COMMANDS[arguments.command](arguments)
    except BrokenPipeError:
        return 0
    except (UserError, *FAILS) as error:
        message = _message(error)
        if message is None:
            raise
        if not isinstance(error, OSError) or _flush_stdout():
            say(f"error: {message}")
        return 1
    except Interrupted as interrupted:
        remove_unfinished()
        print(f"\n{MESSAGE}", file=sys.stderr)
        STATUS.reported = True
        return interrupted.exit_code


def _message(error: BaseException) -> str | None:
    """Return the one-line message of an error; None if the user did not cause it."""
    if lack := out_of_memory_message(error):
        return lack
    if isinstance(error, OSError):  # not handled by the command, such as a file name that is too long
        return f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}"
    return " ".join(str(error).splitlines()) if isinstance(error, UserError) else None


def _run(arguments: argparse.Namespace) -> int:
    from .run import run

    return run(arguments)


def _verify(arguments: argparse.Namespace) -> int:
    from .verify import verify

    return verify(arguments)


def _mine(arguments: argparse.Namespace) -> int:
    from .mine import mine

    return mine(arguments)


def _train(arguments: argparse.Namespace) -> int:
    if arguments.list_recipes:
        from training.recipe import describe_recipes

        print("\n".join(f"{name:32} {description}" for name, description in describe_recipes().items()))
        return 0
    from .train import train

    return train(arguments)


def _leaderboard(arguments: argparse.Namespace) -> int:
    from leaderboard.command import View, run_leaderboard

    view = View(
        form=arguments.format,
        paper_table=arguments.paper_table,
        tasks=arguments.tasks,
        models=arguments.models,
        languages=arguments.languages,
        sort=arguments.sort,
        data=arguments.data,
        include=arguments.include,
    )
    return run_leaderboard(arguments.results, view, arguments.output, check=arguments.check)


def _import_mteb(arguments: argparse.Namespace) -> int:
    from leaderboard.published.import_mteb import run_import

    return run_import(arguments.path, arguments.results)


def _export_mteb(arguments: argparse.Namespace) -> int:
    from ..results.mteb_export import run_export

    return run_export(arguments.path, arguments.output)


def _compare(arguments: argparse.Namespace) -> int:
    if arguments.errors:
        from leaderboard.errors.command import run_errors, single_models

        from ..embedding.store import check_writable

        output = None if arguments.output == TERMINAL else arguments.output
        if output:
            check_writable(output.parent)
        models = single_models(arguments.results, arguments.models, arguments.languages)
        return run_errors(models, arguments.tasks, arguments.data or "hub", arguments.format or "table", output)
    if arguments.data or arguments.format or arguments.output:
        raise UserError("--data, --format and --output go with --errors")
    if len(arguments.models) < 2:
        raise UserError(f"compare has one model, {arguments.models[0]}: pass two or more, or --errors")
    from leaderboard.compare import run_compare

    return run_compare(arguments.results, arguments.models, arguments.tasks, arguments.languages)


def _list(arguments: argparse.Namespace) -> int:
    from .listing import render_list, render_mteb, render_mteb_tasks

    words, languages, size = arguments.mteb, arguments.languages, arguments.max_size
    if words is None and (languages or size):
        raise UserError("--languages and --max-size search mteb's registries: add --mteb")
    if size and arguments.what != "models":
        raise UserError("--max-size is the number of parameters of a model: write list models --mteb")
    if words is None:
        print(render_list(arguments.what))
    elif arguments.what == "models":
        print(render_mteb(words, languages, size))
    elif arguments.what == "tasks":
        print(render_mteb_tasks(words, languages))
    else:
        raise UserError("--mteb goes with list models and list tasks")
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
