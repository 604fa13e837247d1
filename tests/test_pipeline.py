"""From a data directory to rows: what is left out, why, and that it is written down."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
from builders import write

from bitext_bench.cli.main import main
from bitext_bench.data.mini import MiniSource
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.errors import UserError
from bitext_bench.languages import resolve
from training.config import make_config
from training.data.contamination import BenchmarkSentences
from training.pipeline import PreparedData, prepare, read_data

CLEAN = [
    f"the {i} {animal} {verb} on {i * 3}\tle {i} {other} {fait} {i * 3}"
    for i in range(20)
    for animal, other in (("cat", "chat"), ("dog", "chien"))
    for verb, fait in (("sat", "assis"), ("ran", "court"))
]


@pytest.fixture(scope="module")
def mini() -> BenchmarkSentences:
    return BenchmarkSentences.build([MiniSource()])


def mini_sentence(code: str, row: int) -> str:
    return MiniSource().aligned("mini", resolve(code)).sentences[row]


def prepared(
    root: Path, benchmarks: BenchmarkSentences, *, allow_contamination: bool = False, **settings: object
) -> PreparedData:
    config = make_config({"student": "x", "pairs": ["en-fr"], **settings})
    return prepare(config, read_data(config, root), benchmarks, allow_contamination=allow_contamination)


def dirty(root: Path) -> Path:
    """Write two corpora that have every fault, and contaminated rows in each column."""
    write(
        root / "first/en-fr.tsv",
        [
            *CLEAN[:4],
            "\tle chat",  # 5
            "the same\tThe same.",  # 6
            f"the end\t{'la fin ' * 200}",  # 7
            f"a cat\t{'le chat ' * 20}",  # 8
            CLEAN[0].upper(),  # 9
            f"{mini_sentence('en', 3)}\tune phrase sans rapport avec le reste",  # 10
            f"a sentence that has nothing to do with it\t{mini_sentence('ja', 4)}",  # 11
            CLEAN[4],
        ],
    )
    # The other order of languages, a row of the first corpus, and a contaminated row that the first corpus also has.
    swapped = ["\t".join(reversed(row.split("\t"))) for row in (CLEAN[5], CLEAN[1])]
    write(root / "second/fr-en.tsv", [*swapped, f"encore une autre phrase\t{mini_sentence('en', 3)}"])
    return root


def test_each_row_is_left_out_for_one_reason_with_its_line(tmp_path: Path, mini: BenchmarkSentences) -> None:
    found = prepared(dirty(tmp_path), mini)
    (item,) = found.data
    assert [f"{s}\t{t}" for s, t in zip(item.source, item.target, strict=True)] == [*CLEAN[:5], CLEAN[5]]
    first, second = found.corpora
    assert (first.name, first.pair, first.read, first.kept, first.contaminated) == ("first", "en-fr", 12, 5, 2)
    assert first.dropped == {"empty": 1, "identical": 1, "too long": 1, "length ratio": 1, "duplicate": 1}
    assert (second.name, second.read, second.kept, second.contaminated, second.dropped) == (
        "second",
        3,
        1,
        1,
        {"duplicate": 1},
    )
    assert str(first) == (
        "first en-fr: 12 rows read, 5 kept (too long 1, empty 1, identical 1, length ratio 1, duplicate 1, "
        "in a benchmark 2)"
    )
    lines = [(x.corpus, x.line, x.reason) for x in found.dropped]
    assert [(corpus, line) for corpus, line, _ in lines] == [
        *(("first", n) for n in (5, 6, 7, 8, 9, 10, 11)),
        ("second", 2),
        ("second", 3),
    ]
    assert [reason for _, _, reason in lines if reason.startswith("in ")] == [
        f"in {test}" for test in ("Mini-Tatoeba fr-en", "Mini-Tatoeba ja-en", "Mini-Tatoeba fr-en")
    ]
    assert found.contaminated == {"Mini-Tatoeba fr-en": 2, "Mini-Tatoeba ja-en": 1}
    assert sum(found.contaminated.values()) == sum(report.contaminated for report in found.corpora)
    assert (found.contaminated_kept, found.checked, found.missing) == (False, mini.checked, mini.missing)


def test_contaminated_rows_that_are_allowed_are_kept_and_counted_all_the_same(
    tmp_path: Path, mini: BenchmarkSentences
) -> None:
    without, found = prepared(dirty(tmp_path), mini), prepared(tmp_path, mini, allow_contamination=True)
    assert len(found.data[0].source) == len(without.data[0].source) + 3
    assert mini_sentence("en", 3) in found.data[0].source
    assert mini_sentence("ja", 4) in found.data[0].target
    assert [report.contaminated for report in found.corpora] == [2, 1]
    assert [report.kept for report in found.corpora] == [7, 2]
    assert found.contaminated == without.contaminated
    assert found.contaminated_kept
    assert not [x for x in found.dropped if x.reason.startswith("in ")]


def test_corpora_have_weights(tmp_path: Path, mini: BenchmarkSentences) -> None:
    write(tmp_path / "a/en-fr.tsv", CLEAN[:10])
    write(tmp_path / "b/en-fr.tsv", CLEAN[10:20])
    write(tmp_path / "c/en-fr.tsv", CLEAN[20:30])
    found = prepared(tmp_path, mini, corpora=["a:2.5", "b:0.3"])
    counts = [sum(found.data[0].source.count(row.split("\t")[0]) for row in CLEAN[i : i + 10]) for i in (0, 10, 20)]
    assert counts == [25, 3, 0]
    assert [(x.name, x.weight, x.kept) for x in found.corpora] == [("a", 2.5, 10), ("b", 0.3, 10)]
    assert prepared(tmp_path, mini, corpora=["a:2.5", "b:0.3"]).data == found.data
    assert prepared(tmp_path, mini, corpora=["a:2.5", "b:0.3"], seed=1).data != found.data


def test_nothing_left_is_said_with_the_reasons(tmp_path: Path, mini: BenchmarkSentences) -> None:
    write(tmp_path / "a/en-fr.tsv", ["x\tX!", f"{mini_sentence('en', 3)}\tautre chose que la traduction de cela"])
    with pytest.raises(UserError, match=r"nothing is left to train en-fr on: .*identical 1, in a benchmark 1"):
        prepared(tmp_path, mini)


# Through the command, to the results of `run`


@pytest.fixture
def command(tmp_path: Path, tiny_model: Path, one_thread: None) -> list[str]:
    rows = [*CLEAN, *(f"{mini_sentence('en', i)}\tune phrase numéro {i} tout à fait sans rapport" for i in range(3))]
    write(tmp_path / "pairs/made/en-fr.tsv", [*rows, f"and so it was that nobody came\t{mini_sentence('fr', 7)}"])
    usual = f"--model {tiny_model} --data {tmp_path}/pairs --benchmarks mini --pair en-fr --precision fp32 --label hard"
    steps = f"--batch-size 8 --max-steps 1 --set dev_size=0 --cache-folder {tmp_path}/cache"
    return ["train", *usual.split(), *steps.split()]


def ran(model: Path, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    """Return the signatures and the messages of `run` on a checkpoint."""
    root = model.parent
    folders = ["--cache-folder", str(root / "cache"), "--output", str(root / f"results-{model.name}")]
    capsys.readouterr()
    assert main(["run", "--model", str(model), "--data", "mini", "--tasks", "Mini-STS", *folders]) == 0
    (file,) = (root / f"results-{model.name}").rglob("*.json")
    entries = json.loads(file.read_text())["subsets"]
    return [entry["signature"] for entry in entries], capsys.readouterr().err


def test_planted_test_sentences_are_left_out_by_default(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main([*command, "--output", str(out)]) == 0
    assert "84 rows read, 80 kept (in a benchmark 4)" in capsys.readouterr().err
    contamination = json.loads((out / "train_config.json").read_text())["contamination"]
    assert (contamination["rows"], contamination["kept"], contamination["benchmarks"]) == (
        4,
        False,
        {"Mini-Tatoeba fr-en": 4},
    )
    dropped = (out / "dropped_rows.tsv").read_text().splitlines()
    assert dropped == ["corpus\tline\treason", *(f"made\t{n}\tin Mini-Tatoeba fr-en" for n in (81, 82, 83, 84))]
    card = (out / "README.md").read_text()
    assert "4 rows contain one and were left out; most are in Mini-Tatoeba fr-en (4)" in card
    assert "are not clean" not in card
    signatures, messages = ran(out, capsys)
    assert not [x for x in signatures if "contamination" in x]
    assert "trained on" not in messages
    assert resolve_model(str(out), ModelOptions()).contaminated_rows == 0


def test_a_choice_among_variants_is_said(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "pairs/made/en-fr_CA.tsv", ["one more\tencore une"])
    assert main([*command, "--output", str(tmp_path / "out")]) == 0
    note = "note: made: en-fr is read for en-fr, not en-fr_CA; choose with --pair\n"
    assert note in capsys.readouterr().err


def test_contaminated_rows_that_are_trained_on_stay_with_the_model(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "contaminated"
    assert main([*command, "--allow-contamination", "--output", str(out), "--evaluate"]) == 0
    assert "training uses 4 contaminated rows; every result will say so" in capsys.readouterr().err
    contamination = json.loads((out / "train_config.json").read_text())["contamination"]
    assert (contamination["rows"], contamination["kept"]) == (4, True)
    assert (out / "dropped_rows.tsv").read_text().splitlines() == ["corpus\tline\treason"]
    card = (out / "README.md").read_text()
    assert (
        "**Trained on 4 rows that contain a benchmark sentence: scores on these benchmarks are contaminated.**" in card
    )
    assert "contamination:4 training rows" in card
    signatures, messages = ran(out, capsys)
    assert all("|contamination:4 training rows|" in x for x in signatures)
    assert "trained on 4 benchmark rows" in messages
    assert resolve_model(str(out), ModelOptions()).contaminated_rows == 4


def test_training_on_does_not_wash_contamination_away(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A student that has seen test sentences has still seen them after another run without."""
    contaminated, out = tmp_path / "contaminated", tmp_path / "washed"
    assert main([*command, "--allow-contamination", "--output", str(contaminated)]) == 0
    assert main([*command, "--model", str(contaminated), "--output", str(out)]) == 0
    assert resolve_model(str(out), ModelOptions()).contaminated_rows == 4
    assert all("|contamination:4 training rows|" in x for x in ran(out, capsys)[0])


def checked(checkpoint: Path) -> Mapping[str, tuple[str, ...] | None]:
    found = resolve_model(str(checkpoint), ModelOptions()).checked
    assert found
    return found.tasks


def test_results_in_languages_whose_benchmarks_were_not_asked_say_so(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, on = tmp_path / "some", tmp_path / "some-on"
    assert main([*command, "--set", 'decontamination_languages=["eng", "ja"]', "--output", str(out)]) == 0
    assert "84 rows read, 81 kept (in a benchmark 3)" in capsys.readouterr().err  # the French one stays
    assert "Mini-STS (en-en, ja-ja): 3 rows contain one" in (out / "README.md").read_text()
    signatures, messages = ran(out, capsys)
    assert "its training rows were not fully compared with Mini-STS; these results say so" in messages
    subsets = [dict(field.split(":", 1) for field in line.split("|")) for line in signatures]
    assert {x["subset"]: x.get("contamination") for x in subsets} == {
        "en": None,
        "ja": None,
        **dict.fromkeys(("fr", "ko", "ru", "en-fr"), "unchecked"),
    }
    # Training on asks in what both runs asked.
    assert (
        main([*command, "--model", str(out), "--set", 'decontamination_languages=["en", "fr"]', "--output", str(on)])
        == 0
    )
    assert checked(on)["Mini-STS"] == ("en-en",)
    assert "Mini-Tatoeba" not in checked(on), "there is no pair of English alone"
    assert main([*command, "--model", str(out), "--overwrite", "--output", str(on)]) == 0
    assert checked(on) == checked(out)
    card = (on / "README.md").read_text()
    assert "Mini-STS (en-en, en-fr, fr-fr, ja-ja, ko-ko, ru-ru): 4 rows contain one" in card
    assert re.search(
        r"compared with fewer benchmarks; both trainings were compared with .*Mini-STS \(en-en, ja-ja\)", card
    )


def test_a_run_with_contamination_cannot_be_finished_as_one_without(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.trainer.arguments import Progress

    run = [*command, "--max-steps", "4", "--output", str(tmp_path / "out")]
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_log", lambda *_, **__: signal.raise_signal(signal.SIGTERM))
        assert main([*run, "--allow-contamination"]) == 143
    capsys.readouterr()
    assert main([*run, "--resume"]) == 1
    (line,) = [x for x in capsys.readouterr().err.splitlines() if "error:" in x]
    assert "contaminated rows" in line
    assert main([*run, "--resume", "--allow-contamination"]) == 0
    assert resolve_model(str(tmp_path / "out"), ModelOptions()).contaminated_rows == 4
