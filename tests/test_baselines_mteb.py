"""Records of the registry against mteb's: revision, sizes, and the prompts that mteb's own code uses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mteb
import numpy as np
import pytest
from datasets import Dataset
from torch.utils.data import DataLoader

from bitext_bench.baselines import BASELINES, Baseline
from bitext_bench.encoders.mteb_registry import USUAL_TASKS, MtebRecord, all_records, engine_prompts
from bitext_bench.encoders.saved import make_prompts

NOT_IN_MTEB = {"laser2", "muse", "mexma", "distiluse-base-multilingual-cased-v2", "soft-contrastive-me5-base"}
NOT_IN_MTEB |= {"sonar"}  # mteb has facebook/SONAR without a loader; the record loads a port
# The figures are those of the sentence-transformers paper's revision.
OTHER_REVISION = {"paraphrase-multilingual-minilm-l12-v2"}
# mteb dropped E5's prompt in 1.16.0; the records without a prompt are mteb's of today.
WITH_OWN_PROMPT = {"multilingual-e5-small", "multilingual-e5-base", "multilingual-e5-large", "e5-base"}
PROMPT_IN_CHECKPOINT = {"embeddinggemma-300m"}  # tests/test_hub_models.py reads it there
SENTENCES = ["a", "b"]

in_mteb = [baseline for baseline in BASELINES.values() if baseline.checkpoint.casefold() in all_records()]
each_in_mteb = pytest.mark.parametrize("baseline", in_mteb, ids=[baseline.name for baseline in in_mteb])


def mtebs(baseline: Baseline) -> MtebRecord:
    return all_records()[baseline.checkpoint.casefold()]


prompted_by_record = [b for b in in_mteb if mtebs(b).is_instruct or mtebs(b).is_plain]
prompted_by_class = [b for b in in_mteb if b not in prompted_by_record]


def given_to(record: MtebRecord, task: str) -> dict[str, Any]:
    """Return what the class of mteb's loader passes to sentence-transformers for a task; no weights are loaded."""
    received: dict[str, Any] = {}

    def encode(inputs: Any, **settings: Any) -> np.ndarray[Any, Any]:
        received.update(settings, texts=[x["text"] if isinstance(x, dict) else x for x in inputs])
        return np.zeros((len(inputs), 4))

    wrapper = record.meta.loader.__new__(record.meta.loader)
    wrapper.model = SimpleNamespace(encode=encode, prompts={}, max_seq_length=8192)
    wrapper.model_prompts = record.settings.get("model_prompts") or {}
    vars(wrapper).update(use_image=False, use_audio=False, media_first=False, embed_dim=None)
    vars(wrapper).update(fps=1.0, max_frames=56, num_frames=None, max_samples=None, target_sampling_rate=16_000)
    wrapper.mteb_model_meta = record.meta
    metadata = mteb.get_task(task).metadata
    batches = DataLoader(Dataset.from_dict({"text": SENTENCES}), batch_size=2)
    wrapper.encode(batches, task_metadata=metadata, hf_split="test", hf_subset="default", prompt_type=None)
    return received


def prompt_of(record: MtebRecord, task: str) -> str:
    """Return the text before each sentence, in whichever argument mteb passes it."""
    received = given_to(record, task)
    before = [text.removesuffix(sentence) for text, sentence in zip(received["texts"], SENTENCES, strict=True)]
    assert len(set(before)) == 1
    return (received.get("prompt") or "") + before[0]


def test_every_other_record_is_unknown_to_mteb() -> None:
    assert set(BASELINES) - {baseline.name for baseline in in_mteb} == NOT_IN_MTEB


@each_in_mteb
def test_revision_and_sizes_are_mtebs(baseline: Baseline) -> None:
    meta = mtebs(baseline).meta
    assert (meta.revision == baseline.revision) == (baseline.name not in OTHER_REVISION)
    sizes = meta.embed_dim if isinstance(meta.embed_dim, list) else [meta.embed_dim]
    assert baseline.dimensions == max(sizes)
    assert baseline.parameters == pytest.approx(meta.n_parameters, rel=0.01)
    assert mtebs(baseline).max_length in (None, baseline.max_length)


@pytest.mark.parametrize("baseline", prompted_by_record, ids=[baseline.name for baseline in prompted_by_record])
def test_prompts_are_those_that_mteb_uses(baseline: Baseline) -> None:
    record = mtebs(baseline)
    given = record.settings.get("model_prompts") or {}
    expected = engine_prompts(record, Path()) if record.is_instruct else make_prompts(given, None)
    equal = (baseline.prompt, baseline.sts_prompt) == (expected.bitext, expected.sts)
    assert equal != (baseline.name in WITH_OWN_PROMPT | PROMPT_IN_CHECKPOINT)


@pytest.mark.parametrize("baseline", prompted_by_class, ids=[baseline.name for baseline in prompted_by_class])
def test_prompts_are_those_that_mtebs_own_class_passes(baseline: Baseline) -> None:
    record = mtebs(baseline)
    assert prompt_of(record, USUAL_TASKS["bitext"]) == baseline.prompt
    assert prompt_of(record, USUAL_TASKS["sts"]) == baseline.sts_prompt


@pytest.mark.parametrize("size", ["nano", "small"])
def test_jina_selects_its_adapter_for_text_matching(size: str) -> None:
    record = mtebs(BASELINES[f"jina-embeddings-v5-text-{size}"])
    assert {given_to(record, task)["task"] for task in USUAL_TASKS.values()} == {"text-matching"}


def test_a_record_that_mteb_would_load_otherwise_says_so() -> None:
    """A model that mteb runs itself, or whose prompts differ between tasks of one kind, has the loader `mteb`."""
    for baseline in in_mteb:
        record = mtebs(baseline)
        if record.is_instruct or not record.is_plain:
            assert baseline.loader == "mteb" or baseline.name == "qwen3-embedding-0.6b"
        else:
            assert baseline.loader != "mteb"
