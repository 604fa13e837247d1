"""FLORES-200 by xSIM and xSIM++: how often the best candidate by margin is not the translation. Lower is better.

A candidate is correct if its text equals that of the translation, so any copy of a repeated line is correct.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import AugmentedLines, IncompleteData, MissingData, ParallelLines, Provenance, Source, benchmark_of
from ..errors import UserError
from ..languages import LangPair, Language
from ..scoring.intervals import mean_interval
from ..scoring.margin import CSLS_K, MARGIN_K, NEAR_MARGINS, BestCandidate, best_candidates
from ..scoring.metrics import text_classes
from ..scoring.neighbors import Neighbors, Vectors, nearest_with_csls, search_bidirectional
from .base import (
    BitextTask,
    Languages,
    RetrievalSpec,
    ScoringUnit,
    SentenceSet,
    SubsetScores,
    mean_score,
    select_languages,
)

K = 16


@dataclass(frozen=True, slots=True)
class XSim(BitextTask):
    """LASER's xSIM over every ordered pair of the chosen languages.

    `xsim` is the error rate under the ratio margin. The candidates are the k = 4 nearest neighbors of the source, and
    their score is cos / ((mean of the source's k cosines + mean of the target's k cosines) / 2). It is an error if the
    text of the best candidate differs from the translation (source/xsim.py with the defaults of source/eval.py), so a
    copy of the translation is correct. `xsim_distance` and `xsim_absolute` use the other margins; `xsim_csls` ranks
    all targets by CSLS. `xsim_by_row` compares row numbers instead of texts, so a copy is an error (eval.py's
    --index-comparison).
    """

    split: str = "devtest"
    lower_is_better: bool = True

    def load(self, source: Source, languages: Languages) -> list[ScoringUnit]:
        """Load one unit for each unordered pair; one search scores both directions."""
        chosen = select_languages(source.languages(self.collection), languages)
        if len(chosen) < 2:
            raise MissingData(f"{self.name} needs two languages; {source.name} has {len(chosen)} of those requested")
        lines = _read_lines(source, self.collection, chosen)
        sides = {language: SentenceSet(lines[language].sentences, language) for language in chosen}
        return [
            self._unit(LangPair(a, b), (sides[a], sides[b]), _join(lines[a], lines[b]))
            for a, b in combinations(chosen, 2)
        ]

    def _unit(self, pair: LangPair, sides: tuple[SentenceSet, SentenceSet], data: Provenance) -> ScoringUnit:
        searches = (
            RetrievalSpec(pair.flores, "forward", sides[0], sides[1], data),
            RetrievalSpec(pair.reversed.flores, "forward", sides[1], sides[0], data),
        )
        return ScoringUnit(sides, partial(self._score, pair, data, sides), searches)

    def _score(
        self, pair: LangPair, data: Provenance, sides: tuple[SentenceSet, SentenceSet], vectors: Sequence[Vectors]
    ) -> list[SubsetScores]:
        neighbors, by_csls = nearest_with_csls(vectors[0], vectors[1], K, CSLS_K)
        texts = [text_classes(side.sentences) for side in sides]
        return [
            _xsim_scores(pair, data, neighbors, by_csls.forward, texts[1]),
            _xsim_scores(pair.reversed, data, neighbors.reversed, by_csls.backward, texts[0]),
        ]

    def summarize(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return the overall mean, the mean for each language (as source and target), and the N x N matrix."""
        errors = {(str(s.languages[0]), str(s.languages[1])): s.scores["xsim"] for s in subsets}
        codes = sorted({code for pair in errors for code in pair})
        per_language = {
            code: float(np.mean([e for pair, e in errors.items() if code in pair and e is not None])) for code in codes
        }
        misses = np.mean([~s.outcomes["forward"]["hit"] for s in subsets], axis=0)
        return {
            "xsim": {
                "mean": float(misses.mean()),
                "interval": mean_interval(misses, judgements=len(subsets)),
                "subsets": len(subsets),
            },
            "xsim_per_language": per_language,
            "xsim_matrix": {"languages": codes, "rows": [[errors.get((a, b)) for b in codes] for a in codes]},
        }


def _xsim_scores(
    pair: LangPair, data: Provenance, neighbors: Neighbors, by_csls: NDArray[np.int64], texts: NDArray[np.int64]
) -> SubsetScores:
    """Score one direction of a pair. `by_csls` has the best targets, `texts` the text class of each target row."""
    winners = {margin: best_candidates(neighbors, margin, texts) for margin in NEAR_MARGINS}
    best = winners["ratio"]
    hit = texts[best.indices] == texts
    n = len(hit)
    scores: dict[str, float | None] = {"xsim": float((~hit).mean())}
    for name in ("distance", "absolute"):
        scores[f"xsim_{name}"] = float((texts[winners[name].indices] != texts).mean())
    scores["xsim_csls"] = float((texts[by_csls] != texts).mean())
    scores["xsim_by_row"] = float((best.indices != np.arange(n)).mean())
    return SubsetScores(
        subset=pair.flores,
        languages=(pair.source, pair.target),
        main_score="xsim",
        scores=scores,
        intervals={"xsim": mean_interval((~hit).astype(np.float64))},
        n=n,
        signature=_signature(pair),
        data=data,
        outcomes={"forward": _outcomes(best, hit)},
        flores_codes=True,
    )


def _outcomes(best: BestCandidate, hit: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Return for each sentence: hit, best candidate, its ratio margin, and its lead (negative for a miss).

    The lead is over the best candidate with another text, so copies of the translation do not reduce it.
    """
    return {
        "hit": hit,
        "neighbor": best.indices.astype(np.int32),
        "score": best.scores.astype(np.float32),
        "margin": np.where(hit, best.leads, -best.leads).astype(np.float32),
    }


@dataclass(frozen=True, slots=True)
class XSimPlusPlus(BitextTask):
    """xSIM++ (Chen et al. 2023, arXiv:2306.12907): xSIM with altered copies of the targets among the candidates.

    The target languages are those with an augmented file; the sources are all other languages. Texts are compared, as
    in LASER. Each error is counted by the kind of alteration that won, or as "misaligned" (another sentence).
    """

    split: str = "devtest"
    lower_is_better: bool = True

    def load(self, source: Source, languages: Languages) -> list[ScoringUnit]:
        """Load one unit for each ordered pair whose target has an augmented file."""
        chosen = select_languages(source.languages(self.collection), languages)
        augmented = self._augmented(source, chosen)
        lines = _read_lines(source, self.collection, chosen)
        sides = {x: SentenceSet(lines[x].sentences, x) for x in chosen}
        units = []
        for target, altered in augmented.items():
            candidates = SentenceSet(lines[target].sentences + altered.sentences, target)
            for x in chosen:
                if x != target:
                    both = _join(lines[x], lines[target])
                    data = Provenance.joined(benchmark_of(altered.data.version), [both, altered.data])
                    pair = LangPair(x, target)
                    score = partial(self._score, pair, altered, candidates.sentences, data)
                    search = RetrievalSpec(pair.flores, "forward", sides[x], candidates, data)
                    units.append(ScoringUnit((sides[x], candidates), score, (search,)))
        return units

    def _augmented(self, source: Source, chosen: Sequence[Language]) -> dict[Language, AugmentedLines]:
        found: dict[Language, AugmentedLines] = {}
        missing: MissingData | None = None
        for language in chosen:
            try:
                found[language] = source.augmented(self.collection, language)
            except IncompleteData:
                raise
            except MissingData as error:
                missing = missing or error
        if not found or len(chosen) < 2:
            raise missing or MissingData(f"{self.name} needs two languages and an augmented file for one")
        return found

    def _score(
        self,
        pair: LangPair,
        altered: AugmentedLines,
        candidates: tuple[str, ...],
        data: Provenance,
        vectors: Sequence[Vectors],
    ) -> list[SubsetScores]:
        neighbors = search_bidirectional(vectors[0], vectors[1], MARGIN_K)
        texts = text_classes(candidates)
        best = best_candidates(neighbors, "ratio", texts)
        n = len(best.indices)
        hit = texts[best.indices] == texts[:n]
        kinds = Counter(
            _error_kind(altered, candidates[i], candidates[j])
            for i, j in enumerate(best.indices.tolist())
            if not hit[i]
        )
        return [
            SubsetScores(
                subset=pair.flores,
                languages=(pair.source, pair.target),
                main_score="xsimpp",
                scores={"xsimpp": float((~hit).mean())},
                intervals={"xsimpp": mean_interval((~hit).astype(np.float64))},
                n=n,
                signature=_signature(pair),
                data=data,
                outcomes={"forward": _outcomes(best, hit)},
                details={"errors": dict(sorted(kinds.items())), "candidates": len(candidates)},
                flores_codes=True,
            )
        ]

    def summarize(self, subsets: Sequence[SubsetScores]) -> dict[str, Any]:
        """Return the mean error rate and the number of errors of each kind."""
        kinds: Counter[str] = Counter()
        for subset in subsets:
            kinds.update(subset.details["errors"])
        return {"xsimpp": mean_score(subsets, "xsimpp"), "errors": dict(sorted(kinds.items()))}


def _error_kind(altered: AugmentedLines, gold: str, found: str) -> str:
    origin, kind = altered.origin.get(found, ("", ""))
    return kind if origin == gold else "misaligned"


def _join(first: ParallelLines, second: ParallelLines) -> Provenance:
    # Sorted, so that x-y and y-x have the same data name.
    parts = sorted([first.data, second.data], key=lambda data: data.sha256)
    return Provenance.joined(benchmark_of(first.data.version), parts)


def _signature(pair: LangPair) -> dict[str, str]:
    return {"pair": str(pair), "dir": "forward", "match": "text", "margin": "ratio", "k": str(MARGIN_K)}


def _read_lines(source: Source, collection: str, chosen: Sequence[Language]) -> dict[Language, ParallelLines]:
    """Read the lines of each language.

    Raises:
        UserError: two languages have different numbers of lines.
    """
    lines = {language: source.aligned(collection, language) for language in chosen}
    counts = {language: len(x.sentences) for language, x in lines.items()}
    first = next(iter(counts))
    for language, count in counts.items():
        if count != counts[first]:
            raise UserError(
                f"{language.flores} has {count:,} lines and {first.flores} has {counts[first]:,}: "
                "expected line i to have the same meaning in every language"
            )
    return lines


TASKS = (
    XSim("FLORES-200", "flores200", "xSIM error rate over every ordered pair, FLORES-200 devtest"),
    XSim("FLORES-200-dev", "flores200-dev", "for choosing settings: xSIM error rate, FLORES-200 dev", split="dev"),
    XSim("Mini-xSIM", "mini", "xSIM error rate in the built-in set", split="test"),
    XSimPlusPlus("FLORES-200-xsimpp", "flores200", "xSIM++ error rate, against altered copies of the targets"),
    XSimPlusPlus("Mini-xSIMpp", "mini", "xSIM++ error rate in the built-in set, against its near misses", split="test"),
)
