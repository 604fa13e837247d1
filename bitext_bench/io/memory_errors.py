"""Recognize out-of-memory errors of Python and of libraries."""

from __future__ import annotations

import errno
import re

# From Python and numpy; PyTorch's CPU and CUDA allocators; oneDNN; C++; the loader of shared libraries; threads; an
# extension that does not report it.
_SIGNS = re.compile(
    r"allocate (static |virtual )?memory|unable to allocate|not enough memory|out of memory|bad[ _]alloc"
    r"|could not create a (primitive|memory)(?! descriptor)|failed to map segment|can't start new thread"
    r"|error return without exception set",
    re.IGNORECASE,
)
FAILS = (MemoryError, RuntimeError, OSError, ImportError, SystemError)  # exceptions that report it


def out_of_memory_message(error: BaseException | None) -> str | None:
    """Return a message for an out-of-memory error, None for any other error."""
    while error is not None:
        reason = " ".join(str(error).split())[:150]
        no_room = isinstance(error, OSError) and error.errno == errno.ENOMEM
        if isinstance(error, MemoryError) or no_room or (isinstance(error, FAILS) and _SIGNS.search(reason)):
            said = f" ({reason})" if reason else ""
            return (
                f"not enough memory{said}: finished work is kept; run the same command again with more memory, a "
                "smaller --batch-tokens or a smaller model"
            )
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None
