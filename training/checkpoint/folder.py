"""The directory of a checkpoint: its training record (train_config.json), its checksums (SHA256SUMS), and its lock.

One run at a time trains into a directory. The checksums are written last and checked before a run resumes.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import MISSING, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from bitext_bench.embedding.store import make_folder, write_atomic
from bitext_bench.errors import UserError
from bitext_bench.io.checksums import file_sha256
from bitext_bench.io.interrupts import STATUS
from bitext_bench.io.temporary import remove_at_end

from ..config import TrainConfig

RECORD = "train_config.json"
DROPPED = "dropped_rows.tsv"
CHECKPOINTS = "checkpoints"  # intermediate checkpoints of an unfinished run
TENSORBOARD = "runs"  # TensorBoard's logs, below the checkpoints
PARTIAL = ".partial"  # the model while it is being written
FINISHED = "modules.json"  # written last: a directory without it is not a model
# A resumed run may change these: its length, and how often it is evaluated.
RESUMABLE = ("max_steps", "epochs", "eval_steps")


def check_folder(output: Path, config: TrainConfig, *, overwrite: bool, resume: bool) -> None:
    """Check that a run may use the directory, without changing it.

    Raises:
        UserError: the directory is not empty, and neither `overwrite` nor `resume` is set; `overwrite` would delete
            files that training did not write, or the student or teacher of this run; or the run to `resume` is
            finished, or has other settings than those in `RESUMABLE`.
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
        begun = read_record(output)
        record = {**record, "changes": _changes(output, begun, json.loads(json.dumps(record["config"])))}
        before, now = begun.get("sums", {}), record["sums"]
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
        raise UserError(
            f"{output} is finished: run bitext-bench run --model {output}; to train it further, pass it as --model, "
            "with another --output"
        )
    before, now = begun["config"], json.loads(json.dumps(config.to_dict()))
    if now["precision"] == "auto":  # compared in a second check, after it is resolved on this machine
        now["precision"] = before.get("precision")
    other = [
        f"{name} was {was!r} and is {new!r}"
        for name, (was, new) in _differences(before, now).items()
        if name not in RESUMABLE
    ]
    if other:
        raise UserError(f"{output} was started with other settings: {'; '.join(other)}; pass those, or --overwrite")


def _differences(before: dict[str, Any], now: dict[str, Any]) -> dict[str, list[Any]]:
    """Return each setting that differs, with the old and the new value.

    A run that an earlier version began has the default of each setting that it lacks.
    """
    defaults = {field.name: field.default for field in fields(TrainConfig) if field.default is not MISSING}
    before = json.loads(json.dumps(defaults)) | before
    names = {**before, **now}
    return {name: [before.get(name), now.get(name)] for name in names if before.get(name) != now.get(name)}


def _changes(output: Path, begun: dict[str, Any], config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the settings that were changed when the run was resumed, now or before, each with the step of the change.

    Before the first checkpoint there is nothing to resume: the run starts with the new settings.
    """
    step, earlier = max(checkpoint_steps(output), default=0), list(begun.get("changes", []))
    before = begun.get("config", config)
    if earlier and earlier[-1]["step"] == step:  # no step was taken with the last changes
        before = before | {name: was for name, (was, _) in _without_step(earlier.pop()).items()}
    changed = _differences(before, config) if step else {}
    return [*earlier, *([{"step": step, **changed}] if changed else [])]


def _without_step(change: dict[str, Any]) -> dict[str, Any]:
    return {name: both for name, both in change.items() if name != "step"}


def checkpoint_steps(output: Path) -> dict[int, Path]:
    """Return the intermediate checkpoints of a run by their step."""
    steps = {}
    for folder in (output / CHECKPOINTS).glob("checkpoint-*"):
        number = folder.name.rpartition("-")[2]
        if number.isdecimal() and folder.is_dir():
            steps[int(number)] = folder
    return steps


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


SUMS = "SHA256SUMS"


def write_checksums(folder: Path) -> None:
    """Write the checksums of all files in a finished directory; `sha256sum -c SHA256SUMS` can check them.

    Raises:
        UserError: the file cannot be written.
        OSError: a file cannot be read.
    """
    lines = [f"{file_sha256(file)}  {name}\n" for name, file in _files(folder).items()]
    write_atomic(folder / SUMS, "".join(lines).encode())


def find_damage(folder: Path) -> str:
    """Return the first damage found in a directory, like "optimizer.pt has changed"; "" if it is intact.

    A directory without checksums was not saved completely. Hidden files are ignored.
    """
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return f"no {SUMS}: it was not saved completely"
    except OSError as error:
        return f"{SUMS} cannot be read: {error.strerror}"
    stored = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    files = _files(folder)
    for name in [*stored, *files]:
        if name not in files:
            return f"{name[:80]!r} is missing"
        try:
            if file_sha256(files[name]) != stored.get(name):
                return f"{name} has changed" if name in stored else f"{name} is not in {SUMS}"
        except OSError as error:
            return f"{name} cannot be read: {error.strerror}"
    return ""


def _files(folder: Path) -> dict[str, Path]:
    """Return the files below a directory by relative name, without hidden files and the checksums."""
    found = (file for file in sorted(folder.rglob("*")) if file.is_file())
    named = {file.relative_to(folder).as_posix(): file for file in found}
    return {name: file for name, file in named.items() if name != SUMS and not file.name.startswith(".")}


@contextmanager
def lock_folder(output: Path) -> Iterator[None]:
    """Lock a directory, which need not exist, with a lock file next to it. The lock of a killed process is released.

    Raises:
        UserError: another process has the lock (with its id, machine and start time), or the file cannot be written.
    """
    from filelock import FileLock, Timeout

    output = Path(os.path.abspath(output.expanduser()))
    had_parent = output.parent.exists()
    make_folder(output.parent)
    file = output.with_name(f".{output.name}.lock")
    holder = output.with_name(f".{output.name}.holder")
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
        if not file.exists():  # The previous holder has just ended and removed the file.
            lock.release()
            lock.acquire(timeout=0)
    except Timeout as error:
        if not file.exists():  # filelock also raises Timeout if it cannot create the file.
            raise UserError(f"cannot write in {output.parent}: pass another --output") from error
        raise UserError(
            f"{output} is in use by another training run{_describe_holder(holder)}: wait for its end, stop it, or "
            "pass another --output"
        ) from error
    except OSError as error:
        raise UserError(f"cannot write in {output.parent}: {error.strerror}") from error
    try:
        with remove_at_end(file), remove_at_end(holder):
            holder.write_text(json.dumps(_this_process()) + "\n", encoding="utf-8")
            yield
    finally:
        lock.release()
        if not had_parent:
            with suppress(OSError):  # raised unless it is empty
                output.parent.rmdir()


def _this_process() -> dict[str, str | int]:
    now = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return {"process": STATUS.process, "machine": socket.gethostname(), "since": now}


def _describe_holder(holder: Path) -> str:
    """Describe the holder of a lock; return "" if it has not written its description yet."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(holder.read_text(encoding="utf-8"))
        return f" (process {said['process']} on {said['machine']}, since {said['since']})"
    return ""
