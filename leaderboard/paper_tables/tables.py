"""The paper's Tables 1 to 6 as records: columns, rows, and the training that matches each row.

training/README.md has the command that trains each row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from bitext_bench.results.averages import PAIR_BUCC, PAIR_STS, PAIR_TATOEBA, PAPER_AVERAGES, Average

from ..entries.training_runs import Training

ByGroup = Mapping[str, Average]  # language pair of a group -> average; "" where a table has no groups


@dataclass(frozen=True, slots=True)
class ObjectiveFilter:
    """Conditions on a training; None accepts any value."""

    loss: str
    label: str | None = None
    tms: bool | None = None
    num_hard_negatives: int = 0  # at least

    def matches(self, training: Training) -> bool:
        """Whether a training meets the conditions."""
        return (
            not training.beyond
            and training.loss == self.loss
            and self.label in (None, training.label)
            and self.tms in (None, training.tms)
            and training.num_hard_negatives >= self.num_hard_negatives
        )


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A row of the paper.

    Attributes:
        group: the language pair of the row's group; "" if the table has no groups.
        labels: the labels in front of the scores, after the group.
        objective: conditions on the checkpoints; None for a model that was not trained here.
        pairs: the exact pairs of the checkpoints, in either direction.
        student, teacher: names without the organization, in lower case; "" matches any.
        registered: the registry's name of the model, for a row of an existing model. A row with neither this nor an
            objective is for the pretrained model: the initial student of its group's checkpoints.
    """

    group: str
    labels: tuple[str, ...]
    objective: ObjectiveFilter | None = None
    pairs: frozenset[str] = frozenset()
    student: str = ""
    teacher: str = ""
    registered: str = ""

    def matches(self, training: Training) -> bool:
        """Whether a checkpoint belongs to this row."""
        return (
            self.objective is not None
            and self.objective.matches(training)
            and training.pairs == {frozenset(pair.split("-")) for pair in self.pairs}
            and self.student in ("", training.student.short.casefold())
            and self.teacher in ("", training.teacher.short.casefold())
        )


@dataclass(frozen=True, slots=True)
class PaperColumn:
    """A column of the paper, or an additional one.

    Attributes:
        averages: the average for each group; a group without one has no such score.
        percent: show percent with two decimals instead of a fraction with three.
        instead: alternatives if the data of the column are not available; the first that most rows have is shown as a
            separate column.
    """

    name: str
    averages: ByGroup
    percent: bool = False
    instead: tuple[ByGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A table of the paper.

    Attributes:
        head: headings of the labels; with groups, the group's first.
        names_student: whether the first label of a measured row is its student's name.
        flags: the flags of `train` for one of the rows.
        by_student: put rows of different students into separate blocks, which are not compared.
        of_models: for a table of students and teachers, their training; measured models not in the paper get rows too.
    """

    title: str
    head: tuple[str, ...]
    columns: tuple[PaperColumn, ...]
    rows: tuple[PaperRow, ...]
    flags: str
    names_student: bool = False
    by_student: bool = True
    of_models: ObjectiveFilter | None = None

    @property
    def groups(self) -> list[str]:
        """The language pairs, in the paper's order; [""] if the table has no groups."""
        return list(dict.fromkeys(row.group for row in self.rows))


_PRIORITY = ObjectiveFilter("soft-contrastive", label="priority", tms=False)
_PRIORITY_TMS = ObjectiveFilter("soft-contrastive", label="priority", tms=True)
_AVERAGE = ObjectiveFilter("soft-contrastive", label="average", tms=False)
_HARD = ObjectiveFilter("soft-contrastive", label="hard", tms=False)
_MSE = ObjectiveFilter("embedding-mse")
_MUSE = ObjectiveFilter("translation-ranking", num_hard_negatives=1)

_PAIRS = ("en-ko", "en-fr", "en-ja", "en-ru")
_EN_XX = frozenset(_PAIRS)
_ALL = frozenset("-".join(pair) for pair in combinations(("en", "ko", "fr", "ja", "ru"), 2))
_FR_XX, _RU_XX = (frozenset(pair for pair in _ALL if language in pair.split("-")) for language in ("fr", "ru"))

_MODELS = {"mE5-base": "multilingual-e5-base", "XLM-R": "xlm-roberta-base"}  # XLM-R's size is not stated
_TEACHERS = {"mE5-base": "multilingual-e5-base", "E5-base": "e5-base", "MPNet": "all-mpnet-base-v2"}

_TABLE_1 = tuple(
    PaperRow(pair, (student, teacher), _PRIORITY, frozenset({pair}), _MODELS[student], _TEACHERS[teacher])
    for pair in ("en-ko", "en-fr")
    for student in _MODELS
    for teacher in _TEACHERS
)
_TABLE_2 = tuple(
    PaperRow(pair, (label,), objective, frozenset({pair}))
    for pair in _PAIRS
    for label, objective in (
        ("Soft Contrastive (Ours)", _PRIORITY_TMS),
        ("Hard Contrastive", _HARD),
        ("MSE (Reimers and Gurevych, 2020)", _MSE),
        ("mUSE (Yang et al., 2019)", _MUSE),
        ("Pretrained Model", None),
    )
)
_TABLE_3 = (
    PaperRow("", ("mE5-base", "Soft Contrastive (Ours)"), _PRIORITY_TMS, _EN_XX),
    PaperRow("", ("mE5-base", "MSE"), _MSE, _EN_XX),
    PaperRow("", ("mE5-base", "-")),
    PaperRow("", ("MPNet-multilingual", "-"), registered="paraphrase-multilingual-mpnet-base-v2"),
    PaperRow("", ("LASER2", "-"), registered="laser2"),
    PaperRow("", ("LaBSE", "-"), registered="labse"),
)
_TABLE_4 = tuple(
    PaperRow(pair, (label,), objective, frozenset({pair}))
    for pair in _PAIRS
    for label, objective in (
        ("Average", _AVERAGE),
        ("Priority", _PRIORITY),
        ("Priority + TMS", _PRIORITY_TMS),
        ("Pretrained Model", None),
    )
)
_TABLE_5 = (
    PaperRow("", ("Average", "All pairs"), _AVERAGE, _ALL),
    PaperRow("", ("Priority", "All pairs"), _PRIORITY, _ALL),
    PaperRow("", ("Priority + TMS", "All pairs"), _PRIORITY_TMS, _ALL),
    PaperRow("", ("Average", "en-xx"), _AVERAGE, _EN_XX),
    PaperRow("", ("Priority", "en-xx"), _PRIORITY, _EN_XX),
    PaperRow("", ("Priority + TMS", "en-xx"), _PRIORITY_TMS, _EN_XX),
    PaperRow("", ("Pretrained Model", "-")),
)
_TABLE_6 = (
    PaperRow("", ("en-xx, fr-xx",), _PRIORITY, _EN_XX | _FR_XX),
    PaperRow("", ("en-xx, ru-xx",), _PRIORITY, _EN_XX | _RU_XX),
)


def _sts(name: str, task: str, subset: str) -> Average:
    return Average(name, ((task, subset, "cosine_spearman"),))


_ALONE = {average.name: {"": average} for average in PAPER_AVERAGES}
_STS_EN = _ALONE["STS (en)"][""]
# Alternatives to the paper's scores, because STS22 and BUCC 2018 are not always available.
_STS_EN_7 = Average("STS (en) without STS22", tuple(m for m in _STS_EN.members if m[0] != "STS22"))
_STSB = _sts("STSBenchmark", "STSBenchmark", "default")
_KORSTS, _JSTS = _sts("KorSTS", "KorSTS", "default"), _sts("JSTS", "JSTS", "default")
_STSB_FR, _STSB_RU = (
    _sts(f"STSBenchmarkMultilingualSTS {code}", "STSBenchmarkMultilingualSTS", code) for code in ("fr", "ru")
)
_MINED_FR, _MINED_RU = (("BUCC-style-mining", f"{code}-en", "f1") for code in ("fr", "ru"))
_MINING = "BUCC-style mining F1"

_BUCC = ({"en-fr": Average(_MINING, (_MINED_FR,)), "en-ru": Average(_MINING, (_MINED_RU,))},)
_PAIR_COLUMNS = (
    PaperColumn("Tatoeba (en-xx)", PAIR_TATOEBA),
    PaperColumn("BUCC", PAIR_BUCC, instead=_BUCC),
    PaperColumn(
        "STS (en)",
        dict.fromkeys(_PAIRS, _STS_EN),
        instead=(dict.fromkeys(_PAIRS, _STS_EN_7), dict.fromkeys(_PAIRS, _STSB)),
    ),
    PaperColumn(
        "STS (xx)",
        PAIR_STS,
        instead=({"en-ko": _KORSTS, "en-fr": _STSB_FR, "en-ja": _JSTS, "en-ru": _STSB_RU},),
    ),
)
_BITEXT_COLUMNS = (
    PaperColumn("Tatoeba", _ALONE["Tatoeba"]),
    PaperColumn("BUCC", _ALONE["BUCC"], instead=({"": Average(_MINING, (_MINED_FR, _MINED_RU))},)),
    PaperColumn("FLORES-200", _ALONE["FLORES-200 xSIM"], percent=True),
)
_STS_COLUMNS = (
    PaperColumn("STS (en)", _ALONE["STS (en)"], instead=({"": _STS_EN_7}, {"": _STSB})),
    PaperColumn("STS (ko)", _ALONE["STS (ko)"], instead=({"": _KORSTS},)),
    PaperColumn("STS (fr)", _ALONE["STS (fr)"], instead=({"": _STSB_FR},)),
    PaperColumn("STS (ru)", _ALONE["STS (ru)"], instead=({"": _STSB_RU},)),
    PaperColumn("STS (en-fr)", _ALONE["STS (en-fr)"]),
)

PAPER_TABLES: Mapping[str, PaperTable] = {
    "table1": PaperTable(
        "student and teacher models, trained on one language pair without TMS",
        ("Lang", "Student Model", "Teacher Model"),
        (_PAIR_COLUMNS[0], PaperColumn("BUCC (en-xx)", PAIR_BUCC, instead=_BUCC), *_PAIR_COLUMNS[2:]),
        _TABLE_1,
        "--recipe paper-priority --pair en-ko",
        by_student=False,
        of_models=_PRIORITY,
    ),
    "table2": PaperTable(
        "losses, trained on one language pair", ("Lang", "Loss"), _PAIR_COLUMNS, _TABLE_2, "--recipe paper --pair en-ko"
    ),
    "table3": PaperTable(
        "existing models, and losses trained on en-ko, en-fr, en-ja and en-ru",
        ("Pretrained model", "Fine-tune loss"),
        _BITEXT_COLUMNS,
        _TABLE_3,
        "--recipe paper --languages en,ru,ja,fr,ko",
        names_student=True,
        by_student=False,
    ),
    "table4": PaperTable(
        "labels, trained on one language pair",
        ("Lang", "Loss"),
        _PAIR_COLUMNS,
        _TABLE_4,
        "--recipe paper-priority --pair en-ko",
    ),
    "table5": PaperTable(
        "labels, trained on several language pairs",
        ("Loss", "Parallel Corpus"),
        _BITEXT_COLUMNS,
        _TABLE_5,
        "--recipe paper-priority --languages en,ru,ja,fr,ko --pair-scheme all",
    ),
    "table6": PaperTable(
        "choices of language pairs, Priority without TMS",
        ("Data",),
        (*_STS_COLUMNS, *_BITEXT_COLUMNS),
        _TABLE_6,
        "--recipe paper-priority --pair en-ko,en-ja,en-ru,en-fr,fr-ko,fr-ja,fr-ru",
    ),
}
