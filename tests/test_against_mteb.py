"""The scores that are named after MTEB's equal those of mteb's own evaluation of the same vectors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bitext_bench.data import Bitext, Provenance, ScoredPairs, open_source
from bitext_bench.embedding.batching import TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.languages import LangPair, Language, resolve
from bitext_bench.scoring.neighbors import Vectors, normalize
from bitext_bench.tasks import TASKS, SubsetScores

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
    """Return what mteb's task says of one subset, with our rows in place of the hub's."""
    import mteb
    from datasets import Dataset, DatasetDict

    task = mteb.get_task(task_name, hf_subsets=None if subset == "default" else [subset])
    split = task.metadata.eval_splits[-1]
    data = DatasetDict({split: Dataset.from_dict(rows)})
    task.dataset = data if subset == "default" else {subset: data}
    task.data_loaded = True
    # Not by mteb.evaluate, which first imports sentence-transformers: four seconds, and the same evaluators.
    scores: dict[str, float] = task.evaluate(encoder, split, subsets_to_run=[subset], encode_kwargs={})[subset]
    return scores


class Given:
    """A source of one data set in one language."""

    name = "given"

    def __init__(self, language: Language, data: Bitext | ScoredPairs) -> None:
        self._language, self._data = language, data

    def languages(self, collection: str) -> list[Language]:
        return [self._language]

    def parallel(self, collection: str, language: Language) -> Any:
        return self._data

    def scored(self, collection: str, subset: str, pair: LangPair, split: str) -> Any:
        return self._data


def our_scores(task_name: str, source: Any, vectors: Sequence[Vectors]) -> SubsetScores:
    """Return what our task says of the same data: loaded and scored as `run` does."""
    (work,) = TASKS[task_name].load(source, None)
    (scores,) = work.score(vectors)
    return scores


def check_retrieval(language: Language, bitext: Bitext, vectors: Sequence[Vectors]) -> dict[str, float]:
    """Compare to 1e-9; returns mteb's scores."""
    ours = our_scores("Tatoeba", Given(language, bitext), vectors)
    # mteb asks for one text at a time: name them by row and side, as a text may have two vectors.
    texts = [
        f"{side} {i} {t}"
        for side, column in zip("st", (bitext.source, bitext.target), strict=True)
        for i, t in enumerate(column)
    ]
    rows = {"sentence1": texts[: len(bitext.source)], "sentence2": texts[len(bitext.source) :]}
    theirs = mteb_scores("Tatoeba", ours.subset, rows, Lookup(texts, np.concatenate(vectors)))
    assert ours.scores["mteb_accuracy"] == pytest.approx(theirs["accuracy"], abs=1e-9)
    assert ours.scores["mteb_f1"] == pytest.approx(theirs["f1"], abs=1e-9)
    return theirs


def check_sts(pairs: ScoredPairs, vectors: Sequence[Vectors], kind: Any = np.float64, within: float = 1e-9) -> None:
    ours = our_scores("STS12", Given(resolve("en"), pairs), vectors)
    texts = [f"{i} {t}" for i, t in enumerate((*pairs.first, *pairs.second))]
    n = len(pairs.first)
    rows: dict[str, list[Any]] = {"sentence1": texts[:n], "sentence2": texts[n:], "score": list(pairs.scores)}
    theirs = mteb_scores("STS12", "default", rows, Lookup(texts, np.concatenate(vectors).astype(kind)))
    for name in ("cosine_spearman", "cosine_pearson"):
        assert ours.scores[name] == pytest.approx(theirs[name], abs=within)


def noisy_pair(n: int, seed: int, noise: float = 1.0) -> list[Vectors]:
    """Rows with the same number mean the same; a common part, as real encoders have one."""
    generator = np.random.default_rng(seed)
    meaning = generator.standard_normal((n, 24)) + 0.5
    return [normalize(meaning + noise * generator.standard_normal((n, 24))) for _ in range(2)]


@pytest.mark.parametrize(("n", "noise"), [(2, 0.1), (103, 1.0), (400, 0.3), (400, 1.0), (250, 3.0)])
def test_retrieval_on_made_vectors(n: int, noise: float) -> None:
    """From all right to mostly wrong; 100 is where mteb starts another block of queries."""
    sentences = tuple(str(i) for i in range(n))
    theirs = check_retrieval(resolve("ja"), Bitext(sentences, sentences, DATA_NAME), noisy_pair(n, n, noise))
    if noise >= 1.0:
        assert 0 < theirs["f1"] < theirs["accuracy"] < 1  # the two are not one score under two names


def made_pairs(n: int) -> ScoredPairs:
    scores = tuple(float(x) for x in np.random.default_rng(1).integers(0, 11, n) / 2)
    sentences = tuple(str(i) for i in range(n))
    return ScoredPairs(sentences, sentences, scores, DATA_NAME)


def graded(pairs: ScoredPairs, seed: int) -> list[Vectors]:
    """Pairs of vectors that are the closer, the higher the score."""
    generator = np.random.default_rng(seed)
    first, other = generator.standard_normal((2, len(pairs.scores), 24))
    weight = np.array(pairs.scores)[:, None] / 5
    return [normalize(first), normalize(weight * first + other)]


@pytest.mark.parametrize("n", [5, 300, 1_000])
def test_sts_on_made_vectors(n: int) -> None:
    pairs = made_pairs(n)
    check_sts(pairs, graded(pairs, seed=n))


def test_sts_on_float32_vectors_as_encoders_return_them() -> None:
    """mteb's cosines are then float32, and pairs that are nearly equal change places: ours keep float64's."""
    pairs = made_pairs(1_000)
    check_sts(pairs, graded(pairs, seed=4), kind=np.float32, within=1e-5)


def embed(sentences: Sequence[str]) -> Vectors:
    """Vectors of a real encoder (all-MiniLM-L6-v2), through the store."""
    models = Path(os.environ.get("BITEXT_MODELS") or Path.home() / ".cache" / "bitext-models")
    cache = Path(os.environ.get("BITEXT_BENCH_CACHE") or Path.home() / ".cache" / "bitext-bench")
    embedder = Embedder(resolve_model(str(models / "minilm-l6"), ModelOptions(device="cpu")), cache)
    texts = TextGroup(tuple(sentences), None, "")
    embedder.encode([texts])
    return embedder.vectors(texts)


@pytest.mark.shared
@pytest.mark.models
@pytest.mark.parametrize("code", ["kor", "fra", "jpn", "rus", "deu", "cmn", "tel"])
def test_retrieval_on_real_tatoeba(code: str) -> None:
    language = resolve(code)
    bitext = open_source(str(DATA)).parallel("tatoeba", language)
    check_retrieval(language, bitext, [embed(bitext.source), embed(bitext.target)])


def real_sts_sets() -> list[tuple[str, str]]:
    """The files of the splits that are reported; the dev splits of the same sets would show nothing new."""
    files = (DATA / "sts").glob("*/*.tsv") if DATA.is_dir() else []
    return sorted((f.parent.name, f.name) for f in files if not f.name.endswith(".dev.tsv"))


@pytest.mark.shared
@pytest.mark.models
@pytest.mark.parametrize(("name", "file"), real_sts_sets())
def test_sts_on_every_real_set(name: str, file: str) -> None:
    stem, split, _ = file.split(".")
    pair = LangPair.parse(stem if "-" in stem else f"{stem}-{stem}")
    whole = open_source(str(DATA)).scored(name, stem, pair, split)
    n = 300  # enough for ties in the gold scores; to encode the rest takes many minutes
    pairs = replace(whole, first=whole.first[:n], second=whole.second[:n], scores=whole.scores[:n])
    check_sts(pairs, [embed(pairs.first), embed(pairs.second)])
