"""Sources of sentences: official layouts on disk, pinned revisions on the hub, and the built-in set."""

from .files import benchmark_of, has_own_name, is_official, official_subsets, warn
from .mteb_data import MtebData
from .mteb_tasks import MtebTask, find_mteb_task, mteb_tasks, other_kind
from .shapes import (
    AugmentedLines,
    Bitext,
    ComparableCorpora,
    IncompleteData,
    MissingData,
    ParallelLines,
    Provenance,
    ScoredPairs,
    Source,
)
from .sources import open_source

__all__ = [
    "AugmentedLines",
    "Bitext",
    "ComparableCorpora",
    "IncompleteData",
    "MissingData",
    "MtebData",
    "MtebTask",
    "ParallelLines",
    "Provenance",
    "ScoredPairs",
    "Source",
    "benchmark_of",
    "find_mteb_task",
    "has_own_name",
    "is_official",
    "mteb_tasks",
    "official_subsets",
    "open_source",
    "other_kind",
    "warn",
]
