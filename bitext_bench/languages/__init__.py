"""Languages: one table of their codes, and one rule for tags."""

from .table import DEFAULT_LANGUAGES, LangPair, Language, find_language, languages, resolve, split_pair

__all__ = ["DEFAULT_LANGUAGES", "LangPair", "Language", "find_language", "languages", "resolve", "split_pair"]
