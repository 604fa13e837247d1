"""The table of languages, with the codes that the data sets use.

Tatoeba and FLORES-200 have different codes for many languages (`cmn` and `zho_Hans`), and users
and papers have more. Input is parsed once, by `resolve` or `LangPair.parse`; the rest of the
program passes `Language` objects and prints their `code`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ..errors import UserError, unknown_name_error
from .tags import Tag, is_one_language, likely_script, read_tag

# Three-letter codes of macrolanguages, which other lists of languages use. Tatoeba and FLORES-200
# use the code of one member language instead.
_ISO_639_3 = {
    "ay": "aym",
    "fa": "fas",
    "kr": "kau",
    "lv": "lav",
    "mg": "mlg",
    "ms": "msa",
    "nb": "nor",
    "ne": "nep",
    "om": "orm",
    "or": "ori",
    "ps": "pus",
    "sw": "swa",
}


# The paper's five languages. All of Tatoeba and FLORES takes hours on a CPU, so it is not the default.
DEFAULT_LANGUAGES = "en,fr,ja,ko,ru"


@dataclass(frozen=True, slots=True)
class Language:
    """A language variety.

    Attributes:
        code: This project's code, used in results and reports.
        tatoeba: Tatoeba's code; empty if the language is not in Tatoeba.
        flores: FLORES-200's code; empty if the language is not in FLORES-200.
        name: The English name.
        script: The ISO 15924 script code from FLORES-200, or from mteb if the language is not in FLORES-200.
    """

    code: str
    tatoeba: str
    flores: str
    name: str
    script: str

    def __str__(self) -> str:
        """Return the code."""
        return self.code

    @property
    def mteb(self) -> str:
        """MTEB's code in Tatoeba, BUCC and STS: `cmn-Hans`, `ara-Arab`."""
        return f"{self.tatoeba or (self.flores or self.code).partition('_')[0]}-{self.script}"

    @property
    def mteb_flores(self) -> str:
        """MTEB's code in FLORES-200: `zho-Hans`, `arb-Arab`. Same as `mteb` if the language is not in FLORES-200."""
        return self.flores.replace("_", "-") or self.mteb

    @property
    def spellings(self) -> frozenset[str]:
        """All spellings that `resolve` accepts for this language; case and `-` or `_` do not matter."""
        if self.code == self.flores:  # the second script: the plain codes mean the first
            return frozenset({self.code, self.name})
        three_letters = self.flores.partition("_")[0]
        codes = {self.code, self.tatoeba, three_letters, _ISO_639_3.get(self.code, "")} - {""}
        with_script = {f"{code}_{self.script}" for code in codes}
        name_without_script = self.name.partition(" (")[0]
        return frozenset(codes | with_script | {self.name, name_without_script})


@cache
def languages() -> Mapping[str, Language]:
    """Return the languages of Tatoeba and FLORES-200 by `code`, sorted."""
    return MappingProxyType({row[0]: Language(*row) for row in _read_table("languages.tsv")})


@cache
def more_languages() -> Mapping[str, Language]:
    """Return the languages that only other tasks of mteb have, by `code`, sorted.

    Some of their codes are words, such as "not" and "row". So the names of files and columns mean these languages only
    with a script ("row_Latn"); `resolve` takes the plain code, too.
    """
    rows = _read_table("more.tsv")
    return MappingProxyType({code: Language(code, "", "", name, script) for code, name, script in rows})


def _read_table(name: str) -> list[list[str]]:
    from importlib import resources  # imported here because it is slow

    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()[1:]]


def resolve(text: str) -> Language:
    """Find a language by its code or English name.

    Accepts ISO 639, Tatoeba, FLORES-200 and MTEB codes, in any case, and tags with a script or region (zh-TW is
    Traditional Chinese, pt_BR is Portuguese). Your own data may also be in a language of ISO 639 that no benchmark has.

    >>> [resolve(text).code for text in ("fra", "jpn-Jpan", "cmn", "Korean", "zh-TW")]
    ['fr', 'ja', 'zh', 'ko', 'zho_Hant']

    Raises:
        UserError: The language is unknown; the message suggests similar names.
    """
    language = _find(text)
    if language is None:
        # Sorted, so that the same one of two spellings that differ only in case is always suggested.
        known = sorted(each for row in languages().values() for each in row.spellings)
        raise unknown_name_error("language", text, known)
    return language


def find_language(text: str) -> Language | None:
    """Return the language of a code that cannot be a pair, such as a JSON key (fr-ca is Canadian French), or None.

    A language that is in no benchmark needs its script here (bar_Latn), since many words are codes of a language.
    """
    key = _key(text)
    language = _by_spelling().get(key) or (_more_by_spelling().get(key) if "_" in key else None)
    if language is None and (tag := read_tag(text)):
        language = _by_tag(tag) or (_any_other(text) if tag.script and not _rows_of().get(tag.language) else None)
    return language


def _find(text: str) -> Language | None:
    """Call `find_language`, but return None for a text that could be a pair (fr-ca)."""
    found = find_language(text) if _key(text) in _by_spelling() or is_one_language(text) else None
    return found or _more_by_spelling().get(_key(text)) or _any_other(text)


def _any_other(text: str) -> Language | None:
    """Return any other language of ISO 639, or another script of one: bar, zgh, sr_Latn. None if there is no such."""
    tag = read_tag(text)
    if tag is None or tag.region or tag.variant:
        return None
    usual = likely_script(Tag(tag.language))
    script = tag.script or usual
    if not script:  # langcodes knows the script of almost every language
        return None
    for row in more_languages().values():  # sr_Latn is mteb's srp_Latn
        if row.script == script and (other := read_tag(row.code)) and other.language == tag.language:
            return row
    in_tables = bool(_rows_of().get(tag.language))
    code = f"{tag.language}_{script}" if in_tables or script != usual else tag.language
    return Language(code, "", "", code, script)


def _by_tag(tag: Tag) -> Language | None:
    """Return the language of a tag, chosen by its script or the usual script of its region."""
    rows = _rows_of().get(tag.language, ())
    if not rows:
        return None
    plain = rows[0]
    script = tag.script or _script_of_region(tag)
    # If only Tatoeba has the language, accept any script: MTEB's script code does not always match the sentences.
    if not script or not plain.flores:
        return plain
    script = {"Kore": "Hang"}.get(script, script)
    return next((row for row in rows if row.script == script), None)


def _script_of_region(tag: Tag) -> str:
    """Return the usual script of a tag's region; "" if it is the usual script of the language."""
    usual, here = likely_script(Tag(tag.language)), likely_script(Tag(tag.language, region=tag.region))
    return here if here != usual else ""


@cache
def _rows_of() -> Mapping[str, tuple[Language, ...]]:
    """Map a tag's language to its rows in the table: the default script first, then its other scripts."""
    rows: dict[str, tuple[Language, ...]] = {}
    for row in sorted(languages().values(), key=lambda row: row.code == row.flores):
        codes = (row.code, row.tatoeba, row.flores, _ISO_639_3.get(row.code, ""))
        tags = {tag.language for code in codes if (tag := read_tag(code)) and not tag.region}
        for language in tags:
            rows[language] = (*rows.get(language, ()), row)
    return MappingProxyType(rows)


@cache
def _by_spelling() -> Mapping[str, Language]:
    return {_key(text): row for row in languages().values() for text in row.spellings}


@cache
def _more_by_spelling() -> Mapping[str, Language]:
    """Map the codes with and without script; names are left out, as some equal a code of another language (Awa)."""
    rows = more_languages().values()
    return {_key(code): row for row in rows for code in (row.code, f"{row.code}_{row.script}")}


def _key(text: str) -> str:
    return text.strip().casefold().replace("-", "_")


def split_pair(text: str) -> tuple[str, str]:
    """Split a pair at the hyphen between its languages: `en-pt-BR` into `en` and `pt-BR`.

    Raises:
        UserError: The text is not two languages.
    """
    parts = text.split("-")
    if len(parts) == 2 and all(part.strip() for part in parts):
        return parts[0], parts[1]
    # With more hyphens, some are part of a code (jpn-Jpan-eng-Latn): try to split at each.
    for cut in range(1, len(parts)):
        source, target = "-".join(parts[:cut]), "-".join(parts[cut:])
        if _find(source) and _find(target):
            return source, target
    raise UserError(f"{text!r} is not a language pair: give two languages joined by a hyphen, like en-ja")


@dataclass(frozen=True, slots=True)
class LangPair:
    """A language pair with a direction: from `source` to `target`."""

    source: Language
    target: Language

    def __str__(self) -> str:
        """Return the two codes, `en-ja`, which `parse` accepts."""
        return f"{self.source}-{self.target}"

    @classmethod
    def parse(cls, text: str) -> LangPair:
        """Parse `en-ja`, `jpn-eng`, `eng_Latn-kor_Hang`, `en-zh-TW` or any two spellings that `resolve` accepts.

        Raises:
            UserError: The text is not two languages, or one of them is unknown.
        """
        source, target = split_pair(text)
        return cls(resolve(source), resolve(target))

    @property
    def reversed(self) -> LangPair:
        """The opposite direction."""
        return LangPair(self.target, self.source)

    @property
    def tatoeba(self) -> str:
        """The pair in Tatoeba's codes, `jpn-eng`.

        Raises:
            ValueError: A language is not in Tatoeba.
        """
        return self._joined("Tatoeba", self.source.tatoeba, self.target.tatoeba)

    @property
    def flores(self) -> str:
        """The pair in FLORES-200's codes, `eng_Latn-kor_Hang`.

        Raises:
            ValueError: A language is not in FLORES-200.
        """
        return self._joined("FLORES-200", self.source.flores, self.target.flores)

    def _joined(self, data_set: str, source: str, target: str) -> str:
        if not source or not target:
            raise ValueError(f"{data_set} has no code for a language of {self}")
        return f"{source}-{target}"
