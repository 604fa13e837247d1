"""Every registered model loads from a repository with the files of the real one, and has the vectors of its reference.

The repositories of layouts.py are served under the registered ids by `hub_server.py` of ../shared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hub_runs import error_of, run_product, run_python, serving
from layouts import ELSEWHERE, GUESSED, HUB_RECORDS, LAYOUTS, main_commit, write_repository

from bitext_bench.baselines import BASELINES

TESTS = Path(__file__).parent


@dataclass(frozen=True)
class Found:
    """What layout_vectors.py printed for each record, and what the hub was asked for."""

    records: dict[str, Any]
    requests: list[str]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    root = tmp_path_factory.mktemp("layouts")
    for name in LAYOUTS:
        write_repository(root, name)
    references = {name: layout.references for name, layout in HUB_RECORDS.items()}
    with serving(root) as hub:
        program = [str(TESTS / "layout_vectors.py"), json.dumps(references)]
        environment = {"PYTHONPATH": str(TESTS.parent), "HF_TOKEN": "hf_writer"}
        done = run_python(*program, url=hub.url, home=root / "home", timeout=240, **environment)
        assert done.returncode == 0, done.stderr
        yield Found(json.loads(done.stdout.rpartition("RESULT")[2]), list(hub.requests))


each_record = pytest.mark.parametrize("name", HUB_RECORDS)


@pytest.mark.hub
@each_record
def test_vectors_are_those_of_the_reference(found: Found, name: str) -> None:
    record, layout, one = BASELINES[name], HUB_RECORDS[name], found.records[name]
    prompts = {record.prompt, record.sts_prompt} - {""}
    unprompted = 0 if one["by_mteb"] else 1
    assert len(one["differences"]) == (unprompted + len(prompts)) * len(layout.references)
    assert all(difference < 1e-5 for difference in one["differences"].values()), one["differences"]
    # The comparison could fail: texts have different vectors, and a prompt changes them.
    assert one["rank"] >= 6
    assert one["effects"].keys() == prompts
    assert all(effect > 1e-2 for effect in one["effects"].values())


@pytest.mark.hub
@each_record
def test_the_repository_agrees_with_the_record(found: Found, name: str) -> None:
    record, one = BASELINES[name], found.records[name]
    assert one["dimensions"] == HUB_RECORDS[name].dimensions
    assert one["revision"] == (record.revision or main_commit(record))
    if one["by_mteb"]:
        assert one["prompts"] == ["mteb:Tatoeba", "mteb:STSBenchmark"]
    else:
        assert one["prompts"] == [record.prompt, record.sts_prompt]
    if record.loader != "model2vec" and not one["by_mteb"]:
        assert (one["pooling"], one["max_length"]) == (record.pooling, record.max_length or None)
    assert one["overrides"] == ([["prompt", ""]] if name.endswith("-no-prompt") else [])


@pytest.mark.hub
def test_only_the_files_that_are_needed_are_downloaded(found: Found) -> None:
    asked = {
        request.rpartition("/resolve/")[2].partition("/")[2] for request in found.requests if "/resolve/" in request
    }
    assert {"model.safetensors", "pytorch_model.bin", "2_Dense/model.safetensors", "tokenizer.json"} <= asked
    unwanted = ("onnx", "openvino", ".h5", ".msgpack", ".ot", ".jpg")
    assert not [file for file in asked for part in unwanted if part in file]
    assert asked_for_pickle(found) == {BASELINES[name].checkpoint for name in ("labse", "bge-m3")}


def asked_for_pickle(found: Found) -> set[str]:
    """Return the repositories from which a pickle was downloaded."""
    pickles = [
        request for request in found.requests if request.endswith("/pytorch_model.bin") and "GET /cdn" in request
    ]
    return {"/".join(request.split("/")[3:5]) for request in pickles}


@pytest.mark.hub
def test_of_other_repositories_only_the_tokenizer_or_the_code_is_downloaded(found: Found) -> None:
    def asked(checkpoint: str) -> set[str]:
        start = f"GET /{checkpoint}/resolve/"
        return {r.rpartition("/")[2] for r in found.requests if r.startswith(start)}

    assert "tokenizer.json" in asked("FacebookAI/xlm-roberta-large")
    assert not {"model.safetensors", "pytorch_model.bin"} & asked("FacebookAI/xlm-roberta-large")
    assert asked("Alibaba-NLP/new-impl") == {"configuration.py", "modeling.py"}


@pytest.mark.hub
def test_code_runs_only_with_its_option(tmp_path: Path) -> None:
    write_repository(tmp_path, "gte-multilingual-base")
    with serving(tmp_path) as hub:
        done = run_product(
            "run", "--model", "gte-multilingual-base", "--data", "mini", url=hub.url, home=tmp_path / "home"
        )
    assert "runs code from Alibaba-NLP/new-impl: pass --trust-remote-code if you trust it" in error_of(done)


def test_list_models_claims_no_more_than_was_proven() -> None:
    loaded = HUB_RECORDS.keys() | ELSEWHERE.keys()
    assert {name for name, b in BASELINES.items() if b.proof == "layout"} <= loaded - GUESSED
    assert {name for name, b in BASELINES.items() if b.proof == "reported"} == (BASELINES.keys() - loaded) | GUESSED
    assert all((TESTS / file).is_file() for file in ELSEWHERE.values())
