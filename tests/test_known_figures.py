"""Real encoders on real data give the figures that are known for them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bitext_bench.cli.main import main

pytestmark = [pytest.mark.shared, pytest.mark.models]

DATA = Path(__file__).parents[2] / "shared" / "data"
MODELS = Path(os.environ.get("BITEXT_MODELS") or Path.home() / ".cache" / "bitext-models")

# xx to en; within 0.3 points of an independent measurement.
E5_FORWARD = {"kor-eng": 77.8, "fra-eng": 92.2, "jpn-eng": 83.2, "rus-eng": 92.3}
MUSE_MEAN = {"kor-eng": 80.6, "fra-eng": 92.1, "jpn-eng": 91.0, "rus-eng": 92.0}


def _tatoeba(results: Path) -> dict[str, dict[str, float]]:
    (file,) = results.rglob("Tatoeba.json")
    return {entry["subset"]: entry["scores"] for entry in json.loads(file.read_text())["subsets"]}


def test_e5_small_with_its_prompt_on_tatoeba(tmp_path: Path) -> None:
    command = ["run", "--model", str(MODELS / "e5-small-q4"), "--prompt", "query: ", "--data", str(DATA)]
    assert main([*command, "--tasks", "Tatoeba", "--output", str(tmp_path)]) == 0
    scores = _tatoeba(tmp_path)
    for subset, expected in E5_FORWARD.items():
        assert 100 * scores[subset]["accuracy_forward"] == pytest.approx(expected, abs=0.3)
        assert scores[subset]["mteb_accuracy"] == scores[subset]["accuracy_forward"]


def test_muse_on_tatoeba(tmp_path: Path) -> None:
    command = ["run", "--model", "muse", "--data", str(DATA), "--tasks", "Tatoeba"]
    assert main([*command, "--output", str(tmp_path)]) == 0
    scores = _tatoeba(tmp_path)
    for subset, expected in MUSE_MEAN.items():
        assert 100 * scores[subset]["accuracy"] == pytest.approx(expected, abs=0.3)
