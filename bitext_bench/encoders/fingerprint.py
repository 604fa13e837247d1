"""The fingerprint of a model: a hash of every file and of the software that can change its vectors.

The files are checked again before they are loaded. The software is the versions of libraries and the code of this
package's encoders.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..io.checksums import file_sha256
from .files import (
    ROUTERS,
    has_own_code,
    kinds_of_modules,
    model_files,
    read_config,
    read_header,
    read_modules,
    weight_files,
)
from .model import Encoder

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
        elif file.name in _STAMPED:
            found += [f"the code of {repository}" for repository in _named_for_code(file)]
    return list(dict.fromkeys(found))


def code_repositories(directory: Path) -> list[str]:
    """Return the hub ids of other repositories whose code a model runs, as its configuration files name them."""
    files = [file for file in model_files(directory) if file.name in _STAMPED]
    return list(dict.fromkeys(repository for file in files for repository in _named_for_code(file)))


def _named_for_code(file: Path) -> Iterator[str]:
    yield from (text.partition("--")[0] for _, text in _texts(read_config(file)) if _CLASS_ELSEWHERE.fullmatch(text))


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


Load = Callable[[], Encoder]


@contextmanager
def readable() -> Iterator[None]:
    """Raise a UserError for a file that cannot be read. Also works as a decorator."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise
        raise UserError(f"cannot read {error.filename}: {error.strerror}") from error


def hash_with_guard(
    directory: Path, files: Callable[[Path], Sequence[Path]], hashing: Callable[[Path], str]
) -> tuple[str, Callable[[Load], Load]]:
    """Return the hash of a directory, and a decorator for loaders that refuses files changed since.

    The files are hashed again only if their size, time stamps or inode changed.

    Args:
        directory: The model directory.
        files: Returns the files that the hash covers.
        hashing: Returns the hash.
    """
    before = _states(files(directory))
    digest = hashing(directory)

    def unchanged(load: Load) -> Load:
        @readable()
        def loaded() -> Encoder:
            encoder = load()
            if _states(files(directory)) != before and hashing(directory) != digest:
                raise UserError("the model's files changed while it was being loaded: run the command again")
            return encoder

        return loaded

    return digest, unchanged


def _states(files: Sequence[Path]) -> dict[Path, tuple[int, ...]]:
    """Return a value for each file that changes whenever the file is written or replaced."""
    stats = {file: file.stat() for file in files}
    return {file: (s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for file, s in stats.items()}


def files_of(directory: Path) -> list[Path]:
    """Return the files in a directory, sorted; not those in its subdirectories."""
    return sorted(file for file in directory.iterdir() if file.is_file())


def hash_files(directory: Path) -> str:
    """Return the sha256 of the names and contents of the files in a directory."""
    total = hashlib.sha256()
    for file in files_of(directory):
        total.update(f"{file.name}\0{file_sha256(file)}\n".encode())
    return total.hexdigest()


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
