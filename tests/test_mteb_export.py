"""`export-mteb`: mteb computes the same scores of the same model and rows, and mteb's tools read the files."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import WORDS
from made_results import MODEL, result_of, subset_of, write_again

from bitext_bench.cli.main import main
from bitext_bench.data import Bitext, Provenance, ScoredPairs, official_subsets
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, Language, resolve
from bitext_bench.results.evaluation import evaluate, load_tasks
from bitext_bench.results.files import read_result, result_folder, write_result
from bitext_bench.results.mteb_scores import convert
from bitext_bench.results.outcomes import read_outcomes
from bitext_bench.results.records import TaskResult
from bitext_bench.tasks import TASKS

pytestmark = [
    pytest.mark.filterwarnings("ignore:To copy construct:UserWarning"),  # mteb copies a tensor from a tensor
    pytest.mark.usefixtures("one_thread_throughout"),
]

N = 200
KNOWN = "intfloat/multilingual-e5-small"  # which mteb has in its registry


def sentences(seed: int) -> list[str]:
    """Different sentences of words that the tiny model knows."""
    generator = np.random.default_rng(seed)
    return [" ".join(generator.choice(WORDS, size=5 + i % 5)) for i in range(N)]


def altered(texts: Sequence[str], seed: int) -> list[str]:
    """The sentences with two words changed, so that some are found and some are not."""
    generator = np.random.default_rng(seed)
    changed = []
    for text in texts:
        words = text.split()
        for place in generator.choice(len(words), size=2, replace=False):
            words[place] = str(generator.choice(WORDS))
        changed.append(" ".join(words))
    return changed


ENGLISH = sentences(1)
FRENCH, JAPANESE, OTHER = altered(ENGLISH, 2), altered(ENGLISH, 3), altered(ENGLISH, 4)
GOLD = tuple(float(x) for x in np.random.default_rng(5).integers(0, 51, N) / 10)


class Rows:
    """A source of those rows, as the hub's sets at the revisions of mteb."""

    name = "rows"

    def languages(self, collection: str) -> list[Language]:
        return [resolve(code) for code in ("fr", "ja")] if collection == "tatoeba" else [resolve("fr")]

    def parallel(self, collection: str, language: Language) -> Bitext:
        source = tuple(FRENCH if language == resolve("fr") else JAPANESE)
        return Bitext(source, tuple(ENGLISH), at("Tatoeba" if collection == "tatoeba" else "BUCC.v2"))

    def scored(self, collection: str, subset: str, pair: LangPair, split: str) -> ScoredPairs:
        return ScoredPairs(tuple(ENGLISH), tuple(OTHER), GOLD, at(collection))


def at(task: str) -> Provenance:
    import mteb

    return Provenance(f"hub-{mteb.get_task(task).metadata.revision[:8]}", "0" * 64)


def pairs(left: Sequence[str], right: Sequence[str], **more: Sequence[float]) -> Any:
    from datasets import Dataset, DatasetDict

    return DatasetDict(test=Dataset.from_dict({"sentence1": left, "sentence2": right, **more}))


def mtebs_tasks() -> list[Any]:
    """Return mteb's own tasks with the same rows."""
    import mteb

    tatoeba = mteb.get_task("Tatoeba", hf_subsets=["fra-eng", "jpn-eng"])
    tatoeba.dataset = {"fra-eng": pairs(FRENCH, ENGLISH), "jpn-eng": pairs(JAPANESE, ENGLISH)}
    bucc = mteb.get_task("BUCC.v2", hf_subsets=["fr-en"])
    bucc.dataset = {"fr-en": pairs(FRENCH, ENGLISH)}
    sts = mteb.get_task("STS12")
    sts.dataset = pairs(ENGLISH, OTHER, score=GOLD)
    for task in (tatoeba, bucc, sts):
        task.data_loaded = True
    return [tatoeba, bucc, sts]


@pytest.fixture(scope="module")
def ours(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our results, filed under a model that mteb knows, at the revision that it pins."""
    root = tmp_path_factory.mktemp("ours")
    model = resolve_model(str(tiny_model), ModelOptions(device="cpu"))
    tasks = [TASKS[name] for name in ("Tatoeba", "BUCC.v2", "STS12")]
    loaded = load_tasks(tasks, Rows(), None, lambda task, error: pytest.fail(str(error)))
    known = replace(model, name=KNOWN, revision=revision())
    for result, outcomes in evaluate(Embedder(known, root / "store"), loaded):
        write_result(result_folder(root / "results", known), result, outcomes)
    return root / "results"


def revision() -> str:
    import mteb

    return str(mteb.get_model_meta(KNOWN).revision)


@pytest.fixture(scope="module")
def theirs(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The cache of mteb's own run of the same model on the same rows, and its results as they were in memory."""
    import mteb
    from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper

    cache = mteb.ResultCache(tmp_path_factory.mktemp("theirs"))
    model = SentenceTransformerEncoderWrapper(str(tiny_model), device="cpu")
    model.mteb_model_meta = mteb.get_model_meta(KNOWN)
    with contextlib.redirect_stderr(io.StringIO()):
        result = mteb.evaluate(model, mtebs_tasks(), cache=cache, co2_tracker=False, show_progress_bar=False)
    return cache.cache_path, {task.task_name: task for task in result.task_results}


def exported(path: Path, output: Path) -> Path:
    assert main(["export-mteb", str(path), "--output", str(output)]) == 0
    return output


def by_subset(result: Any) -> dict[str, Mapping[str, Any]]:
    (entries,) = result.scores.values()
    return {entry["hf_subset"]: entry for entry in entries}


def converted(file: Path) -> Any:
    result = read_result(file)
    return convert(result, lambda: read_outcomes(file, result)).result


@pytest.mark.parametrize("task", ["Tatoeba", "BUCC.v2"])
def test_every_key_of_bitext_mining_is_mtebs(task: str, ours: Path, theirs: tuple[Path, dict[str, Any]]) -> None:
    mine, of_mteb = (by_subset(x) for x in (converted(next(ours.rglob(f"{task}.json"))), theirs[1][task]))
    assert mine.keys() == of_mteb.keys()
    for subset, expected in of_mteb.items():
        assert mine[subset].keys() == expected.keys()
        for name, value in expected.items():
            assert mine[subset][name] == (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value)
        assert 0 < expected["precision"] < expected["f1"] < expected["accuracy"] < 1


def test_the_keys_of_sts_are_mtebs_or_absent(ours: Path, theirs: tuple[Path, dict[str, Any]]) -> None:
    mine = by_subset(converted(next(ours.rglob("STS12.json"))))["default"]
    expected = by_subset(theirs[1]["STS12"])["default"]
    assert set(expected) - set(mine) == {
        f"{kind}{name}" for kind in ("", "manhattan_", "euclidean_") for name in ("pearson", "spearman")
    }
    for name in ("cosine_spearman", "main_score"):
        assert mine[name] == pytest.approx(expected[name], abs=1e-9)
    # mteb's cosines are of float32.
    assert mine["cosine_pearson"] == pytest.approx(expected["cosine_pearson"], abs=1e-6)
    for name in ("hf_subset", "languages", "mteb_version"):
        assert mine[name] == expected[name]


@pytest.mark.parametrize("task", ["Tatoeba", "BUCC.v2", "STS12"])
def test_our_own_file_gives_mteb_what_its_run_gives(task: str, ours: Path, theirs: tuple[Path, dict[str, Any]]) -> None:
    """Without a conversion. Only the scores that our file does not have are absent."""
    from mteb.results import TaskResult as MtebResult

    result = MtebResult.from_disk(next(ours.rglob(f"{task}.json")))
    mine, of_mteb = by_subset(result), by_subset(theirs[1][task])
    assert mine.keys() == of_mteb.keys()
    for subset, expected in of_mteb.items():
        names = {"cosine_spearman", "cosine_pearson"} if task == "STS12" else {"f1", "accuracy", "recall"}
        assert mine[subset].keys() == {"hf_subset", "languages", "main_score", *names}
        assert mine[subset]["languages"] == expected["languages"]
        for name in ("main_score", *names):
            assert mine[subset][name] == pytest.approx(expected[name], abs=1e-6)
    assert result.get_score() == pytest.approx(theirs[1][task].get_score(), abs=1e-6)


def load(cache: Path) -> Any:
    import mteb

    return mteb.ResultCache(cache).load_results(models=[KNOWN], tasks=["Tatoeba", "BUCC.v2", "STS12"])


def test_mtebs_cache_reads_what_its_own_run_would_have_written(
    ours: Path, theirs: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    import mteb

    output = exported(ours, tmp_path / "out")
    folder = output / "results" / KNOWN.replace("/", "__") / revision()
    assert {file.name for file in folder.iterdir()} == {
        *("Tatoeba.json", "BUCC.v2.json", "STS12.json"),
        *("model_meta.json", "run_settings.jsonl"),
    }
    for name in ("Tatoeba", "BUCC.v2"):
        mine, of_mteb = (
            json.loads((root / "results" / KNOWN.replace("/", "__") / revision() / f"{name}.json").read_text())
            for root in (output, theirs[0])
        )
        measured = {"date", "evaluation_time", "evaluation_phases"}
        assert {k: v for k, v in mine.items() if k not in measured} == {
            k: v for k, v in of_mteb.items() if k not in measured
        }
        assert mine["dataset_revision"] == mteb.get_task(name).metadata.revision
    tables = [load(cache).to_dataframe() for cache in (output, theirs[0])]
    assert len(tables[0]) == 3
    np.testing.assert_allclose(tables[0][KNOWN], tables[1][KNOWN], atol=1e-6)
    checked = mteb.ResultCache(output).load_results(models=[KNOWN], tasks=["STS12"], validate_and_filter=True)
    assert [len(model.task_results) for model in checked.model_results] == [1]


def mteb_command(*arguments: str, cwd: Path, **environment: str) -> str:
    command = [sys.executable, "-m", "mteb", *arguments]
    given = {**os.environ, "HF_HUB_OFFLINE": "1", **environment}
    done = subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_mteb_prints_the_same_tables(ours: Path, theirs: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """The table of a model card, and the figures for the hub, from our files and from those of mteb's own run."""
    import mteb
    from mteb.cli.generate_model_card import generate_model_card

    tasks = mtebs_tasks()[:2]  # of one type, as mteb orders its columns of several by chance
    benchmark = mteb.Benchmark(name="bitext mining", tasks=tasks)
    cards, figures = [], []
    for cache in (mteb.ResultCache(exported(ours, tmp_path / "out")), mteb.ResultCache(theirs[0])):
        card = tmp_path / "card.md"
        generate_model_card(
            KNOWN, benchmarks=[benchmark], results_cache=cache, output_path=card, add_table_to_model_card=True
        )
        cards.append(card.read_text(encoding="utf-8").partition("# MTEB Results")[2])
        (model,) = cache.load_results(models=[KNOWN], tasks=tasks).model_results
        figures.append(sorted((task.task_name, round(task.get_score(), 6)) for task in model.task_results))
    assert figures[0] == figures[1] == [(n, round(theirs[1][n].get_score(), 6)) for n in ("BUCC.v2", "Tatoeba")]
    assert cards[0] == cards[1]
    mean = np.mean([score for _, score in figures[0]])  # of the task type, as mteb prints it
    assert f" {mean:.4f}" in cards[0]
    mteb_command(
        *("create-model-results", "--model-name", KNOWN, "--tasks", "Tatoeba"),
        *("--results-folder", str(tmp_path / "out"), "--output-path", "made.md"),
        cwd=tmp_path,
    )
    assert (tmp_path / "made.md").is_file()


def git(folder: Path, *arguments: str) -> None:
    names = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.slow
def test_mteb_submits_them(ours: Path, tmp_path: Path) -> None:
    """To a results repository on this disk; then the checks that the real one makes."""
    from mteb.results.task_result import _expand_run_settings_entry

    upstream = tmp_path / "upstream"
    (upstream / "results").mkdir(parents=True)
    (upstream / "results" / "README.md").write_text("results\n")
    git(upstream, "init", "-b", "main")
    git(upstream, "add", ".")
    git(upstream, "commit", "-m", "start")
    output = exported(ours, tmp_path / "out")
    redirect = {
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": f"url.{upstream}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/embeddings-benchmark/results",
        "GIT_CONFIG_KEY_1": "user.name",
        "GIT_CONFIG_VALUE_1": "a",
        "GIT_CONFIG_KEY_2": "user.email",
        "GIT_CONFIG_VALUE_2": "a@b.c",
    }
    said = mteb_command("submit-results", "--output-folder", str(output), cwd=tmp_path, **redirect)
    assert "No unsubmitted results" not in said
    (meta,) = (output / "remote" / "results").rglob("model_meta.json")
    content = json.loads(meta.read_text())
    assert meta.parent == output / "remote" / "results" / content["name"].replace("/", "__") / content["revision"]
    lines = (meta.parent / "run_settings.jsonl").read_text().splitlines()
    covered = {key for line in lines for key, _, _ in _expand_run_settings_entry(json.loads(line))}
    files = [file for file in meta.parent.glob("*.json") if file != meta]
    assert len(files) == 3
    for file in files:
        result = json.loads(file.read_text())
        assert result["task_name"] == file.stem
        assert result["mteb_version"].startswith("2.")
        assert file.stat().st_size < 10_000_000
        for split, entries in result["scores"].items():
            assert {(file.stem, split, entry["hf_subset"]) for entry in entries} <= covered


def test_versions_are_those_of_the_run(ours: Path, tmp_path: Path) -> None:
    for file in ours.rglob("STS12.json"):
        libraries = {**read_result(file).libraries, "torch": "1.2.3"}
        write_again(file, tmp_path / "changed" / "a" / "b", libraries=libraries)
    folder = next(exported(tmp_path / "changed", tmp_path / "out").rglob("run_settings.jsonl"))
    (row,) = map(json.loads, folder.read_text().splitlines())
    assert (row["task"], row["version"]["torch"]) == ("STS12", "1.2.3")


def sts(name: str = "STS12", data: str = "", **more: Any) -> TaskResult:
    """A result of STS by a model of mteb's registry."""
    line = f"task:{name}|data:{data or at('STS12')}"
    scores: dict[str, float | None] = {"cosine_spearman": 0.5, "cosine_pearson": 0.4}
    model = {**MODEL, "name": KNOWN, "revision": revision(), **more.pop("model", {})}
    return result_of(name, [subset_of(more.pop("subset", "default"), scores, signature=line)], model=model, **more)


def put(folder: Path, result: TaskResult) -> Path:
    return write_result(folder, result, {("default", "pairs"): {"score": np.zeros(1, np.float32)}})


def test_chosen_settings_are_an_experiment_of_mteb(tmp_path: Path) -> None:
    import mteb

    put(tmp_path / "ours/a/b", sts())
    own = {"prompt": "query: ", "dtype": "bf16", "max_length": 16, "chosen": ["prompt", "dtype", "max_length"]}
    put(tmp_path / "ours/a/b/experiments/prompt_query_-1__dtype_bf16__maxlen_16", sts(model=own))
    registered = {"prompt": "query: ", "registered": "multilingual-e5-small"}  # mteb would use none
    put(tmp_path / "ours/c/d", sts(model=registered))
    cache = mteb.ResultCache(exported(tmp_path / "ours", tmp_path / "out"))
    found = cache.load_results(models=[KNOWN], load_experiments="match_name")
    assert len(found.model_results) == 3
    kwargs = [{"prompt": "query: "}, {"prompt": "query: ", "dtype": "bf16", "max_length": 16}]
    for given in kwargs:
        matched = cache.load_results(models=[KNOWN], experiment_kwargs=given)
        assert [len(model.task_results) for model in matched.model_results] == [1]


def test_a_prompt_that_mteb_chose_is_no_experiment(tmp_path: Path) -> None:
    for registered in ("harrier-oss-v1-270m", f"mteb:{KNOWN}", None):
        folder = tmp_path / str(registered).replace(":", "-").replace("/", "-")
        put(folder / "ours/a/b", sts(model={"prompt": "Instruct: x\nQuery:", "registered": registered}))
        written = exported(folder / "ours", folder / "out")
        assert [file for file in written.rglob("STS12.json")]
        assert not [file for file in written.rglob("STS12.json") if "experiments" in file.parts]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another revision": (
        {"data": "hub-12345678@sha256:0"},
        "scored on hub-12345678, but mteb's task has revision a0d554a6",
    ),
    "data of one's own": ({"data": "STS12-test@sha256:0"}, "which differs from mteb's data set: run it again with"),
    "no data": ({"data": "@"}, "which differs from mteb's data set"),
    "trained on it": (
        {"data": "hub-a0d554a6@sha256:0|contamination:12 training rows"},
        "the model was trained on the bench",
    ),
    "no such task": ({"name": "Mini-STS"}, "Mini-STS: mteb has no such task"),
    "another split": ({"name": "STSBenchmark", "split": "validation"}, "STSBenchmark: mteb reports test, not valid"),
    "no such subset": ({"subset": "en"}, "STS12 en: mteb has no such subset"),
    "by ratio margin": ({"name": "FLORES-200"}, "FLORES-200: MTEB ranks by cosine"),
    "no organization": ({"model": {"name": "model"}}, "mteb cannot store a model named 'model'"),
    "a path": ({"model": {"revision": "../../x"}}, "mteb cannot store a model"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_mteb_has_no_counterpart_of_is_left_out(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, said = REFUSED[name]
    put(tmp_path / "ours/a/b", sts(**changes))
    assert main(["export-mteb", str(tmp_path / "ours"), "--output", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "can be exported: mteb has none of its tasks" in error
    assert not (tmp_path / "out").exists()


def test_official_data_count_by_name_subset_and_checksum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    german, english = (official_subsets("STSBenchmarkMultilingualSTS-test")[code][:12] for code in ("de", "en"))
    for place, (subset, digest) in enumerate([("de", german), ("de", english), ("de", german[:11]), ("en", english)]):
        data = f"STSBenchmarkMultilingualSTS-test@sha256:{digest}"
        result = sts("STSBenchmarkMultilingualSTS", data, subset=subset)
        command = ["export-mteb", str(put(tmp_path / f"{place}/b", result)), "--output", str(tmp_path / f"out{place}")]
        assert main(command) == (1 if place else 0)
        said = capsys.readouterr().err
        assert ("differs from mteb's data set" in said) == bool(place)
        assert "each sentence ends with a line end" not in said


def test_of_tatoeba_on_disk_the_line_ends_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"task:Tatoeba|data:tatoeba-v1@sha256:{official_subsets('tatoeba-v1')['fra-eng'][:12]}"
    subset = subset_of("fra-eng", {"mteb_accuracy": 1.0, "mteb_f1": 1.0, "accuracy": 1.0}, signature=line, n=3)
    model = {**MODEL, "name": KNOWN, "revision": revision()}
    result = result_of("Tatoeba", [subset], model=model, main_score="accuracy")
    file = write_result(tmp_path / "a/b", result, {("fra-eng", "forward"): {"neighbor": np.arange(3)}})
    assert main(["export-mteb", str(file), "--output", str(tmp_path / "out")]) == 0
    assert "Tatoeba fra-eng: scored on tatoeba-v1; in mteb's data set each" in capsys.readouterr().err


def test_a_score_that_does_not_exist_is_no_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = sts()
    put(tmp_path / "a/b", replace(result, subsets=[replace(result.subsets[0], scores={"cosine_spearman": None})]))
    assert main(["export-mteb", str(tmp_path), "--output", str(tmp_path / "out")]) == 1
    assert "STS12 default: the result has no cosine_spearman" in capsys.readouterr().err


def changed(ours: Path, tmp_path: Path, signature: str = "", **scores: float) -> Any:
    """Convert BUCC.v2 with other scores and more in its signature."""
    file = next(ours.rglob("BUCC.v2.json"))
    (subset,) = read_result(file).subsets
    other = replace(subset, scores={**subset.scores, **scores}, signature=subset.signature + signature)
    return by_subset(converted(write_again(file, tmp_path / "a" / "b", subsets=[other])))["fr-en"]


@pytest.mark.parametrize("accuracy", [None, 0.25])
def test_scores_by_another_similarity_are_given_without_precision(
    accuracy: float | None, ours: Path, tmp_path: Path
) -> None:
    """Of a model whose similarity is not the cosine: the outcomes, which are of the cosine, do not determine it."""
    scores = {} if accuracy is None else {"mteb_accuracy": accuracy, "mteb_f1": 0.125}
    found = changed(ours, tmp_path, "|mtebsim:dot", **scores)
    assert "precision" not in found
    if accuracy:
        assert [found[name] for name in ("accuracy", "recall", "f1", "main_score")] == [0.25, 0.25, 0.125, 0.125]


def test_outcomes_of_other_scores_are_refused(ours: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fr-en: the outcomes and the scores disagree"):
        changed(ours, tmp_path, mteb_accuracy=0.25)


def test_a_second_export_adds_and_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out"
    first = put(tmp_path / "one/a/b", sts())
    exported(first, output)
    before = {file: file.read_bytes() for file in output.rglob("*") if file.is_file()}
    exported(first, output)
    assert {file: file.read_bytes() for file in before} == before
    exported(put(tmp_path / "two/a/b", sts("STS13", str(at("STS13")))), output)
    rows = [json.loads(line) for line in next(output.rglob("run_settings.jsonl")).read_text().splitlines()]
    assert sorted(row["task"] for row in rows) == ["STS12", "STS13"]
    result = sts()
    other = replace(result, subsets=[replace(result.subsets[0], scores={"cosine_spearman": 0.7, "cosine_pearson": 0})])
    after = {file: file.read_bytes() for file in output.rglob("*") if file.is_file()}
    assert main(["export-mteb", str(put(tmp_path / "three/a/b", other)), "--output", str(output)]) == 1
    assert "STS12.json exists already with other content" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in output.rglob("*") if file.is_file()} == after


def test_what_mteb_wrote_of_a_model_stays(theirs: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    output = tmp_path / "out"
    shutil.copytree(theirs[0], output)
    meta = next(output.rglob("model_meta.json"))
    before = meta.read_bytes()
    exported(put(tmp_path / "one/a/b", sts("STS13", str(at("STS13")))), output)
    assert meta.read_bytes() == before
    assert len(load(output).model_results[0].task_results) == 3


def test_two_results_of_one_model_and_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("a", "b"):
        put(tmp_path / "ours" / folder / "1", sts())
    exported(tmp_path / "ours", tmp_path / "out")
    said = capsys.readouterr().err
    assert "b/1/STS12.json: another file has STS12 of the same model in the same settings" in said
    assert "1 result files of 1 models in" in said


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            {"name": "local/tiny", "revision": "0123456789ab"},
            "local/tiny: mteb's results repository accepts only models",
        ),
        ({"revision": "abc"}, "accepts only full commits as revisions, not abc"),
        ({}, ""),
    ],
)
def test_what_the_results_repository_would_refuse_is_said(
    model: dict[str, str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported(put(tmp_path / "a/b", sts(model=model)), tmp_path / "out")
    error = capsys.readouterr().err
    assert said in error
    assert ("results repository" in error) == bool(said)


def test_a_path_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export-mteb", str(tmp_path / "x"), "--output", str(tmp_path / "out")]) == 1
    assert "does not exist: expected a result file, or a directory of them" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.shared
@pytest.mark.models
def test_real_data_and_a_real_encoder(tmp_path: Path) -> None:
    """French Tatoeba and STS as they are distributed, by MiniLM: as mteb scores them."""
    import mteb
    from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper

    data = Path(__file__).parents[2] / "shared" / "data"
    path = Path(os.environ.get("BITEXT_MODELS") or Path.home() / ".cache" / "bitext-models") / "minilm-l6"
    command = ["run", "--model", str(path), "--data", str(data), "--languages", "en", "fr", "--device", "cpu"]
    folders = ["--output", str(tmp_path / "results"), "--cache-folder", str(tmp_path / "store")]
    assert main([*command, "--tasks", "Tatoeba", "STSBenchmarkMultilingualSTS", *folders]) == 0
    tatoeba = mteb.get_task("Tatoeba", hf_subsets=["fra-eng"])
    stem = f"{data}/tatoeba/v1/tatoeba.fra-eng"
    lines = [Path(f"{stem}.{side}").read_text(encoding="utf-8").splitlines() for side in ("fra", "eng")]
    tatoeba.dataset = {"fra-eng": pairs(*lines)}
    rows = [
        line.split("\t")
        for line in (data / "sts/STSBenchmarkMultilingualSTS/fr.test.tsv").read_text(encoding="utf-8").split("\n")[1:-1]
    ]
    french = mteb.get_task("STSBenchmarkMultilingualSTS", hf_subsets=["fr"], eval_splits=["test"])
    score, first, second = zip(*rows, strict=True)
    french.dataset = {"fr": pairs(first, second, score=[float(x) for x in score])}
    tatoeba.data_loaded = french.data_loaded = True
    model = SentenceTransformerEncoderWrapper(str(path), device="cpu")
    with contextlib.redirect_stderr(io.StringIO()):
        theirs = mteb.evaluate(model, [tatoeba, french], cache=None, co2_tracker=False).task_results
    for task in theirs:
        mine = by_subset(converted(next((tmp_path / "results").rglob(f"{task.task_name}.json"))))
        expected = by_subset(task)
        assert mine.keys() == expected.keys()
        for subset, scores in mine.items():
            for name in scores.keys() & {"accuracy", "f1", "precision", "recall", "cosine_spearman", "main_score"}:
                assert scores[name] == pytest.approx(expected[subset][name], abs=1e-9 if task is theirs[0] else 1e-5)
