"""Languages: their codes in each data set, and language tags."""

from .table import (
    DEFAULT_LANGUAGES,
    LangPair,
    Language,
    find_language,
    languages,
    more_languages,
    resolve,
    split_pair,
)

__all__ = [
    "DEFAULT_LANGUAGES",
    "LangPair",
    "Language",
    "find_language",
    "languages",
    "more_languages",
    "resolve",
    "split_pair",
]
