"""The fingerprint of a model directory: a hash of every file that can change its vectors."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from ..errors import UserError

WEIGHTS = (".safetensors", ".bin", ".pt", ".npz", ".onnx")
_TEXTS = (".json", ".txt", ".model", ".py", ".spm", ".tsv")
_WITHOUT_EFFECT = {
    "config_sentence_transformers.json",  # versions and prompts; the prompt is in the signature itself
    "dropped_rows.tsv",
    "model.safetensors.index.json",
    "modules.json",
    "train_config.json",
    "trainer_state.json",
    "training_args.bin",
    "optimizer.pt",
    "scheduler.pt",
}
# Written by the library that saved the checkpoint; the same model saved by two versions is one model.
_VOLATILE_KEYS = {"transformers_version", "_name_or_path", "is_local", "local_files_only"}
_STAMPED = {"config.json", "tokenizer_config.json"}


def weight_files(directory: Path) -> list[Path]:
    """Return the weight files of a checkpoint, safetensors only where there are both kinds."""
    files = [f for f in _files(directory) if f.suffix in WEIGHTS and f.name not in _WITHOUT_EFFECT]
    safe_folders = {f.parent for f in files if f.suffix == ".safetensors"}
    return [f for f in files if f.suffix == ".safetensors" or f.parent not in safe_folders]


def fingerprint(directory: Path) -> str:
    """Return the sha256 of a checkpoint directory's content, whatever it is called and whoever saved it.

    Raises:
        UserError: the directory holds no weights.
    """
    weights = weight_files(directory)
    if not weights:
        raise UserError(
            f"{directory} holds no weights: expected model.safetensors (or a sentence-transformers directory); "
            "was the checkpoint saved to the end, and are large files really downloaded?"
        )
    texts = [f for f in _files(directory) if f.suffix in _TEXTS and f.name not in _WITHOUT_EFFECT]
    total = hashlib.sha256()
    for file in sorted(weights + texts):
        total.update(f"{file.relative_to(directory).as_posix()}\0{_digest(file)}\n".encode())
    return total.hexdigest()


def count_parameters(directory: Path) -> int | None:
    """Return how many parameters a checkpoint's weights hold, read off their headers; None for other formats.

    Raises:
        UserError: a header is damaged.
    """
    from safetensors import SafetensorError, safe_open

    total = 0
    for file in weight_files(directory):
        if file.suffix != ".safetensors":
            return None
        try:
            with safe_open(file, framework="np") as content:
                slices = [content.get_slice(name) for name in content.keys()]  # noqa: SIM118 (no mapping)
                # Whole numbers are positions and the like, which nobody trains.
                total += sum(math.prod(s.get_shape()) for s in slices if s.get_dtype().startswith(("F", "BF")))
        except (SafetensorError, OSError) as error:
            raise UserError(f"{file} is no safetensors file: {error}; copy the model again") from error
    return total


def module_folders(directory: Path) -> list[Path]:
    """Return the folders of a sentence-transformers directory's modules, in order; [] for other layouts."""
    try:
        modules = json.loads((directory / "modules.json").read_text(encoding="utf-8"))
        return [directory / module["path"] for module in modules]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{directory / 'modules.json'} is not sentence-transformers' modules file: {error}") from error


def read_config(file: Path) -> dict[str, Any]:
    """Return the object in a configuration file; {} where there is no such file.

    Raises:
        UserError: it does not hold a JSON object.
    """
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{file} holds {json.dumps(content)[:40]}: expected a JSON object, {{...}}")
    return content


def _files(directory: Path) -> list[Path]:
    """Return the files at the top and in the module folders; training checkpoints below are not part of it."""
    folders = dict.fromkeys([directory, *module_folders(directory)])
    return [f for folder in folders if folder.is_dir() for f in folder.iterdir() if f.is_file()]


def _digest(file: Path) -> str:
    if file.name in _STAMPED:
        content = read_config(file)
        if _VOLATILE_KEYS & content.keys():
            lasting = {k: v for k, v in content.items() if k not in _VOLATILE_KEYS}
            return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
