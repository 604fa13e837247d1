"""The user's own data as tasks. Their names begin with own-bitext- or own-sts-, which no benchmark's name does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..data import ScoredPairs, Source
from ..data.own import OwnPairs, read_own_bitext
from ..data.own_ratings import read_own_ratings
from ..errors import UserError
from ..io.hub import HUB_PREFIX
from ..languages import LangPair
from ..scoring.metrics import text_classes
from ..scoring.neighbors import Vectors
from .base import Kind, Languages, RetrievalSpec, ScoringUnit, SentenceSet, SubsetScores, Task, mean_score
from .pairs import score_both
from .sts import score_similarity

_BITEXT, _STS = "own-bitext-", "own-sts-"
# In the details of a subset if only --languages says which languages its rows are in.
_UNNAMED = {"languages": "not named in the data"}
_LONGEST_NAME = 60  # bytes, since it becomes a part of a file name


@dataclass(frozen=True, slots=True)
class OwnBitext:
    """Nearest-neighbor retrieval in both directions on the user's pairs.

    A target is correct if any row pairs its text with the text of the source, so a source may have several correct
    targets. The candidates are the distinct texts of the other side, and every row is a query. `accuracy` and the other
    scores are those of `Retrieval`, without MTEB's. `xsim_ratio` is xSIM's error rate: the share of rows whose best
    candidate by ratio margin is wrong.

    Attributes:
        paths: the data, as `read_own_bitext` takes them; empty if only the name of the task is known.
    """

    name: str
    paths: tuple[Path, ...] = ()
    split: str = "test"
    kind: Kind = "bitext"
    lower_is_better: bool = False
    description: str = "nearest translation in your own data, in both directions"

    def load(self, source: Source, languages: Languages) -> list[ScoringUnit]:
        """Load one unit for each pair of languages."""
        return self._load(languages)

    def _load(self, languages: Languages) -> list[ScoringUnit]:
        _check_paths(self.name, self.paths, "bitext")
        sides: dict[tuple[int, str], SentenceSet] = {}

        def side(sentences: tuple[str, ...], pair: LangPair, *, is_source: bool) -> SentenceSet:
            language = pair.source if is_source else pair.target
            return sides.setdefault((id(sentences), str(language)), SentenceSet(sentences, language))

        units = []
        for own in read_own_bitext(self.paths, languages):
            bitext, subset = own.bitext, str(own.pair)
            first = side(bitext.source, own.pair, is_source=True)
            second = side(bitext.target, own.pair, is_source=False)
            searches = (
                RetrievalSpec(subset, "forward", first, second, bitext.data),
                RetrievalSpec(subset, "backward", second, first, bitext.data),
            )
            units.append(ScoringUnit((first, second), partial(_score, own), searches))
        return units

    def load_pairs(self, paths: Sequence[Path], pairs: Sequence[LangPair]) -> list[ScoringUnit]:
        """Load certain pairs of languages from files, which need not have the name of the task."""
        task = replace(self, paths=tuple(paths))
        return [unit for pair in pairs for unit in task._load([pair.source, pair.target])]

    def summarize(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return the mean accuracy and xSIM over the pairs of languages."""
        return {name: mean_score(subsets, name) for name in ("accuracy", "xsim_ratio")}


def _score(own: OwnPairs, vectors: Sequence[Vectors]) -> list[SubsetScores]:
    scored = score_both(str(own.pair), own.pair, own.bitext, vectors)
    return [scored if own.is_named else replace(scored, details=_UNNAMED)]


@dataclass(frozen=True, slots=True)
class OwnSts:
    """Correlation of the cosine with the user's similarity ratings.

    Attributes:
        path: the file, as `read_own_ratings` takes it; None if only the name of the task is known.
    """

    name: str
    path: Path | None = None
    split: str = "test"
    kind: Kind = "sts"
    lower_is_better: bool = False
    description: str = "semantic similarity in your own data"

    def load(self, source: Source, languages: Languages) -> list[ScoringUnit]:
        """Load the file as one unit."""
        paths = _check_paths(self.name, () if self.path is None else (self.path,), "sts")
        pair, rated = read_own_ratings(paths[0], languages)
        return [_rated_unit(pair, rated)]

    def summarize(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return the mean over the pairs of languages."""
        return {"cosine_spearman": mean_score(subsets, "cosine_spearman")}


def _rated_unit(pair: LangPair, rated: ScoredPairs) -> ScoringUnit:
    sides = (SentenceSet(rated.first, pair.source), SentenceSet(rated.second, pair.target))
    # Rows with the same two texts are one draw in the interval.
    draws = text_classes(list(zip(rated.first, rated.second, strict=True)))

    def score(vectors: Sequence[Vectors]) -> list[SubsetScores]:
        return [replace(s, details=_UNNAMED) for s in score_similarity(str(pair), pair, rated, vectors, draws)]

    return ScoringUnit(sides, score)


def has_unnamed_languages(details: Mapping[str, object]) -> bool:
    """Return whether the rows of a subset are in the languages that --languages said, and no other pair is in them."""
    return details == _UNNAMED


def _check_paths(name: str, paths: tuple[Path, ...], option: str) -> tuple[Path, ...]:
    if not paths:
        raise UserError(f"{name} is a task on your own data: pass {option} with the file that it was made with")
    return paths


def own_bitext(paths: str | Path | Iterable[str | Path]) -> OwnBitext:
    """Return a task on your own translations, for the tasks of `evaluate`. Its name ends in the names of the files.

    Args:
        paths: a file of pairs (.tsv, .csv, .jsonl, .json, .tmx, .po, .parquet), a directory of <language>.txt,
            "hub:ORG/DATASET", or a list of two parallel files. They are read when the task is scored.

    Raises:
        UserError: an item is not a path.

    >>> own_bitext(["news.de", "news.sw"]).name
    'own-bitext-news.de+news.sw'
    """
    given = [paths] if isinstance(paths, str | Path) else paths
    if isinstance(given, bytes | Mapping) or not isinstance(given, Iterable):
        raise _not_paths_error("bitext", given, _BITEXT_PATHS)
    given = list(given)
    if not given or not all(map(_is_path, given)):
        raise _not_paths_error("bitext", paths, _BITEXT_PATHS)
    files = tuple(Path(path).expanduser() for path in given)  # of hub:org/name, too
    return OwnBitext(_BITEXT + _safe_name(files), files)


def own_sts(path: str | Path) -> OwnSts:
    """Return a task on your own similarity ratings, for the tasks of `evaluate`. Its name ends in the file's name.

    Args:
        path: a .tsv, .jsonl or .parquet file of two sentences and a score.

    Raises:
        UserError: it is not a path.

    >>> own_sts("ratings.tsv").name
    'own-sts-ratings.tsv'
    """
    if not _is_path(path):
        raise _not_paths_error("sts", path, "a path of a .tsv, .jsonl or .parquet file")
    file = Path(path).expanduser()
    return OwnSts(_STS + _safe_name([file]), file)


_BITEXT_PATHS = "a path of a file of pairs or of a directory, or the paths of two parallel files"


def _is_path(item: object) -> bool:
    return isinstance(item, Path) or (isinstance(item, str) and item != "")


def _not_paths_error(option: str, given: object, expected: str) -> UserError:
    return UserError(f"{option} is {str(given)[:60]!r}: expected {expected}; write the sentences to a file first")


def _safe_name(files: Sequence[Path]) -> str:
    # A dataset on the hub has one name at every revision, like a file whose content changes.
    names = [str(x).partition("@")[0] if str(x).startswith(HUB_PREFIX) else x.resolve().name for x in files]
    name = re.sub(r"[^\w.+-]+", "_", "+".join(names).replace("/", "__"))
    while len(name.encode("utf-8", "surrogatepass")) > _LONGEST_NAME:
        name = name[:-1]
    return name


def find_own_task(name: str) -> Task | None:
    """Return a task on a user's data by the name in its results, without the data; None for another name."""
    if name.startswith(_BITEXT):
        return OwnBitext(name)
    return OwnSts(name) if name.startswith(_STS) else None
