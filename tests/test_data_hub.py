"""The hub's sets through mteb's own task objects, from a local folder of the hub's shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hub_runs import run_python, serving

from bitext_bench.data import MissingData
from bitext_bench.data.hub import HubSource
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, resolve
from bitext_bench.tasks import TASKS, Task

EN, FR, KO = resolve("en"), resolve("fr"), resolve("ko")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path / "mirror"


def put(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_tatoeba_by_language(mirror: Path) -> None:
    rows: list[dict[str, object]] = [
        {"sentence1": f"{lang} {i}", "sentence2": f"en {i}", "lang": lang}
        for i in range(3)
        for lang in ("kor-eng", "fra-eng")
    ]
    put(mirror / "mteb/tatoeba-bitext-mining", "test.jsonl", rows)
    bitext = HubSource(mirror).parallel("tatoeba", KO)
    assert bitext.source == ("kor-eng 0", "kor-eng 1", "kor-eng 2")
    assert bitext.target == ("en 0", "en 1", "en 2")
    assert bitext.data.version == "hub-mirror"


def test_bucc_gold_pairs(mirror: Path) -> None:
    rows: list[dict[str, object]] = [{"sentence1": "un", "sentence2": "one", "lang": "fr-en"}]
    put(mirror / "mteb/bucc-bitext-mining", "test.jsonl", rows)
    assert HubSource(mirror).parallel("bucc2018", FR).target == ("one",)


def configure(folder: Path, config: str, split: str, path: str) -> None:
    lines = [
        "---",
        "configs:",
        f"- config_name: {config}",
        "  data_files:",
        f"  - split: {split}",
        f"    path: {path}",
        "---",
    ]
    (folder / "README.md").write_text("\n".join(lines), encoding="utf-8")


def test_flores_by_column(mirror: Path) -> None:
    folder = mirror / "mteb/FloresBitextMining"
    put(folder, "rows.jsonl", [{"eng_Latn": "one", "fra_Latn": "un"}])
    configure(folder, "default", "devtest", "rows.jsonl")
    source = HubSource(mirror)
    assert source.aligned("flores200", FR).sentences == ("un",)
    with pytest.raises(MissingData, match="no kor_Hang"):
        source.aligned("flores200", KO)


def test_sts_in_its_three_shapes(mirror: Path) -> None:
    row: dict[str, object] = {"sentence1": "a", "sentence2": "b", "score": 2.5}
    put(mirror / "mteb/sts12-sts", "test.jsonl", [row])
    source = HubSource(mirror)
    assert source.scored("STS12", "default", LangPair(EN, EN), "test").scores == (2.5,)
    put(mirror / "mteb/sts17-crosslingual-sts", "test.jsonl", [{**row, "lang": "ko-ko"}, {**row, "lang": "fr-en"}])
    assert len(source.scored("STS17", "ko-ko", LangPair(KO, KO), "test").first) == 1
    renamed: dict[str, object] = {"sentence1": "a", "sentence2": "b", "similarity_score": 1.0, "lang": "fr"}
    put(mirror / "mteb/stsb_multi_mt", "test.jsonl", [renamed])
    assert source.scored("STSBenchmarkMultilingualSTS", "fr", LangPair(FR, FR), "test").scores == (1.0,)


def test_what_the_hub_lists_needs_no_download() -> None:
    source = HubSource()
    assert len(source.languages("tatoeba")) == 112
    assert len(source.languages("flores200")) == 204
    assert [str(x) for x in source.languages("bucc2018")] == ["de", "fr", "ru", "zh"]


def test_a_hub_that_cannot_be_reached_and_the_three_ways_on(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    from huggingface_hub import constants

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"mteb/sts12-sts at revision a0d554a6.*HF_HOME.*a data directory.*mini"):
        HubSource().scored("STS12", "default", LangPair(EN, EN), "test")


def test_what_is_not_on_the_hub_is_refused_with_the_reason() -> None:
    with pytest.raises(MissingData, match="mining needs"):
        HubSource().comparable("bucc2018", LangPair(FR, EN), "test")
    with pytest.raises(MissingData, match="not on the hub"):
        HubSource().augmented("flores200", EN)
    with pytest.raises(MissingData, match=r"has only devtest: pass a data directory with flores200_dataset/dev/$"):
        HubSource().languages("flores200-dev")
    with pytest.raises(MissingData, match=r"^mteb has no data set NoSuchTask: pass a data directory with it"):
        HubSource().scored("NoSuchTask", "default", LangPair(EN, EN), "test")
    with pytest.raises(MissingData, match=r"^mteb has no data set STS17 with the subset xx: pass a data directory"):
        HubSource().scored("STS17", "xx", LangPair(EN, EN), "test")


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_that_the_hub_does_not_have_says_what_to_pass(task: Task, mirror: Path) -> None:
    """Whatever is asked of the hub ends in data or in a reason that is no exception of mteb's."""
    with pytest.raises(
        UserError, match=r"pass (a data directory|mini as the data)|cannot read .*a data directory"
    ) as caught:
        task.load(HubSource(mirror), [EN, FR, KO, resolve("ja")])
    assert "Error" not in str(caught.value).partition("(")[0]


@pytest.mark.parametrize("split", ["validation", "valid", "dev"])
def test_a_split_by_any_of_its_names(mirror: Path, split: str) -> None:
    row: dict[str, object] = {"sentence1": "a", "sentence2": "b", "score": 2.5}
    put(mirror / "dkoterwa/kor-sts", f"{split}.jsonl", [row])
    put(mirror / "dkoterwa/kor-sts", "test.jsonl", [{**row, "score": 1.0}])
    configure(mirror / "dkoterwa/kor-sts", "default", split, f"{split}.jsonl")
    assert HubSource(mirror).scored("KorSTS", "default", LangPair(KO, KO), "validation").scores == (2.5,)


# With the real clients and a hub on this machine.

PINNED = {
    "mteb/sts12-sts": "a0d554a64d88156834ff5ae9920b964011b16384",
    "mteb/tatoeba-bitext-mining": "69e8f12da6e31d59addadda9a9c8a2e601a0e282",
}
OTHER = "b" * 40
OURS = """
import json
from bitext_bench.data.hub import HubSource
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, resolve
found = []
for get in (
    lambda source: source.scored("STS12", "default", LangPair.parse("en-en"), "test"),
    lambda source: source.parallel("tatoeba", resolve("ko")),
):
    try:
        data = get(HubSource())
        found.append([data.data.version, data.first[0] if hasattr(data, "first") else data.source[0]])
    except UserError as error:
        found.append(["refused", str(error)])
print(json.dumps(found))
"""
PLAIN = "import datasets, sys; [datasets.load_dataset(name, revision=revision) for name, revision in %r.items()]"


@pytest.fixture
def hub_root(tmp_path: Path) -> Path:
    """Two data sets at the pinned revision, and at another one with other rows."""
    for name, pinned in PINNED.items():
        for revision, text in ((pinned, "the pinned row"), (OTHER, "another row")):
            row: dict[str, object] = {"sentence1": text, "sentence2": "b", "score": 2.5, "lang": "kor-eng"}
            put(tmp_path / "root/datasets" / name / revision, "test.jsonl", [row, {**row, "score": 1.0}])
    return tmp_path / "root"


def child(code: str, home: Path, url: str, **environment: str) -> str:
    """Run a program with a cache of its own; returns what it prints."""
    done = run_python("-c", code, url=url, home=home, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.hub
@pytest.mark.parametrize("cached", ["pinned and then another", "another only"])
def test_no_other_revision_is_taken_for_the_pinned_one(hub_root: Path, tmp_path: Path, cached: str) -> None:
    def found(url: str, **environment: str) -> list[list[str]]:
        return json.loads(child(OURS, tmp_path / "home", url=url, **environment))

    with serving(hub_root) as hub:
        if cached != "another only":
            child(PLAIN % PINNED, tmp_path / "home", url=hub.url)
        child(PLAIN % dict.fromkeys(PINNED, OTHER), tmp_path / "home", url=hub.url)
    troubles = [found(hub.url), found(hub.url, HF_HUB_OFFLINE="1")]
    with serving(hub_root, (".", "500")) as broken:
        troubles.append(found(broken.url))
    rows = [["hub-a0d554a6", "the pinned row"], ["hub-69e8f12d", "the pinned row"]]
    for answers in troubles:
        if cached != "another only":
            assert answers == rows
            continue
        assert [version for version, _ in answers] == ["refused", "refused"]
        for (_, message), (name, revision) in zip(answers, PINNED.items(), strict=True):
            assert message.startswith(f"cannot get the dataset {name} at revision {revision}")
    with serving(hub_root) as hub:
        assert found(hub.url) == rows


DEV = """
from bitext_bench.data.hub import HubSource
from bitext_bench.errors import UserError
from bitext_bench.tasks import find_task
for name in ("KorSTS-dev", "STSBenchmark-dev", "FLORES-200-dev"):
    try:
        print(name, sum(len(unit.sides[0].sentences) for unit in find_task(name).load(HubSource(), None)))
    except UserError as error:
        print(name, error)
"""


@pytest.mark.hub
def test_the_splits_to_choose_by(full_hub: Path, tmp_path: Path) -> None:
    with serving(full_hub) as hub:
        found = child(DEV, tmp_path / "home", url=hub.url).splitlines()
    assert found == [
        "KorSTS-dev 1500",
        "STSBenchmark-dev 1500",
        "FLORES-200-dev mteb's data set of FLORES-200 has only devtest: pass a data directory with "
        "flores200_dataset/dev/",
    ]
