"""The language codes in result files are those that mteb has for the same subset of the same task."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from builders import write

from bitext_bench.data import open_source
from bitext_bench.languages import languages, resolve
from bitext_bench.results.records import subset_result
from bitext_bench.scoring.neighbors import normalize
from bitext_bench.tasks import TASKS, ScoringUnit
from bitext_bench.tasks.sts import Sts

LINES = ["one", "two", "three", "four"]


def written(units: Iterable[ScoringUnit]) -> dict[str, list[str]]:
    """Return subset -> languages as they are in a result file, of any vectors."""
    vectors = normalize(np.eye(4))
    entries = [subset_result(scores, "") for work in units for scores in work.score([vectors] * len(work.sides))]
    return {entry.subset: entry.languages for entry in entries}


def of_mteb(task: str) -> dict[str, list[str]]:
    """Return subset -> languages as the installed mteb has them."""
    import mteb

    return {name: list(codes) for name, codes in mteb.get_task(task).metadata.hf_subsets_to_langscripts.items()}


def tatoeba(root: Path) -> dict[str, list[str]]:
    for code in (x.tatoeba for x in languages().values() if x.tatoeba not in ("", "eng")):
        for side in (code, "eng"):
            write(root / f"tatoeba/v1/tatoeba.{code}-eng.{side}", LINES)
    return written(TASKS["Tatoeba"].load(open_source(str(root)), None))


def bucc(root: Path) -> dict[str, list[str]]:
    for code in ("de", "fr", "ru", "zh"):
        stem = f"bucc2018/{code}-en/{code}-en.test"
        for side in (code, "en"):
            write(root / f"{stem}.{side}", [f"{side}-{i}\t{line}" for i, line in enumerate(LINES)])
        write(root / f"{stem}.gold", [f"{code}-{i}\ten-{i}" for i in range(4)])
    return written(TASKS["BUCC.v2"].load(open_source(str(root)), None))


@pytest.mark.parametrize(("task", "ours"), [("Tatoeba", tatoeba), ("BUCC.v2", bucc), ("BUCC", bucc)])
def test_codes_of_pairs_with_english(task: str, ours: Callable[[Path], dict[str, list[str]]], tmp_path: Path) -> None:
    assert ours(tmp_path) == of_mteb(task)


def test_codes_of_all_flores_languages(tmp_path: Path) -> None:
    codes = [x.flores for x in languages().values() if x.flores]
    for code in codes:
        write(tmp_path / f"flores200_dataset/devtest/{code}.devtest", LINES)
    source, english = open_source(str(tmp_path)), resolve("en")
    units = TASKS["FLORES-200"].load(source, None)
    ours = written(work for work in units if english in (side.language for side in work.sides))
    theirs = of_mteb("FloresBitextMining")
    assert len(theirs) == 2 * len(units)
    assert ours == {subset: pair for subset, pair in theirs.items() if "eng_Latn" in subset.split("-")}
    assert len(ours) == 2 * 203


MTEB_HAS = [task.name for task in TASKS.values() if isinstance(task, Sts) and not task.name.endswith(("-dev", "-STS"))]


@pytest.mark.parametrize("name", MTEB_HAS)
def test_codes_of_sts_subsets(name: str, tmp_path: Path) -> None:
    task = TASKS[name]
    assert isinstance(task, Sts)
    for subset in task.subsets:
        rows = [f"{i}.0\t{line}\t{line}" for i, line in enumerate(LINES)]
        write(tmp_path / f"sts/{name}/{subset}.{task.split}.tsv", ["score\tsentence1\tsentence2", *rows])
    ours, theirs = written(task.load(open_source(str(tmp_path)), None)), of_mteb(name)
    if name == "STSBenchmarkMultilingualSTS":
        assert ours.pop("ja") == ["jpn-Jpan"]  # which mteb's task lacks
    assert ours == theirs
