"""Which variant of a language is read where data have several (pt-BR and pt-PT): one rule for file names and records.

The script decides first: zh-TW is not read for zh-CN, as they are two languages in `languages`. Of the others the
variant asked for comes first, then the one without a region, then the nearest by CLDR's distance: for pt that is pt-BR,
for en en-US. An empty text is passed over for the next variant's. Whatever was chosen among several is reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache

from bitext_bench.languages import Language, find_language
from bitext_bench.languages.tags import Tag, distance, read_tag


def tag_of(code: str, language: Language) -> Tag:
    """Return the tag of a code or name of a language, without its script, which the language has already decided."""
    tag = read_tag(code) if find_language(code) == language else None
    tag = tag or read_tag(str(language)) or Tag(str(language))
    return tag._replace(script="")


@cache
def variant_distance(code: str, language: Language, asked: str) -> tuple[bool, bool, bool, int]:
    """Return how far a code of a language is from the code that was asked for; smaller is nearer."""
    tag, wanted = tag_of(code, language), tag_of(asked, language)
    regional = bool(tag.region or tag.variant)
    script = language.script if language.code == language.flores else ""
    apart = distance(wanted._replace(script=script), tag._replace(script=script))
    return tag != wanted, tag.language != wanted.language, regional, apart


@cache
def variants_of(codes: tuple[str, ...], language: Language, asked: str) -> tuple[str, ...]:
    """Return those of some codes that mean a language, the nearest to the one asked for first."""
    own = [code for code in codes if find_language(code) == language]
    return tuple(sorted(own, key=lambda code: (variant_distance(code, language, asked), code)))


@cache
def _other_scripts(codes: tuple[str, ...], language: Language) -> tuple[str, ...]:
    """Return those of some codes that mean the language in another script."""
    own = read_tag(str(language))
    tags = {code: read_tag(code) for code in codes if find_language(code) != language}
    return tuple(code for code, tag in tags.items() if own and tag and tag.language == own.language)


class VariantChooser:
    """Chooses the text of one language from each record of a file, and counts what it chose.

    Args:
        language: whose text is read.
        asked: the code that was asked for, "pt" or "pt_PT".
    """

    def __init__(self, language: Language, asked: str) -> None:
        self.language = language
        self._asked = asked
        self._rows: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._others: set[str] = set()

    def has(self, record: Mapping[str, object]) -> bool:
        """Say whether a key of the record means the language."""
        return bool(variants_of(tuple(record), self.language, self._asked))

    def text(self, record: Mapping[str, object]) -> object:
        """Return the first variant's text that is not empty; if all are, the first variant's value."""
        codes = variants_of(tuple(record), self.language, self._asked)
        self._seen.update(codes)
        self._others.update(_other_scripts(tuple(record), self.language))
        texts = (code for code in codes if isinstance(value := record[code], str) and value.strip())
        chosen = next(texts, codes[0])
        self._rows[chosen] += 1
        return record[chosen]

    def report(self, named: str) -> str:
        """Say what was read if there was a choice, or if it was not asked for: "pt rows by variant: pt-BR 90, pt-PT 2".

        Args:
            named: the language's code in the file's name, which counts where the records say nothing.
        """
        wanted = tag_of(self._asked, self.language)
        seen = self._seen or {named}
        tags = {tag_of(code, self.language) for code in seen}
        if not self._others and (tags == {wanted} or (len(tags) == 1 and not wanted.region)):
            return ""
        if not self._seen:
            return f"{named} is read, as there is no {self._asked}"
        rows = {code: self._rows[code] for code in sorted(seen, key=lambda code: (-self._rows[code], code))}
        return f"{self._asked} rows by variant: " + ", ".join(
            [f"{code} {count:,}" for code, count in rows.items()]
            + [f"{code} left out as another script" for code in sorted(self._others)]
        )
