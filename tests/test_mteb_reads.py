"""mteb reads our result files: those of every kind of task, the committed ones, and a whole directory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import write_again

from bitext_bench.cli.main import main
from bitext_bench.results.files import read_result
from bitext_bench.results.records import TaskResult

COMMITTED = Path(__file__).parents[1] / "results"
BITEXT = "katze a\tkatze a x\nhund b\thund b\nbaum c\thaus d\nhaus d\tbaum c\n"
RATED = "a b c\ta b c\t5\na b c\ta b d\t3\na b c\ta x y\t2\na b c\tu v w\t0\n"
FRENCH_ENGLISH = ["fra-Latn", "eng-Latn"]

# Task -> our score that mteb reads as the main score, the other scores by mteb's names, a subset, its languages.
KINDS: dict[str, tuple[str, dict[str, str], str, list[str]]] = {
    "Mini-Tatoeba": (
        "mteb_f1",
        {"f1": "mteb_f1", "accuracy": "mteb_accuracy", "recall": "mteb_accuracy"},
        "fr-en",
        FRENCH_ENGLISH,
    ),
    "Mini-mining": ("f1", {}, "fr-en", FRENCH_ENGLISH),
    "Mini-xSIM": ("xsim", {}, "fra_Latn-eng_Latn", FRENCH_ENGLISH),
    "Mini-xSIMpp": ("xsimpp", {}, "fra_Latn-eng_Latn", FRENCH_ENGLISH),
    "Mini-STS": (
        "cosine_spearman",
        {"cosine_spearman": "cosine_spearman", "cosine_pearson": "cosine_pearson"},
        "en-fr",
        ["eng-Latn", "fra-Latn"],
    ),
    "own-bitext-my.tsv": ("accuracy", {}, "fr-en", FRENCH_ENGLISH),
    "own-sts-rated.tsv": (
        "cosine_spearman",
        {"cosine_spearman": "cosine_spearman", "cosine_pearson": "cosine_pearson"},
        "fr-en",
        FRENCH_ENGLISH,
    ),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One toy on every kind of task; the directory is named as mteb expects."""
    root = tmp_path_factory.mktemp("written")
    (root / "my.tsv").write_text(BITEXT, encoding="utf-8")
    (root / "rated.tsv").write_text(RATED, encoding="utf-8")
    folders = ["--cache-folder", str(root / "store"), "--output", str(root / "results")]
    own = ["--bitext", str(root / "my.tsv"), "--sts", str(root / "rated.tsv"), "--languages", "fr", "en"]
    mini = ["--data", "mini", "--languages", "fr", "ja", "en", "--tasks"]
    for asked in (own, [*mini, *(name for name in KINDS if name.startswith("Mini-"))]):
        assert main(["run", "--model", "toys:hashing", *asked, *folders]) == 0
    return root


def by_task(root: Path) -> dict[str, Path]:
    return {read_result(file).task: file for file in root.rglob("*.json")}


def read_by_mteb(file: Path) -> Any:
    """Read a file with mteb, in both of its ways."""
    from mteb.results import TaskResult as MtebResult

    strict, historic = (MtebResult.from_disk(file, load_historic_data=way) for way in (False, True))
    assert strict == historic
    return strict


def check_subsets(theirs: Any, ours: TaskResult, main_score: str) -> None:
    """Check the fields that do not depend on the task, and each main score and its mean."""
    assert (theirs.task_name, theirs.dataset_revision, theirs.mteb_version) == (ours.task, ours.data, None)
    assert theirs.evaluation_time == ours.evaluation_time
    assert (theirs.date.isoformat() if theirs.date else "") == ours.date
    assert theirs.eval_splits == [ours.split]
    shown = [(entry["hf_subset"], entry["languages"], entry["main_score"]) for entry in theirs.scores[ours.split]]
    assert shown == [(subset.subset, subset.languages, subset.scores[main_score]) for subset in ours.subsets]
    assert all(-1 <= value <= 1 for *_, value in shown)
    assert theirs.get_score() == pytest.approx(np.mean([subset.scores[main_score] for subset in ours.subsets]))
    assert theirs.main_score == theirs.get_score()
    assert set(theirs.languages) == {code.split("-")[0] for subset in ours.subsets for code in subset.languages}


@pytest.mark.parametrize("task", KINDS)
def test_mteb_reads_every_kind_of_task(task: str, written: Path) -> None:
    main_score, names, name, languages = KINDS[task]
    file = by_task(written / "results")[task]
    ours, theirs = read_result(file), read_by_mteb(file)
    check_subsets(theirs, ours, main_score)
    entry = next(entry for entry in theirs.scores[ours.split] if entry["hf_subset"] == name)
    scores = next(subset.scores for subset in ours.subsets if subset.subset == name)
    assert entry["languages"] == languages
    assert entry == {
        "hf_subset": name,
        "languages": languages,
        "main_score": scores[main_score],
        **{their_name: scores[our_name] for their_name, our_name in names.items()},
    }
    french = [subset for subset in ours.subsets if "fra-Latn" in subset.languages]
    assert theirs.get_score(languages=["fra"]) == pytest.approx(np.mean([s.scores[main_score] for s in french]))


def test_every_kind_of_task_is_covered(written: Path) -> None:
    assert by_task(written / "results").keys() == KINDS.keys()


def test_scores_that_do_not_exist_and_a_missing_date(written: Path, tmp_path: Path) -> None:
    """The correlation of equal scores is undefined. Some committed files have no date."""
    file = by_task(written / "results")["own-sts-rated.tsv"]
    (subset,) = read_result(file).subsets
    undefined = replace(subset, scores=dict.fromkeys(subset.scores))
    changed = write_again(file, tmp_path, date="", summary={}, subsets=[undefined])
    theirs = read_by_mteb(changed)
    assert theirs.date is None and read_result(changed).date == ""
    assert theirs.scores["test"][0]["main_score"] is None


def test_mteb_reads_every_committed_file() -> None:
    files = sorted(COMMITTED.rglob("*.json"))
    assert len(files) > 590  # so that none is overlooked
    for file in files:
        ours = read_result(file)
        check_subsets(read_by_mteb(file), ours, "mteb_f1" if "mteb_f1" in ours.subsets[0].scores else ours.main_score)


@pytest.mark.parametrize("task", ["Tatoeba", "STSBenchmark", "KorSTS", "JSTS", "STS17", "STSBenchmarkMultilingualSTS"])
def test_subsets_languages_and_main_score_are_those_of_mtebs_task(task: str) -> None:
    import mteb

    metadata = mteb.get_task(task).metadata
    for file in COMMITTED.rglob(f"{task}.json"):
        ((split, entries),) = read_by_mteb(file).scores.items()
        assert split in metadata.eval_splits
        for entry in entries:
            if entry["hf_subset"] != "ja":  # mteb's data set has no Japanese
                assert entry["languages"] == metadata.hf_subsets_to_langscripts[entry["hf_subset"]]
            assert entry["main_score"] == entry[metadata.main_score]


def test_mtebs_cache_reads_a_whole_directory(written: Path, tmp_path: Path) -> None:
    """Results with settings other than the model's own need a model_meta.json, which only export-mteb writes."""
    import mteb

    loaded = mteb.ResultCache(written).load_results(require_model_meta=False, include_remote=False)
    (model,) = loaded.model_results
    assert {result.task_name for result in model.task_results} == KINDS.keys()
    table = loaded.to_dataframe().set_index("task_name")[model.model_name]
    for task, file in by_task(written / "results").items():
        values = [subset.scores[KINDS[task][0]] for subset in read_result(file).subsets]
        assert table[task] == pytest.approx(np.mean(values))
    (tmp_path / "results").symlink_to(COMMITTED / "experiments")
    for cache, least in ((COMMITTED.parent, 60), (tmp_path, 470)):
        committed = mteb.ResultCache(cache).load_results(require_model_meta=False, include_remote=False)
        with_own_settings = list((cache / "results").glob("*/*/*.json"))
        assert sum(len(each.task_results) for each in committed.model_results) == len(with_own_settings) > least


def test_mteb_ignores_our_fields(written: Path) -> None:
    """The two readers share only evaluation_time and date: a key of ours has no other meaning in mteb."""
    from mteb.results import TaskResult as MtebResult

    content = json.loads(by_task(written / "results")["Mini-Tatoeba"].read_text(encoding="utf-8"))
    shared = content.keys() & MtebResult.model_fields.keys()
    assert shared == {"task_name", "dataset_revision", "mteb_version", "scores", "evaluation_time", "date"}
