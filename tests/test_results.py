"""Result files: one layout, the same bytes for the same result, in no other folder, and refused when changed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext_bench.data import Provenance, open_source
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.encoders import ContaminationAudit, Model, ModelOptions, resolve_model
from bitext_bench.errors import UserError
from bitext_bench.io.checksums import content_sha256
from bitext_bench.io.terminal import printable
from bitext_bench.languages import resolve
from bitext_bench.results.averages import PAPER_AVERAGES, Average, compute
from bitext_bench.results.evaluation import evaluate, load_tasks
from bitext_bench.results.files import read_result, result_folder, write_result
from bitext_bench.results.outcomes import outcomes_file, read_outcomes
from bitext_bench.results.records import Outcomes, TaskResult, signature
from bitext_bench.results.tables import render_averages, render_scores
from bitext_bench.results.verify import find_differences
from bitext_bench.tasks import TASKS, SubsetScores


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[TaskResult, Outcomes]:
    """A real result: the toy encoder on the built-in set's retrieval."""
    embedder = Embedder(resolve_model("toys:hashing", ModelOptions()), tmp_path_factory.mktemp("cache"))
    loaded = load_tasks([TASKS["Mini-Tatoeba"]], open_source("mini"), [resolve("fr"), resolve("ja")], pytest.fail)
    ((result, outcomes),) = evaluate(embedder, loaded)
    return result, outcomes


def model(name: str, revision: str = "1", **more: Any) -> Model:
    found = resolve_model("toys:hashing", ModelOptions())
    return replace(found, name=name, revision=revision, **more)


def test_a_file_has_this_layout(made: tuple[TaskResult, Outcomes], tmp_path: Path) -> None:
    content = json.loads(write_result(tmp_path, *made).read_text(encoding="utf-8"))
    assert [*content][:8] == [
        "bitext_bench",
        "version",
        "date",
        "task",
        "split",
        "data",
        "main_score",
        "lower_is_better",
    ]
    assert [*content][8:] == [
        "evaluation_time",
        "model",
        "summary",
        "libraries",
        "subsets",
        "task_name",
        "dataset_revision",
        "mteb_version",
        "scores",
        "outcomes_sha256",
        "sha256",
    ]
    told = [content[name] for name in ("bitext_bench", "task", "split", "data", "main_score")]
    assert told == [3, "Mini-Tatoeba", "test", "mini-1", "accuracy"]
    first = content["subsets"][0]
    assert [*first][:3] == ["subset", "languages", "n"]
    assert (first["subset"], first["languages"], first["n"]) == ("fr-en", ["fra-Latn", "eng-Latn"], 360)
    assert {"accuracy", "mteb_accuracy", "mteb_f1"} < first["scores"].keys()
    assert "main_score" not in first and "main_score" not in first["scores"], "there is no second copy"


def test_what_is_written_is_read(made: tuple[TaskResult, Outcomes], tmp_path: Path) -> None:
    result, outcomes = made
    file = write_result(tmp_path, result, outcomes)
    before = file.read_bytes(), file.with_suffix(".outcomes.npz").read_bytes()
    read = read_result(file)
    assert read == replace(result, outcomes_sha256=read.outcomes_sha256)
    assert read.to_json() == file.read_text(encoding="utf-8")
    found = read_outcomes(file, read)
    assert found.keys() == outcomes.keys()
    for block, columns in outcomes.items():
        for name, values in columns.items():
            np.testing.assert_array_equal(found[block][name], values)
    write_result(tmp_path, result, outcomes)
    assert before == (file.read_bytes(), file.with_suffix(".outcomes.npz").read_bytes())


def test_outcomes_of_unequal_length(made: tuple[TaskResult, Outcomes], tmp_path: Path) -> None:
    blocks: Outcomes = {("a", "forward"): {"hit": np.array([True])}, ("b", "forward"): {"hit": np.array([False] * 3)}}
    first, second = made[0].subsets
    subsets = [replace(first, subset="a", n=1), replace(second, subset="b", n=3)]
    file = write_result(tmp_path, replace(made[0], subsets=subsets), blocks)
    found = read_outcomes(file, read_result(file), ["hit"])
    assert [len(columns["hit"]) for columns in found.values()] == [1, 3]


HOSTILE = [  # slashes, markup, control characters, other scripts, nothing
    "../up",
    "a/../../b",
    "..",
    "a|b",
    "<script>alert(1)</script>",
    "line\nbreak",
    "'\"",
    "x" * 500,
    "…",
    "名前",
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leaves_the_results_folder(name: str, tmp_path: Path) -> None:
    for folder in (result_folder(tmp_path, model(name)), result_folder(tmp_path, model("m", revision=name))):
        assert folder.resolve().is_relative_to(tmp_path.resolve())
        parts = folder.relative_to(tmp_path).parts
        assert len(parts) == 2
        assert all(part not in (".", "..") and len(part) < 120 for part in parts)
        assert all(c.isascii() and (c.isalnum() or c in "._-") for part in parts for c in part)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.text(max_size=12), st.text(max_size=12))
def test_two_names_never_share_a_folder(one: str, other: str) -> None:
    root = Path("results")
    same = result_folder(root, model(one)) == result_folder(root, model(other))
    assert same == (one == other or one.replace("/", "__", 1) == other.replace("/", "__", 1))


def test_other_settings_have_a_folder_of_their_own(tmp_path: Path) -> None:
    plain, prompted, none, named_none = (
        result_folder(tmp_path, model("org/m", overrides=overrides))
        for overrides in ((), (("prompt", "query: "),), (("prompt", ""),), (("prompt", "none"),))
    )
    assert plain == tmp_path / "org__m" / "1"
    assert prompted.parent == none.parent == named_none.parent == plain / "experiments"
    assert len({plain, prompted, none, named_none}) == 4


def scores(*languages: str) -> SubsetScores:
    told, data = {"pair": "-".join(languages)}, Provenance("v1", "0" * 64)
    return SubsetScores("x", tuple(map(resolve, languages)), "accuracy", {"accuracy": 1.0}, {}, 1, told, data)


def test_a_signature_names_everything_in_one_line() -> None:
    line = signature("Tatoeba", model("m"), 'a|"b"', scores("ja", "en"))
    assert "\n" not in line
    fields = dict(field.split(":", 1) for field in line.split("|"))
    assert list(fields) == ["task", "pair", "prompt", "pool", "dtype", "maxlen", "data", "model", "bb"]
    assert fields["prompt"] == '"a/\\"b\\""'


@pytest.mark.parametrize(
    ("known", "languages", "said"),
    [
        ({}, "ja en", None),
        ({"checked": ContaminationAudit({"Tatoeba": ("en", "ja")})}, "ja en", None),
        ({"checked": ContaminationAudit({"Tatoeba": ("en", "ja")})}, "fr en", "unchecked"),
        ({"checked": ContaminationAudit({"Tatoeba": ("en", "ja")})}, "fr", "unchecked"),
        ({"checked": ContaminationAudit({"Tatoeba": ()})}, "en", "unchecked"),
        ({"contaminated_rows": 3}, "ja en", "3 training rows"),
        ({"contaminated_rows": 3, "checked": ContaminationAudit({"Tatoeba": ("en",)})}, "fr en", "3 training rows"),
    ],
)
def test_a_signature_says_what_is_unclean(known: dict[str, Any], languages: str, said: str | None) -> None:
    line = signature("Tatoeba", model("m", **known), "", scores(*languages.split()))
    assert dict(field.split(":", 1) for field in line.split("|")).get("contamination") == said


def with_values(text: str, **changes: Any) -> str:
    """Return a file's text with other values and the checksum that goes with them."""
    content = {**json.loads(text), **changes}
    return json.dumps({**content, "sha256": content_sha256(content)})


def without(text: str, name: str) -> str:
    content = json.loads(text)
    del content[name]
    return json.dumps({**content, "sha256": content_sha256(content)})


def with_main_score(text: str, value: object) -> str:
    """Return a file's text with another main score for mteb."""
    scores = json.loads(text)["scores"]
    scores["test"][0]["main_score"] = value
    return with_values(text, scores=scores)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:200], "is not JSON"),
        (lambda text: "[]", "is not a result of bitext-bench"),
        (lambda text: text.replace('"bitext_bench"', '"other"'), "not a result of"),
        (lambda text: with_values(text, bitext_bench=99, version="9.9"), r"has format 99 \(bitext-bench 9.9\)"),
        (
            lambda text: json.dumps({"bitext_bench": {"format": 1, "version": "0.1"}}),
            r"has format 1 \(bitext-bench 0.1\)",
        ),
        (lambda text: text.replace('"sha256": ', '"sha": '), "is damaged: 'sha256' is missing"),
        (lambda text: with_values(text, subsets=[]), "is damaged: subsets: list should have at least 1 item"),
        (lambda text: with_values(text, subsets=[{}]), "is damaged: subsets 0 subset is missing"),
        (lambda text: with_values(text, task=7), "is damaged: task: input should be a valid string"),
        (lambda text: with_values(text, model={}), "is damaged: model name is missing"),
        (lambda text: with_values(text, main_score="f1"), "is damaged: f1 of 'fr-en' is missing"),
        (lambda text: text.replace("360", "NaN", 1), "is damaged: Out of range"),
        (lambda text: without(text, "scores"), "is damaged: scores is missing"),
        (lambda text: without(text, "mteb_version"), "is damaged: mteb_version is missing"),
        (lambda text: with_values(text, task_name="Tatoeba"), "is damaged: task_name: mteb would read other values"),
        (lambda text: with_values(text, dataset_revision="x"), "is damaged: dataset_revision: mteb would read other"),
        (lambda text: with_values(text, mteb_version="2.0"), "is damaged: mteb_version: input should be None"),
        (lambda text: with_values(text, scores={}), "is damaged: scores: mteb would read other values"),
        (lambda text: with_values(text, scores={"test": [{}]}), "is damaged: scores test 0 hf_subset is missing"),
        (lambda text: with_values(text, split="dev"), "is damaged: scores: mteb would read other values"),
        (lambda text: with_main_score(text, 0.5), "is damaged: scores: mteb would read other values"),
        (lambda text: with_main_score(text, "0.5"), "is damaged: scores test 0 main_score: input should be a valid"),
    ],
)
def test_files_from_elsewhere(made: tuple[TaskResult, Outcomes], tmp_path: Path, change, words: str) -> None:
    file = write_result(tmp_path, *made)
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(UserError, match=words):
        read_result(file)
    with pytest.raises(UserError, match="cannot read"):
        read_result(tmp_path / "nowhere.json")


EDITS = {
    "a score": ('"accuracy": 0', '"accuracy": 1'),
    "an interval": ('"intervals": {"accuracy": [0', '"intervals": {"accuracy": [1'),
    "n": ('"n": 360', '"n": 361'),
    "the signature": ("data:mini-1", "data:mini-2"),
    "a language": ("fra-Latn", "fra-Latm"),
    "the model": ('"name": "local/', '"name": "lokal/'),
    "the score that mteb reads": ('"main_score": 0.', '"main_score": 1.'),
    "the name that mteb reads": ('"task_name": "Mini', '"task_name": "Maxi'),
    "the main score": ('"main_score": "accuracy"', '"main_score": "mrr"'),
    "the direction": ('"lower_is_better": false', '"lower_is_better": true'),
    "the summary": ('"mean": 0', '"mean": 1'),
    "the checksum of the outcomes": ('"outcomes_sha256": "', '"outcomes_sha256": "0'),
    "the checksum": ('"sha256": "', '"sha256": "0'),
    "the time": ('"evaluation_time": ', '"evaluation_time": 1'),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edited_file_is_refused(made: tuple[TaskResult, Outcomes], tmp_path: Path, what: str) -> None:
    file = write_result(tmp_path, *made)
    before = file.read_text(encoding="utf-8")
    edited = before.replace(*EDITS[what], 1)
    assert edited != before
    file.write_text(edited, encoding="utf-8")
    with pytest.raises(UserError, match=r"was changed after it was written \(its checksum differs\)"):
        read_result(file)
    file.write_text(json.dumps(json.loads(before), indent=4), encoding="utf-8")
    assert read_result(file).subsets == made[0].subsets, "only its layout was changed"


def test_no_byte_of_a_file_can_be_damaged_unseen(made: tuple[TaskResult, Outcomes], tmp_path: Path) -> None:
    """What is read from a file with a byte that is not what was written is refused, or the same as before."""
    file = write_result(tmp_path, *made)
    before, whole = read_result(file), file.read_bytes()
    rng = np.random.default_rng(1)
    refused = 0
    for place in rng.choice(len(whole), 200, replace=False):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << rng.integers(8))]) + whole[place + 1 :])
        try:
            assert read_result(file) == before
        except UserError:
            refused += 1
    assert refused > 150, "all but changed white space"


def test_outcomes_that_are_not_those_of_the_result_are_refused(
    made: tuple[TaskResult, Outcomes], tmp_path: Path
) -> None:
    file = write_result(tmp_path, *made)
    result, packed = read_result(file), outcomes_file(file)
    whole = packed.read_bytes()
    for place in range(0, len(whole), len(whole) // 40):
        packed.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(UserError, match="does not belong to Mini-Tatoeba.json"):
            read_outcomes(file, result, ["hit"])
    flipped = {key: {**columns, "hit": ~columns["hit"]} for key, columns in made[1].items()}
    other = write_result(tmp_path / "other", made[0], flipped)  # whole, but of another run
    packed.write_bytes(outcomes_file(other).read_bytes())
    with pytest.raises(UserError, match="does not belong to"):
        read_outcomes(file, result)


def test_averages_are_formed_whole_or_not_at_all(made: tuple[TaskResult, Outcomes]) -> None:
    result = made[0]
    members = tuple(("Mini-Tatoeba", subset, "accuracy") for subset in ("fr-en", "ja-en"))
    values = [entry.scores["accuracy"] for entry in result.subsets]
    assert compute(Average("both", members), [result]).value == pytest.approx(np.mean(values))
    more = Average("more", (*members, ("Mini-Tatoeba", "ko-en", "accuracy")))
    found = compute(more, [result])
    assert (found.value, found.missing) == (None, ("Mini-Tatoeba ko-en",))
    printed = render_averages([result], [Average("both", members), more, *PAPER_AVERAGES])
    assert printed == f"both: {100 * np.mean(values):.2f} (mean of 2: fr, ja)"


def test_the_table_shows_intervals_directions_and_absence(made: tuple[TaskResult, Outcomes]) -> None:
    result = made[0]
    entry = replace(result.subsets[0], scores={"accuracy": None}, intervals={}, subset="evil\n\x1b[31m")
    odd = replace(result, subsets=[entry], lower_is_better=True)
    table = render_scores([result, odd])
    assert len(table.splitlines()) == 2 + 2 + 1
    assert re.search(r"accuracy \(lower is better\) +–", table)
    assert "\x1b" not in table
    assert printable("a\tb") == "a\\tb"


def changed(result: TaskResult, **values: Any) -> TaskResult:
    first, *rest = result.subsets
    return replace(result, subsets=[replace(first, **values), *rest])


def scored(result: TaskResult, accuracy: float) -> TaskResult:
    return changed(result, scores={**result.subsets[0].scores, "accuracy": accuracy})


def test_verify_says_where_results_differ(made: tuple[TaskResult, Outcomes]) -> None:
    result, outcomes = made
    assert find_differences(result, outcomes, result, outcomes) == []
    line = result.subsets[0].signature.replace('prompt:""', 'prompt:"q"')
    cases = [
        (scored(result, 0.123), r"fr-en: accuracy is 0.\d+ on file, 0.123 computed"),
        (changed(result, n=1), "fr-en: n is 360 on file, 1 computed"),
        (changed(result, signature=line), 'fr-en: prompt is "" on file, "q" computed'),
        (replace(result, subsets=result.subsets[1:]), "fr-en: on file, but not computed"),
    ]
    for computed, words in cases:
        (found,) = find_differences(result, outcomes, computed, outcomes)
        assert re.match(words, found)


def test_verify_forgives_a_near_tie_and_nothing_else(made: tuple[TaskResult, Outcomes]) -> None:
    result, outcomes = made
    key = ("fr-en", "forward")
    columns = outcomes[key]
    hit = columns["hit"].copy()
    hit[7] = not hit[7]
    flipped = {**outcomes, key: {**columns, "hit": hit}}
    assert find_differences(result, outcomes, result, flipped) == ["fr-en forward: other outcome in rows 7"]
    margin = columns["margin"].copy()
    margin[7] = 1e-7
    near = {**outcomes, key: {**columns, "margin": margin}}
    moved = scored(result, (result.subsets[0].scores["accuracy"] or 0) + 1 / 720)
    assert find_differences(result, near, moved, flipped) == []


def test_a_result_says_when_it_was_made_and_how_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitext_bench.results.evaluation.TIMED_SENTENCES", 1_000)
    embedder = Embedder(resolve_model("toys:hashing", ModelOptions()), tmp_path)
    loaded = load_tasks([TASKS["Mini-Tatoeba"]], open_source("mini"), None, pytest.fail)
    ((first, _),) = evaluate(embedder, loaded)
    encoding = first.encoding
    assert encoding
    assert encoding.sentences == 5 * 360
    assert encoding.sentences < encoding.tokens
    assert encoding.seconds > 0
    assert encoding.device == "unknown"
    assert datetime.now(UTC) - datetime.fromisoformat(first.date) < timedelta(minutes=5)
    ((again, _),) = evaluate(embedder, loaded)  # nothing is encoded, so nothing is said of its speed
    assert again.encoding is None


COMMITTED = sorted((Path(__file__).parents[1] / "results").rglob("*.json"))


def test_every_committed_result_is_written_again_byte_for_byte() -> None:
    assert len(COMMITTED) > 100
    for file in COMMITTED:
        assert read_result(file).to_json().encode() == file.read_bytes(), file
