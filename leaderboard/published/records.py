"""Published scores as records, and their 95 % intervals."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import NamedTuple

from bitext_bench.scoring.intervals import Interval, spearman_interval_by_n, wilson_interval

# The versions of mteb that put "query: " before the sentences of these models in bitext mining and STS, and those that
# put nothing. The versions between the two were not checked.
_E5 = re.compile(r"intfloat/(multilingual-)?e5-(small|base|large)(-v2)?")
_E5_LAST_WITH_PROMPT, _E5_FIRST_WITHOUT = (1, 12, 75), (1, 16, 0)
MEAN_OF_TATOEBA = "AVG112"
LANGUAGES_OF_TATOEBA = 112
_SMALLEST_N = 104  # sentences of the smallest of these languages
NO_PROMPT, UNKNOWN_PROMPT = "no prompt", "the prompt is not recorded"
SELF_REPORTED = "external"  # MTEB's revision for scores that the authors of a model sent in
# Models without any credible score.
IMPOSSIBLE: Mapping[str, str] = {
    "google/gemini-embedding-2-preview": (
        "its bitext scores come from a sixteenth of the sentences: 107 of Tatoeba's 112 languages are perfect, and the "
        "others are multiples of 1 / 63, not of 1 / 1,000"
    )
}


class Measure(NamedTuple):
    """A score of a subset of a task, with the names of result files: Tatoeba, kor-eng, mteb_accuracy.

    The subset `AVG112` is the mean over the 112 languages of Tatoeba.
    """

    task: str
    subset: str
    metric: str


def least_score(measure: Measure) -> int:
    """Return the least possible value: 0 for a share or F1, -1 for a correlation."""
    return -1 if measure.metric == "cosine_spearman" else 0


@dataclass(frozen=True, slots=True)
class ResultFile:
    """The origin of a model's scores on one task.

    Attributes:
        revision: revision of the model; "external" for scores that its authors reported.
        version: version of mteb, or "unknown".
        source: the GitHub repository and commit, as `owner/name@commit`, or another name of the origin.
    """

    revision: str
    version: str
    source: str


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A model with its published scores, and what mteb's registry says about it.

    Attributes:
        name: mteb's name of the model, usually a hub id.
        parameters: number of parameters; None if unknown.
        dimensions: dimensions of the vectors; None if unknown.
        license: the license as in mteb; "" if unknown.
        released: date of the release, ISO 8601; "" if unknown.
        open_weights: False if the model is only a service; None if unknown.
        files: the origin of the scores, by task.
        scores: 0 to 1; correlations -1 to 1.
    """

    name: str
    parameters: int | None
    dimensions: int | None
    license: str
    released: str
    open_weights: bool | None
    files: Mapping[str, ResultFile]
    scores: Mapping[Measure, float]

    def path(self, task: str) -> str:
        """Return the path of the result file of a task in MTEB's repository of results."""
        return f"results/{self.name.replace('/', '__')}/{self.files[task].revision}/{task}.json"

    def prompt(self, task: str) -> str:
        """Return the prompt of the scores on a task, as far as it is known: mteb's version decides it for E5."""
        if _E5.fullmatch(self.name):
            version = tuple(int(part) for part in self.files[task].version.split(".") if part.isdigit())
            if () < version <= _E5_LAST_WITH_PROMPT:
                return 'prompt "query: "'
            if version >= _E5_FIRST_WITHOUT:
                return NO_PROMPT
        return UNKNOWN_PROMPT

    def updated(self, newer: PublishedModel) -> PublishedModel:
        """Return the model with the tasks and facts of a newer import; tasks that only this one has are kept."""
        kept = {measure: value for measure, value in self.scores.items() if measure.task not in newer.files}
        return replace(newer, files={**self.files, **newer.files}, scores={**kept, **newer.scores})


@dataclass(frozen=True, slots=True)
class Published:
    """All published scores.

    Attributes:
        models: by name.
        n: number of sentences or pairs, by task and subset; for a mean over languages, of all together.
    """

    models: Mapping[str, PublishedModel]
    n: Mapping[tuple[str, str], int]

    @property
    def measures(self) -> Set[Measure]:
        """All measures that a model has a score on."""
        return {measure for model in self.models.values() for measure in model.scores}

    def updated(self, newer: Published) -> Published:
        """Return these scores with those of a newer import in place of the same models' scores on the same tasks."""
        models = {
            name: self.models[name].updated(model) if name in self.models else model
            for name, model in newer.models.items()
        }
        return Published({**self.models, **models}, {**self.n, **newer.n})

    def interval(self, measure: Measure, value: float) -> Interval | None:
        """Return the 95 % interval that n implies; None if n is unknown.

        Shares have Wilson's interval. MTEB's F1 has it, too, although it is no share: its terms vary less than hits and
        misses, so the interval is at least as wide as the true one. So is that of the mean over Tatoeba's languages,
        which counts the sentences of the smallest language for each: the variance of a mean of K shares with mean m is
        at most m (1 - m) / (K min n).
        """
        n = self.n.get((measure.task, measure.subset))
        if n and measure.subset == MEAN_OF_TATOEBA:
            n = LANGUAGES_OF_TATOEBA * _SMALLEST_N
        if n is None:
            return None
        return spearman_interval_by_n(value, n) if measure.metric == "cosine_spearman" else wilson_interval(value, n)
