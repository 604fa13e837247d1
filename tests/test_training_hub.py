"""A hub dataset is fetched by pair and read as files; without a hub there is one clear line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders import write
from hub_runs import run_product, run_python, serving
from huggingface_hub import ModelCard

from bitext_bench.data.layouts import holds_pair
from bitext_bench.encoders.record import training_of
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair
from training.data.hub import fetch_pairs

EN_JA, EN_PT = LangPair.parse("en-ja"), LangPair.parse("en-pt")

FETCH = """
import json, sys
from pathlib import Path
from bitext_bench.languages import LangPair
from training.data.corpora import find_corpora, read_corpus
from training.data.hub import fetch_pairs

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
        ("data/train.ja", True),
        ("v1.train.eng.gz", True),
        ("train.fr", False),
        ("dev.ja", False),
        ("train.ids", False),
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
        "README.md": "# Pairs\n",
    }
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text, encoding="utf-8")
    with serving(tmp_path / "root") as hub:
        done = run_python("-c", FETCH, "en-pt", url=hub.url, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        ["OPUS[1].por-eng.eng", "OPUS[1].por-eng.por", "README.md", "ted/en-pt_BR.tsv"],
        {"OPUS[1]": [["night", "noite"]], "ted": [["day", "dia"]]},
    ]


OLD, NEW = "0" * 40, "1" * 40


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with a data set in the shape of sentence-transformers' parallel-sentences, at two commits."""
    import pyarrow as pa
    from pyarrow import parquet

    root = tmp_path_factory.mktemp("talks")
    for commit, n in ((OLD, 40), (NEW, 60)):
        top = root / "datasets/org/talks" / commit
        (top / "en-fr").mkdir(parents=True)
        texts = {"english": [f"the {i} dog sat" for i in range(n)], "non_english": [f"le {i} chien" for i in range(n)]}
        parquet.write_table(pa.table(texts), top / "en-fr/train-00000-of-00001.parquet")
        write(top / "README.md", ["---", "license: cc-by-nc-4.0", "---"])
    (root / "datasets/org/talks/repo.json").write_text(json.dumps({"main": NEW}))
    return root


def train(talks: Path, model: Path, tmp_path: Path, data: str, *faults: tuple[str, str], **more: str) -> Any:
    quick = "--benchmarks mini --pair en-fr --precision fp32 --label hard --batch-size 8 --max-steps 1 --set dev_size=0"
    paths = ["--model", str(model), "--output", str(tmp_path / "out"), "--data", data]
    with serving(talks, *faults) as hub:
        return run_product("train", *quick.split(), *paths, url=hub.url, home=tmp_path / "home", **more)


@pytest.mark.hub
@pytest.mark.parametrize(("at", "commit", "rows"), [("", NEW, 60), (f"@{OLD}", OLD, 40)])
def test_a_dataset_has_its_name_everywhere_and_its_revision_on_the_card(
    talks: Path, tiny_model: Path, tmp_path: Path, at: str, commit: str, rows: int
) -> None:
    done = train(talks, tiny_model, tmp_path, f"hub:org/talks{at}")
    assert done.returncode == 0, done.stderr
    assert f"org/talks en-fr: {rows} rows read" in done.stderr
    record = json.loads((tmp_path / "out/train_config.json").read_text())
    assert record["hub_dataset"] == {"name": "org/talks", "commit": commit}
    training = training_of(tmp_path / "out")
    assert training
    assert training["corpora"] == {"org/talks en-fr": record["data"][0]["kept"]}
    assert record["data"][0]["license"] == "cc-by-nc-4.0"
    card = ModelCard.load(tmp_path / "out/README.md")
    assert card.data.datasets == ["org/talks"]
    assert f"huggingface.co/datasets/org/talks) at commit `{commit}`" in card.text
    assert "| org/talks |" in card.text and "| cc-by-nc-4.0 |" in card.text
    assert card.text.count(commit) == 1, "a corpus is called by its name"


@pytest.mark.hub
def test_training_on_a_dataset_of_the_cache_needs_no_hub(talks: Path, tiny_model: Path, tmp_path: Path) -> None:
    first = train(talks, tiny_model, tmp_path, "hub:org/talks")
    assert first.returncode == 0, first.stderr
    weights = (tmp_path / "out/model.safetensors").read_bytes()
    (tmp_path / "out").rename(tmp_path / "first")
    again = train(talks, tiny_model, tmp_path, "hub:org/talks", (".", "drop"), HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "out/model.safetensors").read_bytes() == weights


ERRORS = """
import sys
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair
from training.data.hub import fetch_pairs

for dataset in sys.argv[2:]:
    try:
        fetch_pairs(dataset, [LangPair.parse(sys.argv[1])])
    except UserError as error:
        print(error)
"""


@pytest.mark.hub
def test_what_the_hub_does_not_have(talks: Path, tmp_path: Path) -> None:
    with serving(talks) as hub:
        asked = ("org/talks", "org/talks@nowhere", "org/nothing")
        done = run_python("-c", ERRORS, "en-ko", *asked, url=hub.url, home=tmp_path / "home")
    pair, revision, name = done.stdout.splitlines()
    assert pair == (
        "the dataset org/talks on the hub has no files for en-ko: expected en-ko/train-….parquet, <corpus>/en-ko.tsv "
        "or similar; it has README.md, en-fr/train-00000-of-00001.parquet"
    )
    assert revision.startswith("cannot get the dataset org/talks at revision nowhere from the hub: the hub has this")
    assert name.startswith("cannot get the dataset org/nothing from the hub: ")


@pytest.mark.parametrize("dataset", ["", "org/talks@", "@main"])
def test_a_name_or_a_revision_that_is_missing(dataset: str) -> None:
    with pytest.raises(UserError, match="expected hub:ORG/NAME or hub:ORG/NAME@REVISION"):
        fetch_pairs(dataset, [EN_JA])


@pytest.mark.hub
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (("GET .*parquet", "cut"), "the connection broke off"),
        (("GET .*parquet", "drop"), "the connection broke off"),
        (("GET .*parquet", "hang"), "no answer in time"),
        (("GET .*parquet", "404"), "404"),
        (("api/datasets", "hang"), "no answer in time"),
        (("api/datasets", "500"), "500"),
        (("api/datasets", "429"), "too many requests (429)"),
    ],
)
def test_a_dataset_that_does_not_arrive_is_one_line(
    talks: Path, tmp_path: Path, fault: tuple[str, str], said: str
) -> None:
    waits = {"HF_HUB_DOWNLOAD_TIMEOUT": "1", "HF_HUB_ETAG_TIMEOUT": "1"}
    with serving(talks, fault) as hub:
        done = run_python("-c", ERRORS, "en-fr", "org/talks", url=hub.url, home=tmp_path / "home", **waits)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith("cannot get the dataset org/talks from the hub: ") and said in line
    assert line.endswith("; or download its files yourself and pass their directory as --data")


@pytest.mark.hub
def test_what_was_fetched_is_read_without_the_hub(talks: Path, tmp_path: Path) -> None:
    code = FETCH.replace("org/pairs", "org/talks")
    with serving(talks) as hub:
        first = run_python("-c", code, "en-fr", url=hub.url, home=tmp_path / "home")
        down = hub.url
    offline: dict[str, str] = {"HF_HUB_OFFLINE": "1"}
    for more in ({}, offline):
        again = run_python("-c", code, "en-fr", url=down, home=tmp_path / "home", **more)
        assert again.stdout == first.stdout != "", again.stderr
    missing = run_python("-c", ERRORS, "en-fr", "org/other", url=down, home=tmp_path / "home", **offline)
    assert missing.stdout.startswith("cannot get the dataset org/other from the hub: it is not in the cache")
