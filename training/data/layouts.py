"""File names of training pairs: recognize the layouts listed in `corpora`, and the languages in a name.

A name may hold a variant of a language (pt-BR, pt-PT). The requested variant comes first, then a code without a region,
then the nearest by CLDR's distance: pt-BR for pt, en-US for en. If a variant's text is empty, the next variant is used.
Each choice is reported. Scripts are never mixed: zh-TW is not read for zh-CN, as they are two languages in `languages`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePath
from typing import NamedTuple

from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, Language, find_language, split_pair
from bitext_bench.languages.tags import Tag, distance, read_tag

_TABLE = re.compile(r"(?P<pair>[^.]+)\.(?:parquet|(?:tsv|jsonl|tmx)(?:\.gz)?)")
_TRAIN = re.compile(r"train\.(?:parquet|(?:tsv|jsonl|tmx)(?:\.gz)?)")
_SHARD = re.compile(r"train-\d+-of-\d+\.parquet")
_MOSES = re.compile(r"(?:(?P<stem>.+)\.)?(?P<pair>[^.]+)\.(?P<side>(?!gz$)[^.]+)(?P<gz>\.gz)?")


class PairFiles(NamedTuple):
    """The files of one layout for a pair.

    Attributes:
        stem: the prefix before the languages in the name of a Moses file; "" in other layouts.
        name: the languages in the files' spelling, "pt_BR-en".
        codes: the codes of the pair's source and target, ("en", "pt_BR").
        swapped: whether the files have the pair's target first.
        files: two in the Moses layout, in the order of the name; all shards of a sharded parquet file.
    """

    stem: str
    name: str
    codes: tuple[str, str]
    swapped: bool
    files: tuple[Path, ...]


def files_of(folder: Path, pair: LangPair) -> list[PairFiles]:
    """Return the files of each layout for a pair, in either order, directly in a directory.

    Raises:
        UserError: the directory cannot be read, a Moses file has no counterpart, or shards are missing.
    """
    found: list[PairFiles] = []

    def add(stem: str, name: str, files: tuple[Path, ...]) -> None:
        codes, swapped = _codes(name, pair) or (("", ""), False)
        found.append(PairFiles(stem, name, codes, swapped, files))

    for entry in list_folder(folder):
        if entry.is_dir():
            if _codes(entry.name, pair):
                inside = list_folder(entry)
                for file in inside:
                    if _TRAIN.fullmatch(file.name):
                        add("", entry.name, (file,))
                if shards := tuple(file for file in inside if _SHARD.fullmatch(file.name)):
                    add("", entry.name, _all_shards(shards))
        elif (match := _TABLE.fullmatch(entry.name)) and _codes(match["pair"], pair):
            add("", match["pair"], (entry,))
        elif (match := _MOSES.fullmatch(entry.name)) and _codes(match["pair"], pair) and (twin := _twin(entry, match)):
            add(match["stem"] or "", match["pair"], (entry, twin))
    return found


def other_scripts(folder: Path, pair: LangPair) -> list[str]:
    """Return the names in a directory with the pair's languages in another script: for en-zh, "en-zh_TW"."""
    names = {name for entry in list_folder(folder) for name in _names(entry)}
    wanted = _languages(str(pair.source), str(pair.target))
    return sorted(name for name in names if not _codes(name, pair) and wanted in _splits(name))


def holds_pair(path: PurePath, pair: LangPair) -> bool:
    """Return whether a path names a file of a pair; the file need not exist locally."""
    if _TRAIN.fullmatch(path.name) or _SHARD.fullmatch(path.name):
        return _codes(path.parent.name, pair) is not None
    return any(_codes(name, pair) for name in _names(path))


def list_folder(folder: Path) -> list[Path]:
    """Return the sorted content of a directory.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"cannot read the directory {folder}: {error.strerror}") from error


def _names(entry: PurePath) -> Iterator[str]:
    """Yield the parts of a file or directory name that may be a language pair."""
    yield entry.name
    for pattern in (_TABLE, _MOSES):
        if match := pattern.fullmatch(entry.name):
            yield match["pair"]


def _all_shards(shards: tuple[Path, ...]) -> tuple[Path, ...]:
    """Check the number of shards against the number in their names, and return them.

    Raises:
        UserError: some are missing.
    """
    of = max(int(file.stem.rpartition("-")[2]) for file in shards)
    if len(shards) != of:
        raise UserError(f"{shards[0].parent} has {len(shards)} of {of} shards {shards[0].name}, ...: add the others")
    return shards


def _twin(file: Path, match: re.Match[str]) -> Path | None:
    """Return the second language's file if `file` is the first language's; else None.

    Raises:
        UserError: the other language's file is missing.
    """
    pair, side = match["pair"], match["side"]
    first = pair.startswith(f"{side}-")
    other = pair.removeprefix(f"{side}-") if first else pair.removesuffix(f"-{side}")
    if other == pair:
        return None  # OPUS's file of ids
    twin = file.with_name(f"{match['stem'] + '.' if match['stem'] else ''}{pair}.{other}{match['gz'] or ''}")
    if not twin.is_file():
        raise UserError(f"{file} has no counterpart: expected {twin.name} next to it")
    return twin if first else None


def _codes(name: str, pair: LangPair) -> tuple[tuple[str, str], bool] | None:
    """Return the codes of source and target in a name, and whether the target comes first; None for another pair."""
    if (parsed := _parse_name(name)) is None:
        return None
    named, codes = parsed
    if named == pair:
        return codes, False
    return (codes[::-1], True) if named == pair.reversed else None


@cache
def _parse_name(name: str) -> tuple[LangPair, tuple[str, str]] | None:
    try:
        return LangPair.parse(name), split_pair(name)
    except UserError:
        return None  # not a language pair: the directory may have any files


def _splits(name: str) -> list[frozenset[str]]:
    parts = name.split("-")
    return [_languages("-".join(parts[:cut]), "-".join(parts[cut:])) for cut in range(1, len(parts))]


def _languages(*codes: str) -> frozenset[str]:
    """Return the languages of codes, without script and region."""
    return frozenset(tag.language if (tag := read_tag(code)) else code for code in codes)


def tag_of(code: str, language: Language) -> Tag:
    """Return the tag of a language's code or name, without the script, which `language` determines."""
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
    own = [code for code in codes if find_language(code) == language]
    return tuple(sorted(own, key=lambda code: (variant_distance(code, language, asked), code)))


@cache
def _other_scripts(codes: tuple[str, ...], language: Language) -> tuple[str, ...]:
    """Return the codes that mean the language in another script."""
    own = read_tag(str(language))
    tags = {code: read_tag(code) for code in codes if find_language(code) != language}
    return tuple(code for code, tag in tags.items() if own and tag and tag.language == own.language)


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
        codes = variants_of(tuple(record), self.language, self._asked)
        self._seen.update(codes)
        self._others.update(_other_scripts(tuple(record), self.language))
        texts = (code for code in codes if isinstance(value := record[code], str) and value.strip())
        chosen = next(texts, codes[0])
        self._rows[chosen] += 1
        return record[chosen]

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
