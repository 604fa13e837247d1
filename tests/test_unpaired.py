"""`compare` with a model that has published scores only: intervals that are not paired."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_results import MODEL, result_of, subset_of
from paper_results import training

from bitext_bench.cli.main import main
from bitext_bench.results.files import write_result
from bitext_bench.scoring.intervals import wilson_interval
from leaderboard.published.file import read_published
from leaderboard.published.find import find_published
from leaderboard.stats.unpaired import Score, difference, mean_of_scores

N = 1000


def share(hits: int, n: int) -> Score:
    return Score(hits / n, wilson_interval(hits / n, n))


@pytest.mark.parametrize(
    ("a", "b", "interval"),
    [  # Newcombe 1998, Table II, method 10
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((10, 10), (0, 20), (0.6791, 1.0)),
    ],
)
def test_the_interval_is_newcombes(a: tuple[int, int], b: tuple[int, int], interval: tuple[float, float]) -> None:
    found = difference(share(*a), share(*b))
    assert found.value == pytest.approx(a[0] / a[1] - b[0] / b[1])
    assert found.interval == pytest.approx(interval, abs=1e-4)
    back = difference(share(*b), share(*a))
    assert back.interval == pytest.approx((-interval[1], -interval[0]), abs=1e-4)


@pytest.mark.parametrize(("common", "most"), [(0.0, 0.97), (0.8, 1.0)])
def test_the_interval_covers_the_difference(common: float, most: float) -> None:
    """Models that miss the same sentences: coverage is above 95 %, never below."""
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(1000):
        shared = rng.random(300)
        a, b = (np.where(rng.random(300) < common, shared, rng.random(300)) < p for p in (0.9, 0.8))
        low, high = difference(share(int(a.sum()), 300), share(int(b.sum()), 300)).interval
        covered += low <= 0.1 <= high
    assert 0.93 <= covered / 1000 <= most


def test_the_mean_of_subsets() -> None:
    """Of independent sentences it is as good as one subset of all of them; of translations no better than one."""
    one, four = share(900, 1000), share(3600, 4000)
    assert mean_of_scores([one] * 4, independent=True).interval == pytest.approx(four.interval, abs=2e-3)
    assert mean_of_scores([one] * 4, independent=False).interval == pytest.approx(one.interval)


def write(root: Path, name: str, accuracy: float, **more: object) -> None:
    """Write a result on Tatoeba in Korean and Japanese, without outcomes of sentences."""
    subsets = [
        subset_of(
            f"{code}-eng",
            {"accuracy": accuracy, "mteb_accuracy": accuracy, "mteb_f1": accuracy},
            n=N,
            languages=[mteb, "eng-Latn"],
        )
        for code, mteb in (("kor", "kor-Hang"), ("jpn", "jpn-Jpan"))
    ]
    model = {**MODEL, "name": f"local/{name}", "revision": name}
    result = result_of("Tatoeba", subsets, data="tatoeba-v1", model=model, **more)
    block = {"hit": np.ones(N, bool), "neighbor": np.arange(N, dtype=np.int32)}
    floats = dict.fromkeys(("score", "margin"), np.ones(N, np.float32))
    write_result(root / name / name, result, {(subset.subset, "forward"): {**block, **floats} for subset in subsets})


def test_a_measured_and_a_published_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "toy", 0.8)
    assert main(["compare", "toy", "labse", "--results", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["A: local/toy", "B: sentence-transformers/LaBSE (published)"]
    assert (
        "95 % interval, not paired" in lines[3] and "Not paired: a published model has no sentences here" in lines[-1]
    )
    rows = [line.split() for line in lines if line.startswith("Tatoeba")]
    assert [row[1:7] for row in rows[:2]] == [
        ["kor-eng", "mteb_accuracy", "1,000", "80.00", "92.90", "-12.90"],
        ["jpn-eng", "mteb_accuracy", "1,000", "80.00", "96.50", "-16.50"],
    ]
    korean = next(row for row in rows if row[1] == "kor-eng")
    expected = difference(share(800, 1000), share(929, 1000)).interval
    assert (float(korean[-3]), float(korean[-1])) == pytest.approx([100 * end for end in expected], abs=0.006)
    assert " ".join(rows[2][1:6]) == "mean of 2 (ja, ko)"
    assert {line.split()[0] for line in lines[5:8]} == {"Tatoeba"}, "only the task of both"


def test_swapping_the_sides_changes_the_signs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "toy", 0.8)
    found = []
    for names in (["toy", "labse"], ["labse", "toy"]):
        assert main(["compare", *names, "--languages", "ko", "--results", str(tmp_path)]) == 0
        row = next(line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("Tatoeba"))
        found.append((float(row[6]), float(row[7]), float(row[9])))
    assert found[1] == (-found[0][0], -found[0][2], -found[0][1])


def test_two_published_models_and_chosen_tasks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["compare", "labse", "bge-m3", "--tasks", "BUCC.v2", "--languages", "fr", "--results", str(tmp_path)]
    assert main(command) == 0
    (row,) = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("BUCC.v2")]
    assert row[1:6] == ["fr-en", "mteb_accuracy", "9,086", "99.21", "99.11"]


def test_measured_models_keep_their_paired_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "toy", 0.8)
    write(tmp_path, "doll", 0.8)
    assert main(["compare", "toy", "doll", "labse", "--results", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert text.index("p (Holm)") < text.index("not paired") and text.count("(published)") == 2


def test_names_of_published_models() -> None:
    published = read_published()
    for name in ("labse", "LaBSE", "sentence-transformers/labse"):
        found = find_published(name, published)
        assert found and found.name == "sentence-transformers/LaBSE"
    assert (
        find_published("multilingual-e5-large-ins", published)
        is published.models["intfloat/multilingual-e5-large-instruct"]
    )
    assert find_published("no such model", published) is None


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["toy", "stella"], "stella matches several published models: expected one of NovaSearch/"),
        (["toy", "no such model"], "no such model matches no model, measured or published: measured are "),
        (["toy", "lebse"], "lebse matches no model, measured or published: did you mean sentence-transformers/LaBSE"),
        (["labse", "bge-m33"], "bge-m33 matches no model, measured or published: did you mean BAAI/bge-m3"),
        (["toy", "gemini-embedding-2"], "gemini-embedding-2-preview has no scores here: its bitext scores come from a"),
        (["labse", "LaBSE"], "labse and LaBSE are the same model: pass two different ones"),
        (["toy", "local/toy"], "toy and local/toy are the same model: pass two different ones"),
        (["seed4", "labse"], "a published model is compared with one model, not with several seeds"),
        (["toy", "labse", "--tasks", "STS12"], "the models have no common task among STS12"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, names: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "toy", 0.8)
    for seed in (42, 43):
        write(tmp_path, f"x-seed{seed}", 0.7, training=training(seed=seed))
    assert main(["compare", *names, "--results", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
