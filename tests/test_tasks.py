"""Contract of every task, and each family on vectors with known answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bitext_bench.data import Augmented, Bitext, Comparable, Lines, MissingData, Provenance, ScoredPairs
from bitext_bench.data.mini import MiniSource
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, Language, resolve
from bitext_bench.margin import MARGINS
from bitext_bench.neighbours import Vectors, unit
from bitext_bench.tasks import TASKS, Task, _index, find_task

DATA = Provenance("made", "0" * 64)
EN, FR, JA = resolve("en"), resolve("fr"), resolve("ja")


@pytest.mark.parametrize("name", TASKS)
def test_every_task_keeps_the_contract(name: str) -> None:
    task = TASKS[name]
    assert task.name == name
    assert name.replace("-", "").replace(".", "").isalnum()
    assert task.kind in ("bitext", "sts")
    assert task.split
    assert "\n" not in task.description
    assert find_task(name.lower().replace("-", " ")) is task


@pytest.mark.parametrize("name", [name for name in TASKS if name.startswith("Mini-")])
def test_every_mini_task_scores_random_vectors(name: str) -> None:
    task = TASKS[name]
    generator = np.random.default_rng(0)
    subsets = []
    for work in task.load(MiniSource(), [EN, FR, JA]):
        vectors = [unit(generator.standard_normal((len(side.sentences), 8))) for side in work.sides]
        subsets += work.score(vectors)
    assert len({s.subset for s in subsets}) == len(subsets) > 0
    for subset in subsets:
        assert subset.main_score in subset.scores
        low, high = subset.intervals[subset.main_score]
        value = subset.scores[subset.main_score]
        assert value is not None
        assert low - 1e-9 <= value <= high + 1e-9
        assert {"pair", "data"} <= subset.signature.keys()
        for columns in subset.outcomes.values():
            assert len({len(column) for column in columns.values()}) == 1
    assert task.summarise(subsets)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("flores200", "FLORES-200"),
        ("xsim", None),
        ("BUCC mining", "BUCC-mining"),
        ("flores-200-xsim++", "FLORES-200-xsimpp"),
    ],
)
def test_tasks_by_other_spellings(given: str, name: str | None) -> None:
    if name:
        assert find_task(given).name == name
    else:
        with pytest.raises(UserError, match="unknown task 'xsim'"):
            find_task(given)


def test_two_tasks_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two tasks are named"):
        _index([TASKS["Tatoeba"], TASKS["Tatoeba"]])


class Made:
    """A source that has just what a test gave it."""

    name = "made"

    def __init__(self, **data: Any) -> None:
        self._data = data

    def languages(self, collection: str) -> Sequence[Language]:
        return [EN, FR]

    def parallel(self, collection: str, language: Language) -> Bitext:
        return self._data["bitext"]

    def aligned(self, collection: str, language: Language) -> Lines:
        return self._data["lines"][language]

    def augmented(self, collection: str, language: Language) -> Augmented:
        if language != EN:
            raise MissingData("only en")
        return self._data["augmented"]

    def comparable(self, collection: str, pair: LangPair, split: str) -> Comparable:
        return self._data[split]

    def scored(self, collection: str, subset: str, pair: LangPair, split: str) -> ScoredPairs:
        return self._data["pairs"]


def rows(*vectors: Sequence[float]) -> Vectors:
    return unit(np.array(vectors, dtype=np.float64))


def score(task: Task, source: Made, vectors: Sequence[Vectors]) -> list[Any]:
    (work,) = task.load(source, None)
    return work.score(vectors)


def test_tatoeba_counts_equal_texts_and_both_directions() -> None:
    """Rows 0 and 1 have the same English text; row 2 is found from French but not from English."""
    source = Made(bitext=Bitext(("a", "b", "c"), ("same", "same", "other"), DATA))
    french = rows([1, 0, 0], [0.98, 0.2, 0], [0, 0.5, 1])
    english = rows([1, 0.1, 0], [1, 0.1, 0], [0, 1, 0.3])
    english[2] = unit(np.array([[0.75, 0.6, 0.3]]))[0]
    (found,) = score(TASKS["Tatoeba"], source, [french, english])
    assert found.subset == "fra-eng"
    # Both copies of the text are hits by text; by row only the first is.
    assert found.scores["accuracy_forward"] == 1.0
    assert found.scores["mteb_accuracy"] == pytest.approx(2 / 3)
    # From English: rows 0 and 1 find French row 1, whose text differs from row 0's; row 2 finds row 1.
    nearest = (english @ french.T).argmax(axis=1)
    assert found.scores["accuracy_backward"] == pytest.approx((nearest == np.arange(3)).mean())
    mean = (found.scores["accuracy_forward"] + found.scores["accuracy_backward"]) / 2
    assert found.scores["accuracy"] == pytest.approx(mean)
    assert found.outcomes["backward"]["neighbour"].tolist() == nearest.tolist()
    assert found.scores["ceiling"] == pytest.approx((1 + 2 / 3) / 2)


def slow_xsim(x: Vectors, y: Vectors, margin: str) -> int:
    """LASER's calculate_error, in loops: k = 4, index comparison."""
    cosines = x.astype(np.float64) @ y.T.astype(np.float64)
    around_x = np.sort(cosines, axis=1)[:, -4:].mean(axis=1)
    around_y = np.sort(cosines, axis=0)[-4:].mean(axis=0)
    errors = 0
    for i in range(len(x)):
        candidates = np.argsort(-cosines[i])[:4]
        around = (around_x[i] + around_y[candidates]) / 2
        scores = {
            "ratio": cosines[i, candidates] / around,
            "distance": cosines[i, candidates] - around,
            "absolute": cosines[i, candidates],
        }[margin]
        errors += int(candidates[scores.argmax()] != i)
    return errors


def test_xsim_error_counts_equal_lasers_in_both_orders() -> None:
    generator = np.random.default_rng(3)
    meaning = generator.standard_normal((150, 10))
    sides = {x: unit(meaning + generator.standard_normal(meaning.shape)) for x in (EN, FR)}
    sentences = tuple(map(str, range(150)))
    source = Made(lines={x: Lines(sentences, DATA) for x in (EN, FR)})
    found = score(TASKS["FLORES-200"], source, [sides[EN], sides[FR]])
    assert [s.subset for s in found] == ["eng_Latn-fra_Latn", "fra_Latn-eng_Latn"]
    for subset, (x, y) in zip(found, [(EN, FR), (FR, EN)], strict=True):
        for margin in MARGINS[:3]:
            name = "xsim" if margin == "ratio" else f"xsim_{margin}"
            assert round(subset.scores[name] * 150) == slow_xsim(sides[x], sides[y], margin)
    summary = TASKS["FLORES-200"].summarise(found)
    rates = [s.scores["xsim"] for s in found]
    assert summary["xsim"]["mean"] == pytest.approx(np.mean(rates))
    assert summary["xsim_matrix"] == {"languages": ["en", "fr"], "rows": [[None, rates[0]], [rates[1], None]]}


def test_xsimpp_counts_errors_by_kind() -> None:
    english = ("one cat", "two dogs", "red house", "blue car", "green tree", "old man")
    altered = {"three cats": ("one cat", "number"), "not a house": ("red house", "negation")}
    source = Made(
        lines={EN: Lines(english, DATA), FR: Lines(tuple(f"fr {s}" for s in english), DATA)},
        augmented=Augmented(tuple(altered), altered, DATA),
    )
    french = np.eye(6, 8, dtype=np.float32)
    candidates = np.concatenate([np.eye(6, 8), np.eye(2, 8)]).astype(np.float32)
    candidates[0] = unit(np.array([[0.7, 0, 0, 0, 0, 0, 0.7, 0.1]]))[0]  # the altered copy in row 6 is nearer
    candidates[7] = unit(np.array([[0, 0, 0, 0.9, 0, 0, 0, 0.1]]))[0]  # row 7 takes row 3's place: another's copy
    candidates[3] = unit(np.array([[0, 0, 0, 0.3, 0, 0, 0.9, 0]]))[0]
    (found,) = score(TASKS["FLORES-200-xsimpp"], source, [french, candidates])
    assert found.subset == "fra_Latn-eng_Latn"
    assert found.details["errors"] == {"misaligned": 1, "number": 1}
    assert found.scores["xsimpp"] == pytest.approx(2 / 6)


def test_mining_takes_its_threshold_from_training() -> None:
    generator = np.random.default_rng(0)

    def corpora(n_gold: int, n_alone: int) -> tuple[Comparable, list[Vectors]]:
        meaning = generator.standard_normal((n_gold, 16))
        sides = [
            unit(
                np.concatenate(
                    [meaning + 0.6 * generator.standard_normal(meaning.shape), generator.standard_normal((n_alone, 16))]
                )
            )
            for _ in range(2)
        ]
        names = tuple(map(str, range(n_gold + n_alone)))
        return Comparable(names, names, tuple((i, i) for i in range(n_gold)), 0, DATA), sides

    training, training_vectors = corpora(40, 60)
    test, test_vectors = corpora(40, 60)
    found = score(TASKS["BUCC-mining"], Made(training=training, test=test), [*training_vectors, *test_vectors])[0]
    swapped = score(TASKS["BUCC-mining"], Made(training=test, test=training), [*test_vectors, *training_vectors])[0]
    assert found.scores["threshold"] == swapped.scores["oracle_threshold"]
    assert 0.5 < found.scores["f1"] <= found.scores["oracle_f1"] <= 1
    taken = found.outcomes["pairs"]["score"] >= np.float32(found.scores["threshold"])
    assert found.scores["precision"] == pytest.approx(found.outcomes["pairs"]["hit"][taken].mean())


def test_sts_is_scipys_correlation_and_a_constant_has_none() -> None:
    generator = np.random.default_rng(0)
    first, second = (unit(generator.standard_normal((50, 6))) for _ in range(2))
    gold = tuple(float(x) for x in generator.integers(0, 6, 50))
    sentences = tuple(map(str, range(50)))
    source = Made(pairs=ScoredPairs(sentences, sentences, gold, DATA))
    (found,) = score(TASKS["STSBenchmark"], source, [first, second])
    cosines = (first.astype(np.float64) * second).sum(axis=1)
    assert found.scores["cosine_spearman"] == pytest.approx(stats.spearmanr(cosines, gold)[0], abs=1e-9)
    assert found.scores["cosine_pearson"] == pytest.approx(stats.pearsonr(cosines, gold)[0], abs=1e-6)
    (constant,) = score(TASKS["STSBenchmark"], source, [np.ones((50, 6), np.float32)] * 2)
    assert constant.scores["cosine_spearman"] is None
