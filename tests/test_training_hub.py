"""A hub dataset is fetched by pair and read as files; without a hub there is one clear line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hub_runs import run_python, serving

from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair
from training.hub import fetch_pairs
from training.layouts import holds_pair

EN_JA, EN_PT = LangPair.parse("en-ja"), LangPair.parse("en-pt")

FETCH = """
import json, sys
from pathlib import Path
from bitext_bench.languages import LangPair
from training.corpora import find_corpora, read_corpus
from training.hub import fetch_pairs

pair = LangPair.parse(sys.argv[1])
folder = fetch_pairs("org/pairs", [pair])
files = sorted(x.relative_to(folder).as_posix() for x in folder.rglob("*") if x.is_file())
rows = {corpus.name: [row[1:] for row in read_corpus(corpus)] for corpus in find_corpora(folder, pair)}
print(json.dumps([files, rows]))
"""


@pytest.mark.parametrize(
    ("path", "held"),
    [
        ("ja-en/train.tsv", True),
        ("en-ja/train-00000-of-00001.parquet", True),
        ("en-ja.tsv", True),
        ("ted/jpn-eng.jsonl.gz", True),
        ("OPUS.en-ja.ja", True),
        ("en-ja/test.tsv", False),
        ("en-ko/train.tsv", False),
        ("README.md", False),
    ],
)
def test_a_file_of_the_pair_is_known_by_its_path(path: str, held: bool) -> None:
    assert holds_pair(Path(path), EN_JA) == held


def test_a_file_with_a_region_is_one_of_the_pair() -> None:
    assert holds_pair(Path("GNOME.en-pt_BR.pt_BR"), EN_PT)
    assert not holds_pair(Path("OpenSubtitles.en-zh_tw.en"), LangPair.parse("en-zh"))


@pytest.mark.hub
def test_only_the_files_of_the_pair_are_fetched(tmp_path: Path) -> None:
    top = tmp_path / "root/datasets/org/pairs" / ("0" * 40)
    files = {
        "ted/en-pt_BR.tsv": "day\tdia\n",
        "en-pt/test.tsv": "no\tnão\n",
        "en-fr.tsv": "day\tjour\n",
        "OPUS[1].por-eng.por": "noite\n",
        "OPUS[1].por-eng.eng": "night\n",
    }
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text, encoding="utf-8")
    with serving(tmp_path / "root") as hub:
        done = run_python("-c", FETCH, "en-pt", url=hub.url, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        ["OPUS[1].por-eng.eng", "OPUS[1].por-eng.por", "ted/en-pt_BR.tsv"],
        {"OPUS[1]": [["night", "noite"]], "ted": [["day", "dia"]]},
    ]


def test_no_hub_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def list_repo_files(*_: object, **__: object) -> list[str]:
        raise OSError("no route to host\nand more")

    monkeypatch.setattr("huggingface_hub.HfApi.list_repo_files", list_repo_files)
    with pytest.raises(UserError, match=r"cannot get the dataset org/pairs from the hub \(no route to host\)"):
        fetch_pairs("org/pairs", [EN_JA])
