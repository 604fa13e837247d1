"""Tatoeba (3 pairs) and STSBenchmark with an empty cache, against the same model in mteb's tasks.

They are a sixth of the paper's suite. Ours searches both directions with every margin. Both are timed as whole
processes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bitext_bench.data import open_source
from bitext_bench.languages import LangPair, resolve
from bitext_bench.scoring.bf16 import has_bf16_hardware

from .claims import NO_BF16, Claim, Measured, Setup, Skipped, seconds_of
from .processes import run_bitext_bench, run_process

PROMPT = "query: "
# Languages of Tatoeba, and tasks of STS.
_FULL, _QUICK = (("fr", "ja", "ko"), ("STSBenchmark",)), (("sw",), ("STS16",))
_WAYS = (("torch", "fp32", 1.0), ("openvino", "fp32", 2.0), ("openvino", "bf16", 3.2))


def measure(setup: Setup) -> Measured:
    theirs, of_tasks = _mteb(setup)
    for backend, dtype, bound in _WAYS:
        if dtype == "bf16" and not has_bf16_hardware():
            yield Skipped(f"{backend} {dtype}, speed relative to mteb, and difference in accuracy", NO_BF16)
            return
        ours = _ours(setup, backend, dtype)
        detail = f"({ours:.0f} s and {theirs:.0f} s; mteb's tasks alone {of_tasks:.0f} s)"
        claim = Claim(f"{backend} {dtype}, speed relative to mteb", theirs / ours, bound, detail=detail)
        yield setup.at_full_size(claim)
    exact, found = (_accuracies(setup.scratch / way) for way in ("torch-fp32", "openvino-bf16"))
    worst = max(abs(found[pair] - exact[pair]) for pair in exact)
    mean = abs(sum(found.values()) - sum(exact.values())) / len(exact)
    name = "difference in Tatoeba accuracy between openvino bf16 and torch fp32, points"
    yield Claim(f"{name}, mean", mean, 0.2, at_least=False)
    yield Claim(f"{name}, largest", worst, 0.2, at_least=False)


def _accuracies(folder: Path) -> dict[str, float]:
    """Return the accuracy of each pair in percent."""
    [file] = folder.rglob("Tatoeba.json")
    scores = json.loads(file.read_text(encoding="utf-8"))["subsets"]
    return {entry["subset"]: 100 * entry["scores"]["accuracy"] for entry in scores}


def _ours(setup: Setup, backend: str, dtype: str) -> float:
    languages, sts = _QUICK if setup.quick else _FULL
    folder = setup.scratch / f"{backend}-{dtype}"
    command = [
        *("run", "--model", str(setup.model), "--prompt", PROMPT, "--backend", backend, "--dtype", dtype),
        *("--data", str(setup.data), "--tasks", "Tatoeba", *sts, "--languages", "en", *languages),
        *("--cache-folder", str(folder / "cache"), "--output", str(folder / "results")),
    ]
    return run_bitext_bench(command)[0]


def _mteb(setup: Setup) -> tuple[float, float]:
    """Return the seconds of the whole process, and of mteb's tasks in it."""
    command = [sys.executable, "-m", __name__, str(setup.data), str(setup.model), *(["--quick"] if setup.quick else [])]
    whole, printed = run_process(command)
    return whole, float(printed.split()[-1])


def _run_mteb(data: Path, model_folder: Path, quick: bool) -> None:
    from mteb.models import SentenceTransformerEncoderWrapper
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(model_folder), device="cpu")
    wrapped = SentenceTransformerEncoderWrapper(model, model_prompts={"BitextMining": PROMPT, "STS": PROMPT})
    tasks = list(_prepared(data, *(_QUICK if quick else _FULL)))

    def run() -> None:
        for task, split, subsets in tasks:
            task.evaluate(wrapped, split, subsets_to_run=subsets, encode_kwargs={})

    print(seconds_of(run))


def _prepared(data: Path, languages: tuple[str, ...], sts: tuple[str, ...]) -> Iterator[tuple[Any, str, list[str]]]:
    import mteb
    from datasets import Dataset, DatasetDict

    source = open_source(str(data))
    pairs = {f"{x.tatoeba}-eng": source.parallel("tatoeba", x) for x in map(resolve, languages)}
    task = mteb.get_task("Tatoeba", hf_subsets=list(pairs))
    task.dataset = {
        name: DatasetDict(test=Dataset.from_dict({"sentence1": list(x.source), "sentence2": list(x.target)}))
        for name, x in pairs.items()
    }
    yield _loaded(task), "test", list(pairs)
    for name in sts:
        scored = source.scored(name, "en", LangPair.parse("en-en"), "test")
        rows = {"sentence1": list(scored.first), "sentence2": list(scored.second), "score": list(scored.scores)}
        task = mteb.get_task(name)
        task.dataset = DatasetDict(test=Dataset.from_dict(rows))
        yield _loaded(task), "test", ["default"]


def _loaded(task: Any) -> Any:
    task.data_loaded = True
    return task


if __name__ == "__main__":
    _run_mteb(Path(sys.argv[1]), Path(sys.argv[2]), quick=len(sys.argv) > 3)
