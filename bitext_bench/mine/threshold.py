"""Where the mined pairs end: at a given score, or at one chosen on pairs that are known to be right."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..mining import Cut, MinedPairs, best_cut, cut_at, judge, precise_cut
from .inputs import read_lines
from .plan import Plan
from .sides import SIDES, SideName


@dataclass(frozen=True, slots=True)
class Wish:
    """Which threshold the user wants.

    Attributes:
        threshold: given; None: none, or one to choose.
        precision: to choose one for; None with `chooses`: for the best F1.
        chooses: a threshold is to be chosen.
        gold: and plant: files of known pairs.
        complete: the gold file has every right pair.
    """

    threshold: float | None
    precision: float | None
    chooses: bool
    gold: Path | None
    plant: Path | None
    complete: bool

    @property
    def purpose(self) -> str:
        """What the threshold is for, in words."""
        if self.chooses:
            return "the best F1" if self.precision is None else f"precision {self.precision:g}"
        return "as given"

    @property
    def known(self) -> bool:
        """Whether there are known pairs to judge by."""
        return self.gold is not None or self.plant is not None

    @classmethod
    def parse(cls, arguments: argparse.Namespace) -> Wish:
        """Read it off the arguments.

        Raises:
            UserError: they contradict each other, or lack something.
        """
        precision, chooses = arguments.precision, arguments.precision is not None or arguments.best_f1
        known = arguments.gold is not None or arguments.plant is not None
        if precision is not None and not 0 < precision <= 1:
            raise UserError(f"--precision {precision:g}: expected a share above 0 and up to 1, as in --precision 0.95")
        if sum([arguments.threshold is not None, precision is not None, arguments.best_f1]) > 1:
            raise UserError("expected one of --threshold, --precision and --best-f1")
        if arguments.score and (chooses or known):
            raise UserError("--score takes --threshold only: known pairs are for mining")
        if chooses and not known:
            raise UserError("a threshold is chosen on known pairs: pass --gold FILE or --plant FILE")
        if known and not chooses and arguments.threshold is None:
            raise UserError("what for are the known pairs? pass --precision P, --best-f1, or a --threshold to judge")
        if arguments.gold_complete and arguments.gold is None:
            raise UserError("--gold-complete says something of --gold FILE, which is not given")
        return cls(arguments.threshold, precision, chooses, arguments.gold, arguments.plant, arguments.gold_complete)


@dataclass(frozen=True, slots=True)
class Known:
    """Pairs of rows that are known to be right.

    Attributes:
        pairs: (source row, target row).
        complete: there are no others: whatever else is mined is wrong. Otherwise a mined pair is judged only when it
            has a row in common with a known one.
    """

    pairs: frozenset[tuple[int, int]]
    complete: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """A threshold, what it yields on the judged pairs, and how many of them there were."""

    cut: Cut
    judged: int
    known: int


def choose(pairs: MinedPairs, known: Known, wish: Wish) -> Chosen:
    """Choose a threshold as it is wished for; one that is given is judged only.

    Raises:
        UserError: no known pair was mined, or none of the thresholds is precise enough.
    """
    correct = judge(pairs, set(known.pairs))
    judged = np.ones(len(correct), dtype=np.bool_) if known.complete else _touches(pairs, known)
    scores, correct = pairs.scores[judged], correct[judged]
    if wish.threshold is not None:
        return Chosen(cut_at(scores, correct, len(known.pairs), wish.threshold), len(correct), len(known.pairs))
    if not correct.any():
        raise UserError(
            f"none of the {len(known.pairs):,} known pairs is among the mined ones: nothing to choose a threshold by; "
            "are the files in the right order, and is this the model for these languages?"
        )
    if wish.precision is None:
        return Chosen(best_cut(scores, correct, len(known.pairs)), len(correct), len(known.pairs))
    cut = precise_cut(scores, correct, len(known.pairs), wish.precision)
    if cut is None:
        best = (np.cumsum(correct) / np.arange(1, len(correct) + 1)).max()
        raise UserError(
            f"no threshold reaches --precision {wish.precision:g} on the {len(correct):,} pairs that can be judged; "
            f"the most that one reaches is {best:.3f}"
        )
    return Chosen(cut, len(correct), len(known.pairs))


def _touches(pairs: MinedPairs, known: Known) -> NDArray[np.bool_]:
    sources, targets = (np.fromiter({pair[at] for pair in known.pairs}, np.int64) for at in (0, 1))
    return np.isin(pairs.source, sources) | np.isin(pairs.target, targets)


def read_gold(file: Path) -> list[tuple[int, str, str]]:
    """Return line, source and target of a gold file's pairs, as they stand there.

    Raises:
        UserError: it is empty or not a file of pairs.
    """
    rows = []
    for number, line in enumerate(read_lines(file), start=1):
        cells = line.split("\t")
        if len(cells) != 2:
            raise UserError(
                f"{file}:{number}: expected two line numbers or two texts with a TAB between them, found {line[:60]!r}"
            )
        rows.append((number, cells[0], cells[1]))
    if not rows:
        raise UserError(f"{file} is empty: expected one pair a line")
    return rows


def gold_pairs(plan: Plan, file: Path) -> frozenset[tuple[int, int]]:
    """Find the rows of a gold file's pairs: line numbers from 1 (of arrays: rows from 0), or the texts themselves.

    Raises:
        UserError: as `read_gold`, or a line or a text does not exist.
    """
    pairs = read_gold(file)
    numbers = all(cell.isascii() and cell.isdecimal() for _, *cells in pairs for cell in cells)
    rows = []
    for at, side in enumerate(SIDES, start=1):
        cells = [(pair[0], str(pair[at])) for pair in pairs]
        find = _rows_of_numbers if numbers else _rows_of_texts
        rows.append(find(plan, side, cells, file))
    return frozenset(zip(*rows, strict=True))


def _rows_of_numbers(plan: Plan, name: SideName, cells: list[tuple[int, str]], file: Path) -> list[int]:
    side = plan.side(name)
    first, last = (0, side.rows - 1) if side.vectors else (1, side.lines)
    for at, cell in cells:
        if not first <= int(cell) <= last:
            raise UserError(f"{file}:{at}: there is no line {cell} on the {name} side, which has {first:,} to {last:,}")
    lines = np.array([int(cell) for _, cell in cells], dtype=np.int64)
    if side.vectors:
        return [int(cell) for _, cell in cells]
    rows = np.load(plan.files(name).row_of_line, mmap_mode="r")[lines - 1]
    if (rows < 0).any():
        at, cell = cells[int((rows < 0).argmax())]
        raise UserError(f"{file}:{at}: line {cell} of the {name} side is blank")
    found: list[int] = rows.tolist()
    return found


def _rows_of_texts(plan: Plan, name: SideName, cells: list[tuple[int, str]], file: Path) -> list[int]:
    if plan.side(name).vectors:
        raise UserError(f"{file}: expected row numbers, as the sides are arrays")
    return rows_of_texts(plan, name, [cell for _, cell in cells], str(file))


def rows_of_texts(plan: Plan, name: SideName, texts: list[str], where: str) -> list[int]:
    """Return the row of each text.

    Raises:
        UserError: one does not exist.
    """
    wanted: dict[str, int] = dict.fromkeys(texts, -1)
    for number in range(plan.n_shards(name)):
        for row, text in enumerate(plan.files(name).texts(number), start=number * plan.shard_lines):
            if text in wanted:
                wanted[text] = row
    rows = [wanted[text] for text in texts]
    if -1 in rows:
        at = rows.index(-1)
        raise UserError(f"{where}:{at + 1}: this text is not on the {name} side: {texts[at][:60]!r}")
    return rows


def planted_rows(plan: Plan) -> dict[SideName, NDArray[np.bool_]]:
    """Return for each side which rows are there only because they were planted."""
    return {side: np.load(plan.files(side).line_of_row, mmap_mode="r") > plan.side(side).lines for side in SIDES}
