"""A hash of the source of the user's modules: of a module and its imports, without libraries."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import pkgutil
import site
import sys
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

_OWN = Path(__file__).parents[1]
_DYNAMIC = {"import_module", "__import__"}


def user_modules() -> set[str]:
    """Return the names of the user's loaded modules: not those of libraries or of this package."""
    specs = {name: _loaded_spec(name) for name in list(sys.modules)}
    return {name for name, spec in specs.items() if spec is not None and _is_of_user(spec)}


def source_digest(roots: Iterable[str], always: str) -> str:
    """Return a sha256 of the source of modules and of the user's modules that they import, directly or indirectly.

    Imports inside functions count. For an import with a computed name, all modules of the same package count; other
    modules that it may load are unknown.

    Args:
        roots: Names of modules.
        always: A module whose top-level package counts even if it is installed as a library.
    """
    package = always.partition(".")[0]
    waiting, seen = list(roots), set[str]()
    lines = []
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        spec = _find(name)
        if spec is None or not (_is_of_user(spec) or name.partition(".")[0] == package):
            continue
        content = _content(spec)
        if content is not None:
            lines.append(f"{name}\0{hashlib.sha256(content).hexdigest()}\n")
            waiting += _imported(content, name, is_package=spec.submodule_search_locations is not None)
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _find(name: str) -> ModuleSpec | None:
    """Return the spec of a module without importing it."""
    loaded = _loaded_spec(name)
    if loaded is not None:
        return loaded
    parent = name.rpartition(".")[0]
    above = _find(parent) if parent else None
    if parent and (above is None or above.submodule_search_locations is None):
        return None
    path = None if above is None else list(above.submodule_search_locations or [])
    for finder in sys.meta_path:
        try:
            with warnings.catch_warnings(action="ignore"):  # for deprecated names, which the user may not import
                spec = finder.find_spec(name, path)
        except (ImportError, AttributeError, ValueError):
            continue
        if spec is not None:
            return spec
    return None


def _loaded_spec(name: str) -> ModuleSpec | None:
    # Not getattr on the module: modules that forward deprecated names would warn.
    spec = getattr(sys.modules.get(name), "__dict__", {}).get("__spec__")
    return spec if isinstance(spec, ModuleSpec) else None


def _is_of_user(spec: ModuleSpec) -> bool:
    if not spec.has_location or spec.origin is None:
        # A namespace package has folders and no file; its modules are checked one by one.
        return spec.submodule_search_locations is not None and spec.origin is None
    return not _in_library(spec.origin)


@cache  # called twice per model for each of thousands of loaded modules
def _in_library(origin: str) -> bool:
    if {"site-packages", "dist-packages"} & set(Path(origin).parts):
        return True
    file = Path(os.path.realpath(origin))
    return any(file.is_relative_to(folder) for folder in _library_folders())


@cache
def _library_folders() -> frozenset[str]:
    paths = sysconfig.get_paths()
    folders = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")} | set(site.getsitepackages())
    return frozenset({os.path.realpath(folder) for folder in folders} | {os.path.realpath(_OWN)})


def _content(spec: ModuleSpec) -> bytes | None:
    """Return the bytes of a module's file: source, bytecode or a compiled extension, in a folder or a zip archive."""
    read = getattr(spec.loader, "get_data", None)
    if spec.origin is None or read is None:
        return None
    try:
        return bytes(read(spec.origin))
    except OSError:
        return None


def _imported(content: bytes, name: str, *, is_package: bool) -> Iterator[str]:
    """Yield the names that a module may import, and their parent packages; not every name is a module."""
    package = name if is_package else name.rpartition(".")[0]
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return  # not source code
    for node in ast.walk(tree):
        for found in _names(node, package):
            yield from _with_parents(found)


def _names(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute("." * node.level + (node.module or ""), package)
        yield base
        for alias in node.names:
            yield from _submodules(base) if alias.name == "*" else [f"{base}.{alias.name}"]
    elif isinstance(node, ast.Call) and _called(node) in _DYNAMIC:
        given = node.args[0] if node.args else None
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            yield _absolute(given.value, package)
        elif package:
            yield from _submodules(package.partition(".")[0])


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _absolute(name: str, package: str) -> str:
    try:
        return importlib.util.resolve_name(name, package) if name.startswith(".") else name
    except (ImportError, ValueError):
        return name.lstrip(".")  # beyond the top-level package: the import itself fails


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[: n + 1]) for n in range(len(parts)))


def _submodules(package: str) -> Iterator[str]:
    """Yield all modules inside a package of the user."""
    spec = _find(package)
    if spec is None or not spec.submodule_search_locations or not _is_of_user(spec):
        return
    for found in pkgutil.iter_modules(spec.submodule_search_locations, f"{package}."):
        yield found.name
        if found.ispkg:
            yield from _submodules(found.name)
