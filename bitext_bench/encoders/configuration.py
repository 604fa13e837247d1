"""What the configuration files of a model directory say of its modules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import UserError

ROUTERS = ("Router", "Asym")  # Asym is its old name.


def read_config(file: Path) -> dict[str, Any]:
    """Return the object in a configuration file; {} where there is no such file.

    Raises:
        UserError: it does not hold a JSON object.
    """
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{file} holds {json.dumps(content)[:40]}: expected a JSON object, {{...}}")
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
        raise UserError(f"{file} is not sentence-transformers' modules file: {error}") from error


def module_folders(directory: Path) -> list[Path]:
    """Return the folders of a sentence-transformers directory's modules, in order; [] for other layouts."""
    return [directory / module["path"] for module in read_modules(directory)]


def input_modules(directory: Path) -> list[tuple[Path, str]]:
    """Return the modules that take a text, with their folders: the first one, or a Router's first of each route.

    The class is named without its package; "" for a plain transformers checkpoint.
    """
    modules = read_modules(directory)
    if not modules:
        return [(directory, "")]
    return input_modules_of(directory / modules[0]["path"], class_name(modules[0].get("type")))


def input_modules_of(folder: Path, kind: str) -> list[tuple[Path, str]]:
    """Return a module with its class, or, of a Router, the first module of each route."""
    waiting = [(folder, kind)]
    found: dict[Path, str] = {}
    while waiting:
        folder, kind = waiting.pop()
        if folder not in found:  # A damaged Router may lead to itself.
            found[folder] = kind
            waiting += [(folder / name, kind) for name, kind in _first_of_routes(folder).items()]
    return [(folder, kind) for folder, kind in found.items() if kind not in ROUTERS]


def kinds_of_modules(directory: Path) -> list[str]:
    """Return the classes of all modules, those in a Router's routes included, without their packages."""
    modules = read_modules(directory)
    folders = [directory / module["path"] for module in modules]
    kinds = [module.get("type") for module in modules]
    return [class_name(kind) for kind in [*kinds, *(kind for folder in folders for kind in routes_of(folder).values())]]


def _first_of_routes(folder: Path) -> dict[str, str]:
    """Return the first module of each of a Router's routes, as class by folder."""
    structure = router_config(folder).get("structure")
    routes = structure.values() if isinstance(structure, dict) else ()
    types = routes_of(folder)
    return {str(route[0]): class_name(types.get(route[0])) for route in routes if isinstance(route, list) and route}


def routes_of(folder: Path) -> dict[str, Any]:
    """Return the submodules of a Router in a folder, class by path; {} where there is none."""
    types = router_config(folder).get("types")
    return types if isinstance(types, dict) else {}


def router_config(folder: Path) -> dict[str, Any]:
    """Return a Router's configuration; {} where a folder has none."""
    for name in ("router_config.json", "config.json"):
        file = folder / name
        config = read_config(file) if file.is_file() else {}
        if isinstance(config.get("types"), dict):
            return config
    return {}


def class_name(kind: object) -> str:
    """Return the name of a class in modules.json without its package."""
    return str(kind or "").rpartition(".")[2]
