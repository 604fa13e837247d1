"""Language tags as data sets spell them (zh-TW, pt_br, iw, cmn_Hant, sr@latin), parsed with langcodes."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

# In use but not in any standard: the first two in OPUS's GlobalVoices, the others in old .NET and translation memories.
_ALIASES = {"zhs": "zh-Hans", "zht": "zh-Hant", "zh_chs": "zh-Hans", "zh_cht": "zh-Hant"}
_MODIFIERS = {"latin": "Latn", "latn": "Latn", "cyrillic": "Cyrl", "cyrl": "Cyrl"}  # glibc's, as GNOME and KDE use them
_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_HYPHENATED = re.compile(r"([A-Za-z]{2,3})-([A-Za-z]{2})")


class Tag(NamedTuple):
    """A language tag, with the macrolanguage if CLDR uses it (zh for cmn). Script, region and variant may be empty."""

    language: str
    script: str = ""
    region: str = ""
    variant: str = ""

    def __str__(self) -> str:
        """Return language, script and region joined by hyphens."""
        return "-".join(part for part in self[:3] if part)


@cache
def read_tag(text: str) -> Tag | None:
    """Parse a tag, replacing deprecated codes (iw by he). Return None if the text is not a tag.

    >>> [str(read_tag(text)) for text in ("iw", "pt_br", "cmn_Hant", "sr@latin")]
    ['he', 'pt-BR', 'zh-Hant', 'sr-Latn']
    """
    import langcodes  # slow; needed only for codes that are not in the table of languages
    from langcodes.tag_parser import LanguageTagError

    code, _, modifier = text.strip().partition("@")
    code = _ALIASES.get(code.casefold().replace("-", "_"), code)
    if not _TAG.fullmatch(code):
        return None
    try:
        found = langcodes.Language.get(code).prefer_macrolanguage()
    except LanguageTagError:
        return None
    if found.language is None or found.extlangs or found.extensions or found.private:
        return None
    # An invalid region (es-XX) is accepted: language and script are still known.
    if not langcodes.Language.make(found.language, script=found.script, variants=found.variants).is_valid():
        return None
    script = found.script or _MODIFIERS.get(modifier.casefold(), "")
    variants = [*(found.variants or ()), *([modifier] if modifier.casefold() not in {"", *_MODIFIERS} else [])]
    return Tag(found.language, script, found.territory or "", "-".join(variants))


def likely_script(tag: Tag) -> str:
    """Return the script of a tag, or the usual script of its language in its region."""
    import langcodes

    return langcodes.Language.get(str(tag)).maximize().script or ""


def distance(asked: Tag, other: Tag) -> int:
    """Return CLDR's distance between two tags: 0 for equivalent ones, 5 for another region."""
    import langcodes

    return langcodes.tag_distance(str(asked), str(other))


def is_one_language(text: str) -> bool:
    """Return whether a text is one language, such as pt-BR, pt-br or fr_ca, and not a pair, such as fr-ca or en_ja."""
    import langcodes

    tag = read_tag(text)
    if tag is None or not tag.region:
        return tag is not None
    place = langcodes.Language.get(f"und-{tag.region}")
    match = _HYPHENATED.fullmatch(text.strip())
    if match is None:
        return place.is_valid()
    by_case = match[1].islower() and match[2].isupper()
    return place.is_valid() and (by_case or place.maximize().language == tag.language)
