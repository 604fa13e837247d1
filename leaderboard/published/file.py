"""The file of published scores: one row for each model, one column for each score.

The package has such a file, and `import-mteb` writes one to the results folder. The second row has n. The column
`files` has the origin of the scores: for each result file the tasks, the model's revision, mteb's version and the
source, separated by spaces; files are separated by semicolons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import TypeVar

from bitext_bench.errors import UserError
from bitext_bench.io.terminal import printable
from bitext_bench.tasks import TASKS

from .records import Measure, Published, PublishedModel, ResultFile, least_score

T = TypeVar("T")

FILE = "published.tsv"
_FACTS = ("model", "parameters", "dimensions", "license", "released", "open_weights", "files")
_ABOUT = """\
# Scores that others published with MTEB, one row for each model. bitext-bench import-mteb writes this file.
# mteb_accuracy and mteb_f1 are MTEB's accuracy and f1: the nearest English sentence of each sentence, one direction.
# Prompts are not recorded. mteb up to 1.12.75 put "query: " before the sentences of the E5 models in bitext mining and
# STS, mteb from 1.16.0 on nothing; this moves Tatoeba by up to 6.6 points. "external": reported by the model's authors.
# A task has the scores of the revision in mteb's registry, or else of the newest version of mteb.
"""


def read_published(root: Path | None = None) -> Published:
    """Return the published scores of the package, updated with those imported into a results folder.

    Raises:
        UserError: the imported file is damaged.
    """
    file = root / FILE if root else None
    return _shipped().updated(read_file(file)) if file and file.is_file() else _shipped()


@cache
def _shipped() -> Published:
    return parse(resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8"))


def read_file(file: Path) -> Published:
    """Read a file of published scores.

    Raises:
        UserError: it is damaged.
    """
    try:
        return parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # UnicodeDecodeError is a ValueError
        raise UserError(f"cannot read {file}: {error}; import it again with bitext-bench import-mteb") from error


def parse(text: str) -> Published:
    """Return the content of a file.

    Raises:
        ValueError: it is damaged; the message names the line.
    """
    lines = [(number, line.split("\t")) for number, line in enumerate(text.split("\n"), 1) if line]
    rows = [(number, cells) for number, cells in lines if not cells[0].startswith("#")]
    if len(rows) < 2 or tuple(rows[0][1][: len(_FACTS)]) != _FACTS or rows[1][1][0] != "n":
        raise ValueError("expected a row of headings and a row with n")
    (first, head), (second, sizes), *others = rows
    measures = _at_line(first, lambda: _measures(head[len(_FACTS) :]))
    n = _at_line(second, lambda: _sizes(measures, sizes[len(_FACTS) :]))
    models: dict[str, PublishedModel] = {}
    for number, cells in others:
        model = _at_line(number, partial(_model, cells, measures))
        if model.name in models:
            raise ValueError(f"line {number}: {model.name} has two rows")
        models[model.name] = model
    return Published(models, n)


def _at_line(number: int, read: Callable[[], T]) -> T:
    try:
        return read()
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error


def _measures(headings: Sequence[str]) -> list[Measure]:
    measures = [_measure(heading) for heading in headings]
    if len(set(measures)) < len(measures):
        raise ValueError("two columns are the same")
    return measures


def _sizes(measures: Sequence[Measure], cells: Sequence[str]) -> dict[tuple[str, str], int]:
    counts = zip(measures, cells, strict=True)
    return {(measure.task, measure.subset): _count(cell) for measure, cell in counts if cell}


def _measure(heading: str) -> Measure:
    task, _, rest = heading.partition(" ")
    subset, _, metric = rest.rpartition(" ")
    if not (task and subset and metric):
        raise ValueError(f"{heading!r} is not a task, a subset and a score")
    return Measure(task, subset, metric)


def _count(cell: str) -> int:
    if not (cell.isascii() and cell.isdigit() and int(cell)):
        raise ValueError(f"{cell!r} is not a positive number")
    return int(cell)


def _model(cells: Sequence[str], measures: Sequence[Measure]) -> PublishedModel:
    if len(cells) != len(_FACTS) + len(measures):
        raise ValueError(f"{len(cells)} cells, expected {len(_FACTS) + len(measures)}")
    name, parameters, dimensions, license_, released, open_weights, origins = cells[: len(_FACTS)]
    scores = {m: _score(cell, m) for m, cell in zip(measures, cells[len(_FACTS) :], strict=True) if cell}
    files = dict(_files(origins))
    if lacking := {measure.task for measure in scores} - files.keys():
        raise ValueError(f"the origin of {min(lacking)} is missing")
    return PublishedModel(
        name=name,
        parameters=_count(parameters) if parameters else None,
        dimensions=_count(dimensions) if dimensions else None,
        license=license_,
        released=released,
        open_weights={"yes": True, "no": False}.get(open_weights),
        files=files,
        scores=scores,
    )


def _score(cell: str, measure: Measure) -> float:
    value, least = float(cell), least_score(measure)
    if not least <= value <= 1:
        raise ValueError(f"{cell} is not from {least} to 1")
    return value


def _files(origins: str) -> Iterator[tuple[str, ResultFile]]:
    for origin in filter(None, origins.split("; ")):
        if len(parts := origin.split(" ", 3)) != 4:
            raise ValueError(f"{origin!r} is not tasks, revision, version and source")
        tasks, *rest = parts
        yield from ((task, ResultFile(*rest)) for task in tasks.split(","))


def render(published: Published) -> str:
    """Return the content of the file; models are sorted by name, scores by task, subset and name."""
    order = {task: place for place, task in enumerate(TASKS)}
    found = {measure for model in published.models.values() for measure in model.scores}
    measures = sorted(found, key=lambda measure: (order.get(measure.task, len(order)), measure))
    sizes = [str(published.n.get((measure.task, measure.subset), "")) for measure in measures]
    rows = [[*_FACTS, *(" ".join(measure) for measure in measures)], ["n", *[""] * (len(_FACTS) - 1), *sizes]]
    rows += [_row(published.models[name], measures) for name in sorted(published.models, key=str.casefold)]
    return _ABOUT + "".join("\t".join(row) + "\n" for row in rows)


def _row(model: PublishedModel, measures: Sequence[Measure]) -> list[str]:
    origins: dict[ResultFile, list[str]] = {}
    for task in sorted({measure.task for measure in model.scores}):
        origins.setdefault(model.files[task], []).append(task)
    files = [
        " ".join([",".join(tasks), _word(file.revision), _word(file.version), plain(file.source).replace(";", ",")])
        for file, tasks in origins.items()
    ]
    facts = [str(model.parameters or ""), str(model.dimensions or ""), plain(model.license), plain(model.released)]
    open_weights = {True: "yes", False: "no", None: ""}[model.open_weights]
    scores = [_number(model.scores, measure) for measure in measures]
    return [plain(model.name), *facts, open_weights, "; ".join(files), *scores]


def _number(scores: Mapping[Measure, float], measure: Measure) -> str:
    return f"{round(scores[measure], 6):.10g}" if measure in scores else ""


def _word(text: str) -> str:
    return re.sub(r"[\s;]", "_", plain(text)) or "-"


def plain(text: str) -> str:
    """Return text for a cell: printable, on one line, with single spaces."""
    return printable(" ".join(text.split()))
