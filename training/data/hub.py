"""Download the training pairs of some languages from a dataset on the hub."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from bitext_bench.data.layouts import holds_pair
from bitext_bench.errors import UserError
from bitext_bench.io.hub import dataset_repository, fetch
from bitext_bench.io.hub_errors import NotFetched
from bitext_bench.languages import LangPair

_CARD = "README.md"  # states the license
_SNAPSHOT = re.compile(r"datasets--(?P<name>.+)/snapshots/(?P<commit>[0-9a-f]{40})")


class HubDataset(NamedTuple):
    """A dataset on the hub at a commit."""

    name: str
    commit: str


def dataset_of(folder: Path) -> HubDataset | None:
    """Return the dataset of a directory in the hub's local cache; None for any other directory."""
    found = _SNAPSHOT.fullmatch("/".join(folder.absolute().parts[-3:]))
    return HubDataset(found["name"].replace("--", "/"), found["commit"]) if found else None


def fetch_pairs(dataset: str, pairs: Iterable[LangPair]) -> Path:
    """Download the files of some pairs, in any layout that `corpora` reads; return the local directory.

    Datasets such as OPUS-100 have a directory for each pair: en-ja/train-00000-of-00001.parquet.

    Args:
        dataset: ORG/NAME, or ORG/NAME@REVISION with a branch, a tag or a commit.
        pairs: the language pairs.

    Raises:
        UserError: the hub cannot be reached, or does not have the dataset or the revision; or the dataset has no file
            for the pairs.
    """
    pairs = list(pairs)
    repository = dataset_repository(dataset)
    try:
        return fetch(repository, lambda files: _choose_files(dataset, files, pairs))
    except NotFetched as error:
        raise UserError(f"{error}; or download its files yourself and pass their directory as --data") from error


def _choose_files(dataset: str, files: Sequence[str], pairs: Sequence[LangPair]) -> list[str]:
    """Return the files of the pairs and the card; raise UserError if there are no files of the pairs."""
    wanted = [file for file in files if any(holds_pair(PurePosixPath(file), pair) for pair in pairs)]
    if not wanted:
        names = ", ".join(map(str, pairs))
        raise UserError(
            f"the dataset {dataset} on the hub has no files for {names}: expected {pairs[0]}/train-….parquet, "
            f"<corpus>/{pairs[0]}.tsv or similar; it has {', '.join(files[:8])}{', …' if len(files) > 8 else ''}"
        )
    return [*wanted, *({_CARD} & set(files))]
