"""Translation memories (TMX 1.4b), unit by unit, in little memory whatever the file holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Never
from xml.parsers import expat

from bitext_bench.errors import UserError
from bitext_bench.io.lines import read_blocks

# expat writes a name as its namespace, this sign, and the name itself.
_SIGN = "}"
_XML_LANG = f"http://www.w3.org/XML/1998/namespace{_SIGN}lang"
# What a translation memory's inline elements hold is the mark-up of another format; of these two it is text.
_TEXT = ("hi", "sub")
# Bytes parsed at once, and the most that may come before the end of a unit: a long header, or a thousand sentences.
_FED, _LONGEST_UNIT = 16 << 10, 4 << 20


def read_units(file: Path) -> Iterator[dict[str, str]]:
    """Yield the texts of each unit by language code, whatever namespace the elements are in.

    Of several variants with one code the first with a text counts. No other file that the document names is read.

    Raises:
        UserError: the file cannot be read, is not whole TMX, declares entities, or a unit is longer than 4 MB.
    """
    units, since = _Units(file), 0
    try:
        for block in read_blocks(file):
            for first in range(0, len(block), _FED):
                fed = block[first : first + _FED]
                units.parser.Parse(fed, False)
                since += len(fed)
                if units.finished:
                    yield from units.finished
                    units.finished, since = [], 0
                elif since > _LONGEST_UNIT:
                    raise UserError(
                        f"{units.where()}: no unit ends within {_LONGEST_UNIT >> 20} MB; expected sentences"
                    )
        units.parser.Parse(b"", True)
    except UserError:
        raise
    except (expat.ExpatError, ValueError, LookupError) as error:  # the last two: its encoding
        raise UserError(f"{file} is not whole TMX: {error}") from error
    yield from units.finished


class _Units:
    """Takes what expat reads, and puts together the texts of each unit that ends."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.finished: list[dict[str, str]] = []
        self._texts: dict[str, str] = {}
        self._code = ""
        self._parts: list[str] = []
        self._counts: list[bool] = []  # of a segment and the elements open in it: whether what they hold is its text
        self.parser = expat.ParserCreate(namespace_separator=_SIGN)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self.parser.EntityDeclHandler = self._declared
        self.parser.SkippedEntityHandler = self._undeclared

    def where(self) -> str:
        """Return the file and the line that is being read."""
        return f"{self._file}:{self.parser.CurrentLineNumber}"

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        local = name.rpartition(_SIGN)[2]
        if self._counts:
            self._counts.append(self._counts[-1] and local in _TEXT)
        elif local == "tu":
            self._texts = {}
        elif local == "tuv":
            self._code = attributes.get(_XML_LANG, attributes.get("lang", ""))
            self._texts.setdefault(self._code, "")
        elif local == "seg":
            self._counts, self._parts = [True], []

    def _data(self, text: str) -> None:
        if self._counts and self._counts[-1]:
            self._parts.append(text)

    def _end(self, name: str) -> None:
        if self._counts:
            self._counts.pop()
            if not self._counts and not self._texts.get(self._code, "").strip():
                self._texts[self._code] = "".join(self._parts)
        elif name.rpartition(_SIGN)[2] == "tu":
            self.finished.append(self._texts)

    def _declared(self, name: str, *declaration: object) -> Never:
        raise UserError(
            f"{self.where()}: declares the entity {name!r}, which TMX has no need of: write its text instead"
        )

    def _undeclared(self, name: str, is_parameter: bool) -> None:
        if not is_parameter:
            raise UserError(f"{self.where()}: the entity &{name}; is not declared: write its text instead")
