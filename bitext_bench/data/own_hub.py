"""A dataset on the hub as the user's own test data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..errors import UserError
from ..io.hub import dataset_repository, fetch
from ..io.hub_errors import NotFetched
from ..io.terminal import say
from ..languages import LangPair
from .layouts import PairFiles, all_shards, files_of, holds_pair, split_of

_SPLITS = ("test", "validation", "dev", "train")  # the first that a dataset has is scored
_MOST_SHOWN = 8


def fetch_own_pairs(dataset: str, pair: LangPair) -> PairFiles:
    """Download the files of a pair, and return them.

    The files are named after the pair (de-sw.tsv, de-sw/test-00000-of-00001.parquet), or hold all languages
    (test.jsonl, data/test-00000-of-00001.parquet). The test split is read if there is one.

    Args:
        dataset: ORG/NAME, or ORG/NAME@REVISION.
        pair: the language pair.

    Raises:
        UserError: the hub cannot be reached or does not have the dataset, or the dataset has no file of the pair, or
            several.
    """

    def choose(files: Sequence[str]) -> list[str]:
        chosen, _ = _choose_files(files, pair)
        if not chosen:
            some = f"{', '.join(files[:_MOST_SHOWN])}{', …' if len(files) > _MOST_SHOWN else ''}"
            raise UserError(
                f"the dataset {dataset} on the hub has no files for {pair}: expected {pair}/test-….parquet, {pair}.tsv "
                f"or test.jsonl; it has {some}: download it and pass a file to bitext"
            )
        return chosen

    try:
        folder = fetch(dataset_repository(dataset), choose, lambda folder: bool(_choose_files(_list(folder), pair)[0]))
    except NotFetched as error:
        raise UserError(f"{error}; or download its files yourself and pass one to bitext") from error
    chosen, split = _choose_files(_list(folder), pair)
    found = _group(folder, [folder / name for name in chosen], pair, split)
    if len(found) != 1:
        several = ", ".join(item.files[0].relative_to(folder).as_posix() for item in found)
        raise UserError(f"{dataset} has several files for {pair}: {several}: download one and pass it to bitext")
    names = ", ".join(file.relative_to(folder).as_posix() for file in found[0].files)
    say(f"note: {dataset} {pair}: reading {names}")
    return found[0]


def _list(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def _choose_files(files: Sequence[str], pair: LangPair) -> tuple[list[str], str]:
    """Return the files of the pair in the first split that has any, and the split."""
    for split in _SPLITS:
        named = [name for name in files if holds_pair(PurePosixPath(name), pair, split)]
        if named:
            return named, split
        shared = [name for name in files if _holds_all_languages(name, split)]
        if shared:
            return shared, split
    return [], ""


def _holds_all_languages(name: str, split: str) -> bool:
    return split_of(PurePosixPath(name)) == split and re.fullmatch(r"(data/)?[^/]+", name) is not None


def _group(folder: Path, files: Sequence[Path], pair: LangPair, split: str) -> list[PairFiles]:
    if any(holds_pair(file.relative_to(folder), pair, split) for file in files):
        folders = {
            above for file in files for above in (file.parent, file.parent.parent) if folder in (above, *above.parents)
        }
        return [item for each in sorted(folders) for item in files_of(each, pair, split)]
    codes = (str(pair.source), str(pair.target))
    shards = tuple(file for file in files if re.search(r"-\d+-of-\d+\.", file.name))
    one = [PairFiles("", "", codes, False, (file,)) for file in files if file not in shards]
    return [*one, PairFiles("", "", codes, False, all_shards(shards))] if shards else one
