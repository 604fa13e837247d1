"""`bitext-bench import-mteb`: import mteb's result files as published scores, never as measured ones."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from bitext_bench.embedding.store import check_writable, make_folder, write_atomic
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import say
from bitext_bench.results.mteb_results import META, MtebResult, read_meta, read_mteb_result, reported_split, task_kind
from bitext_bench.results.tables import group_by_reason
from bitext_bench.tasks import TASKS

from .choose import Candidate, Facts, choose
from .file import FILE, plain, read_file, render
from .records import LANGUAGES_OF_TATOEBA, MEAN_OF_TATOEBA, Measure, Published, ResultFile, least_score

# mteb's scores -> our names. Classification has accuracy and F1 too; for a task that the installed mteb does not know,
# they are imported only if the file also has precision and recall.
_BITEXT = {"accuracy": "mteb_accuracy", "f1": "mteb_f1"}
_STS = {"cosine_spearman": "cosine_spearman"}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST_NAMED = 5
_REPOSITORY = "embeddings-benchmark/results"


@dataclass(slots=True)
class _Collected:
    """The scores found so far, and the reasons for those left out.

    Attributes:
        source: as in `ResultFile`.
        by_name: whether files are named after their tasks, so that those of other tasks need not be read.
        left_out: files by reason.
    """

    source: str
    by_name: bool
    found: list[Candidate] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def add(self, file: Path) -> None:
        if self.by_name and file.stem not in TASKS and task_kind(file.stem):  # most files of a checkout
            self._leave(f"scores of {file.stem} are not imported", file)
            return
        try:
            result = read_mteb_result(file)
        except UserError as error:
            self.unread.append(str(error))
            return
        if result.task not in TASKS:
            self._leave(f"scores of {plain(result.task)} are not imported", file)
            return
        split = reported_split(result.task)
        for other in sorted(result.scores.keys() - {split}):
            self._leave(f"the split {plain(other)} of {result.task}: MTEB reports {split}", file)
        scores = dict(self._scores(result, split, file))
        self._say_without(result, split, file)
        if scores:
            origin = ResultFile(result.revision, result.version, self.source)
            self.found.append(
                Candidate(
                    model=plain(result.model),
                    task=result.task,
                    file=origin,
                    scores={**scores, **_mean(scores)},
                    date=result.date,
                    path=str(file),
                    facts=_facts(file),
                )
            )

    def _say_without(self, result: MtebResult, split: str, file: Path) -> None:
        """Report the subsets in which none of our scores is given."""
        given = {measure.subset for measure, _ in _rows(result, split)}
        for subset in sorted({plain(name) for name in result.scores.get(split, {})} - given):
            wanted = " or ".join(_STS if result.kind == "STS" else _BITEXT)
            self._leave(f"{result.task} {subset}: it has no {wanted}", file)
        if not result.scores:
            self._leave(f"{result.task}: it has no scores", file)

    def _scores(self, result: MtebResult, split: str, file: Path) -> Iterator[tuple[Measure, float]]:
        for measure, value in _rows(result, split):
            least = least_score(measure)
            if math.isfinite(value) and least <= value <= 1:
                yield measure, value
            else:
                said = f"{measure.task} {measure.subset}: {measure.metric} is {value}, not from {least} to 1"
                self._leave(said, file)

    def _leave(self, reason: str, file: Path) -> None:
        self.left_out.setdefault(reason, []).append(str(file))


def run_import(path: Path, results: Path) -> int:
    """Write the scores in mteb's files to published.tsv in the results folder, one row for each model.

    If several files have the same model and task, the one of the revision in mteb's registry is used, or else that of
    the newest version of mteb. New scores replace those of an earlier import of the same model and task. Every score
    that is left out is reported.

    Args:
        path: a result file of mteb, or a directory of them, such as a checkout of MTEB's results.
        results: the folder of our results.

    Raises:
        UserError: the path does not exist, or has no scores by mteb.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist: expected a result file of mteb, or a directory of them")
    check_writable(results)
    files = [path] if path.is_file() else sorted(path.rglob("*.json"))
    collected = _Collected(_source(path), any(file.stem in TASKS for file in files))
    for file in files:
        if file.name != META and file.is_file():
            collected.add(file)
    choice = choose(collected.found)
    for line in (*collected.unread, *group_by_reason({**collected.left_out, **choice.left_out})):
        say(f"left out: {line}")
    if not choice.published.models:
        raise UserError(
            f"{path} has no bitext mining or STS score by mteb: expected <org>__<model>/<revision>/<Task>.json"
        )
    _write(choice.published, results / FILE)
    return 0


def _write(new: Published, output: Path) -> None:
    before = read_file(output) if output.is_file() else Published({}, {})
    merged = before.updated(new)
    if changed := sum(
        merged.models[name].scores.get(measure) != value
        for name, model in before.models.items()
        for measure, value in model.scores.items()
    ):
        say(f"replaced scores of an earlier import: {changed:,}")
    make_folder(output.parent)
    write_atomic(output, render(merged).encode())
    count = sum(len(model.scores) for model in new.models.values())
    models = sorted(new.models)
    named = ", ".join(models[:_MOST_NAMED]) + (", …" if len(models) > _MOST_NAMED else "")
    say(f"wrote {count:,} published scores of {len(models):,} models to {output}: {named}")


def _rows(result: MtebResult, split: str) -> Iterator[tuple[Measure, float]]:
    for subset, scores in result.scores.get(split, {}).items():
        bitext = result.kind == "BitextMining" or (not result.kind and {"precision", "recall"} <= scores.keys())
        names = {**_STS, **(_BITEXT if bitext else {})}
        for theirs, ours in names.items():
            value = scores.get(theirs)
            if isinstance(value, float | int):
                yield Measure(result.task, plain(subset), ours), round(float(value), 6)


def _facts(file: Path) -> Facts:
    """Return what the model_meta.json of a result file says; a value of an unexpected type counts as unknown."""
    said = read_meta(file)
    dimensions = said.get("embed_dim")
    lengths = dimensions if isinstance(dimensions, list) else [dimensions]
    license_, released, open_weights = (said.get(name) for name in ("license", "release_date", "open_weights"))
    return Facts(
        parameters=_count(said.get("n_parameters")),
        dimensions=max(filter(None, map(_count, lengths)), default=None),
        license=plain(license_) if isinstance(license_, str) else "",
        released=released if isinstance(released, str) and _DATE.fullmatch(released) else "",
        open_weights=open_weights if isinstance(open_weights, bool) else None,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**15 else None


def _mean(scores: Mapping[Measure, float]) -> dict[Measure, float]:
    """Return the means over Tatoeba's languages if all of them are there."""
    means = {}
    for metric in _BITEXT.values():
        values = [value for measure, value in scores.items() if (measure.task, measure.metric) == ("Tatoeba", metric)]
        if len(values) == LANGUAGES_OF_TATOEBA:
            means[Measure("Tatoeba", MEAN_OF_TATOEBA, metric)] = round(fmean(values), 6)
    return means


def _source(path: Path) -> str:
    """Return the repository and commit of a checkout of MTEB's results; "mteb" for other files."""
    for folder in (path.resolve(), *path.resolve().parents):
        if (folder / ".git" / "HEAD").is_file():
            commit = _commit(folder / ".git")
            return f"{_REPOSITORY}@{commit[:8]}" if commit else "mteb"
    return "mteb"


def _commit(git: Path) -> str:
    """Return the commit of a checkout of MTEB's results; "" for another repository."""
    try:
        if _REPOSITORY not in (git / "config").read_text(encoding="utf-8"):
            return ""
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        branch = head.removeprefix("ref: ")
        if branch != head:
            packed = (git / "packed-refs").read_text(encoding="utf-8") if (git / "packed-refs").is_file() else ""
            listed = re.search(rf"^([0-9a-f]{{40}}) {re.escape(branch)}$", packed, re.MULTILINE)
            file = git / branch
            head = file.read_text(encoding="utf-8").strip() if file.is_file() else listed[1] if listed else ""
    except (OSError, UnicodeDecodeError):
        return ""
    return head if re.fullmatch("[0-9a-f]{40}", head) else ""
