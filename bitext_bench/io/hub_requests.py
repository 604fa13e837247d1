"""Limits on the requests of the hub's client: how long each one waits, and how often it is repeated."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from .terminal import quiet_logger

_ATTEMPTS = 2  # The client itself sends a request six times if there is no answer.


@contextmanager
def limit_requests(longest: float | None = None) -> Iterator[None]:
    """Limit how long each request waits for an answer, and send it twice at most if there is none.

    The client's own limit is a minute or none, and it tries six times. After a request without an answer all others
    fail too: otherwise each file of a repository would wait. Requests with an answer, such as 500 or 429, are repeated
    as usual.

    Args:
        longest: In seconds; None for the client's limit for downloads, 10 s unless the user changed it.

    Raises:
        TimeoutError: There was no answer to a request.
    """
    from huggingface_hub import constants, get_session

    limit = _Limit(longest or max(constants.HF_HUB_ETAG_TIMEOUT, constants.HF_HUB_DOWNLOAD_TIMEOUT))
    session = get_session()
    before = session.event_hooks
    session.event_hooks = {**before, "request": [*before["request"], limit.check]}
    try:
        yield
    finally:
        session.event_hooks = before


@contextmanager
def quiet_client() -> Iterator[None]:
    """Suppress the client's messages on each failed request, and its progress bars if stderr is not a terminal.

    The error that the client raises at the end is the user's message.
    """
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars

    shown = sys.stderr.isatty() or are_progress_bars_disabled()
    with quiet_logger("huggingface_hub"), nullcontext() if shown else disable_progress_bars():
        yield


@contextmanager
def use_cache_only() -> Iterator[None]:
    """Let the hub's client and the libraries on it use the local cache, without any request."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


class _Limit:
    """Called by the client's HTTP library before each request, in several threads."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._timeouts = Counter[str]()
        self._has_given_up = False

    def check(self, request: Any) -> None:  # noqa: ANN401 (the HTTP library is not a dependency of this project)
        """Set the limit of a request.

        Raises:
            TimeoutError: There was no answer to this request before, or to another one.
        """
        what = f"{request.method} {request.url}"
        if self._has_given_up or self._timeouts[what] >= _ATTEMPTS:
            self._has_given_up = True
            raise TimeoutError(f"no answer to {what}")

        def trace(event: str, details: dict[str, Any]) -> None:
            if event.endswith(".failed") and "Timeout" in type(details["exception"]).__name__:
                self._timeouts[what] += 1

        given, most = request.extensions.get("timeout", {}), self._longest
        waits = {step: min(given.get(step) or most, most) for step in ("connect", "read", "write", "pool")}
        request.extensions.update(timeout=waits, trace=trace)
