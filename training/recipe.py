"""Recipes: named training settings in TOML, in the package or in a user's file; type checks for settings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from importlib import resources
from math import inf
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Protocol, get_args, get_origin, get_type_hints

from bitext_bench.errors import UserError, unknown_name_error

_KINDS = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple[str, ...]: "a list of strings",
}


def recipes() -> list[str]:
    """Return the names of the recipes that come with the package."""
    folder = resources.files("training") / "recipes"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def describe_recipes() -> dict[str, str]:
    """Return the one-line description of each recipe: its purpose, or the tables of the paper that it reproduces."""
    return {name: str(read_tables(name)["description"]) for name in recipes()}


def read_tables(name: str) -> dict[str, Any]:
    """Return everything in a recipe: a name from `recipes`, or a TOML file.

    Raises:
        UserError: the recipe is unknown, or the file cannot be read or is not TOML.
    """
    file = Path(name)
    if file.suffix:
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot read the recipe {file}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UserError(f"the recipe {file} is not UTF-8 text: expected a TOML file") from error
    elif name in recipes():
        text = (resources.files("training") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")
    else:
        raise unknown_name_error("recipe", name, recipes(), "all of them: bitext-bench train --list-recipes")
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        raise UserError(f"the recipe {name} is not TOML: {error}") from error


def read_recipe(name: str) -> dict[str, Any]:
    """Return the settings of a recipe (a name from `recipes`, or a TOML file) for `make_config`.

    The description and the sources are left out, as they are not settings.

    Raises:
        UserError: as for `read_tables`.
    """
    return {setting: value for setting, value in read_tables(name).items() if setting not in ("description", "sources")}


def validate_settings(record: type, given: Mapping[str, object]) -> dict[str, Any]:
    """Return settings from a file or the command line with the types of a dataclass's fields.

    Lists become tuples, and integers become floats for float fields. The dataclass checks ranges itself.

    Raises:
        UserError: a setting is unknown (with close matches), or a value has the wrong type.
    """
    hints = get_type_hints(record)
    for name in given:
        if name not in hints:
            inner = [f"{table}.{x.name}" for table, hint in hints.items() if is_dataclass(hint) for x in fields(hint)]
            known = [*hints, *inner]
            raise unknown_name_error("setting", name, known, f"one of: {', '.join(known)}")
    return {name: _as_field(name, value, hints[name]) for name, value in given.items()}


class _Settings(Protocol):
    """A dataclass of settings."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def validate_fields(record: _Settings) -> None:
    """Check the types of a new dataclass's values, and convert them as `validate_settings` does.

    Raises:
        UserError: a value has the wrong type or is no known choice.
    """
    given = {field.name: getattr(record, field.name) for field in fields(record)}
    for name, value in validate_settings(type(record), given).items():
        object.__setattr__(record, name, value)  # the dataclasses are frozen


def _as_field(name: str, value: object, hint: object) -> object:
    kinds = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    if value is None and NoneType in kinds:
        return None
    kind = kinds[0]
    if get_origin(kind) is Literal:
        return _as_choice(name, value, get_args(kind))
    if get_origin(kind) is tuple:
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif kind is float and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return inf  # rejected by every range check
    elif kind is float and isinstance(value, float):  # numpy's float64 too
        return float(value)
    elif type(value) is kind:  # not isinstance, which accepts True as an int
        return value
    raise UserError(f"{name} is {value!r:.60}: expected {_KINDS.get(kind) or f'an {kind.__name__}'}")


def _as_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        raise UserError(f"{name} is {value!r:.60}: expected one of {', '.join(choices)}")
    if value not in choices:
        raise unknown_name_error(name, value, choices, f"one of: {', '.join(choices)}")
    return value
