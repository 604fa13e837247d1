"""Contract of every task, and each family on vectors with known answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bitext_bench.data import (
    AugmentedLines,
    Bitext,
    ComparableCorpora,
    MissingData,
    ParallelLines,
    Provenance,
    ScoredPairs,
    open_source,
)
from bitext_bench.data.mini import MiniSource
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, Language, resolve
from bitext_bench.scoring.intervals import mean_interval
from bitext_bench.scoring.margin import MARGINS
from bitext_bench.scoring.metrics import text_classes
from bitext_bench.scoring.neighbors import Vectors, normalize
from bitext_bench.tasks import REPORTED, TASKS, ScoringUnit, SubsetScores, Task, _index, default_tasks, find_task
from bitext_bench.tasks.flores import XSim, XSimPlusPlus
from bitext_bench.tasks.sts import Sts

DATA = Provenance("made", "0" * 64)
EN, FR, JA = resolve("en"), resolve("fr"), resolve("ja")


@pytest.mark.parametrize("name", TASKS)
def test_every_task_keeps_the_contract(name: str) -> None:
    task = TASKS[name]
    assert task.name == name
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z0-9]", name)  # it names a file, on any system
    assert task.kind == ("sts" if isinstance(task, Sts) else "bitext")
    assert task.split in ("test", "devtest", "dev", "validation")
    assert 10 <= len(task.description) <= 100
    assert task.description.isprintable()
    assert task.lower_is_better == isinstance(task, XSim | XSimPlusPlus)
    for spelling in (name, name.lower(), name.upper(), name.replace("-", " "), name.replace("-", "_"), f" {name} "):
        assert find_task(spelling) is task


def test_what_is_there_to_choose_by_runs_only_when_it_is_named() -> None:
    mini, real = (default_tasks(source) for source in (MiniSource(), Made()))
    assert {task.name for task in mini} == {name for name in TASKS if name.startswith("Mini-")}
    left = set(TASKS) - {task.name for task in (*mini, *real)}
    assert left == {"STSBenchmark-dev", "KorSTS-dev", "FLORES-200-dev"}
    assert not left & {task.name for task in REPORTED}


def test_no_two_tasks_share_a_file_or_a_spelling() -> None:
    assert len({re.sub("[^a-z0-9]", "", name.casefold()) for name in TASKS}) == len(TASKS)
    for sts in (task for task in TASKS.values() if isinstance(task, Sts)):
        assert all(LangPair.parse(pair) for pair in sts.subsets.values())


@pytest.mark.parametrize("name", [name for name in TASKS if name.startswith("Mini-")])
def test_every_mini_task_scores_random_vectors(name: str) -> None:
    task = TASKS[name]
    generator = np.random.default_rng(0)
    subsets = []
    for work in task.load(MiniSource(), [EN, FR, JA]):
        vectors = [normalize(generator.standard_normal((len(side.sentences), 8))) for side in work.sides]
        scored = work.score(vectors)
        check_searches(work, scored)
        subsets += scored
    assert len({s.subset for s in subsets}) == len(subsets) > 0
    for subset in subsets:
        assert subset.main_score in subset.scores
        low, high = subset.intervals[subset.main_score]
        value = subset.scores[subset.main_score]
        assert value is not None
        assert low - 1e-9 <= value <= high + 1e-9
        assert "pair" in subset.signature
        for columns in subset.outcomes.values():
            assert len({len(column) for column in columns.values()}) == 1
    assert task.summarize(subsets)


def check_searches(work: ScoringUnit, scored: list[SubsetScores]) -> None:
    """The searches are those that the outcomes are of: the same blocks and data, and the texts that were hits."""
    blocks = {(s.subset, direction): (s, columns) for s in scored for direction, columns in s.outcomes.items()}
    if scored[0].main_score == "cosine_spearman":
        assert not work.searches
        return
    assert {(search.subset, search.direction) for search in work.searches} == blocks.keys()
    for search in work.searches:
        subset, columns = blocks[search.subset, search.direction]
        assert search.data == subset.data
        languages = (search.queries.language, search.candidates.language)
        assert languages == (subset.languages[::-1] if search.direction == "backward" else subset.languages)
        if search.gold is None:
            found = list(enumerate(columns["neighbor"].tolist()))
            gold = {i: search.candidates.sentences[i] for i in range(subset.n)}
            assert len(search.queries.sentences) == len(found) == subset.n
        else:
            found = list(zip(columns["source"].tolist(), columns["target"].tolist(), strict=True))
            gold = {i: search.candidates.sentences[j] for i, j in search.gold}
            assert len(search.gold) == subset.n
            assert max(search.gold) < (len(search.queries.sentences), 0)
        assert columns["hit"].tolist() == [search.candidates.sentences[j] == gold.get(i) for i, j in found]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("flores200", "FLORES-200"),
        ("xsim", None),
        ("BUCC mining", "BUCC-mining"),
        ("flores-200-xsim++", "FLORES-200-xsimpp"),
        ("mini xsim++", "Mini-xSIMpp"),
        ("MINI-XSIM", "Mini-xSIM"),
        ("bucc v2", "BUCC.v2"),
        ("sts22v2", "STS22.v2"),
        ("sts22", "STS22"),
        ("stsb", "STSB"),  # the Chinese one, in mteb
        ("", None),
    ],
)
def test_tasks_by_other_spellings(given: str, name: str | None) -> None:
    if name:
        assert find_task(given).name == name
    else:
        with pytest.raises(UserError, match=f"unknown task '{given}'"):
            find_task(given)


@pytest.mark.parametrize(
    ("given", "near"),
    [("Tatoba", "Tatoeba"), ("flores", "FLORES-200"), ("STS-12x", "STS12"), ("stsbenchmrk", "STSBenchmark")],
)
def test_near_misses_are_named(given: str, near: str) -> None:
    with pytest.raises(UserError, match=rf"unknown task '{given}': did you mean .*\b{near}\b.*list tasks"):
        find_task(given)


def test_xsim_plus_plus_by_its_name() -> None:
    assert find_task("FLORES-200 xSIM++").name == "FLORES-200-xsimpp"


def test_two_tasks_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two tasks are named"):
        _index([TASKS["Tatoeba"], TASKS["Tatoeba"]])


class Made:
    """A source that has just what a test gave it."""

    name = "made"

    def __init__(self, **data: Any) -> None:
        self._data = data

    def languages(self, collection: str) -> Sequence[Language]:
        return list(self._data.get("lines", [EN, FR]))

    def parallel(self, collection: str, language: Language) -> Any:
        return self._data["bitext"]

    def aligned(self, collection: str, language: Language) -> Any:
        return self._data["lines"][language]

    def augmented(self, collection: str, language: Language) -> Any:
        if language != EN:
            raise MissingData("only en")
        return self._data["augmented"]

    def comparable(self, collection: str, pair: LangPair, split: str) -> Any:
        return self._data[split]

    def scored(self, collection: str, subset: str, pair: LangPair, split: str) -> Any:
        if subset in self._data.get("absent", ()):
            raise MissingData(f"no {subset}")
        return self._data["pairs"]


def rows(*vectors: Sequence[float]) -> Vectors:
    return normalize(np.array(vectors, dtype=np.float64))


def score(task: Task, source: Made, vectors: Sequence[Vectors]) -> list[Any]:
    (work,) = task.load(source, None)
    return work.score(vectors)


def test_tatoeba_counts_equal_texts_and_both_directions() -> None:
    """Rows 0 and 1 have the same English text; row 2 is found from French but not from English."""
    source = Made(bitext=Bitext(("a", "b", "c"), ("same", "same", "other"), DATA))
    french = rows([1, 0, 0], [0.98, 0.2, 0], [0, 0.5, 1])
    english = rows([1, 0.1, 0], [1, 0.1, 0], [0, 1, 0.3])
    english[2] = normalize(np.array([[0.75, 0.6, 0.3]]))[0]
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
    assert found.outcomes["backward"]["neighbor"].tolist() == nearest.tolist()
    assert found.scores["ceiling"] == 1.0  # copies of one text are found together


def test_every_score_of_a_tiny_tatoeba_by_hand() -> None:
    """French 0 and 1 find their own; French 2 finds English 1, and its own as the third."""
    source = Made(bitext=Bitext(("un", "deux", "trois"), ("one", "two", "three"), DATA))
    french = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0.25, 0.75, 0.125, 0]], np.float32)
    english = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], np.float32)
    (found,) = score(TASKS["Tatoeba"], source, [french, english])
    scores = found.scores
    assert (found.n, found.main_score, found.languages) == (3, "accuracy", (FR, EN))
    assert (scores["accuracy_forward"], scores["accuracy_backward"]) == pytest.approx((2 / 3, 1.0))
    assert scores["accuracy"] == pytest.approx(5 / 6)
    # One direction, by row: predictions 0, 1, 1, so target 1 counts 2 / 3 and target 2 nothing.
    assert scores["mteb_accuracy"] == pytest.approx(2 / 3)
    assert scores["mteb_f1"] == pytest.approx((1 + 2 / 3) / 3)
    assert (scores["mrr_forward"], scores["mrr_backward"]) == pytest.approx(((1 + 1 + 1 / 3) / 3, 1.0))
    assert scores["mrr"] == pytest.approx((7 / 9 + 1) / 2)
    assert scores["recall_at_5"] == scores["recall_at_10"] == scores["ceiling"] == 1.0
    forward, backward = found.outcomes["forward"], found.outcomes["backward"]
    assert forward["hit"].tolist() == [True, True, False]
    assert forward["neighbor"].tolist() == [0, 1, 1]
    assert forward["score"].tolist() == [1.0, 1.0, 0.75]
    assert forward["margin"].tolist() == [1.0, 1.0, 0.125 - 0.75]  # the gold less its best rival
    assert backward["neighbor"].tolist() == [0, 1, 2]
    assert backward["margin"].tolist() == [0.75, 0.25, 0.125]
    assert found.intervals == {
        "accuracy": mean_interval(np.array([1.0, 1.0, 0.5]), judgements=2),
        "accuracy_forward": mean_interval(np.array([1.0, 1.0, 0.0])),
        "accuracy_backward": mean_interval(np.ones(3)),
    }
    assert TASKS["Tatoeba"].summarize([found]) == {"accuracy": {"mean": pytest.approx(5 / 6), "subsets": 1}}


@pytest.mark.parametrize(("name", "subset"), [("Tatoeba", "fra-eng"), ("BUCC.v2", "fr-en"), ("BUCC-style", "fr-en")])
def test_subsets_are_named_as_mteb_names_them(name: str, subset: str) -> None:
    source = Made(bitext=Bitext(("un", "deux"), ("one", "two"), DATA))
    (found,) = score(TASKS[name], source, [np.eye(2, dtype=np.float32)] * 2)
    assert (found.subset, found.scores["accuracy"]) == (subset, 1.0)


def test_no_accuracy_is_above_the_ceiling() -> None:
    """A pair that stands twice, as some do in BUCC.v2: right both times, by its text."""
    source = Made(bitext=Bitext(("un", "un", "deux"), ("one", "one", "two"), DATA))
    axes = np.eye(3, dtype=np.float32)[[0, 0, 1]]
    (found,) = score(TASKS["BUCC.v2"], source, [axes, axes])
    assert found.scores["accuracy"] <= found.scores["ceiling"]


def test_a_copy_of_the_gold_is_no_rival() -> None:
    """Else verify takes every such hit for a near tie, and lets it flip."""
    source = Made(bitext=Bitext(("un", "une", "deux"), ("one", "one", "two"), DATA))
    english = np.eye(3, dtype=np.float32)[[0, 0, 1]]
    french = rows([1, 0, 0.1], [1, 0, 0.2], [0, 1, 0])
    (found,) = score(TASKS["BUCC.v2"], source, [french, english])
    assert found.outcomes["forward"]["hit"].all()
    assert found.outcomes["forward"]["margin"].min() > 0.9


def slow_winners(x: Vectors, y: Vectors, margin: str) -> list[int]:
    """LASER's _score_knn, in loops; CSLS over all targets."""
    cosines = x.astype(np.float64) @ y.T.astype(np.float64)
    k, reach = (10, len(y)) if margin == "csls" else (4, 4)
    around_x = [sum(sorted(row, reverse=True)[:k]) / k for row in cosines.tolist()]
    around_y = [sum(sorted(column, reverse=True)[:k]) / k for column in cosines.T.tolist()]
    winners = []
    for i, row in enumerate(cosines.tolist()):
        candidates = sorted(range(len(y)), key=lambda j: -row[j])[:reach]
        scores = []
        for j in candidates:
            around = (around_x[i] + around_y[j]) / 2
            scores.append(
                {"ratio": row[j] / around, "distance": row[j] - around, "absolute": row[j], "csls": row[j] - around}[
                    margin
                ]
            )
        winners.append(candidates[scores.index(max(scores))])
    return winners


def slow_xsim(winners: Sequence[int], texts: Sequence[object]) -> float:
    """LASER's calculate_error: an error is a winner of another text; pass each row its own to compare by row."""
    return sum(texts[winner] != texts[i] for i, winner in enumerate(winners)) / len(winners)


def check_xsim(found: SubsetScores, x: Vectors, y: Vectors, texts: Sequence[str], margins: Sequence[str]) -> None:
    """The scores of one order by these margins, ratio among them, and its outcomes, against the loops."""
    n = len(texts)
    winners = {margin: slow_winners(x, y, margin) for margin in margins}
    errors = slow_xsim(winners["ratio"], texts)
    for margin in margins:
        name = "xsim" if margin == "ratio" else f"xsim_{margin}"
        assert found.scores[name] == pytest.approx(slow_xsim(winners[margin], texts))
    assert found.scores["xsim_by_row"] == pytest.approx(slow_xsim(winners["ratio"], range(n)))
    assert found.scores.keys() == {"xsim", "xsim_distance", "xsim_absolute", "xsim_csls", "xsim_by_row"}
    assert found.signature["match"] == "text"
    columns = found.outcomes["forward"]
    assert (~columns["hit"]).mean() == pytest.approx(errors)
    assert columns["hit"].tolist() == [texts[j] == texts[i] for i, j in enumerate(columns["neighbor"].tolist())]
    wilson = stats.binomtest(round(n * errors), n).proportion_ci(method="wilson")
    assert found.intervals["xsim"] == pytest.approx((wilson.low, wilson.high))


@pytest.mark.parametrize("first", [0, 1])
def test_xsim_takes_either_copy_of_a_repeated_line(first: int) -> None:
    """French 0 and 1 have one English text, French 3 is found nowhere: one error by text, and two by row."""
    english = ("same", "same", "red", "blue", "green", "white")
    source = Made(lines={EN: ParallelLines(english, DATA), FR: ParallelLines(tuple(f"fr {i}" for i in range(6)), DATA)})
    axes = np.eye(6, dtype=np.float32)
    french, targets = axes.copy(), axes.copy()
    targets[1 - first] = targets[first]
    french[:2] = axes[first]
    french[3] = axes[4]
    (work,) = TASKS["FLORES-200"].load(source, None)
    found = {s.subset: s for s in work.score([targets, french])}["fra_Latn-eng_Latn"]
    assert found.scores["xsim"] == pytest.approx(1 / 6)
    assert found.scores["xsim_by_row"] == pytest.approx(2 / 6)
    assert found.scores["xsim_distance"] == found.scores["xsim_absolute"] == found.scores["xsim"]
    pairs = found.outcomes["forward"]
    assert pairs["hit"].tolist() == [True, True, True, False, True, True]
    # A copy of the gold is no rival: the lead is over the next text.
    assert pairs["margin"][:2].min() > 0.5
    summary = TASKS["FLORES-200"].summarize([found])
    assert summary["xsim"]["mean"] == pytest.approx(1 / 6)
    assert summary["xsim_matrix"]["rows"][1][0] == pytest.approx(1 / 6)


def test_a_copy_among_xsimpps_candidates_is_no_rival() -> None:
    lines = ("one cat", "one cat", "a house", "a tree", "a man", "a dog")
    altered = {"two cats": ("one cat", "number")}
    source = Made(
        lines={EN: ParallelLines(lines, DATA), FR: ParallelLines(tuple(f"fr {s}" for s in lines), DATA)},
        augmented=AugmentedLines(tuple(altered), altered, DATA),
    )
    candidates = np.eye(7, dtype=np.float32)
    candidates[1] = candidates[0]
    (found,) = score(TASKS["FLORES-200-xsimpp"], source, [candidates[:6], candidates])
    assert found.scores["xsimpp"] == 0
    assert found.outcomes["forward"]["margin"].min() > 0.5


@pytest.mark.shared
def test_xsim_of_all_flores_files_that_repeat_lines() -> None:
    """19 languages, with English: one text has one vector, and what its copies translate is alike."""
    flores = open_source("../shared/data")
    sentences = {x: flores.aligned("flores200", x).sentences for x in flores.languages("flores200")}
    repeating = [x for x, lines in sentences.items() if len(set(lines)) < len(lines)]
    assert len(repeating) == 19
    generator = np.random.default_rng(0)
    found_copies = 0
    for number, language in enumerate(repeating):
        classes = text_classes(sentences[language])
        meaning = generator.standard_normal((1_012, 24))[classes]
        noise = generator.standard_normal((2, *meaning.shape))
        sides = {language: normalize(meaning + 0.6 * noise[0][classes]), EN: normalize(meaning + 0.4 * noise[1])}
        (work,) = TASKS["FLORES-200"].load(flores, [language, EN])
        for found in work.score([sides[side.language] for side in work.sides]):
            source, target = found.languages
            margins = MARGINS if number == 0 else ("ratio",)
            check_xsim(found, sides[source], sides[target], sentences[target], margins)
            by_text, by_row = found.scores["xsim"], found.scores["xsim_by_row"]
            assert by_text is not None and by_row is not None
            copies = round(1_012 * (by_row - by_text))
            assert not copies or target == language
            found_copies += copies
    assert found_copies >= 19


def test_xsim_error_counts_equal_lasers_in_both_orders() -> None:
    """Three languages: three searches give the six orders, each margin, and the summary over them."""
    generator = np.random.default_rng(3)
    meaning = generator.standard_normal((150, 10))
    noise = {EN: 0.7, FR: 0.9, JA: 1.2}
    sides = {x: normalize(meaning + noise[x] * generator.standard_normal(meaning.shape)) for x in noise}
    sentences = tuple(map(str, range(150)))
    units = TASKS["FLORES-200"].load(Made(lines={x: ParallelLines(sentences, DATA) for x in noise}), None)
    assert [tuple(side.language for side in work.sides) for work in units] == [(EN, FR), (EN, JA), (FR, JA)]
    found = [s for work in units for s in work.score([sides[side.language] for side in work.sides])]
    order = [(EN, FR), (FR, EN), (EN, JA), (JA, EN), (FR, JA), (JA, FR)]
    assert [s.subset for s in found] == [f"{x.flores}-{y.flores}" for x, y in order]
    errors = {}
    for subset, (x, y) in zip(found, order, strict=True):
        check_xsim(subset, sides[x], sides[y], sentences, MARGINS)
        errors[x.code, y.code] = slow_xsim(slow_winners(sides[x], sides[y], "ratio"), sentences)
        assert 0 < errors[x.code, y.code] < 1
    summary = TASKS["FLORES-200"].summarize(found)
    assert summary["xsim"]["mean"] == pytest.approx(sum(errors.values()) / 6)
    assert summary["xsim"]["subsets"] == 6
    low, high = summary["xsim"]["interval"]
    assert low < summary["xsim"]["mean"] < high
    for code in ("en", "fr", "ja"):  # as source and as target
        of_it = [e for pair, e in errors.items() if code in pair]
        assert summary["xsim_per_language"][code] == pytest.approx(sum(of_it) / 4)
    assert summary["xsim_matrix"]["languages"] == ["en", "fr", "ja"]
    for a, row in zip(("en", "fr", "ja"), summary["xsim_matrix"]["rows"], strict=True):
        assert row == [None if a == b else pytest.approx(errors[a, b]) for b in ("en", "fr", "ja")]


@pytest.mark.parametrize("name", ["FLORES-200", "FLORES-200-xsimpp"])
def test_xsim_needs_two_languages_of_equally_many_lines(name: str) -> None:
    lines = {EN: ParallelLines(("a", "b"), DATA), FR: ParallelLines(("c",), DATA)}
    altered = AugmentedLines(("x",), {"x": ("a", "number")}, DATA)
    with pytest.raises(MissingData, match="needs two languages"):
        TASKS[name].load(Made(lines=lines, augmented=altered), [EN])
    with pytest.raises(UserError, match="fra_Latn has 1 lines and eng_Latn has 2"):
        TASKS[name].load(Made(lines=lines, augmented=altered), None)


def test_xsimpp_needs_an_augmented_file() -> None:
    lines = {x: ParallelLines(("a",), DATA) for x in (FR, JA)}
    with pytest.raises(MissingData, match="only en"):
        TASKS["FLORES-200-xsimpp"].load(Made(lines=lines), None)


def test_xsimpp_counts_errors_by_kind() -> None:
    english = ("one cat", "two dogs", "red house", "blue car", "green tree", "old man")
    altered = {"three cats": ("one cat", "number"), "not a house": ("red house", "negation")}
    source = Made(
        lines={EN: ParallelLines(english, DATA), FR: ParallelLines(tuple(f"fr {s}" for s in english), DATA)},
        augmented=AugmentedLines(tuple(altered), altered, DATA),
    )
    french = np.eye(6, 8, dtype=np.float32)
    candidates = np.concatenate([np.eye(6, 8), np.eye(2, 8)]).astype(np.float32)
    candidates[0] = normalize(np.array([[0.7, 0, 0, 0, 0, 0, 0.7, 0.1]]))[0]  # the altered copy in row 6 is nearer
    candidates[7] = normalize(np.array([[0, 0, 0, 0.9, 0, 0, 0, 0.1]]))[0]  # row 7 takes row 3's place: another's copy
    candidates[3] = normalize(np.array([[0, 0, 0, 0.3, 0, 0, 0.9, 0]]))[0]
    (found,) = score(TASKS["FLORES-200-xsimpp"], source, [french, candidates])
    assert found.subset == "fra_Latn-eng_Latn"
    assert found.details["errors"] == {"misaligned": 1, "number": 1}
    assert found.details["candidates"] == 8
    assert found.scores["xsimpp"] == pytest.approx(2 / 6)
    assert found.outcomes["forward"]["hit"].tolist() == [False, True, True, False, True, True]
    assert found.outcomes["forward"]["neighbor"].tolist() == [6, 1, 2, 7, 4, 5]
    assert TASKS["FLORES-200-xsimpp"].summarize([found, found]) == {
        "xsimpp": {"mean": pytest.approx(1 / 3), "subsets": 2},
        "errors": {"misaligned": 2, "number": 2},
    }


def test_mining_takes_its_threshold_from_training() -> None:
    generator = np.random.default_rng(0)

    def corpora(n_gold: int, n_alone: int) -> tuple[ComparableCorpora, list[Vectors]]:
        meaning = generator.standard_normal((n_gold, 16))
        sides = [
            normalize(
                np.concatenate(
                    [meaning + 0.6 * generator.standard_normal(meaning.shape), generator.standard_normal((n_alone, 16))]
                )
            )
            for _ in range(2)
        ]
        names = tuple(map(str, range(n_gold + n_alone)))
        return ComparableCorpora(names, names, tuple((i, i) for i in range(n_gold)), 0, DATA), sides

    training, training_vectors = corpora(40, 60)
    test, test_vectors = corpora(40, 60)
    found = score(TASKS["BUCC-mining"], Made(training=training, test=test), [*training_vectors, *test_vectors])[0]
    swapped = score(TASKS["BUCC-mining"], Made(training=test, test=training), [*test_vectors, *training_vectors])[0]
    assert found.scores["threshold"] == swapped.scores["oracle_threshold"]
    assert 0.5 < found.scores["f1"] <= found.scores["oracle_f1"] <= 1
    taken = found.outcomes["pairs"]["score"] >= np.float32(found.scores["threshold"])
    assert found.scores["precision"] == pytest.approx(found.outcomes["pairs"]["hit"][taken].mean())


def test_mining_by_hand() -> None:
    """Three pairs of score 5/2, and a fourth of score 1: wrong in training, but gold in the test split.

    Every vector has a fifth of its square in common, so two that are not the same have a cosine of 1/5: the mean
    of all four is (1 + 3/5) / 4 = 2/5 for those with a partner and 1/5 for those without.
    """
    own = 2 * np.eye(5)
    source_vectors = normalize(np.concatenate([np.ones((4, 1)), own[[0, 1, 2, 3]]], axis=1))
    target_vectors = normalize(np.concatenate([np.ones((4, 1)), own[[0, 1, 2, 4]]], axis=1))
    names = tuple("abcd")
    gold = tuple((i, i) for i in range(4))
    training, test = ComparableCorpora(names, names, gold[:3], 1, DATA), ComparableCorpora(names, names, gold, 2, DATA)
    vectors = [source_vectors, target_vectors] * 2
    (found,) = score(TASKS["BUCC-mining"], Made(training=training, test=test), vectors)
    assert (found.n, found.subset, found.main_score) == (4, "fr-en", "f1")
    expected = {
        "threshold": (5 / 2 + 1) / 2,
        "precision": 1.0,
        "recall": 3 / 4,
        "f1": 6 / 7,
        "oracle_f1": 1.0,  # with the threshold that the test split itself would choose
        "oracle_threshold": 1.0,
    }
    expected |= {f"{name}_laser": expected[name] for name in ("f1", "precision", "recall", "threshold")}
    assert found.scores == pytest.approx(expected, rel=1e-6)
    pairs = found.outcomes["pairs"]
    assert pairs["hit"].tolist() == [True] * 4
    assert pairs["source"].tolist() == pairs["target"].tolist()
    assert pairs["score"].tolist() == pytest.approx([5 / 2, 5 / 2, 5 / 2, 1])
    assert found.details["precision_recall_curve"] == [(i / 4, 1.0) for i in (1, 2, 3, 4)]
    assert found.details["repeated_sentences_dropped"] == 3
    assert found.details["sentences"] == [4, 4]
    low, high = found.intervals["f1"]
    assert low <= 6 / 7 <= high
    # A pair found that is not gold costs precision.
    (fooled,) = score(TASKS["BUCC-mining"], Made(training=test, test=training), vectors)
    assert (fooled.scores["precision"], fooled.scores["recall"]) == pytest.approx((3 / 4, 1.0))


def test_sts_is_scipys_correlation_and_a_constant_has_none() -> None:
    generator = np.random.default_rng(0)
    first, second = (normalize(generator.standard_normal((50, 6))) for _ in range(2))
    gold = tuple(float(x) for x in generator.integers(0, 6, 50))
    sentences = tuple(map(str, range(50)))
    source = Made(pairs=ScoredPairs(sentences, sentences, gold, DATA))
    (found,) = score(TASKS["STSBenchmark"], source, [first, second])
    cosines = (first.astype(np.float64) * second).sum(axis=1)
    assert found.scores["cosine_spearman"] == pytest.approx(stats.spearmanr(cosines, gold)[0], abs=1e-9)
    assert found.scores["cosine_pearson"] == pytest.approx(stats.pearsonr(cosines, gold)[0], abs=1e-6)
    # Vectors of any length: cosines are taken, not products.
    (longer,) = score(TASKS["STSBenchmark"], source, [first * np.float32(3), second])
    assert longer.scores == pytest.approx(found.scores, abs=1e-6)
    flat = Made(pairs=ScoredPairs(sentences, sentences, (2.5,) * 50, DATA))
    for constant in (
        score(TASKS["STSBenchmark"], source, [np.ones((50, 6), np.float32)] * 2)[0],
        score(TASKS["STSBenchmark"], flat, [first, second])[0],
    ):
        assert constant.scores == {"cosine_spearman": None, "cosine_pearson": None}
        assert np.isnan(constant.intervals["cosine_spearman"]).all()
        mean = TASKS["STSBenchmark"].summarize([constant])["cosine_spearman"]
        assert mean == {"mean": None, "subsets": 0}


@pytest.mark.parametrize(
    ("gold", "expected"), [((1.0, 2.0, 3.0), 1.0), ((3.0, 2.0, 1.0), -1.0), ((1.0, 3.0, 2.0), 0.5)]
)
def test_sts_by_hand(gold: tuple[float, ...], expected: float) -> None:
    first = np.array([[1, 0]] * 3, np.float32)
    second = rows([0, 1], [1, 1], [1, 0])  # cosines 0, 0.71 and 1
    source = Made(pairs=ScoredPairs(("a",) * 3, ("b",) * 3, gold, DATA))
    (found,) = score(TASKS["STSBenchmark"], source, [first, second])
    assert found.scores["cosine_spearman"] == pytest.approx(expected)
    assert (found.n, found.subset, found.languages) == (3, "default", (EN,))


def test_equal_sentences_tie() -> None:
    """Whatever the rounding of their vectors' lengths: all have a cosine of exactly 1."""
    vectors = normalize(np.random.default_rng(0).standard_normal((40, 33)))
    gold = tuple(float(i % 5) for i in range(40))
    source = Made(pairs=ScoredPairs(("a",) * 40, ("a",) * 40, gold, DATA))
    (found,) = score(TASKS["STSBenchmark"], source, [vectors, vectors])
    assert found.outcomes["pairs"]["score"].tolist() == [1.0] * 40
    assert found.scores["cosine_spearman"] is None


def test_one_pair_has_no_correlation() -> None:
    source = Made(pairs=ScoredPairs(("a",), ("b",), (1.0,), DATA))
    (found,) = score(TASKS["STSBenchmark"], source, [np.ones((1, 2), np.float32)] * 2)
    assert found.scores == {"cosine_spearman": None, "cosine_pearson": None}


def test_sts_loads_what_is_chosen_and_there() -> None:
    pairs = ScoredPairs(("a",), ("b",), (1.0,), DATA)

    def sides(source: Made, languages: list[Language] | None) -> list[tuple[str, str]]:
        return [(str(w.sides[0].language), str(w.sides[1].language)) for w in TASKS["STS17"].load(source, languages)]

    assert sides(Made(pairs=pairs), [EN, FR]) == [("en", "en"), ("fr", "en")]
    assert len(sides(Made(pairs=pairs), None)) == 11
    assert sides(Made(pairs=pairs, absent={"en-en"}), [EN, FR]) == [("fr", "en")]
    with pytest.raises(MissingData, match="no en-en"):
        sides(Made(pairs=pairs, absent={"en-en", "fr-en"}), [EN, FR])
    with pytest.raises(MissingData, match="STS17 has no subset in the requested languages"):
        sides(Made(pairs=pairs), [JA])


@pytest.mark.parametrize("name", ["Tatoeba", "BUCC.v2", "BUCC-mining"])
def test_pairs_with_english_need_another_language(name: str) -> None:
    with pytest.raises(MissingData, match=f"made has no {name} in the requested languages"):
        TASKS[name].load(Made(), [EN, JA])
