"""Search mteb's model registry by word, size and language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..errors import UserError
from ..languages import Language
from .mteb_encoder import keys_of
from .mteb_registry import MtebRecord, all_records

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}


def parse_size(text: str) -> int:
    """Return a number of parameters.

    Raises:
        UserError: The text is not a number with an optional unit.

    >>> parse_size("600M"), parse_size("1.5b")
    (600000000, 1500000000)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMB]?)", text.strip().upper())
    if not found:
        raise UserError(f"the size {text!r} is not a number of parameters: expected a number such as 600M or 1.5B")
    return round(float(found[1]) * _UNITS[found[2]])


def search_mteb(words: Sequence[str], most: int | None, languages: Iterable[Language]) -> list[MtebRecord]:
    """Return the text encoders in mteb's registry that fit, the smallest first and those of unknown size last.

    Args:
        words: All must occur in the model's id, the name of mteb's loader or the license; case does not matter.
        most: Largest number of parameters; models of unknown size are then left out.
        languages: The model must name all of them, in any script.
    """
    wanted = [{spelling.partition("-")[0].partition("_")[0] for spelling in each.spellings} for each in languages]

    def fits(record: MtebRecord) -> bool:
        text = f"{record.name} {record.loader} {record.meta.license or ''}".casefold()
        codes = {code.partition("-")[0] for code in record.meta.languages or []}
        small = most is None or (record.parameters is not None and record.parameters <= most)
        return small and all(word.casefold() in text for word in words) and all(codes & each for each in wanted)

    found = [record for record in all_records().values() if not record.unusable() and fits(record)]
    return sorted(found, key=lambda record: (record.parameters or 10**15, record.name.casefold()))


def needs(record: MtebRecord) -> str:
    """Return what a model needs besides its weights: a key, an extra of mteb, permission to run code."""
    extras = record.meta.extra_requirements_groups or []
    found = [" or ".join(keys_of(record)), *(f"mteb[{extra}]" for extra in extras)]
    return ", ".join(filter(None, [*found, "--trust-remote-code" if record.may_run_code else ""]))
