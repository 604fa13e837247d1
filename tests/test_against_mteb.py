"""The scores that are named after MTEB's equal those of mteb's own evaluation of the same vectors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bitext_bench.data import Bitext, Provenance, ScoredPairs, open_source
from bitext_bench.embeddings import Embedder, Texts
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.languages import LangPair, resolve
from bitext_bench.neighbours import Vectors, unit
from bitext_bench.tasks import find_task
from bitext_bench.tasks.retrieval import Retrieval
from bitext_bench.tasks.sts import Sts

# mteb copies a tensor from a tensor, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:To copy construct:UserWarning")

DATA = Path(__file__).parents[2] / "shared" / "data"
DATA_NAME = Provenance("test", "0" * 64)


class Lookup:
    """An encoder for mteb that gives each text the vector it was told."""

    def __init__(self, texts: Sequence[str], vectors: Vectors) -> None:
        from mteb.models import ModelMeta

        self._vector_of = dict(zip(texts, vectors, strict=True))
        self.mteb_model_meta = ModelMeta.create_empty({"name": "test/lookup", "revision": "1"})

    def encode(self, inputs: Any, **_: Any) -> NDArray[np.float32]:
        return np.stack([self._vector_of[text] for batch in inputs for text in batch["text"]])

    def similarity(self, first: Any, second: Any) -> Any:
        from mteb.similarity_functions import cos_sim

        return cos_sim(first, second)

    def similarity_pairwise(self, first: Any, second: Any) -> Any:
        from mteb.similarity_functions import pairwise_cos_sim

        return pairwise_cos_sim(first, second)


def mteb_scores(task_name: str, subset: str, rows: dict[str, list[Any]], encoder: Lookup) -> dict[str, float]:
    """Return what mteb.evaluate says of one subset, with our rows in place of the hub's."""
    import mteb
    from datasets import Dataset, DatasetDict

    task = mteb.get_task(task_name, hf_subsets=None if subset == "default" else [subset])
    split = task.metadata.eval_splits[-1]
    data = DatasetDict({split: Dataset.from_dict(rows)})
    task.dataset = data if subset == "default" else {subset: data}
    task.data_loaded = True
    result = mteb.evaluate(encoder, tasks=[task], cache=None, show_progress_bar=False)
    (scores,) = result.task_results[0].scores[split]
    return scores


def check_retrieval(pair: LangPair, bitext: Bitext, vectors: Sequence[Vectors]) -> None:
    task = find_task("Tatoeba")
    assert isinstance(task, Retrieval)
    (ours,) = task._unit(bitext, pair).score(vectors)
    texts = [f"s {t}" for t in bitext.source] + [f"t {t}" for t in bitext.target]
    rows = {"sentence1": texts[: len(bitext.source)], "sentence2": texts[len(bitext.source) :]}
    theirs = mteb_scores("Tatoeba", pair.tatoeba, rows, Lookup(texts, np.concatenate(vectors)))
    assert ours.scores["mteb_accuracy"] == pytest.approx(theirs["accuracy"], abs=1e-9)
    assert ours.scores["mteb_f1"] == pytest.approx(theirs["f1"], abs=1e-9)


def check_sts(mteb_name: str, subset: str, pairs: ScoredPairs, vectors: Sequence[Vectors]) -> None:
    (ours,) = Sts("x", {}, "x")._score("default", LangPair.parse("en-en"), pairs, vectors)
    # The same text can stand in several pairs: number them, as the vectors are by row.
    texts = [f"{i} {t}" for i, t in enumerate((*pairs.first, *pairs.second))]
    n = len(pairs.first)
    rows = {"sentence1": texts[:n], "sentence2": texts[n:], "score": list(pairs.scores)}
    theirs = mteb_scores(mteb_name, subset, rows, Lookup(texts, np.concatenate(vectors).astype(np.float64)))
    assert ours.scores["cosine_spearman"] == pytest.approx(theirs["cosine_spearman"], abs=1e-9)
    assert ours.scores["cosine_pearson"] == pytest.approx(theirs["cosine_pearson"], abs=1e-9)


def noisy_pair(n: int, seed: int) -> list[Vectors]:
    generator = np.random.default_rng(seed)
    meaning = generator.standard_normal((n, 24))
    return [unit(meaning + generator.standard_normal((n, 24))) for _ in range(2)]


@pytest.mark.parametrize("n", [2, 103, 400])
def test_retrieval_on_made_vectors(n: int) -> None:
    sentences = tuple(str(i) for i in range(n))
    check_retrieval(LangPair.parse("jpn-eng"), Bitext(sentences, sentences, DATA_NAME), noisy_pair(n, n))


def test_sts_on_made_vectors() -> None:
    generator = np.random.default_rng(1)
    sentences = tuple(str(i) for i in range(300))
    scores = tuple(float(x) for x in generator.integers(0, 11, 300) / 2)
    check_sts("STS12", "default", ScoredPairs(sentences, sentences, scores, DATA_NAME), noisy_pair(300, 2))


def embed(sentences: Sequence[str]) -> Vectors:
    """Vectors of a real encoder (mUSE), through the store."""
    cache = Path(os.environ.get("BITEXT_BENCH_CACHE") or Path.home() / ".cache" / "bitext-bench")
    embedder = Embedder(resolve_model("muse", ModelOptions()), cache)
    texts = Texts(tuple(sentences), None, "")
    embedder.encode([texts])
    return embedder.vectors(texts)


@pytest.mark.shared
@pytest.mark.models
@pytest.mark.parametrize("code", ["kor", "fra", "jpn", "rus", "deu", "cmn", "tel"])
def test_retrieval_on_real_tatoeba(code: str) -> None:
    language = resolve(code)
    bitext = open_source(str(DATA)).parallel("tatoeba", language)
    check_retrieval(LangPair(language, resolve("en")), bitext, [embed(bitext.source), embed(bitext.target)])


def real_sts_sets() -> list[tuple[str, str]]:
    return sorted((f.parent.name, f.name) for f in (DATA / "sts").glob("*/*.tsv")) if DATA.is_dir() else []


@pytest.mark.shared
@pytest.mark.models
@pytest.mark.parametrize(("name", "file"), real_sts_sets())
def test_sts_on_every_real_set(name: str, file: str) -> None:
    """The first 200 pairs of each file: the comparison is of formulas, and mUSE does 60 sentences a second."""
    stem, split, _ = file.split(".")
    pair = LangPair.parse(stem if "-" in stem else f"{stem}-{stem}")
    everything = open_source(str(DATA)).scored(name, stem, pair, split)
    pairs = ScoredPairs(everything.first[:200], everything.second[:200], everything.scores[:200], everything.data)
    check_sts("STS12", "default", pairs, [embed(pairs.first), embed(pairs.second)])
