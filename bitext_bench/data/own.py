"""The user's own translations: a file of pairs, two parallel files, or a directory of languages.

my.tsv  .csv  .jsonl  .json  .tmx  .po  .parquet   pairs
my.de  my.sw                          line i of one translates line i of the other
dir/de.txt  dir/sw.txt  dir/fr.txt    line i has the same meaning in every language
hub:org/name  hub:org/name@revision   a dataset on the hub

Text files may end in .gz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from ..errors import UserError
from ..io.checksums import input_sha256
from ..io.hub import HUB_PREFIX
from ..io.lines import read_lines
from ..languages import LangPair, Language, find_language
from .files import OWN, check_line_counts, check_sentences, warn
from .own_hub import fetch_own_pairs
from .pair_files import PAIR_FORMATS, read_files, suffix_of
from .pair_records import SentencePair
from .shapes import Bitext, Provenance
from .variants import VariantChooser

_EXAMPLE = "de sw"


@dataclass(frozen=True, slots=True)
class OwnPairs:
    """The translation pairs of two languages, from the user's data.

    Attributes:
        is_named: whether the data name their languages. The pair is then in alphabetical order, so that it has one name
            for any order of the languages; else it is in the order of the columns or files.
    """

    pair: LangPair
    bitext: Bitext
    is_named: bool

    @staticmethod
    def named(pair: LangPair, bitext: Bitext) -> OwnPairs:
        """Return pairs whose languages the data name."""
        if _alphabetical(pair) == pair:
            return OwnPairs(pair, bitext, is_named=True)
        return OwnPairs(pair.reversed, bitext.reversed, is_named=True)


def read_own_bitext(paths: Sequence[Path], languages: Sequence[Language] | None) -> list[OwnPairs]:
    """Read translation pairs: those of two languages, or of every two of several languages.

    Args:
        paths: a file of pairs, two parallel files, a directory of <language>.txt, or "hub:ORG/NAME[@REVISION]".
        languages: in the order of the columns or files, if these have no names; None takes all languages of a
            directory.

    Raises:
        UserError: a file is missing, damaged or empty, has a row without two sentences or does not have the languages;
            two files have different lengths, are not plain text, or are named after other languages; or the languages
            are missing.
    """
    if len(paths) == 1 and paths[0].is_dir():
        return _read_directory(paths[0], languages)
    named = " ".join(map(str, paths))
    if languages is None or len(languages) < 2:
        found = "none was" if languages is None else f"only {languages[0]} was"
        raise UserError(
            f"bitext {named} needs the languages of its two sides, in order, but {found} given: "
            f"add them, like {_EXAMPLE}"
        )
    if len(paths) == 1 and named.startswith(HUB_PREFIX):
        dataset = named.removeprefix(HUB_PREFIX)
        return _checked(named, [_read_hub(dataset, pair) for pair in _combine(languages)])
    if len(paths) == 2:
        return [_read_parallel(paths[0], paths[1], _pair_of(named, languages))]
    if len(paths) > 2:
        raise UserError(f"bitext {named}: {len(paths)} files; expected one file of pairs, or two parallel files")
    file = paths[0]
    if suffix_of(file) not in PAIR_FORMATS:
        if not file.exists():
            raise UserError(f"bitext {file}: no such file or directory")
        raise UserError(
            f"bitext {file}: expected .{', .'.join(PAIR_FORMATS)}, two parallel files, or a directory of "
            "<language>.txt: convert or rename it"
        )
    pairs = [_pair_of(named, languages)] if suffix_of(file) in ("tsv", "csv") else _combine(languages)
    digests = [input_sha256(file)]
    return _checked(named, [_read_files([file], pair, digests) for pair in pairs])


def own_provenance(sums: Sequence[str], whole: str = "") -> Provenance:
    """Return the provenance of the user's files; the checksum of one file is that of its bytes, as sha256sum prints it.

    Args:
        sums: the checksums of the files of the pair.
        whole: that of the whole set of files, if it has more.
    """
    digest = sums[0] if len(sums) == 1 else Provenance.from_parts(OWN, sums).sha256
    return Provenance(OWN, digest, whole or digest)


def _pair_of(named: str, languages: Sequence[Language]) -> LangPair:
    if len(languages) != 2:
        raise UserError(
            f"bitext {named} has two languages, but {len(languages)} were given: "
            f"expected those of the first and the second side, like {_EXAMPLE}"
        )
    return LangPair(languages[0], languages[1])


def _checked(named: str, found: list[OwnPairs]) -> list[OwnPairs]:
    """Refuse to score the same rows as several pairs of languages."""
    if len(found) > 1 and not all(pairs.is_named for pairs in found):
        raise UserError(
            f"bitext {named} has rows without the names of their languages, so it has two languages, but more "
            f"were given: expected those of the first and the second side, like {_EXAMPLE}"
        )
    return found


def _alphabetical(pair: LangPair) -> LangPair:
    return pair if str(pair.source) <= str(pair.target) else pair.reversed


def _combine(languages: Sequence[Language]) -> list[LangPair]:
    if len(set(languages)) < len(languages):
        raise UserError(f"languages {' '.join(map(str, languages))}: expected different languages")
    return [LangPair(a, b) for a, b in combinations(languages, 2)]


def _read_hub(dataset: str, pair: LangPair) -> OwnPairs:
    found = fetch_own_pairs(dataset, pair)
    digests = [input_sha256(file) for file in found.files]
    read = _read_files(found.files, pair.reversed if found.swapped else pair, digests)
    return OwnPairs.named(read.pair, read.bitext) if found.name else read


def _read_files(files: Sequence[Path], pair: LangPair, digests: Sequence[str]) -> OwnPairs:
    """Read the rows; the pair is in the order of the columns or files, if these have no names."""
    sides = (VariantChooser(pair.source, str(pair.source)), VariantChooser(pair.target, str(pair.target)))
    rows = read_files(files, sides)
    if not rows:
        raise UserError(f"{files[0]}:1: the file has no pairs: expected {pair.source} and {pair.target} sentences")
    for side in sides:
        if report := side.report(str(side.language)):
            warn(f"{files[0]}: {report}")
    _check_texts(files[0], rows)
    bitext = Bitext(tuple(row.source for row in rows), tuple(row.target for row in rows), own_provenance(digests))
    # A unit of TMX always names its languages, and may have several rows.
    if suffix_of(files[0]) == "tmx" or all(side.n_chosen == len(rows) for side in sides):
        return OwnPairs.named(pair, bitext)
    return OwnPairs(pair, bitext, is_named=False)


def _check_texts(file: Path, rows: Sequence[SentencePair]) -> None:
    empty = [row.line for row in rows if not (row.source.strip() and row.target.strip())]
    if empty:
        unit = {"parquet": ": row ", "tmx": ": unit ", "po": ": message "}.get(suffix_of(file), ":")
        raise UserError(
            f"{file}{unit}{empty[0]}: one side is empty ({len(empty):,} of {len(rows):,} pairs): expected two "
            "sentences; fill it in or remove the pair"
        )


def _read_parallel(first: Path, second: Path, pair: LangPair) -> OwnPairs:
    """Read two parallel files. If their names end in the languages, these decide which file is which."""
    _check_plain(first, second)
    languages = [_language_of(file) for file in (first, second)]
    if None in languages:  # a single suffix of another language may mean something else: .src, .in
        languages = [language if language in (pair.source, pair.target) else None for language in languages]
    is_named = None not in languages
    pair = _alphabetical(pair) if is_named else pair
    if not _fits(languages, pair):
        if not _fits(languages, pair.reversed):
            named = " and ".join(str(language) for language in languages if language)
            raise UserError(
                f"bitext {first} {second}: the names say {named}; expected {pair.source} and {pair.target}: change "
                "languages or rename the files"
            )
        first, second = second, first
    (source, digest), (target, other) = _read_lines(first), _read_lines(second)
    check_line_counts(first, len(source), second, len(target))
    return OwnPairs(pair, Bitext(source, target, own_provenance([digest, other])), is_named)


def _fits(languages: Sequence[Language | None], pair: LangPair) -> bool:
    return all(a in (None, b) for a, b in zip(languages, (pair.source, pair.target), strict=True))


def _check_plain(first: Path, second: Path) -> None:
    for file in (first, second):
        if suffix_of(file) in PAIR_FORMATS:
            raise UserError(
                f"bitext {first} {second}: two files must be plain text, one sentence per line, and {file.name} is a "
                "file of pairs: pass one file of pairs"
            )
    if first.resolve() == second.resolve():
        raise UserError(f"bitext {first} {second}: expected two different files, one for each language")


def _language_of(file: Path) -> Language | None:
    """Return the language in the name of a plain file: corpus.de, corpus.de.gz, corpus.de.txt or de.txt."""
    return find_language(file.name.removesuffix(".gz").removesuffix(".txt").rpartition(".")[2])


def _read_lines(file: Path) -> tuple[tuple[str, ...], str]:
    sentences = tuple(read_lines(file))
    check_sentences(sentences, file)
    return sentences, input_sha256(file)


def _read_directory(folder: Path, languages: Sequence[Language] | None) -> list[OwnPairs]:
    files: dict[Language, Path] = {}
    for file in sorted([*folder.glob("*.txt"), *folder.glob("*.txt.gz")]):
        stem = file.name.removesuffix(".gz").removesuffix(".txt")
        language = find_language(stem) or next((each for each in languages or () if str(each) == stem), None)
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
            has = f"it has {', '.join(file.name for file in files.values())}" if files else "it has no such files"
            raise UserError(f"{folder} has no {language}.txt; {has}: add the file or change languages")
    read = {language: _read_lines(files[language]) for language in chosen}
    for language in chosen[1:]:
        check_line_counts(files[chosen[0]], len(read[chosen[0]][0]), files[language], len(read[language][0]))
    whole = Provenance.from_parts(OWN, [f"{x}\t{input_sha256(file)}" for x, file in files.items()]).sha256
    return [
        OwnPairs(pair, Bitext(read[a][0], read[b][0], own_provenance([read[a][1], read[b][1]], whole)), is_named=True)
        for pair in _combine(sorted(chosen, key=str))
        for a, b in [(pair.source, pair.target)]
    ]
