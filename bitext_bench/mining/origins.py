"""Where the rows of a run are in the user's files: line, sentence and id."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from .plan import Plan
from .sides import SIDES, SideName, group_by_shard

Rows = NDArray[np.int64]


def describe_places(plan: Plan, side: SideName, rows: Rows) -> list[str]:
    """Return the first place of the text of each row, counted from 1: "line 4", or "line 4, sentence 2"."""
    lines, sentences = _places(plan, side, rows)
    named = [f"line {line:,}" for line in lines.tolist()]
    if sentences is None:
        return named
    return [f"{line}, sentence {number:,}" for line, number in zip(named, sentences.tolist(), strict=True)]


def origin_columns(plan: Plan, rows: dict[SideName, Rows]) -> dict[str, list[Any]]:
    """Return the columns of the output with the lines of pairs of rows; for documents, also sentences and ids."""
    columns: dict[str, dict[SideName, list[Any]]] = {"line": {}, "sentence": {}, "id": {}}
    for side in SIDES:
        lines, sentences = _places(plan, side, rows[side])
        columns["line"][side] = lines.tolist()
        if sentences is not None:
            columns["sentence"][side] = sentences.tolist()
        if plan.side(side).id_shards:
            columns["id"][side] = _read_ids(plan, side, lines)
    return {f"{side}_{name}": values for name, sides in columns.items() for side, values in sides.items()}


def rows_of_ids(plan: Plan, side: SideName, ids: list[str]) -> list[int | None]:
    """Return the row of the line with each id; None for an unknown id, -1 for a line without a text.

    Raises:
        UserError: several lines have one of these ids.
    """
    wanted = set(ids)
    lines: dict[str, int] = {}
    for number in range(plan.side(side).id_shards):
        for line, name in enumerate(_shard_of_ids(plan, side, number), start=number * plan.shard_lines):
            if name in wanted and name in lines:
                raise UserError(f"the {side} side has the id {name!r} in line {lines[name] + 1:,} and {line + 1:,}")
            if name in wanted:
                lines[name] = line
    row_of_line = np.load(plan.files(side).row_of_line, mmap_mode="r")
    return [int(row_of_line[lines[name]]) if name in lines else None for name in ids]


def _places(plan: Plan, side: SideName, rows: Rows) -> tuple[Rows, Rows | None]:
    """Return line numbers and, if lines are divided into sentences, numbers of sentences within them, from 1."""
    texts: Rows = np.load(plan.files(side).line_of_row, mmap_mode="r")[rows]
    if plan.side(side).documents is None:
        return texts, None
    first = np.load(plan.files(side).first_sentence, mmap_mode="r")
    lines = np.searchsorted(first, texts - 1, side="right")
    return lines, texts - first[lines - 1]


def _read_ids(plan: Plan, side: SideName, lines: Rows) -> list[str]:
    found = [""] * len(lines)
    for number, at in group_by_shard(lines - 1, plan.shard_lines):
        ids = _shard_of_ids(plan, side, number)
        for i in at.tolist():
            found[i] = ids[int(lines[i]) - 1 - number * plan.shard_lines]
    return found


def _shard_of_ids(plan: Plan, side: SideName, number: int) -> list[str]:
    return plan.files(side).ids(number).read_bytes().decode("utf-8").split("\n")[:-1]
