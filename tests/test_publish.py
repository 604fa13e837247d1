"""`train --push-to-hub`: what would stop it is found before training, and a failed upload loses nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from builders import write
from hub_runs import error_of, run_product, run_python, serving

from bitext_bench.errors import UserError
from training.checkpoint.publish import check_access

CALL = """
import sys
from pathlib import Path
from bitext_bench.errors import UserError
from training.checkpoint import publish as module
from training.checkpoint.publish import publish, reserve_repository

module._LONGEST_WAIT = 1.0
what, *arguments = sys.argv[1:]
try:
    print(reserve_repository(*arguments) if what == "reserve" else publish(Path(arguments[0]), arguments[1]))
except UserError as error:
    print(error)
"""


def call(hub: Any, home: Path, *arguments: str, token: str = "hf_writer", **more: str) -> str:
    """Return what a function of `publish` returns or raises."""
    usual = {"HF_TOKEN": token, "HF_HUB_DISABLE_XET": "1"}
    done = run_python("-c", CALL, *arguments, url=hub.url, home=home, **{**usual, **more})
    assert done.returncode == 0, done.stderr
    return str(done.stdout).strip()


def train(hub: Any, model: Path, tmp_path: Path, repository: str, **more: str) -> Any:
    write(tmp_path / "pairs/made/en-fr.tsv", [f"the {i} cat\tle {i} chat" for i in range(20)])
    quick = "--benchmarks mini --pair en-fr --precision fp32 --label hard --batch-size 4 --max-steps 1 --set dev_size=0"
    paths = ["--model", str(model), "--data", str(tmp_path / "pairs"), "--output", str(tmp_path / "out")]
    push = ["--push-to-hub", repository]
    return run_product("train", *quick.split(), *paths, *push, url=hub.url, home=tmp_path / "home", **more)


def files_of(root: Path, repository: str) -> dict[str, Path]:
    """Return the files on the main branch of a repository on the hub."""
    folder = root / "models" / repository
    top = folder / json.loads((folder / "repo.json").read_text())["main"]
    return {file.relative_to(top).as_posix(): file for file in top.rglob("*") if file.is_file()}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    write(tmp_path / "out/README.md", ["# A checkpoint"])
    (tmp_path / "out/model.safetensors").write_bytes(b"weights" * 100)
    (tmp_path / "out/.lock").write_text("")
    return tmp_path / "out"


@pytest.mark.hub
def test_a_checkpoint_is_pushed_with_a_card_of_its_name_there(tiny_model: Path, tmp_path: Path) -> None:
    """This hub has no Xet storage, which the client tries first; the upload falls back to plain HTTP.

    The pushed model is scored by its id, from an empty cache, as the checkpoint here.
    """
    with serving(tmp_path / "hub") as hub:
        done = train(hub, tiny_model, tmp_path, "org/new", HF_TOKEN="hf_writer")
        assert done.returncode == 0, done.stderr
        assert f"created {hub.url}/org/new for the checkpoint" in done.stderr
        assert "uploading by plain HTTP" in done.stderr
        assert f"pushed: {hub.url}/org/new\n" in done.stderr
        score = ["run", "--data", "mini", "--tasks", "Mini-STS", "--languages", "en", "fr"]
        places = {"url": hub.url, "HF_TOKEN": "hf_reader"}
        pushed = run_product(
            *score, "--model", "org/new", "--output", str(tmp_path / "pushed"), home=tmp_path / "other", **places
        )
        local = run_product(
            *score, "--model", str(tmp_path / "out"), "--output", str(tmp_path / "local"), home=tmp_path, **places
        )
    assert pushed.returncode == local.returncode == 0, pushed.stderr + local.stderr
    assert pushed.stdout == local.stdout
    (result,) = (tmp_path / "pushed").rglob("Mini-STS.json")
    model = json.loads(result.read_text())["model"]
    assert model["name"] == "org/new"
    assert f"models/org/new/{model['revision']}/model.safetensors" in " ".join(hub.requests)
    found = files_of(tmp_path / "hub", "org/new")
    assert found["model.safetensors"].read_bytes() == (tmp_path / "out/model.safetensors").read_bytes()
    assert 'SentenceTransformer("org/new")' in found["README.md"].read_text()
    assert not [name for name in found if name.startswith(".") and name != ".gitattributes"]


@pytest.mark.hub
@pytest.mark.parametrize(
    ("token", "said"),
    [("", "you are not logged in: run hf auth login"), ("hf_reader", "your token may not write there (403)")],
)
def test_who_may_not_push_is_told_before_training(tiny_model: Path, tmp_path: Path, token: str, said: str) -> None:
    with serving(tmp_path / "hub") as hub:
        line = error_of(train(hub, tiny_model, tmp_path, "org/new", HF_TOKEN=token))
    assert line.startswith(f"--push-to-hub org/new: {said}")
    assert line.endswith("nothing was trained")
    assert not (tmp_path / "out").exists()


@pytest.mark.hub
def test_a_repository_with_files_is_not_overwritten_and_an_empty_one_is_taken(checkpoint: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "hub") as hub:
        assert call(hub, tmp_path, "reserve", "org/new") == "None"
        assert call(hub, tmp_path, "reserve", "org/new") == "None", "of a run that was stopped"
        assert call(hub, tmp_path, "publish", str(checkpoint), "org/new") == f"{hub.url}/org/new"
        assert call(hub, tmp_path, "reserve", "org/new") == (
            "--push-to-hub org/new: the repository exists and has 2 files: choose another name, or train without "
            "--push-to-hub and replace them with hf upload org/new DIR"
        )
        assert "does not accept your token (401)" in call(hub, tmp_path, "reserve", "org/other", token="hf_old")
    assert files_of(tmp_path / "hub", "org/new").keys() == {".gitattributes", "README.md", "model.safetensors"}


@pytest.mark.hub
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (("PUT /lfs", "413"), "Error while uploading 'model.safetensors' to the Hub. "),
        (
            ("PUT /lfs", "401"),
            "Error while uploading 'model.safetensors' to the Hub. the hub does not accept your token",
        ),
        (("PUT /lfs", "hang"), "Error while uploading 'model.safetensors' to the Hub. no answer in time"),
        (("POST .*preupload", "hang"), "no answer in time"),
        (("POST .*commit", "500"), "the hub answered 500"),
        (("POST .*commit", "403"), "your token may not write there (403)"),
        (("POST .*commit", "429"), "too many requests (429)"),
        (("POST .*commit", "hang"), "no answer in time"),
        (("POST .*commit", "drop"), "the connection broke off"),
    ],
)
def test_a_failed_upload_says_how_to_repeat_it(
    checkpoint: Path, tmp_path: Path, fault: Sequence[str], said: str
) -> None:
    with serving(tmp_path / "hub", fault) as hub:
        call(hub, tmp_path, "reserve", "org/new")
        line = call(hub, tmp_path, "publish", str(checkpoint), "org/new")
    assert "\n" not in line
    assert line.startswith("cannot push to org/new: ") and said in line
    assert line.endswith(f"the finished checkpoint is in {checkpoint}: run hf upload org/new {checkpoint}")
    asked = [request for request in hub.requests if re.search(fault[0], request)]
    assert len(asked) <= 2, "a request without an answer is sent twice at most"


@pytest.mark.hub
def test_an_upload_that_fails_once_is_repeated(checkpoint: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "hub", ("PUT /lfs", "503*1")) as hub:
        call(hub, tmp_path, "reserve", "org/new")
        assert call(hub, tmp_path, "publish", str(checkpoint), "org/new") == f"{hub.url}/org/new"
    assert files_of(tmp_path / "hub", "org/new")["model.safetensors"].read_bytes() == b"weights" * 100


@pytest.mark.hub
def test_a_checkpoint_that_cannot_be_pushed_is_complete(tiny_model: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "hub", ("POST .*commit", "500")) as hub:
        line = error_of(train(hub, tiny_model, tmp_path, "org/new", HF_TOKEN="hf_writer", HF_HUB_DISABLE_XET="1"))
        out = tmp_path / "out"
        assert line.startswith("cannot push to org/new: the hub answered 500")
        assert line.endswith(f"the finished checkpoint is in {out}: run hf upload org/new {out}")
        assert list(files_of(tmp_path / "hub", "org/new")) == [".gitattributes"]
        score = [
            "run",
            "--model",
            str(out),
            "--data",
            "mini",
            "--tasks",
            "Mini-STS",
            "--output",
            str(tmp_path / "results"),
        ]
        assert run_product(*score, url=hub.url, home=tmp_path).returncode == 0


@pytest.mark.hub
@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("500", "the hub answered 500"),
        ("429", "too many requests (429)"),
        ("drop", "the connection broke off"),
        ("hang", "no answer in time"),
    ],
)
def test_a_hub_that_does_not_answer(tmp_path: Path, action: str, said: str) -> None:
    with serving(tmp_path / "hub", (".", action)) as hub:
        line = call(hub, tmp_path, "reserve", "org/new", HF_HUB_DOWNLOAD_TIMEOUT="2", HF_HUB_ETAG_TIMEOUT="2")
    assert line.startswith(f"--push-to-hub org/new: {said}")
    assert "\n" not in line


@pytest.mark.parametrize("name", ["", "new", "a/b/c", "org/new?", "org/..", "-/-"])
def test_a_name_that_cannot_be_a_repositorys(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="^--push-to-hub .*: .*expected ORG/NAME.*; nothing was trained$"):
        check_access(name)


def test_who_forbids_to_ask_the_hub_cannot_push(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids contacting the hub: unset it"):
        check_access("org/new")
