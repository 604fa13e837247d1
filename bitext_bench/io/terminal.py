"""What is printed: messages on stderr and results on stdout, neither of which may control the terminal."""

from __future__ import annotations

import sys


def printable(text: str) -> str:
    r"""Return text on one line that cannot control a terminal, for whatever comes from files and names.

    Control characters, line ends and marks that change the direction of writing become escapes, as in `repr`.

    >>> printable("a\x1b[31m\n")
    'a\\x1b[31m\\n'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def say(message: str) -> None:
    """Print one line on stderr."""
    print(f"bitext-bench: {printable(message)}", file=sys.stderr)


def write_data(text: str) -> None:
    """Write a file's content to stdout: UTF-8 whatever the locale is, so that no character can be missing from it."""
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:  # a stand-in for stdout that takes text alone
        sys.stdout.write(text)
        return
    binary.write(text.encode())
    binary.flush()
