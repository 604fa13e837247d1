"""Which results belong to which row of a paper's table: by what they say of their model, never by its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bitext_bench.results.records import TaskResult

from ..entries.read import Entry
from ..entries.training_runs import ModelRef, Training, parse_training
from .tables import PaperRow, PaperTable


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """One model in one setting, and its results.

    Attributes:
        training: how it was made; None for a model that was not trained here.
    """

    entries: tuple[Entry, ...]
    training: Training | None

    @property
    def origin(self) -> ModelRef:
        """Its name, revision and prompt."""
        model = self.entries[0].result.model
        return ModelRef(model.name, model.revision, model.prompt)

    @property
    def settings(self) -> str:
        """What it was scored with that is not its own; "" for nothing."""
        return self.entries[0].settings

    @property
    def dtype(self) -> str:
        """What it was scored in."""
        return self.entries[0].result.model.dtype

    @property
    def contaminated_rows(self) -> int:
        """How many rows of benchmarks it was trained on."""
        return max(entry.result.model.contaminated_rows for entry in self.entries)

    @property
    def results(self) -> list[TaskResult]:
        """Its result files."""
        return [entry.result for entry in self.entries]


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """A measured row: one model, or several that differ in the seed of their training only.

    Attributes:
        alone: no other measured row belongs to the same row of the paper.
    """

    row: PaperRow
    models: tuple[ScoredModel, ...]
    alone: bool = True

    @property
    def student(self) -> ModelRef:
        """What its checkpoints began as; the model itself where it was not trained here."""
        first = self.models[0]
        return first.training.student if first.training else first.origin

    @property
    def seeds(self) -> list[int]:
        """The seeds of its checkpoints; none of a model that was not trained here."""
        return [model.training.seed for model in self.models if model.training]


def find_rows(layout: PaperTable, entries: Iterable[Entry]) -> list[MeasuredRow]:
    """Return the measured rows, in the order of the paper's; several for one row where settings differ."""
    entries = list(entries)
    models = _models(entries)
    rows = (*layout.rows, *_rows_of_other_models(layout, models))
    checkpoints = {row: _by_settings(row, models) for row in rows}
    found = []
    for row in rows:
        if row.objective:
            found += checkpoints[row]
        elif row.registered:
            named = [model for model in models if not model.training and _registered(model) == row.registered]
            found += [MeasuredRow(row, (model,)) for model in named]
        else:
            begun = [m.student for other in rows if other.group == row.group for m in checkpoints[other]]
            found += [
                MeasuredRow(row, (model,)) for student in dict.fromkeys(begun) for model in _untrained(student, entries)
            ]
    return found


def _rows_of_other_models(layout: PaperTable, models: Iterable[ScoredModel]) -> list[PaperRow]:
    """Return a row for each student and teacher of a table of models that no row of the paper has."""
    if not layout.of_models:
        return []
    trainings = [model.training for model in models if model.training]
    rows: list[PaperRow] = []
    for group in layout.groups:
        for said in trainings:
            names = (said.student.short, said.teacher.short)
            row = PaperRow(group, names, layout.of_models, frozenset({group}), *(name.casefold() for name in names))
            if row.matches(said) and not any(other.matches(said) for other in (*layout.rows, *rows)):
                rows.append(row)
    return sorted(rows, key=lambda row: (layout.groups.index(row.group), row.labels))


def _models(entries: Iterable[Entry]) -> list[ScoredModel]:
    models: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        models.setdefault(entry.model, []).append(entry)
    return [
        ScoredModel(tuple(own), next((said for entry in own if (said := parse_training(entry.result.training))), None))
        for _, own in sorted(models.items())
    ]


def _by_settings(row: PaperRow, models: Iterable[ScoredModel]) -> list[MeasuredRow]:
    """Return the checkpoints of a row, those of several seeds together.

    Two of one seed differ in something that is not on record, so that neither stands for that seed: then each of
    these settings' checkpoints is a row of its own.
    """
    alike: dict[tuple[str, str], list[ScoredModel]] = {}
    for model in models:
        if model.training and row.matches(model.training):
            alike.setdefault((model.training.shared, model.settings), []).append(model)
    found = []
    for _, own in sorted(alike.items()):
        together = MeasuredRow(row, tuple(sorted(own, key=_seed)))
        apart = len(set(together.seeds)) < len(own)
        found += [MeasuredRow(row, (model,)) for model in together.models] if apart else [together]
    return [replace(measured, alone=len(found) == 1) for measured in found]


def _seed(model: ScoredModel) -> int:
    return model.training.seed if model.training else 0


def _registered(model: ScoredModel) -> str:
    return str(model.entries[0].result.model.registered)


def _untrained(student: ModelRef, entries: Sequence[Entry]) -> list[ScoredModel]:
    """Return the results of an untrained model at this revision with this prompt, whatever else its settings are."""
    own = [
        entry
        for entry in entries
        if ScoredModel((entry,), None).origin == student and parse_training(entry.result.training) is None
    ]
    return _models(own)
