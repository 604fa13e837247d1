"""Scores as CSV or JSON for scripts: one row for each score, with n, interval and signature."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from bitext_bench.io.terminal import printable

from ..tables.ranking import RankingTable


def render_csv(tables: Sequence[RankingTable]) -> str:
    """Return comma-separated values with a header; scores are unrounded fractions."""
    return as_csv(list(score_records(tables)))


def render_json(tables: Sequence[RankingTable]) -> str:
    """Return a JSON array of the same rows."""
    return as_json(list(score_records(tables)))


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


def score_records(tables: Sequence[RankingTable]) -> Iterator[dict[str, Any]]:
    """Yield one row for each model and subset; `rank` is the model's rank in the whole table."""
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
                }
