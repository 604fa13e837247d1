"""Names of tasks and languages, which mean the same to every command and in Python."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UserError
from ..languages import Language, resolve
from . import Task, find_task


def parse_tasks(given: Sequence[str] | str) -> list[Task]:
    """Return the tasks named, whatever the case and punctuation; commas separate names, too.

    Raises:
        UserError: there is no such task, or none is named.
    """
    return [find_task(word) for word in _split_words("tasks", given)]


def parse_languages(given: Sequence[str] | str) -> list[Language] | None:
    """Return the languages named; None for "all".

    Raises:
        UserError: there is no such language, none is named, or others beside "all".
    """
    words = _split_words("languages", given)
    if "all" in words and len(words) > 1:
        raise UserError(f"languages {' '.join(words)}: all has to stand alone, as it has the others in it")
    return None if words == ["all"] else [resolve(word) for word in words]


def _split_words(what: str, given: Sequence[str] | str) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    words = [word for text in texts for word in text.split(",") if word]
    if not words:
        raise UserError(f"{what}: nothing is named: leave it out for the default, or name what is wanted")
    return words
