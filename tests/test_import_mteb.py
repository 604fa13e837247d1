"""`import-mteb`: files of all mteb versions and layouts are imported, and every omission is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bitext_bench.cli.main import main
from bitext_bench.errors import UserError
from bitext_bench.results.mteb_results import read_model_name, read_mteb_result
from leaderboard.tables.published import read_imported

RESULTS = Path(__file__).parents[1] / "results"
FULL = "fd1525a9fd15316a2d503bf26ab031a61d056e98"
BITEXT = {"accuracy": 0.6, "f1": 0.5, "precision": 0.4, "recall": 0.6, "main_score": 0.5}


def save(folder: Path, name: str, revision: str, score: float, **meta: Any) -> Path:
    """Write an STS result with mteb's own cache."""
    import mteb
    from mteb.models import ModelMeta
    from mteb.results import TaskResult

    scores = {"test": {"default": {"cosine_spearman": score, "main_score": score}}}
    result = TaskResult.from_task_results(mteb.get_task("STS12"), scores, evaluation_time=1.0)
    model = ModelMeta.create_empty({"name": name, "revision": revision, **meta})
    cache = mteb.ResultCache(folder)
    cache.save_to_cache(result, model)
    return cache.get_task_result_path("STS12", model)


def write(file: Path, content: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def entry(subset: str, **scores: float) -> dict[str, object]:
    return {"hf_subset": subset, "languages": ["jpn-Jpan", "eng-Latn"], "main_score": 0.5, **scores}


def modern(task: str, *entries: object, split: str = "test", **more: object) -> dict[str, object]:
    head = {"task_name": task, "dataset_revision": "1", "mteb_version": "2.1.0", "evaluation_time": 1.0}
    return {**head, "scores": {split: list(entries)}, **more}


def imported(path: Path, results: Path) -> dict[tuple[str, str, str, str], float]:
    """Run the command; return (model, task, subset, metric) -> value."""
    assert main(["import-mteb", str(path), "--results", str(results)]) == 0
    rows = read_imported(results)
    found = {(name, f.task, f.subset, f.metric): f.value for name, f in rows}
    assert len(found) == len(rows)
    return found


def test_experiments_belong_to_their_model(tmp_path: Path) -> None:
    for name in ("org/one", "org/two"):
        save(tmp_path / "cache", name, "abc", 0.5)
        for prompt in ("a", "b"):
            save(tmp_path / "cache", name, "abc", 0.6 + len(prompt + name) / 100, experiment_kwargs={"prompt": prompt})
    found = imported(tmp_path / "cache", tmp_path / "results")
    names = [f"org/{name}{settings}" for name in ("one", "two") for settings in ("", " (prompt_a)", " (prompt_b)")]
    assert [name for name, *_ in found] == names


def test_experiments_without_a_model_meta_belong_to_their_model(tmp_path: Path) -> None:
    for name in ("org/one", "org/two"):
        save(tmp_path / "cache", name, "abc", 0.6, experiment_kwargs={"prompt": "a"}).with_name(
            "model_meta.json"
        ).unlink()
    found = imported(tmp_path / "cache", tmp_path / "results")
    assert [name for name, *_ in found] == ["org/one (prompt_a)", "org/two (prompt_a)"]


@pytest.mark.parametrize(
    ("path", "meta", "model"),
    [
        ("results/org__a/abc", None, ("org/a", "abc")),
        ("results/org__a__b__c/abc", None, ("org/a__b__c", "abc")),
        ("results/org_x__a/abc", {"name": "org x/a", "revision": "def"}, ("org x/a", "def")),
        ("results/a__b/abc", {"name": "a__b", "revision": None}, ("a__b", "abc")),
        ("results/org__a/no_revision_available", None, ("org/a", "no_revision_available")),
        ("results/org__a/external", None, ("org/a", "external")),
        (f"results/one/{FULL}", None, ("one", FULL)),
        ("results/one/0_1_10", None, ("one", "0_1_10")),
        ("results/org__a", None, ("org/a", "unknown")),  # mteb 1.1: no revisions
        ("results/all-MiniLM-L6-v2", None, ("all-MiniLM-L6-v2", "unknown")),
        ("my__results/org__a", None, ("org/a", "unknown")),
        ("results/org__a/abc", "{", ("org/a", "abc")),
        ("results/org__a/abc", [], ("org/a", "abc")),
        ("results/org__a/abc", {"name": None}, ("org/a", "abc")),
        ("results/org__a/abc/experiments/k_v", None, ("org/a (k_v)", "abc")),
        ("results/one/1/experiments/k_v", {"name": "org/one", "revision": "1"}, ("org/one (k_v)", "1")),
    ],
)
def test_the_model_of_a_file(path: str, meta: object, model: tuple[str, str], tmp_path: Path) -> None:
    if meta is not None:
        write(tmp_path / path / "model_meta.json", meta)
    assert read_model_name(tmp_path / path / "STS12.json") == model


# The format before mteb 1.11: scores by split, with a dictionary for each of several languages.
OLD_STS = {"cos_sim": {"pearson": 0.8, "spearman": 0.81}, "euclidean": {"spearman": 0.7}, "evaluation_time": 2.5}
OLD: dict[str, tuple[dict[str, Any], dict[tuple[str, str, str], float]]] = {
    "STS, 1.1": (
        {"mteb_version": "1.1.0", "mteb_dataset_name": "STS12", "dataset_revision": "a0d554a", "test": OLD_STS},
        {("STS12", "default", "cosine_spearman"): 0.81},
    ),
    "STS, before there were versions": (
        {"mteb_dataset_name": "STS12", "test": OLD_STS},
        {("STS12", "default", "cosine_spearman"): 0.81},
    ),
    "STS of languages": (
        {
            "mteb_version": "1.0.2",
            "mteb_dataset_name": "STS17",
            "dataset_revision": None,
            "test": {"ko-ko": {"cos_sim": {"spearman": 0.7}}, "en-en": {"cos_sim": {"spearman": 0.8}}},
        },
        {("STS17", "en-en", "cosine_spearman"): 0.8, ("STS17", "ko-ko", "cosine_spearman"): 0.7},
    ),
    "bitext": (
        {"mteb_version": "1.1.2.dev0", "mteb_dataset_name": "Tatoeba", "test": {"jpn-eng": BITEXT, "fra-eng": BITEXT}},
        {
            ("Tatoeba", subset, metric): value
            for subset in ("fra-eng", "jpn-eng")
            for metric, value in (("mteb_accuracy", 0.6), ("mteb_f1", 0.5))
        },
    ),
}


@pytest.mark.parametrize("name", OLD)
def test_files_of_old_versions(name: str, tmp_path: Path) -> None:
    from mteb.results import TaskResult

    content, expected = OLD[name]
    if content.get("dataset_revision", "") is None:
        del content["dataset_revision"]
    file = write(tmp_path / "org__a" / f"{content['mteb_dataset_name']}.json", content)
    found = imported(file, tmp_path / "results")
    assert found == {("org/a", *key): value for key, value in expected.items()}
    theirs = {e["hf_subset"]: e for e in TaskResult.from_disk(file).scores["test"]}
    for (task, subset, metric), value in expected.items():
        assert task == content["mteb_dataset_name"]
        assert theirs[subset][metric.removeprefix("mteb_")] == value


def test_revisions_are_separate_and_the_newer_file_of_one_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for revision, score in (("abc", 0.5), ("def", 0.6)):
        write(
            tmp_path / "cache/results/org__a" / revision / "STS12.json",
            modern("STS12", entry("default", cosine_spearman=score)),
        )
    for place, version, score in (("remote/results", "1.38.0", 0.7), ("later", "1.9.0", 0.8)):
        content = modern("STS12", entry("default", cosine_spearman=score), mteb_version=version)
        write(tmp_path / "cache" / place / "org__a/abc/STS12.json", content)
    assert main(["import-mteb", str(tmp_path / "cache"), "--results", str(tmp_path / "results")]) == 0
    figures = {figure.source: figure for _, figure in read_imported(tmp_path / "results")}
    assert {source: figure.value for source, figure in figures.items()} == {
        "mteb result file, org/a, revision abc, data 1": 0.5,  # mteb 2.1.0
        "mteb result file, org/a, revision def, data 1": 0.6,
    }
    said = capsys.readouterr().err
    for file in ("remote/results/org__a/abc/STS12.json", "later/org__a/abc/STS12.json"):
        assert f"{file}: same model, revision and data as in" in said


def test_omissions_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "theirs/org__a/abc"
    good = entry("default", cosine_spearman=0.5)
    two = modern("STSBenchmark", good)
    two["scores"] = {"validation": [entry("default", cosine_spearman=0.9)], "test": [good]}
    write(root / "STSBenchmark.json", two)
    write(root / "Banking77Classification.json", modern("Banking77Classification", entry("default", accuracy=0.9)))
    write(root / "STS12.json", modern("STS12", entry("default", cosine_spearman=81.0)))
    write(root / "BUCC.v2.json", modern("BUCC.v2", entry("fr-en", f1=0.5, accuracy=0.6), entry("ru-en")))
    for name, content in {
        "cut.json": json.dumps(modern("STS13", good))[:-20],
        "list.json": "[]",
        "text.json": '"x"',
        "deep.json": "[" * 100_000,
        "other.json": "{}",
        "nameless.json": modern("STS13", {"cosine_spearman": 0.5}),
        "unscored.json": {"task_name": "STS13"},
        "old_unknown.json": {"mteb_version": "1.1.0", "mteb_dataset_name": "NoSuchTask", "test": OLD_STS},
        "old_broken.json": {"mteb_version": "1.1.0", "mteb_dataset_name": "STS12", "test": 3},
        "ours.json": next(RESULTS.rglob("STS13.json")).read_text(encoding="utf-8"),
    }.items():
        write(root / name, content)
    (root / "bytes.json").write_bytes(b"\xff\xfe\x00")
    (root / "folder.json").mkdir()
    assert imported(root, tmp_path / "results") == {
        ("org/a", "STSBenchmark", "default", "cosine_spearman"): 0.5,
        ("org/a", "BUCC.v2", "fr-en", "mteb_f1"): 0.5,
        ("org/a", "BUCC.v2", "fr-en", "mteb_accuracy"): 0.6,
    }
    said = capsys.readouterr().err
    assert "STSBenchmark.json: the split validation of STSBenchmark, because test is used" in said
    assert (
        "Banking77Classification.json: subsets of Banking77Classification without a score of bitext mining or STS: 1"
        in said
    )
    assert "BUCC.v2.json: subsets of BUCC.v2 without a score of bitext mining or STS: 1" in said
    assert "STS12.json: STS12 default: cosine_spearman is 81.0, not from -1 to 1" in said
    for name in ("cut", "deep", "bytes"):
        assert f"{name}.json is not JSON" in said
    for name in ("list", "text", "other"):
        assert f"{name}.json is not a result of mteb" in said
    for name in ("nameless", "unscored", "old_unknown", "old_broken"):
        assert f"{name}.json: mteb cannot read it as a result" in said
    assert "ours.json was written by bitext-bench" in said


def test_a_second_import_reports_what_it_replaces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = save(tmp_path / "cache", "org/a  b", "abc", 0.5)
    results = tmp_path / "results"
    once = imported(file, results)
    content = (results / "reported.tsv").read_bytes()
    assert imported(file, results) == once
    assert (results / "reported.tsv").read_bytes() == content
    assert "earlier import" not in capsys.readouterr().err
    save(tmp_path / "cache", "org/a  b", "abc", 0.6)
    assert list(imported(file, results).values()) == [0.6]
    assert "replaced scores of an earlier import: 1" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "{", modern("Banking77Classification", entry("default", accuracy=0.9))])
def test_nothing_to_import_is_an_error(content: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if content is not None:
        write(tmp_path / "theirs/x.json", content)
    assert main(["import-mteb", str(tmp_path / "theirs"), "--results", str(tmp_path / "results")]) == 1
    assert ("does not exist" if content is None else "has no bitext mining or STS score") in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_imported_scores_have_separate_tables(tmp_path: Path) -> None:
    """Measured rows keep their ranks; names are escaped."""
    results = tmp_path / "results"
    command = ["run", "--model", "toys:hashing", "--data", "mini", "--languages", "en", "ja", "--tasks", "Mini-Tatoeba"]
    assert main([*command, "--output", str(results), "--cache-folder", str(tmp_path / "store")]) == 0
    write(tmp_path / "theirs/org__a|model/abc/Mini-Tatoeba.json", modern("Mini-Tatoeba", entry("ja-en", **BITEXT)))
    imported(tmp_path / "theirs", results)
    board = tmp_path / "board.md"
    assert main(["leaderboard", "--results", str(results), "--output", str(board)]) == 0
    (row,) = [line for line in board.read_text(encoding="utf-8").splitlines() if "*50.00*" in line]
    assert row.startswith("| *org/a\\|model* | *50.00* | mteb result file, org/a\\|model, revision abc")
    assert "mteb 2.1.0; the prompt is not recorded" in row.replace("\\", "")


def test_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*nowhere.json: No such file"):
        read_mteb_result(tmp_path / "nowhere.json")


def test_figures_that_are_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "reported.tsv").write_bytes(b"\xff\n")
    with pytest.raises(UserError, match="cannot read .*reported.tsv: .*import it again"):
        read_imported(tmp_path)
