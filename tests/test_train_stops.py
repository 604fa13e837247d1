"""Training that is stopped, killed or begun again: nothing is lost, and no folder is overwritten unasked."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import Any

import pytest
from builders import write
from training_runs import Folders, error_line, folders_at, made_rows, record, same_run, weights

from bitext_bench.cli.main import main
from bitext_bench.data import open_source
from bitext_bench.encoders.record import training_of
from bitext_bench.languages import resolve
from training.checkpoint.folder import SUMS, find_damage

TESTS = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}", "OMP_NUM_THREADS": "1"}

pytestmark = pytest.mark.usefixtures("one_thread_throughout")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Folders:
    """A run that nothing disturbed, in the folder "whole"."""
    folders = folders_at(tmp_path_factory.mktemp("stops"), tiny_model)
    assert main(folders.command("whole")) == 0
    looks = [look["dev_accuracy"] for look in record(folders.root / "whole")["dev_curve"]]
    assert looks[1] < looks[2] < looks[3], "the best weights have to be the last: earlier ones say nothing of a resume"
    return folders


KILLED = """
import os, signal, sys
from bitext_bench.cli.main import main
from training.trainer.arguments import Progress

own = Progress.on_step_end

def on_step_end(self, args, state, control, **kwargs):
    if state.global_step == 10:  # the last checkpoint is of step 8, in the second epoch
        os.kill(os.getpid(), signal.SIGKILL)
    own(self, args, state, control, **kwargs)

Progress.on_step_end = on_step_end
import torch
torch.set_num_threads(1)
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def killed(whole: Folders) -> Path:
    """What a run leaves that was killed in the tenth of its twelve steps."""
    command = [sys.executable, "-c", KILLED, *whole.command("killed")]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    output = whole.root / "killed"
    assert sorted(x.name for x in (output / "checkpoints").iterdir()) == ["checkpoint-4", "checkpoint-8", "eval"]
    assert not (output / "modules.json").exists(), "no one may take it for a finished one"
    return output


@pytest.mark.slow
def test_a_killed_run_goes_on_as_if_nothing_had_been(
    whole: Folders, killed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(killed, whole.root / "resumed")
    write(whole.root / "resumed/checkpoints/runs/Nov24_host/events", ["what TensorBoard was told"])
    assert main(whole.command("resumed")) == 1
    assert "pass --resume to continue it" in error_line(capfd)
    assert main(whole.command("resumed", "--resume")) == 0
    same_run(whole.root / "whole", whole.root / "resumed")
    assert not (whole.root / "resumed/checkpoints").exists()
    assert (whole.root / "resumed/runs/Nov24_host/events").read_text() == "what TensorBoard was told\n"


def flip(file: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "flipped": flip,
    "truncated": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "empty": lambda file: file.write_bytes(b""),
    "missing": Path.unlink,
}
LAST = "checkpoints/checkpoint-8"


def saved_files(killed: Path) -> list[str]:
    """Return the name of every file of the last checkpoint, that of the checksums too."""
    return sorted(x.relative_to(killed / LAST).as_posix() for x in (killed / LAST).rglob("*") if x.is_file())


@pytest.mark.slow
def test_a_checkpoint_has_a_checksum_of_every_file(killed: Path) -> None:
    names = saved_files(killed)
    assert {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"} < {*names}
    for folder in ("checkpoint-4", "checkpoint-8"):
        done = subprocess.run(["sha256sum", "-c", SUMS], cwd=killed / "checkpoints" / folder, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert sorted(done.stdout.decode().replace(": OK", "").splitlines()) == [n for n in names if n != SUMS]
        assert find_damage(killed / "checkpoints" / folder) == ""


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_any_file_is_found(killed: Path, tmp_path: Path, damage: str) -> None:
    for name in saved_files(killed):
        folder = tmp_path / name.replace("/", "-")
        shutil.copytree(killed / LAST, folder)
        if damage != "missing" and not (folder / name).stat().st_size:
            continue
        DAMAGES[damage](folder / name)
        assert find_damage(folder), name


@pytest.mark.slow
def test_a_file_that_was_not_saved_with_it_is_damage_and_a_hidden_one_is_not(killed: Path, tmp_path: Path) -> None:
    shutil.copytree(killed / LAST, tmp_path / "one")
    (tmp_path / "one/.DS_Store").write_bytes(b"x")
    assert find_damage(tmp_path / "one") == ""
    (tmp_path / "one/adapter_config.json").write_text("{}")
    assert find_damage(tmp_path / "one") == "adapter_config.json is not in SHA256SUMS"


def damaged(killed: Path, output: Path, damage: str, name: str) -> None:
    shutil.copytree(killed, output)
    DAMAGES[damage](output / LAST / name)


@pytest.mark.slow
def test_one_bit_in_any_file_falls_back_to_the_checkpoint_before(
    whole: Folders, killed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(saved_files(killed)):
        output = whole.root / f"flipped-{number}"
        damaged(killed, output, "flipped", name)
        capfd.readouterr()
        assert main(whole.command(output.name, "--resume")) == 0, name
        errors = capfd.readouterr().err
        (line,) = [x for x in errors.splitlines() if "damaged" in x]
        assert line.startswith(f"bitext-bench: {output / LAST} is damaged ("), name
        assert line.endswith("): resuming from checkpoint-4"), name
        assert "Traceback" not in errors
        same_run(whole.root / "whole", output)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "name", "reason"),
    [
        ("truncated", "model.safetensors", "model.safetensors has changed"),
        ("empty", "optimizer.pt", "optimizer.pt has changed"),
        ("missing", "trainer_state.json", "'trainer_state.json' is missing"),
        ("missing", "SHA256SUMS", "no SHA256SUMS: it was not saved completely"),  # killed while saving
    ],
)
def test_damage_falls_back_and_says_why(
    whole: Folders, killed: Path, capfd: pytest.CaptureFixture[str], damage: str, name: str, reason: str
) -> None:
    output = whole.root / f"{damage}-{name}"
    damaged(killed, output, damage, name)
    assert main(whole.command(output.name, "--resume")) == 0
    errors = capfd.readouterr().err
    assert f"{output / LAST} is damaged ({reason}): resuming from checkpoint-4\n" in errors
    assert "disk space" not in errors
    same_run(whole.root / "whole", output)


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_no_intact_checkpoint_is_one_line_and_nothing_changes(
    whole: Folders, killed: Path, capfd: pytest.CaptureFixture[str], damage: str
) -> None:
    output = whole.root / f"none-{damage}"
    damaged(killed, output, damage, "model.safetensors")
    DAMAGES[damage](output / "checkpoints/checkpoint-4/optimizer.pt")
    before = sorted(output.rglob("*"))
    assert main(whole.command(output.name, "--resume")) == 1
    line = error_line(capfd)
    assert f"cannot resume {output}: no checkpoint is intact (checkpoint-8: " in line
    assert "checkpoint-4: " in line and "pass --overwrite" in line and "disk space" not in line
    assert sorted(output.rglob("*")) == before
    assert main(whole.command(output.name, "--overwrite")) == 0
    same_run(whole.root / "whole", output)


def test_damaged_best_weights_of_another_checkpoint_are_not_resumed_with(
    whole: Folders, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is learned at this rate: the first look stays the best one, and its weights are those to be saved."""
    flat = ["--learning-rate", "1e-12"]
    with monkeypatch.context() as patched:
        signal_at(patched, signal.SIGTERM, 2)
        assert main(whole.command("best", *flat)) == 143
    assert sorted(x.name for x in (whole.root / "best/checkpoints").iterdir()) == [
        "checkpoint-4",
        "checkpoint-9",
        "eval",
    ]
    flip(whole.root / "best/checkpoints/checkpoint-4/model.safetensors")
    capfd.readouterr()
    assert main(whole.command("best", *flat, "--resume")) == 1
    line = error_line(capfd)
    assert "checkpoint-9: its best weights are in checkpoint-4, where model.safetensors has changed" in line


@pytest.mark.slow
def test_best_weights_are_found_where_the_folder_was_moved(whole: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    flat = ["--learning-rate", "1e-3", "--set", "eval_steps=3"]
    found: Any = iter([0.1, 0.9, 0.2, 0.3, 0.4, 0.5])
    monkeypatch.setattr("training.trainer.dev_evaluator.DevAccuracy._accuracy", lambda *_: next(found))
    assert main(whole.command("stayed", *flat)) == 0
    found = iter([0.1, 0.9, 0.2, 0.3, 0.4, 0.5])
    with monkeypatch.context() as patched:
        signal_at(patched, signal.SIGTERM, 2)
        assert main(whole.command("before", *flat)) == 143
    (whole.root / "before").rename(whole.root / "after")
    assert main(whole.command("after", *flat, "--resume")) == 0
    same_run(whole.root / "stayed", whole.root / "after")


@pytest.mark.slow
def test_best_weights_that_are_damaged_while_a_run_goes_on_are_not_saved(
    whole: Folders, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from training.trainer.arguments import Progress

    def flip_at_the_end(self: Progress, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 12:
            flip(whole.root / "rotten/checkpoints/checkpoint-4/model.safetensors")

    monkeypatch.setattr(Progress, "on_save", flip_at_the_end)
    assert main(whole.command("rotten", "--learning-rate", "1e-12")) == 1
    line = error_line(capfd)
    assert "checkpoint-4 are damaged (model.safetensors has changed)" in line
    assert not (whole.root / "rotten/modules.json").exists()


def signal_at(monkeypatch: pytest.MonkeyPatch, number: int, look: int) -> None:
    """Send the signal while the held-out rows are looked at for the `look`-th time; the 0th time is before training."""
    from training.trainer.dev_evaluator import DevAccuracy

    own: Callable[..., dict[str, float]] = DevAccuracy.__call__
    looks: list[int] = []

    def call(self: DevAccuracy, *args: Any, **kwargs: Any) -> dict[str, float]:
        looks.append(1)
        if len(looks) == look + 1:
            signal.raise_signal(number)
        return own(self, *args, **kwargs)

    monkeypatch.setattr(DevAccuracy, "__call__", call)


@pytest.mark.parametrize(
    ("number", "look", "step"),
    [(signal.SIGTERM, 1, 5), pytest.param(signal.SIGINT, 2, 9, marks=pytest.mark.slow)],
)
def test_a_signal_saves_and_says_how_to_go_on(
    whole: Folders,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    number: int,
    look: int,
    step: int,
) -> None:
    output = whole.root / f"signal-{number}"
    handlers = [signal.getsignal(x) for x in (signal.SIGTERM, signal.SIGINT)]
    with monkeypatch.context() as patched:
        signal_at(patched, number, look)
        assert main(whole.command(output.name)) == 128 + number
    assert [signal.getsignal(x) for x in (signal.SIGTERM, signal.SIGINT)] == handlers
    errors = capfd.readouterr().err
    assert errors.splitlines()[-1] == (
        f"bitext-bench: stopped after step {step} and saved; add --resume to the same command to continue"
    )
    assert "Traceback" not in errors
    assert not (output / "modules.json").exists()
    assert (output / f"checkpoints/checkpoint-{step}").is_dir()
    assert main(whole.command(output.name, "--resume")) == 0
    assert f"bitext-bench: resuming after step {step} of 12\n" in capfd.readouterr().err
    same_run(whole.root / "whole", output)


@pytest.mark.slow
def test_a_signal_at_the_very_end_leaves_nothing_to_do_but_finish(
    whole: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        signal_at(patched, signal.SIGTERM, 3)
        assert main(whole.command("end")) in (0, 143)
    if not (whole.root / "end/modules.json").exists():
        assert main(whole.command("end", "--resume")) == 0
    same_run(whole.root / "whole", whole.root / "end")


@pytest.mark.slow
def test_patience_is_counted_through_a_stop(whole: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing is learned at this rate: the first look stays the best one, and the second after it ends the run.
    flat = ["--learning-rate", "1e-12", "--set", "early_stopping_patience=2", "--set", "eval_steps=2"]
    assert main(whole.command("patient", *flat)) == 0
    assert record(whole.root / "patient")["steps"] == 6
    with monkeypatch.context() as patched:
        signal_at(patched, signal.SIGTERM, 2)
        assert main(whole.command("impatient", *flat)) == 143
    assert main(whole.command("impatient", *flat, "--resume")) == 0
    assert record(whole.root / "impatient")["steps"] == 6


@pytest.mark.slow
def test_a_run_that_had_stopped_early_is_finished_and_not_gone_on_with(
    whole: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between its last look and its end; had it gone on, it would have found better weights."""
    monkeypatch.setattr("training.trainer.dev_evaluator.DevAccuracy._accuracy", lambda *_: next(found))
    flat = ["--set", "early_stopping_patience=2", "--set", "eval_steps=2"]
    found = iter([0.1, 0.5, 0.4, 0.3])
    assert main(whole.command("early", *flat)) == 0
    found = iter([0.1, 0.5, 0.4, 0.3])
    with monkeypatch.context() as patched:
        patched.setattr("training.command._save", None)
        with pytest.raises(TypeError):
            main(whole.command("cut", *flat))
    found = iter([0.9] * 6)
    assert main(whole.command("cut", *flat, "--resume")) == 0
    assert record(whole.root / "early")["steps"] == 6
    same_run(whole.root / "early", whole.root / "cut")


@pytest.mark.slow
def test_a_checkpoint_is_finished_only_with_its_record(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it was put together, it says nothing wrong about contamination, and goes on."""
    bitext = open_source("mini").parallel("mini", resolve("fr"))
    write(folders.data / "made/en-fr.tsv", [*made_rows(104), f"{bitext.target[0]}\t{bitext.source[0]}"])
    quick = ["--set", "dev_size=0", "--max-steps", "2", "--allow-contamination"]
    assert main(folders.command("whole", *quick)) == 0
    for step in ("write_record", "_write_card"):
        with monkeypatch.context() as patched:
            patched.setattr(f"training.command.{step}", None)
            with pytest.raises(TypeError):
                main(folders.command(step, *quick))
        assert not (folders.root / step / "modules.json").exists()
        assert main(folders.command(step, *quick, "--resume")) == 0
        assert record(folders.root / step) == record(folders.root / "whole")
        assert weights(folders.root / step) == weights(folders.root / "whole"), "no step more"
    assert record(folders.root / "whole")["contamination"]["rows"] > 0


@pytest.mark.slow
def test_another_number_of_processes_does_not_go_on(
    killed: Path, whole: Folders, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(killed, whole.root / "two")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("training.trainer.train.train", None)
    assert main(whole.command("two", "--resume")) == 1
    assert "was started with other number of processes" in error_line(capfd)


def test_overwrite_empties_what_a_link_points_to(folders: Folders) -> None:
    quick = ["--set", "dev_size=0", "--max-steps", "2"]
    assert main(folders.command("disk", *quick)) == 0
    (folders.root / "link").symlink_to(folders.root / "disk")
    assert main(folders.command("link", *quick, "--seed", "3", "--overwrite")) == 0
    assert (folders.root / "link").is_symlink()
    assert record(folders.root / "disk")["config"]["seed"] == 3


def test_a_full_disk_says_how_to_go_on(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.trainer.student_trainer.SentenceTransformerTrainer.save_model", full)
    assert main(folders.command("out", "--max-steps", "8")) == 1
    line = error_line(capfd)
    assert "No space left on device" in line and "--resume" in line


@pytest.mark.slow
def test_a_projection_goes_on_where_it_was(whole: Folders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The teacher has other dimensions than the student: the layer between them is trained, too."""
    runs = Folders(tmp_path, whole.model)
    shutil.copytree(whole.data, runs.data)
    mse = ["--loss", "embedding-mse", "--teacher", "toys:hashing"]
    assert main(runs.command("mse", *mse)) == 0
    with monkeypatch.context() as patched:
        signal_at(patched, signal.SIGTERM, 2)
        assert main(runs.command("stopped", *mse)) == 143
    shutil.copytree(runs.root / "stopped", runs.root / "cut-off")
    (runs.root / "cut-off/checkpoints/checkpoint-9/loss.pt").unlink()
    for output in ("stopped", "cut-off"):
        assert main(runs.command(output, *mse, "--resume")) == 0
        same_run(runs.root / "mse", runs.root / output)


def test_resume_where_there_is_nothing_begins(whole: Folders) -> None:
    assert main(whole.command("nothing", "--resume")) == 0
    same_run(whole.root / "whole", whole.root / "nothing")


@pytest.mark.slow
def test_other_data_are_not_gone_on_with(
    whole: Folders, killed: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = Folders(tmp_path, whole.model)
    write(other.data / "made/en-fr.tsv", made_rows(104, seed=9))
    shutil.copytree(killed, other.root / "resumed")
    assert main(other.command("resumed", "--resume")) == 1
    assert "made" in error_line(capfd)


@pytest.mark.slow
def test_other_benchmarks_are_not_gone_on_with(whole: Folders, killed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(killed, whole.root / "unchecked")
    assert main(whole.command("unchecked", "--resume", "--exclude-benchmarks", "Mini-STS")) == 1
    assert "was started with other benchmarks" in error_line(capfd)


# Folders


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], ["exists: pass --resume", "--overwrite", "--output"]),
        (["--resume"], ["is finished: run bitext-bench run --model"]),
        (["--resume", "--seed", "7"], ["is finished"]),
        (["--resume", "--overwrite"], ["--overwrite and --resume exclude each other"]),
    ],
)
def test_a_finished_checkpoint_is_not_touched(
    whole: Folders, capfd: pytest.CaptureFixture[str], more: list[str], words: list[str]
) -> None:
    before = {file: file.read_bytes() for file in (whole.root / "whole").rglob("*") if file.is_file()}
    assert main(whole.command("whole", *more)) == 1
    line = error_line(capfd)
    for word in words:
        assert word in line
    assert before == {file: file.read_bytes() for file in (whole.root / "whole").rglob("*") if file.is_file()}


@pytest.mark.slow
def test_a_resumed_run_may_be_longer_and_evaluated_more_often(
    whole: Folders, killed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Killed at step 8 of 12; the second run has 20 steps, evaluates every 6, and its learning rate falls to 20."""
    shutil.copytree(killed, whole.root / "longer")
    longer = ["--resume", "--max-steps", "20", "--set", "eval_steps=6"]
    logger, remarks = logging.getLogger("transformers.trainer_utils"), BufferingHandler(100)
    logger.addHandler(remarks)
    assert main(whole.command("longer", *longer)) == 0
    logger.removeHandler(remarks)
    assert remarks.buffer == []  # transformers would say that the interval is not the checkpoint's
    assert "Warning" not in capfd.readouterr().err
    said, before = record(whole.root / "longer"), record(whole.root / "whole")
    assert said["steps"] == 20
    assert [look["step"] for look in said["dev_curve"]] == [0, 4, 8, 12, 18, 20]
    assert said["dev_curve"][:3] == before["dev_curve"][:3]
    assert said["changes"] == [{"step": 8, "max_steps": [None, 20], "eval_steps": [4, 6]}]
    # 1e-2 falls to 0 in 12 steps, and from step 9 on as it would in 20.
    rates = [1e-2 * (1 - step / (12 if step < 8 else 20)) for step in range(20)]
    means = [sum(rates[:10]) / 10, sum(rates[10:]) / 10]
    assert [entry["learning_rate"] for entry in said["log"]] == pytest.approx(means)
    card = (whole.root / "longer/README.md").read_text()
    assert "Resumed at step 8 with max_steps `20` (before: not set), eval_steps `6` (before: `4`)." in card
    one, other = (training_of(whole.root / name) for name in ("longer", "whole"))
    assert one and other and one["settings"] != other["settings"]


@pytest.mark.slow
def test_how_often_a_run_is_evaluated_changes_no_step(whole: Folders) -> None:
    """The evaluation draws random numbers of its own, or dropout would leave out other values afterwards."""
    assert main(whole.command("often", "--set", "eval_steps=1")) == 0
    often, before = (record(whole.root / name) for name in ("often", "whole"))
    assert len(often["dev_curve"]) == 13 > len(before["dev_curve"])
    assert often["log"] == before["log"]
    assert often["dev_curve"][::4] == before["dev_curve"]


@pytest.mark.slow
def test_a_run_that_was_killed_at_its_end_goes_on_with_more_epochs(
    whole: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All 12 steps are taken, and the learning rate has fallen to 0: a longer run takes it up where its own has it."""
    with monkeypatch.context() as patched:
        patched.setattr("training.command._save", None)
        with pytest.raises(TypeError):
            main(whole.command("epochs"))
    for output in ("same", "more"):
        shutil.copytree(whole.root / "epochs", whole.root / output)
    assert main(whole.command("same", "--resume")) == 0
    same_run(whole.root / "whole", whole.root / "same")
    assert main(whole.command("more", "--resume", "--epochs", "3")) == 0
    said = record(whole.root / "more")
    assert (said["steps"], said["changes"]) == (18, [{"step": 12, "epochs": [2.0, 3.0]}])
    rates = [1e-2 * (1 - step / (12 if step < 12 else 18)) for step in range(18)]
    assert [entry["learning_rate"] for entry in said["log"]] == pytest.approx(
        [sum(rates[:10]) / 10, sum(rates[10:]) / 8]
    )


@pytest.mark.slow
def test_a_run_of_an_earlier_version_goes_on(whole: Folders, killed: Path) -> None:
    """Its record lacks settings that were added since."""
    output = Path(shutil.copytree(killed, whole.root / "earlier"))
    said = record(output)
    for name in ("lora_rank", "merge_lora", "gradient_checkpointing", "gradient_accumulation_steps"):
        del said["config"][name]
    (output / "train_config.json").write_text(json.dumps(said))
    assert main(whole.command("earlier", "--resume")) == 0
    same_run(whole.root / "whole", output)
    assert record(output)["changes"] == []


@pytest.mark.slow
def test_fewer_steps_than_a_run_has_taken_are_refused(
    whole: Folders, killed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(killed, whole.root / "fewer")
    assert main(whole.command("fewer", "--resume", "--max-steps", "6")) == 1
    assert "checkpoint-8 for 6 steps, which are behind it: pass more steps" in error_line(capfd)
    assert main(whole.command("fewer", "--resume", "--max-steps", "8")) == 0
    assert record(whole.root / "fewer")["steps"] == 8


@pytest.mark.slow
def test_other_settings_are_named(whole: Folders, killed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    more = ["--resume", "--seed", "7", "--lambda", "0.5", "--label", "average"]
    assert main(whole.command("killed", *more)) == 1
    line = error_line(capfd)
    assert "seed was 10 and is 7" in line
    for word in ("'lambda_cross': 0.1", "'lambda_cross': 0.5", "'label': 'priority'", "'label': 'average'"):
        assert word in line
    for word in ("batch_size", "student_prompt", "learning_rate"):
        assert word not in line


def test_overwrite_begins_anew_in_folders_of_training_alone(
    folders: Folders, capfd: pytest.CaptureFixture[str]
) -> None:
    quick = ["--set", "dev_size=0", "--max-steps", "2"]
    assert main(folders.command("out", *quick)) == 0
    (folders.root / "out/old").write_text("of the first run")
    assert main(folders.command("out", *quick, "--seed", "3", "--overwrite")) == 0
    assert record(folders.root / "out")["config"]["seed"] == 3
    assert not (folders.root / "out/old").exists()
    capfd.readouterr()
    mine = folders.root / "mine/thesis.tex"
    write(mine, ["years of work"])
    for flag in ("--overwrite", "--resume"):
        assert main(folders.command("mine", *quick, flag)) == 1
        assert "has no train_config.json" in error_line(capfd)
        assert mine.read_text() == "years of work\n"
    (folders.root / "file").write_text("a file")
    assert main(folders.command("file", *quick, "--overwrite")) == 1
    error_line(capfd)
    assert (folders.root / "file").read_text() == "a file"


@pytest.mark.parametrize(
    "mistake",
    [["--data", "nowhere"], ["--model", "nowhere/at/all"], ["--benchmarks", "nowhere"], ["--batch-size", "999"]],
)
def test_overwrite_does_not_throw_a_checkpoint_away_for_a_run_that_cannot_begin(
    whole: Folders, folders: Folders, capfd: pytest.CaptureFixture[str], mistake: list[str]
) -> None:
    shutil.copytree(whole.root / "whole", folders.root / "out")
    assert main(folders.command("out", "--overwrite", *mistake)) == 1
    error_line(capfd)
    assert weights(folders.root / "out") == weights(whole.root / "whole")


@pytest.mark.parametrize("role", ["--model", "--teacher"])
def test_overwrite_does_not_remove_what_the_run_begins_from(
    whole: Folders, folders: Folders, capfd: pytest.CaptureFixture[str], role: str
) -> None:
    shutil.copytree(whole.root / "whole", folders.root / "out")
    assert main(folders.command("out", "--overwrite", role, str(folders.root / "out"))) == 1
    assert "--overwrite would remove the" in error_line(capfd)
    assert weights(folders.root / "out") == weights(whole.root / "whole")
