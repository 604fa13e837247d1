"""Print messages on stderr and results on stdout; messages never control the terminal."""

from __future__ import annotations

import logging
import sys
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TERMINAL = Path("-")  # as the file of --output
_JOINERS = "\u200c\u200d"  # used in Persian and in Indic scripts


def printable(text: str) -> str:
    r"""Return text from a file or a name as one line that cannot control a terminal.

    Control characters, line ends and marks that change the writing direction are escaped as in `repr`.

    >>> printable("a\x1b[31m\n")
    'a\\x1b[31m\\n'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def show_controls(text: str) -> str:
    """Escape control characters, line ends and direction marks in a sentence; keep spaces."""
    return "".join(c if c in _JOINERS or unicodedata.category(c) == "Zs" else printable(c) for c in text)


def say(message: str) -> None:
    """Print one line on stderr."""
    print(f"bitext-bench: {printable(message)}", file=sys.stderr)


def write_data(text: str) -> None:
    """Write the content of a file to stdout, as UTF-8 in any locale, so that no character is lost."""
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:  # a replaced stdout that accepts only text
        sys.stdout.write(text)
        return
    binary.write(text.encode())
    binary.flush()


@contextmanager
def quiet_logger(name: str) -> Iterator[None]:
    """Suppress what a library logs below errors."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def quiet_mteb() -> Iterator[None]:
    """Suppress mteb's advice: prompts that it replaces, superseded tasks (which we use on purpose), old loaders."""
    with quiet_logger("mteb"), warnings.catch_warnings(action="ignore"):
        yield
