"""Parse names of tasks and languages, for all commands and the Python API."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UserError
from ..languages import Language, resolve
from . import Task, find_task


def parse_tasks(given: Sequence[str] | str) -> list[Task]:
    """Return the named tasks, ignoring case and punctuation. Commas also separate names.

    Raises:
        UserError: a task is unknown, or there are no names.
    """
    return [find_task(word) for word in _split_words("tasks", given)]


def parse_languages(given: Sequence[str] | str) -> list[Language] | None:
    """Return the named languages; None for "all".

    Raises:
        UserError: a language is unknown, there are no names, or "all" is combined with others.
    """
    words = _split_words("languages", given)
    if "all" in words and len(words) > 1:
        raise UserError(f"languages {' '.join(words)}: all includes the others, so pass it alone")
    return None if words == ["all"] else [resolve(word) for word in words]


def _split_words(what: str, given: Sequence[str] | str) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    words = [word for text in texts for word in text.split(",") if word]
    if not words:
        raise UserError(f"{what} is empty: pass one or more names, or leave it out for the default")
    return words
