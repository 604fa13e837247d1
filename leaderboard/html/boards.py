"""Data of the main chart: scores of measured and published models on common measures, by benchmark and language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bitext_bench.baselines import BASELINES
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import printable
from bitext_bench.languages import resolve

from ..published.records import MEAN_OF_TATOEBA, Measure
from ..tables.columns import USUAL_STS, ModelKey
from ..tables.published import source_label
from ..tables.scores import ScoreRow, common_prompt
from ..tables.shown import ALWAYS

_FINDS = "Which model finds translations best?"
_RATES = "Which model rates similarity best?"
MEAN = "mean"  # the page's code for the mean of all languages of Tatoeba


@dataclass(frozen=True, slots=True)
class _Board:
    """A benchmark of the chart; its score is the mean over the reader's languages.

    Attributes:
        score: the score, for a mean of several languages.
        single: the score in one language, with {} for its name.
    """

    key: str
    title: str
    question: str
    score: str
    single: str
    axis: str
    measures: Sequence[Measure]


def chart_content(rows: Iterable[ScoreRow]) -> dict[str, Any] | None:
    """Return the models and boards of the chart; None if there are no scores on a common measure.

    Scores are in percent with eight decimals, so that means agree with the other outputs; ends of
    intervals have four.
    """
    rows = list(rows)
    models: dict[ModelKey, ScoreRow] = {}
    for row in sorted(rows, key=lambda row: row.parameters is None):
        models.setdefault(row.key, row)
    index = {key: i for i, key in enumerate(models)}
    boards = [_content(board, rows, index) for board in _boards(rows)]
    if not boards:
        return None
    usual = {BASELINES[name].checkpoint.casefold() for name in ALWAYS}
    return {"models": [_model(row, usual) for row in models.values()], "boards": boards}


def _boards(rows: Sequence[ScoreRow]) -> list[_Board]:
    found = dict.fromkeys(row.measure for row in rows)
    boards = []
    for key, task in (("tatoeba", "Tatoeba"), ("bucc", "BUCC.v2")):
        own = [m for m in found if (m.task, m.metric) == (task, "mteb_accuracy")]
        score = f"{task} accuracy"
        boards.append(
            _Board(key, task, _FINDS, f"{score} into English", f"{score}, {{}} to English", "accuracy, %", own)
        )
    sts = [m for m in found if (m.task, m.subset) in USUAL_STS and m.metric == "cosine_spearman"]
    ratings = "STS correlation with human ratings"
    boards.append(_Board("sts", "STS", _RATES, ratings, f"{ratings}, {{}}", "Spearman × 100", sts))
    return [board for board in boards if board.measures]


def _model(row: ScoreRow, usual: set[str]) -> dict[str, Any]:
    return {
        "name": printable(f"{row.model} ({row.settings})" if row.settings else row.model),
        "measured": row.kind == "measured",
        "parameters": row.parameters,
        "dimensions": row.dimensions,
        "license": printable(row.license),
        "released": printable(row.released),
        "service": row.open_weights is False,
        "usual": row.model.casefold() in usual,
    }


def _content(board: _Board, rows: Sequence[ScoreRow], index: Mapping[ModelKey, int]) -> dict[str, Any]:
    wanted = set(board.measures)
    rows = [row for row in rows if row.measure in wanted]
    codes = {row.measure: _language(row) for row in rows}
    languages: dict[str, list[Measure]] = {}
    for measure in sorted(board.measures):
        languages.setdefault(codes[measure], []).append(measure)
    places = {measure: i for i, measure in enumerate(m for own in languages.values() for m in own)}
    sizes = {row.measure: row.n for row in rows}
    own: dict[ModelKey, list[ScoreRow]] = {}
    for row in rows:
        own.setdefault(row.key, []).append(row)
    measured = {codes[row.measure] for row in rows if row.kind == "measured"}
    return {
        "key": board.key,
        "title": board.title,
        "question": board.question,
        "score": board.score,
        "single": board.single,
        "axis": board.axis,
        "languages": [
            {
                "code": code,
                "name": "all 112" if code == MEAN else language_name(code).partition(" (")[0],
                "sets": [places[m] for m in measures],
                "names": [m.task if m.subset == "default" else f"{m.task} {m.subset}" for m in measures],
                "n": [sizes[m] for m in measures],
            }
            for code, measures in languages.items()
        ],
        "usual": _usual(list(languages), measured),
        "rows": [_row(index[key], found, places) for key, found in own.items()],
    }


def _usual(codes: Sequence[str], measured: set[str]) -> list[str]:
    """Return the languages to show first: English alone for STS, else those measured here, else all."""
    single = [code for code in codes if code != MEAN]
    return ["en"] if "en" in codes else [code for code in single if code in measured] or single or list(codes)


def _row(model: int, found: Sequence[ScoreRow], places: Mapping[Measure, int]) -> dict[str, Any]:
    columns: list[list[float | None]] = [[None] * len(places) for _ in range(3)]
    for row in found:
        low, high = row.interval or (None, None)
        for column, value, decimals in zip(columns, (row.value, low, high), (8, 4, 4), strict=True):
            column[places[row.measure]] = None if value is None else round(100 * value, decimals)
    text, address = source_label(found[0].source) if found[0].kind == "published" else ("measured here", None)
    return {
        "model": model,
        "values": columns[0],
        "low": columns[1],
        "high": columns[2],
        "prompt": printable(common_prompt(row.prompt for row in found)),
        "source": printable(text),
        "address": address,
    }


def _language(row: ScoreRow) -> str:
    if row.measure.subset == MEAN_OF_TATOEBA:
        return MEAN
    return next((code for code in row.languages if code != "en"), "en")


def language_name(code: str) -> str:
    """Return the English name of a language, printable; an unknown code is its own name."""
    try:
        return printable(resolve(code).name)
    except UserError:
        return printable(code)
