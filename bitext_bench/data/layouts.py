"""File names of translation pairs: recognize the layouts of `training.data.corpora`, and the languages in a name.

A name may hold a variant of a language (pt-BR, pt-PT), see `variants`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import permutations
from pathlib import Path, PurePath
from typing import NamedTuple

from ..errors import UserError
from ..languages import LangPair, split_pair
from ..languages.tags import read_tag

_TABLE = re.compile(r"(?P<pair>[^.]+)\.(?:parquet|(?:tsv|csv|jsonl|json|tmx|po)(?:\.gz)?)")
_SPLIT = re.compile(
    r"(?P<split>[a-z]+)(?:(?P<shard>-\d+-of-\d+)\.parquet|\.(?:parquet|(?:tsv|csv|jsonl|json|tmx|po)(?:\.gz)?))"
)
_SIDE = re.compile(r"(?P<stem>(?:.+\.)?(?P<split>[a-z]+))\.(?P<side>(?!gz$)[^.]+)(?P<gz>\.gz)?")
_MOSES = re.compile(r"(?:(?P<stem>.+)\.)?(?P<pair>[^.]+)\.(?P<side>(?!gz$)[^.]+)(?P<gz>\.gz)?")


class PairFiles(NamedTuple):
    """The files of one layout for a pair.

    Attributes:
        stem: the prefix before the languages in the name of a Moses file; "" in other layouts.
        name: the languages in the files' spelling, "pt_BR-en"; "" if the files are not named after languages.
        codes: the codes of the pair's source and target, ("en", "pt_BR").
        swapped: whether the files have the pair's target first.
        files: two if each language has its own file, in the order of the name; all shards of a sharded parquet file.
    """

    stem: str
    name: str
    codes: tuple[str, str]
    swapped: bool
    files: tuple[Path, ...]


def split_of(path: PurePath) -> str:
    """Return the split in the name of a file, as in train.tsv and test-00000-of-00002.parquet; "" for other names."""
    match = _SPLIT.fullmatch(path.name)
    return match["split"] if match else ""


def files_of(folder: Path, pair: LangPair, split: str = "train") -> list[PairFiles]:
    """Return the files of each layout for a pair, in either order, directly in a directory.

    Files like train.en and train.ja count only without others: a table next to them may be made from them.

    Raises:
        UserError: the directory cannot be read, a Moses file has no counterpart, or shards are missing.
    """
    found: list[PairFiles] = []
    for stem, name, files in _named_after(folder, pair, split):
        codes, swapped = _codes(name, pair) or (("", ""), False)
        found.append(PairFiles(stem, name, codes, swapped, files))
    if found:
        return found
    for name, files in _sides_of_split(folder, split):
        if (of_name := _codes(name, pair)) and not of_name[1]:
            found.append(PairFiles("", name, of_name[0], False, files))
    return found


def _named_after(folder: Path, pair: LangPair, split: str) -> Iterator[tuple[str, str, tuple[Path, ...]]]:
    """Yield the stem, the pair's name and the files of each layout with the pair in a name."""
    for entry in list_folder(folder):
        if entry.is_dir():
            if _codes(entry.name, pair):
                yield from (("", entry.name, files) for files in _tables_of_split(entry, split))
        elif (match := _TABLE.fullmatch(entry.name)) and _codes(match["pair"], pair):
            yield "", match["pair"], (entry,)
        elif (match := _MOSES.fullmatch(entry.name)) and _codes(match["pair"], pair) and (twin := _twin(entry, match)):
            yield match["stem"] or "", match["pair"], (entry, twin)


def _tables_of_split(folder: Path, split: str) -> Iterator[tuple[Path, ...]]:
    """Yield every file like train.tsv, then all shards of a parquet file.

    Raises:
        UserError: shards are missing.
    """
    matches = [(file, match) for file in list_folder(folder) if (match := _SPLIT.fullmatch(file.name))]
    of_split = [(file, match["shard"]) for file, match in matches if match["split"] == split]
    yield from ((file,) for file, shard in of_split if not shard)
    if shards := tuple(file for file, shard in of_split if shard):
        yield all_shards(shards)


def _sides_of_split(folder: Path, split: str) -> Iterator[tuple[str, tuple[Path, Path]]]:
    """Yield every two files like train.en and train.ja, with the pair as a name: en-ja and ja-en."""
    sides: dict[tuple[str, str], dict[str, Path]] = {}
    for entry in list_folder(folder):
        if (match := _SIDE.fullmatch(entry.name)) and match["split"] == split and entry.is_file():
            sides.setdefault((match["stem"], match["gz"]), {})[match["side"]] = entry
    for files in sides.values():
        for first, second in permutations(files, 2):
            yield f"{first}-{second}", (files[first], files[second])


def other_scripts(folder: Path, pair: LangPair) -> list[str]:
    """Return the names in a directory with the pair's languages in another script: for en-zh, "en-zh_TW"."""
    names = {name for entry in list_folder(folder) for name in _names(entry)}
    wanted = _languages(str(pair.source), str(pair.target))
    return sorted(name for name in names if not _codes(name, pair) and wanted in _splits(name))


def holds_pair(path: PurePath, pair: LangPair, split: str = "train") -> bool:
    """Return whether a path names a file of a pair; the file need not exist locally."""
    if split_of(path) == split:
        return _codes(path.parent.name, pair) is not None
    if (match := _SIDE.fullmatch(path.name)) and match["split"] == split:
        others = (str(pair.source), str(pair.target))
        return any(_codes(f"{match['side']}-{other}", pair) for other in others)
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


def all_shards(shards: tuple[Path, ...]) -> tuple[Path, ...]:
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
