"""`mine` on real sentences with a real encoder: the pairs and the F1 of the BUCC task, and a precision that it keeps.

`python -m tests.benchmarks precision` repeats the second test for every kind of text and density.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from builders import write
from mining_material import lines, mine, report
from precision_study import DENSITIES, KINDS, Pool, encode, trials

from bitext_bench.cli.main import main
from bitext_bench.data import open_source
from bitext_bench.languages import LangPair
from bitext_bench.results.files import read_result
from bitext_bench.results.outcomes import read_outcomes

DATA = Path(__file__).parents[1].parent / "shared" / "data"
MODELS = Path(os.environ.get("BITEXT_MODELS") or Path.home() / ".cache" / "bitext-models")
pytestmark = [pytest.mark.shared, pytest.mark.models]

SPLITS = ("training", "test")


def write_part(root: Path, code: str) -> Path:
    """Write a data directory with a part of both splits: 60 of the translations among 400 sentences of each side."""
    for split in SPLITS:
        name = f"bucc-style/{code}-en/{code}-en.{split}"
        gold = (DATA / f"{name}.gold").read_text().splitlines()[:60]
        write(root / f"{name}.gold", gold)
        for side, language in enumerate((code, "en")):
            known = {line.split("\t")[side] for line in gold}
            rows = (DATA / f"{name}.{language}").read_text().split("\n")[:-1]
            others = [row for row in rows if row.split("\t")[0] not in known][: 400 - len(known)]
            wanted = {*known, *(row.split("\t")[0] for row in others)}
            write(root / f"{name}.{language}", [row for row in rows if row.split("\t")[0] in wanted])
    return root


def encode_splits(data: Path, folder: Path, code: str) -> str:
    """Encode both splits, through the cache, into a folder of vectors; returns it as --model takes it."""
    source = open_source(str(data))
    corpora = [source.comparable("bucc-style", LangPair.parse(f"{code}-en"), split) for split in SPLITS]
    return encode(
        [text for c in corpora for text in (*c.source, *c.target)], MODELS / "e5-small-q4", folder / "vectors"
    )


def plain(data: Path, folder: Path, code: str, split: str) -> list[Path]:
    """Write a split as plain text, and its gold as line numbers; returns both texts and the gold."""
    stem = data / f"bucc-style/{code}-en/{code}-en.{split}"
    row: list[dict[str, int]] = []
    files = []
    for language in (code, "en"):
        cells = [line.split("\t") for line in stem.with_name(f"{stem.name}.{language}").read_text().split("\n")[:-1]]
        row.append({identifier: number for number, (identifier, _) in enumerate(cells, start=1)})
        files.append(folder / f"{split}.{language}")
        write(files[-1], [text for _, text in cells])
    gold = [line.split("\t") for line in stem.with_name(f"{stem.name}.gold").read_text().split("\n")[:-1]]
    write(folder / f"{split}.gold", [f"{row[0][i]}\t{row[1][j]}" for i, j in gold])
    return [*files, folder / f"{split}.gold"]


def test_the_same_pairs_and_f1_as_the_bucc_task(tmp_path: Path) -> None:
    code = "fr"
    data = write_part(tmp_path / "data", code)
    model = encode_splits(data, tmp_path, code)
    source, target, gold = plain(data, tmp_path, code, "training")
    known = ["--gold-complete", "--gold"]
    assert mine(source, target, "-o", tmp_path / "training.tsv", "--best-f1", *known, gold, model=model) == 0
    threshold = report(tmp_path / "training.tsv")["threshold"]
    source, target, gold = plain(data, tmp_path, code, "test")
    chosen = ["--threshold", repr(threshold), *known, gold]
    assert mine(source, target, "-o", tmp_path / "test.tsv", *chosen, model=model) == 0
    folders = ["--cache-folder", str(tmp_path / "cache"), "--output", str(tmp_path / "results")]
    task = "BUCC-style-mining"
    assert main(["run", "--model", model, "--data", str(data), "--tasks", task, "--languages", code, *folders]) == 0
    (file,) = (tmp_path / "results").rglob(f"{task}.json")
    result = read_result(file)
    scores = result.subsets[0].scores
    assert threshold == pytest.approx(scores["threshold"], abs=1e-6)
    assert report(tmp_path / "test.tsv")["judged"]["f1"]["value"] == pytest.approx(scores["f1"], abs=1e-12)
    outcomes = read_outcomes(file, result)[f"{code}-en", "pairs"]
    taken = outcomes["score"] >= threshold
    line = [np.load(tmp_path / f"test.tsv.work/texts/{side}.line_of_row.npy") for side in ("source", "target")]
    expected = zip(line[0][outcomes["source"][taken]], line[1][outcomes["target"][taken]], strict=True)
    assert set(lines(tmp_path / "test.tsv")) == {(int(i), int(j)) for i, j in expected}


def test_the_true_precision_lies_in_the_interval(tmp_path: Path) -> None:
    pools = [Pool(DATA, kind) for kind in KINDS]
    model = encode([text for pool in pools for text in pool.texts()], MODELS / "e5-small-q4", tmp_path / "vectors")
    found = [
        trial
        for pool in pools
        for density in DENSITIES
        for trial in trials(pool, density, 300, 1, model, tmp_path / f"{pool.kind}-{density}")
    ]
    chosen = [trial for trial in found if trial.true is not None]
    assert len(found) == 36 and len(chosen) >= 24
    assert np.mean([trial.holds for trial in chosen]) >= 0.9
    assert np.mean([trial.true - trial.target for trial in chosen]) == pytest.approx(0, abs=0.02)


def test_the_suggested_threshold_of_given_pairs(tmp_path: Path) -> None:
    """For none, few and many misaligned pairs the interval has the true precision, and few translations are lost."""
    pairs = Pool(DATA, "flores").pairs
    model = encode([text for pair in pairs for text in pair], MODELS / "e5-small-q4", tmp_path / "vectors")
    for share in (0.0, 0.05, 0.2, 0.5):
        n = round(share * len(pairs))
        targets = [target for _, target in pairs]
        targets[:n] = targets[n // 2 : n] + targets[: n // 2]
        write(
            tmp_path / "pairs.tsv", [f"{source}\t{target}" for (source, _), target in zip(pairs, targets, strict=True)]
        )
        output = tmp_path / f"{n}.tsv"
        assert mine(tmp_path / "pairs.tsv", "--score", "-o", output, model=model) == 0
        about = report(output)
        found = about["suggested"]
        scores = [float(line.split("\t")[0]) for line in output.read_text().split("\n")[1:-1]]
        kept = np.array(scores) >= found["threshold"]
        assert found["precision"]["low"] - 1e-9 <= kept[n:].sum() / kept.sum() <= found["precision"]["high"] + 1e-9
        assert kept[n:].mean() >= 0.98 and found["recall"] >= 0.98
        assert about["misaligned"]["low"] - 0.01 <= share <= about["misaligned"]["high"] + 0.01
