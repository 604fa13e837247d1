"""The maximum length of a checkpoint in tokens, read from its files before any weights are loaded.

The rules are those of sentence-transformers 6.2 (`base/modules/transformer.py`, `base/modules/router.py`) and the
tokenizers of transformers 5. A model that reports another length after loading is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .files import ROUTERS, class_name, input_modules_of, read_config, read_header, weight_files

if TYPE_CHECKING:
    from torch import nn

# The files in which sentence-transformers looks for a transformer's settings; the first non-empty one counts.
_SETTINGS = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
UNCUT = ("StaticEmbedding", "BoW")  # modules that never truncate
_NO_LIMIT = 1_000_000  # Some tokenizers save 10^30 for "no limit".

# These number positions from the padding token's id + 1, so they have that many fewer than configured.
_OFFSET_POSITIONS = {
    *("roberta", "xlm-roberta", "xlm-roberta-xl", "roberta-prelayernorm", "camembert", "mpnet", "data2vec-text"),
    *("ibert", "lilt", "xmod", "longformer", "luke", "markuplm", "layoutlmv3"),
}
_POSITION_TABLES = {"position_embeddings", "position_embedding", "embed_positions", "positions_embed", "wpe"}


def configured_max_length(
    folder: Path, kind: str, tokenizer: Path | None = None, trust_remote_code: bool = False
) -> int | None:
    """Return the `max_seq_length` that sentence-transformers gives a model; None for no truncation.

    Args:
        folder: The first module's folder.
        kind: The first module's type, as in modules.json; "" for a plain transformers checkpoint.
        tokenizer: The tokenizer's folder, if it is another one.
        trust_remote_code: Whether code from the checkpoint may read the configuration.
    """
    name = class_name(kind)
    if name in ROUTERS:
        return _router_length(folder, name, trust_remote_code)
    if name in UNCUT:
        return None
    if name == "WordEmbeddings":
        return as_limit(read_config(folder / "wordembedding_config.json").get("max_seq_length"))
    settings = read_settings(folder) if kind else {}
    for_tokenizer = settings.get("tokenizer_args", settings.get("processor_kwargs")) or {}
    if "model_max_length" in for_tokenizer:
        return as_limit(for_tokenizer["model_max_length"])
    if settings.get("max_seq_length") is not None:
        return as_limit(settings["max_seq_length"])
    saved = read_config((tokenizer or folder) / "tokenizer_config.json")
    limits = [as_limit(saved.get("model_max_length", saved.get("max_len")))]
    changed = settings.get("config_args", settings.get("config_kwargs")) or {}
    if (configured := {**_config(folder, trust_remote_code), **changed}.get("max_position_embeddings")) != -1:
        limits.append(as_limit(configured))
    return min((limit for limit in limits if limit is not None), default=None)


def tokenizer_max_length(settings: dict[str, Any]) -> int | None:
    """Return the length that a transformer's settings pass to its tokenizer at each call, or None.

    It overrides the configured length.
    """
    given = settings.get("processing_kwargs") or {}
    lengths = [(given.get(part) or {}).get("max_length") for part in ("common", "text")]
    return next((as_limit(length) for length in lengths if length is not None), None)


def read_settings(folder: Path) -> dict[str, Any]:
    """Return the settings that sentence-transformers saved for a transformer module; {} if there are none."""
    return next((settings for name in _SETTINGS if (settings := read_config(folder / name))), {})


def max_positions(folder: Path) -> int | None:
    """Return the number of tokens in a transformer's position table; None if it has no table.

    Models without one (rotary, relative) run on texts longer than configured. Pickled weights are not opened: for
    them, the configuration counts for architectures with an offset, and the result is None for others.
    """
    config = read_config(folder / "config.json")
    stated, padding = (_read_count(config, key, folder) for key in ("max_position_embeddings", "pad_token_id"))
    offset = 0
    if str(config.get("model_type")) in _OFFSET_POSITIONS:
        offset = 2 if padding is None else padding + 1
    files = [file for file in weight_files(folder) if file.parent == folder]
    if any(file.suffix != ".safetensors" for file in files):
        return stated - offset if stated and offset else None
    rows = min(
        (shape[0] for file in files for name, (_, shape) in read_header(file).items() if _is_position_table(name)),
        default=None,
    )
    if rows is None:
        return None
    # BART and its relatives have two more rows than positions.
    return stated if stated and rows == stated + 2 else rows - offset


def _read_count(config: dict[str, Any], key: str, folder: Path) -> int | None:
    """Return an integer from a configuration; None if it is not set.

    Raises:
        UserError: The value is not an integer.
    """
    number = config.get(key)
    if number is None or (isinstance(number, int) and not isinstance(number, bool)):
        return number
    raise UserError(f"{folder / 'config.json'} has {key} {json.dumps(number)[:40]}: expected a whole number")


def max_positions_loaded(transformer: nn.Module) -> int | None:
    """Return the number of tokens in a loaded module's position table; None if it has no table."""
    from torch import nn

    rows = []
    for name, module in transformer.named_modules():
        if isinstance(module, nn.Embedding) and _is_position_table(f"{name}.weight"):
            padding = module.padding_idx
            offset = int(getattr(module, "offset", 0)) if padding is None else padding + 1
            rows.append(module.num_embeddings - offset)
    return min(rows, default=None)


def as_limit(length: object) -> int | None:
    """Return a saved length as an integer; None if it means "no limit".

    Raises:
        UserError: The length is not a number, or is negative.
    """
    if length is None:
        return None
    # Not `length < 0`, which is False for NaN.
    if isinstance(length, bool) or not isinstance(length, int | float) or not length >= 0:
        raise UserError(f"the model's files give {length!r} as its maximum length: expected a number of tokens")
    return int(length) if length < _NO_LIMIT else None


def _router_length(folder: Path, name: str, trust_remote_code: bool) -> int | None:
    """Return the maximum of the routes' lengths, as sentence-transformers does."""
    limits = [
        configured_max_length(route, f".{kind}", trust_remote_code=trust_remote_code)
        for route, kind in input_modules_of(folder, name)
        if kind != "BoW"
    ]
    return None if None in limits else max((limit for limit in limits if limit is not None), default=None)


def _config(folder: Path, trust_remote_code: bool) -> dict[str, Any]:
    """Return a transformer's configuration, with its architecture's default number of positions if it has none."""
    config = read_config(folder / "config.json")
    if "max_position_embeddings" in config or "model_type" not in config:
        return config
    if "auto_map" in config and not trust_remote_code:
        return config  # Loading reports that the model needs its code.
    from transformers import AutoConfig  # takes two seconds, and few models need it

    try:
        full = AutoConfig.from_pretrained(str(folder), trust_remote_code=trust_remote_code, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError):
        return config  # Loading reports the error.
    return {**config, "max_position_embeddings": getattr(full, "max_position_embeddings", None)}


def _is_position_table(name: str) -> bool:
    parts = name.split(".")
    return len(parts) > 1 and parts[-2] in _POSITION_TABLES and not any("vision" in part for part in parts)
