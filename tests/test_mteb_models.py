"""Models of mteb's registry: tiny random ones, served by a hub, have the vectors of mteb's own encoder."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mteb
import numpy as np
import pytest
from builders import BERT, MODERN_BERT, QWEN3, XLM_R, Architecture, make_checkpoint, make_saved
from hub_runs import error_of, run_product, run_python, serving

from bitext_bench.data import Provenance
from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.encoders.mteb_encoder import load_with_mteb
from bitext_bench.encoders.mteb_registry import all_records, engine_prompts, get_record
from bitext_bench.errors import UserError
from bitext_bench.results.records import signature
from bitext_bench.tasks import SubsetScores
from leaderboard.entries.read import read_results

GEMMA3: Architecture = (
    "Gemma3Text",
    {"num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 2048, "sliding_window": 32},
)
T5: Architecture = ("T5Encoder", {})
LONG: dict[str, Any] = {"max_position_embeddings": 2048}
CLOSED = "http://127.0.0.1:9"  # nothing listens there
BITEXT, STS = ("Tatoeba", "NorwegianCourtsBitextMining"), ("STSBenchmark", "SICK-NL-STS")

# Prints, for each model, its prompts and the largest differences between our vectors and those of mteb's own encoder.
COMPARE = """
import json, sys
import numpy as np
import mteb
from datasets import Dataset
from mteb._create_dataloaders import create_dataloader
from bitext_bench.encoders import ModelOptions, resolve_model

SENTENCES = ["the cat sat on the mat", "dog", "le chat", "a red house under the blue tree " * 3]
options = ModelOptions(trust_remote_code=True)
found = {}
for name in sys.argv[2:]:
    model = resolve_model(name, options)
    ours, theirs = model.load(), mteb.get_model(model.name)
    for task in sys.argv[1].split(","):
        metadata = mteb.get_task(task).metadata
        kind = "bitext" if metadata.type == "BitextMining" else "sts"
        prompt = model.prompts.for_task(task, kind)
        got = np.concatenate([ours.encode(SENTENCES[:2], prompt, None), ours.encode(SENTENCES[2:], prompt, None)])
        texts = create_dataloader(Dataset.from_dict({"text": SENTENCES}), task_metadata=metadata, batch_size=32)
        wanted = theirs.encode(texts, task_metadata=metadata, hf_split="test", hf_subset="default", batch_size=32)
        wanted = np.asarray(wanted, np.float32)
        found.setdefault(name, {})[task] = {
            "prompt": prompt, "difference": float(abs(got - wanted).max()), "vector": wanted[0].tolist(),
            "revision": model.revision, "source": model.prompt_source, "engine": type(ours).__name__,
        }
print("RESULT" + json.dumps(found))
"""


def spell(folder: Path) -> None:
    """Give a checkpoint a tokenizer of letters, so that every word of a prompt matters."""
    file = folder / "tokenizer.json"
    tokenizer = json.loads(file.read_text())
    special = {token: i for token, i in tokenizer["model"]["vocab"].items() if token.startswith("[")}
    letters = dict(zip("etaoinshrdlcumwfgypb: ", range(len(special), 10**6), strict=False))
    top = len(tokenizer["model"]["vocab"])
    tokenizer["model"]["vocab"] = {**special, **{letter: i for letter, i in letters.items() if i < top}}
    tokenizer["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False}
    file.write_text(json.dumps(tokenizer))


def put(root: Path, name: str, write: Callable[[Path], object]) -> None:
    """Put a model at mteb's revision below `root`."""
    folder = root / "models" / name / str(get_record(name).meta.revision)
    folder.parent.mkdir(parents=True)
    write(folder)
    for other in set(folder.parent.iterdir()) - {folder}:  # the hub would take it for a commit
        shutil.rmtree(other)
    spell(folder)


def saved(architecture: Architecture, pooling: str = "mean", **settings: Any) -> Callable[[Path], object]:
    kind, others = architecture
    return lambda folder: make_saved(folder, (kind, {**others, **settings}), pooling, model_max_length=512)


def plain(folder: Path) -> None:
    kind, others = XLM_R
    make_checkpoint(folder, (kind, {**others, "max_position_embeddings": 514}), model_max_length=512)


def static(folder: Path) -> None:
    from model2vec import StaticModel
    from tokenizers import Tokenizer

    make_saved(folder, BERT)

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for file in sorted(folder.rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    StaticModel(
        np.random.default_rng(0).normal(size=(tokenizer.get_vocab_size(), 16)).astype(np.float32), tokenizer
    ).save_pretrained(folder)


# Each model: how its repository is made. Their loaders in mteb are different.
OURS: dict[str, Callable[[Path], object]] = {
    "nicher92/saga-embed_v1": saved(MODERN_BERT, "cls", **LONG),  # SentenceTransformerEncoderWrapper with prompts
    "FacebookAI/xlm-roberta-large": plain,  # the same, for a checkpoint without modules.json
    "qihoo360/Zhinao-ChineseModernBert-Embedding": saved(MODERN_BERT, **LONG),  # sentence_transformers_loader
    # InstructSentenceTransformerModel: one template, a function, instructions of tasks, a maximum length
    "HIT-TMG/KaLM-embedding-multilingual-mini-instruct-v2": saved(QWEN3, **LONG),
    "AQ-MedAI/Diver-Retriever-0.6B": saved(QWEN3, "lasttoken", max_position_embeddings=40_000),
    "Qwen/Qwen3-Embedding-8B": saved(QWEN3, "lasttoken", **LONG),  # q3e_instruct_loader
    "tencent/KaLM-Embedding-Gemma3-12B-2511": saved(GEMMA3, "lasttoken"),
}
THEIRS: dict[str, Callable[[Path], object]] = {
    "intfloat/multilingual-e5-small": saved(BERT, max_position_embeddings=512),
    "Qwen/Qwen3-Embedding-4B": saved(QWEN3, "lasttoken", **LONG),  # q3e_instruct_loader
    "HIT-TMG/KaLM-embedding-multilingual-mini-instruct-v1": saved(QWEN3, **LONG),  # KALMWrapper
    "WhereIsAI/UAE-Large-V1": saved(BERT, "cls", max_position_embeddings=512),  # UAEWrapper
    "nomic-ai/modernbert-embed-base": saved(MODERN_BERT, **LONG),  # NomicWrapper
    "NeuML/pubmedbert-base-embeddings-100K": static,  # Model2VecModel
}


NO_PROMPT = dict.fromkeys(BITEXT + STS, "")
SAGA = "task: semantic similarity | query: "
PROMPTS = {
    "nicher92/saga-embed_v1": dict.fromkeys(BITEXT + STS, SAGA),
    "FacebookAI/xlm-roberta-large": NO_PROMPT,
    "qihoo360/Zhinao-ChineseModernBert-Embedding": NO_PROMPT,
    "HIT-TMG/KaLM-embedding-multilingual-mini-instruct-v2": {
        "Tatoeba": "Instruct: Retrieve parallel sentences. \n Query: ",
        "NorwegianCourtsBitextMining": (
            "Instruct: Retrieve parallel sentences in Norwegian Bokmål and Nynorsk \n Query: "
        ),
        "STSBenchmark": "Instruct: Retrieve semantically similar text. \n Query: ",
        "SICK-NL-STS": "Instruct: Haal semantisch vergelijkbare tekst op \n Query: ",
    },
}


@pytest.mark.hub
def test_vectors_are_those_of_mteb(tmp_path: Path) -> None:
    for name, write in {**OURS, **THEIRS}.items():
        put(tmp_path / "hub", name, write)
    names = [*OURS, *(f"mteb:{name}" for name in THEIRS), "mteb:mteb/baseline-random-encoder"]
    with serving(tmp_path / "hub") as hub:
        done = run_python("-c", COMPARE, ",".join(BITEXT + STS), *names, url=hub.url, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.rpartition("RESULT")[2])
    assert list(found) == names
    for name, tasks in found.items():
        for task, one in tasks.items():
            assert one["difference"] < 1e-5, (name, task, one["difference"])
            assert one["revision"] == str(get_record(name.removeprefix("mteb:")).meta.revision)
            assert one["source"].startswith("mteb 2.")
            assert one["engine"] == ("MtebEncoder" if name.startswith("mteb:") else "TransformerEncoder")
    for name, prompts in PROMPTS.items():
        assert {task: one["prompt"] for task, one in found[name].items()} == prompts
    for name in ("AQ-MedAI/Diver-Retriever-0.6B", "mteb:HIT-TMG/KaLM-embedding-multilingual-mini-instruct-v1"):
        vectors = [found[name][task]["vector"] for task in ("Tatoeba", "STSBenchmark")]
        assert np.abs(np.subtract(*vectors)).max() > 1e-3, (
            f"{name}: the prompt does not matter, so the test shows nothing"
        )


@pytest.mark.hub
def test_a_run_with_mteb_names_the_source_of_the_prompt_and_is_verified(tmp_path: Path) -> None:
    name = "intfloat/multilingual-e5-small"
    put(tmp_path / "hub", name, THEIRS[name])
    results = tmp_path / "results"
    with serving(tmp_path / "hub") as hub:
        run = ["run", "--model", f"mteb:{name}", "--data", "mini", "--output", str(results)]
        done = run_product(*run, url=hub.url, home=tmp_path / "home")
        assert done.returncode == 0, done.stderr
        assert "UserWarning" not in done.stderr
        again = run_product("verify", str(results), url=hub.url, home=tmp_path / "home")
        assert again.returncode == 0, again.stderr
    files = sorted(results.rglob("Mini-*.json"))
    assert files
    assert {file.parent.relative_to(file.parents[2]).as_posix() for file in files} == {"experiments/loader_mteb"}
    assert {entry.label for entry in read_results(results).entries} == {f"{name} (loaded by mteb)"}
    for file in files:
        content = json.loads(file.read_text())
        assert "chosen" not in content["model"], "the user chose a loader, not a prompt"
        task = "STSBenchmark" if "STS" in file.name else "Tatoeba"
        assert content["model"]["prompt"] == f"mteb:{task}"
        assert content["model"]["registered"] == f"mteb:{name}"
        for subset in content["subsets"]:
            assert f'|prompt:"mteb:{task}"|promptfrom:mteb 2.' in subset["signature"]


# Prints the main score of STS12 as mteb computes it with its own model.
SCORE = """
import sys
import mteb
found = mteb.evaluate(mteb.get_model(sys.argv[1]), mteb.get_task("STS12"), cache=None, show_progress_bar=False)
print(found.task_results[0].get_score())
"""


def put_sts12(root: Path) -> None:
    """Put a small STS12 at mteb's revision below `root`."""
    words = "the cat dog sat ran on mat house tree red blue le chat".split()
    texts = [f"{words[i % 13]} {words[i * 5 % 13]} {words[i * 3 % 11]}" for i in range(40)]
    rows = [
        {"sentence1": a, "sentence2": b, "score": i * 7 % 6}
        for i, (a, b) in enumerate(zip(texts, texts[3:], strict=False))
    ]
    where = mteb.get_task("STS12").metadata.dataset
    folder = root / "datasets" / where["path"] / where["revision"]
    folder.mkdir(parents=True)
    (folder / "test.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


@pytest.mark.hub
def test_what_mteb_ran_once_it_runs_without_a_hub(tmp_path: Path) -> None:
    """A model and a data set of mteb from an empty cache, with mteb's score.

    A file that the hub does not deliver is not taken for one that does not exist: another model would be scored.
    """
    name = "WhereIsAI/UAE-Large-V1"
    # Larger weights than usual: otherwise all cosines are near 1, and rounding changes their ranks.
    put(tmp_path / "hub", name, saved(BERT, "cls", max_position_embeddings=512, initializer_range=1.0))
    put_sts12(tmp_path / "hub")
    results, home = tmp_path / "results", tmp_path / "home"
    run = ["run", "--model", f"mteb:{name}", "--data", "hub", "--tasks", "STS12", "--output", str(results)]
    waits = {"HF_HUB_ETAG_TIMEOUT": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "1"}
    with serving(tmp_path / "hub", ("modules.json", "hang")) as hub:
        line = error_of(run_product(*run, url=hub.url, home=home, **waits))
    assert line.startswith(f"cannot get the model {name} at revision ") and "no answer in time" in line
    assert not list(results.rglob("*.json"))
    with serving(tmp_path / "hub") as hub:
        first = run_product(*run, url=hub.url, home=home)
        theirs = run_python("-c", SCORE, name, url=hub.url, home=tmp_path / "other")
    assert first.returncode == theirs.returncode == 0, first.stderr + theirs.stderr
    (result,) = results.rglob("STS12.json")
    (subset,) = json.loads(result.read_text())["subsets"]
    assert subset["scores"]["cosine_spearman"] == pytest.approx(float(theirs.stdout.split()[-1]), abs=1e-9)
    for environment in ({}, {"HF_HUB_OFFLINE": "1"}):
        again = run_product(*run, "--refresh", url=CLOSED, home=home, **environment)
        assert again.returncode == 0, again.stderr
        assert again.stdout == first.stdout


@pytest.mark.hub
def test_what_the_hub_refuses_gets_one_line(tmp_path: Path) -> None:
    name = "WhereIsAI/UAE-Large-V1"
    put(tmp_path / "hub", name, THEIRS[name])
    (tmp_path / "hub" / "models" / name / "repo.json").write_text(json.dumps({"gated": "manual"}))
    with serving(tmp_path / "hub") as hub:
        lines = {}
        for each in (name, "mteb:intfloat/e5-large-v2"):
            run = ["run", "--model", each, "--data", "mini", "--output", str(tmp_path / "results")]
            lines[each] = error_of(run_product(*run, url=hub.url, home=tmp_path / "home"))
    assert lines[name].startswith(f"cannot get the model {name} at revision 369c368f")
    assert "access" in lines[name]
    assert "the hub has no such model, or it is private (401)" in lines["mteb:intfloat/e5-large-v2"]


REFUSED = {
    "mteb:openai/text-embedding-3-small": (
        "openai/text-embedding-3-small needs a key: set the environment variable OPENAI_API_KEY (its package: pip "
        'install "mteb[openai]")'
    ),
    "BAAI/bge-reranker-v2-m3": (
        "BAAI/bge-reranker-v2-m3 cannot be scored: it scores pairs of texts and has no sentence vectors"
    ),
    "colbert-ir/colbertv2.0": (
        "colbert-ir/colbertv2.0 cannot be scored: it has one vector for each token, not one for each sentence"
    ),
    "facebook/dinov2-base": "facebook/dinov2-base cannot be scored: it encodes image, not text",
    "mteb:intfloat/multilingual-e5-smal": (
        "unknown model of mteb 'intfloat/multilingual-e5-smal': did you mean intfloat/multilingual-e5-small, "
    ),
    "mteb:foo/bar": "unknown model of mteb 'foo/bar' (all of them: bitext-bench list models --mteb)",
    "nomic-ai/modernbert-embed-base": (
        "mteb's loader of nomic-ai/modernbert-embed-base runs code from the model's repository: pass "
        "--trust-remote-code if you trust it"
    ),
}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Qwen/Qwen3-Embedding-0.6B", 'prompttext:"Instruct: Retrieve parallel sentences.\\nQuery:"'),
        ("intfloat/multilingual-e5-large-instruct", 'prompttext:"Instruct: Retrieve parallel sentences.\\nQuery: "'),
        ("intfloat/multilingual-e5-small", ""),
    ],
)
def test_the_signature_has_the_text_of_a_prompt_that_mteb_chooses(name: str, text: str) -> None:
    model = resolve_model(f"mteb:{name}", ModelOptions())
    sets = SubsetScores("x", (), "accuracy", {}, {}, 1, {"pair": "de-en"}, Provenance("x", "0" * 64))
    fields = signature("Tatoeba", model, model.prompts.for_task("Tatoeba", "bitext"), sets).split("|")
    assert 'prompt:"mteb:Tatoeba"' in fields
    assert [field for field in fields if field.startswith("prompttext")] == [text] * bool(text)


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_that_cannot_be_used_gets_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UserError) as refused:
        resolve_model(name, ModelOptions())
    assert str(refused.value).startswith(REFUSED[name])
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_every_model_of_the_registry_is_described_or_refused_in_one_line(tmp_path: Path) -> None:
    described = 0
    for record in all_records().values():
        if record.is_plain and not record.unusable():
            assert all(text is not None for _, text in engine_prompts(record, tmp_path).tasks)
        try:
            model, prompts = load_with_mteb(get_record(record.name), ModelOptions(trust_remote_code=True))
        except UserError as refused:
            assert "\n" not in str(refused)
            assert record.unusable() or " needs a key: " in str(refused)
            continue
        described += 1
        assert (model.name, model.registered) == (record.name, f"mteb:{record.name}")
        assert (prompts.bitext, prompts.sts) == ("mteb:Tatoeba", "mteb:STSBenchmark")
        assert prompts.for_task("BUCC.v2", "bitext") == "mteb:BUCC.v2"
    assert described > 650


def test_the_dtype_is_the_one_that_mteb_loads() -> None:
    model = resolve_model("codefuse-ai/F2LLM-v2-80M", ModelOptions())
    assert (model.dtype, model.overrides) == ("bf16", ())
    assert resolve_model("codefuse-ai/F2LLM-v2-80M", ModelOptions(dtype="bf16")).dtype == "bf16"
    assert resolve_model("mteb:intfloat/multilingual-e5-small", ModelOptions()).dtype == "fp32"


def test_a_missing_package_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not a key")
    monkeypatch.setitem(sys.modules, "openai", None)
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    model = resolve_model("openai/text-embedding-3-small", ModelOptions())
    with pytest.raises(UserError, match=r"^mteb cannot load openai/text-embedding-3-small: .*pip install"):
        model.load()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (ModelOptions(prompt="query: "), "does not accept --prompt: mteb's loader chooses the prompt of each task"),
        (ModelOptions(revision="0" * 40), "does not accept --model-revision: mteb loads fd1525a9"),
        (ModelOptions(dtype="bf16"), "does not accept --dtype"),
        (ModelOptions(pooling="cls"), "does not accept --pooling"),
    ],
)
def test_settings_that_mteb_decides_are_refused(options: ModelOptions, line: str) -> None:
    with pytest.raises(UserError, match=line):
        resolve_model("mteb:intfloat/multilingual-e5-small", options)
