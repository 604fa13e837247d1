"""Scores as CSV or JSON for scripts: one row for each score, measured or published, with interval, source and size."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from bitext_bench.io.terminal import printable

from ..tables.ranking import RankingTable
from ..tables.scores import ScoreRow, measured_license, measured_prompt


def render_csv(tables: Sequence[RankingTable], common: Sequence[ScoreRow] = ()) -> str:
    """Return comma-separated values with a header; scores are unrounded fractions."""
    return as_csv(score_records(tables, common))


def render_json(tables: Sequence[RankingTable], common: Sequence[ScoreRow] = ()) -> str:
    """Return a JSON array of the same rows."""
    return as_json(score_records(tables, common))


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return one or more rows with the same fields as CSV with a header; control characters are escaped."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: printable(value) if isinstance(value, str) else value for name, value in row.items()})
    return stream.getvalue()


def as_json(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as a JSON array; control characters and direction marks have JSON escapes."""
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text) + "\n"


def score_records(tables: Sequence[RankingTable], common: Sequence[ScoreRow] = ()) -> list[dict[str, Any]]:
    """Return one row for each model and subset; `rank` is the model's rank in the whole table.

    The main scores are followed by the scores in `common` of all tasks that have published scores; they have no rank.
    """
    rows = list(_main_scores(tables))
    published = {row.measure.task for row in common if row.kind == "published"}
    main = {(table.task, table.score) for table in tables}
    rows += [
        _common_score(row)
        for row in common
        if row.measure.task in published
        and (row.kind == "published" or (row.measure.task, row.measure.metric) not in main)
    ]
    return rows


def _main_scores(tables: Sequence[RankingTable]) -> Iterator[dict[str, Any]]:
    for table in tables:
        for row in table.rows:
            model = row.entry.result.model
            for name in table.subsets:
                subset = row.entry.subsets[name]
                low, high = subset.intervals.get(table.score) or (None, None)
                yield {
                    "task": table.task,
                    "data": row.entry.result.data,
                    "subset": name,
                    "model": model.name,
                    "kind": "measured",
                    "revision": model.revision,
                    "settings": row.entry.settings,
                    "rank": row.rank,
                    "score": table.score,
                    "value": subset.scores[table.score],
                    "low": low,
                    "high": high,
                    "lower_is_better": table.lower_is_better,
                    "n": subset.n,
                    "signature": subset.signature,
                    "parameters": row.entry.size("parameters"),
                    "dimensions": row.entry.size("dimensions"),
                    "license": measured_license(row.entry),
                    "released": "",
                    "prompt": measured_prompt(row.entry),
                }


def _common_score(row: ScoreRow) -> dict[str, Any]:
    low, high = row.interval or (None, None)
    return {
        "task": row.measure.task,
        "data": row.data,
        "subset": row.measure.subset,
        "model": row.model,
        "kind": row.kind,
        "revision": row.revision,
        "settings": row.settings,
        "rank": None,
        "score": row.measure.metric,
        "value": row.value,
        "low": low,
        "high": high,
        "lower_is_better": False,
        "n": row.n,
        "signature": row.source,
        "parameters": row.parameters,
        "dimensions": row.dimensions,
        "license": row.license,
        "released": row.released,
        "prompt": row.prompt,
    }
