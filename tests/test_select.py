"""Selection by name in `compare`, and several seeds of one training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import MODEL, result_of, subset_of, write_again
from paper_results import training

from bitext_bench.cli.main import main
from bitext_bench.results.files import write_result
from leaderboard.entries.read import read_results

N = 200


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three seeds with soft labels, three with hard labels, and their initial model."""
    for seed in (42, 43, 44):
        write(tmp_path, f"soft-seed{seed}", 0.9, training(seed=seed))
        write(tmp_path, f"hard-seed{seed}", 0.7, training(seed=seed, label="hard"))
    write(tmp_path, "start", 0.5, None)
    return tmp_path


def write(
    root: Path,
    name: str,
    share: float,
    said: dict[str, Any] | None,
    subset: str = "x",
    *,
    task: str = "T",
    data: str = "made",
    own: dict[str, Any] | None = None,
) -> None:
    """Write a result on 200 sentences; each model finds a different random `share`."""
    hits = np.random.default_rng(sum(map(ord, name))).random(N) < share
    scores: dict[str, float | None] = {"accuracy": float(hits.mean())}
    more = {"intervals": {"accuracy": (0.1, 0.9)}, "signature": f"task:{task}|data:{data}"}
    model = {**MODEL, "name": f"local/{name}", "revision": name, **(own or {})}
    result = result_of(task, [subset_of(subset, scores, n=N, **more)], model=model, training=said)
    floats = dict.fromkeys(("score", "margin"), np.ones(N, np.float32))
    outcomes = {(subset, "forward"): {"hit": hits, "neighbor": np.arange(N, dtype=np.int32), **floats}}
    write_result(root / name / name, result, outcomes)


def compare(root: Path, *names: str) -> int:
    return main(["compare", *names, "--results", str(root)])


def row(output: str) -> list[str]:
    return next(line.split() for line in output.splitlines() if line.startswith("T "))


def mean(root: Path, kind: str) -> float:
    hits = [np.load(next(root.rglob(f"{kind}-seed{seed}/*.npz"))) for seed in (42, 43, 44)]
    return float(np.mean([archive[name].mean() for archive in hits for name in archive.files if "hit" in name]))


def test_a_common_part_of_the_names_selects_all_seeds(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(root, "local/soft", "local/hard") == 0
    output = capsys.readouterr().out
    assert output.startswith("A: local/soft-seed42 and seeds 43, 44\nB: local/hard-seed42 and seeds 43, 44\n")
    a, b, difference = (float(field) for field in row(output)[3:6])
    expected = [100 * mean(root, kind) for kind in ("soft", "hard")]
    assert [a, b, difference] == pytest.approx([*expected, expected[0] - expected[1]], abs=0.006)
    assert row(output)[-1] == "A"
    assert "Several seeds: scores are means" in " ".join(output.split())


def test_one_model_is_compared_with_every_seed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(root, "start", "local/soft") == 0
    output = capsys.readouterr().out
    assert output.startswith("A: local/start\nB: local/soft-seed42 and seeds 43, 44\n")
    assert float(row(output)[4]) == pytest.approx(100 * mean(root, "soft"), abs=0.006)


def test_a_full_name_selects_one_seed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(root, "local/soft-seed42", "local/hard") == 0
    output = capsys.readouterr().out
    assert output.startswith("A: local/soft-seed42\nB: local/hard-seed42 and seeds 43, 44\n")


def test_only_common_seeds_are_compared(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, "soft-other-seed7", 0.9, training(seed=7, recipe="other"))
    write(root, "soft-other-seed43", 0.9, training(seed=43, recipe="other"))
    assert compare(root, "soft-other", "local/hard") == 0
    output = capsys.readouterr().out
    assert output.startswith("A: local/soft-other-seed43\nB: local/hard-seed43\n")
    assert "Several seeds" not in output


def test_a_task_of_one_seed_is_compared_on_that_seed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, "soft-seed43", 0.9, training(seed=43), task="U")
    for seed in (42, 43, 44):
        write(root, f"hard-seed{seed}", 0.7, training(seed=seed, label="hard"), task="U")
    assert compare(root, "local/soft", "local/hard") == 0
    output = capsys.readouterr().out
    assert "A: local/soft-seed43\nB: local/hard-seed43\n" in output
    assert output.count("A: local/soft") == 2


@pytest.mark.parametrize("more", [training(seed=45, lambda_cross=0.3), training(seed=44), None])
def test_models_that_differ_in_more_than_the_seed_are_not_grouped(
    root: Path, more: dict[str, Any] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other settings, a repeated seed, or no training record."""
    write(root, "soft-more", 0.9, more)
    assert compare(root, "local/soft", "local/hard") == 1
    error = capsys.readouterr().err
    assert (
        "local/soft matches several models that are not seeds of one training: expected the name or directory" in error
    )
    assert len(error.splitlines()) == 1


def test_a_subset_missing_in_one_seed_is_left_out(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, "soft-seed44", 0.9, training(seed=44), subset="y")
    assert compare(root, "local/soft", "local/hard") == 1
    assert "no common task on the same data" in capsys.readouterr().err


def test_the_same_sentences_under_two_names_are_one_hypothesis(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The STS benchmark and its English part are one hypothesis; other sentences are another."""
    p_values = {}
    for tasks in ({"T": "made@a"}, {"T": "made@a", "U": "made@a"}, {"T": "made@a", "U": "made@b"}):
        for task, data in tasks.items():
            write(root, "near", 0.80, None, task=task, data=data)
            write(root, "nearer", 0.87, None, task=task, data=data)
        assert compare(root, "local/near", "local/nearer") == 0
        output = capsys.readouterr().out
        p_values[str(tasks)] = [float(line.split()[-1]) for line in output.splitlines() if line[:2] in ("T ", "U ")]
    (alone,), named_twice, others = p_values.values()
    assert 0.05 < alone < 0.5  # the largest p, and small enough that twice its value is below 1
    assert named_twice == [alone, alone]
    assert others == pytest.approx([2 * alone, 2 * alone], rel=0.1)


def test_the_overview_has_seeds_in_one_row(tmp_path: Path) -> None:
    """Runs with other settings or a missing column have their own rows."""
    for number in (42, 43, 44):
        write(tmp_path, f"soft-seed{number}", 0.9, training(seed=number), task="Tatoeba")
    write(tmp_path, "hard-seed42", 0.7, training(seed=42, label="hard"), task="Tatoeba")
    write(tmp_path, "start", 0.5, None, task="Tatoeba")
    write(tmp_path, "soft-seed43", 0.9, training(seed=43), task="FLORES-200")
    page = tmp_path / "page.md"
    assert main(["leaderboard", "--results", str(tmp_path), "--output", str(page)]) == 0
    rows = [line.split(" | ") for line in page.read_text().split("## ")[1].splitlines() if "local/" in line]
    shown = {cells[0].removeprefix("| "): cells[1].strip("*</ins>") for cells in rows}
    assert list(shown) == ["local/soft-seed43", "local/soft-seed42 and seed 44", "local/hard-seed42", "local/start"]
    hits = [np.load(next(tmp_path.rglob(f"soft-seed{number}/Tatoeba*.npz"))) for number in (42, 44)]
    expected = np.mean([archive[name].mean() for archive in hits for name in archive.files if "hit" in name])
    assert float(shown["local/soft-seed42 and seed 44"]) == pytest.approx(100 * expected, abs=0.006)


@pytest.mark.parametrize("local_is_newer", [False, True])
def test_a_checkpoint_on_the_hub_and_its_folder_are_one_model(tmp_path: Path, local_is_newer: bool) -> None:
    """Equal fingerprints are one model: one row with the hub's name, and one of two seeds."""
    pushed = {"name": "org/soft", "revision": "f" * 40}
    for seed, named in ((42, {}), (42, pushed), (43, {})):
        name, own = ("pushed" if named else f"soft-seed{seed}"), {"fingerprint": str(seed), **named}
        write(tmp_path, name, 0.9, training(seed=seed), task="Tatoeba", own=own)
    files = [tmp_path / "pushed/pushed/Tatoeba.json", tmp_path / "soft-seed42/soft-seed42/Tatoeba.json"]
    for age, file in enumerate(files if local_is_newer else files[::-1]):
        write_again(file, date=f"2026-01-0{age + 1}")
    found = read_results(tmp_path)
    assert sorted(entry.label for entry in found.entries) == ["local/soft-seed43", "org/soft"]
    assert [reason.partition(" ")[0] for _, reason in found.skipped] == ["older"]
    page = tmp_path / "page.md"
    assert main(["leaderboard", "--results", str(tmp_path), "--output", str(page)]) == 0
    (line,) = [line for line in page.read_text().split("## ")[1].splitlines() if "soft" in line]
    assert line.startswith("| org/soft and seed 43 | ")
    hits = [np.load(next(tmp_path.rglob(f"soft-seed{number}/Tatoeba*.npz"))) for number in (42, 43)]
    if local_is_newer:
        shares = [archive[name].mean() for archive in hits for name in archive.files if "hit" in name]
        assert float(line.split(" | ")[1].strip("*")) == pytest.approx(100 * np.mean(shares), abs=0.006)


@pytest.mark.parametrize("other", [{"fingerprint": "g"}, {"prompt": "x"}, {"registered": "muse"}])
def test_other_weights_or_settings_are_other_models(tmp_path: Path, other: dict[str, str]) -> None:
    write(tmp_path, "one", 0.9, None, own={"fingerprint": "f"})
    write(tmp_path, "two", 0.9, None, own={"fingerprint": "f", **other})
    assert sorted(entry.label for entry in read_results(tmp_path).entries) == ["local/one", "local/two"]


def test_errors_take_one_seed_only(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(root, "local/soft", "start", "--errors", "--data", "mini") == 1
    error = capsys.readouterr().err
    assert "local/soft matches 3 seeds, but --errors takes one: name one of local/soft-seed42; " in error
