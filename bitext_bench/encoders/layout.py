"""Pooling and maximum length of a checkpoint, read from its configuration files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from .files import input_modules, read_config, read_modules, weight_files
from .lengths import UNCUT, as_limit, configured_max_length, max_positions, read_settings, tokenizer_max_length
from .model import ModelOptions

_MOST_LAYERS = 1_000
POOLINGS = {"mean": "mean", "cls": "cls", "last": "lasttoken"}

# Old versions of sentence-transformers saved pooling modes as flags. Concatenated vectors are in this order.
_OLD_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


@dataclass(frozen=True, slots=True)
class CheckpointLayout:
    """Settings of a checkpoint, known before it is loaded.

    Attributes:
        pooling: "mean", "cls", "last", ...; joined by "+" if several are concatenated; "model" for anything else.
        max_length: Number of tokens at which a sentence is truncated; None for no truncation.
        own_length: `max_length` without the user's setting.
        stated_length: The length that sentence-transformers reports; the model may have fewer positions.
        uses_saved_modules: Whether the modules of sentence-transformers are used unchanged; if not, only the
            transformer is used, with a new pooling.
        trainable: Whether it can be trained; False for static vectors, which have no maximum length.
    """

    pooling: str
    max_length: int | None
    own_length: int | None
    stated_length: int | None
    uses_saved_modules: bool
    trainable: bool

    @property
    def overrides(self) -> tuple[tuple[str, str], ...]:
        """The user's settings that differ from the checkpoint's own, as signatures name them."""
        cut = [("maxlen", str(self.max_length))] if self.max_length != self.own_length else []
        return (*cut, *([] if self.uses_saved_modules else [("pool", self.pooling)]))


def read_layout(directory: Path, options: ModelOptions, tokenizer: Path | None = None) -> CheckpointLayout:
    """Read pooling and maximum length from a checkpoint's configuration files.

    Args:
        directory: The checkpoint.
        options: The user's options.
        tokenizer: Directory of the tokenizer, if not `directory`.

    Raises:
        UserError: The configuration is damaged, a plain transformers checkpoint comes without `--pooling` or pickled
            weights without `--allow-pickle`, or `--max-length` is more than the model has positions for.
    """
    _check_weights(directory, options)
    modules = read_modules(directory)
    folders = [directory / module["path"] for module in modules]
    kinds = [str(module.get("type", "")) for module in modules]
    saved = _saved_pooling(folders, kinds)
    pooling = options.pooling or saved
    if pooling is None:
        raise UserError(
            f"{directory} is a plain transformers checkpoint and does not say how token vectors become a "
            "sentence vector: pass --pooling mean, cls or last"
        )
    first = folders[0] if folders else directory
    if not first.is_dir():
        raise UserError(
            f"{directory} is missing the directory {first.name!r} of its modules.json: copy the model again"
        )
    _check_depth(first / "config.json")
    stated = configured_max_length(first, kinds[0] if kinds else "", tokenizer, options.trust_remote_code)
    called = tokenizer_max_length(read_settings(first)) if kinds else None
    lengths = [length for length in (called or stated, max_positions(first)) if length is not None]
    own_length = min(lengths, default=None)
    _check_max_length(options.max_length, directory, first, own_length)
    return CheckpointLayout(
        pooling=pooling,
        max_length=options.max_length or own_length,
        own_length=own_length,
        stated_length=stated,
        uses_saved_modules=pooling == saved,
        trainable=not any(kind.endswith("StaticEmbedding") for kind in kinds),
    )


def _check_weights(directory: Path, options: ModelOptions) -> None:
    """Raise a UserError for pickled weights, unless the user allows them."""
    pickled = [f.name for f in weight_files(directory) if f.suffix != ".safetensors"]
    if pickled and not options.allow_pickle:
        raise UserError(
            f"{directory} has weights as {pickled[0]}, which can run code when it is loaded: expected "
            "safetensors; convert it, or pass --allow-pickle if you trust its source"
        )


def _check_max_length(given: int | None, directory: Path, first: Path, own_length: int | None) -> None:
    """Raise a UserError if a checkpoint cannot use the user's length; `first` is the folder of its first module."""
    uncut = [kind for _, kind in input_modules(directory) if kind in UNCUT]
    if given and uncut:
        raise UserError(f"--max-length {given}: {directory} has a {uncut[0]}, which never truncates a text")
    # Models without a position table run on texts longer than configured, but are not trained for that.
    configured = as_limit(read_config(first / "config.json").get("max_position_embeddings"))
    most = max_positions(first) or max((x for x in (configured, own_length) if x is not None), default=-1)
    if given and 0 < most < given:
        raise UserError(f"--max-length {given}: {directory} has positions for only {most} tokens")


def _check_depth(file: Path) -> None:
    """Raise a UserError if a configuration has so many layers that creating them would take forever."""
    parts = [read_config(file)]
    for part in parts:
        parts += [value for value in part.values() if isinstance(value, dict)]
        for name, value in part.items():
            if name.endswith(("layers", "layer")) and isinstance(value, int | float) and value > _MOST_LAYERS:
                raise UserError(f"{file} has {name} {value:,}: expected at most {_MOST_LAYERS:,}")


def _saved_pooling(folders: list[Path], kinds: list[str]) -> str | None:
    """Return the name of a sentence-transformers directory's pooling; None for a plain checkpoint."""
    for folder, kind in zip(folders, kinds, strict=True):
        modes = _modes(read_config(folder / "config.json"), kind)
        if modes:
            names = {long: short for short, long in POOLINGS.items()}
            return "+".join(names.get(mode, mode) for mode in modes)
    return "model" if folders else None


def _modes(config: dict[str, Any], kind: str) -> list[str]:
    """Return the modes of a pooling module; [] for any other module."""
    if given := config.get("pooling_mode"):
        if not isinstance(given, str | list):
            raise UserError(f"the pooling_mode {given!r} of a module is invalid: expected a name or a list of names")
        return [given] if isinstance(given, str) else [str(mode) for mode in given]
    is_pooling = kind.endswith(".Pooling") or not _OLD_FLAGS.keys().isdisjoint(config)
    return [mode for flag, mode in _OLD_FLAGS.items() if config.get(flag)] or (["mean"] if is_pooling else [])
