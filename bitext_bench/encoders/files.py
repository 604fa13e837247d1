"""The files of a model directory that loading reads, and its configuration files and modules."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import UserError

ROUTERS = ("Router", "Asym")  # Asym is its old name.


def read_config(file: Path) -> dict[str, Any]:
    """Return the object in a configuration file; {} if the file does not exist.

    Raises:
        UserError: The file is not a JSON object.
    """
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{file} contains {json.dumps(content)[:40]}: expected a JSON object, {{...}}")
    return content


def read_modules(directory: Path) -> list[dict[str, Any]]:
    """Return the modules of a sentence-transformers directory, in order; [] for other layouts.

    Raises:
        UserError: modules.json is not a list of modules.
    """
    file = directory / "modules.json"
    try:
        modules = json.loads(file.read_text(encoding="utf-8"))
        return [{**module, "path": str(module["path"])} for module in modules]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{file} is not a list of sentence-transformers modules: {error}") from error


def module_folders(directory: Path) -> list[Path]:
    """Return the folders of a sentence-transformers directory's modules, in order; [] for other layouts."""
    return [directory / module["path"] for module in read_modules(directory)]


def input_modules(directory: Path) -> list[tuple[Path, str]]:
    """Return the folder and class name of each module that takes text: the first, or a Router's first in each route.

    Class names have no package; the name is "" for a plain transformers checkpoint.
    """
    modules = read_modules(directory)
    if not modules:
        return [(directory, "")]
    return input_modules_of(directory / modules[0]["path"], class_name(modules[0].get("type")))


def input_modules_of(folder: Path, kind: str) -> list[tuple[Path, str]]:
    """Return a module with its class name, or for a Router the first module of each route."""
    waiting = [(folder, kind)]
    found: dict[Path, str] = {}
    while waiting:
        folder, kind = waiting.pop()
        if folder not in found:  # A damaged Router may contain itself.
            found[folder] = kind
            waiting += [(folder / name, kind) for name, kind in _first_of_routes(folder).items()]
    return [(folder, kind) for folder, kind in found.items() if kind not in ROUTERS]


def kinds_of_modules(directory: Path) -> list[str]:
    """Return the class names, without packages, of all modules, including those in a Router's routes."""
    modules = read_modules(directory)
    folders = [directory / module["path"] for module in modules]
    kinds = [module.get("type") for module in modules]
    return [class_name(kind) for kind in [*kinds, *(kind for folder in folders for kind in routes_of(folder).values())]]


def _first_of_routes(folder: Path) -> dict[str, str]:
    """Return the first module of each route of a Router, as folder -> class name."""
    structure = router_config(folder).get("structure")
    routes = structure.values() if isinstance(structure, dict) else ()
    types = routes_of(folder)
    return {str(route[0]): class_name(types.get(route[0])) for route in routes if isinstance(route, list) and route}


def routes_of(folder: Path) -> dict[str, Any]:
    """Return the submodules of a Router in a folder, as path -> class; {} if there is no Router."""
    types = router_config(folder).get("types")
    return types if isinstance(types, dict) else {}


def router_config(folder: Path) -> dict[str, Any]:
    """Return a Router's configuration; {} if the folder has none."""
    for name in ("router_config.json", "config.json"):
        file = folder / name
        config = read_config(file) if file.is_file() else {}
        if isinstance(config.get("types"), dict):
            return config
    return {}


def class_name(kind: object) -> str:
    """Return the name of a class in modules.json, without its package."""
    return str(kind or "").rpartition(".")[2]


WEIGHTS = (".safetensors", ".bin", ".pt", ".npz", ".onnx")
# Not read when a model is loaded: documentation, logs, weights for other frameworks, training state.
_UNREAD_SUFFIXES = {
    *(".md", ".rst", ".html", ".pdf", ".ipynb", ".csv", ".log", ".lock", ".tmp"),
    *(".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp"),
    *(".h5", ".msgpack", ".ot", ".tflite", ".mlmodel", ".pb"),
}
_UNREAD_NAMES = re.compile(
    r"\..*|(license|licence|notice|citation|changelog)([-_.].*)?|events\.out\.tfevents.*|rng_state.*\.pth"
    r"|SHA256SUMS|(optimizer|scheduler|scaler)\.pt|training_args\.bin|dropped_rows\.tsv"
    r"|(train_config|trainer_state|all_results|train_results|eval_results)\.json",
    re.IGNORECASE,
)
# Subfolders that are not part of a model with custom code, which may read any other folder.
_LEFTOVERS = re.compile(r"\..*|__pycache__|checkpoints?(-\d+)?|runs|results|logs|wandb|eval|onnx|openvino")
_STOCK = ("sentence_transformers.", "torch.")


def model_files(directory: Path) -> list[Path]:
    """Return the files that loading a model directory may read, sorted.

    Includes the folders of its modules with all their subfolders, but no others, such as training checkpoints. For a
    model with custom code, includes all folders except leftovers of training.
    """
    own_code = has_own_code(directory)
    folders = dict.fromkeys([directory, *_folders_of_modules(directory)])
    if own_code:
        folders |= dict.fromkeys(_folders_below(directory))
    found = []
    for folder in folders:
        files = [f for f in folder.iterdir() if f.is_file() and not _is_unread(f)]
        safe = not own_code and _has_safetensors(files)
        found += [f for f in files if not (safe and _is_second_choice(f))]
    return sorted(found)


def weight_files(directory: Path) -> list[Path]:
    """Return the weight files of a model directory, sorted; only safetensors in a folder that has both formats."""
    files = [f for f in model_files(directory) if f.suffix in WEIGHTS]
    with_safetensors = {f.parent for f in files if _has_safetensors([f])}
    return [f for f in files if f.parent not in with_safetensors or not _is_second_choice(f)]


def tokenizer_files(directory: Path) -> list[Path]:
    """Return the files of a directory that loading its tokenizer may read, sorted."""
    return sorted(file for file in directory.iterdir() if is_tokenizer_file(file.name))


def is_tokenizer_file(name: str) -> bool:
    """Return whether loading a tokenizer may read a file of this name; config.json can name its class."""
    named = ("tokenizer", "vocab", "merges", "special_tokens_map", "added_tokens", "config.json")
    return name.startswith(named) or name.endswith((".model", ".spm"))


def has_own_code(directory: Path) -> bool:
    """Return whether a model directory has custom code, or names classes outside sentence-transformers and torch."""
    kinds = [str(module.get("type", "")) for module in read_modules(directory)]
    folders = [directory, *_folders_of_modules(directory)]
    for folder in folders:
        kinds += map(str, routes_of(folder).values())
        if activation := read_config(folder / "config.json").get("activation_function"):
            kinds.append(str(activation))
    if any("." in kind and not kind.startswith(_STOCK) for kind in kinds):
        return True
    return any(f.suffix == ".py" for folder in folders for f in folder.iterdir())


def read_header(file: Path) -> dict[str, tuple[str, list[int]]]:
    """Return the dtype and shape of each tensor in a safetensors file, without reading weights.

    Raises:
        UserError: The header is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np") as content:
            slices = {name: content.get_slice(name) for name in content.keys()}  # noqa: SIM118 (no mapping)
            return {name: (part.get_dtype(), part.get_shape()) for name, part in slices.items()}
    except OSError as error:
        raise UserError(f"cannot read {file}: {error}") from error
    except SafetensorError as error:
        raise UserError(f"{file} is not a safetensors file: {error}; {_replacement_advice(file)}") from error


def _folders_of_modules(directory: Path) -> list[Path]:
    """Return the modules' folders and all their subfolders, without the directory itself."""
    modules = [*module_folders(directory), *(directory / name for name in routes_of(directory))]
    below = [m for m in modules if m != directory and m.is_relative_to(directory)]
    # sentence-transformers refuses module paths that lead out of the directory.
    inside = [m for m in below if ".." not in m.relative_to(directory).parts]
    return [folder for module in inside if module.is_dir() for folder in (module, *_folders_below(module))]


def _folders_below(top: Path) -> Iterator[Path]:
    """Yield the subfolders of a folder at any depth, each once even if links lead to it."""
    seen = {os.path.realpath(top)}
    for parent, names, _ in os.walk(top, followlinks=True):
        real = {name: os.path.realpath(os.path.join(parent, name)) for name in sorted(names)}
        names[:] = [name for name, path in real.items() if path not in seen and not _LEFTOVERS.fullmatch(name)]
        seen |= {real[name] for name in names}
        yield from (Path(parent, name) for name in names)


def _is_unread(file: Path) -> bool:
    return file.suffix.lower() in _UNREAD_SUFFIXES or _UNREAD_NAMES.fullmatch(file.name) is not None


def _has_safetensors(files: list[Path]) -> bool:
    return any(f.name in ("model.safetensors", "model.safetensors.index.json") for f in files)


def _is_second_choice(file: Path) -> bool:
    """Return whether the libraries ignore a weight file in a folder with model.safetensors."""
    if file.name == "adapter_model.bin":
        return file.with_suffix(".safetensors").exists()
    return file.suffix in WEIGHTS and file.suffix != ".safetensors"


def _replacement_advice(file: Path) -> str:
    """Return advice on replacing a damaged file. The hub's client never downloads a cached file again by itself."""
    if "snapshots" in file.parts and file.is_symlink():
        return f"delete {file.resolve()}, which is in the hub's cache, and run the command again"
    return "copy the model again"
