"""`--data DIR`: data sets in the layouts of their distributors.

DIR/tatoeba/v1/tatoeba.jpn-eng.jpn  .eng                    LASER's Tatoeba
DIR/flores200_dataset/devtest/jpn_Jpan.devtest              the FLORES-200 archive
DIR/flores200_dataset/devtest_augmented/eng_Latn_augmented.devtest  eng_Latn_errtype.devtest.json   xSIM++
DIR/bucc2018/fr-en/fr-en.{training,test}.{fr,en,gold}       BUCC 2018 (bucc-style/ likewise)
DIR/sts/STS12/en.test.tsv                                   header: score sentence1 sentence2
DIR/mteb/NTREXBitextMining/                                 copies of mteb's data sets
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from ..errors import UserError
from ..io.checksums import input_sha256
from ..languages import LangPair, Language, resolve
from .files import (
    UNVERIFIED,
    check_line_counts,
    data_name,
    is_official,
    read_content,
    read_hashed_lines,
    read_sentences,
    read_table,
    warn,
)
from .mteb_tasks import MtebFiles, MtebTask
from .shapes import (
    SPLIT_NAMES,
    AugmentedLines,
    Bitext,
    ComparableCorpora,
    IncompleteData,
    MissingData,
    ParallelLines,
    Provenance,
    ScoredPairs,
)

_TATOEBA = "tatoeba/v1"
_TATOEBA_FILE = re.compile(r"tatoeba\.([a-z]+)-eng\.\1")
_FLORES = "flores200_dataset"
# A language's file, in the first folder that exists. dev_510 has the lines of dev that are in SIB-200.
_FLORES_FILES = {
    "flores200": (f"{_FLORES}/devtest/{{}}.devtest",),
    "flores200-dev": (f"{_FLORES}/dev/{{}}.dev", f"{_FLORES}/dev_510/{{}}.dev"),
}


class LocalSource:
    """Data sets in their official layouts in one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = str(root)
        self._set_sha256 = cache(_folder_sha256)

    def languages(self, collection: str) -> Sequence[Language]:
        """Return the languages that have files."""
        if collection == "tatoeba":
            found = (_TATOEBA_FILE.fullmatch(f.name) for f in self._folder(_TATOEBA).iterdir())
            codes = {match[1] for match in found if match}
        elif collection in _FLORES_FILES:
            folder, files = self._flores(collection).rsplit("/", 1)
            codes = {f.stem for f in self._folder(folder).glob(files.format("*"))}
        else:
            codes = {f.name.removesuffix("-en") for f in self._folder(collection).glob("*-en")}
        return sorted((resolve(code) for code in codes), key=str)

    def parallel(self, collection: str, language: Language) -> Bitext:
        """Return Tatoeba's pairs, or the gold pairs of a BUCC collection's test split."""
        if collection != "tatoeba":
            corpora = self.comparable(collection, LangPair(language, resolve("en")), "test")
            source = tuple(corpora.source[i] for i, _ in corpora.gold)
            target = tuple(corpora.target[j] for _, j in corpora.gold)
            return Bitext(source, target, corpora.data)
        stem = f"tatoeba.{language.tatoeba}-eng"
        files = self._files(f"{_TATOEBA}/{stem}.{language.tatoeba}", f"{_TATOEBA}/{stem}.eng")
        (source, first), (target, second) = (read_sentences(file) for file in files)
        check_line_counts(files[0], len(source), files[1], len(target))
        subset = f"{language.tatoeba}-eng"
        return Bitext(source, target, self._provenance("tatoeba-v1", subset, [first, second], files[0].parent))

    def aligned(self, collection: str, language: Language) -> ParallelLines:
        """Return one language of FLORES-200 devtest or dev."""
        if not language.flores:
            raise MissingData(f"{language.name} ({language}) is not one of the 204 languages of FLORES-200")
        file = self._file(self._flores(collection).format(language.flores))
        sentences, digest = read_sentences(file)
        return ParallelLines(
            sentences, self._provenance(f"flores200-{file.parent.name}", language.flores, [digest], file.parent)
        )

    def augmented(self, collection: str, language: Language) -> AugmentedLines:
        """Return xSIM++'s augmented sentences of FLORES-200 devtest, in LASER's two files."""
        folder = f"{_FLORES}/devtest_augmented"
        text, kinds = self._files(
            f"{folder}/{language.flores}_augmented.devtest", f"{folder}/{language.flores}_errtype.devtest.json"
        )
        sentences, first = read_sentences(text)
        content, second = read_content(kinds)
        try:
            origin = {s: (str(e["src"]), str(e["errtype"])) for s, e in json.loads(content).items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f'{kinds}: {error}; expected {{"altered sentence": {{"src": "original", "errtype": "kind"}}}}'
            ) from error
        data = self._provenance("flores200-devtest-augmented", language.flores, [first, second], text.parent)
        return AugmentedLines(sentences, origin, data)

    def comparable(self, collection: str, pair: LangPair, split: str) -> ComparableCorpora:
        """Return a BUCC split, without repeated sentences and with gold ids resolved to rows."""
        stem = f"{collection}/{pair}/{pair}.{split}"
        sides = [self._file(f"{stem}.{language}") for language in (pair.source, pair.target)]
        gold_file = self._file(f"{stem}.gold")
        (source, source_row, first), (target, target_row, second) = (_read_ids(f) for f in sides)
        lines, third = read_hashed_lines(gold_file)
        gold = []
        for number, line in enumerate(lines, start=1):
            ids = line.split("\t")
            if len(ids) != 2:
                raise UserError(f"{gold_file}:{number}: expected {pair.source}-id TAB {pair.target}-id, found {line!r}")
            for given, rows, side in ((ids[0], source_row, sides[0]), (ids[1], target_row, sides[1])):
                if given not in rows:
                    raise UserError(f"{gold_file}:{number}: the gold id {given!r} does not exist in {side}")
            gold.append((source_row[ids[0]], target_row[ids[1]]))
        if not gold:
            raise UserError(f"{gold_file} is empty: expected one gold pair per line")
        dropped = len(source_row) - len(source) + len(target_row) - len(target)
        folder = self.root / collection
        provenance = self._provenance(f"{collection}-{split}", str(pair), [first, second, third], folder)
        repeated = (_repeated(source_row), _repeated(target_row))
        return ComparableCorpora(source, target, tuple(gold), dropped, provenance, repeated)

    def scored(self, collection: str, subset: str, pair: LangPair, split: str) -> ScoredPairs:
        """Return an STS file, named after the subset, or after the language if MTEB's subset is "default"."""
        same = pair.source == pair.target
        stems = [subset, str(pair), str(pair.source)] if same else [subset, str(pair), str(pair.reversed)]
        names = [
            f"sts/{collection}/{s}.{p}.tsv" for s in dict.fromkeys(stems) for p in SPLIT_NAMES.get(split, (split,))
        ]
        file = next((self.root / name for name in names if (self.root / name).is_file()), None)
        if file is None:
            looked = f"{self.root} has no {collection} {subset}: looked for {', '.join(names)}"
            raise MissingData(self._not_built_in() if collection == "mini" else looked)
        rows, digest = read_table(file, ("score", "sentence1", "sentence2"))
        if not rows:
            raise UserError(f"{file} has a header and no rows: expected one scored pair per line")
        scores = tuple(_score(file, number, row[0]) for number, row in enumerate(rows, start=2))
        empty = [number for number, row in enumerate(rows, start=2) if not (row[1].strip() and row[2].strip())]
        if empty:
            # STS22 has such pairs; STS22.v2 drops them.
            warn(f"{file}:{empty[0]}: empty sentence ({len(empty)} of {len(rows)} pairs have one); scored unchanged")
        return ScoredPairs(
            tuple(r[1] for r in rows),
            tuple(r[2] for r in rows),
            scores,
            self._provenance(f"{collection}-{split}", subset, [digest], file.parent),
        )

    def mteb_files(self, task: MtebTask, subsets: Sequence[str]) -> MtebFiles:
        """Return a copy of mteb's data set, below the root in a directory named after it: mteb/NTREXBitextMining/."""
        name = task.repository.name
        if not (self.root / name).is_dir():
            raise MissingData(
                f"{self.root} has no {name}/ with the data of {task.name}: pass hub as the data, or run "
                f"`{task.repository.download_command} --local-dir {self.root / name}`"
            )
        version = f"{UNVERIFIED}{name.rpartition('/')[2]}"
        return MtebFiles(self.root / name, version, self._set_sha256(self.root / name))

    def _provenance(self, data: str, subset: str, digests: Sequence[str], folder: Path) -> Provenance:
        """Return the provenance of a subset. If it is not official, this hashes the whole set in `folder`."""
        found = Provenance.from_parts(data, digests)
        version = data_name(data, subset, found.sha256)
        return replace(found, version=version, set_sha256="" if is_official(version) else self._set_sha256(folder))

    def _flores(self, collection: str) -> str:
        files = _FLORES_FILES[collection]
        return next((name for name in files if (self.root / name).parent.is_dir()), files[0])

    def _not_built_in(self) -> str:
        return f"{self.root} is not the built-in set: pass mini as the data"

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        if not folder.is_dir():
            if name == "mini":
                raise MissingData(self._not_built_in())
            raise MissingData(f"{self.root} has no {name}/")
        return folder

    def _files(self, *names: str) -> list[Path]:
        """Return the paths of files that belong together.

        Raises:
            IncompleteData: Some of them exist, but not all.
            MissingData: None of them exists.
        """
        here = [name for name in names if (self.root / name).is_file()]
        if here and len(here) < len(names):
            lost = next(name for name in names if name not in here)
            raise IncompleteData(f"{self.root / here[0]} has no twin: {self.root} has no {lost}")
        return [self._file(name) for name in names]

    def _file(self, name: str) -> Path:
        file = self.root / name
        if not file.is_file():
            raise MissingData(f"{self.root} has no {name}")
        return file


def _folder_sha256(folder: Path) -> str:
    """Return the sha256 of the names and contents of all files in a folder, at any depth, except hidden ones."""
    total = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if file.is_file() and not any(part.startswith(".") for part in name.parts):
            total.update(f"{name.as_posix()}\t{input_sha256(file)}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _read_ids(file: Path) -> tuple[tuple[str, ...], dict[str, int], str]:
    """Return the distinct sentences of one side, the row of each id, and the file's sha256."""
    lines, digest = read_sentences(file)
    row_of_text: dict[str, int] = {}
    row_of_id: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        identifier, tab, sentence = line.partition("\t")
        if not tab or not sentence.strip():
            raise UserError(f"{file}:{number}: expected id TAB sentence, found {line[:60]!r}")
        if identifier in row_of_id:
            raise UserError(f"{file}:{number}: the id {identifier!r} occurs twice: expected each id once")
        row_of_id[identifier] = row_of_text.setdefault(sentence, len(row_of_text))
    return tuple(row_of_text), row_of_id, digest


def _repeated(row_of_id: dict[str, int]) -> frozenset[int]:
    return frozenset(row for row, ids in Counter(row_of_id.values()).items() if ids > 1)


def _score(file: Path, number: int, given: str) -> float:
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{file}:{number}: the score {given!r} is not a number")
    return value
