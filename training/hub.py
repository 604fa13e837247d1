"""Training pairs from a dataset on the hub, of which the files of one language pair are fetched."""

from __future__ import annotations

from collections.abc import Iterable
from glob import escape
from pathlib import Path, PurePosixPath

from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair

from .layouts import holds_pair

PREFIX = "hub:"


def fetch_pairs(dataset: str, pairs: Iterable[LangPair]) -> Path:
    """Return a local directory with the files of these pairs, in any order and spelling that `corpora` reads.

    OPUS-100 and its like have a folder for each pair, en-ja/train-00000-of-00001.parquet.

    Raises:
        UserError: the hub cannot be reached or does not have the dataset.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HFValidationError, HTTPError

    pairs = list(pairs)
    try:
        files = HfApi().list_repo_files(dataset, repo_type="dataset")
        wanted = [file for file in files if any(holds_pair(PurePosixPath(file), pair) for pair in pairs)]
        folder = snapshot_download(dataset, repo_type="dataset", allow_patterns=[*map(escape, wanted)], etag_timeout=10)
    except (HTTPError, OSError, HFValidationError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"cannot get the dataset {dataset} from the hub ({reason}): check the name and the connection, or download "
            "it elsewhere and pass its folder as --data"
        ) from error
    return Path(folder)
