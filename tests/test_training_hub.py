"""A hub dataset is fetched by pair and read as files; without a hub there is one clear line."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair
from training.corpora import find_corpora, read_corpus
from training.hub import fetch_pairs

EN_JA = LangPair.parse("en-ja")


def test_only_the_files_of_the_pair_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ja-en").mkdir()
    (tmp_path / "ja-en" / "train.tsv").write_text("日\tday\n", encoding="utf-8")
    asked: dict[str, Any] = {}

    def snapshot_download(repository: str, **given: Any) -> str:
        asked.update(given, repository=repository)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    folder = fetch_pairs("org/pairs", [EN_JA])
    assert (asked["repository"], asked["repo_type"]) == ("org/pairs", "dataset")
    files = ["ja-en/train.tsv", "en-ja/train-00000-of-00001.parquet", "en-ko/train.tsv", "en-ja/test.tsv", "en-ja.tsv"]
    assert [any(fnmatch(file, p) for p in asked["allow_patterns"]) for file in files] == [
        True,
        True,
        False,
        False,
        True,
    ]
    (corpus,) = find_corpora(folder, EN_JA)
    assert [tuple(row) for row in read_corpus(corpus)] == [(1, "day", "日")]


def test_no_hub_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def snapshot_download(repository: str, **_: Any) -> str:
        raise OSError("no route to host\nand more")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    with pytest.raises(UserError, match=r"cannot get the dataset org/pairs from the hub \(no route to host\)"):
        fetch_pairs("org/pairs", [EN_JA])
