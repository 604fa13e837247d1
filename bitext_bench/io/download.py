"""Download a file by HTTP, atomically."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ..errors import UserError
from .interrupts import delay_signals
from .progress import progress_bar
from .temporary import remove_stale, temporary_file

_TIMEOUT = 20.0  # seconds without an answer or without a byte
_BLOCK = 1 << 20


class NotDownloaded(UserError):
    """The server does not deliver a file, or delivers only a part of it."""


def download(address: str, file: Path) -> None:
    """Download a file; it gets its name only when it is complete. The folder is created, and progress is on stderr.

    Raises:
        NotDownloaded: The server cannot be reached, does not have the file, or ends the connection early.
        UserError: The file cannot be written. In both cases nothing is left behind.
    """
    with _write_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(file.parent)
    with _open(address) as answer, _write_errors(file), temporary_file(file) as temporary:
        with temporary.open("wb") as stream:
            for block in _blocks(answer, address, file.name):
                stream.write(block)
            stream.flush()
            os.fsync(stream.fileno())
        with delay_signals():
            temporary.replace(file)


def _open(address: str) -> HTTPResponse:
    with _server_errors(address):
        answer = urlopen(Request(address, headers={"User-Agent": "bitext-bench"}), timeout=_TIMEOUT)
    if not isinstance(answer, HTTPResponse):
        raise NotDownloaded(f"cannot download {address}: expected an http or https address")
    return answer


def _blocks(answer: HTTPResponse, address: str, name: str) -> Iterator[bytes]:
    """Yield the content of an answer.

    Raises:
        NotDownloaded: The content is shorter than announced, or its length is unknown.
    """
    total = answer.length
    if total is None and not answer.chunked:
        raise NotDownloaded(f"cannot download {address}: the server does not give the length of the file")
    received = 0
    with progress_bar(total=total, unit="B", unit_scale=True, desc=f"downloading {name}") as bar:
        while block := _read(answer, address):
            received += len(block)
            bar.update(len(block))
            yield block
    if total is not None and received < total:
        raise NotDownloaded(
            f"cannot download {address}: the connection broke off after {received:,} of {total:,} bytes"
        )


def _read(answer: HTTPResponse, address: str) -> bytes:
    with _server_errors(address):
        return answer.read(_BLOCK)


@contextmanager
def _server_errors(address: str) -> Iterator[None]:
    """Raise NotDownloaded for an error of the connection or the server."""
    try:
        yield
    except HTTPError as error:
        error.close()
        raise NotDownloaded(f"cannot download {address}: the server answered {error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, URLError) else error
        text = getattr(cause, "strerror", None) or str(cause)
        reason = "no answer in time" if isinstance(cause, TimeoutError) else " ".join(text.split())
        raise NotDownloaded(f"cannot download {address}: {reason or type(error).__name__}") from error


@contextmanager
def _write_errors(file: Path) -> Iterator[None]:
    """Raise a UserError for a file that cannot be written."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror or error}") from error
