"""Two processes on this machine: the gradient of one process with the whole batch, and one checkpoint."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from builders import WORDS, write
from safetensors.torch import load_file

from bitext_bench.encoders import ModelOptions, resolve_model
from training.checkpoint.folder import RECORD
from training.config import make_config
from training.trainer.loss import make_loss
from training.trainer.student import open_student
from training.trainer.teacher import TeacherVectors

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parent
SECONDS = 120  # a process that waits for another one in vain must not hold up the tests

OBJECTIVES: dict[str, dict[str, Any]] = {
    "priority": {"objective": {"label": "priority"}},
    "average with TMS": {"objective": {"label": "average", "tms": True}},
    "authors' code": {"objective": {"tms": True, "symmetric_monolingual": True, "column_labels": "renormalized"}},
    "hard": {"objective": {"label": "hard"}},
    "hard in mini-batches": {"objective": {"label": "hard"}, "mini_batch_size": 5},
    "translation ranking": {"loss": "translation-ranking"},
    "embedding-mse": {"loss": "embedding-mse"},
    "LoRA": {"lora_rank": 2, "gradient_checkpointing": True},
}


def sentences() -> list[list[str]]:
    """Return 32 sources and their targets, in lengths that differ between the halves."""
    rng = random.Random(7)
    return [[" ".join(rng.sample(WORDS, 3 + i // 8)) for i in range(32)] for _ in range(2)]


def gradients(model: str, settings: dict[str, Any], rows: range) -> dict[str, torch.Tensor]:
    """Return the gradients of a student without dropout on these of the 32 rows."""
    config = make_config({"student": model, "pairs": ["en-fr"], **settings})
    torch.manual_seed(5)  # for LoRA's random matrices
    student = open_student(config, resolve_model(model, ModelOptions()))
    vectors = torch.randn(50, 32, generator=torch.Generator().manual_seed(3))
    loss = make_loss(config, student, TeacherVectors(torch.nn.functional.normalize(vectors), {}))
    features = [student.preprocess([side[i] for i in rows]) for side in sentences()]
    average = config.objective.label == "average"
    labels = torch.tensor([[(i * 7) % 50, (i * 11) % 50] if average else (i * 7) % 50 for i in rows])
    student.eval()
    loss(features, labels).backward()
    return {name: p.grad for name, p in student.named_parameters() if p.grad is not None}


def meet_in_a_half_prepared_directory(rank: int, output: Path) -> None:
    """Let the second process come when the first has begun to write the record of the run, on a slow disk."""
    from training import command

    own_fsync, own_resolve = os.fsync, command.resolve_models

    def fsync(number: int) -> None:
        if output.exists() and not (output / RECORD).exists():
            time.sleep(3)
        own_fsync(number)

    def resolve(*args: Any, **options: Any) -> Any:
        for _ in range(600):
            if output.exists():
                break
            time.sleep(0.1)
        return own_resolve(*args, **options)

    if rank == 0:
        os.fsync = fsync
    else:
        command.resolve_models = resolve


def be_one_of_two(model: str, folder: str, command: list[str]) -> None:
    """Write the gradients as DistributedDataParallel averages them; then train: through, to a stop, and on from it."""
    import torch.distributed as dist

    from bitext_bench.cli.main import main
    from training.trainer.arguments import Progress

    torch.set_num_threads(1)
    rank = int(os.environ["RANK"])
    # The port is that of the training: a second store on it might meet the first one's last words.
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    found = {}
    for name, settings in OBJECTIVES.items():
        found[name] = gradients(model, settings, range(16 * rank, 16 * rank + 16))
        for gradient in found[name].values():
            dist.all_reduce(gradient)
            gradient /= 2
    if rank == 0:
        torch.save(found, Path(folder) / "gradients.pt")
    dist.destroy_process_group()

    own: Callable[..., None] = Progress.on_log

    def stop(self: Progress, args: Any, state: Any, *others: Any, **more: Any) -> None:
        own(self, args, state, *others, **more)
        if rank == 1 and state.global_step == 2:  # torchrun tells each process, but not in the same step
            signal.raise_signal(signal.SIGTERM)

    meet_in_a_half_prepared_directory(rank, Path(folder) / "out")
    ends = [main([*command, "--output", f"{folder}/out"])]
    Progress.on_log = stop  # type: ignore[method-assign]
    ends.append(main([*command, "--output", f"{folder}/stopped"]))
    Progress.on_log = own  # type: ignore[method-assign]
    ends.append(main([*command, "--output", f"{folder}/stopped", "--resume"]))
    lora = ["--lora", "2", "--set", "gradient_checkpointing=true", "--set", "gradient_accumulation_steps=2"]
    ends.append(main([*command, *lora, "--output", f"{folder}/lora"]))
    (Path(folder) / f"ends-{rank}").write_text(json.dumps(ends))


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
    usual = f"--model {tiny_model} --data {folder}/pairs --benchmarks mini --pair en-fr --pair en-ja --precision fp32"
    steps = f"--batch-size 8 --max-steps 5 --set dev_size=5 --set eval_steps=2 --cache-folder {folder}/cache"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    script = (
        "import json, sys\nfrom test_train_distributed import be_one_of_two\nbe_one_of_two(*json.loads(sys.argv[1]))"
    )
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
    assert [json.loads((both.folder / f"ends-{rank}").read_text())[0] for rank in (0, 1)] == [0, 0], both.errors
    names = {file.name for file in (both.folder / "out").iterdir()}
    assert {"model.safetensors", "modules.json", "README.md", "train_config.json"} < names
    assert names.isdisjoint({".partial", "checkpoints"})
    record = json.loads((both.folder / "out/train_config.json").read_text())
    assert record["steps"] == 5
    assert record["rows"].keys() == {"en-fr", "en-ja"}
    SentenceTransformer(str(both.folder / "out"), local_files_only=True)


def test_one_of_them_speaks(both: Both) -> None:
    said = [line for errors in both.errors for line in errors.splitlines()]
    for line in ("made en-fr: 90 rows read", "checkpoint in", "stopped after step 3 and saved"):
        runs = {"made": 4, "checkpoint": 3, "stopped": 1}[line.split()[0]]
        assert len([x for x in said if x.startswith(f"bitext-bench: {line}")]) == runs, line


def test_a_signal_to_one_stops_both_and_they_go_on_as_if_nothing_had_been(both: Both) -> None:
    assert [json.loads((both.folder / f"ends-{rank}").read_text())[1:3] for rank in (0, 1)] == [[143, 0]] * 2
    one, other = ((both.folder / name / "model.safetensors").read_bytes() for name in ("out", "stopped"))
    assert one == other
    records = [json.loads((both.folder / name / "train_config.json").read_text()) for name in ("out", "stopped")]
    for name in ("losses", "dev_curve", "steps"):
        assert records[0][name] == records[1][name], name


def test_lora_trains_in_both_and_is_merged(both: Both) -> None:
    assert [json.loads((both.folder / f"ends-{rank}").read_text())[3] for rank in (0, 1)] == [0, 0]
    before, after = (load_file(f"{folder}/model.safetensors") for folder in (both.model, both.folder / "lora"))
    assert before.keys() == after.keys()
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed and all(name.startswith("encoder") and name.endswith(".weight") for name in changed)
    record = json.loads((both.folder / "lora/train_config.json").read_text())
    for entry in record["log"]:
        assert entry["cross_lingual"] + entry["monolingual"] == pytest.approx(entry["loss"], rel=1e-5)
