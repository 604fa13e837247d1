"""The one exception that is meant for the person at the keyboard."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """Something the user can mend: what was given, what was expected, what to do next.

    The command line prints the message in one line, without a traceback, and exits with 1.
    """


class DamagedResult(UserError):
    """A result file, or its outcomes, that is not what was written."""


def unknown_name_error(kind: str, given: str, known: Iterable[str]) -> UserError:
    """Build the error for a name that is not in a list, with its near misses.

    >>> str(unknown_name_error("task", "Tatoba", ["Tatoeba", "BUCC"]))
    "unknown task 'Tatoba': did you mean Tatoeba? (all of them: bitext-bench list tasks)"
    """
    by_lower_case = {name.casefold(): name for name in known}
    spelled = given.strip().casefold()
    # What the name begins comes first, the shortest before others: STSB is STSBenchmark rather than STS12.
    begun = sorted((name for name in by_lower_case if len(spelled) > 2 and name.startswith(spelled)), key=len)
    near = [*begun, *get_close_matches(given.casefold(), by_lower_case, n=3, cutoff=0.5)]
    names = ", ".join(by_lower_case[name] for name in list(dict.fromkeys(near))[:3])
    hint = f": did you mean {names}?" if names else ""
    return UserError(f"unknown {kind} {given!r}{hint} (all of them: bitext-bench list {kind}s)")
