"""Publish a checkpoint on the hub: create the repository before training, upload the files at the end."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from bitext_bench import __version__
from bitext_bench.errors import UserError
from bitext_bench.io.hub_errors import Repository, as_not_fetched
from bitext_bench.io.hub_requests import limit_requests
from bitext_bench.io.terminal import say

_GIT = ".gitattributes"  # the only file of a new repository
_LONGEST_WAIT = 120.0  # seconds; the hub may take long to accept a large file or commit


def check_access(repository: str) -> None:
    """Check the repository's name and the user's token, without contacting the hub.

    Raises:
        UserError: the name is invalid, there is no token, or the environment forbids contacting the hub.
    """
    from huggingface_hub import constants, get_token
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    reason = ""
    try:
        validate_repo_id(repository)
    except HFValidationError:
        reason = "not a valid repository name: expected ORG/NAME, in letters, digits, '-', '_' and '.'"
    if not reason and repository.count("/") != 1:
        reason = "expected ORG/NAME, where ORG is an organization or your user name"
    elif not reason and constants.HF_HUB_OFFLINE:
        reason = "HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids contacting the hub: unset it"
    elif not reason and get_token() is None:
        reason = "you are not logged in: run hf auth login"
    if reason:
        raise UserError(f"--push-to-hub {repository}: {reason}; nothing was trained")


def reserve_repository(repository: str) -> None:
    """Create the repository for a checkpoint, or accept an existing empty one.

    Creating it is the only way to check that the token may write there.

    Raises:
        UserError: the hub cannot be reached, the token may not write there, or the repository has files.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    api = HfApi()
    try:
        with limit_requests():
            try:
                address = api.create_repo(repository)
                say(f"created {address} for the checkpoint")
                return
            except HfHubHTTPError as error:
                if error.response.status_code != 409:  # it exists
                    raise
            files = [name for name in api.list_repo_files(repository) if name != _GIT]
    except (HTTPError, OSError, ValueError) as error:
        raise UserError(f"--push-to-hub {repository}: {_reason(error, repository)}; nothing was trained") from error
    if files:
        raise UserError(
            f"--push-to-hub {repository}: the repository exists and has {len(files)} files: choose another name, or "
            f"train without --push-to-hub and replace them with hf upload {repository} DIR"
        )


def publish(folder: Path, repository: str) -> str:
    """Upload a checkpoint in one commit, and return the URL of its page.

    If the Xet storage fails, the files are uploaded by plain HTTP.

    Raises:
        UserError: the upload failed.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    try:
        try:
            _upload(folder, repository)
        except (OSError, RuntimeError) as error:
            if isinstance(error, (HfHubHTTPError, TimeoutError)) or constants.HF_HUB_DISABLE_XET:
                raise
            say(f"note: the Xet storage failed ({_reason(error, repository)}); uploading by plain HTTP")
            constants.HF_HUB_DISABLE_XET = True
            _upload(folder, repository)
    except (HTTPError, OSError, ValueError, RuntimeError) as error:
        _refuse_upload(error, folder, repository)
    return f"{HfApi().endpoint}/{repository}"


def _upload(folder: Path, repository: str) -> None:
    from huggingface_hub import HfApi

    with limit_requests(_LONGEST_WAIT):
        HfApi().upload_folder(
            repo_id=repository,
            folder_path=folder,
            commit_message=f"Checkpoint trained by bitext-bench {__version__}",
            ignore_patterns=[".*"],
        )


def _refuse_upload(error: Exception, folder: Path, repository: str) -> NoReturn:
    raise UserError(
        f"cannot push to {repository}: {_reason(error, repository)}; the finished checkpoint is in {folder}: "
        f"run hf upload {repository} {folder}"
    ) from error


def _reason(error: BaseException, repository: str) -> str:
    """Explain in one line why the request to the hub failed."""
    from huggingface_hub import get_token

    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        return f"{error} {_reason(error.__cause__, repository)}"  # "Error while uploading ... to the Hub." and cause
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return (
            "the hub does not accept your token (401): log in again (hf auth login)"
            if get_token()
            else "you are not logged in (401): run hf auth login"
        )
    if status == 403:
        return "your token may not write there (403): log in with one that may (hf auth login)"
    return as_not_fetched(error, Repository(repository)).reason
