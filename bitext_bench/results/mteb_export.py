"""`bitext-bench export-mteb`: convert results to mteb's format, for its ResultCache and its results repository."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..baselines import find_baseline
from ..embedding.store import check_writable, make_folder, write_atomic
from ..encoders import MTEB
from ..errors import UserError
from ..io.temporary import temporary_folder
from ..io.terminal import quiet_mteb, say
from .files import read_result
from .mteb_results import META
from .mteb_scores import convert
from .outcomes import read_outcomes
from .records import TaskResult
from .tables import group_by_reason

_RUNS = "run_settings.jsonl"
_FOLDER = re.compile(r"\w[\w.-]{0,99}")
_NAME = re.compile(r"[^/\x00]{1,99}/[^/\x00]{1,99}")  # becomes one folder, with __ for the slash
_COMMIT = re.compile("[0-9a-f]{40}")


def run_export(path: Path, output: Path) -> int:
    """Write mteb's files for all results that mteb has a task for, and list the others.

    Raises:
        UserError: there is nothing to export, or a file with other content exists already.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist: expected a result file, or a directory of them")
    check_writable(output)
    # Write everything to a temporary folder first, so that an error leaves no partial export.
    with temporary_folder() as workplace:
        exported = _Exported(workplace)
        for file in [path] if path.is_file() else sorted(path.rglob("*.json")):
            exported.add(file)
        new = sorted(file.relative_to(workplace) for file in workplace.rglob("*") if file.is_file())
        contents = {name: _content(workplace / name, output / name) for name in new}
    for name, revision in sorted(exported.models):
        if obstacle := _why_refused(name, revision):
            exported.notes.setdefault(obstacle, []).append(name)
    for line in group_by_reason(exported.left_out):
        say(f"left out: {line}")
    for line in group_by_reason(exported.notes):
        say(f"note: {line}")
    if not contents:
        raise UserError(f"no result in {path} can be exported: mteb has none of its tasks")
    for file, content in contents.items():
        make_folder((output / file).parent)
        write_atomic(output / file, content)
    n, models = sum(file.name not in (META, _RUNS) for file in contents), len(exported.models)
    say(f"{n:,} result files of {models:,} models in {output}: read them with mteb.ResultCache({str(output)!r})")
    return 0


@dataclass(frozen=True, slots=True)
class _Exported:
    """Exported files and the messages about them.

    Attributes:
        folder: folder of the exported files.
        models: (name, revision).
        left_out: reason -> files that were not exported.
        notes: note -> files or models that were exported.
    """

    folder: Path
    models: set[tuple[str, str]] = field(default_factory=set)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def add(self, file: Path) -> None:
        """Write one result with mteb's own cache."""
        try:
            result = read_result(file)
            import mteb  # takes seconds

            cache = mteb.ResultCache(self.folder)
            converted = convert(result, lambda: read_outcomes(file, result, ["neighbor"]))
            with quiet_mteb():
                meta = _meta(result)
            target = cache.get_task_result_path(result.task, meta)
            if target.exists():
                raise UserError(f"another file has {result.task} of the same model in the same settings")
        except UserError as error:
            reason = str(error)
            self.left_out.setdefault(reason.removeprefix(f"{file} "), []).append(str(file))
            return
        for said, lines in ((self.left_out, converted.left_out), (self.notes, converted.notes)):
            for line in lines:
                said.setdefault(line, []).append(str(file))
        runs = target.with_name(_RUNS)
        before = runs.read_text(encoding="utf-8") if runs.exists() else ""
        runs.unlink(missing_ok=True)
        with quiet_mteb():
            cache.save_to_cache(converted.result, meta)
        runs.write_text(before + _with_versions(runs.read_text(encoding="utf-8"), result), encoding="utf-8")
        self.models.add((str(meta.name), str(meta.revision)))


def _meta(result: TaskResult) -> Any:  # noqa: ANN401 (mteb's ModelMeta)
    """Return mteb's metadata of a model, or new metadata if mteb has none; settings become an experiment."""
    from mteb.models import ModelMeta

    model = result.model
    if not _NAME.fullmatch(model.name) or not _FOLDER.fullmatch(model.revision):
        raise UserError(f"mteb cannot store a model named {model.name!r} with revision {model.revision!r}")
    settings = result.chosen_settings
    if model.registered and model.prompt and not _prompted_by_mteb(model.registered):
        settings = {"prompt": model.prompt, **settings}  # from our registry; mteb's may differ
    known = _mteb_record(model.name)
    given = {"name": model.name, "revision": model.revision, "experiment_kwargs": settings or None}
    if known:
        return known.model_copy(update=given)
    sizes = {"n_parameters": model.parameters, "embed_dim": model.dimensions}
    return ModelMeta.create_empty({**given, **sizes, "max_tokens": model.max_length})


def _prompted_by_mteb(registered: str) -> bool:
    baseline = find_baseline(registered)
    return registered.startswith(MTEB) or (baseline is not None and baseline.loader == "mteb")


def _mteb_record(name: str) -> Any:  # noqa: ANN401
    """Return mteb's metadata of a model, or None."""
    import mteb

    try:
        return mteb.get_model_meta(name)
    except KeyError:
        return None


def _with_versions(lines: str, result: TaskResult) -> str:
    """Set the library versions in run_settings.jsonl to those of the result, except mteb's."""
    rows = [json.loads(line) for line in lines.splitlines()]
    for row in rows:
        row["version"] |= {name: result.libraries[name] for name in row["version"].keys() & result.libraries.keys()}
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def _content(new: Path, old: Path) -> bytes:
    """Return the content to write, given a file that may exist already.

    Raises:
        UserError: the existing file has different scores.
    """
    content = new.read_bytes()
    if not old.exists():
        return content
    before = old.read_bytes()
    if new.name == META:
        return before  # mteb's own file may have more fields
    if new.name == _RUNS:
        tasks = {json.loads(line)["task"] for line in content.splitlines()}
        kept = [line for line in before.splitlines() if line and json.loads(line)["task"] not in tasks]
        return b"".join(line + b"\n" for line in kept) + content
    if before != content:
        raise UserError(f"{old} exists already with other content: remove it, or choose another --output")
    return content


def _why_refused(name: str, revision: str) -> str:
    """Return the reason why mteb's results repository would reject a model; "" if none is known."""
    if not _mteb_record(name):
        return "mteb's results repository accepts only models in mteb's registry"
    if not _COMMIT.fullmatch(revision):
        return f"mteb's results repository accepts only full commits as revisions, not {revision}"
    return ""
