"""Choose among the variants of a language (pt-BR, pt-PT) in the names and records of a file.

The requested variant comes first, then a code without a region, then the nearest by CLDR's distance: pt-BR for pt,
en-US for en. If a variant's text is empty, the next variant is used. Scripts are never mixed: zh-TW is not read for
zh-CN, as they are two languages in `languages`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache

from ..languages import Language, find_language
from ..languages.tags import Tag, distance, read_tag

# In the keys and columns of data sets: sentence_eng_Latn, en_sentence.
_SENTENCE = re.compile(r"^(?:sentence|text)_|_(?:sentence|text)$")


def tag_of(code: str, language: Language) -> Tag:
    """Return the tag of a language's code or name, without the script, which `language` determines."""
    code = _code(code)
    tag = read_tag(code) if find_language(code) == language else None
    tag = tag or read_tag(str(language)) or Tag(str(language))
    return tag._replace(script="")


@cache
def variant_distance(code: str, language: Language, asked: str) -> tuple[bool, bool, bool, int]:
    """Return a sort key for the distance between a code and the requested one; smaller is nearer."""
    tag, wanted = tag_of(code, language), tag_of(asked, language)
    regional = bool(tag.region or tag.variant)
    script = language.script if language.code == language.flores else ""
    apart = distance(wanted._replace(script=script), tag._replace(script=script))
    return tag != wanted, tag.language != wanted.language, regional, apart


@cache
def variants_of(codes: tuple[str, ...], language: Language, asked: str) -> tuple[str, ...]:
    """Return the codes that mean a language, the nearest to the requested one first."""
    name = str(language).casefold()
    own = [
        code
        for code in codes
        if find_language(_code(code)) == language or _code(code).casefold().replace("-", "_") == name
    ]
    return tuple(sorted(own, key=lambda code: (variant_distance(code, language, asked), code)))


@cache
def _other_scripts(codes: tuple[str, ...], language: Language) -> tuple[str, ...]:
    """Return the codes that mean the language in another script."""
    own = read_tag(str(language))
    tags = {code: read_tag(_code(code)) for code in codes if find_language(_code(code)) != language}
    return tuple(code for code, tag in tags.items() if own and tag and tag.language == own.language)


def _code(key: str) -> str:
    return _SENTENCE.sub("", key)


class VariantChooser:
    """Chooses the text of one language in each record of a file, and counts its choices.

    Args:
        language: the language to read.
        asked: the requested code, "pt" or "pt_PT".
    """

    def __init__(self, language: Language, asked: str) -> None:
        self.language = language
        self._asked = asked
        self._rows: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._others: set[str] = set()

    def has(self, record: Mapping[str, object]) -> bool:
        """Return whether a key of the record means the language."""
        return bool(variants_of(tuple(record), self.language, self._asked))

    def text(self, record: Mapping[str, object]) -> object:
        """Return the first non-empty text in order of variants; if all are empty, the first variant's value."""
        return record[self.choose(record)]

    def choose(self, record: Mapping[str, object]) -> str:
        """Return the code of the variant that `text` returns."""
        codes = variants_of(tuple(record), self.language, self._asked)
        self._seen.update(codes)
        self._others.update(_other_scripts(tuple(record), self.language))
        texts = (code for code in codes if isinstance(value := record[code], str) and value.strip())
        chosen = next(texts, codes[0])
        self._rows[chosen] += 1
        return chosen

    @property
    def n_chosen(self) -> int:
        """Number of records that named the language; the others have columns or keys in a given order."""
        return self._rows.total()

    def report(self, named: str) -> str:
        """Report a choice, or a variant that was not requested: "pt rows by variant: pt-BR 90, pt-PT 2"; else "".

        Args:
            named: the language's code in the file's name, used if the records have no codes.
        """
        wanted = tag_of(self._asked, self.language)
        seen = self._seen or {named}
        tags = {tag_of(code, self.language) for code in seen}
        if not self._others and (tags == {wanted} or (len(tags) == 1 and not wanted.region)):
            return ""
        if not self._seen:
            return f"{named} is read because there is no {self._asked}"
        rows = {code: self._rows[code] for code in sorted(seen, key=lambda code: (-self._rows[code], code))}
        return f"{self._asked} rows by variant: " + ", ".join(
            [f"{code} {count:,}" for code, count in rows.items()]
            + [f"{code} left out: another script" for code in sorted(self._others)]
        )
