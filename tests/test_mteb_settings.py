"""A saved model's similarity and prompts, beside a real evaluation by mteb of the same model on the same rows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import BERT, MODERN_BERT, WORDS, edit, make_saved

from bitext_bench.data import Bitext, Provenance, ScoredPairs
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.languages import LangPair, Language, resolve
from bitext_bench.results.evaluation import evaluate, load_tasks
from bitext_bench.results.records import SubsetResult
from bitext_bench.scoring.neighbors import Vectors
from bitext_bench.scoring.similarity import SIMILARITIES, Similarity, most_similar
from bitext_bench.tasks import TASKS, mteb_task_name

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # mteb copies a tensor from a tensor, and warns of prompts that it has no use for.
    pytest.mark.filterwarnings("ignore:To copy construct:UserWarning"),
    pytest.mark.filterwarnings("ignore:SentenceTransformers that use prompts:UserWarning"),
    pytest.mark.filterwarnings("ignore:Task name .* is not valid:UserWarning"),
    pytest.mark.filterwarnings("ignore:Some prompts are not in the expected format:UserWarning"),
]
N = 250  # mteb compares 100 at a time; the last block is a small one


def texts(seed: int) -> tuple[str, ...]:
    choose = random.Random(seed)
    return tuple(f"{' '.join(choose.choices(WORDS, k=choose.randint(12, 15)))}" for _ in range(N))


def noisy(originals: tuple[str, ...], seed: int) -> tuple[str, ...]:
    """Change some words of each text and add one, so that some are found again, some are not, and none is the same.

    Of equal texts mteb's cosines are 1 or nearly, by the last bit of float32, and rank differently; ours are equal.
    """
    choose = random.Random(seed)
    changed = (" ".join(choose.choice(WORDS) if choose.random() < 0.3 else w for w in t.split()) for t in originals)
    return tuple(f"{text} {choose.choice(WORDS)}" for text in changed)


FIRST = texts(1)
SECOND = noisy(FIRST, 2)
GOLD = tuple(random.Random(3).choices([x / 2 for x in range(11)], k=N))
DATA = Provenance("test", "0" * 64)


class Given:
    """A source of one data set in French."""

    name = "given"

    def languages(self, collection: str) -> list[Language]:
        return [resolve("fr")]

    def parallel(self, collection: str, language: Language) -> Any:
        return Bitext(FIRST, SECOND, DATA)

    def scored(self, collection: str, subset: str, pair: LangPair, split: str) -> Any:
        return ScoredPairs(FIRST, SECOND, GOLD, DATA)


def ours(folder: Path, cache: Path, task: str, **options: Any) -> SubsetResult:
    embedder = Embedder(resolve_model(str(folder), ModelOptions(device="cpu", **options)), cache)
    loaded = load_tasks([TASKS[task]], Given(), None, lambda task, error: pytest.fail(str(error)))
    ((result, _),) = evaluate(embedder, loaded)
    (subset,) = result.subsets
    return subset


def theirs(folder: Path, name: str, **settings: Any) -> dict[str, float]:
    """Evaluate with mteb: its wrapper of sentence-transformers, its task, and our rows in place of the hub's."""
    import mteb
    from datasets import Dataset, DatasetDict
    from mteb.models import SentenceTransformerEncoderWrapper
    from sentence_transformers import SentenceTransformer

    subset = {"Tatoeba": "fra-eng"}.get(name, "default")
    task = mteb.get_task(name, hf_subsets=None if subset == "default" else [subset])
    split = task.metadata.eval_splits[-1]
    rows: dict[str, Any] = {"sentence1": FIRST, "sentence2": SECOND, "score": GOLD}
    data = DatasetDict({split: Dataset.from_dict(rows)})
    task.dataset = data if subset == "default" else {subset: data}
    task.data_loaded = True
    model = SentenceTransformerEncoderWrapper(SentenceTransformer(str(folder), device="cpu"))
    keywords = {"batch_size": 32, "show_progress_bar": False}
    scores: dict[str, float] = task.evaluate(model, split, subsets_to_run=[subset], encode_kwargs=keywords)[subset]
    return scores


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A model whose vectors differ in length."""
    folder = make_saved(tmp_path_factory.mktemp("settings") / "model", BERT)
    stretch(folder)
    return folder


def stretch(folder: Path) -> None:
    """Have words count more than their places, and dimensions differ in size, so that similarities disagree."""
    import torch
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    weights = load_file(file)
    for name in weights:
        if name.endswith("output.LayerNorm.weight"):
            weights[name] = weights[name] * torch.linspace(0.5, 2, len(weights[name]))
        elif name.endswith(("position_embeddings.weight", "token_type_embeddings.weight")):
            weights[name] = weights[name] * 0.01
    save_file(weights, file, metadata={"format": "pt"})


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_scores_with_mtebs_meaning_follow_the_models_similarity(
    saved: Path, tmp_path: Path, similarity: Similarity
) -> None:
    edit(saved / "config_sentence_transformers.json", similarity_fn_name=similarity)
    found, expected = ours(saved, tmp_path, "Tatoeba"), theirs(saved, "Tatoeba")
    assert found.scores["mteb_accuracy"] == pytest.approx(expected["accuracy"], abs=1e-9)
    assert found.scores["mteb_f1"] == pytest.approx(expected["f1"], abs=1e-9)
    assert 0 < expected["f1"] < expected["accuracy"] < 1  # the scores tell something
    assert ("mtebsim:" in found.signature, f"mtebsim:{similarity}" in found.signature) == (similarity != "cosine",) * 2


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_mtebs_main_score_of_sts_is_the_cosines_whatever_the_model_names(
    saved: Path, tmp_path: Path, similarity: Similarity
) -> None:
    edit(saved / "config_sentence_transformers.json", similarity_fn_name=similarity)
    found = ours(saved, tmp_path, "STS12")
    if similarity in ("euclidean", "manhattan"):
        with pytest.raises(ValueError, match="Similarity function not specified"):
            theirs(saved, "STS12")  # mteb 2.26 gives such models no score of STS at all.
        edit(saved / "config_sentence_transformers.json", similarity_fn_name="cosine")
    assert found.scores["cosine_spearman"] == pytest.approx(theirs(saved, "STS12")["main_score"], abs=1e-9)
    assert "mtebsim" not in found.signature


def test_our_own_scores_stay_cosines(saved: Path, tmp_path: Path) -> None:
    scores = {}
    for similarity in SIMILARITIES:
        edit(saved / "config_sentence_transformers.json", similarity_fn_name=similarity)
        scores[similarity] = ours(saved, tmp_path, "Tatoeba").scores
    own = {name for name in scores["cosine"] if not name.startswith("mteb_")}
    for similarity in SIMILARITIES:
        assert {name: scores[similarity][name] for name in own} == {name: scores["cosine"][name] for name in own}
    assert len({scores[similarity]["mteb_accuracy"] for similarity in SIMILARITIES}) > 1  # or nothing was tested


PROMPTS: list[dict[str, Any]] = [
    {"prompts": {"Tatoeba": "the red ", "BitextMining": "dog "}},
    {"prompts": {"STS12": "the red ", "STS": "dog "}},
    {"prompts": {"BitextMining": "dog ", "STS": "house "}},
    {"prompts": {"Tatoeba-query": "the red ", "query": "house ", "document": "mat "}},
    {"prompts": {"STS13": "the red ", "plain": "mat "}, "default_prompt_name": "plain"},
    {"prompts": {"STS12": "", "Tatoeba": "", "plain": "mat "}, "default_prompt_name": "plain"},
]


@pytest.mark.parametrize("config", PROMPTS)
@pytest.mark.parametrize("task", ["Tatoeba", "STS12"])
def test_prompts_are_chosen_as_mteb_chooses_them(
    saved: Path, tmp_path: Path, task: str, config: dict[str, Any]
) -> None:
    usual = {"default_prompt_name": None, "similarity_fn_name": "dot"}
    edit(saved / "config_sentence_transformers.json", **{**usual, **config})
    found, expected = ours(saved, tmp_path, task), theirs(saved, task)
    if task == "Tatoeba":
        assert found.scores["mteb_accuracy"] == pytest.approx(expected["accuracy"], abs=1e-9)
        assert found.scores["mteb_f1"] == pytest.approx(expected["f1"], abs=1e-9)
    else:
        assert found.scores["cosine_spearman"] == pytest.approx(expected["main_score"], abs=1e-9)


def test_the_prompt_that_was_used_is_in_the_signature(saved: Path, tmp_path: Path) -> None:
    prompts = {"Tatoeba": "t: ", "BitextMining": "b: ", "STSBenchmark": "s: ", "FloresBitextMining": "f: "}
    edit(saved / "config_sentence_transformers.json", prompts=prompts, default_prompt_name=None)
    assert '|prompt:"t: "|' in ours(saved, tmp_path, "Tatoeba").signature
    assert '|prompt:"b: "|' in ours(saved, tmp_path, "BUCC.v2").signature
    assert '|prompt:"s: "|' in ours(saved, tmp_path, "STSBenchmark-dev").signature
    assert '|prompt:""|' in ours(saved, tmp_path, "STS12").signature
    assert '|prompt:"x: "|' in ours(saved, tmp_path, "Tatoeba", prompt="x: ").signature
    model = resolve_model(str(saved), ModelOptions())
    assert model.prompts.for_task(mteb_task_name("FLORES-200"), "bitext") == "f: "
    assert (model.prompts.bitext, model.prompts.sts, model.overrides) == ("b: ", "", ())


def test_names_are_mtebs() -> None:
    """A prompt is looked up under the name that mteb has for a task's data, where it has them."""
    from mteb import get_task

    own = {"BUCC-mining", "BUCC-style", "BUCC-style-mining", "KorSTS"}
    for task in TASKS:
        if not task.startswith("Mini-") and mteb_task_name(task) not in own:
            assert get_task(mteb_task_name(task)).metadata.name == mteb_task_name(task)


@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("n", [1, 24, 100, 137])
def test_the_most_similar_is_that_of_sentence_transformers(similarity: Similarity, n: int) -> None:
    from sentence_transformers.util import SimilarityFunction

    generator = np.random.default_rng(n)
    one, other = (generator.standard_normal((rows, 8)).astype(np.float32) for rows in (n, n + 3))
    expected = SimilarityFunction.to_similarity_fn(similarity)(one, other).argmax(dim=1).numpy()
    assert most_similar(similarity, one, other).tolist() == expected.tolist()


@pytest.mark.parametrize("pooling", [None, "cls"])
def test_vectors_are_cut_where_the_model_says(tmp_path: Path, pooling: str | None) -> None:
    """`truncate_dim`, which sentence-transformers' `encode` follows, and so MTEB."""
    from sentence_transformers import SentenceTransformer

    folder = make_saved(tmp_path / "model", MODERN_BERT)
    edit(folder / "config_sentence_transformers.json", truncate_dim=8)
    encoder = resolve_model(str(folder), ModelOptions(device="cpu", pooling=pooling)).load()
    reference = SentenceTransformer(str(folder), device="cpu")
    if pooling:
        reference[1].pooling_mode = pooling
    vectors: Vectors = encoder.encode(FIRST[:5], "", None)
    np.testing.assert_allclose(vectors, reference.encode(list(FIRST[:5])), atol=2e-6)
    assert vectors.shape == (5, 8)
