"""All filters, in the order in which they are applied, and the names that select them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from ...errors import UserError, install_hint, unknown_name_error
from ...languages import LangPair
from .contents import (
    find_control_characters,
    find_empty,
    find_identical,
    find_markup,
    find_number_mismatch,
    find_url_mismatch,
    prepare_length_ratio,
)
from .duplicates import N_BANDS, band_keys, exact_keys, is_near, is_same
from .language import prepare_language
from .record import AnyFilter, Check, CorpusTraits, DuplicateFilter, PairFilter


def _for_any_corpus(check: Check) -> Callable[[CorpusTraits], Check]:
    return lambda traits: check


# Cheap filters come first: a pair is counted for the first filter that drops it.
FILTERS: tuple[AnyFilter, ...] = (
    PairFilter(
        name="empty",
        drops="a side is blank, or has neither letters nor digits",
        prepare=_for_any_corpus(find_empty),
    ),
    PairFilter(
        name="control-characters",
        drops="a side has control or private-use characters, or U+FFFD from a failed conversion",
        prepare=_for_any_corpus(find_control_characters),
    ),
    PairFilter(
        name="markup",
        drops="a side has HTML or XML tags or entities",
        prepare=_for_any_corpus(find_markup),
    ),
    PairFilter(
        name="identical",
        drops="the sides have the same letters, or at least 90 % of them (case, digits and punctuation do not count)",
        prepare=_for_any_corpus(find_identical),
        needs="rapidfuzz",
    ),
    PairFilter(
        name="length-ratio",
        drops="one side is more than twice as long as usual for the other, in characters",
        prepare=prepare_length_ratio,
    ),
    PairFilter(
        name="numbers",
        drops="each side has a number that the other lacks",
        prepare=_for_any_corpus(find_number_mismatch),
    ),
    PairFilter(
        name="urls",
        drops="the URLs or mail addresses of the sides differ in number or domain",
        prepare=_for_any_corpus(find_url_mismatch),
    ),
    PairFilter(
        name="language",
        drops="a side is in another language than --pair says",
        prepare=prepare_language,
        needs="py3langid",
    ),
    DuplicateFilter(
        name="duplicates",
        drops="a side has the same letters and digits as that side of an earlier pair",
        repeats="repeats",
        n_keys=1,
        keys=exact_keys,
        similar=is_same,
    ),
    DuplicateFilter(
        name="near-duplicates",
        drops="a side shares 85 % of its character 4-grams with that side of an earlier pair (MinHash)",
        repeats="nearly repeats",
        n_keys=N_BANDS,
        keys=band_keys,
        similar=is_near,
        needs="datasketch",
    ),
)
NAMES = tuple(one.name for one in FILTERS)


def parse_filters(text: str) -> tuple[AnyFilter, ...]:
    """Return the filters that a list of names selects, in the order in which they are applied.

    Args:
        text: "all", "none", names separated by commas, or "all" with names to leave out: "all,-near-duplicates".

    Raises:
        UserError: a name is unknown, the first name is left out, or the package of a filter is not installed.
    """
    words = [word for part in text.split(",") if (word := part.strip())]
    if words and words[0].startswith("-"):
        raise UserError(f"--filters {text}: nothing is chosen to leave {words[0][1:]} out of; pass all,{text.strip()}")
    chosen: set[str] = set()
    for word in words:
        name = word.removeprefix("-")
        if name not in (*NAMES, "all", "none"):
            raise unknown_name_error("filter", name, NAMES, f"one of: all, none, {', '.join(NAMES)}")
        named = {"all": set(NAMES), "none": set[str]()}.get(name, {name})
        chosen = chosen - named if word.startswith("-") else chosen | named
    found = tuple(one for one in FILTERS if one.name in chosen)
    for one in found:
        if one.needs and importlib.util.find_spec(one.needs) is None:
            raise UserError(f"the filter {one.name} needs the package {one.needs}: {install_hint('mine')}")
    return found


def check_filters(filters: tuple[AnyFilter, ...], pair: LangPair | None) -> None:
    """Check that filters can be applied, before hours of work.

    Raises:
        UserError: a filter cannot be applied to these languages.
    """
    for one in filters:
        if isinstance(one, PairFilter):
            one.prepare(CorpusTraits(pair, 1.0))
