"""Identify the language of each side with py3langid, a maintained fork of langid.py (Lui and Baldwin 2012)."""

from __future__ import annotations

import importlib
from functools import cache, lru_cache, partial
from typing import Any

from ...errors import UserError
from ...io.terminal import say
from ...languages import Language
from ...languages.tags import Tag, likely_script, read_tag
from .record import Check, CorpusTraits

# Another language must be e^10 (22,000) times as likely as the expected one. Short sentences of the right language
# rarely reach this (0 of 1,000 in five languages of Tatoeba), and most sentences of another language do.
LEAST_EVIDENCE = 10.0
# Varieties that the model takes for each other.
_RELATED = (
    {"hr", "bs", "sr"},
    {"no", "nb", "nn"},
    {"id", "ms"},
    {"zh", "yue", "wuu"},
    {"ar", "arz", "ary"},
    {"tr", "crh"},
)
_SEVERAL_SCRIPTS = {"zh", "sr"}  # the model knows other languages in their usual script only
_NO_LANGUAGE = "zxx"  # label of texts such as codes, which the other filters judge
_FEWEST_LETTERS = 4  # in a text whose language is identified


@lru_cache(maxsize=1)
def _identifier() -> Any:  # noqa: ANN401 (an optional package)
    langid = importlib.import_module("py3langid.langid")
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=False)


def prepare_language(traits: CorpusTraits) -> Check:
    """Return the check of both languages.

    Raises:
        UserError: the languages are not given, or the model knows neither.
    """
    if traits.pair is None:
        raise UserError(
            'the filter language needs to know the languages: pass --pair fr-en (pair="fr-en" in Python), or leave it '
            "out"
        )
    known = set(_identifier().labels)
    sides = {"source": _labels(traits.pair.source), "target": _labels(traits.pair.target)}
    expected = {name: labels & known for name, labels in sides.items() if labels & known}
    if not expected:
        raise UserError(
            f"the filter language knows neither {traits.pair.source} nor {traits.pair.target}: leave it out"
        )
    for name in sides.keys() - expected.keys():
        _note_unknown(name, str(traits.pair.source if name == "source" else traits.pair.target))
    return partial(_find_other_language, expected)


@cache  # once for each language
def _note_unknown(side: str, language: str) -> None:
    say(f"note: the filter language does not know {language}, and does not check the {side}")


def _labels(language: Language) -> set[str]:
    """Return the labels of a language and of those that are hard to distinguish from it; none for an unusual script."""
    tag = read_tag(language.code)
    if tag is None:
        return {language.code}
    usual = likely_script(Tag(tag.language))
    if tag.script not in ("", usual) and tag.language not in _SEVERAL_SCRIPTS:
        return set()
    return {tag.language}.union(*(group for group in _RELATED if tag.language in group))


def _find_other_language(expected: dict[str, set[str]], source: str, target: str) -> str | None:
    for name, text in (("source", source), ("target", target)):
        if name not in expected or sum(map(str.isalpha, text)) < _FEWEST_LETTERS:
            continue
        scores = {label: score for label, score in _identifier().rank(text) if label != _NO_LANGUAGE}
        found = max(scores, key=lambda label: scores[label])
        if scores[found] - max(scores[label] for label in expected[name]) > LEAST_EVIDENCE:
            return f"{name} looks like {found}"
    return None
