"""Result files: MTEB's layout and key names, with the passport of every number.

<folder>/<org>__<model>/<revision>/<Task>.json            readable by mteb.results.TaskResult.from_disk
<folder>/<org>__<model>/<revision>/<Task>.outcomes.npz    per-sentence outcomes
<folder>/<org>__<model>/<revision>/experiments/<settings>/...   when settings differ from the model's own
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from . import __version__
from .encoders import Model
from .errors import UserError
from .languages import Language
from .store import make_folder, write_whole
from .tasks import SubsetScores

FORMAT = 1  # of the "bitext_bench" block; a reader refuses what it does not know

# Sentences that a run has to encode for its speed to say something of the model rather than of the sentences.
TIMED_SENTENCES = 5_000

Outcomes = dict[tuple[str, str], dict[str, NDArray[Any]]]  # (subset, direction) -> column -> values


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One model on one task, as it is on disk.

    Attributes:
        scores: split to one dictionary a subset: MTEB's keys (`main_score`, `hf_subset`, `languages`) and ours (the
            scores by name, `n`, `intervals`, `signature`, `details`).
        run: what this harness adds: model, settings, versions, and what is said of all subsets together.
    """

    task_name: str
    dataset_revision: str
    evaluation_time: float
    scores: dict[str, list[dict[str, Any]]]
    run: dict[str, Any]

    @property
    def subsets(self) -> list[dict[str, Any]]:
        """Return the subsets of the one split that a task reports."""
        return next(iter(self.scores.values()))

    def to_json(self) -> str:
        """Return the file's content, one subset a line; the same result always gives the same bytes."""
        splits = ",\n".join(
            f"  {_json(split)}: [\n" + ",\n".join(f"   {_json(entry)}" for entry in entries) + "\n  ]"
            for split, entries in self.scores.items()
        )
        head = {
            "task_name": self.task_name,
            "dataset_revision": self.dataset_revision,
            "mteb_version": None,  # mteb did not compute these numbers
            "evaluation_time": self.evaluation_time,
            "kg_co2_emissions": None,
        }
        lines = [f" {_json(key)}: {_json(value)}" for key, value in head.items()]
        lines.append(f' "scores": {{\n{splits}\n }}')
        run = ",\n".join(f"  {_json(key)}: {_json(value)}" for key, value in self.run.items())
        lines.append(f' "bitext_bench": {{\n{run}\n }}')
        return "{\n" + ",\n".join(lines) + "\n}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def signature(task_name: str, model: Model, prompt: str, scores: SubsetScores) -> str:
    """Return one line that names all that can change a number, after sacreBLEU's."""
    parts = scores.signature
    leaks = _leaks(model, scores.languages)
    fields = {
        "task": task_name,
        **{key: value for key, value in parts.items() if key != "data"},
        "prompt": json.dumps(prompt, ensure_ascii=False),
        "pool": model.pooling,
        "dtype": model.dtype,
        **({"backend": model.backend} if model.backend != "torch" else {}),
        "maxlen": str(model.max_length) if model.max_length else "model",
        "data": parts["data"],
        "model": f"sha256:{model.fingerprint[:12]}",
        **({"leaks": leaks} if leaks else {}),
        "bb": __version__,
    }
    return "|".join(f"{key}:{value.replace('|', '/')}" for key, value in fields.items())


def _leaks(model: Model, languages: Iterable[Language]) -> str:
    """Return what is known to be unclean about a model's scores in some languages; "" for nothing."""
    if model.leaked_rows:
        return f"{model.leaked_rows} training rows"
    unseen = model.audited is not None and not {str(language) for language in languages} <= set(model.audited)
    return "not looked for" if unseen else ""


def subset_entry(scores: SubsetScores, line: str) -> dict[str, Any]:
    """Return a subset as it stands in the file."""
    return {
        "hf_subset": scores.subset,
        "languages": scores.mteb_languages,
        "main_score": scores.scores[scores.main_score],
        **scores.scores,
        "n": scores.n,
        "intervals": {name: _finite(interval) for name, interval in scores.intervals.items()},
        "signature": line,
        **({"details": scores.details} if scores.details else {}),
    }


def _finite(interval: tuple[float, float]) -> list[float] | None:
    return None if np.isnan(interval[0]) else [interval[0], interval[1]]


def result_folder(root: Path, model: Model) -> Path:
    """Return where a model's results go; no name can lead out of the root, and no two names to one folder."""
    folder = root / _safe(model.name.replace("/", "__", 1)) / _safe(model.revision)
    if model.overrides:
        # No prompt is "none", and one that reads so is with a space, which _safe replaces by a hash.
        named = {"": "none", "none": "none "}
        slug = "__".join(f"{key}_{named.get(value, value)}" for key, value in model.overrides)
        folder = folder / "experiments" / _safe(slug)
    return folder


def _safe(name: str) -> str:
    """Return a name of letters, digits, `.`, `_` and `-` only; one that had to change gets a hash of the original."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[:100]
    if kept and kept == name:
        return name
    return f"{kept}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def replaced_subsets(folder: Path, result: TaskResult) -> list[str]:
    """Return the subsets that the file which a result is to replace has and the result does not."""
    try:
        before = read_result(folder / f"{result.task_name}.json")
    except UserError:
        return []  # not there, or nothing that could be lost
    now = {entry["hf_subset"] for entry in result.subsets}
    return [entry["hf_subset"] for entry in before.subsets if entry["hf_subset"] not in now]


def write_result(folder: Path, result: TaskResult, outcomes: Outcomes) -> Path:
    """Write a result and its outcomes, each whole or not at all; returns the JSON file.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    make_folder(folder)
    file = folder / f"{result.task_name}.json"
    write_whole(folder / f"{result.task_name}.outcomes.npz", _pack(outcomes))
    write_whole(file, result.to_json().encode())
    return file


def read_result(file: Path) -> TaskResult:
    """Read a result file of this harness.

    Raises:
        UserError: it cannot be read, is not JSON, comes from elsewhere (mteb), or from a newer version.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        run = content["bitext_bench"]
        known = run["format"] == FORMAT
        result = TaskResult(
            task_name=content["task_name"],
            dataset_revision=content["dataset_revision"],
            evaluation_time=content["evaluation_time"],
            scores=content["scores"],
            run=run,
        )
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{file} is not JSON: {error}; was it cut off? run the task again") from error
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{file} is not a result of bitext-bench (no {error}): expected a file that bitext-bench run wrote"
        ) from error
    if not known:
        raise UserError(
            f"{file} has format {run['format']} (bitext-bench {run.get('version', '?')}); this is version "
            f"{__version__} and reads format {FORMAT}: use the version that wrote it, or run the task again"
        )
    return result


def read_outcomes(file: Path, only: Collection[str] | None = None) -> Outcomes:
    """Read the outcomes that stand beside a result file (whose path is given), or `only` some of their columns.

    Raises:
        UserError: they are missing or damaged, or lack a column.
    """
    packed = file.with_suffix(".outcomes.npz")
    try:
        # Opened here, as numpy leaves a file open that turns out to be damaged.
        with packed.open("rb") as stream, np.load(stream, allow_pickle=False) as content:
            wanted = content.files if only is None else [*only, "blocks", "offsets"]
            columns = {name: content[name] for name in wanted}
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise UserError(f"cannot read the outcomes {packed}: {error}; run the task again") from error
    blocks = [tuple(name.split("\t")) for name in columns.pop("blocks").tolist()]
    offsets = columns.pop("offsets").tolist()
    return {
        (subset, direction): {name: column[offsets[i] : offsets[i + 1]] for name, column in columns.items()}
        for i, (subset, direction) in enumerate(blocks)
    }


def outcomes_of(subsets: Sequence[SubsetScores]) -> Outcomes:
    """Collect the outcomes of a task's subsets."""
    return {(s.subset, direction): columns for s in subsets for direction, columns in s.outcomes.items()}


def _pack(outcomes: Outcomes) -> bytes:
    """Pack all blocks into a few long columns: thousands of language pairs must not be thousands of members."""
    names: Iterable[str] = next(iter(outcomes.values()))
    lengths = [len(next(iter(columns.values()))) for columns in outcomes.values()]
    packed: dict[str, NDArray[Any]] = {
        name: np.concatenate([columns[name] for columns in outcomes.values()]) for name in names
    }
    packed["offsets"] = np.concatenate([[0], np.cumsum(lengths)])
    packed["blocks"] = np.array(["\t".join(block) for block in outcomes])
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **packed)
    return stream.getvalue()
