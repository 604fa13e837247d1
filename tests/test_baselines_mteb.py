"""Records of the registry against mteb's: revision, sizes, and the prompts that mteb's own code uses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bitext_bench.baselines import BASELINES, Baseline
from bitext_bench.encoders.mteb_registry import USUAL_TASKS, MtebRecord, all_records, engine_prompts
from bitext_bench.encoders.saved import make_prompts

NOT_IN_MTEB = {"laser2", "muse", "mexma", "distiluse-base-multilingual-cased-v2", "soft-contrastive-me5-base"}
NOT_IN_MTEB |= {"sonar"}  # mteb has facebook/SONAR without a loader; the record loads a port
# The figures are those of the sentence-transformers paper's revision.
OTHER_REVISION = {"paraphrase-multilingual-minilm-l12-v2"}
# mteb dropped E5's prompt in 1.16.0; the records without a prompt are mteb's of today.
WITH_OWN_PROMPT = {"multilingual-e5-small", "multilingual-e5-base", "multilingual-e5-large", "e5-base"}
PROMPT_IN_CHECKPOINT = {"embeddinggemma-300m"}  # test_layouts.py reads it there
# mteb has a class for each of these that passes the prompt, so only a call of it shows the prompt.
OWN_CLASS = {"embeddinggemma-2", "jina-embeddings-v5-text-nano", "jina-embeddings-v5-text-small"}
SENTENCES = ["a", "b"]

each_in_mteb = pytest.mark.parametrize("name", [name for name in BASELINES if name not in NOT_IN_MTEB])


def mtebs(baseline: Baseline) -> MtebRecord:
    return all_records()[baseline.checkpoint.casefold()]


def given_to(record: MtebRecord, task: str) -> dict[str, Any]:
    """Return what the class of mteb's loader passes to sentence-transformers for a task; no weights are loaded."""
    import mteb
    from datasets import Dataset
    from torch.utils.data import DataLoader

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
    assert {name for name, b in BASELINES.items() if b.checkpoint.casefold() not in all_records()} == NOT_IN_MTEB


@each_in_mteb
def test_revision_and_sizes_are_mtebs(name: str) -> None:
    baseline, record = BASELINES[name], mtebs(BASELINES[name])
    assert (record.meta.revision == baseline.revision) == (name not in OTHER_REVISION)
    sizes = record.meta.embed_dim if isinstance(record.meta.embed_dim, list) else [record.meta.embed_dim]
    assert baseline.dimensions == max(sizes)
    assert baseline.parameters == pytest.approx(record.meta.n_parameters, rel=0.01)
    assert record.max_length in (None, baseline.max_length)


@each_in_mteb
def test_prompts_are_those_that_mteb_uses(name: str) -> None:
    baseline, record = BASELINES[name], mtebs(BASELINES[name])
    if name in OWN_CLASS:
        assert prompt_of(record, USUAL_TASKS["bitext"]) == baseline.prompt
        assert prompt_of(record, USUAL_TASKS["sts"]) == baseline.sts_prompt
        return
    assert record.is_instruct or record.is_plain
    given = record.settings.get("model_prompts") or {}
    expected = engine_prompts(record, Path()) if record.is_instruct else make_prompts(given, None)
    equal = (baseline.prompt, baseline.sts_prompt) == (expected.bitext, expected.sts)
    assert equal != (name in WITH_OWN_PROMPT | PROMPT_IN_CHECKPOINT)


@pytest.mark.parametrize("size", ["nano", "small"])
def test_jina_selects_its_adapter_for_text_matching(size: str) -> None:
    record = mtebs(BASELINES[f"jina-embeddings-v5-text-{size}"])
    assert {given_to(record, task)["task"] for task in USUAL_TASKS.values()} == {"text-matching"}


@each_in_mteb
def test_the_loader_is_mteb_if_mteb_does_more_than_load_it(name: str) -> None:
    """That is: mteb runs it, or gives each task a prompt. Qwen3's record is older and has the usual prompts only."""
    record = mtebs(BASELINES[name])
    more = record.is_instruct or not record.is_plain
    assert (BASELINES[name].loader == "mteb") == (more and name != "qwen3-embedding-0.6b")
