"""The folder of a checkpoint: who may write into it, and the record of how it was made (train_config.json)."""

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
CHECKPOINTS = "checkpoints"  # of a run that is not finished
TENSORBOARD = "runs"  # where the trainer logs for it, below the checkpoints
PARTIAL = ".partial"  # where a finished model is put together
FINISHED = "modules.json"  # without which it is no model; it is put there last


def check_folder(output: Path, config: TrainConfig, *, overwrite: bool, resume: bool) -> None:
    """Find out whether a run may use the folder, and change nothing.

    Raises:
        UserError: it holds something and neither `overwrite` nor `resume` was asked for; what is to be overwritten
            was not made by training, or is what the run begins from; what is to be resumed is finished, or was
            begun with other settings.
    """
    if overwrite and resume:
        raise UserError("--overwrite and --resume exclude each other: begin anew, or go on")
    begun = read_record(output)
    if not _holds_checkpoint(output):
        return
    if resume:
        _check_resumable(output, begun, config)
    elif overwrite and not begun:
        raise UserError(f"{output} holds no {RECORD} and was not made by training: remove it yourself")
    elif overwrite:
        _check_not_read(output, config)
    elif not overwrite:
        raise UserError(
            f"{output} exists: pass --resume to go on with it, --overwrite to begin anew, or another --output"
        )


def prepare_folder(output: Path, record: dict[str, Any], *, overwrite: bool) -> None:
    """Make the folder ready for a run that `refuse` let pass: emptied to overwrite it, with its record to begin with.

    Raises:
        UserError: a run that is to be resumed was begun with other data, or the folder cannot be made.
    """
    output = output.resolve()  # a link stays one
    if overwrite and output.exists():
        shutil.rmtree(output)
    if _holds_checkpoint(output):
        before, now = read_record(output).get("sums", {}), record["sums"]
        if other := sorted(name for name in {**before, **now} if before.get(name) != now.get(name)):
            raise UserError(f"{output} was begun with other {', '.join(other)}: bring them back, or --overwrite")
    make_folder(output)
    shutil.rmtree(output / PARTIAL, ignore_errors=True)
    write_record(output, record)


def open_to_readers(folder: Path) -> None:
    """Give each file the mode that the umask gives to new ones; safetensors writes its own as 0600."""
    umask = os.umask(0o077)  # the only way to read it is to set it
    os.umask(umask)
    for file in folder.rglob("*"):
        if file.is_file():
            file.chmod(0o666 & ~umask)


def _holds_checkpoint(output: Path) -> bool:
    """Say whether there is something to lose; a run that ended before its first checkpoint has left nothing."""
    return output.exists() and (not output.is_dir() or any(x.name not in (RECORD, DROPPED) for x in output.iterdir()))


def _check_not_read(output: Path, config: TrainConfig) -> None:
    """Refuse to empty a folder that the run is to read its student or its teacher from."""
    for role, name in (("student", config.student), ("teacher", config.teacher or config.student)):
        model = Path(name).expanduser().resolve()
        if model.exists() and model.is_relative_to(output.resolve()):
            raise UserError(f"--overwrite would remove the {role} {name}: train to another --output")


def _check_resumable(output: Path, begun: dict[str, Any], config: TrainConfig) -> None:
    if not begun:
        raise UserError(f"{output} holds no {RECORD}: there is no run to go on with")
    if (output / FINISHED).exists():
        raise UserError(f"{output} is finished: run bitext-bench run --model {output}, or train to another --output")
    before, now = begun["config"], json.loads(json.dumps(config.to_dict()))
    if now["precision"] == "auto":  # which is compared again when it is known what that is on this machine
        now["precision"] = before.get("precision")
    other = [
        f"{name} was {before.get(name)!r} and is {now.get(name)!r}"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]
    if other:
        raise UserError(f"{output} was begun with other settings: {'; '.join(other)}; pass those, or --overwrite")


def read_record(output: Path) -> dict[str, Any]:
    """Return what train_config.json says, {} where there is none.

    Raises:
        UserError: it is no JSON object with a config.
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
    """Write train_config.json, whole."""
    write_atomic(output / RECORD, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
