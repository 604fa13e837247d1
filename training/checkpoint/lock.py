"""A lock: one run at a time trains into a directory."""

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
    """Lock a directory, which need not exist, with a lock file next to it. The lock of a killed process is released.

    Raises:
        UserError: another process has the lock (with its id, machine and start time), or the file cannot be written.
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
        if not file.exists():  # The previous holder has just ended and removed the file.
            lock.release()
            lock.acquire(timeout=0)
    except Timeout as error:
        if not file.exists():  # filelock also raises Timeout if it cannot create the file.
            raise UserError(f"cannot write in {output.parent}: pass another --output") from error
        raise UserError(
            f"{output} is in use by another training run{_describe_holder(holder)}: wait for its end, stop it, or "
            "pass another --output"
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
            with suppress(OSError):  # raised unless it is empty
                output.parent.rmdir()


def _this_process() -> dict[str, str | int]:
    now = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return {"process": STATUS.process, "machine": socket.gethostname(), "since": now}


def _describe_holder(holder: Path) -> str:
    """Describe the holder of a lock; return "" if it has not written its description yet."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(holder.read_text(encoding="utf-8"))
        return f" (process {said['process']} on {said['machine']}, since {said['since']})"
    return ""
