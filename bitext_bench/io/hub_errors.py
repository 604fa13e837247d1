"""Errors of the hub's client, explained with a reason and advice."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..errors import UserError


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository on the hub.

    Attributes:
        name: The id, "org/name".
        kind: "model" or "dataset".
        revision: A commit, branch or tag; None for the main branch.
    """

    name: str
    kind: Literal["model", "dataset"] = "model"
    revision: str | None = None

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit, whose files never change."""
        return self.revision is not None and re.fullmatch(r"[0-9a-f]{40}", self.revision) is not None

    @property
    def download_command(self) -> str:
        """The command that downloads the same files into the cache."""
        kind = " --repo-type dataset" if self.kind == "dataset" else ""
        revision = f" --revision {self.revision}" if self.revision else ""
        return f"hf download {self.name}{kind}{revision}"

    def __str__(self) -> str:
        """Return the name for messages."""
        return f"the {self.kind} {self.name}" + (f" at revision {self.revision}" if self.revision else "")


class NotFetched(UserError):
    """The hub does not deliver a repository.

    Attributes:
        reason: The cause.
        advice: The next step, as a clause in lower case.
    """

    def __init__(self, repository: Repository, reason: str, advice: str) -> None:
        super().__init__(f"cannot get {repository} from the hub: {reason}; {advice}")
        self.reason = reason
        self.advice = advice


def as_not_fetched(error: BaseException, repository: Repository, *, in_download: bool = False) -> NotFetched:
    """Turn an error of the hub's client into a message for the user.

    Args:
        error: The error that the client raised.
        repository: The requested repository.
        in_download: Whether the hub had answered and the download of a file failed.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    if isinstance(error, LocalEntryNotFoundError) and error.__cause__ is not None:
        return as_not_fetched(error.__cause__, repository, in_download=in_download)
    if isinstance(error, HfHubHTTPError):
        if in_download and error.response.status_code == 404:  # The hub has just listed the file.
            return NotFetched(repository, f"the hub answered 404 for {error.response.url.path}", "try again later")
        return NotFetched(repository, *_explain_answer(error, repository, constants.ENDPOINT))
    if isinstance(error, HFValidationError):
        return NotFetched(repository, "no repository can have this name", _right_name(repository))
    if isinstance(error, OfflineModeIsEnabled):
        reason = "it is not in the cache, and HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids requests"
        return NotFetched(repository, reason, f"unset it, or {_other_ways(repository)}")
    if isinstance(error, OSError) and error.filename is not None:
        reason = f"cannot write {error.filename}: {error.strerror}"
        return NotFetched(repository, reason, "free some space there, or set HF_HOME to a folder that you can write to")
    if isinstance(error, (ValueError, ImportError)) and not in_download:
        return NotFetched(
            repository, _explain_no_answer(error), "check HF_ENDPOINT and the proxy (HTTPS_PROXY, ALL_PROXY)"
        )
    if in_download:
        advice = "run the command again: complete files are kept"
    else:
        advice = f"check the connection, or {_other_ways(repository)}"
    return NotFetched(repository, _explain_no_answer(error), advice)


def _other_ways(repository: Repository) -> str:
    return f"run `{repository.download_command}` on a machine with access to the hub and copy its cache ($HF_HOME)"


def _right_name(repository: Repository) -> str:
    """Return the advice for an invalid repository name."""
    name, at, revision = repository.name.partition("@")
    if at and repository.kind == "model":
        return f"pass --model {name} --model-revision {revision or 'COMMIT'}"
    return "expected ORG/NAME, of at most 96 letters, digits, '-', '_' and '.'"


def _explain_no_answer(error: BaseException) -> str:
    """Return the reason for an error without an answer of the hub: in the connection, the disk or xet storage."""
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return "no answer in time"
    text = " ".join(str(error).split())
    if re.search(r"disconnected|peer closed|incomplete|Consistency check", text):
        return f"the connection broke off ({text})"
    return text or type(error).__name__


def _explain_answer(error: Exception, repository: Repository, endpoint: str) -> tuple[str, str]:
    """Return the reason and the advice for an HTTP error status."""
    from huggingface_hub.errors import (
        DisabledRepoError,
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    response = error.response  # type: ignore[attr-defined]
    status = int(response.status_code)
    page = f"{endpoint}/{'datasets/' if repository.kind == 'dataset' else ''}{repository.name}"
    kinds: dict[type[Exception], tuple[str, str]] = {
        GatedRepoError: (
            f"it is gated, and {'you are not logged in' if status == 401 else 'your account has no access'} ({status})",
            f"ask for access at {page}, and log in with that account (hf auth login)",
        ),
        RepositoryNotFoundError: (
            f"the hub has no such {repository.kind}, or it is private ({status})",
            "check the name; if it is private, log in (hf auth login)",
        ),
        RevisionNotFoundError: (
            f"the hub has this {repository.kind}, but no revision {repository.revision}",
            f"check the revision: {page}/commits lists them",
        ),
        DisabledRepoError: (f"its owner or the hub has disabled it ({status})", f"see {page}"),
    }
    for kind, answer in kinds.items():
        if isinstance(error, kind):
            return answer
    by_status: dict[int, Callable[[], tuple[str, str]]] = {
        401: _explain_unauthorized,
        403: lambda: ("your token may not read it (403)", "log in with an account that may (hf auth login)"),
        429: lambda: _explain_too_many(response),
    }
    if status in by_status:
        return by_status[status]()
    return f"the hub answered {status} {response.reason_phrase}", f"try again later, or {_other_ways(repository)}"


def _explain_unauthorized() -> tuple[str, str]:
    from huggingface_hub import get_token

    if get_token() is None:
        return "it requires a login (401)", "log in (hf auth login)"
    return "the hub does not accept your token (401)", "log in again (hf auth login), or unset HF_TOKEN"


def _explain_too_many(response: object) -> tuple[str, str]:
    """Return the reason and the advice for a 429, with the hub's rate limits."""
    from huggingface_hub.utils import parse_ratelimit_headers

    limits = parse_ratelimit_headers(response.headers)  # type: ignore[attr-defined]
    allowed, wait = "", "wait a few minutes"
    if limits is not None:
        wait = f"wait {limits.reset_in_seconds} seconds"
        if limits.limit is not None:
            allowed = f": the limit is {limits.limit} requests in {limits.window_seconds} seconds"
    return (
        f"too many requests (429){allowed}",
        f"{wait} and run the command again; hf auth login raises the limit",
    )
