"""Read known translation pairs, and find their rows in the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..io.lines import read_lines
from .origins import rows_of_ids
from .plan import Plan
from .sides import SIDES, Hidden, SideName

Rows = NDArray[np.int64]
_Find = Callable[[Plan, SideName, list[str], Path], list[int]]


@dataclass(frozen=True, slots=True)
class KnownPairs:
    """Known translations, by row.

    Attributes:
        rows: (P,) rows of each side, without repetition.
        left_out: number of unusable pairs: a sentence is in several of them, or the files contain only one of the two
            planted sentences.
        complete: the files have no other translations, so any other mined pair is wrong.
        hidden: whether each row is only planted, for each side.
    """

    rows: dict[SideName, Rows]
    left_out: int
    complete: bool
    hidden: Hidden

    def __len__(self) -> int:
        return len(self.rows["source"])

    @property
    def n_in_files(self) -> int:
        """Number of pairs that are lines of the files."""
        return int((~self.hidden["source"][self.rows["source"]]).sum())

    def pairs(self) -> set[tuple[int, int]]:
        """Return (source row, target row) of each pair."""
        return set(zip(self.rows["source"].tolist(), self.rows["target"].tolist(), strict=True))


def known_pairs(plan: Plan, gold: Path | None, plant: Path | None, *, complete: bool) -> KnownPairs:
    """Read the files of known pairs.

    Args:
        plan: plan of the run, after its files were read.
        gold: file with pairs of lines in the files.
        plant: file with the planted pairs.
        complete: whether `gold` has all translations in the files.

    Raises:
        UserError: a file cannot be read, or has a line number or text that does not exist.
    """
    hidden = _planted_rows(plan)
    found = dict.fromkeys(_gold_pairs(plan, gold)) if gold is not None else {}
    n_read = len(found)
    if plant is not None:
        texts = read_planted(plant)
        columns = [_rows_of_texts(plan, side, column, plant) for side, column in zip(SIDES, texts, strict=True)]
        planted = dict.fromkeys(zip(*columns, strict=True))
        n_read += len(planted)
        # If the files contain one sentence of a planted pair, they may contain its translation in other words.
        found |= {(i, j): None for i, j in planted if hidden["source"][i] == hidden["target"][j]}
    kept = sorted(found) if complete else sorted(_one_to_one(list(found)))
    source, target = (np.array([pair[at] for pair in kept], dtype=np.int64) for at in (0, 1))
    return KnownPairs({"source": source, "target": target}, n_read - len(kept), complete, hidden)


def _one_to_one(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the pairs whose rows are in no other pair."""
    counts: list[dict[int, int]] = [{}, {}]
    for pair in pairs:
        for count, row in zip(counts, pair, strict=True):
            count[row] = count.get(row, 0) + 1
    return [pair for pair in pairs if all(count[row] == 1 for count, row in zip(counts, pair, strict=True))]


def _planted_rows(plan: Plan) -> Hidden:
    """Return for each side whether each row is only planted, rather than a line of the file."""
    if plan.source.vectors:
        return {side: np.zeros(plan.side(side).rows, dtype=np.bool_) for side in SIDES}
    return {side: np.load(plan.files(side).line_of_row, mmap_mode="r") > plan.side(side).lines for side in SIDES}


def _read_pairs(file: Path) -> list[tuple[str, str]]:
    """Return source and target of each line in a file of known pairs.

    Raises:
        UserError: the file is empty or not a file of pairs.
    """
    rows = []
    for number, line in enumerate(read_lines(file), start=1):
        cells = line.split("\t")
        if len(cells) != 2:
            raise UserError(
                f"{file}:{number}: expected two line numbers or two texts with a TAB between them, found {line[:60]!r}"
            )
        rows.append((cells[0], cells[1]))
    if not rows:
        raise UserError(f"{file} is empty: expected one pair on each line")
    return rows


def _gold_pairs(plan: Plan, file: Path) -> list[tuple[int, int]]:
    """Find the rows of the pairs in a gold file, which has line numbers from 1 (for arrays, rows from 0), ids or texts.

    Raises:
        UserError: as for `_read_pairs`, or a line or text does not exist.
    """
    pairs = _read_pairs(file)
    numbers = all(cell.isascii() and cell.isdecimal() for cells in pairs for cell in cells)
    find: _Find = _rows_of_numbers if numbers else _rows_of_texts
    if plan.source.documents is not None:
        if numbers:
            raise UserError(f"{file} has line numbers: with --split-sentences, expected two sentences on each line")
    elif plan.source.id_shards and any(row is not None for row in rows_of_ids(plan, "source", [a for a, _ in pairs])):
        find = _rows_of_known_ids
    rows = [find(plan, side, [pair[at] for pair in pairs], file) for at, side in enumerate(SIDES)]
    return list(zip(*rows, strict=True))


def _rows_of_numbers(plan: Plan, name: SideName, cells: list[str], file: Path) -> list[int]:
    side = plan.side(name)
    first, last = (0, side.rows - 1) if side.vectors else (1, side.lines)
    for at, cell in enumerate(cells, start=1):
        if not first <= int(cell) <= last:
            raise UserError(f"{file}:{at}: there is no line {cell} on the {name} side: expected {first:,} to {last:,}")
    numbers = [int(cell) for cell in cells]
    if side.vectors:
        return numbers
    rows = np.load(plan.files(name).row_of_line, mmap_mode="r")[np.array(numbers, dtype=np.int64) - 1]
    if (rows < 0).any():
        at = int((rows < 0).argmax())
        raise UserError(f"{file}:{at + 1}: line {cells[at]} of the {name} side is blank")
    found: list[int] = rows.tolist()
    return found


def _rows_of_known_ids(plan: Plan, name: SideName, ids: list[str], file: Path) -> list[int]:
    rows = rows_of_ids(plan, name, ids)
    for at, (row, cell) in enumerate(zip(rows, ids, strict=True), start=1):
        if row is None or row < 0:
            what = "no line with" if row is None else "no text in the line with"
            raise UserError(f"{file}:{at}: the {name} side has {what} the id {cell[:60]!r}")
    return [row for row in rows if row is not None]


def _rows_of_texts(plan: Plan, name: SideName, texts: list[str], file: Path) -> list[int]:
    if plan.side(name).vectors:
        raise UserError(f"{file} has texts: expected row numbers, since the sides are arrays")
    wanted: dict[str, int] = dict.fromkeys(texts, -1)
    for number in range(plan.n_shards(name)):
        for row, text in enumerate(plan.files(name).texts(number), start=number * plan.shard_lines):
            if text in wanted:
                wanted[text] = row
    rows = [wanted[text] for text in texts]
    if -1 in rows:
        at = rows.index(-1)
        raise UserError(f"{file}:{at + 1}: the {name} side does not have the text {texts[at][:60]!r}")
    return rows


def read_planted(file: Path) -> tuple[list[str], list[str]]:
    """Return both sides of a file of known translations.

    Raises:
        UserError: the file is not a file of pairs, or a text is blank.
    """
    rows = _read_pairs(file)
    for number, (source, target) in enumerate(rows, start=1):
        if not (source.strip() and target.strip()):
            raise UserError(f"{file}:{number}: one text is blank: expected two texts with a TAB between them")
    return [source for source, _ in rows], [target for _, target in rows]
