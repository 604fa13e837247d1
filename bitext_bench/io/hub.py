"""Files of hub repositories, from the local cache if possible, otherwise downloaded."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Sequence
from functools import cache
from glob import escape
from pathlib import Path
from typing import Any

from ..errors import UserError
from .hub_errors import Repository, as_not_fetched
from .hub_requests import limit_requests, quiet_client
from .terminal import say

HUB_PREFIX = "hub:"  # before the name of a dataset on the command line

# Takes the paths of all files in a repository and returns the wanted ones.
Choice = Callable[[Sequence[str]], Sequence[str]]

# After a request without an answer, the hub is not asked again for this many seconds.
_PATIENCE = 300
# The xet client retries for minutes by default. One retry is enough: plain HTTP is the fallback.
_XET_LIMITS = {
    "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "1",
    "HF_XET_CLIENT_CONNECT_TIMEOUT": "5s",
    "HF_XET_CLIENT_READ_TIMEOUT": "10s",
}

_no_answer: dict[str, tuple[float, Exception]] = {}  # hub address -> time and error of the last failed request


def dataset_repository(text: str) -> Repository:
    """Return the dataset ORG/NAME, or ORG/NAME@REVISION with a branch, a tag or a commit.

    Raises:
        UserError: The text is neither.
    """
    name, at, revision = text.partition("@")
    if not re.fullmatch("[^/]+/[^/]+", name) or (at and not revision):
        raise UserError(f"{HUB_PREFIX}{text}: expected {HUB_PREFIX}ORG/NAME or {HUB_PREFIX}ORG/NAME@REVISION")
    return Repository(name, "dataset", revision or None)


def fetch(repository: Repository, choose: Choice = list, is_enough: Callable[[Path], bool] = Path.is_dir) -> Path:
    """Return the local folder of a repository at one commit, with at least the chosen files.

    A pinned commit in the cache needs no request. Anything else takes one short request to the hub. If the hub does
    not answer, the cached copy is used, with a note on stderr.

    Args:
        repository: A model or data set; without a revision, its main branch.
        choose: Takes the paths of all files and returns the wanted ones. It is called before any download; its
            exceptions are passed on.
        is_enough: Takes a cached folder and returns whether it can be used although the list of the repository's
            files is unknown.

    Raises:
        NotFetched: The hub does not deliver the files, and the cache does not have them.
    """
    from huggingface_hub.errors import HTTPError

    if repository.is_pinned and (folder := _listed_in_cache(repository, choose)):
        return folder
    try:
        files = _listing(repository)
    except (HTTPError, OSError, ValueError, ImportError) as error:  # ValueError, ImportError: a bad proxy address
        folder = _listed_in_cache(repository, choose) or _in_cache(repository)
        if folder and is_enough(folder):
            _note_cache(repository, error)
            return folder
        raise as_not_fetched(error, repository) from error
    return _download(repository, choose(files))


def _listed_in_cache(repository: Repository, choose: Choice) -> Path | None:
    """Return the folder in the cache if it has a file list and all chosen files, otherwise None."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError, HFValidationError

    try:
        files = get_cached_repo_tree(repository.name, repo_type=repository.kind, revision=repository.revision)
    except (CachedRepoTreeNotFoundError, OSError, HFValidationError):
        return None
    return _in_cache(repository, [escape(path) for path in choose([file.path for file in files])])


def _in_cache(repository: Repository, patterns: list[str] | None = None) -> Path | None:
    """Return the folder in the cache if it has the files, otherwise None. Old clients cached no file list."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    where: dict[str, Any] = {"repo_type": repository.kind, "revision": repository.revision}
    try:
        return Path(snapshot_download(repository.name, **where, allow_patterns=patterns, local_files_only=True))
    except (OSError, HFValidationError):
        return None


def _listing(repository: Repository) -> list[str]:
    """Request the paths of a repository's files, without a retry."""
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import validate_repo_id

    validate_repo_id(repository.name)
    when, error = _no_answer.get(constants.ENDPOINT, (-math.inf, None))
    if error is not None and time.monotonic() - when < _PATIENCE:
        raise error
    try:
        return _ask_paths(repository, constants.HF_HUB_ETAG_TIMEOUT)
    except (HfHubHTTPError, OfflineModeIsEnabled):
        raise  # The hub did answer, or the user works offline.
    except (HTTPError, OSError) as failure:
        _no_answer[constants.ENDPOINT] = time.monotonic(), failure
        raise


@cache
def _ask_paths(repository: Repository, timeout: float) -> list[str]:
    from huggingface_hub import HfApi

    info = HfApi().repo_info(repository.name, repo_type=repository.kind, revision=repository.revision, timeout=timeout)
    return [file.rfilename for file in info.siblings or []]


def _note_cache(repository: Repository, error: Exception) -> None:
    from huggingface_hub.errors import OfflineModeIsEnabled

    if not isinstance(error, OfflineModeIsEnabled):  # Offline, the user expects the cache.
        reason = as_not_fetched(error, repository).reason
        say(f"note: using the cached copy of {repository}, because it cannot be downloaded: {reason}")


def _download(repository: Repository, files: Sequence[str]) -> Path:
    """Download files that are not in the cache; if xet storage cannot be reached, by plain HTTP.

    Raises:
        NotFetched: A file did not arrive complete.
    """
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HTTPError

    for name, limit in _XET_LIMITS.items():
        os.environ.setdefault(name, limit)

    def download() -> Path:
        with limit_requests(), quiet_client():
            return Path(
                snapshot_download(
                    repository.name,
                    repo_type=repository.kind,
                    revision=repository.revision,
                    allow_patterns=[escape(path) for path in files],
                )
            )

    try:
        try:
            return download()
        except (RuntimeError, HTTPError, TimeoutError) as error:
            if constants.HF_HUB_DISABLE_XET or not _is_xet_error(error):
                raise
            say("note: the hub's xet storage cannot be reached; files are downloaded by plain HTTP instead")
            constants.HF_HUB_DISABLE_XET = True
            return download()
    except (HTTPError, OSError, ValueError, RuntimeError) as error:
        raise as_not_fetched(error, repository, in_download=True) from error


def _is_xet_error(error: Exception) -> bool:
    """Return whether a download failed in the xet client or in the request for its token."""
    if isinstance(error, RuntimeError):
        return re.search("xet|CAS|reconstruction", str(error)) is not None
    if isinstance(error, TimeoutError):  # of limit_requests; its text has the address
        return "/xet-read-token/" in str(error)
    response = getattr(error, "response", None)  # None if there was no answer; the error may have the request
    try:
        url = response.url if response is not None else error.request.url  # type: ignore[attr-defined]
    except RuntimeError:
        return False
    return "/xet-read-token/" in str(url)
