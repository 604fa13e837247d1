"""Sources of sentences: official layouts on disk, pinned revisions on the hub, and the built-in set."""

from .files import benchmark_of, has_own_name, is_official, official_subsets, warn
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
    "ParallelLines",
    "Provenance",
    "ScoredPairs",
    "Source",
    "benchmark_of",
    "has_own_name",
    "is_official",
    "official_subsets",
    "open_source",
    "warn",
]
