"""The software that computes vectors: versions of libraries, and a hash of this package's encoders."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
TRANSFORMERS = ("torch", "transformers", "tokenizers", "sentence-transformers")


def software(libraries: Iterable[str]) -> str:
    """Return a hash of this package's encoders and the versions of libraries, in one line."""
    return ", ".join([f"bitext-bench {_own_digest()}", *(f"{name} {_version(name)}" for name in libraries)])


def code_digest(folder: Path) -> str:
    """Return the first 12 digits of a sha256 of all Python files in a folder, at any depth.

    Comments, docstrings and layout do not change the digest. It is the same for Python 3.11 to 3.14.
    """
    total = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        name, content = file.relative_to(folder).as_posix(), file.read_bytes()
        total.update(f"{name}\0".encode() + _code(content))
    return total.hexdigest()[:12]


def _code(content: bytes) -> bytes:
    """Return the syntax tree of a Python file as text; its bytes if this version of Python cannot parse it."""
    try:
        return _tree_as_text(ast.parse(content)).encode("utf-8", "surrogatepass")
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: nested too deeply
        return content


def _tree_as_text(node: object) -> str:
    """Return a syntax tree as text, without docstrings and empty fields.

    New versions of Python add fields (3.12: `type_params`), which are empty unless the code uses the new syntax.
    `ast.dump` prints them differently in each version.
    """
    if isinstance(node, list):
        return f"[{','.join(map(_tree_as_text, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: getattr(node, name, None) for name in node._fields}
    if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = node.body[1:]
    texts = [f"{name}={_tree_as_text(value)}" for name, value in fields.items() if value is not None and value != []]
    return f"{type(node).__name__}({','.join(texts)})"


@cache
def _own_digest() -> str:
    return code_digest(Path(__file__).parent)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "absent"
