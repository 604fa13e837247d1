"""The directory of a checkpoint: checks before a run may use it, and its training record (train_config.json)."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from bitext_bench.embedding.store import make_folder, write_atomic
from bitext_bench.errors import UserError

from ..config import TrainConfig

RECORD = "train_config.json"
DROPPED = "dropped_rows.tsv"
CHECKPOINTS = "checkpoints"  # intermediate checkpoints of an unfinished run
TENSORBOARD = "runs"  # TensorBoard's logs, below the checkpoints
PARTIAL = ".partial"  # the model while it is being written
FINISHED = "modules.json"  # written last: a directory without it is not a model


def check_folder(output: Path, config: TrainConfig, *, overwrite: bool, resume: bool) -> None:
    """Check that a run may use the directory, without changing it.

    Raises:
        UserError: the directory is not empty, and neither `overwrite` nor `resume` is set; `overwrite` would delete
            files that training did not write, or the student or teacher of this run; or the run to `resume` is
            finished, or has other settings.
    """
    if overwrite and resume:
        raise UserError("--overwrite and --resume exclude each other: pass one of them")
    begun = read_record(output)
    if not _holds_checkpoint(output):
        return
    if resume:
        _check_resumable(output, begun, config)
    elif overwrite and not begun:
        raise UserError(f"{output} has no {RECORD}, so it was not made by training: remove it yourself")
    elif overwrite:
        _check_not_read(output, config)
    elif not overwrite:
        raise UserError(
            f"{output} exists: pass --resume to continue it, --overwrite to replace it, or another --output"
        )


def prepare_folder(output: Path, record: dict[str, Any], *, overwrite: bool) -> None:
    """Create or empty the directory for a run that `check_folder` accepted, and write the run's first record.

    Raises:
        UserError: the run to resume used other data, or the directory cannot be created.
    """
    output = output.resolve()  # keep a symbolic link
    if overwrite and output.exists():
        shutil.rmtree(output)
    if _holds_checkpoint(output):
        before, now = read_record(output).get("sums", {}), record["sums"]
        if other := sorted(name for name in {**before, **now} if before.get(name) != now.get(name)):
            raise UserError(f"{output} was started with other {', '.join(other)}: restore them, or pass --overwrite")
    make_folder(output)
    shutil.rmtree(output / PARTIAL, ignore_errors=True)
    write_record(output, record)


def open_to_readers(folder: Path) -> None:
    """Give each file the default mode of the umask; safetensors creates files with 0600."""
    umask = os.umask(0o077)  # the umask can only be read by setting it
    os.umask(umask)
    for file in folder.rglob("*"):
        if file.is_file():
            file.chmod(0o666 & ~umask)


def _holds_checkpoint(output: Path) -> bool:
    """Return whether overwriting would lose anything; before its first checkpoint, a run writes only records."""
    return output.exists() and (not output.is_dir() or any(x.name not in (RECORD, DROPPED) for x in output.iterdir()))


def _check_not_read(output: Path, config: TrainConfig) -> None:
    """Refuse to empty a directory that contains the student or the teacher of the run."""
    for role, name in (("student", config.student), ("teacher", config.teacher or config.student)):
        model = Path(name).expanduser().resolve()
        if model.exists() and model.is_relative_to(output.resolve()):
            raise UserError(f"--overwrite would remove the {role} {name}: train to another --output")


def _check_resumable(output: Path, begun: dict[str, Any], config: TrainConfig) -> None:
    if not begun:
        raise UserError(f"{output} has no {RECORD}: there is no run to resume")
    if (output / FINISHED).exists():
        raise UserError(f"{output} is finished: run bitext-bench run --model {output}, or train to another --output")
    before, now = begun["config"], json.loads(json.dumps(config.to_dict()))
    if now["precision"] == "auto":  # compared in a second check, after it is resolved on this machine
        now["precision"] = before.get("precision")
    other = [
        f"{name} was {before.get(name)!r} and is {now.get(name)!r}"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]
    if other:
        raise UserError(f"{output} was started with other settings: {'; '.join(other)}; pass those, or --overwrite")


def read_record(output: Path) -> dict[str, Any]:
    """Read train_config.json; return {} if it does not exist.

    Raises:
        UserError: it cannot be read, or is not a JSON object with a config.
    """
    try:
        content = json.loads((output / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {output / RECORD}: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("config"), dict):
        raise UserError(f"{output / RECORD} is not the record of a training run")
    return content


def write_record(output: Path, record: dict[str, Any]) -> None:
    """Write train_config.json atomically."""
    write_atomic(output / RECORD, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
