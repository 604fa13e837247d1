"""Training pairs from a dataset on the hub, of which the files of some language pairs are fetched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from glob import escape
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair

from .layouts import holds_pair

PREFIX = "hub:"
_CARD = "README.md"  # which states the license
_SNAPSHOT = re.compile(r"datasets--(?P<name>.+)/snapshots/(?P<commit>[0-9a-f]{40})")


class HubDataset(NamedTuple):
    """A dataset on the hub at a commit."""

    name: str
    commit: str


def dataset_of(folder: Path) -> HubDataset | None:
    """Return the dataset that a folder of the hub's local cache holds; None for any other folder."""
    found = _SNAPSHOT.fullmatch("/".join(folder.absolute().parts[-3:]))
    return HubDataset(found["name"].replace("--", "/"), found["commit"]) if found else None


def fetch_pairs(dataset: str, pairs: Iterable[LangPair]) -> Path:
    """Return a local directory with the files of these pairs, in any order and spelling that `corpora` reads.

    OPUS-100 and its like have a folder for each pair, en-ja/train-00000-of-00001.parquet.

    Args:
        dataset: ORG/NAME, or ORG/NAME@REVISION with a branch, a tag or a commit.
        pairs: the language pairs.

    Raises:
        UserError: the hub cannot be reached, does not have the dataset or the revision, or the dataset has no file of
            a pair.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HFValidationError, HTTPError

    pairs = list(pairs)
    name, at, given = dataset.partition("@")
    if not name or (at and not given):
        raise UserError(f"{PREFIX}{dataset}: expected {PREFIX}ORG/NAME or {PREFIX}ORG/NAME@REVISION")
    revision = given or None
    try:
        files = HfApi().list_repo_files(name, repo_type="dataset", revision=revision)
        wanted = _wanted(dataset, files, pairs)
        patterns = [*map(escape, wanted), _CARD]
        folder = snapshot_download(
            name, repo_type="dataset", revision=revision, allow_patterns=patterns, etag_timeout=10
        )
    except (HTTPError, OSError, HFValidationError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"cannot get the dataset {dataset} from the hub ({reason}): check the name and the connection, or download "
            "it elsewhere and pass its folder as --data"
        ) from error
    return Path(folder)


def _wanted(dataset: str, files: Sequence[str], pairs: Sequence[LangPair]) -> list[str]:
    """Return the files of the pairs; raises UserError where there is none."""
    wanted = [file for file in files if any(holds_pair(PurePosixPath(file), pair) for pair in pairs)]
    if not wanted:
        names = ", ".join(map(str, pairs))
        raise UserError(
            f"the dataset {dataset} on the hub has no files of {names}: expected {pairs[0]}/train-….parquet, "
            f"<corpus>/{pairs[0]}.tsv or the like; it has {', '.join(files[:8])}{', …' if len(files) > 8 else ''}"
        )
    return wanted
