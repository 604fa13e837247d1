"""The exception for mistakes that the user can correct, and parts of its messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class UserError(ValueError):
    """An error that the user can correct. The message gives the input, the expected input and the next step.

    The command line prints the message in one line, without a traceback, and exits with 1.
    """


class DamagedResult(UserError):
    """A result file, or its outcome file, changed after it was written."""


def install_hint(extra: str) -> str:
    """Say how to install an extra, for the end of an error message.

    >>> install_hint("train")
    'install the extra train (in a clone: pip install ".[train]")'
    """
    return f'install the extra {extra} (in a clone: pip install ".[{extra}]")'


def count_of(n: int, noun: str) -> str:
    """Return a number with its noun, for a message.

    >>> count_of(1, "row"), count_of(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def list_some(names: Sequence[object], most: int) -> str:
    """Return the first names, and the number of the others, for a message.

    >>> list_some(["de", "fr", "ja", "ko"], 2)
    'de, fr and 2 more'
    """
    others = len(names) - most
    return ", ".join(map(str, names[:most])) + (f" and {others:,} more" if others > 0 else "")


def unknown_name_error(kind: str, given: str, known: Iterable[str], where: str | None = None) -> UserError:
    """Build the error for an unknown name, with up to three suggestions and the place to find all names.

    `where` completes the message; None means the list of the command line.

    >>> str(unknown_name_error("task", "Tatoba", ["Tatoeba", "BUCC"]))
    "unknown task 'Tatoba': did you mean Tatoeba? (all of them: bitext-bench list tasks)"
    >>> str(unknown_name_error("loss", "embeding-mse", ["embedding-mse"], "one of: embedding-mse"))
    "unknown loss 'embeding-mse': did you mean embedding-mse? (one of: embedding-mse)"
    """
    by_lower_case = {name.casefold(): name for name in known}
    spelled = given.strip().casefold()
    # Names with the given text count too, however long they are. Those that start with it come first, the shortest
    # before the others: for STSB, STSBenchmark not STS12.
    parts = sorted((name for name in by_lower_case if len(spelled) > 2 and spelled in name), key=len)
    begun = [name for name in parts if name.startswith(spelled)]
    near = [*begun, *get_close_matches(spelled, by_lower_case), *parts]
    names = ", ".join(by_lower_case[name] for name in list(dict.fromkeys(near))[:3])
    hint = f": did you mean {names}?" if names else ""
    return UserError(f"unknown {kind} {given!r}{hint} ({where or f'all of them: bitext-bench list {kind}s'})")
