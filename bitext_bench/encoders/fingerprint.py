"""The fingerprint of a model directory: a hash of every file that can change its vectors."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..io.checksums import file_sha256
from .configuration import ROUTERS, kinds_of_modules, read_config, read_modules
from .files import has_own_code, model_files, read_header, weight_files

# Depend on the library that saved the checkpoint: the same model saved by two versions is one model.
_VOLATILE_KEYS = {"transformers_version", "_name_or_path", "is_local", "local_files_only"}
_STAMPED = {"config.json", "tokenizer_config.json"}
# Versions; prompts, which are in the signature and in every text's key; and the similarity function.
_NOT_OF_VECTORS = {"__version__", "prompts", "default_prompt_name", "similarity_fn_name", "requirements"}
_CLASS_ELSEWHERE = re.compile(r"[\w.-]+/[\w.-]+--[\w.]+")  # org/repository--module.Class
_WEIGHTLESS = {"BoW", "Pooling", "Normalize", "Dropout", *ROUTERS}
_MODULE_FOLDER = re.compile(r"(\d+)_(\w+)")
# Past and present import paths of sentence-transformers' own modules.
_STOCK_MODULE = re.compile(r"sentence_transformers\.(models|base\.modules|sentence_transformer\.modules)(\..*)?\.(\w+)")


def fingerprint(directory: Path) -> str:
    """Return the sha256 of a checkpoint directory's content, independent of its name and of the library that saved it.

    Raises:
        UserError: The directory has no weights, or a configuration file is damaged.
    """
    if not weight_files(directory) and _has_weights(directory):
        raise UserError(
            f"{directory} has no weights: expected model.safetensors (or a sentence-transformers directory); "
            "check that the checkpoint was saved completely and that large files were downloaded"
        )
    files = model_files(directory)
    total = hashlib.sha256()
    for file in files:
        if digest := _digest(file):
            total.update(f"{file.relative_to(directory).as_posix()}\0{digest}\n".encode())
    if order := _order_of_modules(directory, files):
        total.update(f"modules.json\0{_canonical_json(order)}\n".encode())
    return total.hexdigest()


def count_parameters(directory: Path) -> int | None:
    """Return the number of parameters, read from the headers of safetensors files; None for other formats.

    Raises:
        UserError: A header is damaged.
    """
    total = 0
    for file in weight_files(directory):
        if file.suffix != ".safetensors":
            return None
        # Integer tensors are buffers such as position ids, not parameters.
        total += sum(math.prod(s) for kind, s in read_header(file).values() if kind.startswith(("F", "BF")))
    return total


def references(directory: Path) -> list[str]:
    """Describe everything that a model directory loads from elsewhere, and that its hash therefore does not cover."""
    found = []
    for file in model_files(directory):
        if file.suffix != ".json":
            continue
        if file.name == "adapter_config.json":
            found.append(f"the base model {read_config(file).get('base_model_name_or_path')}")
        elif file.name.startswith("sentence_"):
            names = [text for key, text in _texts(read_config(file)) if "/" in text or key.endswith("name_or_path")]
            found += [f"{text}, which {file.name} names" for text in names]
        elif file.name in ("config.json", "tokenizer_config.json"):
            classes = [text for _, text in _texts(read_config(file)) if _CLASS_ELSEWHERE.fullmatch(text)]
            found += [f"the code of {text.partition('--')[0]}" for text in classes]
    return list(dict.fromkeys(found))


def _has_weights(directory: Path) -> bool:
    """Return whether a model must have weight files: a bag of words has none, and custom code may need none."""
    kinds = kinds_of_modules(directory)
    return not kinds or not (_WEIGHTLESS.issuperset(kinds) or has_own_code(directory))


def _digest(file: Path) -> str | None:
    """Return the hash of the parts of a file that can change vectors; None if there are none."""
    if file.name == "modules.json":
        return None  # see _order_of_modules
    if file.name == "config_sentence_transformers.json":
        told = {key: value for key, value in read_config(file).items() if key not in _NOT_OF_VECTORS}
        if told.get("model_type") == "SentenceTransformer":
            del told["model_type"]
        return _canonical_json(told) if told else None
    if file.name == "model.safetensors.index.json":
        return _canonical_json(read_config(file).get("weight_map"))
    if file.name in _STAMPED:
        content = read_config(file)
        if _VOLATILE_KEYS & content.keys():
            return _canonical_json({key: value for key, value in content.items() if key not in _VOLATILE_KEYS})
    return file_sha256(file)


def _canonical_json(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _order_of_modules(directory: Path, files: Iterable[Path]) -> list[Any] | None:
    """Return the modules' order and classes from modules.json, or None if the names of their folders imply them.

    For the folders "", 1_Pooling and 2_Dense the result is None: these names are hashed with the files.
    """
    modules = read_modules(directory)
    if not modules:
        return None
    told = [[Path(m["path"]).as_posix(), _kind(str(m.get("type"))), m.get("kwargs") or []] for m in modules]
    if max(Counter(str(m.get("name")) for m in modules).values()) > 1:
        return [[*entry, m.get("name")] for entry, m in zip(told, modules, strict=True)]
    return None if told == _named_order(directory, files) else told


def _named_order(directory: Path, files: Iterable[Path]) -> list[list[Any]]:
    """Return the modules implied by the folder names: a Transformer at the top, then by number."""
    folders = {file.relative_to(directory).parts[0] for file in files if file.parent != directory}
    numbered = [match for name in folders if (match := _MODULE_FOLDER.fullmatch(name))]
    numbered.sort(key=lambda match: (int(match[1]), match[0]))
    modules: list[list[Any]] = [[match[0], match[2], []] for match in numbered]
    at_top = not numbered or int(numbered[0][1]) > 0
    return [[".", "Transformer", []], *modules] if at_top else modules


def _kind(name: str) -> str:
    match = _STOCK_MODULE.fullmatch(name)
    return match[3] if match else name


def _texts(content: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield the key and text of every string in a JSON value."""
    if isinstance(content, str):
        yield key, content
    elif isinstance(content, dict):
        for name, value in content.items():
            yield from _texts(value, name)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value, key)
