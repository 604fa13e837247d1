"""Download the files of a hub model that are needed to load it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePosixPath

from ..errors import UserError
from ..io.hub import fetch
from ..io.hub_errors import NotFetched, Repository
from ..io.terminal import say
from .files import is_tokenizer_file, tokenizer_files, weight_files

# Weights for other frameworks, and images.
_SKIPPED = ["*.onnx", "onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot", "*.gguf", "flax_model*", "tf_model*"]
_SKIPPED += ["*.jpg", "*.jpeg", "*.png", "*.gif", "*.webp"]
_SAFE = {"model.safetensors", "model.safetensors.index.json"}
_PICKLE = re.compile(r"pytorch_model.*\.(bin|bin\.index\.json)")


def fetch_model(repository: str, revision: str | None, *, allow_pickle: bool = True) -> tuple[Path, str]:
    """Return the local directory and the commit of a hub model.

    Args:
        repository: The model's hub id.
        revision: A commit, branch or tag; None for the main branch.
        allow_pickle: Whether to accept a model whose weights are only available as pickles.

    Raises:
        UserError: The model is not in the cache, and the hub cannot be reached or does not have it; or it has only
            pickles and `allow_pickle` is False, which is checked before the download.
    """

    def choose(paths: Sequence[str]) -> list[str]:
        wanted = loadable_files(paths)
        pickled = [path for path in wanted if _is_pickle_of_model(path)]
        if pickled and not allow_pickle:
            raise UserError(
                f"{repository} has weights as {pickled[0]}, which can run code when it is loaded: expected "
                "safetensors; pass --allow-pickle if you trust its source"
            )
        return wanted

    try:
        folder = fetch(Repository(repository, "model", revision), choose, lambda cached: bool(weight_files(cached)))
    except NotFetched as error:
        raise UserError(f"{error}; or pass a directory with its files as --model") from error
    if not weight_files(folder):
        raise UserError(
            f"{repository} has no weights that can be loaded here: expected model.safetensors or pytorch_model.bin"
        )
    return folder, folder.name


def fetch_tokenizer(repository: str) -> Path:
    """Return the local directory of a hub model with at least the files of its tokenizer; no weights are downloaded.

    Raises:
        UserError: They are not in the cache, and the hub cannot be reached or does not have them.
    """

    def choose(paths: Sequence[str]) -> list[str]:
        return [path for path in paths if "/" not in path and is_tokenizer_file(path)]

    try:
        return fetch(Repository(repository, "model"), choose, lambda cached: bool(tokenizer_files(cached)))
    except NotFetched as error:
        raise UserError(str(error)) from error


def fetch_code(repository: str) -> None:
    """Put the Python files of a hub repository into the cache, where transformers looks for them.

    Raises:
        UserError: They are not in the cache, and the hub cannot be reached or does not have them.
    """

    def choose(paths: Sequence[str]) -> list[str]:
        return [path for path in paths if path.endswith(".py")]

    try:
        fetch(Repository(repository, "model"), choose)
    except NotFetched as error:
        raise UserError(f"the model's code is in another repository, {repository}: {error}") from error


def loadable_files(paths: Sequence[str]) -> list[str]:
    """Return the files that loading a model may need: none for other frameworks, no pickles next to safetensors."""
    files = [PurePosixPath(path) for path in paths if not any(fnmatch(path, pattern) for pattern in _SKIPPED)]
    safe = {file.parent for file in files if file.name in _SAFE}
    adapters = {file.parent for file in files if file.name == "adapter_model.safetensors"}
    return [
        str(file)
        for file in files
        if not (file.parent in safe and _PICKLE.fullmatch(file.name))
        and not (file.parent in adapters and file.name == "adapter_model.bin")
    ]


def _is_pickle_of_model(path: str) -> bool:
    """Return whether a file has the usual name of pickled weights, of a model or one of its modules."""
    file = PurePosixPath(path)
    module = len(file.parts) == 1 or (len(file.parts) == 2 and re.fullmatch(r"\d+_\w+", file.parts[0]) is not None)
    return module and _PICKLE.fullmatch(file.name) is not None


@cache  # once per process, even if the model is resolved several times
def note_pickle(name: str) -> None:
    """Note on stderr that a registered model is loaded from a pickle, and why that is safe."""
    say(
        f"note: {name} has no safetensors at its registered revision; torch reads its pickle as weights only, "
        "which runs no code"
    )
