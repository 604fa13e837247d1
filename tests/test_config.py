"""What a training run is told: pairs and anchors by hand, every recipe, every bad setting, the round trip."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import fields
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitext_bench.baselines import find_baseline
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair
from training.config import TrainConfig, make_config
from training.losses.objective import Objective
from training.recipe import describe_recipes, read_recipe, recipes

MINIMAL: dict[str, Any] = {"student": "a-model", "pairs": ["en-ja"]}


def config(**changes: Any) -> TrainConfig:
    return make_config(MINIMAL, changes)


def codes(given: TrainConfig) -> str:
    return " ".join(map(str, given.lang_pairs))


def complaint(settings: dict[str, Any]) -> str:
    with pytest.raises(UserError) as caught:
        make_config(settings)
    message = str(caught.value)
    assert len(message.splitlines()) == 1 and message.isprintable()
    return message


# Pairs and anchors


@pytest.mark.parametrize(
    ("pair", "anchored"),
    [
        ("en-ko", "en-ko"),
        ("ko-en", "en-ko"),
        ("fr-ja", "ja-fr"),
        ("ko-fr", "fr-ko"),
        ("fr-ru", "ru-fr"),
        ("ja-ru", "ru-ja"),
        ("ko-ja", "ja-ko"),
        ("de-ko", "ko-de"),  # the only one with a priority
    ],
)
def test_the_anchor_is_the_language_of_higher_priority(pair: str, anchored: str) -> None:
    """Section 4.1: en, ru, ja, fr, ko."""
    assert str(config(pairs=[pair]).with_anchor_first(LangPair.parse(pair))) == anchored


def test_another_order_of_anchors() -> None:
    assert str(config(anchor_priority=["fr", "jpn", "en"]).with_anchor_first(LangPair.parse("en-ja"))) == "ja-en"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"languages": "en fr ja ko ru"}, "en-fr en-ja en-ko en-ru"),
        ({"languages": "ko en", "pair_scheme": "en-xx"}, "en-ko"),
        (
            {"languages": "en fr ja ko ru", "pair_scheme": "all"},
            "en-fr en-ja en-ko en-ru fr-ja fr-ko fr-ru ja-ko ja-ru ko-ru",
        ),
        ({"languages": "fr ja ko", "pair_scheme": "all"}, "fr-ja fr-ko ja-ko"),
        ({"languages": "ja fr ko", "anchor_priority": "fr en ko"}, "fr-ja fr-ko"),
        ({"languages": "en eng ja Japanese"}, "en-ja"),  # each language once, however it is spelled
        ({"pairs": "en-ja ja-en jpn-eng"}, "en-ja"),
        ({"pairs": "ja-en en-ja"}, "ja-en"),
        ({"pairs": "fr-ja ja-en", "languages": "en ja ko"}, "fr-ja ja-en en-ko"),
        ({"pairs": "en-ja", "languages": "en"}, "en-ja"),
    ],
)
def test_languages_and_pairs(settings: dict[str, str], expected: str) -> None:
    lists = {name: value if name == "pair_scheme" else value.split() for name, value in settings.items()}
    assert codes(make_config({"student": "a-model", **lists})) == expected


@given(st.lists(st.sampled_from(["en", "fr", "ja", "ko", "ru", "eng", "kor"]), min_size=1), st.booleans())
def test_every_pair_of_different_languages_once(languages: list[str], everything: bool) -> None:
    settings = {"student": "m", "pairs": ["de-en"], "languages": [*languages, "en"]}
    found = make_config({**settings, "pair_scheme": "all" if everything else "en-xx"}).lang_pairs[1:]
    n = len({{"eng": "en", "kor": "ko"}.get(code, code) for code in [*languages, "en"]})
    assert (
        len({frozenset((p.source, p.target)) for p in found})
        == len(found)
        == (n * (n - 1) // 2 if everything else n - 1)
    )


# Recipes

OWN = {"default", "cpu-minutes", "best-small", "best-small-2", "best-small-3"}  # the others are the paper's


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_is_valid_with_a_student_and_a_pair(name: str) -> None:
    found = make_config(read_recipe(name), {"student": "a-model", "pairs": ["en-ko"]})
    assert (found.student, codes(found)) == ("a-model", "en-ko")


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_is_described_in_one_line_with_its_table(name: str) -> None:
    description = describe_recipes()[name]
    assert 0 < len(description) <= 120 and description.isprintable()
    assert bool(re.match(r"Tables? \d", description)) == name.startswith("paper")


@pytest.mark.parametrize("name", [name for name in recipes() if name not in OWN])
def test_a_recipe_of_the_paper_names_known_models(name: str) -> None:
    """What the code of IMASCL does: a prompt for E5 teachers, none for a student."""
    found = make_config({**MINIMAL, **read_recipe(name)})
    assert find_baseline(found.student) is not None
    teacher = found.teacher
    assert (teacher is None) == (name in ("paper-hard", "paper-muse"))
    assert teacher is None or find_baseline(teacher) is not None
    assert found.teacher_prompt == ("query: " if teacher and "e5" in teacher else "")
    assert found.student_prompt == ""
    assert (found.epochs, found.learning_rate, found.max_length) == (30, 3e-5, 512)


# name, loss, label, TMS, number of pairs (1: it is left to --pair)
ROWS = """
authors-code              soft-contrastive priority no  10
paper                     soft-contrastive priority yes  1
paper-priority            soft-contrastive priority no   1
paper-average             soft-contrastive average  no   1
paper-hard                soft-contrastive hard     no   1
paper-embedding-mse       embedding-mse    -        no   1
paper-muse                translation-ranking -     no   1
"""


@pytest.mark.parametrize("row", ROWS.strip().splitlines())
def test_what_each_row_of_the_paper_varies(row: str) -> None:
    name, loss, label, tms, pairs = row.split()
    recipe = read_recipe(name)
    found = make_config(recipe if int(pairs) > 1 else {**recipe, "pairs": ["en-ko"]})
    assert found.loss == loss
    assert label == "-" or found.objective.label == label
    assert found.objective.tms == (tms == "yes")
    assert len(found.lang_pairs) == int(pairs)
    assert {found.objective.tau_teacher, found.objective.tau_student} == {0.1}
    if name != "authors-code":
        assert (found.batch_size, found.objective.lambda_cross) == (32, 0.1)
        assert found.objective == Objective(label=found.objective.label, tms=found.objective.tms)


def test_every_recipe_of_the_paper_is_in_the_table_above() -> None:
    assert {row.split()[0] for row in ROWS.strip().splitlines()} == {*recipes()} - OWN


def test_the_authors_code() -> None:
    found = make_config(read_recipe("authors-code"))
    assert found.objective == Objective(lambda_cross=1.0, symmetric_monolingual=True, column_labels="renormalized")
    assert (found.batch_size, found.seed, found.precision, found.eval_steps) == (28, 7777777, "fp16", 10_000)
    assert (found.warmup_steps, found.weight_decay, found.max_grad_norm) == (0, 0.0, 1.0)
    assert str(found.with_anchor_first(LangPair.parse("ja-ko"))) == "ko-ja"  # train.sh's order, not the paper's


def test_the_recipes_of_the_start_are_as_they_were() -> None:
    default = make_config(read_recipe("default"), MINIMAL)
    expected = {**MINIMAL, "batch_size": 32, "epochs": 3, "learning_rate": 3e-5, "objective": {"tms": True}}
    assert default == make_config(expected)
    cpu = make_config(read_recipe("cpu-minutes"), MINIMAL)
    steps = {"max_steps": 200, "warmup_steps": 10, "eval_steps": 50, "dev_size": 300}
    rest = {"learning_rate": 5e-5, "max_length": 32, "freeze_embeddings": True, "precision": "auto"}
    assert cpu == make_config({**MINIMAL, **steps, **rest})


def test_listing_the_recipes_loads_nothing_heavy() -> None:
    code = "import sys, training.recipe as r; r.describe_recipes(); print({'torch', 'transformers'} & set(sys.modules))"
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "set()"


def test_a_recipe_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('description = "Mine"\nepochs = 2\n[objective]\ntms = true\n', encoding="utf-8")
    assert read_recipe(str(file)) == {"epochs": 2, "objective": {"tms": True}}
    found = make_config(read_recipe(str(file)), MINIMAL)
    assert (found.epochs, type(found.epochs), found.objective.tms) == (2.0, float, True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read the recipe .*mine.toml: No such file or directory"),
        (b"epochs = ", "the recipe .*mine.toml is not TOML: Invalid value .*"),
        (b"epochs = 1\nepochs = 2", "the recipe .*mine.toml is not TOML: Cannot overwrite a value .*"),
        (b"seed = " + b"9" * 5000, "the recipe .*mine.toml is not TOML: .*"),
        (b"\xff\xfe", "the recipe .*mine.toml is not UTF-8 text: expected a TOML file"),
    ],
)
def test_recipes_that_cannot_be_read(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "mine.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_recipe(str(file))
    assert re.fullmatch(message, str(caught.value))


def test_an_unknown_recipe() -> None:
    with pytest.raises(UserError) as caught:
        read_recipe("papr-hard")
    assert str(caught.value).startswith("unknown recipe 'papr-hard': did you mean paper-hard, ")
    assert str(caught.value).endswith("? (all of them: bitext-bench train --list-recipes)")


# What the command line changes


def test_changes_go_over_a_recipe() -> None:
    recipe = {**MINIMAL, "epochs": 3, "objective": {"tms": True, "label": "average"}}
    found = make_config(recipe, {"max_steps": 7, "objective": {"tau_student": 0.2, "label": "hard"}})
    assert (found.epochs, found.max_steps, codes(found)) == (3, 7, "en-ja")
    assert found.objective == Objective(label="hard", tms=True, tau_student=0.2)


def test_pairs_on_the_command_line_take_the_place_of_the_recipes() -> None:
    recipe = read_recipe("authors-code")
    assert codes(make_config(recipe, {"pairs": ["ko-ja"]})) == "ko-ja"
    assert codes(make_config(recipe, {"languages": ["en", "ja", "ko"]})) == "en-ja en-ko ja-ko"
    assert codes(make_config(recipe, {"pair_scheme": "en-xx"})) == "en-ko en-fr en-ru en-ja"
    assert codes(make_config({**MINIMAL, "pairs": ["en-ko", "fr-ru"]}, {"languages": ["en", "ja"]})) == "en-ja"
    assert codes(make_config(recipe, {"pairs": ["de-en"], "languages": ["en", "ja"]})) == "de-en en-ja"


# Bad settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"student": ""}, "no student model: pass --model "),
        ({"student": "  "}, "no student model: pass --model "),
        ({"pairs": []}, "no language pair to train on: pass --pair en-ja, or --languages en,ja"),
        ({"pairs": [], "languages": ["en"]}, "no language pair to train on: "),
        ({"pairs": [], "languages": ["ja"], "pair_scheme": "all"}, "no language pair to train on: "),
        ({"pairs": ["en-eng"]}, "en-en pairs a language with itself: give two languages, like en-ja"),
        ({"pairs": ["en"]}, "'en' is not a language pair: "),
        ({"pairs": ["en-xx"]}, "unknown language 'xx' (all of them: "),
        ({"languages": ["en", "Japanesse"]}, "unknown language 'Japanesse': did you mean Japanese"),
        ({"decontamination_languages": ["en", "Japanesse"]}, "unknown language 'Japanesse': did you mean Japanese"),
        (
            {"languages": ["fr", "ja"]},
            "the pair scheme en-xx needs en, which is not among the languages fr, ja: add it",
        ),
        ({"pairs": ["de-cs"]}, "de-cs has neither of the anchor languages en, ru, ja, fr, ko: pass --anchor-priority"),
        ({"anchor_priority": []}, "no anchor language: pass --anchor-priority en"),
        ({"anchor_priority": ["english", "klingon"], "pairs": ["de-fr"]}, "unknown language 'klingon'"),
        (
            {"num_hard_negatives": 2},
            "num_hard_negatives is 2 with the loss soft-contrastive: only translation-ranking takes them; ",
        ),
        ({"objective": 3}, "objective is 3: expected a table of settings"),
        ({"objective": "hard"}, "objective is 'hard': expected a table of settings"),
    ],
)
def test_what_cannot_be_trained(settings: dict[str, Any], message: str) -> None:
    assert complaint({**MINIMAL, **settings}).startswith(message)


def test_no_student_at_all() -> None:
    assert complaint({"pairs": ["en-ja"]}).startswith("no student model: pass --model ")


@pytest.mark.parametrize("value", [0, -1, 0.0, -0.5, nan, inf, -inf])
@pytest.mark.parametrize("name", ["epochs", "learning_rate", "max_grad_norm", "sampling_temperature"])
def test_numbers_above_zero(name: str, value: float) -> None:
    assert complaint({**MINIMAL, name: value}) == f"{name} is {float(value)}: expected a finite number above 0"


@pytest.mark.parametrize("value", [0, -0.1, nan, inf])
@pytest.mark.parametrize("name", ["lambda_cross", "tau_teacher", "tau_student"])
def test_temperatures_and_lambda(name: str, value: float) -> None:
    message = complaint({**MINIMAL, "objective": {name: value}})
    assert re.fullmatch(f"{name} is {float(value)}: expected a (finite )?number( above 0)?", message)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("batch_size", 1),
        ("mini_batch_size", 1),
        ("max_length", 1),
        ("max_steps", 1),
        ("eval_steps", 1),
        ("early_stopping_patience", 1),
        ("warmup_steps", 0),
        ("weight_decay", 0),
        ("dev_size", 0),
        ("num_hard_negatives", 0),
        ("seed", 0),
    ],
)
def test_the_least_of_each_number(name: str, least: int) -> None:
    assert getattr(config(**{name: least}), name) == least
    below = least - 1
    given_ = float(below) if name == "weight_decay" else below
    assert complaint({**MINIMAL, name: below}) == f"{name} is {given_}: expected a finite number, {least} or more"


def test_largest_values() -> None:
    assert config(seed=2**32 - 1).seed == 4294967295
    assert complaint({**MINIMAL, "seed": 2**32}).endswith("expected a whole number from 0 to 4294967295")
    assert complaint({**MINIMAL, "learning_rate": 10**400}).startswith("learning_rate is inf: ")
    assert complaint({**MINIMAL, "weight_decay": inf}).startswith("weight_decay is inf: ")
    assert config(num_hard_negatives=3, loss="translation-ranking").num_hard_negatives == 3


@pytest.mark.parametrize("name", ["dropout", "wise_ft_share"])
def test_shares_are_from_0_to_less_than_1(name: str) -> None:
    for value in (-0.1, 1.0, nan, inf):
        assert complaint({**MINIMAL, name: value}) == f"{name} is {value}: expected a number from 0 to less than 1"
    assert getattr(config(**{name: 0.0}), name) == 0.0


def test_alike_meanings_need_a_teacher() -> None:
    said = (
        "topic_aware_batches needs a teacher, which hard labels and translation ranking do not use: "
        "leave it out, or take soft labels"
    )
    assert complaint({**MINIMAL, "topic_aware_batches": True, "loss": "translation-ranking"}) == said
    assert complaint({**MINIMAL, "topic_aware_batches": True, "objective": {"label": "hard"}}) == said
    assert config(topic_aware_batches=True, objective={"label": "hard", "distillation_weight": 1.0}).topic_aware_batches
    assert config(topic_aware_batches=True, loss="embedding-mse").topic_aware_batches


def test_gradient_caching_is_the_soft_contrastive_losss() -> None:
    said = complaint({**MINIMAL, "mini_batch_size": 4, "loss": "translation-ranking"})
    assert said == "mini_batch_size is 4: only the soft-contrastive loss takes it, not translation-ranking"
    assert config(mini_batch_size=4).mini_batch_size == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"student": 3}, "student is 3: expected a string"),
        ({"student": None}, "student is None: expected a string"),
        ({"teacher": ["x"]}, "teacher is ['x']: expected a string"),
        ({"pairs": "en-ja"}, "pairs is 'en-ja': expected a list of strings"),
        ({"languages": ["en", 3]}, "languages is ['en', 3]: expected a list of strings"),
        ({"corpora": {"a": 1}}, "corpora is {'a': 1}: expected a list of strings"),
        ({"anchor_priority": "en"}, "anchor_priority is 'en': expected a list of strings"),
        ({"batch_size": "32"}, "batch_size is '32': expected a whole number"),
        ({"batch_size": True}, "batch_size is True: expected a whole number"),
        ({"batch_size": 32.0}, "batch_size is 32.0: expected a whole number"),
        ({"batch_size": None}, "batch_size is None: expected a whole number"),
        ({"mini_batch_size": "8"}, "mini_batch_size is '8': expected a whole number"),
        ({"max_steps": 1.5}, "max_steps is 1.5: expected a whole number"),
        ({"epochs": "3"}, "epochs is '3': expected a number"),
        ({"epochs": True}, "epochs is True: expected a number"),
        ({"learning_rate": [3e-5]}, "learning_rate is [3e-05]: expected a number"),
        ({"freeze_embeddings": 1}, "freeze_embeddings is 1: expected true or false"),
        ({"freeze_embeddings": "yes"}, "freeze_embeddings is 'yes': expected true or false"),
        ({"loss": 3}, "loss is 3: expected one of soft-contrastive, embedding-mse, translation-ranking"),
        ({"precision": True}, "precision is True: expected one of auto, fp32, bf16, fp16"),
        ({"objective": {"tms": 1}}, "tms is 1: expected true or false"),
        ({"objective": {"tau_teacher": "0.1"}}, "tau_teacher is '0.1': expected a number"),
        ({"objective": {"label": None}}, "label is None: expected one of priority, average, hard"),
        ({"student": ["x" * 500]}, f"student is ['{'x' * 58}: expected a string"),  # no flood
    ],
)
def test_values_of_the_wrong_kind(settings: dict[str, Any], message: str) -> None:
    assert complaint({**MINIMAL, **settings}) == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"loss": "Ranking"},
            "loss 'Ranking': did you mean translation-ranking? "
            "(one of: soft-contrastive, embedding-mse, translation-ranking)",
        ),
        (
            {"loss": "mse"},
            "loss 'mse': did you mean embedding-mse? (one of: soft-contrastive, embedding-mse, translation-ranking)",
        ),
        ({"precision": "f16"}, "precision 'f16': did you mean fp16, bf16? (one of: auto, fp32, bf16, fp16)"),
        ({"pair_scheme": "every"}, "pair_scheme 'every' (one of: en-xx, all)"),
        (
            {"objective": {"label": "prioriti"}},
            "label 'prioriti': did you mean priority? (one of: priority, average, hard)",
        ),
        ({"objective": {"divergence": "js"}}, "divergence 'js': did you mean jsd? (one of: cross-entropy, kl, jsd, "),
        ({"objective": {"column_labels": "normalized"}}, "column_labels 'normalized': did you mean renormalized"),
        ({"batchsize": 3}, "setting 'batchsize': did you mean batch_size"),
        ({"objective": {"lambda": 0.1}}, "setting 'lambda': did you mean lambda_cross? (one of: label, tms, "),
        ({"lable": "hard"}, "setting 'lable' (one of: "),  # it belongs into [objective]
        ({"description": "x"}, "setting 'description' (one of: "),
    ],
)
def test_unknown_words_have_near_misses(settings: dict[str, Any], message: str) -> None:
    assert complaint({**MINIMAL, **settings}).startswith(f"unknown {message}")


@given(
    st.dictionaries(
        st.sampled_from([f.name for f in fields(TrainConfig)]),
        st.none()
        | st.integers()
        | st.text()
        | st.floats()
        | st.booleans()
        | st.lists(st.text())
        | st.dictionaries(st.sampled_from([f.name for f in fields(Objective)]), st.text() | st.floats()),
    )
)
def test_whatever_stands_in_a_file_is_a_config_or_one_line(settings: dict[str, Any]) -> None:
    try:
        make_config({**MINIMAL, **settings})
    except UserError as error:
        assert len(str(error).splitlines()) == 1


# The record itself

above_zero = st.floats(1e-9, 1e9)
prompts = st.text(max_size=9)
configs = st.fixed_dictionaries(
    {"student": st.text(min_size=1).filter(str.strip)},
    optional={
        "teacher": st.none() | st.text(),
        "pairs": st.lists(st.sampled_from(["en-ja", "ko-en", "fr-ja"]), min_size=1),
        "pair_scheme": st.sampled_from(["en-xx", "all"]),
        "corpora": st.lists(st.text()),
        "sampling_temperature": above_zero,
        "anchor_priority": st.sampled_from([["en", "ko", "ja"], ["fr", "en", "ja", "ko"]]),
        "loss": st.sampled_from(["soft-contrastive", "embedding-mse"]),
        "objective": st.fixed_dictionaries(
            {},
            optional={
                "label": st.sampled_from(["priority", "average", "hard"]),
                "tms": st.booleans(),
                "lambda_cross": above_zero,
                "tau_teacher": above_zero,
                "distillation_weight": st.floats(0, 1e6),
                "divergence": st.sampled_from(["cross-entropy", "kl", "jsd", "similarity-mse"]),
                "column_labels": st.sampled_from(["transposed", "renormalized"]),
            },
        ),
        "student_prompt": prompts,
        "teacher_prompt": prompts,
        "batch_size": st.integers(1, 9999),
        "mini_batch_size": st.none() | st.integers(1, 99),
        "epochs": above_zero | st.integers(1, 99),
        "max_steps": st.none() | st.integers(1),
        "learning_rate": above_zero,
        "weight_decay": st.floats(0, 1),
        "precision": st.sampled_from(["fp32", "bf16", "fp16"]),
        "freeze_embeddings": st.booleans(),
        "group_by_length": st.booleans(),
        "dropout": st.none() | st.floats(0, 0.9),
        "wise_ft_share": st.floats(0, 0.9),
        "seed": st.integers(0, 2**32 - 1),
    },
)


@given(configs)
def test_train_config_json_is_read_back_exactly(settings: dict[str, Any]) -> None:
    if settings.get("loss") == "embedding-mse":
        settings = {**settings, "mini_batch_size": None}  # only the soft contrastive loss takes one
    first = make_config({"languages": ["en", "fr"], **settings})
    assert make_config(first.to_dict()) == first
    again = make_config(json.loads(json.dumps(first.to_dict())))
    assert again == first
    assert repr(again) == repr(first)  # an int is equal to a float


@pytest.mark.parametrize("record", [TrainConfig, Objective])
def test_every_attribute_is_documented_in_order(record: type) -> None:
    attributes = (record.__doc__ or "").split("Attributes:")[1].split("Raises:")[0]
    found = re.findall(r"^ {8}(\w+(?:, \w+)*): ", attributes, flags=re.MULTILINE)
    assert ", ".join(found).split(", ") == [f.name for f in fields(record)]


def test_a_variant_is_asked_for_by_its_region_or_script() -> None:
    config = make_config(
        {"student": "x", "pairs": ["en-pt_PT", "zh-TW-en", "English-fr"], "languages": ["en", "es_MX"]}
    )
    asked = {str(pair): config.language_codes(pair) for pair in map(config.with_anchor_first, config.lang_pairs)}
    assert asked == {
        "en-pt": ("en", "pt_PT"),
        "en-zho_Hant": ("en", "zh-TW"),
        "en-fr": ("English", "fr"),
        "en-es": ("en", "es_MX"),
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"pairs": ["en-pt_PT", "en-pt_BR"]},
        {"pairs": ["en-pt_PT", "pt-en"]},
        {"pairs": ["en-pt_PT"], "languages": ["en", "pt_BR"]},
        {"languages": ["en", "pt_PT", "pt-BR"]},
    ],
)
def test_two_variants_of_one_language_are_not_trained_as_one(settings: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="pt_PT and pt.* are variants of one language, Portuguese: a run trains"):
        make_config({"student": "x", **settings})


def test_one_variant_may_be_spelled_twice() -> None:
    config = make_config({"student": "x", "pairs": ["en-ja", "jpn-eng", "en-zh_TW", "en-zho-Hant-TW"]})
    assert list(map(str, config.lang_pairs)) == ["en-ja", "en-zho_Hant"]
