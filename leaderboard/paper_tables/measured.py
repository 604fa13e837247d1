"""Match results with the rows of a paper's table, by the training record, never by the model's name."""

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
        """The model's name, revision and prompt."""
        model = self.entries[0].result.model
        return ModelRef(model.name, model.revision, model.prompt)

    @property
    def settings(self) -> str:
        """User-chosen settings; "" for none."""
        return self.entries[0].settings

    @property
    def dtype(self) -> str:
        """The number format in which the model was scored."""
        return self.entries[0].result.model.dtype

    @property
    def contaminated_rows(self) -> int:
        """The number of contaminated rows in its training data."""
        return max(entry.result.model.contaminated_rows for entry in self.entries)

    @property
    def results(self) -> list[TaskResult]:
        """The model's results."""
        return [entry.result for entry in self.entries]


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """A measured row: one model, or several that differ only in the training seed.

    Attributes:
        alone: no other measured row belongs to the same row of the paper.
    """

    row: PaperRow
    models: tuple[ScoredModel, ...]
    alone: bool = True

    @property
    def student(self) -> ModelRef:
        """The student of the checkpoints; the model itself if it was not trained here."""
        first = self.models[0]
        return first.training.student if first.training else first.origin

    @property
    def seeds(self) -> list[int]:
        """The seeds of the checkpoints; empty for a model that was not trained here."""
        return [model.training.seed for model in self.models if model.training]


def find_rows(layout: PaperTable, entries: Iterable[Entry]) -> list[MeasuredRow]:
    """Return the measured rows in the paper's order; one row of the paper has several if settings differ."""
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
    """Return a row for each combination of student and teacher that the paper does not have."""
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
    """Group the checkpoints of a row by settings; seeds of the same settings form one row.

    If two checkpoints have the same settings and seed, they differ in something that is not recorded: then each
    checkpoint with these settings gets its own row.
    """
    groups: dict[tuple[str, str], list[ScoredModel]] = {}
    for model in models:
        if model.training and row.matches(model.training):
            groups.setdefault((model.training.shared, model.settings), []).append(model)
    found = []
    for _, own in sorted(groups.items()):
        together = MeasuredRow(row, tuple(sorted(own, key=_seed)))
        apart = len(set(together.seeds)) < len(own)
        found += [MeasuredRow(row, (model,)) for model in together.models] if apart else [together]
    return [replace(measured, alone=len(found) == 1) for measured in found]


def _seed(model: ScoredModel) -> int:
    return model.training.seed if model.training else 0


def _registered(model: ScoredModel) -> str:
    return str(model.entries[0].result.model.registered)


def _untrained(student: ModelRef, entries: Sequence[Entry]) -> list[ScoredModel]:
    """Return the results of the initial student, with its revision and prompt, in every dtype and other setting."""
    own = [
        entry
        for entry in entries
        if ScoredModel((entry,), None).origin == student and parse_training(entry.result.training) is None
    ]
    return _models(own)
