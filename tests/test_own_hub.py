"""`--bitext hub:ORG/NAME`: the files of a pair, in the test split if there is one, through the real client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hub_runs import error_of, run_product, serving

from bitext_bench.data.own_hub import _choose_files
from bitext_bench.languages import LangPair

DE_SW = LangPair.parse("de-sw")


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["sw-de/train.tsv", "sw-de/test.tsv", "de-fr/test.tsv"], ["sw-de/test.tsv"]),
        (["de-sw/train-00000-of-00001.parquet", "README.md"], ["de-sw/train-00000-of-00001.parquet"]),
        (
            ["data/test-00000-of-00001.parquet", "data/train-00000-of-00001.parquet"],
            ["data/test-00000-of-00001.parquet"],
        ),
        (["TED.de-sw.de", "TED.de-sw.sw", "TED.de-fr.fr"], ["TED.de-sw.de", "TED.de-sw.sw"]),
        (["validation.jsonl", "train.jsonl"], ["validation.jsonl"]),
        (["de-fr/test.tsv", "README.md"], []),
    ],
)
def test_the_test_split_comes_first(files: list[str], chosen: list[str]) -> None:
    assert _choose_files(files, DE_SW)[0] == chosen


def serve_files(root: Path, files: dict[str, str]) -> None:
    top = root / "datasets/org/pairs" / ("0" * 40)
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text, encoding="utf-8")


def score(tmp_path: Path, url: str, *languages: str, **more: str) -> Any:
    own = ["--bitext", "hub:org/pairs", "--languages", *languages, "--output", str(tmp_path / "results"), "--json"]
    return run_product("run", "--model", "toys:hashing", *own, url=url, home=tmp_path / "home", **more)


@pytest.mark.hub
def test_a_dataset_is_scored_and_verified_online_and_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    serve_files(
        tmp_path / "root",
        {
            "sw-de/test.tsv": "paka a\ta katze\nmbwa b\tb hund\n",
            "de-fr/test.tsv": "a\tb\n",
            "sw-de/train.tsv": "no\tno\n",
        },
    )
    with serving(tmp_path / "root") as hub:
        done = score(tmp_path, hub.url, "de", "sw")
    assert done.returncode == 0, done.stderr
    assert "org/pairs de-sw: reading sw-de/test.tsv" in done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["task"], row["subset"], row["n"], row["value"]) == ("own-bitext-hub_org__pairs", "de-sw", 2, 1.0)
    offline = {"HF_HUB_OFFLINE": "1"}
    assert score(tmp_path, hub.url, "de", "sw", **offline).returncode == 0
    (file,) = (tmp_path / "results").rglob("*.json")
    again = ["--model", "toys:hashing", "--bitext", "hub:org/pairs"]
    done = run_product("verify", str(file), *again, url=hub.url, home=tmp_path / "home", **offline)
    assert done.returncode == 0, done.stderr


@pytest.mark.hub
def test_a_dataset_without_the_pair_or_with_several_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    serve_files(tmp_path / "root", {"a/de-sw.tsv": "a\tb\n", "b/de-sw.tsv": "a\tb\n"})
    with serving(tmp_path / "root") as hub:
        lines = [error_of(score(tmp_path, hub.url, "de", other)) for other in ("fr", "sw")]
        gone = run_product(
            "run",
            "--model",
            "toys:hashing",
            "--bitext",
            "hub:org/gone",
            "--languages",
            "de",
            "sw",
            url=hub.url,
            home=tmp_path,
        )
    assert "org/pairs on the hub has no files for de-fr: expected de-fr/test-….parquet" in lines[0]
    assert "org/pairs has several files for de-sw: a/de-sw.tsv, b/de-sw.tsv" in lines[1]
    assert "org/gone" in error_of(gone)
    assert not (tmp_path / "results").exists()
