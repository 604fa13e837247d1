"""One run at a time trains into a folder."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from bitext_bench.embedding.store import make_folder
from bitext_bench.errors import UserError
from bitext_bench.io.status import STATUS
from bitext_bench.io.temporary import remove_at_end


@contextmanager
def lock_folder(output: Path) -> Iterator[None]:
    """Hold a folder, which need not exist, by a locked file beside it; a killed process holds nothing.

    Raises:
        UserError: another process holds it (with its number, machine and time of start), or there is no place for it.
    """
    from filelock import FileLock, Timeout

    output = Path(os.path.abspath(output.expanduser()))
    had_parent = output.parent.exists()
    make_folder(output.parent)
    file = output.with_name(f".{output.name}.lock")
    holder = output.with_name(f".{output.name}.holder")
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
        if not file.exists():  # The process that held it has just ended, and removed it.
            lock.release()
            lock.acquire(timeout=0)
    except Timeout as error:
        if not file.exists():  # Also what filelock raises where the file cannot be made.
            raise UserError(f"cannot write in {output.parent}: pass another --output") from error
        raise UserError(
            f"{output} is in use by another training{_describe_holder(holder)}: wait for its end, stop it, or pass "
            "another --output"
        ) from error
    except OSError as error:
        raise UserError(f"cannot write in {output.parent}: {error.strerror}") from error
    try:
        with remove_at_end(file), remove_at_end(holder):
            holder.write_text(json.dumps(_this_process()) + "\n", encoding="utf-8")
            yield
    finally:
        lock.release()
        if not had_parent:
            with suppress(OSError):  # It is not empty, as is usual.
                output.parent.rmdir()


def _this_process() -> dict[str, str | int]:
    now = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return {"process": STATUS.process, "machine": socket.gethostname(), "since": now}


def _describe_holder(holder: Path) -> str:
    """Return what a holder says of itself; "" where it has not yet."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(holder.read_text(encoding="utf-8"))
        return f" (process {said['process']} on {said['machine']}, since {said['since']})"
    return ""
