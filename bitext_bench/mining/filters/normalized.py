"""Reduced forms of a text that filters compare: its letters, its numbers, its URLs."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

# A scheme or "www.", then all but spaces, quotes and CJK text; or a mail address.
_URL = re.compile(r"(?:https?://|ftp://|www\.)[^\s<>\"'()\[\]、。，　-鿿가-힣]+", re.IGNORECASE)
_MAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
# Digits with separators between them: 1,000 and 1.5. Those of a name follow a Latin letter: COVID-19, MP3; not 14h30.
_NUMBER = re.compile(r"((?<!\d)[A-Za-z]-?)?(\d+(?:[.,'’]\d+)*)")
# Chinese, Japanese and Korean count in ten thousands: 1万3200 is 13,200, and 150万 is 1,500,000.
_MYRIADS = re.compile(r"(\d{1,4})[万萬만](\d{1,4})")
_SPACED = re.compile(r"(?<=\d)[\u00a0\u202f\u2009 ](?=\d{3}(?!\d))")
_SHORT = 40


def normalize_text(text: str) -> str:
    """Return a text in compatibility form (NFKC), without case and repeated spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def letters(text: str) -> str:
    """Return the letters of a text, without case."""
    return "".join(filter(str.isalpha, unicodedata.normalize("NFKC", text).casefold()))


def letters_and_digits(text: str) -> str:
    """Return the letters and digits of a text, without case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


class Numbers(NamedTuple):
    """The digits of the numbers in a text, without separators and leading zeros."""

    plain: list[str]
    in_names: list[str]


def numbers(text: str) -> Numbers:
    """Return the numbers in a text; not those in URLs, and no zeros.

    >>> numbers("1,500 of 30.5, and 007 with COVID-19")
    Numbers(plain=['1500', '305', '7'], in_names=['19'])
    """
    plain = _SPACED.sub("", unicodedata.normalize("NFKC", split_urls(text)[0]))
    plain = _MYRIADS.sub(lambda found: f"{found[1]}{found[2]:>04}", plain)
    found = Numbers([], [])
    for letter, number in _NUMBER.findall(plain):
        digits = "".join(str(unicodedata.decimal(digit)) for digit in number if digit.isdecimal()).lstrip("0")
        if digits:
            (found.in_names if letter else found.plain).append(digits)
    return found


def split_urls(text: str) -> tuple[str, list[str]]:
    """Return a text without URLs and mail addresses, and their hosts without subdomains.

    >>> split_urls("see https://en.wikipedia.org/wiki/Cat or ask a@mail.example.com")
    ('see   or ask  ', ['wikipedia.org', 'example.com'])
    """
    if "@" not in text and "//" not in text and "www." not in text.casefold():
        return text, []
    hosts = [_domain(re.sub(r"^\w+://", "", url).split("/")[0].split("?")[0]) for url in _URL.findall(text)]
    rest = _URL.sub(" ", text)
    hosts += [_domain(host) for host in _MAIL.findall(rest)]
    return _MAIL.sub(" ", rest), hosts


def _domain(host: str) -> str:
    return ".".join(host.casefold().partition(":")[0].strip(".,;!?…").split(".")[-2:])


def shorten(text: str) -> str:
    """Return the beginning of a text, for a reason."""
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"
