"""Drop pairs that repeat earlier ones, in bounded memory.

The keys of one side are in temporary files, one for each column, and one column is compared at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ...embedding.store import write_error
from ..sides import SIDES, SideName
from .duplicates import first_positions
from .record import DuplicateFilter
from .screening import PairTexts, Screening, chunks

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Deduplicator:
    """Applies the filters that compare pairs with earlier ones.

    Attributes:
        texts: the texts of N pairs.
        chunk: number of pairs whose texts are in memory at once.
        folder: directory for the temporary files, which take 8 bytes for each key of a text.
    """

    texts: PairTexts
    chunk: int
    folder: Path

    def apply(self, screening: Screening, candidates: NDArray[np.bool_]) -> None:
        """Add the decisions on duplicates to a screening.

        A pair is compared with the first candidate that has the same key, even if that one is dropped for its other
        side; so each decision depends on two pairs only.

        Args:
            screening: the decisions of the other filters.
            candidates: (N,) whether each pair may be in the output; the others are ignored.

        Raises:
            UserError: the temporary files cannot be written.
        """
        for number, one in enumerate(screening.filters, 1):
            if isinstance(one, DuplicateFilter):
                positions = np.flatnonzero(candidates & screening.kept)
                for side in SIDES:
                    try:
                        repeats, earlier = self._find(one, side, positions)
                    except OSError as error:
                        raise write_error(self.folder, error) from error
                    new = screening.kept[repeats]
                    screening.dropped[repeats[new]] = number
                    screening.earlier[repeats[new]] = (earlier[new] + 1) * (1 if side == "source" else -1)

    def _find(self, one: DuplicateFilter, side: SideName, positions: Positions) -> tuple[Positions, Positions]:
        """Return the pairs with a repeated side, and the earlier pair of each."""
        earlier = np.full(len(positions), -1, dtype=np.int64)
        with ExitStack() as stack:
            # Files without a name: a killed run leaves nothing.
            columns = [stack.enter_context(TemporaryFile(dir=self.folder)) for _ in range(one.n_keys)]
            self._write_keys(one, side, positions, columns)
            for column in columns:
                column.seek(0)
                first = first_positions(np.fromfile(column, dtype="<u8"))
                again = np.flatnonzero((first < np.arange(len(first))) & (earlier < 0))
                for at in chunks(again, self.chunk):
                    texts = self.texts.read(side, positions[at])
                    others = self.texts.read(side, positions[first[at]])
                    same = np.fromiter(map(one.similar, texts, others), np.bool_, len(at))
                    earlier[at[same]] = first[at[same]]
        found = np.flatnonzero(earlier >= 0)
        return positions[found], positions[earlier[found]]

    def _write_keys(
        self, one: DuplicateFilter, side: SideName, positions: Positions, columns: Sequence[IO[bytes]]
    ) -> None:
        for at in chunks(positions, self.chunk):
            keys = np.array([one.keys(text) for text in self.texts.read(side, at)], dtype="<u8")
            for column, values in zip(columns, keys.T, strict=True):
                column.write(values.tobytes())
