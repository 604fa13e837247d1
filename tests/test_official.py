"""Data with an official name are byte-identical to the official files; only they are compared with published scores."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import write

from bitext_bench.cli.main import main
from bitext_bench.data import Provenance, open_source
from bitext_bench.data.files import data_name, is_official, joined_name
from bitext_bench.languages import LangPair, resolve
from bitext_bench.tasks import TASKS
from bitext_bench.tasks.sts import Sts

REAL = Path(__file__).parents[2] / "shared" / "data"
KO, FR, EN, DE = (resolve(code) for code in ("ko", "fr", "en", "de"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tatoeba-v1", True),
        ("STS17-test", True),
        ("hub-69e8f12d", True),
        ("mini-1", True),
        ("custom-tatoeba-1234abcd", False),
        ("custom-tatoeba", False),
        ("unverified-STS22-test-1234abcd", False),
        ("bucc-style-1234abcd", False),
        ("hub-mirror", False),
        ("hub-69e8f12d-more", False),
        ("tatoeba-v1-1234abcd", False),
        ("", False),
    ],
)
def test_only_verified_names_are_official(name: str, expected: bool) -> None:
    assert is_official(name) == expected


@pytest.mark.parametrize(
    ("data", "subset", "expected"),
    [
        ("tatoeba-v1", "kor-eng", "custom-tatoeba"),
        ("tatoeba-v1", "bam-eng", "custom-tatoeba"),  # there are 112 languages, and this is none of them
        ("STS17-test", "en-en", "custom-STS17-test"),
        ("STS17-test", "en-de", "unverified-STS17-test"),
        ("STS22-test", "en", "unverified-STS22-test"),
        ("bucc2018-test", "fr-en", "unverified-bucc2018-test"),
        ("flores200-dev", "kor_Hang", "unverified-flores200-dev"),
        ("flores200-devtest", "kor_Hang", "custom-flores200-devtest"),
        ("bucc-style-test", "fr-en", "bucc-style-test"),
    ],
)
def test_other_data_have_another_name(data: str, subset: str, expected: str) -> None:
    assert data_name(data, subset, "0" * 64) == expected


def test_what_is_made_of_several_parts_is_official_where_all_are() -> None:
    for parts, expected in (
        (["a", "a"], "a"),
        (["a", "custom-a"], "custom-a"),
        (["unverified-b", "a"], "unverified-a"),
        (["unverified-b", "custom-c", "a"], "custom-a"),
    ):
        assert joined_name("a", parts) == expected
        whole = Provenance.joined("a", [Provenance(name, "0" * 64) for name in parts])
        assert whole.version == expected


def names(root: Path) -> dict[str, set[str]]:
    """Return task -> names of data of all that a directory has."""
    found: dict[str, set[str]] = {}
    for task in TASKS.values():
        if task.kind == "bitext" and not task.name.startswith(("Mini-", "FLORES-200-dev")):
            units = task.load(open_source(str(root)), [EN, FR])
            found[task.name] = {search.data.version for unit in units for search in unit.searches}
    return found


def test_private_data_in_every_layout_have_no_official_name(data_root: Path) -> None:
    for file in (data_root / "bucc2018").rglob("*.*"):
        copy = data_root / "bucc-style" / file.relative_to(data_root / "bucc2018")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    assert names(data_root) == {
        "Tatoeba": {"custom-tatoeba"},
        "BUCC.v2": {"unverified-bucc2018-test"},
        "BUCC-style": {"bucc-style-test"},
        "BUCC-mining": {"unverified-bucc2018"},
        "BUCC-style-mining": {"bucc-style"},
        "FLORES-200": {"custom-flores200-devtest"},
        "FLORES-200-xsimpp": {"custom-flores200-devtest-augmented"},
    }
    pairs = open_source(str(data_root)).scored("STSBenchmark", "default", LangPair(EN, EN), "test")
    assert pairs.data.version == "custom-STSBenchmark-test"


def test_two_sets_in_one_layout_have_two_names_and_all_languages_of_a_set_have_one(data_root: Path) -> None:
    files = data_root / "tatoeba/v1"
    for side in ("deu", "eng"):
        write(files / f"tatoeba.deu-eng.{side}", [f"{side} {i}" for i in range(5)])
    source = open_source(str(data_root))
    french, german = (source.parallel("tatoeba", language).data for language in (FR, DE))
    assert french.set_name == german.set_name != french.version
    assert re.fullmatch("custom-tatoeba-[0-9a-f]{8}", french.set_name)
    write(files / "tatoeba.deu-eng.deu", [f"deu {i}." for i in range(5)])
    other = open_source(str(data_root)).parallel("tatoeba", FR).data
    assert (other.version, other.sha256) == (french.version, french.sha256)
    assert other.set_name != french.set_name


# With the real data.


@pytest.mark.shared
def test_every_real_set_is_official() -> None:
    source = open_source(str(REAL))
    tatoeba = [source.parallel("tatoeba", language).data for language in source.languages("tatoeba")]
    flores = [source.aligned("flores200", language).data for language in source.languages("flores200")]
    assert (len(tatoeba), {str(data.set_name) for data in tatoeba}) == (112, {"tatoeba-v1"})
    assert (len(flores), {str(data.set_name) for data in flores}) == (204, {"flores200-devtest"})
    for language in source.languages("flores200-dev"):
        assert source.aligned("flores200-dev", language).data.set_name == "flores200-dev_510"
    counts = 0
    for task in TASKS.values():
        if not isinstance(task, Sts) or not (REAL / "sts" / (task.collection or task.name)).is_dir():
            continue
        for subset, pair in task.subsets.items():
            if (task.name, subset) == ("STS17", "en-en") or task.name != "STS17":
                collection = task.collection or task.name
                data = source.scored(collection, subset, LangPair.parse(pair), task.split).data
                assert data.set_name == f"{collection}-{task.split}"
                counts += 1
    assert counts == 5 + 1 + 4 + 1 + 11


def edited(content: bytes) -> bytes:
    return content.replace(b"a", b"b", 1)


def shuffled(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    random.Random(1).shuffle(lines)
    return b"".join(lines)


DAMAGES: list[Callable[[bytes], bytes]] = [
    edited,
    shuffled,
    lambda content: content.replace(b"\n", b"\r\n"),
    lambda content: b"\xef\xbb\xbf" + content,
    lambda content: content.removesuffix(b"\n"),
    lambda content: b"".join(content.splitlines(keepends=True)[:-1]),
    lambda content: content + content.splitlines(keepends=True)[0],
]


@pytest.mark.shared
@pytest.mark.parametrize("damage", DAMAGES, ids=["byte", "shuffled", "crlf", "bom", "newline", "shorter", "longer"])
@pytest.mark.parametrize("sides", [("fra",), ("eng",), ("fra", "eng")], ids=str)
def test_no_altered_pair_is_official(tmp_path: Path, damage: Callable[[bytes], bytes], sides: tuple[str, ...]) -> None:
    folder = tmp_path / "tatoeba/v1"
    folder.mkdir(parents=True)
    for side in ("fra", "eng"):
        content = (REAL / f"tatoeba/v1/tatoeba.fra-eng.{side}").read_bytes()
        other = damage(content) if side in sides else content
        if len(other.splitlines()) == len(content.splitlines()) or len(sides) == 2:
            content = other
        elif side in sides:
            content = edited(content)  # the sides must stay of one length
        (folder / f"tatoeba.fra-eng.{side}").write_bytes(content)
    assert open_source(str(tmp_path)).parallel("tatoeba", FR).data.version == "custom-tatoeba"


@pytest.mark.shared
def test_a_language_in_the_place_of_another_is_not_official(tmp_path: Path) -> None:
    for side, name in (("kor", "deu"), ("eng", "eng")):
        write(tmp_path / f"tatoeba/v1/tatoeba.deu-eng.{name}", [])
        shutil.copy(REAL / f"tatoeba/v1/tatoeba.kor-eng.{side}", tmp_path / f"tatoeba/v1/tatoeba.deu-eng.{name}")
    assert open_source(str(tmp_path)).parallel("tatoeba", DE).data.version == "custom-tatoeba"
    folder = tmp_path / "sts/STS13"
    folder.mkdir(parents=True)
    shutil.copy(REAL / "sts/STS12/en.test.tsv", folder)
    pairs = open_source(str(tmp_path)).scored("STS13", "default", LangPair(EN, EN), "test")
    assert pairs.data.version == "custom-STS13-test"


@pytest.mark.shared
def test_a_changed_score_is_another_sts(tmp_path: Path) -> None:
    content = (REAL / "sts/STS12/en.test.tsv").read_text(encoding="utf-8")
    (tmp_path / "sts/STS12").mkdir(parents=True)
    (tmp_path / "sts/STS12/en.test.tsv").write_text(content.replace("\n4.4\t", "\n4.5\t", 1), encoding="utf-8")
    pairs = open_source(str(tmp_path)).scored("STS12", "default", LangPair(EN, EN), "test")
    assert pairs.data.version == "custom-STS12-test"


@pytest.mark.shared
def test_flores_with_one_language_replaced_is_official_without_it(tmp_path: Path) -> None:
    folder = tmp_path / "flores200_dataset/devtest"
    folder.mkdir(parents=True)
    for code in ("eng_Latn", "fra_Latn", "kor_Hang"):
        shutil.copy(REAL / f"flores200_dataset/devtest/{code}.devtest", folder)
    (folder / "kor_Hang.devtest").write_bytes(shuffled((folder / "kor_Hang.devtest").read_bytes()))
    units = TASKS["FLORES-200"].load(open_source(str(tmp_path)), [EN, FR, KO])
    found = {search.subset: search.data.version for unit in units for search in unit.searches}
    official = {"eng_Latn-fra_Latn", "fra_Latn-eng_Latn"}
    assert {subset for subset, name in found.items() if name == "flores200-devtest"} == official
    assert {name for subset, name in found.items() if subset not in official} == {"custom-flores200-devtest"}


@pytest.fixture
def both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A results folder of one model on the real Korean Tatoeba, and on the same with two lines exchanged."""
    for name, change in (("real", lambda content: content), ("mine", shuffled)):
        for side in ("kor", "eng"):
            file = tmp_path / name / f"tatoeba/v1/tatoeba.kor-eng.{side}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(change((REAL / f"tatoeba/v1/tatoeba.kor-eng.{side}").read_bytes()))
        folders = ["--cache-folder", str(tmp_path / "cache"), "--output", str(tmp_path / "results")]
        command = ["run", "--model", "toys:hashing", "--data", str(tmp_path / name), "--tasks", "Tatoeba", *folders]
        assert main([*command, "--languages", "all"]) == 0
        said = [line for line in capsys.readouterr().err.splitlines() if "note" in line]
        assert len(said) == (name == "mine")
        assert all("Tatoeba kor-eng: the data are called custom-tatoeba-" in line for line in said)
    return tmp_path / "results"


@pytest.mark.shared
def test_published_figures_stand_beside_official_data_only(both: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(file.name for file in both.rglob("*.json"))
    assert len(files) == 2 and files[1] == "Tatoeba.json"
    assert re.fullmatch(r"Tatoeba\.custom-tatoeba-[0-9a-f]{8}\.json", files[0])
    output = both.parent / "board.md"
    assert main(["leaderboard", "--results", str(both), "--output", str(output)]) == 0
    overview, official, custom = output.read_text(encoding="utf-8").split("## Tatoeba")
    assert "| *sentence-transformers/LaBSE* | *92.90*" in overview
    measured = next(line for line in overview.splitlines() if line.startswith("| local/toys:hashing"))
    assert official.startswith(": ") and "0.20" in official and "**0.20**" in measured
    assert custom.startswith(" on custom-tatoeba-") and "LaBSE" not in custom
    capsys.readouterr()
    assert main(["leaderboard", "--results", str(both), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    measured_on = {row["data"].partition("-")[0] for row in rows if row["model"] == "local/toys:hashing"}
    assert measured_on == {"custom", "tatoeba"} and any("LaBSE" in row["model"] for row in rows)
    next(both.rglob("Tatoeba.json")).unlink()
    assert main(["leaderboard", "--results", str(both), "--output", str(output)]) == 0
    text = output.read_text(encoding="utf-8")
    assert "LaBSE" not in text and "Tatoeba accuracy" not in text


@pytest.mark.shared
def test_the_papers_tables_and_averages_take_official_data_only(both: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bitext_bench.results.averages import PAIR_TATOEBA, compute
    from leaderboard.entries.read import read_results, select_comparable

    entries = read_results(both).entries
    average = PAIR_TATOEBA["en-ko"]
    values = {entry.result.data: compute(average, [entry.result]).value for entry in entries}
    assert len(values) == 2 and [name for name, value in values.items() if value is not None] == ["tatoeba-v1"]
    assert [entry.result.data for entry in select_comparable(entries)] == ["tatoeba-v1"]
