"""The user's own test data: a file of pairs, two parallel files, a directory of languages, or rated pairs.

my.tsv  .jsonl  .tmx  .parquet        pairs
my.de  my.sw                          line i of one translates line i of the other
dir/de.txt  dir/sw.txt  dir/fr.txt    line i has the same meaning in every language
hub:org/name  hub:org/name@revision   a dataset on the hub
ratings.tsv  .jsonl                   two sentences and their similarity

Text files may end in .gz.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..io.checksums import input_sha256
from ..io.hub import HUB_PREFIX
from ..io.lines import read_lines
from ..languages import LangPair, Language, find_language
from .files import OWN, check_line_counts, check_sentences, warn
from .own_hub import fetch_own_pairs
from .pair_files import PAIR_FORMATS, SentencePair, parse_record, read_files, suffix_of
from .shapes import Bitext, Provenance, ScoredPairs
from .variants import VariantChooser

_RATED = ("sentence1", "sentence2", "score")
_EXAMPLE = "--languages de sw"


@dataclass(frozen=True, slots=True)
class OwnPairs:
    """The translation pairs of two languages, from the user's data."""

    pair: LangPair
    bitext: Bitext


def read_own_bitext(paths: Sequence[Path], languages: Sequence[Language] | None) -> list[OwnPairs]:
    """Read translation pairs: those of two languages, or of every two of several languages.

    Args:
        paths: a file of pairs, two parallel files, a directory of <language>.txt, or "hub:ORG/NAME[@REVISION]".
        languages: in the order of the columns or files; None takes all languages of a directory.

    Raises:
        UserError: a file is missing, damaged or empty, has a row without two sentences or does not have the languages;
            two files have different lengths; or the languages are missing.
    """
    if len(paths) == 1 and paths[0].is_dir():
        return _read_directory(paths[0], languages)
    named = " ".join(map(str, paths))
    if languages is None or len(languages) < 2:
        found = "none" if languages is None else str(languages[0])
        raise UserError(
            f"--bitext {named} needs the languages of its two sides, in order, and --languages has {found}: "
            f"add them, like {_EXAMPLE}"
        )
    if len(paths) == 1 and named.startswith(HUB_PREFIX):
        return [_read_hub(named.removeprefix(HUB_PREFIX), pair) for pair in _combine(languages)]
    if len(paths) == 2:
        return [_read_parallel(paths[0], paths[1], _pair_of(named, languages))]
    if len(paths) > 2:
        raise UserError(f"--bitext {named}: {len(paths)} files; expected one file of pairs, or two parallel files")
    file = paths[0]
    if suffix_of(file) not in PAIR_FORMATS:
        if not file.exists():
            raise UserError(f"--bitext {file}: no such file or directory")
        raise UserError(
            f"--bitext {file}: expected .{', .'.join(PAIR_FORMATS)}, two parallel files, or a directory of "
            "<language>.txt: convert or rename it"
        )
    pairs = [_pair_of(named, languages)] if suffix_of(file) == "tsv" else _combine(languages)
    digests = [input_sha256(file)]
    return [OwnPairs(pair, _read_files([file], pair, digests)) for pair in pairs]


def read_own_ratings(file: Path, languages: Sequence[Language] | None) -> tuple[LangPair, ScoredPairs]:
    """Read sentence pairs with similarity ratings, on any scale.

    TSV has the columns sentence1, sentence2 and score, in this order or with a header. JSONL has these keys.

    Args:
        file: the file of rated pairs.
        languages: one language, or those of the first and second sentence.

    Raises:
        UserError: the file is missing, damaged or empty, a row is incomplete or its score is not a number, or the
            languages are missing.
    """
    if languages is None or len(languages) > 2:
        found = "none" if languages is None else f"{len(languages)}"
        raise UserError(
            f"--sts {file} needs one language, or those of the first and the second sentence, and --languages has "
            f"{found}: add them, like --languages de"
        )
    readers = {"tsv": _tsv_ratings, "jsonl": _jsonl_ratings}
    if suffix_of(file) not in readers:
        raise UserError(f"--sts {file}: expected .tsv or .jsonl with sentence1, sentence2 and score: convert it")
    rows = [_checked_rating(file, *row) for row in readers[suffix_of(file)](file)]
    if not rows:
        raise UserError(f"{file} is empty: expected {' TAB '.join(_RATED)} on each line")
    first, second, scores = zip(*rows, strict=True)
    return LangPair(languages[0], languages[-1]), ScoredPairs(first, second, scores, _provenance([input_sha256(file)]))


def _provenance(sums: Sequence[str], whole: str = "") -> Provenance:
    """Return the provenance; the checksum of one file is that of its bytes, as sha256sum prints it."""
    digest = sums[0] if len(sums) == 1 else Provenance.from_parts(OWN, sums).sha256
    return Provenance(OWN, digest, whole or digest)


def _pair_of(named: str, languages: Sequence[Language]) -> LangPair:
    if len(languages) != 2:
        raise UserError(
            f"--bitext {named} has two languages, and --languages has {len(languages)}: "
            f"expected those of the first and the second side, like {_EXAMPLE}"
        )
    return LangPair(languages[0], languages[1])


def _combine(languages: Sequence[Language]) -> list[LangPair]:
    if len(set(languages)) < len(languages):
        raise UserError(f"--languages {' '.join(map(str, languages))}: expected different languages")
    return [LangPair(a, b) for a, b in combinations(languages, 2)]


def _read_hub(dataset: str, pair: LangPair) -> OwnPairs:
    found = fetch_own_pairs(dataset, pair)
    digests = [input_sha256(file) for file in found.files]
    bitext = _read_files(found.files, pair.reversed if found.swapped else pair, digests)
    return OwnPairs(pair, Bitext(bitext.target, bitext.source, bitext.data) if found.swapped else bitext)


def _read_files(files: Sequence[Path], pair: LangPair, digests: Sequence[str]) -> Bitext:
    """Read the rows; the pair is in the order of the columns or files."""
    sides = (VariantChooser(pair.source, str(pair.source)), VariantChooser(pair.target, str(pair.target)))
    rows = read_files(files, sides)
    if not rows:
        raise UserError(f"{files[0]} is empty: expected {pair.source} and {pair.target} sentences")
    for side in sides:
        if report := side.report(str(side.language)):
            warn(f"{files[0]}: {report}")
    _check_texts(files[0], rows)
    return Bitext(tuple(row.source for row in rows), tuple(row.target for row in rows), _provenance(digests))


def _check_texts(file: Path, rows: Sequence[SentencePair]) -> None:
    empty = [row.line for row in rows if not (row.source.strip() and row.target.strip())]
    if empty:
        unit = {"parquet": ": row ", "tmx": ": unit "}.get(suffix_of(file), ":")
        raise UserError(
            f"{file}{unit}{empty[0]}: one side is empty ({len(empty):,} of {len(rows):,} pairs): expected two "
            "sentences; fill it in or remove the pair"
        )


def _read_parallel(first: Path, second: Path, pair: LangPair) -> OwnPairs:
    """Read two parallel files; if their names end in the languages, in the other order, exchange them."""
    ends = [find_language(suffix_of(file)) for file in (first, second)]
    if ends == [pair.target, pair.source] and pair.source != pair.target:
        first, second = second, first
    (source, digest), (target, other) = _read_lines(first), _read_lines(second)
    check_line_counts(first, len(source), second, len(target))
    return OwnPairs(pair, Bitext(source, target, _provenance([digest, other])))


def _read_lines(file: Path) -> tuple[tuple[str, ...], str]:
    sentences = tuple(read_lines(file))
    check_sentences(sentences, file)
    return sentences, input_sha256(file)


def _read_directory(folder: Path, languages: Sequence[Language] | None) -> list[OwnPairs]:
    files: dict[Language, Path] = {}
    for file in sorted([*folder.glob("*.txt"), *folder.glob("*.txt.gz")]):
        language = find_language(file.name.removesuffix(".gz").removesuffix(".txt"))
        if language is None:
            warn(f"{file} is left out: expected the code of a language, like {folder / 'de.txt'}")
        elif language in files:
            raise UserError(f"{files[language]} and {file} are both {language.name}: keep one of them")
        else:
            files[language] = file
    chosen = sorted(files, key=str) if languages is None else list(languages)
    if len(chosen) < 2:
        raise UserError(f"{folder} needs two languages and has {len(chosen)}: expected <language>.txt, like de.txt")
    for language in chosen:
        if language not in files:
            has = ", ".join(file.name for file in files.values()) or "no <language>.txt"
            raise UserError(f"{folder} has no {language}.txt; it has {has}: add the file or change --languages")
    read = {language: _read_lines(files[language]) for language in chosen}
    for language in chosen[1:]:
        check_line_counts(files[chosen[0]], len(read[chosen[0]][0]), files[language], len(read[language][0]))
    whole = Provenance.from_parts(OWN, [f"{x}\t{input_sha256(file)}" for x, file in files.items()]).sha256
    return [
        OwnPairs(pair, Bitext(read[a][0], read[b][0], _provenance([read[a][1], read[b][1]], whole)))
        for pair in _combine(chosen)
        for a, b in [(pair.source, pair.target)]
    ]


def _tsv_ratings(file: Path) -> Iterator[tuple[int, Any, Any, Any]]:
    at = (0, 1, 2)
    for number, line in enumerate(read_lines(file), start=1):
        cells = line.split("\t")
        if number == 1 and set(_RATED) <= set(cells):
            at = (cells.index(_RATED[0]), cells.index(_RATED[1]), cells.index(_RATED[2]))
        elif len(cells) <= max(at):
            found = f"{len(cells)} column{'' if len(cells) == 1 else 's'}"
            raise UserError(f"{file}:{number}: {found}, expected {' TAB '.join(_RATED)}, or a header with these names")
        else:
            yield number, cells[at[0]], cells[at[1]], cells[at[2]]


def _jsonl_ratings(file: Path) -> Iterator[tuple[int, Any, Any, Any]]:
    for number, line in enumerate(read_lines(file), start=1):
        record = parse_record(line, f"{file}:{number}")
        if missing := [name for name in _RATED if name not in record]:
            raise UserError(f"{file}:{number}: no {missing[0]}; expected {', '.join(_RATED)}")
        yield number, *(record[name] for name in _RATED)


def _checked_rating(file: Path, number: int, first: object, second: object, given: object) -> tuple[str, str, float]:
    for text in (first, second):
        if not isinstance(text, str) or not text.strip():
            raise UserError(f"{file}:{number}: expected two sentences, found {json.dumps(text)[:60]}")
    try:
        value = float(given) if isinstance(given, str | int | float) else math.nan
    except (ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{file}:{number}: the score {given!r} is not a number; expected {' TAB '.join(_RATED)}")
    return str(first), str(second), value
