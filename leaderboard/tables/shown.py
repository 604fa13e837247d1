"""Which models with published scores are in the overview, and the reason for each that is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bitext_bench.baselines import BASELINES, Baseline

from .columns import ModelKey, OverviewColumn
from .scores import ScoreRow

# The encoders that every paper on bitext mining compares with.
ALWAYS = (
    "labse", "laser2", "paraphrase-multilingual-mpnet-base-v2", "muse",
    "multilingual-e5-small", "multilingual-e5-base", "multilingual-e5-large",
)  # fmt: skip
# The least size beyond each class, and its name; scores.js has the same classes.
SIZE_CLASSES = (
    (50_000_000, "under 50 M"),
    (150_000_000, "from 50 M to 150 M"),
    (400_000_000, "from 150 M to 400 M"),
    (1_000_000_000, "from 400 M to 1 B"),
)
_LARGER, _API = "of 1 B or more", "available only as a service"


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether a published model is in the overview, and why ("the best under 50 M") or why not."""

    shown: bool
    reason: str


def size_class(row: ScoreRow) -> str:
    """Return the size class of a model; "" if its size is unknown."""
    if row.open_weights is False:
        return _API
    if row.parameters is None:
        return ""
    return next((name for most, name in SIZE_CLASSES if row.parameters < most), _LARGER)


def choose_published(
    rows: Iterable[ScoreRow], column: OverviewColumn, measured: Collection[str], wanted: Collection[str] | None
) -> Mapping[ModelKey, Choice]:
    """Choose the published models of the overview: those in `ALWAYS`, and the best of each size class.

    Args:
        rows: the scores of all models.
        column: the column that decides.
        measured: registered names of the measured models, which need no published row.
        wanted: parts of names to show instead; None shows the usual choice.
    """
    models = {row.key: row for row in rows if row.kind == "published"}
    ids = {BASELINES[name].checkpoint.casefold(): name for name in ALWAYS}
    best: dict[str, ModelKey] = {}
    # Of equal models, a usual baseline is the best, else the first by name; `isBetter` in scores.js has the same rule.
    for key in sorted(
        models.keys() & column.values.keys(),
        key=lambda key: (-round(column.values[key], 10), key[0].casefold() not in ids, key[0].casefold()),
    ):
        best.setdefault(size_class(models[key]), key)

    def choice(key: ModelKey, row: ScoreRow) -> Choice:
        baseline, size = ids.get(row.model.casefold()), size_class(row)
        is_best = bool(size) and best.get(size) == key
        if wanted is not None:
            return Choice(any(part.casefold() in row.model.casefold() for part in wanted), "chosen by --models")
        if baseline in measured:
            return Choice(False, f"measured here as {baseline}")
        if baseline:
            return Choice(True, f"a usual baseline{f' and the best {size}' if is_best else ''}")
        if key not in column.values:
            return Choice(False, f"no published score for {column.heading}")
        if not size:
            return Choice(False, "its size is unknown")
        return Choice(is_best, f"the best {size}" if is_best else f"not the best {size}: that is {best[size][0]}")

    return {key: choice(key, row) for key, row in models.items()}


def missing_baselines(rows: Iterable[ScoreRow], measured: Collection[str]) -> list[Baseline]:
    """Return the encoders in `ALWAYS` that are neither measured nor have published scores on a common measure."""
    published = {row.model.casefold() for row in rows if row.kind == "published"}
    return [
        BASELINES[name]
        for name in ALWAYS
        if name not in measured and BASELINES[name].checkpoint.casefold() not in published
    ]
