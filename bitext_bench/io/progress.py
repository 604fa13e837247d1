"""Progress bars on stderr: tqdm's on a terminal, one line per minute in a file or a pipe."""

from __future__ import annotations

import sys
import time
from typing import Any, Never

from tqdm import tqdm

_SECONDS = 60.0  # between lines


def progress_bar(**settings: Any) -> tqdm[Never]:
    """Return a progress bar; the settings are tqdm's."""
    return tqdm(**settings) if sys.stderr.isatty() else _LineBar(**settings)


class _LineBar(tqdm):  # type: ignore[type-arg]
    """A bar that prints at most one line per minute, and one at the end."""

    def __init__(self, **settings: Any) -> None:
        self._next_line = time.monotonic() + _SECONDS
        self._ending = False
        super().__init__(**settings, ascii=True, dynamic_ncols=False, ncols=100)

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Print the bar, if a minute has passed."""
        if self._ending:
            self.fp.write(str(self))  # close() ends the line
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _SECONDS
            self.fp.write(f"{self}\n")
            self.fp.flush()

    def close(self) -> None:
        """Print the last line."""
        self._ending = True
        super().close()
