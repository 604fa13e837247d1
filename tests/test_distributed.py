"""Two processes on this machine: the gradient of one process with the whole batch, and one checkpoint."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from builders import WORDS, write

from training.config import make_config
from training.teacher import TeacherVectors
from training.train import make_loss, open_student

TESTS = Path(__file__).parent
SECONDS = 120  # a process that waits for another one in vain must not hold up the tests

OBJECTIVES: dict[str, dict[str, Any]] = {
    "priority": {"objective": {"label": "priority"}},
    "average with TMS": {"objective": {"label": "average", "tms": True}},
    "authors' code": {"objective": {"tms": True, "mono_both": True, "column_labels": "renormalised"}},
    "hard": {"objective": {"label": "hard"}},
    "hard in mini-batches": {"objective": {"label": "hard"}, "mini_batch": 5},
    "ranking": {"loss": "ranking"},
    "embedding-mse": {"loss": "embedding-mse"},
}


def sentences() -> list[list[str]]:
    """Return 32 sources and their targets, in lengths that differ between the halves."""
    rng = random.Random(7)
    return [[" ".join(rng.sample(WORDS, 3 + i // 8)) for i in range(32)] for _ in range(2)]


def gradients(model: str, settings: dict[str, Any], rows: range) -> dict[str, torch.Tensor]:
    """Return the gradients of a student without dropout on these of the 32 rows."""
    config = make_config({"student": model, "pairs": ["en-fr"], **settings})
    student = open_student(config)
    vectors = torch.randn(50, 32, generator=torch.Generator().manual_seed(3))
    loss = make_loss(config, student, TeacherVectors(torch.nn.functional.normalize(vectors), {}))
    features = [student.preprocess([side[i] for i in rows]) for side in sentences()]
    average = config.objective.label == "average"
    labels = torch.tensor([[(i * 7) % 50, (i * 11) % 50] if average else (i * 7) % 50 for i in rows])
    student.eval()
    loss(features, labels).backward()
    return {name: p.grad for name, p in student.named_parameters() if p.grad is not None}


def be_one_of_two(model: str, folder: str, command: list[str]) -> None:
    """Write the gradients as DistributedDataParallel averages them; then train, and say how it ended."""
    import torch.distributed as dist

    from bitext_bench.cli import main

    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    found = {}
    for name, settings in OBJECTIVES.items():
        found[name] = gradients(model, settings, range(16 * rank, 16 * rank + 16))
        for gradient in found[name].values():
            dist.all_reduce(gradient)
            gradient /= 2
    if rank == 0:
        torch.save(found, Path(folder) / "gradients.pt")
    dist.destroy_process_group()
    status = main(command)
    (Path(folder) / f"status-{rank}").write_text(str(status))


@dataclass(frozen=True)
class Both:
    """What two processes left."""

    folder: Path
    model: str
    errors: list[str]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Both:
    folder = tmp_path_factory.mktemp("both")
    rng = random.Random(0)
    for pair, n in (("en-fr", 90), ("en-ja", 53)):
        write(folder / f"pairs/made/{pair}.tsv", [f"{i} {' '.join(rng.sample(WORDS, 5))}\tle {i} la" for i in range(n)])
    usual = f"--model {tiny_model} --data {folder}/pairs --tests mini --pair en-fr --pair en-ja --precision fp32"
    steps = f"--batch-size 8 --max-steps 3 --set dev_rows=5 --output {folder}/out --cache-folder {folder}/cache"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    script = "import json, sys\nfrom test_distributed import be_one_of_two\nbe_one_of_two(*json.loads(sys.argv[1]))"
    given = json.dumps([str(tiny_model), str(folder), ["train", *usual.split(), *steps.split()]])
    processes = []
    for rank in "01":
        environment = {**os.environ, **shared, "RANK": rank, "LOCAL_RANK": rank, "OMP_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = f"{TESTS.parent}:{TESTS}"
        command = [sys.executable, "-c", script, given]
        processes.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    try:
        errors = [process.communicate(timeout=SECONDS)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return Both(folder, str(tiny_model), errors)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.usefixtures("one_thread")
def test_the_gradient_is_that_of_one_process_with_the_whole_batch(both: Both, name: str) -> None:
    """Not the mean of two losses over half the batch: each process has the other's sentences as negatives."""
    found = torch.load(both.folder / "gradients.pt", weights_only=True)[name]
    expected = gradients(both.model, OBJECTIVES[name], range(32))
    assert found.keys() == expected.keys()
    assert max(float(x.abs().max()) for x in expected.values()) > 1e-4
    for parameter, gradient in expected.items():
        torch.testing.assert_close(found[parameter], gradient, rtol=1e-4, atol=1e-6, msg=parameter)
    if OBJECTIVES[name].get("loss") != "embedding-mse":
        halves = [gradients(both.model, OBJECTIVES[name], range(i, i + 16)) for i in (0, 16)]
        apart = [float(((halves[0][x] + halves[1][x]) / 2 - expected[x]).abs().max()) for x in expected]
        assert max(apart) > 1e-4, "had each process kept to itself, one could tell"


def test_both_end_well_and_leave_one_checkpoint(both: Both) -> None:
    from sentence_transformers import SentenceTransformer

    for errors in both.errors:
        assert "Traceback" not in errors, errors
    assert [(both.folder / f"status-{rank}").read_text() for rank in (0, 1)] == ["0", "0"]
    names = {file.name for file in (both.folder / "out").iterdir()}
    assert {"model.safetensors", "modules.json", "README.md", "train_config.json"} < names
    assert names.isdisjoint({".partial", "checkpoints"})
    record = json.loads((both.folder / "out/train_config.json").read_text())
    assert record["steps"] == 3
    assert record["rows"].keys() == {"en-fr", "en-ja"}
    SentenceTransformer(str(both.folder / "out"), local_files_only=True)
    said = [line for errors in both.errors for line in errors.splitlines()]
    for line in ("bitext-bench: made en-fr: 90 rows read", "bitext-bench: checkpoint in"):
        assert len([x for x in said if x.startswith(line)]) == 1, line
