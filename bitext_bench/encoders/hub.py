"""Model files from the hub: the local cache first, then the network, then one clear line."""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError
from .files import weight_files

# Weights in other frameworks' formats would be downloaded for nothing.
_SKIPPED = ["*.onnx", "onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot", "*.gguf", "flax_model*", "tf_model*"]


def fetch_model(repository: str, revision: str | None) -> tuple[Path, str]:
    """Return the local directory of a hub model and the commit that it is.

    Raises:
        UserError: it is not in the cache, and the hub cannot be reached or does not know it.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HFValidationError, HTTPError

    try:
        cached = Path(snapshot_download(repository, revision=revision, local_files_only=True))
        if weight_files(cached):
            return cached, cached.name
    except (OSError, HFValidationError):
        pass  # Not in the cache: ask the hub.
    try:
        # One question first: where there is no hub, the download asks for half a minute before it gives up.
        HfApi().model_info(repository, revision=revision, timeout=10)
        fetched = Path(snapshot_download(repository, revision=revision, ignore_patterns=_SKIPPED, etag_timeout=10))
    except (HTTPError, OSError, HFValidationError) as error:
        at = f" at revision {revision}" if revision else ""
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"cannot get the model {repository}{at} from the hub ({reason}): check the name and the connection, "
            f"or put it into the hub's cache (hf download {repository}) on a machine that has one, "
            "or pass a directory with its files as --model"
        ) from error
    return fetched, fetched.name
