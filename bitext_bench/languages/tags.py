"""Language tags as data sets write them (zh-TW, pt_br, iw, cmn_Hant, sr@latin), read by langcodes."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

# Of no standard, and in use: OPUS's GlobalVoices has the first two, old .NET and translation memories the others.
_ALIASES = {"zhs": "zh-Hans", "zht": "zh-Hant", "zh_chs": "zh-Hans", "zh_cht": "zh-Hant"}
_MODIFIERS = {"latin": "Latn", "latn": "Latn", "cyrillic": "Cyrl", "cyrl": "Cyrl"}  # glibc's, as GNOME and KDE use them
_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_HYPHENATED = re.compile(r"([A-Za-z]{2,3})-([A-Za-z]{2})")


class Tag(NamedTuple):
    """A language tag: the macrolanguage where CLDR uses it (zh for cmn); script, region and variant may be empty."""

    language: str
    script: str = ""
    region: str = ""
    variant: str = ""

    def __str__(self) -> str:
        """Return language, script and region joined by hyphens."""
        return "-".join(part for part in self[:3] if part)


@cache
def read_tag(text: str) -> Tag | None:
    """Return the tag that a text spells, deprecated codes replaced (iw by he); None if it is none.

    >>> [str(read_tag(text)) for text in ("iw", "pt_br", "cmn_Hant", "sr@latin")]
    ['he', 'pt-BR', 'zh-Hant', 'sr-Latn']
    """
    import langcodes  # only for codes that the table of languages lacks
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
    # An invalid region (es-XX) says no less about the language and the script.
    if not langcodes.Language.make(found.language, script=found.script, variants=found.variants).is_valid():
        return None
    script = found.script or _MODIFIERS.get(modifier.casefold(), "")
    variants = [*(found.variants or ()), *([modifier] if modifier.casefold() not in {"", *_MODIFIERS} else [])]
    return Tag(found.language, script, found.territory or "", "-".join(variants))


def likely_script(tag: Tag) -> str:
    """Return the script of a tag, or the one in which its language is most written in its region."""
    import langcodes

    return langcodes.Language.get(str(tag)).maximize().script or ""


def distance(asked: Tag, other: Tag) -> int:
    """Return CLDR's distance of a variant from the one asked for: 0 is as good as the same, 5 another region."""
    import langcodes

    return langcodes.tag_distance(str(asked), str(other))


def is_one_language(text: str) -> bool:
    """Say whether a text is one language, with or without a region (pt-BR, pt-br, fr_ca), not two (fr-ca, en_ja)."""
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
