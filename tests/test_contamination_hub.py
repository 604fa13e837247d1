"""A hub that does not deliver a benchmark stops training; what is excluded is named on the card and in every result."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

import pytest
from builders import write
from hub_runs import error_of, run_product, serving

from bitext_bench.tasks import REPORTED

OTHERS = [task.name for task in REPORTED if task.name not in ("Tatoeba", "FLORES-200-xsimpp")]

pytestmark = pytest.mark.hub


def put(root: Path, code: str, lines: list[str]) -> None:
    (root / f"test/{code}.jsonl.gz").write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))


@pytest.fixture
def tatoeba(tmp_path: Path) -> Path:
    """Tatoeba as on the hub, 20 made rows a language, at the revision that mteb pins."""
    import mteb

    metadata = mteb.get_task("Tatoeba").metadata
    root = tmp_path / "hub/datasets" / metadata.dataset["path"] / metadata.dataset["revision"]
    (root / "test").mkdir(parents=True)
    card = ["---", "configs:"]
    card += ["- config_name: default", "  data_files:", "  - path: test/*.jsonl.gz", "    split: test"]
    for code in metadata.hf_subsets:
        rows = [
            {"sentence1": f"{code} le chat numéro {i}", "sentence2": f"cat number {i}", "lang": code} for i in range(20)
        ]
        put(root, code, [json.dumps(row) for row in rows])
        card += [f"- config_name: {code}", "  data_files:", f"  - path: test/{code}.jsonl.gz", "    split: test"]
    write(root / "README.md", [*card, "---"])
    return root


@pytest.fixture
def command(tmp_path: Path, tiny_model: Path) -> list[str]:
    rows = [f"the {i} dog sat on {i * 3}\tle {i} chien assis {i * 3}" for i in range(40)]
    write(tmp_path / "pairs/made/en-fr.tsv", [*rows, "Cat number 7\tnuméro sept"])
    usual = f"train --model {tiny_model} --data {tmp_path}/pairs --benchmarks hub --pair en-fr --precision fp32"
    steps = "--label hard --batch-size 8 --max-steps 1 --set dev_size=0"
    return [*usual.split(), *steps.split(), "--cache-folder", f"{tmp_path}/cache", "--output", f"{tmp_path}/out"]


def run(tmp_path: Path, command: list[str], *faults: tuple[str, str]) -> subprocess.CompletedProcess[str]:
    waits = {"HF_HUB_DOWNLOAD_TIMEOUT": "2", "HF_HUB_ETAG_TIMEOUT": "2"}
    with serving(tmp_path / "hub", *faults) as hub:
        return run_product(*command, url=hub.url, home=tmp_path / "home", **waits)


def stopped(done: subprocess.CompletedProcess[str], tmp_path: Path) -> str:
    line = error_of(done)
    assert not (tmp_path / "out").exists()
    assert line.startswith("cannot compare the training rows with Tatoeba: ")
    assert "pass --exclude-benchmarks Tatoeba; results on it will say contamination:unchecked" in line
    return line


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (("tatoeba", "404"), "the hub has no such dataset"),
        (("jpn-eng.jsonl.gz", "404"), "the hub answered 404 for "),
        (("GET .*fra-eng.jsonl.gz", "cut"), "the connection broke off"),
        (("tatoeba", "drop"), "the connection broke off"),
    ],
)
def test_a_benchmark_that_is_not_delivered_stops_training(
    tatoeba: Path, command: list[str], tmp_path: Path, fault: tuple[str, str], words: str
) -> None:
    assert words in stopped(run(tmp_path, [*command, "--exclude-benchmarks", *OTHERS], fault), tmp_path)


def test_what_a_failed_download_leaves_in_the_cache_is_not_taken_for_the_whole(
    tatoeba: Path, command: list[str], tmp_path: Path
) -> None:
    stopped(run(tmp_path, [*command, "--exclude-benchmarks", *OTHERS], ("jpn-eng.jsonl.gz", "404")), tmp_path)
    assert list((tmp_path / "home").rglob("fra-eng.jsonl.gz"))
    line = stopped(run(tmp_path, [*command, "--exclude-benchmarks", *OTHERS], ("", "404")), tmp_path)
    assert "the hub has no such dataset" in line


def test_an_empty_language_stops_training(tatoeba: Path, command: list[str], tmp_path: Path) -> None:
    put(tatoeba, "jpn-eng", [])
    line = stopped(run(tmp_path, [*command, "--exclude-benchmarks", *OTHERS]), tmp_path)
    assert "Tatoeba on the hub has no jpn-eng test" in line


def test_what_is_delivered_is_compared_and_what_is_excluded_is_named_everywhere(
    tatoeba: Path, command: list[str], tmp_path: Path
) -> None:
    done = run(tmp_path, [*command, "--exclude-benchmarks", *OTHERS])
    assert done.returncode == 0, done.stderr
    assert "41 rows read, 40 kept (in a benchmark 1)" in done.stderr
    assert "FLORES-200-xsimpp" in next(line for line in done.stderr.splitlines() if "were not compared with" in line)
    contamination = json.loads((tmp_path / "out/train_config.json").read_text())["contamination"]
    assert len(contamination["checked"]["Tatoeba"]) == 112
    assert "**Not compared with BUCC.v2 (excluded), " in (tmp_path / "out/README.md").read_text()

    everything = [*command, "--overwrite", "--exclude-benchmarks", *OTHERS, "Tatoeba"]
    done = run(tmp_path, everything, ("tatoeba", "404"))
    assert done.returncode == 0, done.stderr
    assert "41 rows read, 41 kept" in done.stderr
    assert "**Not compared with Tatoeba (excluded), " in (tmp_path / "out/README.md").read_text()
    results = ["--output", str(tmp_path / "results"), "--cache-folder", str(tmp_path / "cache")]
    scored = ["run", "--model", str(tmp_path / "out"), "--data", "hub", "--tasks", "Tatoeba", "--languages", "en,fr"]
    done = run(tmp_path, [*scored, *results])
    assert done.returncode == 0, done.stderr
    assert "its training rows were not fully compared with Tatoeba; these results say so" in done.stderr
    (file,) = (tmp_path / "results").rglob("Tatoeba.json")
    result = json.loads(file.read_text())
    assert [entry["signature"].count("|contamination:unchecked|") for entry in result["subsets"]] == [1]
    assert "Tatoeba" in result["model"]["unchecked"] and "FLORES-200-xsimpp" in result["model"]["unchecked"]
