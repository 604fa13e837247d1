"""Find a subset by its languages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from ..errors import UserError
from ..languages import Language, find_language, resolve, split_pair
from ..results.records import SubsetResult


def find_subset(name: object, subsets: Sequence[SubsetResult]) -> str | None:
    """Return the name of the subset in the languages of a pair or a single language.

    None if there is no such subset, or several.
    """
    for wanted in _readings(name) if isinstance(name, str) else ():
        for order in (wanted, wanted[::-1]):
            found = [subset.subset for subset in subsets if _languages_of(subset) == order]
            if found:
                return found[0] if len(found) == 1 else None
    return None


def _languages_of(subset: SubsetResult) -> tuple[Language | None, ...]:
    return tuple(dict.fromkeys(map(find_language, subset.languages)))


def _readings(name: str) -> Iterator[tuple[Language, ...]]:
    """Yield the languages of a name: those of a pair, and a single one, since en-fr could also be English in France."""
    with suppress(UserError):
        yield tuple(dict.fromkeys(map(resolve, split_pair(name))))
    if language := find_language(name):
        yield (language,)
