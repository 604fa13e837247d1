"""Filters that compare the two sides of a pair, or look for characters that are not text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from .normalized import letters, numbers, shorten, split_urls
from .record import Check, CorpusTraits

# A tag with a known beginning, a comment, or an entity. "a < b" and "<3" are text.
_MARKUP = re.compile(
    r"</?[A-Za-z][\w:-]*(?:\s[^<>]*)?/?>|<!--|&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});"
)
# Replacement character, byte order mark within a text, and what Unicode calls noncharacters.
_NEVER_TEXT = frozenset("\ufffd\ufeff\ufffe\uffff")
_NOT_TEXT = frozenset({"Cc", "Co", "Cs"})
# Sides are nearly identical if this share of their letters agrees. Shorter sides must be equal: "Maria" and "Marie".
_SIMILARITY, _SHORTEST_SIMILAR = 0.9, 15
_COMPARED_LETTERS = 10_000  # of each side: the edit distance takes quadratic time
_COMPARED_NUMBERS = 200  # lines with more are tables, and are kept
_AFTER_NOON = re.compile(r"\d\s?p\.?\s?m\b", re.IGNORECASE)
# Largest difference of lengths. The same number of characters is added to both sides, since the lengths of short
# sentences vary more: "Yes." and "Oui, bien sûr."
LONGEST_RATIO, _GRACE = 2.0, 15


def find_empty(source: str, target: str) -> str | None:
    """Return which side has neither a letter nor a digit."""
    for name, text in (("source", source), ("target", target)):
        if not any(map(str.isalnum, text)):
            return f"{name} is blank" if not text.strip() else f"{name} has neither letters nor digits"
    return None


def find_control_characters(source: str, target: str) -> str | None:
    """Return the first character that is not text: control, private use, replacement."""
    for name, text in (("source", source), ("target", target)):
        if text.isascii() and text.isprintable():
            continue
        for character in text:
            if (unicodedata.category(character) in _NOT_TEXT and character != "\t") or character in _NEVER_TEXT:
                return f"{name} has U+{ord(character):04X}"
    return None


def find_markup(source: str, target: str) -> str | None:
    """Return the first HTML or XML tag or entity."""
    for name, text in (("source", source), ("target", target)):
        if found := _MARKUP.search(text):
            return f"{name} has {shorten(found[0])}"
    return None


def find_identical(source: str, target: str) -> str | None:
    """Return how similar the sides are if one seems to be a copy of the other. Case, digits and marks do not count."""
    from rapidfuzz.distance import Levenshtein

    left, right = letters(source)[:_COMPARED_LETTERS], letters(target)[:_COMPARED_LETTERS]
    if not left and not right:
        return "neither side has letters"
    if left == right:
        return "both sides are the same" if source == target else "both sides have the same letters"
    if min(len(left), len(right)) < _SHORTEST_SIMILAR:
        return None
    similarity = Levenshtein.normalized_similarity(left, right, score_cutoff=_SIMILARITY)
    return f"the letters of both sides are {similarity:.0%} the same" if similarity >= _SIMILARITY else None


def prepare_length_ratio(traits: CorpusTraits) -> Check:
    """Return the check of lengths for a corpus."""

    def check(source: str, target: str) -> str | None:
        left, right = len(source.strip()), len(target.strip())
        expected = left * traits.length_ratio
        ratio = (max(expected, right) + _GRACE) / (min(expected, right) + _GRACE)
        if ratio <= LONGEST_RATIO:
            return None
        return f"{left} and {right} characters; usual for {left}: {expected:.0f}"

    return check


def find_number_mismatch(source: str, target: str) -> str | None:
    """Return the numbers of each side that the other side lacks, if both sides have some.

    A number on one side only may be a word on the other.
    """
    left, right = numbers(source), numbers(target)
    if left == right or ("".join(left.plain) == "".join(right.plain) and left.in_names == right.in_names):
        return None
    if max(map(len, (*left, *right))) > _COMPARED_NUMBERS:
        return None
    after_noon = bool(_AFTER_NOON.search(source) or _AFTER_NOON.search(target))
    # A name may be written with a space on the other side: "G-7" and "G 7".
    for kind, extra in (("plain", "in_names"), ("in_names", "plain")):
        sides = getattr(left, kind), getattr(right, kind)
        only_left = _unmatched(sides[0], sides[1], getattr(right, extra), after_noon)
        only_right = _unmatched(sides[1], sides[0], getattr(left, extra), after_noon)
        if only_left and only_right:
            return f"source has {', '.join(only_left)}; target has {', '.join(only_right)}"
    return None


def _unmatched(own: list[str], other: list[str], extra: list[str], after_noon: bool) -> list[str]:
    """Return the numbers of one side that the other lacks.

    If the sides have different counts, one number may match several: "May 5" and "5月5日".
    """
    left, once = [*other], len(own) == len(other)
    found = []
    for number in own:
        match = next((at for at, one in enumerate(left) if _is_same_number(number, one, after_noon)), None)
        if match is None:
            found.append(number)
        elif once:
            del left[match]
    return [number for number in found if number not in extra]


def _is_same_number(number: str, other: str, after_noon: bool) -> bool:
    """Return whether two numbers may be the same: 10 million and 1000万, 1950 and 50, 11 pm and 23 h."""
    if number.rstrip("0") == other.rstrip("0"):
        return True
    short, long = sorted((number, other), key=len)
    same_year = (len(short), len(long)) == (2, 4) and long.endswith(short)
    # An hour may have its minutes: "10.08 pm".
    same_hour = after_noon and len(long) <= 4 and abs(int(number) - int(other)) in (12, 1200)
    return same_year or same_hour


def find_url_mismatch(source: str, target: str) -> str | None:
    """Return the hosts of URLs and mail addresses that only one side has. Paths and subdomains may be translated."""
    left, right = Counter(split_urls(source)[1]), Counter(split_urls(target)[1])
    if left == right:
        return None
    sides = {"source": left - right, "target": right - left}
    return "; ".join(f"only {name} has {', '.join(hosts)}" for name, hosts in sides.items() if hosts)
