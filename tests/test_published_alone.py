"""Published scores without results of our own, and what is computed from both kinds in the same way."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from pages import content
from test_published import overview_rows

from bitext_bench.cli.main import main
from bitext_bench.results.tables import percent, signed_percent
from leaderboard.entries.read import read_results
from leaderboard.html.boards import chart_content
from leaderboard.html.picture import _merit, _Point
from leaderboard.published.file import read_published
from leaderboard.published.records import MEAN_OF_TATOEBA, Measure
from leaderboard.tables.columns import common_column
from leaderboard.tables.highlight import highlight_best
from leaderboard.tables.overview import make_overview
from leaderboard.tables.ranking import make_leaderboard
from leaderboard.tables.scores import ScoreRow

RESULTS = Path(__file__).parents[1] / "results"
LABSE = "sentence-transformers/LaBSE"
MPNET = "sentence-transformers/paraphrase-multilingual-mpnet-base-v2"
READERS = ("fra", "jpn", "kor", "rus")


@pytest.fixture(params=["missing", "empty", "imported"])
def results(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default directory: missing, empty, or with nothing but imported scores."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results"
    if request.param != "missing":
        folder.mkdir()
    if request.param == "imported":
        theirs = tmp_path / "theirs/org__mine/1/STS12.json"
        theirs.parent.mkdir(parents=True)
        theirs.write_text(
            '{"task_name": "STS12", "dataset_revision": "1", "mteb_version": "2.1.0", "evaluation_time": 1.0, '
            '"scores": {"test": [{"hf_subset": "default", "languages": ["eng-Latn"], "main_score": 0.5, '
            '"cosine_spearman": 0.5}]}}'
        )
        assert main(["import-mteb", str(theirs)]) == 0
    return folder


def written(form: str, *more: str) -> str:
    assert main(["leaderboard", "--format", form, "--output", "x", *more]) == 0
    return Path("x").read_text(encoding="utf-8")


@pytest.mark.usefixtures("results")
def test_nothing_needs_results_of_our_own(capsys: pytest.CaptureFixture[str]) -> None:
    labse = overview_rows(written("markdown"))[f"*{LABSE}*"]
    assert labse["Tatoeba xx-en accuracy (de, fr, ja, ko, ru, sw, th, zh)"].startswith("*95.11* (")
    assert (labse["BUCC.v2 xx-en accuracy (de, fr, ru, zh)"], labse["STS en"]) == ("*99.06*", "*71.19*")
    assert labse["STS xx (fr, ja, ko, ru)"] == "*73.72*"
    german = overview_rows(written("markdown", "--languages", "de"))
    assert german[f"*{LABSE}*"]["Tatoeba xx-en accuracy (de)"].startswith("*99.40* (")
    page = content(written("html", "--languages", "de"))
    assert [board["key"] for board in page["chart"]["boards"]] == ["tatoeba", "bucc"]
    assert (page["models"], page["tables"]) == ([], [])
    found = list(csv.DictReader(io.StringIO(written("csv"))))
    assert len(found) == sum(len(model.scores) for model in read_published(Path("results")).models.values())
    for form in ("latex", "json", "svg"):
        assert written(form)
    assert "results holds no results: these are the scores that MTEB published" in capsys.readouterr().err
    assert main(["compare", "labse", "BAAI/bge-m3", "--tasks", "Tatoeba", "--languages", "ko"]) == 0
    assert "Tatoeba  kor-eng   mteb_accuracy  1,000  92.90  92.10  +0.80" in capsys.readouterr().out


def test_a_directory_that_was_named_must_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (["leaderboard", "--output", "-"], ["compare", "labse", "BAAI/bge-m3"]):
        assert main([*command, "--results", "mine"]) == 1
        assert "no directory mine" in capsys.readouterr().err
    (tmp_path / "results").write_text("")
    assert main(["leaderboard", "--output", "-"]) == 1
    assert "no directory results" in capsys.readouterr().err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "broken.json").write_text("{")
    assert main(["leaderboard", "--output", "-", "--results", "mine"]) == 1
    assert "no result in mine can be read: see the reason for each above" in capsys.readouterr().err


def test_csv_has_all_published_scores_with_facts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", "--results", str(RESULTS), "--format", "csv"]) == 0
    found = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    published = [row for row in found if row["kind"] == "published"]
    models = read_published(RESULTS).models
    assert len(published) == sum(len(model.scores) for model in models.values())
    assert {row["task"] for row in published} >= {"BUCC.v2", "STS22", "STS22.v2"}
    for row in published:
        model = models[row["model"]]
        assert row["released"] == model.released
        assert row["license"].lower() == model.license.lower() or not model.license
    labse = next(row for row in published if row["model"] == LABSE)
    assert (labse["parameters"], labse["dimensions"]) == ("470926848", "768")
    muse = next(row for row in found if row["model"] == "google/muse-v3")
    assert (muse["license"], muse["dimensions"], muse["prompt"]) == ("apache-2.0", "512", "no prompt")
    assert main(["leaderboard", "--results", str(RESULTS), "--format", "csv", "--tasks", "STS22"]) == 0
    assert {row["task"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))} == {"STS22"}


def test_the_prompts_of_e5_are_those_of_each_column(scores: list[ScoreRow]) -> None:
    """A row has scores by several versions of mteb; a mean of several files may have both prompts."""
    entries = read_results(RESULTS, experiments=False).entries
    overview = make_overview(make_leaderboard(entries).tables, entries, scores)
    prompts = {row.name.rpartition("/")[2]: row.prompts for row in overview.rows if not row.entry}
    assert prompts["multilingual-e5-large"] == (
        'prompt "query: " in Tatoeba xx-en accuracy, STS en; no prompt in BUCC.v2 xx-en accuracy'
    )
    assert prompts["multilingual-e5-small"] == (
        "no prompt in Tatoeba xx-en accuracy, BUCC.v2 xx-en accuracy, STS en; mixed prompts in STS xx"
    )
    assert prompts["multilingual-e5-base"] == 'prompt "query: "' and prompts["LaBSE"] == ""
    chart = chart_content(scores)
    assert chart
    index = next(i for i, model in enumerate(chart["models"]) if model["name"] == "intfloat/multilingual-e5-small")
    said = {b["key"]: next(r["prompt"] for r in b["rows"] if r["model"] == index) for b in chart["boards"]}
    assert said == {"tatoeba": "no prompt", "bucc": "no prompt", "sts": "mixed prompts"}


def test_the_mean_of_one_subset_has_the_interval_of_the_subset() -> None:
    entries = read_results(RESULTS, experiments=False).entries
    single = [table for table in make_leaderboard(entries).tables if len(table.subsets) == 1]
    assert {table.task for table in single} >= {"JSTS", "KorSTS", "STS12"}
    for table in single:
        for row in table.rows:
            assert row.interval == row.entry.subsets[table.subsets[0]].intervals[table.score], (table.task, row)


def test_halves_are_rounded_up_whatever_the_last_bit_of_a_mean(scores: list[ScoreRow]) -> None:
    for parts in ((0.945, 0.9455), (0.9452, 0.9453), (0.94, 0.9505)):
        assert percent(sum(parts) / 2) == percent(sum(reversed(parts)) / 2) == "94.53"
    assert [percent(x) for x in (0.94475, 0.944749, -0.00005, -0.5, 1.0, None)] == [
        "94.48", "94.47", "0.00", "-50.00", "100.00", "–",
    ]  # fmt: skip
    assert [signed_percent(x) for x in (0.08, -0.08, 0.0)] == ["+8.00", "-8.00", "+0.00"]
    measures = [Measure("Tatoeba", f"{code}-eng", "mteb_accuracy") for code in READERS]
    column = common_column("k", "h", measures, scores)
    (large,) = [value for key, value in column.values.items() if key[0] == "intfloat/multilingual-e5-large"]
    assert percent(large) == "94.53"


def test_equal_scores_have_one_order() -> None:
    """The sums 0.1 + 0.2 and 0.3 differ in the last bit."""
    assert highlight_best([0.1 + 0.2, 0.3, 0.2], lower_is_better=False) == ["best", "best", "second"]
    a, b, usual = (
        _Point(name, value, 1, False, name == "usual", False)
        for name, value in (("B", 30.0), ("a", 30.000000000001), ("usual", 30.0))
    )
    assert sorted([a, b, usual], key=_merit) == [usual, b, a]


def test_the_best_of_equal_models_is_a_usual_baseline(scores: list[ScoreRow]) -> None:
    """Multilingual MPNet and another model of its size have exactly 94.475."""
    entries = read_results(RESULTS, experiments=False).entries
    choices = make_overview(make_leaderboard(entries).tables, entries, scores).choices
    best = [key[0] for key, choice in choices.items() if "best from 150 M to 400 M" in choice.reason and choice.shown]
    assert best == [MPNET]


def test_n_of_the_mean_of_tatoeba_is_that_of_all_languages() -> None:
    """Its interval is that of 112 times the sentences of the smallest language, as GUIDE.md says."""
    published = read_published()
    assert published.n["Tatoeba", MEAN_OF_TATOEBA] == 88_877
    low, high = published.interval(Measure("Tatoeba", MEAN_OF_TATOEBA, "mteb_accuracy"), 0.5) or (0, 1)
    assert high - low == pytest.approx(2 * 1.96 * (0.25 / 11_648) ** 0.5, rel=1e-3)


def test_licenses_have_one_spelling_and_one_language_is_no_mean(scores: list[ScoreRow]) -> None:
    assert {row.license for row in scores} >= {"apache-2.0"}
    assert not [row.license for row in scores if row.license != row.license.lower() and "://" not in row.license]
    german = [Measure("Tatoeba", "deu-eng", "mteb_accuracy")]
    assert common_column("k", "h", german, scores).note == "h: Tatoeba, mteb_accuracy, deu-eng, measured and published"
