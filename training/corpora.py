"""Where training pairs come from: files below a data directory, found by the languages in their names.

DIR/<corpus>/en-ja.tsv  .jsonl  .parquet  .tmx      any spelling of the languages, in either order
DIR/<corpus>/en-ja/train.tsv  .jsonl  .parquet  .tmx, or the hub's train-00000-of-00002.parquet
DIR/<corpus>/anything.en-ja.en  .ja                 OPUS's Moses pair of files; "anything." may be missing

Text files may end in .gz. DIR itself may be a corpus and hold such files directly. The first language of the name is
the first column; `ja-en` is asked for in the same way as `en-ja`, and its rows come out Japanese first.
"""

from __future__ import annotations

import hashlib
import math
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TypeVar

from bitext_bench.data.files import check_twins
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair

from .formats import Row, read_lines, read_pairs

__all__ = ["Corpus", "Row", "find_corpora", "read_corpus", "sample_weighted"]

T = TypeVar("T")

_TABLE = re.compile(r"(?P<pair>[^.]+)\.(?:parquet|(?:tsv|jsonl|tmx)(?:\.gz)?)")
_TRAIN = re.compile(r"train\.(?:parquet|(?:tsv|jsonl|tmx)(?:\.gz)?)")
_SHARD = re.compile(r"train-\d+-of-\d+\.parquet")
_MOSES = re.compile(r"(?:(?P<stem>.+)\.)?(?P<pair>[^.]+)\.(?P<side>(?!gz$)[^.]+)(?P<gz>\.gz)?")


@dataclass(frozen=True, slots=True)
class Corpus:
    """The file of a corpus for a language pair; two in the Moses layout, and every shard of a parquet file in shards.

    Attributes:
        name: the folder's, or what stands before the languages in a Moses file directly in the data directory.
        pair: as it was asked for; rows have its source first.
        weight: how often its rows are drawn: 1 as they are, 0.5 half of them, 2 each twice.
        files: for Moses, in the order of the languages in their name.
        swapped: the file has the pair's target first.
    """

    name: str
    pair: LangPair
    weight: float
    files: tuple[Path, ...]
    swapped: bool

    @property
    def sha256(self) -> str:
        """The sha256 of the file's bytes; of two files, that of their two sums.

        Raises:
            UserError: a file cannot be read.
        """
        sums = [_sha256(file) for file in self.files]
        return sums[0] if len(sums) == 1 else hashlib.sha256("\n".join(sums).encode()).hexdigest()


def find_corpora(root: Path, pair: LangPair, chosen: Sequence[str] = ()) -> list[Corpus]:
    """Return the corpora below `root` that have the pair, in either order, sorted by name.

    Args:
        root: the data directory.
        pair: which languages; rows will have its source first.
        chosen: "name" or "name:weight"; none takes all. One that has other pairs than this is passed over.

    Raises:
        UserError: `root` is no directory, a chosen corpus is unknown or its weight is not a number above 0, one has
            several files for the pair, or nothing is found.
    """
    if not root.is_dir():
        raise UserError(f"the training data {root} are not there: expected a directory with <corpus>/{pair}.tsv")
    weights = _weights(chosen)
    folders = [entry for entry in _listing(root) if entry.is_dir() and not entry.name.startswith(".")]
    here = root.resolve().name
    found: dict[str, list[Corpus]] = {}
    for folder in (root, *folders):
        for stem, named, files in _files(folder, pair):
            name = (stem or here) if folder == root else folder.name
            found.setdefault(name, []).append(Corpus(name, pair, weights.get(name, 1.0), files, named != pair))
    known = {*found, *(folder.name for folder in folders)}
    for name in weights:
        if name not in known:
            raise _unknown(name, root, pair, known, sorted(found))
    taken = sorted(name for name in found if name in weights or not weights)
    if not taken:
        has = f"it has {', '.join(sorted(found))} for this pair" if found else "nothing there has this pair"
        raise UserError(
            f"{root} has no training pairs for {pair} in {', '.join(weights) or 'any corpus'} ({has}): looked for "
            f"<corpus>/{pair}.tsv, .jsonl, .parquet, .tmx, <corpus>/{pair}/train.*, and Moses' <corpus>/*.{pair}."
            f"{pair.source} beside .{pair.target}, in either order, .gz too"
        )
    return [_only(found[name]) for name in taken]


def read_corpus(corpus: Corpus) -> list[Row]:
    """Read all rows, the pair's source first; `line` is the line or record of the file, from 1.

    Raises:
        UserError: a file cannot be read, is damaged, not UTF-8 or empty, its rows are not what its name promises (with
            file and line), or two Moses files have unequal line counts.
    """
    named = corpus.pair.reversed if corpus.swapped else corpus.pair
    if corpus.files[-1].suffix == ".parquet":
        shards = [row for file in corpus.files for row in read_pairs(file, named)]
        rows = [Row(line, row.source, row.target) for line, row in enumerate(shards, start=1)]
    elif len(corpus.files) == 2:
        first, second = (read_lines(file) for file in corpus.files)
        check_twins(corpus.files[0], len(first), corpus.files[1], len(second))
        rows = [Row(line, a, b) for line, (a, b) in enumerate(zip(first, second, strict=True), start=1)]
    else:
        rows = read_pairs(corpus.files[0], named)
    if not rows:
        raise UserError(f"{corpus.files[0]} has no row: expected {named.source} and {named.target} sentences")
    return [Row(row.line, row.target, row.source) for row in rows] if corpus.swapped else rows


def sample_weighted(rows: Sequence[T], weight: float, seed: int) -> list[T]:
    """Return the rows as often as the weight says, in their order: 2.5 is each twice, then a random half.

    >>> sample_weighted("abcd", 1.5, seed=0)
    ['a', 'b', 'c', 'd', 'b', 'd']
    """
    whole = int(weight)
    some = random.Random(seed).sample(range(len(rows)), round((weight - whole) * len(rows)))
    return [*rows] * whole + [rows[i] for i in sorted(some)]


def _weights(chosen: Sequence[str]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in chosen:
        name, colon, given = item.partition(":")
        try:
            weight = float(given) if colon else 1.0
        except ValueError:
            weight = math.nan
        if not (name and math.isfinite(weight) and weight > 0):
            raise UserError(f"corpus {item!r}: expected a name, or name:weight with a number above 0, like tico19:2")
        if name in weights:
            raise UserError(f"the corpus {name} is named twice: name it once, with name:weight for its weight")
        weights[name] = weight
    return weights


def _unknown(name: str, root: Path, pair: LangPair, known: Iterable[str], here: Sequence[str]) -> UserError:
    near = get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}? " if near else ""
    return UserError(f"unknown corpus {name!r}: {hint}{root} has {', '.join(here) or 'nothing'} for {pair}")


def _only(corpora: list[Corpus]) -> Corpus:
    if len(corpora) > 1:
        files = ", ".join(str(corpus.files[0]) for corpus in corpora)
        raise UserError(f"{corpora[0].name} has {len(corpora)} files for {corpora[0].pair}: {files}; leave one of them")
    return corpora[0]


def _files(folder: Path, pair: LangPair) -> list[tuple[str, LangPair, tuple[Path, ...]]]:
    """Return (what precedes the languages, the pair in the file's order, the files) for each layout found."""
    found: list[tuple[str, LangPair, tuple[Path, ...]]] = []
    for entry in _listing(folder):
        if entry.is_dir():
            named = _named(entry.name, pair)
            if named:
                inside = _listing(entry)
                found += [("", named, (file,)) for file in inside if _TRAIN.fullmatch(file.name)]
                if shards := tuple(file for file in inside if _SHARD.fullmatch(file.name)):
                    found.append(("", named, _all_of(shards)))
        elif (match := _TABLE.fullmatch(entry.name)) and (named := _named(match["pair"], pair)):
            found.append(("", named, (entry,)))
        elif (
            (match := _MOSES.fullmatch(entry.name))
            and (named := _named(match["pair"], pair))
            and (twin := _twin(entry, match))
        ):
            found.append((match["stem"] or "", named, (entry, twin)))
    return found


def _all_of(shards: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the shards of a file, of which each says how many there are.

    Raises:
        UserError: some are missing.
    """
    of = max(int(file.stem.rpartition("-")[2]) for file in shards)
    if len(shards) != of:
        raise UserError(f"{shards[0].parent} has {len(shards)} of {of} shards {shards[0].name}, ...: get the others")
    return shards


def _twin(file: Path, match: re.Match[str]) -> Path | None:
    """Return the file of the second language if this is that of the first, which it must have beside it.

    Raises:
        UserError: either language is there without the other.
    """
    pair, side = match["pair"], match["side"]
    first = pair.startswith(f"{side}-")
    other = pair.removeprefix(f"{side}-") if first else pair.removesuffix(f"-{side}")
    if other == pair:
        return None  # OPUS's file of ids
    twin = file.with_name(f"{match['stem'] + '.' if match['stem'] else ''}{pair}.{other}{match['gz'] or ''}")
    if not twin.is_file():
        raise UserError(f"{file} has no twin: expected {twin.name} beside it")
    return twin if first else None


def _listing(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"cannot read the folder {folder}: {error.strerror}") from error


def _named(text: str, pair: LangPair) -> LangPair | None:
    """Return the pair that a name spells, if it is this pair or its reverse."""
    named = _parsed(text)
    return named if named in (pair, pair.reversed) else None


@cache
def _parsed(text: str) -> LangPair | None:
    if "-" not in text:
        return None
    try:
        return LangPair.parse(text)
    except UserError:
        return None  # Any file may lie there.


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error
