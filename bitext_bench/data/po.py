"""Read gettext catalogs (.po), in which the messages of a program stand beside their translations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from ..errors import UserError
from ..io.lines import read_blocks
from ..languages import find_language
from .pair_records import SentencePair, Sides, checked_pair, names_of

if TYPE_CHECKING:
    import polib

_LINE = re.compile(r"\(line (?P<line>\d+)\)(?:: (?P<cause>.+))?", re.DOTALL)


def read_po_pairs(file: Path, sides: Sides) -> list[SentencePair]:
    """Read the translated messages of a catalog; `line` is the number of the message, from 1.

    Messages that are not translated, fuzzy or obsolete are left out. A message with plural forms gives the plural with
    the last form, and the singular with the first one if the language has several.

    Raises:
        UserError: the file cannot be read, is no catalog in UTF-8, or is a translation to another language.
    """
    catalog = _parse(file)
    code = catalog.metadata.get("Language", "")
    language = find_language(code)
    if language not in (None, sides[1].language):
        expected = " to ".join(names_of(sides))
        raise UserError(
            f"{file}: its header says that the translations are {code[:40]}; expected {expected}: change the languages "
            "or their order, or correct the header"
        )
    return [
        checked_pair(number, source, target, f"{file}: message {number}")
        for number, message in enumerate(catalog, start=1)
        if message.translated()
        for source, target in _forms(message)
    ]


def _parse(file: Path) -> polib.POFile:
    import polib

    # polib reads a file by lines, but divides a string at U+2028 and other characters that end no line in a file.
    try:
        with NamedTemporaryFile(suffix=".po") as plain:
            plain.writelines(read_blocks(file))
            plain.flush()
            return polib.pofile(plain.name, encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8, byte {error.start + 1}: convert it to UTF-8 with msgconv") from error
    except OSError as error:  # polib's error for bad syntax, too
        if not (found := _LINE.search(str(error))):
            raise UserError(f"cannot read {file}: {error.strerror or error}") from error
        raise UserError(f"{file}:{found['line']}: not a gettext catalog: {found['cause'] or 'bad syntax'}") from error


def _forms(message: polib.POEntry) -> Iterator[tuple[str, str]]:
    forms = [message.msgstr_plural[number] for number in sorted(message.msgstr_plural)]
    if len(forms) != 1:
        yield message.msgid, forms[0] if forms else message.msgstr
    if forms:
        yield message.msgid_plural, forms[-1]
