"""Which data on disk are mteb's data set: compared with the statistics that mteb publishes of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bitext_bench.data import Source, official_subsets, open_source
from bitext_bench.languages import LangPair, resolve
from bitext_bench.results.mteb_scores import SAME_IN_MTEB, WITHOUT_LINE_ENDS

DATA = Path(__file__).parents[2] / "shared" / "data"
SAME = [(data, subset) for data, subsets in SAME_IN_MTEB.items() for subset in subsets]
ROWS = [  # task, subset, sha256
    *(("Tatoeba", *row) for row in official_subsets(WITHOUT_LINE_ENDS).items()),
    *((data.rpartition("-")[0], subset, official_subsets(data)[subset]) for data, subset in SAME),
]


def statistics(texts: Sequence[str], more: int = 0) -> dict[str, float]:
    """As mteb has them; `more` characters in every text."""
    lengths = [len(text) + more for text in texts]
    return {
        "total_text_length": sum(lengths),
        "min_text_length": min(lengths),
        "average_text_length": sum(lengths) / len(lengths),
        "max_text_length": max(lengths),
        "unique_texts": len(set(texts)),
    }


def of_mteb(task: str, subset: str) -> dict[str, Any]:
    import mteb

    (split,) = (split for split in mteb.get_task(task).metadata.eval_splits if split != "dev")
    found = mteb.get_task(task).metadata.descriptive_stats[split]
    return dict(found.get("hf_subset_descriptive_stats", {}).get(subset) or found)


def test_the_table_has_each_subset_once_and_mteb_has_them() -> None:
    import mteb

    assert len({row[:2] for row in ROWS}) == len(ROWS) == 123
    for task, subset, digest in ROWS:
        assert subset in mteb.get_task(task).metadata.hf_subsets
        assert len(digest) == 64


def read(source: Source, task: str, subset: str) -> tuple[Any, Any, Any]:
    """Return the two sides and the provenance."""
    if task == "Tatoeba":
        bitext = source.parallel("tatoeba", resolve(subset.split("-")[0]))
        return bitext.source, bitext.target, bitext.data
    pair = {"JSTS": "ja-ja", "STS17": subset}.get(task, f"{subset}-{subset}")
    pairs = source.scored(task, subset, LangPair.parse(pair), "validation" if task == "JSTS" else "test")
    return pairs.first, pairs.second, pairs.data


@pytest.mark.shared
@pytest.mark.parametrize("task", ["Tatoeba", "STS17", "JSTS", "STSBenchmarkMultilingualSTS"])
def test_the_data_have_the_statistics_of_mtebs(task: str) -> None:
    """Tatoeba's sentences have one character more there; all else is the same."""
    source = open_source(str(DATA))
    for subset, digest in ((row[1], row[2]) for row in ROWS if row[0] == task):
        first, second, data = read(source, task, subset)
        assert data.sha256 == digest
        theirs, more = of_mteb(task, subset), int(task == "Tatoeba")
        names = ("sentence1_statistics", "sentence2_statistics") if more else ("text1_statistics", "text2_statistics")
        assert theirs["num_samples"] == len(first)
        assert theirs["unique_pairs"] == len(set(zip(first, second, strict=True)))
        for name, side in zip(names, (first, second), strict=True):
            assert theirs[name] == pytest.approx(statistics(side, more))


@pytest.mark.shared
@pytest.mark.parametrize("task", ["STS12", "STS13", "STS14", "STS15", "STS16", "STSBenchmark", "KorSTS"])
def test_data_that_differ_from_mtebs_are_not_in_the_table(task: str) -> None:
    source = open_source(str(DATA))
    pair = "ko-ko" if task == "KorSTS" else "en-en"
    pairs = source.scored(task, "default", LangPair.parse(pair), "test")
    theirs = of_mteb(task, "default")
    sides = [theirs["text1_statistics"], theirs["text2_statistics"]]
    assert sides != [statistics(pairs.first), statistics(pairs.second)]
    assert task not in {row[0] for row in ROWS}
