"""Which data may be called by a benchmark's name: those whose checksum is that of the benchmark as it is distributed.

official.tsv has the checksum of every subset of Tatoeba v1, FLORES-200 devtest and the STS sets, made like those in
signatures. Every byte of a file counts, so that other line ends are other data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

CUSTOM = "custom-"  # the official checksum is known and is another
UNVERIFIED = "unverified-"  # no official checksum is known here
_OWN = "bucc-style"  # the user's own corpus: its name is no benchmark's
# Sets of which official.tsv has some subsets only; of the others it has all that there are.
_PARTLY_KNOWN = ("STS17-test", "flores200-dev_510")
_HUB = re.compile("hub-[0-9a-f]{8}")  # a revision that mteb pins


def data_name(data: str, subset: str, sha256: str) -> str:
    """Return the name that a subset on disk goes by.

    Args:
        data: the benchmark whose layout it has, with its split ("tatoeba-v1", "STS12-test").
        subset: as in official.tsv.
        sha256: of the subset's content.

    Returns:
        `data` where the checksum is the official one; otherwise "custom-..." or "unverified-...".
    """
    if data.startswith(_OWN):
        return data
    known = official_subsets(data)
    if known.get(subset) == sha256:
        return data
    if not known or (data in _PARTLY_KNOWN and subset not in known):
        return UNVERIFIED + data
    return CUSTOM + data.removesuffix("-v1")


def joined_name(data: str, parts: Iterable[str]) -> str:
    """Return the name of `data` that several parts make up: official only where every part is.

    >>> joined_name("flores200-devtest", ["flores200-devtest", "custom-flores200-devtest"])
    'custom-flores200-devtest'
    """
    names = list(parts)
    return next((prefix for prefix in (CUSTOM, UNVERIFIED) if any(n.startswith(prefix) for n in names)), "") + data


def has_own_name(name: str) -> bool:
    """Return whether a name of data says more than that they have some benchmark's layout."""
    return not name.startswith((CUSTOM, UNVERIFIED))


def benchmark_of(name: str) -> str:
    """Return the benchmark whose layout data of this name have: "custom-STS12-test" has that of "STS12-test"."""
    return name.removeprefix(CUSTOM).removeprefix(UNVERIFIED)


def is_official(name: str) -> bool:
    """Return whether published figures may stand beside scores on data of this name.

    True for verified files, for the hub's data at the revisions that mteb pins, and for the built-in set.
    """
    return name in _official() or name.startswith("mini") or _HUB.fullmatch(name) is not None


def official_subsets(data: str) -> Mapping[str, str]:
    """Return subset -> sha256 of data of an official name; nothing for others."""
    return _official().get(data, {})


@cache
def _official() -> Mapping[str, Mapping[str, str]]:
    """Return data -> subset -> sha256."""
    found: dict[str, dict[str, str]] = {}
    for line in Path(__file__).with_name("official.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        data, subset, sha256 = line.split("\t")
        found.setdefault(data, {})[subset] = sha256
    return found
