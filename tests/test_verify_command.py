"""`verify` executes nothing that a result file names, and takes no folder, revision or pickle from it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from made_results import write_content

from bitext_bench.cli.main import main

PAYLOAD = "from pathlib import Path\nPath(__file__).with_name('EXECUTED').touch()\ndef f():\n    raise SystemExit(9)\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made")
    folders = ["--cache-folder", str(root / "store"), "--output", str(root / "results")]
    assert main(["run", "--model", "toys:hashing", "--data", "mini", "--tasks", "Mini-STS", *folders]) == 0
    (file,) = (root / "results").rglob("*.json")
    return file


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with hostile modules of likely names and a result file, as an archive could bring them."""
    for name in ("evilmod", "hub", "local", "f", "labse"):
        (tmp_path / f"{name}.py").write_text(PAYLOAD)
    for file in (made, made.with_suffix(".outcomes.npz")):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("BITEXT_BENCH_CACHE", str(tmp_path / "store"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("evilmod", "hub", "local", "f", "labse"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def edit(file: Path, **model: Any) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    content["model"] |= model
    write_content(file, content)


NAMES = [
    "evilmod:f",
    "os:abort",
    "f",
    "hub:f",
    "hub:evilmod:f",
    "labse:f",
    "./evil",
    "../evil",
    "/etc",
    "~/x",
    "",
    "a/../b",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("field", ["registered", "name", "both"])
def test_nothing_is_loaded_that_only_a_file_names(
    here: Path, name: str, field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {"registered": name, "name": "org/model"} if field == "registered" else {"registered": None, "name": name}
    edit(here / "Mini-STS.json", **(named if field != "both" else {"registered": name, "name": name}))
    assert main(["verify", "Mini-STS.json"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "pass --model" in line or "hub" in line or "is damaged: model " in line
    assert not (here / "EXECUTED").exists()
    assert not {"evilmod", "hub", "f", "labse"} & set(sys.modules)


def test_a_folder_of_the_name_is_not_loaded(here: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(tiny_model, here / "org/model")
    edit(here / "Mini-STS.json", registered=None, name="org/model", revision="a" * 40)
    assert main(["verify", "Mini-STS.json"]) == 1
    assert "from the hub" in capsys.readouterr().err


@pytest.mark.parametrize("revision", ["ABSOLUTE/ref", "../../../ref", "refs/pr/1", "main"])
def test_a_revision_on_file_leads_to_no_folder(
    here: Path, tiny_model: Path, revision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """huggingface_hub reads refs/<revision> below its cache, and takes what is in it for the folder of a snapshot."""
    shutil.copytree(tiny_model, here / "payload")
    (here / "hub/models--org--model/snapshots").mkdir(parents=True)
    (here / "hub/models--org--model/refs/refs/pr").mkdir(parents=True)
    for ref in ("ref", "hub/ref", "hub/models--org--model/refs/refs/pr/1", "hub/models--org--model/refs/main"):
        (here / ref).write_text(str(here / "payload"))
    (here / "hub/models--org--model/refs/main").unlink()
    edit(here / "Mini-STS.json", registered=None, name="org/model", revision=revision.replace("ABSOLUTE", str(here)))
    assert main(["verify", "Mini-STS.json"]) == 1
    assert "cannot get the model org/model from the hub" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--trust-remote-code", "--allow-pickle"])
def test_who_lets_a_model_run_code_names_it_and_its_revision(
    here: Path, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(here / "Mini-STS.json", registered=None, name="org/model", revision="b" * 40)
    assert main(["verify", "Mini-STS.json", flag]) == 1
    message = capsys.readouterr().err
    assert f"{flag} lets a model run code" in message
    assert "names the model, org/model: pass --model too" in message
    assert main(["verify", "Mini-STS.json", flag, "--model", "org/model"]) == 1
    assert "names the revision of org/model" in capsys.readouterr().err
    assert main(["verify", "Mini-STS.json", flag, "--model", "org/model", "--model-revision", "c" * 40]) == 1
    assert f"cannot get the model org/model at revision {'c' * 40}" in capsys.readouterr().err


def test_one_subset_is_not_subsets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ["--cache-folder", str(tmp_path / "store"), "--output", str(tmp_path / "results")]
    what = ["--data", "mini", "--tasks", "Mini-STS", "--languages", "en"]
    assert main(["run", "--model", "toys:hashing", *what, *folders]) == 0
    errors = capsys.readouterr().err
    assert "on 1 task of mini" in errors
    assert "Mini-STS: 1 subset in" in errors
    assert main(["verify", str(tmp_path / "results"), "--model", "toys:hashing", *folders[:2]]) == 0
    assert "verified, 1 subset is the same" in capsys.readouterr().out


def test_a_folder_of_results_is_verified(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", ".", "--model", "toys:hashing"]) == 0
    assert "Mini-STS.json: verified, 6 subsets are the same" in capsys.readouterr().out
    (here / "other.json").write_text("{}")
    assert main(["verify", ".", "--model", "toys:hashing"]) == 1
    said = capsys.readouterr()
    assert "Mini-STS.json: verified" in said.out, "one bad file keeps no other from being verified"
    assert "error: other.json is not a result" in said.err
    (here / "empty").mkdir()
    assert main(["verify", "empty"]) == 1
    assert "empty has no result files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("field", "value", "computed"),
    [
        ("name", "google/best", "local/toys:hashing"),
        ("name", "local/toys:best", "local/toys:hashing"),
        ("registered", "labse", "None"),
        ("revision", "c" * 40, ""),
        ("parameters", 1, "None"),
        ("dimensions", 1, ""),
    ],
)
def test_what_a_file_says_about_the_model_is_compared(
    here: Path, field: str, value: Any, computed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(here / "Mini-STS.json", **{field: value})
    assert main(["verify", "Mini-STS.json", "--model", "toys:hashing"]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"model: {field} is {value} on file, {computed}")
    assert last == "Mini-STS.json: 1 difference"


def test_a_file_of_an_older_version_need_not_say_as_much(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(here / "Mini-STS.json", dimensions=None)
    assert main(["verify", "Mini-STS.json", "--model", "toys:hashing"]) == 0


def test_a_directory_may_be_renamed_but_is_no_published_model(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ["--cache-folder", str(tmp_path / "store")]
    what = ["--data", "mini", "--tasks", "Mini-STS", "--output", str(tmp_path / "results")]
    assert main(["run", "--model", str(tiny_model), *what, *folders]) == 0
    (file,) = (tmp_path / "results").rglob("*.json")
    shutil.copytree(tiny_model, tmp_path / "renamed")
    again = ["verify", str(file), "--model", str(tmp_path / "renamed"), *folders]
    assert main(again) == 0
    edit(file, name="google/best")
    capsys.readouterr()
    assert main(again) == 1
    assert "model: name is google/best on file, local/renamed computed" in capsys.readouterr().out


def test_of_a_directory_the_results_on_other_own_data_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bitext, rated = tmp_path / "my.tsv", tmp_path / "rated.tsv"
    bitext.write_text("a b\tc d\ne f\tg h\n")
    (tmp_path / "other.tsv").write_text("a b\tc d\ne x\tg h\ni\tj\n")
    (tmp_path / "texts").mkdir()
    for code in ("de", "fr"):
        (tmp_path / f"texts/{code}.txt").write_text(f"{code} a\n{code} b\n")
    rated.write_text("a b\ta c\t1\nd\te f\t0\ng h\tg h\t5\n")
    results, model = tmp_path / "results", ["--model", "toys:hashing", "--cache-folder", str(tmp_path / "store")]
    for own in (["--bitext", bitext, "--sts", rated], ["--bitext", tmp_path / "other.tsv"]):
        run = ["run", *model, *map(str, own), "--languages", "de", "sw", "--output", str(results)]
        assert main(run) == 0
    assert main(["run", *model, "--bitext", str(tmp_path / "texts"), "--output", str(results)]) == 0
    capsys.readouterr()

    assert main(["verify", str(results), *model, "--bitext", str(bitext)]) == 0
    said = capsys.readouterr()
    (line,) = said.out.splitlines()
    assert "own-bitext-my.tsv" in line
    assert "verified" in line
    left = sorted(line for line in said.err.splitlines() if "left out: " in line)
    assert [line.rpartition("/")[2].partition(".own-")[0] for line in left] == [
        "own-bitext-other.tsv",
        "own-bitext-texts",
        "own-sts-rated.tsv",
    ]
    assert "and --bitext is own-" in left[0]
    assert "pass --sts with the file to verify it" in left[2]

    assert main(["verify", str(results), *model, "--bitext", str(bitext), "--sts", str(rated)]) == 0
    assert capsys.readouterr().out.count("verified") == 2
    bitext.write_text("a b\tc d\ne f\tg x\n")
    assert main(["verify", str(results), *model, "--bitext", str(bitext)]) == 1
    assert f"no result was made with --bitext {bitext}: pass the file" in capsys.readouterr().err
    assert main(["verify", str(results), *model]) == 1
    assert "no result was verified: pass --bitext or --sts" in capsys.readouterr().err
