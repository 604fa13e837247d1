"""What a mining run is: everything that its shard files depend on, and the units of work that make them."""

from __future__ import annotations

from dataclasses import dataclass
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

# Neighbors kept of every row: what the widest margin looks at, so that any margin can be taken later.
KEPT = CSLS_K
# Candidates of one product, of which the kept are chosen by exact cosines: where two nearly tie, the product's last
# bits, which depend on how the rows are cut, must not decide.
CANDIDATES = KEPT + 2


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """A piece of work: a function of files that others have written, writing files that nobody else writes."""

    stage: Stage
    side: SideName
    number: int = 0

    @property
    def name(self) -> str:
        """Name of the unit, of its record and its files."""
        return f"{self.stage}.{self.side}.{self.number:05}"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """How a worker gets the model: what the user typed, and the vector space that this has to lead to.

    Attributes:
        cache: the folder that keeps vectors of every run.
    """

    name: str
    options: ModelOptions
    limits: BatchLimits
    space: str
    cache: Path


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A mining run as every process of it sees it; small, and can be sent.

    Attributes:
        root: the work folder.
        source: and target: what was read.
        shard_lines: rows of a shard.
        search: compare everything with everything, or only with what lies in the nearest cells.
        model: None where both sides are vectors.
        pair: the languages of the sides, where the user said so.
        probes: cells that each row is compared with.
        stored: names of the shards in the common store that were there when the run began.
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

    def side(self, name: SideName) -> CorpusSide:
        """Return a side by its name."""
        return self.source if name == "source" else self.target

    def files(self, name: SideName) -> SideFiles:
        """Return where a side's texts are."""
        return SideFiles(self.root, name)

    def language(self, name: SideName) -> Language | None:
        """Return a side's language, if it is known."""
        return None if self.pair is None else self.pair.source if name == "source" else self.pair.target

    def n_shards(self, name: SideName) -> int:
        """Return how many shards a side has."""
        return -(-self.side(name).rows // self.shard_lines)

    def shard_rows(self, name: SideName, number: int) -> int:
        """Return how many rows a shard has."""
        return min(self.shard_lines, self.side(name).rows - number * self.shard_lines)

    def path(self, unit: WorkUnit, what: str) -> Path:
        """Return the array file `what` of a unit."""
        return self.root / unit.stage / f"{unit.name}.{what}.npy"

    @cached_property
    def stages(self) -> list[list[WorkUnit]]:
        """The units, stage after stage: those of one stage do not look at each other's files."""
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
        """Return the file that says that a unit is done."""
        return self.root / "done" / f"{unit.name}.json"

    def nearest_unit(self, side: SideName, number: int) -> WorkUnit:
        """Return the unit whose files `indices` and `cosines` hold a shard's nearest rows of the other side."""
        if self.search == "approximate":
            return WorkUnit("probe", side, number)
        return WorkUnit("search" if side == "source" else "merge", side, number)


def other_side(side: SideName) -> SideName:
    """Return the other side's name."""
    return "target" if side == "source" else "source"


Record = dict[str, Any]
