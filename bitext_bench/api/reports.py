"""The scores of a model: `report["Tatoeba"]["jpn-eng"].accuracy`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError, list_some
from ..results.filing import file_result
from ..results.records import Outcomes, SubsetResult, TaskResult
from ..results.tables import paragraphs, render_averages, render_scores
from .paths import as_path
from .score import Score
from .subsets import find_subset

if TYPE_CHECKING:
    from pandas import DataFrame

_LOWER_IS_BETTER = ("xsim", "hub_skewness", "antihubs", "robin_hood")


class SubsetReport(Mapping[str, Score]):
    """The scores of one subset (usually a language pair), by name or as attributes."""

    def __init__(self, subset: SubsetResult, main_score: str) -> None:
        self._subset, self.main_score = subset, main_score

    def __getitem__(self, name: str) -> Score:
        """Return a score by name; KeyError lists the names."""
        if name not in self._subset.scores:
            raise KeyError(f"{self._subset.subset} has no score {name!r}: it has {', '.join(self._subset.scores)}")
        low, high = self._subset.intervals.get(name) or (None, None)
        return Score(
            name,
            self._subset.scores[name],
            low,
            high,
            self._subset.n,
            name.startswith(_LOWER_IS_BETTER),
            self._subset.signature,
        )

    def __getattr__(self, name: str) -> Score:
        """Return a score by name."""
        if name.startswith("_") or name not in self._subset.scores:
            raise AttributeError(f"{type(self).__name__} has no score {name!r}")
        return self[name]

    def __dir__(self) -> list[str]:
        """Return the attributes of the class and the names of the scores."""
        return sorted({*super().__dir__(), *self._subset.scores})

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the scores."""
        return iter(self._subset.scores)

    def __len__(self) -> int:
        """Return the number of scores."""
        return len(self._subset.scores)

    def __repr__(self) -> str:
        """Return the subset and its main score."""
        return f"<{self._subset.subset}: {self.main_score} {self[self.main_score]}>"


class TaskReport(Mapping[str, SubsetReport]):
    """The scores of one task: a `SubsetReport` for each subset.

    Attributes:
        result: the content of the result file.
    """

    def __init__(self, result: TaskResult) -> None:
        self.result = result
        self._subsets = {subset.subset: SubsetReport(subset, result.main_score) for subset in result.subsets}

    @property
    def mean(self) -> Score | None:
        """The mean of the main score over all subsets, with its interval if it has one; None without a mean.

        `details` has the number of subsets that have a score. `n` is the size of each subset, or 0 if they differ.
        """
        mean, sizes = self.result.mean, {subset.n for subset in self.result.subsets}
        if mean is None:
            return None
        low, high = mean.interval or (None, None)
        n = min(sizes) if len(sizes) == 1 else 0
        details = {"subsets": mean.subsets}
        return Score(self.result.main_score, mean.mean, low, high, n, self.result.lower_is_better, details=details)

    def __getitem__(self, name: str) -> SubsetReport:
        """Return a subset by name, or by its languages in any spelling and order; KeyError lists the names.

        "jpn-eng" is also found as "ja-en" and "en-ja". If both directions exist, the order counts.
        """
        found = name if name in self._subsets else find_subset(name, self.result.subsets)
        if found is None:
            raise KeyError(f"{self.result.label} has no subset {name!r}: it has {list_some(list(self), 8)}")
        return self._subsets[found]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the subsets."""
        return iter(self._subsets)

    def __len__(self) -> int:
        """Return the number of subsets."""
        return len(self._subsets)

    def __str__(self) -> str:
        """Return the table that `bitext-bench run` prints for the task."""
        return render_scores([self.result])

    def __repr__(self) -> str:
        """Return the table, as `print` does."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        return render_scores([self.result], "html")


@dataclass(frozen=True, repr=False)
class Report(Mapping[str, TaskReport]):
    """The scores of one model: a `TaskReport` for each task.

    Attributes:
        results: one for each task, or several if the task was scored on different data.
        files: the path of each result: the file it was read from, or a path relative to a results folder.
        outcomes: per-sentence outcomes of each result; None for results read from files.
        left_out: one line for each task or language that is missing from the data.
    """

    results: Sequence[TaskResult]
    files: Sequence[Path]
    outcomes: Sequence[Outcomes | None]
    left_out: Sequence[str] = field(default_factory=tuple)

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.results[0].model.name

    def __hash__(self) -> int:
        """Return a hash, which is the same for equal reports."""
        return hash((self.name, *self))

    def __getitem__(self, name: str) -> TaskReport:
        """Return a task by name, ignoring case; KeyError lists the names."""
        for names in ([result.label for result in self.results], [result.task for result in self.results]):
            folded = name.casefold() if isinstance(name, str) else name
            found = [r for r, own in zip(self.results, names, strict=True) if own.casefold() == folded]
            if len(found) == 1:
                return TaskReport(found[0])
            if found:
                raise KeyError(f"{name} was scored on several data sets: {', '.join(self)}")
        raise KeyError(f"{self.name} has no task {name!r}: it has {', '.join(self)}")

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the tasks."""
        return (result.label for result in self.results)

    def __len__(self) -> int:
        """Return the number of tasks."""
        return len(self.results)

    def __str__(self) -> str:
        """Return the table that `bitext-bench run` prints."""
        return f"{render_scores(self.results)}\n\n{render_averages(self.results)}".rstrip()

    def __repr__(self) -> str:
        """Return the table, as `print` does."""
        return str(self)

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        return render_scores(self.results, "html") + paragraphs(render_averages(self.results))

    def to_pandas(self) -> DataFrame:
        """Return a long frame with one row for each score of each subset.

        Columns: model, task, subset, score, value, ci_low, ci_high, n, lower_is_better, signature. Values are
        fractions in [0, 1] or correlations in [-1, 1]; thresholds and hub_skewness can be any number.
        """
        from pandas import DataFrame

        rows = [
            {
                "model": self.name,
                "task": task,
                "subset": subset,
                "score": score.name,
                "value": score.value,
                "ci_low": score.low,
                "ci_high": score.high,
                "n": score.n,
                "lower_is_better": score.lower_is_better,
                "signature": score.signature,
            }
            for task, result in zip(self, self.results, strict=True)
            for subset, scores in TaskReport(result).items()
            for score in scores.values()
        ]
        return DataFrame(rows)

    def save(self, folder: str | Path) -> list[Path]:
        """Write result files below a folder, as `bitext-bench run` does, and return their paths.

        Existing results on other data or of other subsets are kept.

        Raises:
            UserError: the folder cannot be written, or these results were read from files.
        """
        root, written = as_path("folder", folder), []
        for result, file, outcomes in zip(self.results, self.files, self.outcomes, strict=True):
            if outcomes is None:
                raise UserError(f"{self.name} was read from files: copy {file.parent} instead")
            written.append(file_result(root / file.parent, result, outcomes))
        return written
