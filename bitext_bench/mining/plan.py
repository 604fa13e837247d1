"""The plan of a mining run: everything that determines its shard files, and the work units that write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ..embedding.batching import BatchLimits
from ..encoders import ModelOptions
from ..languages import LangPair, Language
from ..scoring.margin import CSLS_K
from .sides import CorpusSide, SideFiles, SideName

SearchMethod = Literal["exact", "approximate"]
Stage = Literal["encode", "search", "merge", "cells", "assign", "gather", "probe", "recall"]

# Neighbors kept for each row: as many as the widest margin needs, so that any margin can be computed later.
KEPT = CSLS_K
# Candidates from approximate products. The neighbors are chosen among them by exact cosines, since the last bits of a
# product depend on the shard size and must not decide near ties.
CANDIDATES = KEPT + 2


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """A piece of work. It reads files of other units and writes files of its own."""

    stage: Stage
    side: SideName
    number: int = 0

    @property
    def name(self) -> str:
        """Name of the unit, its record and its files."""
        return f"{self.stage}.{self.side}.{self.number:05}"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """How a worker loads the model.

    Attributes:
        name: name of the model, as the user typed it.
        space: vector space that the resolved model must have.
        cache: directory of the cached vectors.
    """

    name: str
    options: ModelOptions
    limits: BatchLimits
    space: str
    cache: Path


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The plan of a mining run, shared by all its processes. It is small and can be pickled.

    Attributes:
        root: the work folder.
        source: the source side.
        target: the target side.
        shard_lines: rows in a shard.
        search: "exact" compares all rows with all rows, "approximate" only with those in the nearest cells.
        model: the model; None if both sides are vectors.
        pair: languages of the sides, if given.
        probes: number of cells that each row is compared with.
        stored: names of the shards that were in the shared store when the run began.
        identity: checksums and settings that determine the texts and the vectors.
    """

    root: Path
    source: CorpusSide
    target: CorpusSide
    shard_lines: int
    search: SearchMethod
    model: ModelSpec | None
    pair: LangPair | None
    probes: int
    stored: frozenset[str] = frozenset()
    identity: Mapping[str, Any] = field(default_factory=dict)

    def side(self, name: SideName) -> CorpusSide:
        """Return a side by its name."""
        return self.source if name == "source" else self.target

    def files(self, name: SideName) -> SideFiles:
        """Return the text files of a side."""
        return SideFiles(self.root, name)

    def language(self, name: SideName) -> Language | None:
        """Return a side's language, if it is known."""
        return None if self.pair is None else self.pair.source if name == "source" else self.pair.target

    def n_shards(self, name: SideName) -> int:
        """Return the number of shards of a side."""
        return -(-self.side(name).rows // self.shard_lines)

    def shard_rows(self, name: SideName, number: int) -> int:
        """Return the number of rows in a shard."""
        return min(self.shard_lines, self.side(name).rows - number * self.shard_lines)

    def path(self, unit: WorkUnit, what: str) -> Path:
        """Return the array file `what` of a unit."""
        return self.root / unit.stage / f"{unit.name}.{what}.npy"

    @cached_property
    def stages(self) -> list[list[WorkUnit]]:
        """The units of each stage, in order. Units of the same stage are independent."""
        encode = self._units("encode", "source") + self._units("encode", "target")
        if self.search == "exact":
            return [encode, self._units("search", "source"), self._units("merge", "target")]
        stages: list[Stage] = ["assign", "gather", "probe"]
        cells = [WorkUnit("cells", "source"), WorkUnit("cells", "target")]
        probing = [self._units(stage, "source") + self._units(stage, "target") for stage in stages]
        return [encode, cells, *probing, [WorkUnit("recall", "source"), WorkUnit("recall", "target")]]

    def _units(self, stage: Stage, side: SideName) -> list[WorkUnit]:
        return [WorkUnit(stage, side, number) for number in range(self.n_shards(side))]

    def record_file(self, unit: WorkUnit) -> Path:
        """Return the record file that marks a unit as done."""
        return self.root / "done" / f"{unit.name}.json"

    def nearest_unit(self, side: SideName, number: int) -> WorkUnit:
        """Return the unit whose files `indices` and `cosines` have the nearest rows for a shard."""
        if self.search == "approximate":
            return WorkUnit("probe", side, number)
        return WorkUnit("search" if side == "source" else "merge", side, number)


def other_side(side: SideName) -> SideName:
    """Return the other side's name."""
    return "target" if side == "source" else "source"


Record = dict[str, Any]
