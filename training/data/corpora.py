"""Find training pairs: files below a data directory, recognized by the languages in their names.

DIR/<corpus>/en-ja.tsv  .csv  .jsonl  .json  .parquet  .tmx  .po    any spelling of the languages, in either order
DIR/<corpus>/en-ja/train.tsv  .csv  .., or the hub's train-00000-of-00002.parquet
DIR/<corpus>/anything.en-ja.en  .ja                 OPUS's Moses pair of files; "anything." is optional
DIR/<corpus>/anything.train.en  .ja                 one file for each of two or more languages

Text files may end in .gz. DIR itself may be a corpus with such files directly in it. The first language in the name is
the first column. A request for `ja-en` reads the same files as `en-ja` and returns rows with Japanese first. Names may
have regions (en-pt_BR); if a corpus has several variants, the nearest to the requested one is read (`variants`).
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bitext_bench.data.layouts import PairFiles, files_of, list_folder, other_scripts
from bitext_bench.data.pair_files import read_files
from bitext_bench.data.pair_records import SentencePair
from bitext_bench.data.variants import VariantChooser, tag_of, variant_distance
from bitext_bench.errors import UserError, unknown_name_error
from bitext_bench.io.checksums import input_sha256
from bitext_bench.languages import LangPair
from bitext_bench.languages.tags import Tag

from .hub import dataset_of

__all__ = ["Corpus", "PairRows", "SentencePair", "find_corpora", "read_corpus", "sample_weighted"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Corpus:
    """The files of a corpus for one language pair: one file, one for each language, or all shards of a parquet file.

    Attributes:
        name: the directory's name; the dataset's name if the data directory is a hub dataset; or the prefix before the
            languages if a Moses file is directly in the data directory.
        pair: the requested pair; rows have its source first.
        weight: how often its rows are drawn: 1 uses each once, 0.5 uses half of them, 2 uses each twice.
        files: two are in the order of `named`.
        swapped: whether the files have the pair's target first.
        asked: the requested codes of source and target; a code with a region names a variant.
        named: the codes of source and target in the files' name.
    """

    name: str
    pair: LangPair
    weight: float
    files: tuple[Path, ...]
    swapped: bool
    asked: tuple[str, str]
    named: tuple[str, str]

    @property
    def sha256(self) -> str:
        """The sha256 of the file's bytes; for several files, the sha256 of their checksums.

        Raises:
            UserError: a file cannot be read.
        """
        sums = [input_sha256(file) for file in self.files]
        return sums[0] if len(sums) == 1 else hashlib.sha256("\n".join(sums).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PairRows:
    """The training rows of one language pair, the anchor language as the source."""

    pair: LangPair
    source: list[str]
    target: list[str]


def find_corpora(
    root: Path | Sequence[Path],
    pair: LangPair,
    chosen: Sequence[str] = (),
    codes: tuple[str, str] | None = None,
    notes: list[str] | None = None,
) -> list[Corpus]:
    """Return the corpora that have the pair, in either order, sorted by name.

    Args:
        root: the data directory, or several.
        pair: the language pair; rows will have its source first.
        chosen: "name" or "name:weight"; empty takes all. A corpus without this pair is skipped.
        codes: the requested variants of source and target, like ("en", "pt_PT"); None for no preference.
        notes: receives one line for each choice between variants.

    Raises:
        UserError: `root` is not a directory, a chosen corpus is unknown or its weight is not a number above 0, a
            corpus has several files for the pair, two directories have a corpus of the same name, or no corpus has the
            pair.
    """
    roots = [root] if isinstance(root, Path) else list(root)
    named = " and ".join(map(str, roots))
    weights = _weights(chosen)
    found, others, known = _list_corpora(roots, pair, weights)
    for name in weights:
        if name not in known:
            here = f"{named} has {', '.join(sorted(found)) or 'nothing'} for {pair}"
            raise unknown_name_error("corpus", name, sorted(known), here)
    taken = sorted(name for name in found if name in weights or not weights)
    if not taken:
        raise _no_corpus_error(named, pair, weights, sorted(found), others)
    said = notes if notes is not None else []
    said += [f"{other} is in another script than {pair} and is left out: request it with --pair" for other in others]
    asked = codes or (str(pair.source), str(pair.target))
    corpora = []
    for name in taken:
        item = _nearest(name, found[name], pair, asked, said)
        corpora.append(Corpus(name, pair, weights.get(name, 1.0), item.files, item.swapped, asked, item.codes))
    return corpora


def _list_corpora(
    roots: Sequence[Path], pair: LangPair, weights: Collection[str]
) -> tuple[dict[str, list[PairFiles]], list[str], set[str]]:
    """Return each corpus with its files of the pair, those in another script, and the names of all corpora.

    Raises:
        UserError: as for `find_corpora`.
    """
    found: dict[str, list[PairFiles]] = {}
    others: list[str] = []
    known: set[str] = set()
    root_of: dict[str, Path] = {}
    for root in roots:
        if not root.is_dir():
            raise UserError(f"the training data {root} do not exist: expected a directory with <corpus>/{pair}.tsv")
        folders = [entry for entry in list_folder(root) if entry.is_dir() and not entry.name.startswith(".")]
        here = dataset.name if (dataset := dataset_of(root)) else root.resolve().name
        for folder in (root, *folders):
            name = here if folder == root else folder.name
            for item in files_of(folder, pair):
                corpus = item.stem if folder == root and item.stem else name
                if root_of.setdefault(corpus, root) != root:
                    raise UserError(
                        f"{root_of[corpus]} and {root} both have a corpus {corpus} for {pair}: rename one of them, "
                        "or leave out one directory"
                    )
                found.setdefault(corpus, []).append(item)
            others += [f"{name}: {other}" for other in other_scripts(folder, pair) if name in weights or not weights]
        known |= {*found, *(folder.name for folder in folders)}
    return found, others, known


def read_corpus(corpus: Corpus, notes: list[str] | None = None) -> list[SentencePair]:
    """Read all rows, the pair's source first; `line` is the line or record number in the file, from 1.

    Args:
        corpus: a corpus from `find_corpora`.
        notes: receives one line for each choice between variants of a language.

    Raises:
        UserError: a file cannot be read, is damaged, empty or not UTF-8, has rows that do not match its name (with
            file and line), or two Moses files have different line counts.
    """
    languages = (corpus.pair.source, corpus.pair.target)
    codes = zip(corpus.asked, corpus.named, languages, strict=True)
    wanted = [asked if tag_of(asked, language).region else named for asked, named, language in codes]
    sides = (VariantChooser(languages[0], wanted[0]), VariantChooser(languages[1], wanted[1]))
    rows = read_files(corpus.files, sides[::-1] if corpus.swapped else sides)
    if not rows:
        raise UserError(f"{corpus.files[0]} is empty: expected {' and '.join(map(str, languages))} sentences")
    if notes is not None:
        reports = [side.report(name) for side, name in zip(sides, corpus.named, strict=True)]
        notes += [f"{corpus.files[0]}: {report}" for report in reports if report]
    return [SentencePair(row.line, row.target, row.source) for row in rows] if corpus.swapped else rows


def sample_weighted(rows: Sequence[T], weight: float, seed: int) -> list[T]:
    """Repeat rows by weight, keeping their order: 2.5 returns each row twice, then a random half.

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


def _no_corpus_error(
    named: str, pair: LangPair, weights: Iterable[str], found: Sequence[str], others: Sequence[str]
) -> UserError:
    has = f"it has {', '.join(found)} for this pair" if found else "nothing there has this pair"
    if others:
        has += f"; in another script: {', '.join(others)}"
    return UserError(
        f"{named} has no training pairs for {pair} in {', '.join(weights) or 'any corpus'} ({has}): expected "
        f"<corpus>/{pair}.tsv, .csv, .jsonl, .json, .parquet, .tmx, .po, <corpus>/{pair}/train.*, or a file for each "
        f"language: <corpus>/*.{pair}.{pair.source} or train.{pair.source}, with .{pair.target}; optionally .gz"
    )


def _nearest(
    corpus: str, found: Sequence[PairFiles], pair: LangPair, asked: tuple[str, str], notes: list[str]
) -> PairFiles:
    """Return the files of the variants that are nearest to the requested ones.

    Raises:
        UserError: several files have these variants.
    """
    sides = (pair.source, pair.target)

    def variants(item: PairFiles) -> tuple[Tag, ...]:
        return tuple(tag_of(code, side) for code, side in zip(item.codes, sides, strict=True))

    def apart(item: PairFiles) -> tuple[object, ...]:
        return tuple(
            variant_distance(code, side, own) for code, side, own in zip(item.codes, sides, asked, strict=True)
        )

    first = min(found, key=lambda item: (apart(item), item.name))
    same = [item for item in found if variants(item) == variants(first)]
    if len(same) > 1:
        files = ", ".join(str(item.files[0]) for item in same)
        raise UserError(f"{corpus} has {len(same)} files for {pair}: {files}; keep one of them")
    left = sorted({item.name for item in found} - {first.name})
    if left:
        notes.append(f"{corpus}: {first.name} is read for {'-'.join(asked)}, not {', '.join(left)}; choose with --pair")
    return first
