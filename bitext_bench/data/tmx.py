"""Read translation memories (TMX 1.4b) unit by unit, in bounded memory for any file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Never
from xml.parsers import expat

from ..errors import UserError
from ..io.lines import read_blocks

# expat reports a name as namespace, this separator, and local name.
_SIGN = "}"
_XML_LANG = f"http://www.w3.org/XML/1998/namespace{_SIGN}lang"
# Inline elements contain the markup of another format, except for these two, which contain text.
_TEXT = ("hi", "sub")
# Bytes parsed at once, and the maximum before a unit ends, enough for a long header or a thousand sentences.
_FED, _LONGEST_UNIT = 16 << 10, 4 << 20


def read_units(file: Path) -> Iterator[dict[str, list[str]]]:
    """Yield the texts of each unit by language code, at least one for each; XML namespaces are ignored.

    A unit has several texts of a code if it has several variants (`tuv`) with this code. Variants without text are
    left out if there are others. Referenced files are not read.

    Raises:
        UserError: the file cannot be read, is not complete TMX, declares entities, or has a unit longer than 4 MB.
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
    except (expat.ExpatError, ValueError, LookupError) as error:  # the last two are encoding errors
        raise UserError(f"{file} is not complete TMX: {error}") from error
    yield from units.finished


class _Units:
    """Handles expat's events and collects the texts of each finished unit."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.finished: list[dict[str, list[str]]] = []
        self._texts: dict[str, list[str]] = {}
        self._code = ""
        self._parts: list[str] = []
        self._counts: list[bool] = []  # for a segment and each element open in it: whether its content is text
        self.parser = expat.ParserCreate(namespace_separator=_SIGN)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self.parser.EntityDeclHandler = self._declared
        self.parser.SkippedEntityHandler = self._undeclared

    def where(self) -> str:
        """Return the file and the current line, "file:line"."""
        return f"{self._file}:{self.parser.CurrentLineNumber}"

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        local = name.rpartition(_SIGN)[2]
        if self._counts:
            self._counts.append(self._counts[-1] and local in _TEXT)
        elif local == "tu":
            self._texts = {}
        elif local == "tuv":
            self._code = attributes.get(_XML_LANG, attributes.get("lang", ""))
            self._texts.setdefault(self._code, [])
        elif local == "seg":
            self._counts, self._parts = [True], []

    def _data(self, text: str) -> None:
        if self._counts and self._counts[-1]:
            self._parts.append(text)

    def _end(self, name: str) -> None:
        if self._counts:
            self._counts.pop()
            text = "".join(self._parts)
            if not self._counts and text.strip():
                self._texts.setdefault(self._code, []).append(text)
        elif name.rpartition(_SIGN)[2] == "tu":
            self.finished.append({code: texts or [""] for code, texts in self._texts.items()})

    def _declared(self, name: str, *declaration: object) -> Never:
        raise UserError(
            f"{self.where()}: declares the entity {name!r}, which TMX does not need: write its text instead"
        )

    def _undeclared(self, name: str, is_parameter: bool) -> None:
        if not is_parameter:
            raise UserError(f"{self.where()}: the entity &{name}; is not declared: write its text instead")
