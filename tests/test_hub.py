"""The real clients and the hub of ../shared/tools: first use, reuse without a hub, and every fault on the way."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hub_runs import error_of, run_product, run_python, serving

from bitext_bench.baselines import BASELINES
from bitext_bench.encoders.hub import loadable_files
from bitext_bench.io.hub_errors import Repository

CLOSED = "http://127.0.0.1:9"  # nothing listens there
COMMIT = "1" * 40
E5, LABSE, BGE = (BASELINES[name] for name in ("multilingual-e5-base", "labse", "bge-m3"))
SHORT_WAITS = {"HF_HUB_ETAG_TIMEOUT": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "1"}

# Fetches each [name, revision] of a list, prints what came of it, and how many seconds it took.
FETCH = """
import json, sys, time
from bitext_bench.encoders.hub import fetch_model
from bitext_bench.errors import UserError
found = {}
for name, revision in json.loads(sys.argv[1]):
    start = time.monotonic()
    try:
        answer = str(fetch_model(name, revision, allow_pickle=False)[0])
    except UserError as error:
        answer = str(error)
    found[name if revision is None else f"{name}@{revision}"] = [answer, time.monotonic() - start]
print(json.dumps(found))
"""


def fetched(models: Sequence[tuple[str, str | None]], url: str, home: Path, **environment: str) -> dict[str, Any]:
    """Fetch models in one process; return [folder or message, seconds] for each, and the output on stderr."""
    done = run_python("-c", FETCH, json.dumps(models), url=url, home=home, **environment)
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "stderr": done.stderr}


def put_model(root: Path, name: str, **settings: object) -> Path:
    """Put a repository with stand-ins for a model's files at COMMIT below `root`."""
    top = root / "models" / name / COMMIT
    top.mkdir(parents=True)
    (top / "config.json").write_text("{}")
    (top / "model.safetensors").write_bytes(b"stand-in " * 20_000)
    if settings:
        (top.parent / "repo.json").write_text(json.dumps(settings))
    return top


# --- Which files


def test_pickles_beside_safetensors_and_other_frameworks_are_not_wanted() -> None:
    wanted = [
        "config.json",
        "model.safetensors",
        "2_Dense/pytorch_model.bin",
        "3_Dense/model.safetensors",
        "colbert.pt",
    ]
    others = ["pytorch_model.bin", "3_Dense/pytorch_model.bin", "onnx/model.onnx", "openvino/openvino_model.bin"]
    others += [
        "pytorch_model-00001-of-00002.bin",
        "pytorch_model.bin.index.json",
        "tf_model.h5",
        "rust_model.ot",
        "a.jpg",
    ]
    assert loadable_files([*wanted, *others]) == wanted
    shards = ["model-00001-of-00002.safetensors", "model.safetensors.index.json"]
    assert loadable_files([*shards, "pytorch_model.bin"]) == shards
    assert loadable_files(["pytorch_model.bin", "adapter_model.bin"]) == ["pytorch_model.bin", "adapter_model.bin"]
    assert loadable_files(["adapter_model.safetensors", "adapter_model.bin"]) == ["adapter_model.safetensors"]


def test_the_download_command_names_the_revision() -> None:
    assert Repository("a/b").download_command == "hf download a/b"
    assert Repository("a/b", "dataset", "v1").download_command == "hf download a/b --repo-type dataset --revision v1"


# --- First use, and reuse without a hub


@pytest.mark.hub
def test_what_was_run_once_runs_and_verifies_without_a_hub(full_hub: Path, tmp_path: Path) -> None:
    home, results = tmp_path / "home", tmp_path / "results"
    command = ["run", "--model", E5.name, "--data", "hub", "--tasks", "STS17", "--languages", "en"]
    command += ["--output", str(results)]
    with serving(full_hub) as hub:
        first = run_product(*command, url=hub.url, home=home)
        assert first.returncode == 0, first.stderr
        asked = " ".join(hub.requests)
        assert "model.safetensors" in asked and "pytorch_model.bin" not in asked and "onnx" not in asked
    offline: dict[str, str] = {"HF_HUB_OFFLINE": "1"}
    for environment in ({}, offline):
        again = run_product(*command, "--refresh", url=CLOSED, home=home, **environment)
        assert again.returncode == 0, again.stderr
        assert again.stdout == first.stdout
    (file,) = results.rglob("STS17.json")
    verified = run_product("verify", str(file), url=CLOSED, home=home)
    assert verified.returncode == 0, verified.stderr
    assert "the same" in verified.stdout
    # One file less, and it is no longer whole.
    (weights,) = (home / "hub").glob(f"models--*/snapshots/{E5.revision}/model.safetensors")
    weights.unlink()
    line = error_of(run_product(*command, url=CLOSED, home=home))
    assert f"`hf download {E5.checkpoint} --revision {E5.revision}`" in line


@pytest.mark.hub
def test_a_branch_is_asked_for_once_and_comes_from_the_cache_where_there_is_no_answer(tmp_path: Path) -> None:
    put_model(tmp_path / "root", "test/one")
    put_model(tmp_path / "root", "test/two")
    both = [("test/one", None), ("test/two", None)]
    with serving(tmp_path / "root") as hub:
        folders = fetched(both, hub.url, tmp_path / "home")
    with serving(tmp_path / "root", ("/api/", "hang")) as hub:
        found = fetched(both, hub.url, tmp_path / "home", **SHORT_WAITS)
        assert [r for r in hub.requests if "agent-harnesses" not in r] == ["GET /api/models/test/one"]
    assert found["test/one"][0] == folders["test/one"][0] and found["test/two"][0] == folders["test/two"][0]
    assert (
        "note: using the cached copy of the model test/one, because it cannot be downloaded: no answer"
        in found["stderr"]
    )
    quiet = fetched(both, CLOSED, tmp_path / "home", HF_HUB_OFFLINE="1")
    assert quiet["test/two"][0] == folders["test/two"][0] and "note" not in quiet["stderr"]


# --- Pickles


# Loads models by name, and prints what came of each.
LOAD = """
import json, sys
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.errors import UserError
from bitext_bench.languages import resolve
found = []
for name in sys.argv[1:]:
    try:
        encoder = resolve_model(name, ModelOptions(device="cpu")).load()
        found.append(str(encoder.encode(["the cat"], "", resolve("en")).shape))
    except UserError as error:
        found.append(str(error))
print(json.dumps(found))
"""


class Payload:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (os.environ["PAYLOAD"],)


@pytest.mark.hub
def test_a_registered_model_that_has_only_pickles_needs_no_flag_and_runs_no_code(
    full_hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYLOAD", str(tmp_path / "ran"))
    with serving(full_hub) as hub:
        done = run_python("-c", LOAD, "labse", "bge-m3", url=hub.url, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["(1, 32)", "(1, 32)"]
    for name in (LABSE.checkpoint, BGE.checkpoint):
        assert f"{name} has no safetensors at its registered revision; torch reads its pickle as weights" in done.stderr
    for model, file in ((LABSE, "2_Dense/pytorch_model.bin"), (BGE, "pytorch_model.bin")):
        top = Path("models", model.checkpoint)
        shutil.copytree(full_hub / top, tmp_path / "root" / top)
        (tmp_path / "root" / top / str(model.revision) / file).write_bytes(pickle.dumps(Payload()))
    with serving(tmp_path / "root") as hub:
        done = run_python("-c", LOAD, "labse", "bge-m3", url=hub.url, home=tmp_path / "other")
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("cannot load the model in ") for line in json.loads(done.stdout)), done.stdout
    assert not (tmp_path / "ran").exists()


@pytest.mark.hub
def test_other_pickles_are_refused_before_the_download(tmp_path: Path) -> None:
    top = put_model(tmp_path / "root", "test/old")
    (top / "model.safetensors").rename(top / "pytorch_model.bin")
    with serving(tmp_path / "root") as hub:
        found = fetched([("test/old", None)], hub.url, tmp_path / "home")
        assert not [request for request in hub.requests if "resolve" in request or "cdn" in request]
    assert "has weights as pytorch_model.bin, which can run code" in found["test/old"][0]
    assert "pass --allow-pickle" in found["test/old"][0]


# --- Faults


@pytest.mark.hub
def test_what_the_hub_refuses_is_said_with_what_to_do(tmp_path: Path) -> None:
    root, home = tmp_path / "root", tmp_path / "home"
    for name in ("plain", "busy", "down", "forbidden", "lost"):
        put_model(root, f"test/{name}")
    put_model(root, "test/gated", gated="manual")
    faults = [("/api/.*/busy", "429"), ("/api/.*/down", "503"), ("/api/.*/forbidden", "403"), ("cdn/.*/lost", "404")]
    names = ("gated", "busy", "down", "forbidden", "lost", "nothing")
    models = [*((f"test/{name}", None) for name in names), ("test/plain", "v9"), ("test/plain", "9" * 40)]
    with serving(root, *faults) as hub:
        found = fetched(models, hub.url, home)
        as_reader = fetched([("test/gated", None), ("test/nothing", None)], hub.url, home, HF_TOKEN="hf_reader")
        wrong = fetched([("test/plain", None)], hub.url, home, HF_TOKEN="hf_wrong")["test/plain"][0]
        page = f"{hub.url}/test/gated"
    with serving(root, ("/api/models/test/plain", "401")) as hub:
        nobody = fetched([("test/plain", None)], hub.url, home)["test/plain"][0]
    expected = {
        "test/gated": ("it is gated, and you are not logged in (401)", f"ask for access at {page}", "hf auth login"),
        "test/busy": (
            "too many requests (429): the limit is 500 requests in 300 seconds",
            "wait 2 seconds",
            "hf auth login",
        ),
        "test/down": ("the hub answered 503 Service Unavailable", "try again later"),
        "test/forbidden": ("your token may not read it (403)", "hf auth login"),
        "test/lost": ("the hub answered 404 for /cdn/", "try again later"),
        "test/nothing": ("the hub has no such model, or it is private (401)", "check the name", "hf auth login"),
        "test/plain@v9": ("the hub has this model, but no revision v9", "/test/plain/commits"),
        f"test/plain@{'9' * 40}": (f"but no revision {'9' * 40}", "check the revision"),
    }
    for name, words in expected.items():
        message = found[name][0]
        assert message.startswith(f"cannot get the model {name.replace('@', ' at revision ')} from the hub: ")
        assert all(word in message for word in words), message
        assert "Root=" not in message and "\n" not in message
    assert "it is gated, and your account has no access (403)" in as_reader["test/gated"][0]
    assert "the hub has no such model, or it is private (404)" in as_reader["test/nothing"][0]
    assert "the hub does not accept your token (401); log in again (hf auth login)" in wrong
    assert "it requires a login (401); log in (hf auth login)" in nobody


@pytest.mark.hub
def test_a_damaged_file_in_the_cache_says_what_to_delete(tmp_path: Path) -> None:
    put_model(tmp_path / "root", "test/plain")  # its weights are no safetensors
    with serving(tmp_path / "root") as hub:
        command = ["run", "--model", "test/plain", "--data", "mini", "--pooling", "mean"]
        line = error_of(run_product(*command, url=hub.url, home=tmp_path / "home"))
    (weights,) = (tmp_path / "home").rglob("snapshots/*/model.safetensors")
    assert f"delete {weights.resolve()}, which is in the hub's cache, and run the command again" in line


@pytest.mark.hub
def test_wrong_settings_of_the_client_are_one_line(tmp_path: Path) -> None:
    put_model(tmp_path / "root", "test/plain")
    wanted = [("test/plain", None)]
    with serving(tmp_path / "root") as hub:
        no_place = fetched(wanted, hub.url, Path("/proc/none"))["test/plain"][0]
        no_proxy = fetched(wanted, hub.url, tmp_path, HTTP_PROXY="foo://proxy")["test/plain"][0]
    assert "from the hub: cannot write /proc/none: " in no_place
    assert "set HF_HOME to a folder that you can write to" in no_place
    assert "Unknown scheme for proxy URL" in no_proxy
    assert "check HF_ENDPOINT and the proxy" in no_proxy


@pytest.mark.hub
def test_files_that_do_not_arrive_are_one_line(tmp_path: Path) -> None:
    root = tmp_path / "root"
    names = ("cut", "drop", "hang", "hangfile")
    for name in names:
        put_model(root, f"test/{name}")
    faults = [("GET /cdn/.*/cut/", "cut"), ("GET /cdn/.*/drop/", "drop"), ("GET /cdn/.*/hangfile/", "hang")]
    with serving(root, *faults, ("/hang/tree", "hang")) as hub:
        found = fetched([(f"test/{name}", None) for name in names], hub.url, tmp_path / "home", **SHORT_WAITS)
    assert "from the hub: the connection broke off (peer closed connection" in found["test/cut"][0]
    assert "from the hub: the connection broke off (Server disconnected" in found["test/drop"][0]
    assert "from the hub: no answer in time" in found["test/hang"][0]
    assert "from the hub: no answer in time" in found["test/hangfile"][0]
    assert all("run the command again" in found[f"test/{name}"][0] for name in names)
    with serving(root) as hub:
        found = fetched([(f"test/{name}", None) for name in names], hub.url, tmp_path / "home")
    assert all(found[f"test/{name}"][0].endswith(COMMIT) for name in names)


@pytest.mark.hub
def test_a_request_that_fails_once_or_twice_is_repeated(tmp_path: Path) -> None:
    actions = {"busy": "429*2", "down": "503*2", "cut": "cut*1", "drop": "drop*1", "hang": "hang*1"}
    tops = {name: put_model(tmp_path / "root", f"test/{name}") for name in actions}
    patterns = {
        name: f"{'HEAD' if name in ('busy', 'down') else 'GET /cdn'}.*/{name}/.*safetensors" for name in actions
    }
    with serving(tmp_path / "root", *((patterns[name], action) for name, action in actions.items())) as hub:
        found = fetched([(f"test/{name}", None) for name in actions], hub.url, tmp_path / "home", **SHORT_WAITS)
        asked = {name: sum(bool(re.search(patterns[name], r)) for r in hub.requests) for name in actions}
    for name, top in tops.items():
        weights = Path(found[f"test/{name}"][0], "model.safetensors")
        assert weights.read_bytes() == (top / "model.safetensors").read_bytes()
    assert asked == {"busy": 3, "down": 3, "cut": 2, "drop": 2, "hang": 2}


@pytest.mark.hub
@pytest.mark.parametrize(
    "fault",
    [
        ("/cas/", "404"),
        ("/cas/", "drop"),
        ("/cas/", "hang"),
        ("/xet-read-token/", "403"),
        ("/xet-read-token/", "hang"),
    ],
)
def test_without_xet_storage_files_come_by_plain_http(tmp_path: Path, fault: tuple[str, str]) -> None:
    top = put_model(tmp_path / "root", "test/xet", xet=True)
    put_model(tmp_path / "root", "test/too", xet=True)
    waits = {**SHORT_WAITS, "HF_XET_CLIENT_READ_TIMEOUT": "1s"}
    with serving(tmp_path / "root", fault) as hub:
        found = fetched([("test/xet", None), ("test/too", None)], hub.url, tmp_path / "home", **waits)
    for name in ("test/xet", "test/too"):
        assert Path(found[name][0], "model.safetensors").read_bytes() == (top / "model.safetensors").read_bytes()
    assert (
        found["stderr"].count("note: the hub's xet storage cannot be reached; files are downloaded by plain HTTP") == 1
    )


# Loads three data sets, and prints for each what came of it, and how many seconds all took.
DATA = """
import json, time
import datasets, mteb
from bitext_bench.data.hub import HubSource
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair
found, start = [], time.monotonic()
for name in ("STS12", "STS13", "STS14"):
    try:
        found.append(len(HubSource().scored(name, "default", LangPair.parse("en-en"), "test").first))
    except UserError as error:
        found.append(str(error))
print(json.dumps([found, time.monotonic() - start]))
"""


@pytest.mark.hub
def test_data_sets_wait_for_a_silent_hub_once(full_hub: Path, tmp_path: Path) -> None:
    def loaded(url: str, home: Path) -> tuple[list[int | str], float]:
        done = run_python("-c", DATA, url=url, home=home, **SHORT_WAITS)
        assert done.returncode == 0, done.stderr
        return tuple(json.loads(done.stdout))

    with serving(full_hub) as hub:
        first, _ = loaded(hub.url, tmp_path / "home")
    assert all(isinstance(n, int) for n in first)
    with serving(full_hub, (".", "hang")) as hub:
        again, cached_seconds = loaded(hub.url, tmp_path / "home")
        assert again == first
        assert not hub.requests  # The pinned commits are in the cache.
        refused, refused_seconds = loaded(hub.url, tmp_path / "empty")
        assert len([request for request in hub.requests if "agent-harnesses" not in request]) == 1
    assert cached_seconds + refused_seconds < 60  # five waits and retries for each took minutes
    assert all("from the hub: no answer in time; check the connection" in str(line) for line in refused)
    assert all(
        "hf download mteb/sts1" in str(line) and "or pass a data directory with STS1" in str(line) for line in refused
    )


@pytest.mark.hub
def test_a_data_file_that_does_not_arrive_is_one_line(full_hub: Path, tmp_path: Path) -> None:
    faults = {"cut": "the connection broke off", "drop": "the connection broke off", "hang": "no answer in time"}
    for action, words in faults.items():
        with serving(full_hub, ("GET /cdn/datasets/mteb/sts12", action)) as hub:
            done = run_python("-c", DATA, url=hub.url, home=tmp_path / action, **SHORT_WAITS)
        assert done.returncode == 0, done.stderr
        (line, *others), _ = json.loads(done.stdout)
        assert "cannot get the dataset mteb/sts12-sts at revision a0d554a6" in line and words in line
        assert all(isinstance(n, int) for n in others)
