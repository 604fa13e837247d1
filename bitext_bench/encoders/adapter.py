"""LoRA adapters: a directory with small matrices that are added to the weights of a base model when it is loaded."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..errors import UserError
from .extras import FAILURES, import_extra
from .files import model_files, module_folders, read_config
from .fingerprint import fingerprint, hash_with_guard, software
from .hub import fetch_model
from .layout import read_layout
from .model import Model, ModelOptions
from .transformer import TransformerEncoder, load_transformer

CONFIG = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"


def is_adapter(directory: Path) -> bool:
    """Return whether a directory has an adapter instead of weights."""
    return (directory / CONFIG).is_file() and (directory / _WEIGHTS).is_file()


def find_base(directory: Path) -> Path:
    """Return the directory of an adapter's base model, downloaded if it is on the hub.

    Raises:
        UserError: the adapter does not name it, or it is neither a directory nor on the hub.
    """
    config = read_config(directory / CONFIG)
    name = config.get("base_model_name_or_path")
    if not isinstance(name, str) or not name:
        raise UserError(f"{directory / CONFIG} does not name the base model: expected base_model_name_or_path")
    path = Path(os.path.expanduser(name))
    if path.is_dir():
        return path
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise UserError(
            f"{directory} is an adapter of the model {name}, which does not exist: put it there, or set "
            f"base_model_name_or_path in {directory / CONFIG}"
        )
    revision = config.get("revision")
    return fetch_model(name, revision if isinstance(revision, str) else None, allow_pickle=False)[0]


def adapter_files(directory: Path, base: Path) -> list[Path]:
    """Return the files that loading an adapter may read, with those of its base model."""
    return [*model_files(directory), *model_files(base)]


def adapter_fingerprint(directory: Path, base: Path) -> str:
    """Return the sha256 of an adapter and its base model."""
    return hashlib.sha256(f"{fingerprint(directory)}\n{fingerprint(base)}\n".encode()).hexdigest()


@contextmanager
def assembled(directory: Path, base: Path) -> Iterator[Path]:
    """Yield a temporary directory of links: the base model's files, and in their place those that the adapter has.

    It is a checkpoint without the adapter, for everything that does not depend on the weights' values.
    """
    first = next(iter(module_folders(base)), base)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, directory.resolve().name or "adapter")
        whole.mkdir()
        for source in dict.fromkeys((base, first, directory)):
            for item in source.iterdir():
                link = whole / item.name
                if item.name not in (CONFIG, _WEIGHTS):
                    link.unlink(missing_ok=True)
                    link.symlink_to(item.resolve())
        yield whole


def adapter_model(directory: Path, options: ModelOptions, describe: Callable[[Path, ModelOptions], Model]) -> Model:
    """Describe an adapter with its base model, given a function that describes a checkpoint directory.

    Raises:
        UserError: the base model cannot be found, or cannot be used.
    """
    base = find_base(directory)
    with assembled(directory, base) as whole:
        model = describe(whole, options)
    hashing = partial(adapter_fingerprint, base=base)
    digest, unchanged = hash_with_guard(directory, partial(adapter_files, base=base), hashing)
    return replace(
        model,
        revision=digest[:12],
        fingerprint=digest,
        software=f"{model.software}, {software(['peft']).partition(', ')[2]}",
        load=unchanged(partial(load_adapter, directory, base, replace(options, dtype=model.dtype))),
    )


def load_adapter(directory: Path, base: Path, options: ModelOptions) -> TransformerEncoder:
    """Load the base model and merge the adapter into its weights.

    Raises:
        UserError: the package peft is missing, or the adapter does not fit the base model.
    """
    peft = import_extra("peft", "lora")
    with assembled(directory, base) as whole:
        encoder = load_transformer(whole, read_layout(whole, options), options)
    first = encoder.model[0]
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # peft calls a method with a new name
            adapted = peft.PeftModel.from_pretrained(first.model, str(directory))
        first.model = adapted.merge_and_unload().requires_grad_(requires_grad=True)
    except FAILURES as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"the adapter in {directory} does not fit its base model {base} ({reason})") from error
    return encoder
