"""The content of the page as plain data: printable names, scores in percent with two decimals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bitext_bench import __version__
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import printable
from bitext_bench.languages import resolve
from bitext_bench.results.records import SubsetResult
from bitext_bench.results.tables import name_languages, percent

from ..entries.read import Entry, ResultSet
from ..published.file import read_published
from ..published.records import Published
from ..tables.columns import ModelKey, table_languages
from ..tables.published import PublishedTable, published_tables, source_label
from ..tables.ranking import RankingRow, RankingTable
from ..tables.scores import ScoreRow
from .boards import chart_content, language_name
from .errors import truncation_note
from .models import finite, model_record

# Scores of subsets in one table (FLORES-200 has 41,412 per model); models beyond this limit show only their means.
_MOST_FIGURES = 200_000


def page_content(
    tables: Sequence[RankingTable],
    found: ResultSet,
    root: Path,
    misses: Sequence[Mapping[str, Any]],
    common: Sequence[ScoreRow],
) -> dict[str, Any]:
    """Return the data for page.js; all text in it is printable. The parameters are those of `render_page`."""
    own: dict[ModelKey, list[Entry]] = {}
    for entry in found.entries:
        own.setdefault(entry.model, []).append(entry)
    first = _first_of_each_task(tables)
    ordered = sorted(own, key=_mean_places(first))
    index = {model: i for i, model in enumerate(ordered)}
    others = read_published(root)
    subsets = _published_subsets(common)
    return {
        "version": __version__,
        "results": len(found.entries),
        "newest": printable(max((entry.result.date for entry in found.entries), default="")),
        "models": [model_record(own[model]) for model in ordered],
        "languages": _language_names(tables),
        "chart": chart_content(common),
        "tables": [
            {
                **_table(table, index),
                "first": table is first[table.label],
                "reported": (
                    _reported(table.task, [*table.subsets, *subsets.get(table.task, {})], others)
                    if table is first[table.label] and table.official
                    else []
                ),
            }
            for table in tables
        ],
        "published": [
            {
                "task": printable(task),
                "languages": sorted({code for own in subsets[task].values() for code in own}),
                "reported": _reported(task, list(subsets[task]), others),
            }
            for task in sorted(subsets.keys() - {table.task for table in first.values()})
        ],
        "misses": [_printable(miss) for miss in misses],
        "missesNote": truncation_note(),
        "left": [[printable(str(file.relative_to(root))), printable(reason)] for file, reason in found.skipped],
    }


def _published_subsets(common: Sequence[ScoreRow]) -> dict[str, dict[str, list[str]]]:
    """Return the subsets with published scores of each task, and the names of their languages."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in common:
        if row.kind == "published" and row.measure.subset not in (own := found.setdefault(row.measure.task, {})):
            own[row.measure.subset] = [language_name(code) for code in row.languages]
    return {task: dict(sorted(own.items())) for task, own in found.items()}


def _first_of_each_task(tables: Sequence[RankingTable]) -> dict[str, RankingTable]:
    first: dict[str, RankingTable] = {}
    for table in tables:
        first.setdefault(table.label, table)
    return first


def _mean_places(first: Mapping[str, RankingTable]) -> Callable[[ModelKey], tuple[float, ModelKey]]:
    """Return a sort key: the mean place over all tasks (a missing task counts as the last place), then the name."""
    places = [{row.entry.model: i / len(table.rows) for i, row in enumerate(table.rows)} for table in first.values()]
    return lambda model: (sum(place.get(model, 1.0) for place in places), model)


def _table(table: RankingTable, index: Mapping[ModelKey, int]) -> dict[str, Any]:
    with_figures = max(1, _MOST_FIGURES // len(table.subsets))
    ranks = Counter(row.rank for row in table.rows)
    languages = table.rows[0].entry.subsets
    return {
        "task": printable(table.label),
        "score": printable(table.score),
        "lower": table.lower_is_better,
        "languages": printable(name_languages(table_languages(table))),
        "subsets": [
            {"name": printable(name), "n": n, "languages": _codes(languages[name])}
            for name, n in zip(table.subsets, table.sizes, strict=True)
        ],
        "rows": [
            {
                "model": index[row.entry.model],
                "rank": row.rank,
                "tied": ranks[row.rank] > 1,
                "contamination": printable(row.entry.contamination),
                "mean": to_percent(row.mean),
                "interval": [to_percent(end) for end in row.interval] if row.interval else None,
                **(_figures(table, row) if place < with_figures else {}),
            }
            for place, row in enumerate(table.rows)
        ],
    }


def _figures(table: RankingTable, row: RankingRow) -> dict[str, list[float | None]]:
    subsets = [row.entry.subsets[name] for name in table.subsets]
    intervals = [subset.intervals.get(table.score) or (None, None) for subset in subsets]
    return {
        "values": [to_percent(subset.scores[table.score]) for subset in subsets],
        "low": [to_percent(low) for low, _ in intervals],
        "high": [to_percent(high) for _, high in intervals],
    }


def to_percent(value: object) -> float | None:
    """Return a score in percent, rounded as in all other outputs."""
    number = finite(value)
    return None if number is None else float(percent(number))


def _codes(subset: SubsetResult) -> list[str]:
    return [printable(str(code)) for code in subset.languages]


def _language_names(tables: Sequence[RankingTable]) -> dict[str, list[str]]:
    """Return the code and English name of each language, by MTEB's code; an unknown code is its own name."""
    codes = {code for table in tables for subset in table.rows[0].entry.subsets.values() for code in _codes(subset)}
    names = {}
    for code in sorted(codes):
        try:
            language = resolve(code)
            names[code] = [language.code, language.name]
        except UserError:
            names[code] = [code, code]
    return names


def _reported(task: str, subsets: Sequence[str], published: Published) -> list[dict[str, Any]]:
    return [_published(one) for one in published_tables(task, list(dict.fromkeys(subsets)), published)]


def _published(table: PublishedTable) -> dict[str, Any]:
    rows = []
    for name, source, note, values in table.rows:
        text, address = source_label(source)
        figures = [to_percent(values.get(column)) for column in table.columns]
        rows.append(_printable({"name": name, "source": text, "address": address, "note": note}) | {"values": figures})
    return {"metric": printable(table.metric), "columns": [printable(c) for c in table.columns], "rows": rows}


def _printable(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with printable texts, including those in lists."""
    return {key: _made_printable(value) for key, value in record.items()}


def _made_printable(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list | tuple):
        return [_made_printable(item) for item in value]
    return value if isinstance(value, bool | int) else finite(value)
