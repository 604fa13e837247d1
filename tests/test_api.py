"""`import bitext_bench`: models in memory, reports, the evaluator, and what is refused."""

from __future__ import annotations

import doctest
import inspect
import pydoc
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import bitext_bench as bb
from bitext_bench.cli.main import main
from bitext_bench.errors import install_hint

TASKS = ["Mini-Tatoeba", "Mini-STS"]
RESULTS = Path(__file__).parents[1] / "results"


def letters(sentences: list[str]) -> NDArray[np.float64]:
    """Return how often each letter is in each sentence."""
    return np.array([[text.lower().count(c) + 0.1 for c in "abcdefghijklmnopqrstuvwxyz'?."] for text in sentences])


@pytest.fixture(scope="module")
def report(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> bb.Report:
    return bb.evaluate(tiny_model, TASKS, "en,fr", "mini", cache=tmp_path_factory.mktemp("cache"))


def test_the_report_prints_what_the_command_prints(
    report: bb.Report, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ["--output", str(tmp_path / "results"), "--cache-folder", str(tmp_path / "cache")]
    named = ["--data", "mini", "--tasks", *TASKS, "--languages", "en", "fr"]
    assert main(["run", "--model", str(tiny_model), *named, *folders]) == 0
    assert capsys.readouterr().out.rstrip() == str(report)
    written = report.save(tmp_path / "saved")
    assert [file.relative_to(tmp_path / "saved") for file in written] == sorted(
        (file.relative_to(tmp_path / "results") for file in (tmp_path / "results").rglob("*.json")),
        key=lambda file: TASKS.index(file.stem),
    )


def test_scores_of_a_report(report: bb.Report) -> None:
    accuracy = report["mini-tatoeba"]["fr-en"].accuracy
    assert accuracy is not None and accuracy == report["Mini-Tatoeba"]["fr-en"]["accuracy"]
    subset = report.results[0].subsets[0]
    assert (accuracy.value, (accuracy.low, accuracy.high)) == (subset.scores["accuracy"], subset.intervals["accuracy"])
    assert (
        accuracy.n == subset.n
        and accuracy.signature == subset.signature
        and "accuracy" in dir(report["Mini-Tatoeba"]["fr-en"])
    )
    assert list(report) == TASKS and len(report) == 2
    assert "<table>" in report._repr_html_() and "Mini-STS" in repr(report)
    with pytest.raises(KeyError, match="no task 'Tatoeba': it has Mini-Tatoeba, Mini-STS"):
        report["Tatoeba"]
    with pytest.raises(KeyError, match="no task 0: it has Mini-Tatoeba"):
        report[0]  # type: ignore[index]
    assert 0 not in report
    for spelled in ("en-fr", "eng-fra", "fra_Latn-eng_Latn", "French-English", "FR-EN"):
        assert spelled in report["Mini-Tatoeba"]
        assert report["Mini-Tatoeba"][spelled].accuracy == accuracy
    assert report["Mini-STS"]["eng"]["cosine_spearman"] == report["Mini-STS"]["en"].cosine_spearman
    for name in ("ja-en", "fr-fr", "fr", "-", 0):
        assert name not in report["Mini-Tatoeba"]
    with pytest.raises(KeyError, match="no subset 'xx': it has fr-en"):
        report["Mini-Tatoeba"]["xx"]
    with pytest.raises(AttributeError, match="no score 'acc'"):
        _ = report["Mini-Tatoeba"]["fr-en"].acc


def test_the_frame_has_every_score(report: bb.Report) -> None:
    frame = report.to_pandas()
    assert list(frame.columns) == [
        *("model", "task", "subset", "score", "value", "ci_low", "ci_high", "n", "lower_is_better", "signature")
    ]
    assert len(frame) == sum(len(subset.scores) for result in report.results for subset in result.subsets)
    (row,) = frame[(frame.task == "Mini-Tatoeba") & (frame.score == "accuracy")].itertuples()
    assert row.value == report["Mini-Tatoeba"]["fr-en"].accuracy.value and row.ci_low < row.value < row.ci_high


def test_a_loaded_model_scores_as_its_directory(report: bb.Report, tiny_model: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    loaded = SentenceTransformer(str(tiny_model), device="cpu")
    found = bb.evaluate(loaded, TASKS, "en,fr", "mini", cache=tmp_path)
    expected, values = report.to_pandas().value, found.to_pandas().value
    np.testing.assert_allclose(values.to_numpy(float), expected.to_numpy(float), atol=1e-5)
    again = bb.evaluate(loaded, TASKS, "en,fr", "mini", cache=tmp_path)
    assert again.results[0].model.revision == found.results[0].model.revision
    assert found.results[0].encoding is None
    with_prompt = bb.evaluate(loaded, ["Mini-STS"], "en", "mini", bb.ModelOptions(prompt="red "), tmp_path)
    assert 'prompt:"red "' in with_prompt["Mini-STS"]["en"].cosine_spearman.signature
    import torch

    with torch.no_grad():
        next(iter(loaded.parameters())).add_(0.01)
    changed = bb.evaluate(loaded, ["Mini-STS"], "en", "mini", cache=tmp_path)
    assert changed.results[0].model.fingerprint != found.results[0].model.fingerprint


class Counting:
    """An encoder that counts what it encodes."""

    def __init__(self, **more: str) -> None:
        self.encoded = 0
        self.__dict__.update(more)

    def encode(self, sentences: list[str]) -> NDArray[np.float64]:
        self.encoded += len(sentences)
        return letters(sentences)


def test_only_what_is_named_and_versioned_is_cached(tmp_path: Path) -> None:
    def run(encoder: Counting) -> int:
        before = encoder.encoded
        bb.evaluate(encoder, ["Mini-Tatoeba"], "en,fr", "mini", cache=tmp_path)
        return encoder.encoded - before

    unnamed, named = Counting(), Counting(name="letters", version="1")
    first = run(unnamed)
    assert run(unnamed) == first > 0 and not any(tmp_path.iterdir()), "nothing is kept"
    assert run(named) == first
    assert 0 < run(named) < first, "stored vectors are spot-checked"
    assert run(Counting(name="letters", version="2")) == first


def test_functions_and_arrays_meet(tmp_path: Path) -> None:
    report = bb.evaluate(letters, ["Mini-Tatoeba"], "en,fr", "mini")
    from bitext_bench.data import open_source
    from bitext_bench.languages import resolve

    bitext = open_source("mini").parallel("mini", resolve("fr"))
    x, y = letters(list(bitext.source)), letters(list(bitext.target))
    own = bb.retrieval_accuracy(x, y, bitext.source, bitext.target)
    assert str(report["Mini-Tatoeba"]["fr-en"].accuracy) == str(own)
    assert not list(tmp_path.iterdir())


class Growing:
    """An encoder whose vectors gain a dimension with each batch."""

    dimensions = 3

    def encode(self, sentences: list[str]) -> NDArray[np.float64]:
        self.dimensions += 1
        return np.ones((len(sentences), self.dimensions))


@pytest.mark.parametrize(
    ("model", "more", "message"),
    [
        (object(), {}, "object is not a model: expected a name, a directory"),
        (Counting, {}, "Counting is not a model"),
        (lambda sentences: letters(sentences)[1:], {}, "expected .*dimensions"),
        (lambda sentences: ["a"] * len(sentences), {}, "is not a matrix"),
        (
            lambda sentences: letters(sentences) * np.nan,
            {},
            "gave NaN or infinity .*: expected finite vectors .*; check the weights, or your own encoder",
        ),
        (letters, {"tasks": ["Mini-Tatoba"]}, "did you mean Mini-Tatoeba"),
        (letters, {"tasks": ["Tatoeba"]}, "the built-in set has no tatoeba"),
        (letters, {"languages": "klingonese"}, "klingonese"),
        (letters, {"languages": []}, "languages is empty: pass one or more names"),
        (letters, {"languages": [1]}, "languages has a int, 1: expected names"),
        (letters, {"languages": 5}, "languages is a int: expected a list of names"),
        (letters, {"languages": "en"}, "no Mini-Tatoeba in the requested languages: it pairs fr, ja, ko, ru with en$"),
        (letters, {"tasks": ["Mini-STS"], "languages": "de"}, "requested languages: it has en-en, .*fr-fr"),
        (letters, {"data": ""}, '^data is .*: expected a directory, "hub" or "mini"'),
        (letters, {"data": "MINI"}, "^data MINI: no such directory; expected a directory, hub or mini$"),
        (letters, {"data": "."}, r"^\. is not the built-in set: pass mini as the data$"),
        (letters, {"data": ".", "tasks": ["Mini-STS"]}, r"^\. is not the built-in set: pass mini as the data$"),
        (letters, {"tasks": ["mteb:Tatoeba"]}, "^the built-in set has no Tatoeba: pass hub as the data$"),
        (letters, {"tasks": ["own-bitext-x"]}, "own data: pass bitext with the file that it was made with"),
        (letters, {"tasks": [bb.own_bitext("my.tsv")], "languages": "de", "data": "hub"}, "but only de was given: add"),
        ("", {}, "the model has no name: expected a directory, a hub id org/model"),
        (letters, {"languages": np.array("en")}, "languages is a ndarray: expected a list of names"),
        (letters, {"cache": 5}, "cache is 5: expected the path of a directory"),
        (lambda sentences: letters(sentences) * (1 + 1j), {}, r"is not a matrix \(it has complex numbers\)"),
        (lambda sentences: letters(sentences).astype("U9"), {}, r"is not a matrix \(it has text\)"),
        (lambda sentences: np.ma.masked_less(letters(sentences), 1), {}, r"is not a matrix \(it has masked entries\)"),
        (letters, {"tasks": [3]}, "tasks has a int, 3: expected names"),
        (letters, {"options": {"prompt": "query: "}}, "options is a dict: expected ModelOptions"),
        (Growing(), {}, "Growing gave vectors of .* and of .* dimensions: expected the same number for every sentence"),
        (Growing(), {"tasks": ["Mini-STS"]}, "dimensions"),
        (letters, {"data": "nowhere"}, "nowhere"),
        (letters, {"data": None}, '^data is None: expected a directory, "hub" or "mini"'),
        (letters, {"options": bb.ModelOptions(dtype="bf16")}, "only its prompt can be set"),
        ("nothing", {}, "unknown model 'nothing'"),
    ],
)
def test_what_cannot_be_scored_is_refused(model: Any, more: dict[str, Any], message: str) -> None:
    settings = {"tasks": ["Mini-Tatoeba"], "languages": "en,fr", "data": "mini", **more}
    with pytest.raises(bb.UserError, match=message):
        bb.evaluate(model, **settings)


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (bb.evaluate, {"model": letters, "promt": "query: "}),
        (bb.evaluate, {"model": letters, "cache_folder": "c"}),
        (bb.mine, {"source": ["a"], "target": ["b"], "model": letters, "treshold": 5.0}),
        (bb.mine, {"source": ["a"], "target": ["b"], "model": letters, "prompt": "query: "}),
        (bb.mine, {"source": ["a"], "target": ["b"], "model": letters, "k": 10}),
    ],
)
def test_unknown_arguments_are_refused(function: Any, given: dict[str, Any]) -> None:
    *_, unknown = given
    with pytest.raises(TypeError, match=rf"^{function.__name__}\(\) got an unexpected keyword argument '{unknown}'"):
        function(**given)
    assert not [p for p in inspect.signature(function).parameters.values() if p.kind is p.VAR_KEYWORD]


def test_a_subset_is_found_by_its_direction_if_both_exist() -> None:
    task = bb.evaluate(letters, ["Mini-xSIM"], "en fr", "mini")["Mini-xSIM"]
    assert list(task) == ["eng_Latn-fra_Latn", "fra_Latn-eng_Latn"]
    for name, subset in (("en-fr", "eng_Latn-fra_Latn"), ("fr-en", "fra_Latn-eng_Latn")):
        assert task[name].xsim == task[subset].xsim
    assert task["en-fr"].xsim.signature != task["fr-en"].xsim.signature


@pytest.mark.parametrize("kind", [tuple, iter, np.array, pd.Series, pd.Index, lambda names: {*names}])
def test_names_are_any_iterable_of_strings(kind: Any) -> None:
    report = bb.evaluate(letters, kind(["Mini-Tatoeba"]), kind(["en", "fr"]), "mini")
    assert list(report) == ["Mini-Tatoeba"] and list(report["Mini-Tatoeba"]) == ["fr-en"]
    evaluator = bb.BitextEvaluator(tasks=kind(["Mini-Tatoeba"]), languages=kind(["en", "fr"]))
    assert evaluator.get_config_dict()["tasks"] == ["Mini-Tatoeba"]


@pytest.mark.parametrize("kind", ["array", "list", "bf16", "gradient", "list of bf16", "half"])
def test_vectors_are_arrays_lists_or_tensors(kind: str) -> None:
    import torch

    def convert(rows: NDArray[np.float64]) -> Any:
        tensor = torch.tensor(np.round(rows * 2) / 2 + 0.5)  # exact in each of the types
        return {
            "array": lambda: tensor.numpy(),
            "list": lambda: tensor.tolist(),
            "bf16": lambda: tensor.bfloat16(),
            "gradient": lambda: tensor.requires_grad_(),
            "list of bf16": lambda: list(tensor.bfloat16()),
            "half": lambda: tensor.half(),
        }[kind]()

    def encode(sentences: list[str]) -> Any:
        return convert(letters(sentences))

    def plain(sentences: list[str]) -> NDArray[np.float64]:
        return np.round(letters(sentences) * 2) / 2 + 0.5

    found, expected = (bb.evaluate(model, ["Mini-STS"], "en", "mini")["Mini-STS"] for model in (encode, plain))
    assert found["en"].cosine_spearman.value == expected["en"].cosine_spearman.value
    texts = ["a red house", "two cats", "big dogs"]
    assert bb.mine(texts, texts, encode) == bb.mine(texts, texts, plain)
    assert bb.xsim(encode(texts), plain(texts)) == bb.xsim(plain(texts), plain(texts))


def test_importing_loads_nothing_heavy() -> None:
    code = (
        "import sys, bitext_bench as bb; dir(bb); "
        "print(sorted({'torch', 'numpy', 'pandas', 'transformers'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    assert set(bb.__all__) == set(dir(bb)) and all(getattr(bb, name) is not None for name in bb.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bb.nothing


def test_the_evaluator_in_a_trainer(tiny_model: Path, tmp_path: Path) -> None:
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )

    from training.losses.soft_contrastive import SoftContrastiveLoss

    student, teacher = (SentenceTransformer(str(tiny_model), device="cpu") for _ in range(2))
    source, target = ["the cat sat", "a red house", "two", "big dog"], ["le chat", "la maison", "deux", "gros chien"]
    evaluator = bb.BitextEvaluator((source, target), ["Mini-Tatoeba", "Mini-xSIM"], "en,fr")
    trainer = SentenceTransformerTrainer(
        student,
        SentenceTransformerTrainingArguments(
            str(tmp_path),
            max_steps=4,
            per_device_train_batch_size=2,
            eval_strategy="steps",
            eval_steps=2,
            save_steps=2,
            load_best_model_at_end=True,
            metric_for_best_model=f"eval_{evaluator.primary_metric}",
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        ),
        Dataset.from_dict({"source": source, "target": target}),
        loss=SoftContrastiveLoss(student, teacher=teacher),
        evaluator=evaluator,
    )
    trainer.train()
    logged = [entry for entry in trainer.state.log_history if "eval_bitext_score" in entry]
    assert [entry["step"] for entry in logged] == [2, 4]
    assert trainer.state.best_metric == max(entry["eval_bitext_score"] for entry in logged)
    scores = evaluator(student)
    expected = np.mean(
        [
            scores["bitext_pair_accuracy"],
            scores["bitext_Mini-Tatoeba_fr-en_accuracy"],
            1
            - np.mean([scores[f"bitext_Mini-xSIM_{pair}_xsim"] for pair in ("eng_Latn-fra_Latn", "fra_Latn-eng_Latn")]),
        ]
    )
    assert scores["bitext_score"] == pytest.approx(expected)
    harness = bb.evaluate(student, ["Mini-Tatoeba"], "en,fr", "mini", cache=tmp_path / "cache")
    assert scores["bitext_Mini-Tatoeba_fr-en_accuracy"] == pytest.approx(
        harness["Mini-Tatoeba"]["fr-en"].accuracy.value
    )
    student.save(str(tmp_path / "saved"))
    assert "bitext_score" in (tmp_path / "saved" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "nothing to score"),
        ({"pairs": (["a"], ["b", "c"])}, "pair has 1 source and 2 target sentences"),
        ({"pairs": ("a", "b")}, "pair is not a pair of lists"),
        ({"pairs": (["a"], "b")}, "pair is not a pair of lists"),
        ({"pairs": "ab"}, "pair is not a pair of lists"),
        ({"pairs": 5}, "pair is not a pair of lists"),
        ({"pairs": (["a"], ["b"], ["c"])}, "pair is not a pair of lists"),
        ({"pairs": ([1], ["b"])}, "pair: source 1 is a int: expected a sentence"),
        ({"pairs": {}}, "nothing to score"),
        ({"pairs": (["a"], ["b"]), "prompt": 3}, "prompt is 3: expected a string"),
        ({"pairs": (["a"], ["b"]), "name": None}, "name is None: expected a string"),
        ({"pairs": {"en-fr": (["a"], [None])}}, "en-fr: target 1 is a NoneType"),
        ({"pairs": {"en-fr": ([], [])}}, "en-fr has 0 source and 0 target sentences"),
        (
            {"tasks": ["Tatoeba"]},
            "has no tatoeba: use the tasks Mini-..., or pass a directory or hub as data",
        ),
        ({"tasks": []}, "tasks is empty"),
        ({"pairs": (["a"], ["b"]), "languages": "en"}, "languages and data belong to tasks: pass tasks too"),
        ({"pairs": (["a"], ["b"]), "data": "hub"}, "languages and data belong to tasks: pass tasks too"),
    ],
)
def test_an_evaluator_without_work_is_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(bb.UserError, match=message):
        bb.BitextEvaluator(**more)


def test_an_evaluator_refuses_what_is_no_sentence_transformer() -> None:
    evaluator = bb.BitextEvaluator((["a"], ["b"]))
    with pytest.raises(bb.UserError, match="the model is a function: BitextEvaluator expects a SentenceTransformer"):
        evaluator(lambda sentences: np.ones((len(sentences), 2)))  # type: ignore[arg-type]


def test_an_evaluator_takes_any_iterables_of_sentences(tiny_model: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny_model), device="cpu")
    sides = (["the cat sat", "a red house", "two"], ["le chat", "la maison", "deux"])
    expected = bb.BitextEvaluator(sides)(model)
    for kind in (iter, np.array, lambda side: pd.Series(side, index=[7, 8, 9])):
        source, target = (kind(side) for side in sides)
        evaluator = bb.BitextEvaluator((source, target))
        assert evaluator(model) == evaluator(model) == expected
    assert bb.BitextEvaluator(np.array(sides))(model) == expected  # type: ignore[arg-type]


def test_the_mean_of_a_task_is_that_of_its_result(report: bb.Report) -> None:
    scored = bb.evaluate(letters, ["Mini-xSIM"], "en,fr", "mini")
    task = scored["Mini-xSIM"]
    mean, recorded = task.mean, scored.results[0].mean
    assert mean is not None and recorded is not None and recorded.interval is not None
    assert mean.value == recorded.mean == pytest.approx(np.mean([float(task[s].xsim) for s in task]))
    assert (mean.low, mean.high) == tuple(recorded.interval) and mean.details["subsets"] == len(task) == 2
    assert mean.lower_is_better and mean.n == scored.results[0].subsets[0].n
    correlation = report["Mini-STS"].mean
    assert correlation is not None and correlation.value is not None and correlation.low is None


def test_scores_that_are_not_shares_print_unchanged() -> None:
    assert (
        str(bb.Score("hub_skewness_forward", 2.5)) == "2.5000" and str(bb.Score("oracle_threshold", 1.06)) == "1.0600"
    )
    assert str(bb.Score("antihubs", 0.25)) == "25.00" and str(bb.Score("threshold", None)) == "–"


def test_scores_format_round_and_hash_like_numbers(report: bb.Report) -> None:
    score = bb.Score("accuracy", 0.95349, 0.942, 0.962, 1000, details={"forward": 0.9})
    assert f"{score:.2f} {score:>8.1%} {score}" == f"0.95    95.3% {score!s}"
    assert round(score, 3) == 0.953 and f"{bb.Score('threshold', None):.2f}" == "nan"
    assert len({score, bb.Score("accuracy", 0.95349, 0.942, 0.962, 1000, details={"forward": 0.9})}) == 1
    with pytest.raises(ValueError, match="format"):
        format(score, "d")
    assert {report: 1}[report] == 1
    with pytest.raises(TypeError, match="not supported"):
        _ = score > 0.9  # type: ignore[operator]


def test_a_notebook_shows_the_same_as_print(report: bb.Report) -> None:
    def cells(html: str) -> str:
        text = unescape(re.sub(r"<[^>]*>", " ", html))
        return re.sub(r"[\s-]+", "", text)

    wide = bb.evaluate(letters, ["Mini-Tatoeba"], "en,fr", "mini")
    muse = next(each for each in bb.load_results(RESULTS).values() if each.name == "google/muse-v3")
    for shown in (report, report["Mini-Tatoeba"], muse, muse["Tatoeba"], bb.compare(report, wide)):
        assert cells(shown._repr_html_()) == re.sub(r"[\s-]+", "", repr(shown))
    assert "(mean of 4: fr, ja, ko, ru)" in muse._repr_html_()
    mined = bb.mine(["<b>", "zwei"], ["<i>", "two"], letters)
    assert "&lt;" in mined._repr_html_() and "<b>" not in mined._repr_html_() and "2 pairs" in mined._repr_html_()


def test_examples_of_saved_results_and_comparisons() -> None:
    from leaderboard import from_python

    run = doctest.testmod(from_python)
    assert run.attempted > 6 and not run.failed


def test_a_task_named_twice_is_scored_once() -> None:
    report = bb.evaluate(letters, ["Mini-Tatoeba", "mini tatoeba"], "en,fr", "mini")
    assert list(report) == ["Mini-Tatoeba"]


def test_two_reports_are_compared_as_the_command_does(
    report: bb.Report, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = bb.evaluate(letters, TASKS, "en,fr", "mini")
    compared = bb.compare(report, other)
    report.save(tmp_path)
    other.save(tmp_path)
    assert main(["compare", "local/tiny-bert", "local/letters", "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out.rstrip() == str(compared)
    loaded = bb.load_results(tmp_path)
    assert set(loaded) == {"local/tiny-bert", "local/letters"}
    assert str(bb.compare(loaded["local/tiny-bert"], loaded["local/letters"])) == str(compared)
    key = ["task", "subset", "score"]
    ours, theirs = (r.to_pandas().sort_values(key, ignore_index=True) for r in (loaded["local/tiny-bert"], report))
    assert ours.equals(theirs)
    frame = compared.to_pandas()
    (row,) = frame[frame.task == "Mini-Tatoeba"].itertuples()
    assert row.difference == pytest.approx(row.a - row.b) and row.ci_low < row.difference < row.ci_high
    assert {str(frame[name].dtype) for name in ("n", "only_a", "only_b")} == {"Int64"}
    counted = frame.set_index("task").only_a.notna()
    assert counted["Mini-Tatoeba"].all() and not counted[["Mini-STS"]].any(), "correlations do not count sentences"
    a, b = (each["Mini-Tatoeba"]["fr-en"].accuracy for each in (report, other))
    assert (row.a, row.b) == (a.value, b.value)


@pytest.mark.parametrize(
    ("name", "package", "hint"),
    [
        ("xsim", "numpy", "install bitext-bench again, with pip"),
        ("BitextEvaluator", "sentence_transformers", install_hint("train")),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(name: str, package: str, hint: str) -> None:
    code = f"import sys, bitext_bench as bb; sys.modules[{package!r}] = None; bb.{name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    expected = f"ImportError: bitext_bench.{name} needs the package {package}: {hint}"
    assert done.stderr.splitlines()[-1] == expected


def test_help_documents_every_public_name() -> None:
    text = pydoc.plain(pydoc.render_doc(bb))
    functions = [name for name in bb.__all__ if inspect.isfunction(getattr(bb, name))]
    assert all(f"\n    {name}(" in text for name in functions) and len(functions) == 11
    assert all(f"class {name}(" in text for name in set(bb.__all__) - {"__version__", "Margin", *functions})


def test_what_cannot_be_compared_or_saved_is_refused(report: bb.Report, tmp_path: Path) -> None:
    other = bb.evaluate(letters, ["Mini-xSIM"], "en,fr", "mini")
    with pytest.raises(bb.UserError, match="no common task on the same data"):
        bb.compare(report, other)
    with pytest.raises(bb.UserError, match="b is a TaskReport: expected a Report, from evaluate or load_results"):
        bb.compare(report, report["Mini-STS"])  # type: ignore[arg-type]
    with pytest.raises(bb.UserError, match="a is a str"):
        bb.compare("one", report)  # type: ignore[arg-type]
    report.save(tmp_path)
    (loaded,) = bb.load_results(tmp_path).values()
    with pytest.raises(bb.UserError, match="was read from files: copy"):
        loaded.save(tmp_path / "other")
    with pytest.raises(bb.UserError, match="no directory"):
        bb.load_results(tmp_path / "nowhere")
    for given in (None, ["results"], 5):
        with pytest.raises(bb.UserError, match="folder is .*: expected the path of a directory"):
            bb.load_results(given)  # type: ignore[arg-type]
        with pytest.raises(bb.UserError, match="folder is .*: expected the path of a directory"):
            report.save(given)  # type: ignore[arg-type]


def _scaled(exponent: float) -> Any:
    def encoder(sentences: list[str]) -> NDArray[np.float64]:
        return letters(sentences) ** exponent

    return encoder


def test_models_with_the_same_name_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (bb.evaluate(_scaled(power), TASKS, "en,fr", "mini") for power in (1, 0.2))
    assert one.name == two.name == "local/encoder"
    for each in (one, two):
        each.save(tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    loaded = bb.load_results("results")
    names = [f"local/encoder [{each.results[0].model.revision}]" for each in (one, two)]
    assert set(loaded) == set(names)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")  # the files are still found
    assert str(bb.compare(*(loaded[name] for name in names))) == str(bb.compare(one, two))
    both = bb.Report([*one.results, *two.results], [*one.files, *two.files], [*one.outcomes, *two.outcomes])
    with pytest.raises(bb.UserError, match="has the results of several models"):
        bb.compare(both, one)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "fp8"}, "dtype is 'fp8': expected one of auto, fp32, bf16, fp16"),
        ({"backend": "onnx"}, "backend is 'onnx': expected one of torch, openvino"),
        ({"pooling": "max"}, "pooling is 'max': expected one of None, mean, cls, last"),
        ({"max_length": 0}, "max_length is 0: expected a number of tokens"),
        ({"max_length": "8"}, "max_length is '8': expected"),
        ({"max_length": 2.5}, "max_length is 2.5: expected"),
        ({"max_length": True}, "max_length is True: expected"),
        ({"prompt": 5}, "prompt is 5: expected a string or None"),
        ({"device": 0}, "device is 0: expected a string or None"),
        ({"revision": 1}, "revision is 1: expected a string or None"),
    ],
)
def test_options_have_the_values_of_the_command(options: dict[str, Any], message: str) -> None:
    with pytest.raises(bb.UserError, match=message):
        bb.ModelOptions(**options)


def test_languages_without_data_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    report = bb.evaluate(letters, ["Mini-Tatoeba"], "en,fr,de", "mini")
    assert report.left_out == ["Mini-Tatoeba in de (no data)"]
    expected = [f"bitext-bench: left out: {line}" for line in report.left_out]
    assert [line for line in capsys.readouterr().err.splitlines() if "left out" in line] == expected
    bb.BitextEvaluator(tasks=["Mini-Tatoeba"], languages="en,fr,de")
    assert [line for line in capsys.readouterr().err.splitlines() if "left out" in line] == expected
    bb.BitextEvaluator(tasks=["Mini-Tatoeba"], languages="en,fr")
    assert "left out" not in capsys.readouterr().err
