"""Convert results to mteb's: scores with MTEB's names and definitions, or the reason why that is impossible.

Bitext mining: accuracy, f1, precision and recall of the nearest target of each source sentence, by row number. STS:
cosine_spearman and cosine_pearson. Scores that a result does not contain, such as manhattan_spearman, are omitted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import official_subsets
from ..errors import UserError, list_some
from ..io.terminal import quiet_mteb
from ..scoring.metrics import mteb_precision
from ..tasks import OF_MTEB
from .mteb_fields import by_mteb_names
from .records import Outcomes, SubsetResult, TaskResult, signature_fields

# Tolerance between the accuracy of the outcomes and that of the file: both are sums of the same hits.
_SAME = 1e-9
# Official data compared with mteb's own statistics (tests/test_mteb_data.py): the subsets that are identical in mteb's
# data set, and the data without mteb's line end after each sentence.
SAME_IN_MTEB: Mapping[str, tuple[str, ...]] = {
    "JSTS-validation": ("default",),
    "STS17-test": ("en-en",),
    "STSBenchmarkMultilingualSTS-test": ("de", "es", "fr", "it", "nl", "pl", "pt", "ru", "zh"),
}
WITHOUT_LINE_ENDS = "tatoeba-v1"


@dataclass(frozen=True, slots=True)
class ConvertedResult:
    """A result in mteb's format.

    Attributes:
        result: a `mteb.results.TaskResult`.
        notes: differences that a reader should know.
        left_out: omitted subsets, with the reason.
    """

    result: Any
    notes: list[str]
    left_out: list[str]


def convert(result: TaskResult, read: Callable[[], Outcomes]) -> ConvertedResult:
    """Convert a result to mteb's format, with mteb's language codes and the revision of mteb's data set.

    Args:
        result: the stored result.
        read: reads the outcomes (only the neighbors are used); called only for bitext mining.

    Raises:
        UserError: mteb has no such task, or no subset can be converted.
    """
    from mteb.results import TaskResult as MtebTaskResult

    task = _task(result)
    outcomes = read() if task.metadata.type == "BitextMining" else {}
    scores: dict[str, dict[str, float]] = {}
    notes: dict[str, list[str]] = {}
    reasons: dict[str, list[str]] = {}
    for subset in result.subsets:
        try:
            note = _check(task, subset)
            scores[subset.subset] = _scores(task, subset, outcomes)
            notes.setdefault(note, []).append(subset.subset)
        except UserError as error:
            reasons.setdefault(str(error), []).append(subset.subset)
    left_out = [f"{result.task} {list_some(names, 3)}: {reason}" for reason, names in reasons.items()]
    if not scores:
        raise UserError("; ".join(left_out))
    with quiet_mteb():
        converted = MtebTaskResult.from_task_results(
            task,
            {result.split: scores},
            evaluation_time=None,  # mteb's includes the encoding, ours does not
            date=datetime.fromisoformat(result.date) if result.date else None,
        )
    return ConvertedResult(
        converted, [f"{result.task} {list_some(names, 3)}: {note}" for note, names in notes.items() if note], left_out
    )


def _task(result: TaskResult) -> Any:  # noqa: ANN401 (mteb's tasks are untyped here)
    """Return mteb's task of the same name if the result determines its scores."""
    import mteb

    if result.task.startswith("FLORES-200"):
        raise UserError(
            f"{result.task}: MTEB ranks by cosine, but the outcomes have the best candidates by ratio margin"
        )
    try:
        with quiet_mteb():
            task = mteb.get_task(result.task.removeprefix(OF_MTEB).removesuffix(f"-{result.split}"))
    except (KeyError, ValueError) as error:
        raise UserError(f"{result.task}: mteb has no such task") from error
    if result.split not in task.metadata.eval_splits:
        raise UserError(f"{result.task}: mteb reports {', '.join(task.metadata.eval_splits)}, not {result.split}")
    return task


def _check(task: Any, subset: SubsetResult) -> str:  # noqa: ANN401
    """Return a note about the data of a subset; "" if they are identical to mteb's.

    Raises:
        UserError: mteb does not have the subset or has other data, or the model was trained on it.
    """
    said = signature_fields(subset.signature)
    if subset.subset not in task.metadata.hf_subsets:
        raise UserError("mteb has no such subset")
    if said.get("contamination", "").endswith("training rows"):
        raise UserError(f"the model was trained on the benchmark ({said['contamination']})")
    name, _, digest = said.get("data", "").partition("@sha256:")
    revision = str(task.metadata.revision)
    if name.startswith("hub-"):
        given = name.removeprefix("hub-")
        if len(given) < 8 or not revision.startswith(given):
            raise UserError(
                f"scored on {name}, but mteb's task has revision {revision[:8]}: run it again with --data hub"
            )
        return ""
    official = official_subsets(name).get(subset.subset, "")[:12]
    compared = name == WITHOUT_LINE_ENDS or subset.subset in SAME_IN_MTEB.get(name, ())
    if not (compared and official and digest == official):
        raise UserError(f"scored on {name}, which differs from mteb's data set: run it again with --data hub")
    if name == WITHOUT_LINE_ENDS:
        return (
            f"scored on {name}; in mteb's data set each sentence ends with a line end: a model whose tokenizer keeps "
            "line ends has other scores there (--data hub gives them)"
        )
    return ""


def _scores(task: Any, subset: SubsetResult, outcomes: Outcomes) -> dict[str, float]:  # noqa: ANN401
    bitext = task.metadata.type == "BitextMining"
    scores = {name: float(x) for name, x in by_mteb_names(subset.scores).items() if x is not None}
    for name in ("f1", "accuracy") if bitext else ("cosine_spearman", "cosine_pearson"):
        if name not in scores:
            raise UserError(f"the result has no {name} by MTEB's definition")
    # With the model's own similarity (mtebsim) the outcomes differ, because they use the cosine.
    if bitext and "mtebsim" not in signature_fields(subset.signature):
        precision = _precision(subset, outcomes[subset.subset, "forward"]["neighbor"])
        scores |= {} if precision is None else {"precision": precision}
    return {**scores, "main_score": scores[task.metadata.main_score]}


def _precision(subset: SubsetResult, nearest: NDArray[np.int64]) -> float | None:
    """Return mteb's precision from the row number of each sentence's nearest target.

    None for a task of mteb with repeated targets: mteb may find another of two equal targets than the outcomes have.

    Raises:
        UserError: the outcomes give another accuracy.
    """
    accuracy = float((nearest == np.arange(len(nearest))).mean())
    if abs(accuracy - float(subset.scores["mteb_accuracy"] or 0)) <= _SAME:
        return mteb_precision(nearest)
    if "dataset" in signature_fields(subset.signature):
        return None
    raise UserError("the outcomes and the scores disagree: run the task again")
