"""Names of models: where they lead, and what the registry says of them."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from builders import edit, vectors
from laser2_material import make_laser2

from bitext_bench.baselines import BASELINES
from bitext_bench.encoders import ModelOptions, Prompts, resolve_model
from bitext_bench.encoders import resolve as resolving
from bitext_bench.errors import UserError
from bitext_bench.io.cache import cache_folder
from bitext_bench.languages import resolve

EN, FR, JA = resolve("en"), resolve("fr"), resolve("ja")
DEFAULT = ModelOptions(device="cpu")
pytestmark = pytest.mark.usefixtures("one_thread")


# --- Names


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lebse", "unknown model 'lebse': did you mean labse"),
        ("multilingual-e5-smal", "did you mean multilingual-e5-small"),
        ("qqqqqqqq", r"unknown model 'qqqqqqqq' \(all of them: bitext-bench list models\)"),
        ("x" * 300, "unknown model"),
        ("./nowhere", "the model directory ./nowhere does not exist"),
        ("/nowhere/at/all", "the model directory /nowhere/at/all does not exist"),
        ("~no-such-user/model", "the model directory ~no-such-user/model does not exist"),
        ("a/b/c", "does not exist"),
        ("toys:missing", "cannot import the model 'toys:missing': module 'toys' has no attribute 'missing'"),
        ("toys:", "cannot import the model"),
        ("no_such_module:x", "No module named 'no_such_module'; .* PYTHONPATH"),
        (":x", "cannot import the model ':x'"),
        (".toys:hashing", "cannot import the model"),
        ("toys:nothing", r"toys:nothing\(\) returned object, which has no encode"),
        ("toys:np", "toys:np is a module: expected a function"),
    ],
)
def test_names_that_lead_nowhere(name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        resolve_model(name, DEFAULT)


@pytest.fixture
def hub_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and a hub that refuses the connection."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "hub"


@pytest.mark.parametrize("offline", [False, True])
@pytest.mark.parametrize("name", ["some/model", "labse"])
def test_a_hub_that_cannot_be_reached(
    hub_cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str, offline: bool
) -> None:
    """Said once and at once, also where a commit is registered, for which the hub's client asks again and again."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    start = time.monotonic()
    with pytest.raises(UserError, match=r"cannot get the model .*/.* from the hub: .+; or pass a directory") as caught:
        resolve_model(name, DEFAULT)
    assert time.monotonic() - start < 10
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a b/c", "org/", "org/..", "org/name:tag"])
def test_names_that_no_hub_has(hub_cache: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot get the model .*no repository can have this name; expected ORG/NAME"):
        resolve_model(name, DEFAULT)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hub:org/model@v2", "pass --model org/model --model-revision v2"),
        ("org/model@", "pass --model org/model --model-revision COMMIT"),
        ("hub:", "the model has no name"),
        ("hub:labsee", "expected hub:ORG/NAME, hub: and a name from bitext-bench list models, or package"),
    ],
)
def test_a_hub_name_that_is_written_wrongly_says_how_to_write_it(hub_cache: Path, name: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve_model(name, DEFAULT)
    assert said in str(caught.value)
    assert "hf download" not in str(caught.value)


def test_a_model_in_the_hub_cache_needs_no_hub(hub_cache: Path, tiny_model: Path) -> None:
    commit = "0123456789" * 4
    folder = hub_cache / "models--some--model"
    shutil.copytree(tiny_model, folder / "snapshots" / commit)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    edit(folder / "snapshots" / commit / "config_sentence_transformers.json", prompts={"STS": "s: "})
    model = resolve_model("some/model", DEFAULT)
    assert (model.name, model.revision, model.prompts) == ("some/model", commit, Prompts("", "s: "))
    assert model.space == resolve_model(str(tiny_model), DEFAULT).space
    assert resolve_model("some/model", ModelOptions(revision=commit)).fingerprint == model.fingerprint
    with pytest.raises(UserError, match=f"cannot get the model some/model at revision {'9' * 40}"):
        resolve_model("some/model", ModelOptions(revision="9" * 40))
    (folder / "snapshots" / commit / "model.safetensors").unlink()  # a download that was broken off
    with pytest.raises(UserError, match="cannot get the model some/model from the hub"):
        resolve_model("some/model", DEFAULT)


# --- Directories that bear the name of something else


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (
            "laser2",
            "the registered model facebook/laser2; write ./laser2 for the directory, hub:laser2 or facebook/laser2",
        ),
        ("muse", "the registered model google/muse-v3; write ./muse for the directory, hub:muse or google/muse-v3"),
        (
            "LaBSE",
            "sentence-transformers/LaBSE; write ./LaBSE for the directory, hub:LaBSE or sentence-transformers/LaBSE",
        ),
        (
            "multilingual-e5-small-no-prompt",
            "write ./multilingual-e5-small-no-prompt for the directory, hub:multilingual-e5-small-no-prompt for the "
            "other",
        ),
        (
            "some/model",
            "the hub's model some/model; write ./some/model for the directory, hub:some/model for the other",
        ),
        (
            "sentence-transformers/LaBSE",
            "./sentence-transformers/LaBSE for the directory, hub:sentence-transformers/LaBSE",
        ),
    ],
)
def test_a_directory_with_the_name_of_another_model_is_reported(
    name: str,
    other: str,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(tiny_model, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    resolving._note_directory.cache_clear()
    for _ in range(2):
        assert resolve_model(name, DEFAULT).name == f"local/{Path(name).name}"
    said = capsys.readouterr().err
    assert said.count("\n") == 1, "once a process"
    assert said.startswith(f"bitext-bench: note: --model {name} is the directory ./{name} here, not ")
    assert other in said
    for path in (f"./{name}", str(tmp_path / name)):
        assert resolve_model(path, DEFAULT).fingerprint == resolve_model(name, DEFAULT).fingerprint
    assert not capsys.readouterr().err


def test_a_prefix_says_that_no_directory_is_meant(
    hub_cache: Path, tiny_model: Path, dense: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("some/model", "laser2", "facebook/laser2"):
        shutil.copytree(dense, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    folder = hub_cache / "models--some--model"
    shutil.copytree(tiny_model, folder / "snapshots" / ("0" * 40))
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0" * 40)
    make_laser2(cache_folder() / "laser2")
    for name in ("hub:laser2", "hub:facebook/laser2"):
        assert resolve_model(name, DEFAULT).registered == "laser2"
    found = resolve_model("hub:some/model", DEFAULT)
    assert (found.name, found.revision) == ("some/model", "0" * 40)
    assert found.space != resolve_model("some/model", DEFAULT).space
    with pytest.raises(UserError, match="cannot import the model 'hub:factory'"):
        resolve_model("hub:factory", DEFAULT)  # a factory in hub.py, which there is not


# --- The registry's records


def test_a_registered_model_comes_with_its_prompt(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    def fetch(name: str, revision: str | None, **_: bool) -> tuple[Path, str]:
        asked.append((name, revision))
        return tiny_model, revision or "0" * 40

    monkeypatch.setattr(resolving, "fetch_model", fetch)
    prompted = resolve_model("multilingual-e5-small", DEFAULT)
    plain = resolve_model("multilingual-e5-small-no-prompt", DEFAULT)
    assert (prompted.prompts, plain.prompts) == (Prompts("query: ", "query: "), Prompts())
    assert prompted.name == plain.name == "intfloat/multilingual-e5-small"
    assert (prompted.overrides, plain.overrides) == ((), (("prompt", ""),))
    assert (prompted.registered, plain.registered) == ("multilingual-e5-small", "multilingual-e5-small-no-prompt")
    assert prompted.space == plain.space
    pinned = BASELINES["multilingual-e5-small"].revision
    assert pinned
    assert asked == [("intfloat/multilingual-e5-small", pinned)] * 2
    assert prompted.revision == pinned
    same = resolve_model("INTFLOAT/Multilingual-E5-small", ModelOptions(prompt="", device="cpu"))
    assert (same.overrides, same.space) == (plain.overrides, plain.space)
    assert resolve_model("labse", ModelOptions(prompt="x: ", device="cpu")).overrides == (("prompt", "x: "),)
    assert resolve_model("labse", ModelOptions(revision="a-branch", device="cpu")).revision == "a-branch"
    assert resolve_model("some/unregistered", DEFAULT).revision == "0" * 40
    np.testing.assert_array_equal(vectors(prompted), vectors(resolve_model(str(tiny_model), DEFAULT)))


@pytest.mark.parametrize("name", [n for n, b in BASELINES.items() if b.loader == "sentence-transformers"])
def test_every_sentence_transformers_record_resolves(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(resolving, "fetch_model", lambda name, revision, **_: (tiny_model, revision or "1"))
    model = resolve_model(name, DEFAULT)
    baseline = BASELINES[name]
    assert (model.name, model.registered) == (baseline.checkpoint, name)
    assert model.prompts == Prompts(baseline.prompt, baseline.sts_prompt)
    assert {key for key, _ in model.overrides} <= {"prompt"}


def test_a_directory_below_home(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell does not expand the ~ of --model=~/models/x, nor do job files."""
    monkeypatch.setenv("HOME", str(tiny_model.parent))
    assert resolve_model(f"~/{tiny_model.name}", DEFAULT).name == "local/tiny-bert"


def test_a_directory_wins_over_the_registry(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(tiny_model, tmp_path / "multilingual-e5-small")
    monkeypatch.chdir(tmp_path)
    model = resolve_model("multilingual-e5-small", DEFAULT)
    assert (model.name, model.registered, model.prompts) == ("local/multilingual-e5-small", None, Prompts())


@pytest.mark.parametrize("layout", ["plain", "tiny_model"])
def test_a_registered_checkpoint_with_another_ones_tokenizer(
    plain: Path, layout: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In either layout; both hold the same weights."""
    weights = Path(shutil.copytree(request.getfixturevalue(layout), tmp_path / "weights"))
    for file in weights.glob("tokenizer*"):
        file.unlink()
    baseline = BASELINES["soft-contrastive-me5-base"]
    folders = {baseline.checkpoint: weights, baseline.tokenizer: plain}
    monkeypatch.setattr(resolving, "fetch_model", lambda name, revision, **_: (folders[name], "1"))
    monkeypatch.setattr(resolving, "fetch_tokenizer", lambda name: folders[name])
    model = resolve_model("soft-contrastive-me5-base", DEFAULT)
    assert (model.pooling, model.overrides) == ("mean", ())
    expected = vectors(resolve_model(str(plain), ModelOptions(pooling="mean", device="cpu")))
    np.testing.assert_array_equal(vectors(model), expected)
    cls = resolve_model("soft-contrastive-me5-base", ModelOptions(pooling="cls", device="cpu"))
    assert (cls.pooling, cls.overrides) == ("cls", (("pool", "cls"),))
    expected = vectors(resolve_model(str(plain), ModelOptions(pooling="cls", device="cpu")))
    np.testing.assert_array_equal(vectors(cls), expected)
