"""Which language is meant: one row for each, with the codes the data sets file it under.

Tatoeba and FLORES-200 name many languages differently (`cmn` and `zho_Hans`), and users and
papers name them in further ways. Whatever comes in goes through `resolve` or `LangPair.parse`
once; the rest of the program passes `Language` around and prints its `code`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ..errors import UserError, unknown_name_error
from .tags import Tag, is_one_language, likely_script, read_tag

# Where a two-letter code covers several languages, both data sets use the code of one of them;
# these are the three-letter codes of the whole, which other lists of languages use.
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


# The paper's five; encoding all of Tatoeba and FLORES takes hours on a CPU and has to be asked for.
DEFAULT_LANGUAGES = "en,fr,ja,ko,ru"


@dataclass(frozen=True, slots=True)
class Language:
    """A language variety.

    Attributes:
        code: our own, the one spelling that reports use.
        tatoeba: Tatoeba's code; empty where Tatoeba lacks the language.
        flores: FLORES-200's code; empty where FLORES-200 lacks the language.
        name: in English.
        script: ISO 15924's code of the script, as in FLORES-200; where that lacks the language, as in mteb.
    """

    code: str
    tatoeba: str
    flores: str
    name: str
    script: str

    def __str__(self) -> str:
        """Return the code, the one spelling that results and reports use."""
        return self.code

    @property
    def mteb(self) -> str:
        """MTEB's code in Tatoeba, BUCC and STS: `cmn-Hans`, `ara-Arab`."""
        return f"{self.tatoeba or self.flores.partition('_')[0]}-{self.script}"

    @property
    def mteb_flores(self) -> str:
        """MTEB's code in FLORES-200, where some differ: `zho-Hans`, `arb-Arab`; as `mteb` where FLORES-200 has none."""
        return self.flores.replace("_", "-") or self.mteb

    @property
    def spellings(self) -> frozenset[str]:
        """Everything `resolve` takes for this language, but for letter case and `-` for `_`."""
        if self.code == self.flores:  # the second script: the plain codes mean the first
            return frozenset({self.code, self.name})
        three_letters = self.flores.partition("_")[0]
        codes = {self.code, self.tatoeba, three_letters, _ISO_639_3.get(self.code, "")} - {""}
        with_script = {f"{code}_{self.script}" for code in codes}
        name_without_script = self.name.partition(" (")[0]
        return frozenset(codes | with_script | {self.name, name_without_script})


@cache
def languages() -> Mapping[str, Language]:
    """Return all languages under their `code`, in the order of the codes."""
    from importlib import resources  # here, as it takes longer to import than this whole module

    text = resources.files(__package__).joinpath("languages.tsv").read_text(encoding="utf-8")
    rows = (Language(*line.split("\t")) for line in text.splitlines()[1:])
    return MappingProxyType({row.code: row for row in rows})


def resolve(text: str) -> Language:
    """Find the language that a code or an English name stands for.

    Takes the codes of ISO 639, Tatoeba, FLORES-200 and MTEB, in any letter case, and tags with a script or a region
    (zh-TW is Traditional Chinese, pt_BR Portuguese).

    >>> [resolve(text).code for text in ("fra", "jpn-Jpan", "cmn", "Korean", "zh-TW")]
    ['fr', 'ja', 'zh', 'ko', 'zho_Hant']

    Raises:
        UserError: No language is spelled so; the message has the near misses.
    """
    language = _find(text)
    if language is None:
        # Sorted: of two spellings that differ in letter case only, the same one must always win.
        known = sorted(each for row in languages().values() for each in row.spellings)
        raise unknown_name_error("language", text, known)
    return language


def find_language(text: str) -> Language | None:
    """Return the language of a code that cannot be a pair, such as a key or an attribute (fr-ca); None if unknown."""
    language = _by_spelling().get(_key(text))
    if language is None and (tag := read_tag(text)):
        language = _by_tag(tag)
    return language


def _find(text: str) -> Language | None:
    """Return what `find_language` does, but None for a text that may be meant as a pair (fr-ca)."""
    return find_language(text) if _key(text) in _by_spelling() or is_one_language(text) else None


def _by_tag(tag: Tag) -> Language | None:
    """Return the row of a tag: the script decides, or the one that is usual in the region."""
    rows = _rows_of().get(tag.language, ())
    if not rows:
        return None
    plain = rows[0]
    script = tag.script or _script_of_region(tag)
    # Of a language that only Tatoeba has, any script is taken: MTEB's is not always that of the sentences.
    if not script or not plain.flores:
        return plain
    script = {"Kore": "Hang"}.get(script, script)
    return next((row for row in rows if row.script == script), None)


def _script_of_region(tag: Tag) -> str:
    """Return the script that is usual in a tag's region; "" where it is the usual one of the language."""
    usual, here = likely_script(Tag(tag.language)), likely_script(Tag(tag.language, region=tag.region))
    return here if here != usual else ""


@cache
def _rows_of() -> Mapping[str, tuple[Language, ...]]:
    """Return the rows of each language of a tag: first the one that the bare code means, then its other scripts."""
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


def _key(text: str) -> str:
    return text.strip().casefold().replace("-", "_")


def split_pair(text: str) -> tuple[str, str]:
    """Return the two spellings that a hyphen joins: of `en-pt-BR`, `en` and `pt-BR`.

    Raises:
        UserError: There are not two languages.
    """
    parts = text.split("-")
    if len(parts) == 2 and all(part.strip() for part in parts):
        return parts[0], parts[1]
    # With more hyphens, some belong to a language (jpn-Jpan-eng-Latn): try each as the joint.
    for cut in range(1, len(parts)):
        source, target = "-".join(parts[:cut]), "-".join(parts[cut:])
        if _find(source) and _find(target):
            return source, target
    raise UserError(f"{text!r} is not a language pair: give two languages joined by a hyphen, like en-ja")


@dataclass(frozen=True, slots=True)
class LangPair:
    """A direction: sentences in `source` look for their translation in `target`."""

    source: Language
    target: Language

    def __str__(self) -> str:
        """Return the two codes, `en-ja`, which `parse` reads back."""
        return f"{self.source}-{self.target}"

    @classmethod
    def parse(cls, text: str) -> LangPair:
        """Read `en-ja`, `jpn-eng`, `eng_Latn-kor_Hang`, `en-zh-TW` or any two spellings of `resolve`.

        Raises:
            UserError: There are not two languages, or one of them is unknown.
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
            ValueError: One of the languages is not in Tatoeba.
        """
        return self._joined("Tatoeba", self.source.tatoeba, self.target.tatoeba)

    @property
    def flores(self) -> str:
        """The pair in FLORES-200's codes, `eng_Latn-kor_Hang`.

        Raises:
            ValueError: One of the languages is not in FLORES-200.
        """
        return self._joined("FLORES-200", self.source.flores, self.target.flores)

    def _joined(self, data_set: str, source: str, target: str) -> str:
        if not source or not target:
            raise ValueError(f"{data_set} has no code for a language of {self}")
        return f"{source}-{target}"
