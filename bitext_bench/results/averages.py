"""The averages of the paper. An average has a value only if all its members have been scored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .records import TaskResult


@dataclass(frozen=True, slots=True)
class Average:
    """A mean over subsets of tasks.

    Attributes:
        members: (task, subset, score) for each member.
        lower_is_better: true for error rates.
    """

    name: str
    members: tuple[tuple[str, str, str], ...]
    lower_is_better: bool = False


@dataclass(frozen=True, slots=True)
class AverageValue:
    """The value of an average, or None and the missing members."""

    average: Average
    value: float | None
    missing: tuple[str, ...]


_TATOEBA = {"en-fr": "fra-eng", "en-ja": "jpn-eng", "en-ko": "kor-eng", "en-ru": "rus-eng"}
_BUCC = {"en-fr": "fr-en", "en-ru": "ru-en"}
_FLORES = ("eng_Latn", "fra_Latn", "jpn_Jpan", "kor_Hang", "rus_Cyrl")
_STS_EN = (
    *((f"STS{year}", "default") for year in range(12, 17)),
    ("STS17", "en-en"),
    ("STS22", "en"),
    ("STSBenchmark", "default"),
)

# Scores that the paper's tables show for a single pair instead of the mean. STS (xx) is for the language other than
# English. There is no STS for Japanese, and no BUCC for Japanese and Korean.
PAIR_TATOEBA = {pair: Average("Tatoeba (en-xx)", (("Tatoeba", name, "accuracy"),)) for pair, name in _TATOEBA.items()}
PAIR_BUCC = {pair: Average("BUCC (en-xx)", (("BUCC.v2", name, "accuracy"),)) for pair, name in _BUCC.items()}
PAIR_STS = {
    "en-ko": Average("STS (ko)", (("STS17", "ko-ko", "cosine_spearman"),)),
    "en-fr": Average("STS (fr)", (("STS22", "fr", "cosine_spearman"),)),
    "en-ru": Average("STS (ru)", (("STS22", "ru", "cosine_spearman"),)),
}

# Park et al. 2024, section 4.2: the languages are en, fr, ja, ko, ru.
PAPER_AVERAGES = (
    Average("Tatoeba", tuple(("Tatoeba", name, "accuracy") for name in _TATOEBA.values())),
    Average("BUCC", tuple(("BUCC.v2", name, "accuracy") for name in _BUCC.values())),
    Average(
        "FLORES-200 xSIM",
        tuple(("FLORES-200", f"{a}-{b}", "xsim") for a in _FLORES for b in _FLORES if a != b),
        lower_is_better=True,
    ),
    Average("STS (en)", tuple((task, subset, "cosine_spearman") for task, subset in _STS_EN)),
    *PAIR_STS.values(),
    Average("STS (en-fr)", (("STS17", "fr-en", "cosine_spearman"),)),
)


def compute(average: Average, results: Iterable[TaskResult]) -> AverageValue:
    """Return an average over the results of one model; its value is None if a member is missing.

    Results on other data in a benchmark's layout do not count; a BUCC-like corpus has its own task name.
    """
    scores = {
        (result.task, subset.subset, name): value
        for result in results
        if result.has_own_name
        for subset in result.subsets
        for name, value in subset.scores.items()
    }
    values = {member: scores.get(member) for member in average.members}
    missing = tuple(f"{task} {subset}" for (task, subset, _), value in values.items() if value is None)
    present = [value for value in values.values() if value is not None]
    return AverageValue(average, None if missing else sum(present) / len(present), missing)
