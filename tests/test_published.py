"""The published scores in the package: equal to their source, complete, and on the measures of our own scores."""

from __future__ import annotations

import csv
import io
import random
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_results import write_again
from published_material import COMMIT, source_candidates, source_measure, source_rows

from bitext_bench.cli.main import main
from bitext_bench.results.files import read_result, write_result
from bitext_bench.results.outcomes import read_outcomes
from bitext_bench.scoring.intervals import spearman_interval_by_n
from bitext_bench.tasks import TASKS
from leaderboard.entries.read import read_results
from leaderboard.published.choose import Candidate, Facts, choose
from leaderboard.published.file import parse, read_published, render
from leaderboard.published.records import IMPOSSIBLE, Measure, Published, ResultFile
from leaderboard.tables.columns import common_column
from leaderboard.tables.overview import make_overview
from leaderboard.tables.ranking import make_leaderboard
from leaderboard.tables.scores import published_key, score_rows, subset_languages
from leaderboard.tables.shown import size_class

KOREAN = Measure("Tatoeba", "kor-eng", "mteb_accuracy")


@pytest.mark.shared
def test_ten_rows_drawn_at_random_equal_the_source() -> None:
    rows = [row for row in source_rows() if row["task"] in TASKS and row["model"] not in IMPOSSIBLE]
    models = read_published().models
    for row in random.Random().sample(rows, 10):
        model = models[row["model"]]
        assert model.scores[source_measure(row)] == float(row["value"]), row
        version = "unknown" if row["mteb_version"] == "None" else row["mteb_version"]
        assert model.files[row["task"]] == ResultFile(row["revision"], version, COMMIT), row


@pytest.mark.shared
def test_every_model_of_the_source_is_shipped_or_has_a_reason() -> None:
    """297 models in the source, 295 in the package; the others have no credible score on a task that we have."""
    rows = source_rows()
    shipped = read_published().models
    omitted = {row["model"] for row in rows} - shipped.keys()
    assert (len({row["model"] for row in rows}), len(shipped)) == (297, 295)
    reasons = dict(IMPOSSIBLE)
    for name in omitted - IMPOSSIBLE.keys():
        tasks = {row["task"] for row in rows if row["model"] == name}
        assert not tasks & TASKS.keys()
        reasons[name] = f"only {tasks}"
    assert reasons.keys() == omitted and len(omitted) == 2


@pytest.mark.shared
def test_the_file_is_what_the_source_yields() -> None:
    choice = choose(source_candidates())
    assert [(reason.partition(":")[0], len(files)) for reason, files in choice.left_out.items()] == [
        ("google/gemini-embedding-2-preview", 2)
    ]
    assert choice.published == read_published()
    count = sum(len(model.scores) for model in choice.published.models.values())
    assert count == sum(row["task"] in TASKS and row["model"] not in IMPOSSIBLE for row in source_rows())


def test_the_package_has_the_models_that_everybody_compares_with() -> None:
    published = read_published()
    with_korean = [model for model in published.models.values() if KOREAN in model.scores]
    assert len(with_korean) == 182
    labse = published.models["sentence-transformers/LaBSE"]
    assert (labse.parameters, labse.dimensions, labse.license) == (470_926_848, 768, "apache-2.0")
    assert (labse.released, labse.open_weights) == ("2019-11-01", True)
    assert labse.scores[KOREAN] == 0.929 and published.n["Tatoeba", "kor-eng"] == 1000
    assert published.models["voyageai/voyage-3"].open_weights is False, "mteb renamed it to mongodb/voyage-3"
    unsized = {model.name for model in with_korean if model.parameters is None and model.open_weights}
    assert unsized == {"facebook/SONAR", "izhx/udever-bloom-7b1", "mteb/baseline-random-encoder"}
    assert sum(model.dimensions is not None for model in with_korean) > 160


def test_the_file_is_read_as_it_was_written() -> None:
    published = read_published()
    assert parse(render(published)) == published
    measures = {measure for model in published.models.values() for measure in model.scores}
    assert all(subset_languages(m.task, m.subset) for m in measures if m.subset != "AVG112")
    assert all((m.task, m.subset) in published.n for m in measures)


def test_a_mean_has_an_interval_at_least_as_wide_as_the_true_one() -> None:
    """Simulated languages of Tatoeba: unequal sizes, unequal accuracies."""
    rng = np.random.default_rng(0)
    published = read_published()
    for _ in range(20):
        sizes = np.append(rng.integers(104, 1001, size=111), 104)
        shares = rng.beta(2, 1, size=112)
        drawn = (rng.binomial(sizes, shares, size=(400, 112)) / sizes).mean(axis=1)
        low, high = published.interval(Measure("Tatoeba", "AVG112", "mteb_accuracy"), float(shares.mean())) or (0, 1)
        assert high - low >= 2 * 1.96 * drawn.std()


def test_the_interval_of_a_correlation_covers_it() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(1)
    for r in (0.0, 0.6, 0.9):
        true = 6 / np.pi * np.arcsin(r / 2)  # Spearman's correlation of the bivariate normal distribution
        covered = 0
        for _ in range(500):
            x, y = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], size=250).T
            low, high = spearman_interval_by_n(float(spearmanr(x, y)[0]), 250)
            covered += low <= true <= high
        assert 0.92 <= covered / 500 <= 0.98
    assert spearman_interval_by_n(0.5, 3) == (-1, 1) and spearman_interval_by_n(1.0, 9) == (1, 1)


def test_an_accuracy_that_n_excludes_is_left_out() -> None:
    """Scores of a sample of the sentences; four decimals, as in old files, are too few to tell."""
    origin = ResultFile("1", "2.0.0", "mteb")
    values = {"org/all": 0.929, "org/sample": 0.984127, "org/none": 0.0}
    candidates = [Candidate(name, "Tatoeba", origin, {KOREAN: value}, path=name) for name, value in values.items()]
    russian = Measure("BUCC.v2", "ru-en", "mteb_accuracy")
    candidates.append(Candidate("org/rounded", "BUCC.v2", origin, {russian: 0.9841}))
    choice = choose(candidates, lambda _: Facts())
    assert choice.published.models.keys() == {"org/all", "org/none", "org/rounded"}
    assert choice.left_out == {
        "Tatoeba kor-eng: an accuracy is no multiple of 1 / 1,000, so n is not 1,000": ["org/sample"]
    }


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in set's result with the task, subsets and data of the real Tatoeba."""
    root = tmp_path_factory.mktemp("measured")
    folders = ["--output", str(root / "mini"), "--cache-folder", str(root / "store")]
    command = ["run", "--model", "toys:hashing", "--data", "mini", "--languages", "en", "ja", "ko"]
    assert main([*command, "--tasks", "Mini-Tatoeba", *folders]) == 0
    (file,) = (root / "mini").rglob("Mini-Tatoeba.json")
    return as_tatoeba(file, root / "results" / "toy" / "1")


def as_tatoeba(file: Path, folder: Path) -> Path:
    result = read_result(file)
    names = {"ja-en": "jpn-eng", "ko-en": "kor-eng"}
    subsets = [
        replace(s, subset=names[s.subset], signature=s.signature.replace("data:mini", "data:tatoeba-v1"))
        for s in result.subsets
    ]
    outcomes = {(names[subset], way): columns for (subset, way), columns in read_outcomes(file, result).items()}
    real = replace(result, task="Tatoeba", data="tatoeba-v1", subsets=subsets)
    return write_result(folder, real, outcomes).parents[2]


def test_measured_and_published_rows_share_measures(measured: Path) -> None:
    entries = read_results(measured).entries
    rows = score_rows(entries, read_published())
    own = [row for row in rows if row.kind == "measured"]
    assert {row.measure for row in own} == {
        Measure("Tatoeba", subset, metric)
        for subset in ("jpn-eng", "kor-eng")
        for metric in ("mteb_accuracy", "mteb_f1")
    }
    for row in own:
        stored = entries[0].subsets[row.measure.subset]
        assert (row.value, row.n) == (stored.scores[row.measure.metric], stored.n)
        assert row.interval and row.interval[0] <= row.value <= row.interval[1]
    others = Counter(row.measure for row in rows if row.kind == "published")
    assert others[KOREAN] == 182 and sum(others.values()) == sum(
        len(model.scores) for model in read_published().models.values()
    )
    labse = next(row for row in rows if row.model == "sentence-transformers/LaBSE" and row.measure == KOREAN)
    assert labse.interval == pytest.approx((0.9114, 0.9433), abs=1e-4)  # Wilson's for 929 of 1,000
    assert labse.languages == ("ko", "en")
    assert labse.source.endswith(
        "results/sentence-transformers__LaBSE/e34fab64a3011d2176c99545a93d5cbddc9a91b7/Tatoeba.json"
    )


def test_languages_restrict_published_rows(measured: Path) -> None:
    rows = score_rows(read_results(measured).entries, read_published(), frozenset({"ko"}))
    assert {row.measure.subset for row in rows if row.kind == "published"} == {"kor-eng", "default", "ko-ko"}
    assert {row.measure.task for row in rows if row.measure.subset == "default"} == {"KorSTS"}


def test_csv_has_measured_and_published_scores_of_the_tasks(measured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", "--results", str(measured), "--format", "csv", "--languages", "ko"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    count = Counter((row["kind"], row["task"], row["subset"], row["score"]) for row in rows)
    assert count["published", *KOREAN] == 182
    assert count["measured", *KOREAN] == count["measured", "Tatoeba", "kor-eng", "accuracy"] == 1
    assert {task for _, task, _, _ in count} == {"Tatoeba", "KorSTS", "STS17"}, "other tasks that have Korean, too"
    assert all(row["rank"] == "" for row in rows if row["kind"] == "published")


def test_nothing_is_published_on_other_data(measured: Path) -> None:
    none = score_rows([], Published({}, {}))
    assert none == []
    mini = measured.parent / "mini"
    rows = score_rows(read_results(mini).entries, Published({}, {}))
    assert {row.measure.task for row in rows} == {"Mini-Tatoeba"}


def overview_of(root: Path, *more: str) -> str:
    output = root.parent / "board.md"
    assert main(["leaderboard", "--results", str(root), "--output", str(output), *more]) == 0
    return output.read_text(encoding="utf-8").split("## Overview")[1].split("\n## ")[0]


def overview_rows(text: str) -> dict[str, dict[str, str]]:
    lines = [line.strip("|").split(" | ") for line in text.replace("\\", "").splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line] for line in lines]
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def test_the_overview_has_the_baselines_and_the_best_of_each_size(measured: Path) -> None:
    """One measured model, five usual baselines, and the best of each size class that is none of them.

    The two baselines that nobody scored are named below the table.
    """
    text = overview_of(measured)
    rows = overview_rows(text)
    published = {name.strip("*") for name in rows if name.startswith("*")}
    assert published >= {
        "sentence-transformers/LaBSE",
        "sentence-transformers/paraphrase-multilingual-mpnet-base-v2",
        *(f"intfloat/multilingual-e5-{size}" for size in ("small", "base", "large")),
    }
    assert "- Without a score in these columns: laser2, muse." in text
    assert len(rows) - len(published) == 1
    labse = rows["*sentence-transformers/LaBSE*"]
    assert labse["Tatoeba xx-en accuracy (ja, ko)"].startswith("*94.70* (")
    assert (labse["license"], labse["released"], labse["parameters"]) == ("apache-2.0", "2019-11-01", "471 M")
    assert all(any(re.search(r"[0-9]", row[name]) for name in row if "accuracy" in name) for row in rows.values())
    for name in published:
        assert re.search(rf"^  - {re.escape(name)}: (a usual baseline|the best )", text, re.MULTILINE), name


def test_every_published_model_is_shown_or_has_a_reason(measured: Path) -> None:
    entries = read_results(measured).entries
    common = score_rows(entries, read_published())
    choices = make_overview(make_leaderboard(entries).tables, entries, common).choices
    assert choices.keys() == {published_key(name) for name in read_published().models}
    reasons = Counter((c.shown, re.split(r":| and the best", c.reason)[0]) for c in choices.values())
    assert sum(count for (shown, _), count in reasons.items() if shown) == 11
    assert reasons[True, "a usual baseline"] == 5
    without = "no published score for Tatoeba xx-en accuracy (ja, ko)"
    left = {reason: count for (shown, reason), count in reasons.items() if not shown}
    assert left[without] == 295 - 182 and left["its size is unknown"] == 2
    assert {reason for reason in left if not reason.startswith("not the best")} == {without, "its size is unknown"}
    assert sum(reasons.values()) == 295
    scores = {row.key: 0.0 for row in common if row.kind == "published"}
    for row in common:
        if row.kind == "published" and row.measure in (KOREAN, KOREAN._replace(subset="jpn-eng")):
            scores[row.key] += row.value / 2
    facts = {row.key: row for row in common}
    for key, choice in choices.items():
        if choice.reason.startswith("not the best"):
            better = published_key(choice.reason.rpartition(" that is ")[2])
            assert size_class(facts[better]) == size_class(facts[key]) and scores[better] >= scores[key], choice


def test_models_are_chosen_by_name(measured: Path) -> None:
    """Only the chosen models are shown, in every format; those without a score in the columns are named."""
    for names, count in ((["BAAI/bge-m3", "toys"], 2), (["BAAI/bge-m3"], 1), (["toys"], 1)):
        rows = overview_rows(overview_of(measured, "--models", *names))
        assert len(rows) == count and ("*BAAI/bge-m3*" in rows) == (names[0] == "BAAI/bge-m3")
        output = measured.parent / "models.csv"
        command = ["leaderboard", "--results", str(measured), "--models", *names, "--format", "csv"]
        assert main([*command, "--output", str(output)]) == 0
        shown = {row["model"] for row in csv.DictReader(io.StringIO(output.read_text(encoding="utf-8")))}
        assert len(shown) == count
    text = overview_of(measured, "--models", "BAAI/bge-m3", "starse")
    assert len(overview_rows(text)) == 1 and "Without a score in these columns: BorisTM/starse" in text
    assert main(["leaderboard", "--results", str(measured), "--models", "no such model"]) == 1


def test_languages_that_nobody_measured_here_have_published_scores(
    measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = overview_rows(overview_of(measured, "--languages", "de"))
    assert all(name.startswith("*") for name in rows)
    assert rows["*sentence-transformers/LaBSE*"]["Tatoeba xx-en accuracy (de)"].startswith("*99.40* (")
    assert rows["*sentence-transformers/LaBSE*"]["BUCC.v2 xx-en accuracy (de)"] == "*99.57*"
    capsys.readouterr()
    assert main(["leaderboard", "--results", str(measured), "--languages", "de", "--format", "csv"]) == 0
    found = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {(row["task"], row["subset"]) for row in found} == {("Tatoeba", "deu-eng"), ("BUCC.v2", "de-en")}
    for more in (["--languages", "ace"], ["--languages", "ace", "--format", "html"], ["--tasks", "FLORES-200"]):
        output = ["--output", str(measured.parent / "x")]
        assert main(["leaderboard", "--results", str(measured), *more, *output]) == 1
        assert "no result matches" in capsys.readouterr().err


def test_the_overview_says_how_it_is_sorted(measured: Path) -> None:
    text = overview_of(measured)
    assert "Sorted by Tatoeba xx-en accuracy" in text
    column = "Tatoeba xx-en accuracy (ja, ko)"
    values = [row[column].strip("*").partition("*")[0].partition(" ")[0] for row in overview_rows(text).values()]
    shown = [float(value.strip("*")) for value in values if value != "–"]
    assert shown == sorted(shown, reverse=True) and values[len(shown) :] == ["–"] * (len(values) - len(shown))
    by_size = overview_of(measured, "--sort", "parameters")
    assert "Sorted by parameters" in by_size
    sizes = [row["parameters"] for row in overview_rows(by_size).values()]
    numbers = [int(size.replace(" M", "").replace(",", "")) for size in sizes if size != "–"]
    assert numbers == sorted(numbers)


def test_means_over_other_languages_have_other_columns(measured: Path) -> None:
    """A heading names the languages; a model that lacks one of them has no value."""
    for languages, heading in ((["ko"], "ko"), (["ja"], "ja"), (["ja", "ko"], "ja, ko")):
        rows = overview_rows(overview_of(measured, "--languages", *languages))
        assert f"Tatoeba xx-en accuracy ({heading})" in rows["*sentence-transformers/LaBSE*"]
    german = overview_rows(overview_of(measured, "--languages", "ja", "ko", "de"))
    column = "Tatoeba xx-en accuracy (de, ja, ko)"
    assert german["*sentence-transformers/LaBSE*"][column].startswith("*96.27* (")
    assert [row[column] for name, row in german.items() if "hashing" in name] == ["–"], "it lacks German"
    published = read_published()
    rows = score_rows(read_results(measured).entries, published)
    few = [row for row in rows if not (row.model == "sentence-transformers/LaBSE" and row.measure == KOREAN)]
    column = common_column("k", "h", [KOREAN, KOREAN._replace(subset="jpn-eng")], few)
    assert published_key("sentence-transformers/LaBSE") not in column.values
    assert published_key("BAAI/bge-m3") in column.values
    assert column.values[published_key("BAAI/bge-m3")] == pytest.approx((0.921 + 0.952) / 2)


def test_experiments_are_shown_only_if_asked(measured: Path, tmp_path: Path) -> None:
    root = tmp_path / "results"
    shutil.copytree(measured, root)
    file = next(root.rglob("Tatoeba.json"))
    model = {**read_result(file).model.to_dict(), "name": "local/trial", "fingerprint": "trial"}
    write_again(file, root / "experiments/local__trial/1", model=model)
    assert "local/trial" not in overview_of(root)
    assert "local/trial" in overview_of(root, "--include", "experiments")
    assert main(["compare", "trial", "hashing", "--results", str(root)]) == 0
    for form in ("csv", "json", "latex"):
        for include, count in (([], 0), (["--include", "experiments"], 1)):
            output = tmp_path / f"x.{form}"
            command = ["leaderboard", "--results", str(root), "--format", form, "--output", str(output)]
            assert main([*command, *include]) == 0
            assert ("local/trial" in output.read_text(encoding="utf-8")) == count
