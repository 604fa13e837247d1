"""Parse names of tasks and languages, for all commands and the Python API."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import UserError
from ..languages import Language, find_language, resolve
from ..languages.tags import read_tag
from . import Task, find_task


def parse_tasks(given: Iterable[str] | str) -> list[Task]:
    """Return the named tasks, each once, ignoring case and punctuation. Commas also separate names.

    Raises:
        UserError: a task is unknown, there are no names, or a name is not a string.
    """
    found = (find_task(word) for word in split_names("tasks", given))
    return list({task.name: task for task in found}.values())


def parse_languages(given: Iterable[str] | str) -> list[Language] | None:
    """Return the named languages; None for "all". Commas and spaces also separate names.

    Raises:
        UserError: a language is unknown, there are no names, a name is not a string, or "all" is combined with others.
    """
    words = split_languages(given)
    if "all" in words and len(words) > 1:
        raise UserError(f"languages {' '.join(words)}: all includes the others, so pass it alone")
    return None if words == ["all"] else [resolve(word) for word in words]


def ignored_regions(given: Iterable[str] | str) -> list[str]:
    """Return the names that `parse_languages` reads as a language without its region, such as de-AT."""
    tags = {word: read_tag(word) for word in split_languages(given)}
    return [
        word for word, tag in tags.items() if tag and tag.region and find_language(word) == find_language(tag.language)
    ]


def split_languages(given: Iterable[str] | str) -> list[str]:
    """Return names of languages as `split_names` does. A space separates names too, unless it is a part of one."""
    words = split_names("languages", given)
    return [name for word in words for name in ([word] if find_language(word) else word.split() or [word])]


def split_names(what: str, given: Iterable[str] | str) -> list[str]:
    """Return names given as a list, an array, a Series or any other iterable. Commas also separate names.

    Raises:
        UserError: something else is given, there are no names, or a name is not a string.
    """
    try:
        texts = [given] if isinstance(given, str) else list(given)
    except TypeError:
        raise UserError(f"{what} is a {type(given).__name__}: expected a list of names") from None
    for text in texts:
        if not isinstance(text, str):
            raise UserError(f"{what} has a {type(text).__name__}, {text!r}: expected names")
    words = [word for text in texts for word in text.split(",") if word]
    if not words:
        raise UserError(f"{what} is empty: pass one or more names, or leave it out for the default")
    return words
