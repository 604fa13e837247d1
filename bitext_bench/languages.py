"""Which language is meant: one row for each, with the codes the data sets file it under.

Tatoeba and FLORES-200 name many languages differently (`cmn` and `zho_Hans`), and users and
papers name them in further ways. Whatever comes in goes through `resolve` or `LangPair.parse`
once; the rest of the program passes `Language` around and prints its `code`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from .errors import UserError, unknown

# Where a two-letter code covers several languages, both data sets use the code of one of them;
# these are the three-letter codes of the whole, which other lists of languages use.
_ISO_639_3 = {
    "ay": "aym",
    "fa": "fas",
    "kr": "kau",
    "lv": "lav",
    "mg": "mlg",
    "ms": "msa",
    "ne": "nep",
    "om": "orm",
    "or": "ori",
    "ps": "pus",
    "sw": "swa",
}


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

    Takes the codes of ISO 639-1 and 639-3, Tatoeba, FLORES-200 and MTEB, in any letter case.

    >>> [resolve(text).code for text in ("fra", "jpn-Jpan", "cmn", "Korean")]
    ['fr', 'ja', 'zh', 'ko']

    Raises:
        UserError: No language is spelled so; the message has the near misses.
    """
    language = _find(text)
    if language is None:
        # Sorted: of two spellings that differ in letter case only, the same one must always win.
        known = sorted(each for row in languages().values() for each in row.spellings)
        raise unknown("language", text, known)
    return language


def _find(text: str) -> Language | None:
    key = _key(text)
    language = _by_spelling().get(key)
    if language is None and re.fullmatch("[a-z]{3}_[a-z]{4}", key):
        # Of a language that only Tatoeba has, any script is taken: MTEB's is not always that of the sentences.
        tatoeba_only = _by_spelling().get(key[:3])
        language = None if tatoeba_only is None or tatoeba_only.flores else tatoeba_only
    return language


@cache
def _by_spelling() -> Mapping[str, Language]:
    return {_key(text): row for row in languages().values() for text in row.spellings}


def _key(text: str) -> str:
    return text.strip().casefold().replace("-", "_")


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
        """Read `en-ja`, `jpn-eng`, `eng_Latn-kor_Hang` or any two spellings of `resolve`.

        Raises:
            UserError: There are not two languages, or one of them is unknown.
        """
        parts = text.split("-")
        if len(parts) == 2 and all(part.strip() for part in parts):
            return cls(resolve(parts[0]), resolve(parts[1]))
        # With more hyphens, some belong to a language (jpn-Jpan-eng-Latn): try each as the joint.
        for cut in range(1, len(parts)):
            source, target = _find("-".join(parts[:cut])), _find("-".join(parts[cut:]))
            if source and target:
                return cls(source, target)
        raise UserError(f"{text!r} is not a language pair: give two languages joined by a hyphen, like en-ja")

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
