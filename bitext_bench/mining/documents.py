"""The lines of a text file as documents: with ids, divided into sentences, without overlong ones."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..embedding.store import write_atomic
from ..errors import UserError
from ..languages import Language
from .arrays import write_array
from .sides import SideFiles
from .splitting import check_splitter, split_sentences


@dataclass(frozen=True, slots=True)
class LineFormat:
    """How to read the lines of the user's files.

    Attributes:
        ids: each line is an id, a tab and a text.
        split: each text has several sentences.
        max_characters: leave out longer texts, or longer sentences of a text; None for no limit.
    """

    ids: bool = False
    split: bool = False
    max_characters: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether each line is a sentence."""
        return self == LineFormat()

    def identity(self) -> dict[str, Any]:
        """Return everything that changes the texts. Default values are None.

        Raises:
            UserError: the splitter is not installed.
        """
        return {
            "ids": self.ids or None,
            "split_sentences": check_splitter() if self.split else None,
            "max_characters": self.max_characters,
        }


class Documents:
    """The documents of one file, one on each line."""

    def __init__(
        self, file: Path, read: Callable[[], Iterator[str]], line_format: LineFormat, language: Language | None
    ) -> None:
        self._file = file
        self._read = read
        self._format = line_format
        self._language = language
        self._sentences = array("q")  # of each document
        self.too_long = 0

    def texts(self) -> Iterator[str]:
        """Yield the sentences of all documents in order, or the whole documents; an overlong one is empty.

        Raises:
            UserError: as for `read_lines`, or a line has no id.
        """
        self._sentences, self.too_long = array("q"), 0
        longest = self._format.max_characters
        for _, document in self._documents():
            split = self._language if self._format.split else None
            texts = [document] if split is None else split_sentences(document, split)
            self._sentences.append(len(texts))
            for text in texts:
                if longest is not None and len(text.strip()) > longest:
                    self.too_long += 1
                    yield ""
                else:
                    yield text

    def write(self, files: SideFiles, shard_lines: int) -> dict[str, int]:
        """Write the number of sentences before each document, and the ids, after all texts were read.

        Returns:
            The number of documents if they are split, of shards of ids, and of overlong texts, if there are any.
        """
        counts = {"too_long": self.too_long}
        if self._format.split:
            first = np.zeros(len(self._sentences) + 1, dtype=np.int64)
            np.cumsum(np.frombuffer(self._sentences, dtype=np.int64), out=first[1:])
            write_array(files.first_sentence, first)
            counts["documents"] = len(self._sentences)
        if self._format.ids:
            ids = (name for name, _ in self._documents())
            for number in itertools.count():
                shard = list(itertools.islice(ids, shard_lines))
                if not shard:
                    break
                write_atomic(files.ids(number), "".join(f"{name}\n" for name in shard).encode())
            counts["id_shards"] = number
        return {name: n for name, n in counts.items() if n}

    def _documents(self) -> Iterator[tuple[str, str]]:
        """Yield the id, empty without ids, and the text of each line."""
        for number, line in enumerate(self._read(), start=1):
            if not self._format.ids:
                yield "", line
                continue
            name, tab, text = line.partition("\t")
            if not tab and line.strip():
                raise UserError(f"{self._file}:{number}: expected an id, a TAB and a text, found {line[:60]!r}")
            yield name.strip(), text
