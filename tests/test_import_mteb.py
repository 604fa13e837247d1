"""`import-mteb`: files of all mteb versions and layouts are imported, and every omission is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from bitext_bench.cli.main import main
from bitext_bench.errors import UserError
from bitext_bench.results.mteb_results import read_model_name, read_mteb_result
from leaderboard.published.choose import OTHER_FILE, _fits, registry_facts
from leaderboard.published.file import FILE, read_file, read_published
from leaderboard.published.records import Measure
from leaderboard.tables.published import published_tables

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
    models = read_file(results / FILE).models
    return {(name, *measure): value for name, model in models.items() for measure, value in model.scores.items()}


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


def test_the_pinned_revision_is_used_or_else_the_newest_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pinned = registry_facts("sentence-transformers/LaBSE").revision
    files = {
        f"sentence-transformers__LaBSE/{pinned}": ("1.12.75", 0.5),
        "sentence-transformers__LaBSE/" + "a" * 40: ("2.6.0", 0.6),
        "org__a/abc": ("1.9.0", 0.7),
        "org__a/def": ("1.38.0", 0.8),
        "org__a/external": (None, 0.9),
        "org__b/external": (None, 0.4),
    }
    for folder, (version, score) in files.items():
        content = modern("STS12", entry("default", cosine_spearman=score), mteb_version=version)
        write(tmp_path / "results" / folder / "STS12.json", content)
    found = imported(tmp_path / "results", tmp_path / "ours")
    assert {model: value for (model, *_), value in found.items()} == {
        "sentence-transformers/LaBSE": 0.5,
        "org/a": 0.8,
        "org/b": 0.4,
    }
    said = capsys.readouterr().err
    assert f"org__a/external/STS12.json and 2 more: {OTHER_FILE}" in said
    assert read_file(tmp_path / "ours" / FILE).models["org/b"].files["STS12"].version == "unknown"


def test_of_two_files_of_one_revision_the_newer_is_used(tmp_path: Path) -> None:
    for place, version, score in (("remote/results", "1.38.0", 0.7), ("later", "1.9.0", 0.8)):
        content = modern("STS12", entry("default", cosine_spearman=score), mteb_version=version)
        write(tmp_path / "cache" / place / "org__a/abc/STS12.json", content)
    assert list(imported(tmp_path / "cache", tmp_path / "results").values()) == [0.7]


def checkout(root: Path) -> str:
    """Write a checkout of MTEB's results with mteb's own classes: three models, two revisions; return the commit."""
    import mteb
    from mteb.models import ModelMeta
    from mteb.results import TaskResult

    tatoeba = mteb.get_task("Tatoeba")
    for name, revision, accuracy in (
        ("org/whole", "1", 0.9),
        ("org/whole", "2", 0.8),
        ("org/sampled", "1", 62.5 / 63),
        ("google/gemini-embedding-2-preview", "1", 1.0),
    ):
        scores = {
            subset: {"accuracy": accuracy, "f1": accuracy, "main_score": accuracy}
            for subset in ("kor-eng", "fra-eng", "jpn-eng")
        }
        result = TaskResult.from_task_results(tatoeba, {"test": scores}, evaluation_time=1.0)
        cache = mteb.ResultCache(root)
        cache.save_to_cache(result, ModelMeta.create_empty({"name": name, "revision": revision}))
    write(root / "results/org__whole/1/Banking77Classification.json", {"task_name": "Banking77Classification"})
    commit = "0123456789abcdef" * 2 + "01234567"
    write(root / ".git/HEAD", "ref: refs/heads/main\n")
    write(root / ".git/config", '[remote "origin"]\n\turl = https://github.com/embeddings-benchmark/results.git\n')
    write(root / ".git/packed-refs", f"# pack-refs with: peeled\n{commit} refs/heads/main\n")
    return commit


def test_a_checkout_of_the_results_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit = checkout(tmp_path / "theirs")
    found = imported(tmp_path / "theirs", tmp_path / "ours")
    assert {model for model, *_ in found} == {"org/whole"}
    (model,) = read_file(tmp_path / "ours" / FILE).models.values()
    assert model.files["Tatoeba"].source == f"embeddings-benchmark/results@{commit[:8]}"
    said = capsys.readouterr().err
    assert "org__whole/1/Banking77Classification.json: scores of Banking77Classification are not imported" in said
    assert "org__sampled/1/Tatoeba.json: Tatoeba kor-eng: an accuracy is no multiple of 1 / 1,000" in said.replace(
        "fra-eng", "kor-eng"
    ).replace("jpn-eng", "kor-eng")
    assert "google/gemini-embedding-2-preview: its bitext scores come from a sixteenth of the sentences" in said
    size = read_published(tmp_path / "ours")
    interval = size.interval(Measure("Tatoeba", "kor-eng", "mteb_accuracy"), 0.9)
    assert interval == pytest.approx((0.8799, 0.9171), abs=1e-4)  # Wilson's for 900 of 1,000


def test_an_import_updates_the_scores_of_the_package(tmp_path: Path) -> None:
    shipped = read_published().models["sentence-transformers/LaBSE"]
    name = "sentence-transformers__LaBSE"
    write(tmp_path / f"theirs/{name}/x/STS12.json", modern("STS12", entry("default", cosine_spearman=0.123)))
    imported(tmp_path / "theirs", tmp_path / "ours")
    updated = read_published(tmp_path / "ours").models["sentence-transformers/LaBSE"]
    sts12 = Measure("STS12", "default", "cosine_spearman")
    assert updated.scores[sts12] == 0.123 != shipped.scores[sts12]
    assert {m: v for m, v in updated.scores.items() if m != sts12} == {
        m: v for m, v in shipped.scores.items() if m != sts12
    }
    assert updated.files["STS12"].revision == "x" and updated.files["Tatoeba"] == shipped.files["Tatoeba"]


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
    assert "STSBenchmark.json: the split validation of STSBenchmark: MTEB reports test" in said
    assert "Banking77Classification.json: scores of Banking77Classification are not imported" in said
    assert "old_unknown.json: scores of NoSuchTask are not imported" not in said
    assert "BUCC.v2.json: BUCC.v2 ru-en: it has no accuracy or f1" in said
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
    content = (results / FILE).read_bytes()
    assert imported(file, results) == once
    assert (results / FILE).read_bytes() == content
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


def test_imported_scores_are_apart_from_measured_ones(tmp_path: Path) -> None:
    """Measured rows keep their ranks; names are printable."""
    file = write(tmp_path / "theirs/org__a|model/abc/Tatoeba.json", modern("Tatoeba", entry("jpn-eng", **BITEXT)))
    imported(file, tmp_path)
    tables = published_tables("Tatoeba", ["jpn-eng"], read_file(tmp_path / FILE))
    (row,) = [row for row in tables[0].rows if row[0] == "org/a|model"]
    assert tables[0].metric == "mteb_accuracy" and row[3] == {"jpn-eng": 0.6}
    assert row[1] == "result file of mteb, org/a|model, revision abc"
    assert row[2] == "mteb 2.1.0; the prompt is not recorded"


def test_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*nowhere.json: No such file"):
        read_mteb_result(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("STS12 default", "STS12", "line 6: 'STS12 cosine_spearman' is not a task, a subset and a score"),
        ("\t3108", "\tx", "line 7: 'x' is not a positive number"),
        ("\t0.5", "\tnan", "line 8: nan is not from -1 to 1"),
        ("\t0.5", "", "line 8: 7 cells, expected 8"),
        ("STS12 abc", "STS13 abc", "line 8: the origin of STS12 is missing"),
        ("abc unknown mteb", "abc", "line 8: .* is not tasks, revision, version and source"),
        ("model\t", "", "expected a row of headings"),
        ("n\t\t", "m\t\t", "expected a row of headings and a row with n"),
    ],
)
def test_damage_to_the_published_file_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    content = modern("STS12", entry("default", cosine_spearman=0.5), mteb_version=None)
    imported(write(tmp_path / "theirs/org__a/abc/STS12.json", content), tmp_path)
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / FILE).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError, match=f"cannot read .*published.tsv: {said}.*import it again"):
        read_published(tmp_path)


def test_a_published_file_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\n")
    with pytest.raises(UserError, match="cannot read .*published.tsv: .*import it again"):
        read_published(tmp_path)


def test_scores_that_mteb_does_not_report_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other splits, shares below 0, and an accuracy and F1 that cannot be of the same sentences."""
    root = tmp_path / "theirs/org__a/abc"
    good = entry("default", cosine_spearman=-0.5)
    write(root / "STSBenchmark.json", modern("STSBenchmark", good, split="dev"))
    write(root / "KorSTS.json", modern("KorSTS", good, split="train"))
    write(root / "STSBenchmarkMultilingualSTS.json", modern("STSBenchmarkMultilingualSTS", good, split="dev"))
    write(root / "JSTS.json", modern("JSTS", good, split="validation"))  # its test split has no public ratings
    subsets = entry("kor-eng", accuracy=-0.5, f1=-0.4), entry("rus-eng", accuracy=0.5, f1=0.4)
    write(root / "Tatoeba.json", modern("Tatoeba", *subsets))
    other = tmp_path / "theirs/org__b/abc/Tatoeba.json"
    write(other, modern("Tatoeba", entry("kor-eng", accuracy=1.0, f1=0.2)))
    assert imported(tmp_path / "theirs", tmp_path / "results") == {
        ("org/a", "JSTS", "default", "cosine_spearman"): -0.5,
        ("org/a", "Tatoeba", "rus-eng", "mteb_accuracy"): 0.5,
        ("org/a", "Tatoeba", "rus-eng", "mteb_f1"): 0.4,
    }
    said = capsys.readouterr().err
    assert "STSBenchmark.json: the split dev of STSBenchmark: MTEB reports test" in said
    assert "KorSTS.json: the split train of KorSTS: MTEB reports test" in said
    assert "STSBenchmarkMultilingualSTS.json: the split dev of STSBenchmarkMultilingualSTS: MTEB reports test" in said
    assert "Tatoeba kor-eng: mteb_accuracy is -0.5, not from 0 to 1" in said
    assert "Tatoeba kor-eng: mteb_f1 is -0.4, not from 0 to 1" in said
    assert "Tatoeba kor-eng: accuracy 1.0 and f1 0.2 exclude each other" in said


def test_accuracy_and_f1_exclude_each_other_only_if_no_predictions_give_both() -> None:
    """F1 of random predictions, as mteb computes it, and of the predictions with the lowest and highest F1."""
    rng = np.random.default_rng(3)
    gold = np.arange(60)
    drawn = [np.where(rng.random(60) < share, gold, rng.integers(0, 60, 60)) for share in np.linspace(0, 1, 50)]
    spread = [np.where(gold < hits, gold, gold % max(1, hits)) for hits in range(1, 60)]
    apart = [np.where(gold < hits, gold, 59 - (gold - hits) // 2) for hits in range(60)]
    for chosen in (*drawn, *spread, *apart):
        f1 = f1_score(gold, chosen, average="weighted", zero_division=0)
        assert _fits(float((gold == chosen).mean()), float(f1))
    assert not _fits(1.0, 0.99) and not _fits(0.5, 0.51) and not _fits(0.5, 0.33)


def test_facts_of_a_model_that_the_registry_lacks_come_from_its_model_meta(tmp_path: Path) -> None:
    meta = {"n_parameters": 33_000_000, "embed_dim": [128, 384], "license": "mit", "release_date": "2026-01-02"}
    names = {"org/new": meta, "sentence-transformers/LaBSE": meta, "org/odd": {**meta, "n_parameters": "many"}}
    for name, said in names.items():
        folder = tmp_path / "theirs" / name.replace("/", "__") / "abc"
        write(folder / "STS12.json", modern("STS12", entry("default", cosine_spearman=0.5)))
        write(folder / "model_meta.json", {"name": name, "revision": "abc", "open_weights": False, **said})
    imported(tmp_path / "theirs", tmp_path / "results")
    models = read_file(tmp_path / "results" / FILE).models
    new = models["org/new"]
    assert (new.parameters, new.dimensions, new.license) == (33_000_000, 384, "mit")
    assert (new.released, new.open_weights) == ("2026-01-02", False)
    labse = models["sentence-transformers/LaBSE"]
    assert (labse.parameters, labse.dimensions, labse.open_weights) == (470_926_848, 768, True), "the registry decides"
    assert (models["org/odd"].parameters, models["org/odd"].dimensions) == (None, 384)
