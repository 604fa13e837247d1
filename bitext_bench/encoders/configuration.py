"""Read the configuration files of a model directory and its modules."""

from __future__ import annotations

import json
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
