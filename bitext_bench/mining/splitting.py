"""Divide a document into sentences with sentencex, Wikimedia's splitter for about 300 languages."""

from __future__ import annotations

import importlib
import importlib.util
import re
from functools import cache
from importlib.metadata import version
from typing import Any

from ..errors import UserError, install_hint
from ..languages import Language
from ..languages.tags import read_tag

# A long document is read in windows, since one unpaired quotation mark would join all sentences that follow it, and
# since the time grows with the square of the length. A window without any end of a sentence is doubled up to a limit.
_WINDOW, _LONGEST_WINDOW = 1_000, 8_000
# Some versions of sentencex stop at ideographic spaces and line separators after a capital and a period.
_OTHER_SPACE = re.compile(r"[^\S ]")


def check_splitter() -> str:
    """Return name and version of the splitter.

    Raises:
        UserError: it is not installed.
    """
    if importlib.util.find_spec("sentencex") is None:
        raise UserError(f"--split-sentences needs the package sentencex: {install_hint('mine')}")
    return f"sentencex {version('sentencex')}"


def split_sentences(text: str, language: Language) -> list[str]:
    """Return the sentences of a text, without the spaces around them."""
    code, plain = _code(language.code), _OTHER_SPACE.sub(" ", text)
    found, at, window = [], 0, _WINDOW
    while at < len(text):
        piece = plain[at : at + window]
        lengths = [len(part) for part in _splitter().segment(code, piece)]
        rest = at + window < len(text)
        if rest and len(lengths) == 1 and window < _LONGEST_WINDOW:
            window *= 2
            continue
        if rest and len(lengths) > 1:
            lengths.pop()  # it may go on in the next window
        for length in lengths:
            found.append(text[at : at + length].strip())
            at += length
        window = _WINDOW
    return [sentence for sentence in found if sentence]


@cache
def _splitter() -> Any:  # noqa: ANN401 (an optional package)
    return importlib.import_module("sentencex")


@cache
def _code(code: str) -> str:
    tag = read_tag(code)
    return tag.language if tag is not None else code
