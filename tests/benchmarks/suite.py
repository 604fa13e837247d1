"""The paper's suite on ../shared/data with an empty cache, against the same model in mteb's tasks.

The tasks are those that mteb has too: Tatoeba (4 pairs), FLORES-200 (5 languages), STS12 to STS17, STSBenchmark and
KorSTS. Ours searches both directions with every margin. Both are timed as whole processes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

from bitext_bench.data import open_source
from bitext_bench.languages import LangPair, resolve

from .claims import Claim

PROMPT = "query: "
_STS = (*((f"STS{year}", "default", "en-en") for year in range(12, 17)), ("STS17", "en-en", "en-en"))
_STS += (("STSBenchmark", "default", "en-en"), ("KorSTS", "default", "ko-ko"))
_TASKS = ("Tatoeba", "FLORES-200", *dict.fromkeys(name for name, _, _ in _STS))
_WAYS = (("torch", "fp32", 1.0), ("openvino", "fp32", 2.0), ("openvino", "bf16", 3.2))


def measure(data: Path, model_folder: Path, scratch: Path) -> list[Claim]:
    theirs, of_tasks = _mteb(data, model_folder)
    claims = []
    for backend, dtype, bound in _WAYS:
        ours = _ours(data, model_folder, scratch / f"{backend}-{dtype}", ("--backend", backend, "--dtype", dtype))
        detail = f"({ours:.0f} s and {theirs:.0f} s; mteb's tasks alone {of_tasks:.0f} s)"
        claims.append(Claim(f"{backend} {dtype}, speed relative to mteb", theirs / ours, bound, detail=detail))
    exact, found = (_accuracies(scratch / way) for way in ("torch-fp32", "openvino-bf16"))
    worst = max(abs(found[pair] - exact[pair]) for pair in exact)
    mean = abs(sum(found.values()) - sum(exact.values())) / len(exact)
    name = "difference in Tatoeba accuracy between openvino bf16 and torch fp32, points"
    claims.append(Claim(f"{name}, mean", mean, 0.2, at_least=False))
    claims.append(Claim(f"{name}, largest", worst, 0.2, at_least=False))
    return claims


def _accuracies(folder: Path) -> dict[str, float]:
    """Return the accuracy of each pair in percent."""
    [file] = folder.rglob("Tatoeba.json")
    scores = json.loads(file.read_text(encoding="utf-8"))["subsets"]
    return {entry["subset"]: 100 * entry["scores"]["accuracy"] for entry in scores}


def _ours(data: Path, model_folder: Path, folder: Path, more: tuple[str, ...]) -> float:
    command = [
        *(sys.executable, "-m", "bitext_bench", "run", "--model", str(model_folder), "--prompt", PROMPT),
        *("--data", str(data), "--tasks", *_TASKS, *more),
        *("--cache-folder", str(folder / "cache"), "--output", str(folder / "results")),
    ]
    return _seconds(lambda: subprocess.run(command, check=True, capture_output=True))


def _mteb(data: Path, model_folder: Path) -> tuple[float, float]:
    """Return the seconds of the whole process, and of mteb's tasks in it."""
    command = [sys.executable, "-m", __name__, str(data), str(model_folder)]
    printed: list[str] = []
    whole = _seconds(lambda: printed.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return whole, float(printed[0].split()[-1])


def _run_mteb(data: Path, model_folder: Path) -> None:
    from mteb.models import SentenceTransformerEncoderWrapper
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(model_folder), device="cpu")
    wrapped = SentenceTransformerEncoderWrapper(model, model_prompts={"BitextMining": PROMPT, "STS": PROMPT})
    tasks = list(_prepared(data))

    def run() -> None:
        for task, split, subsets in tasks:
            task.evaluate(wrapped, split, subsets_to_run=subsets, encode_kwargs={})

    print(_seconds(run))


def _prepared(data: Path) -> Iterator[tuple[Any, str, list[str]]]:
    import mteb
    from datasets import Dataset, DatasetDict

    source = open_source(str(data))
    pairs = {f"{code}-eng": source.parallel("tatoeba", resolve(code)) for code in ("fra", "jpn", "kor", "rus")}
    task = mteb.get_task("Tatoeba", hf_subsets=list(pairs))
    task.dataset = {
        name: DatasetDict(test=Dataset.from_dict({"sentence1": list(x.source), "sentence2": list(x.target)}))
        for name, x in pairs.items()
    }
    yield _loaded(task), "test", list(pairs)
    lines = {x.flores: source.aligned("flores200", x) for x in map(resolve, ("en", "fr", "ja", "ko", "ru"))}
    subsets = [f"{a}-{b}" for a, b in permutations(lines, 2)]
    task = mteb.get_task("FloresBitextMining", hf_subsets=subsets)
    task.dataset = DatasetDict(devtest=Dataset.from_dict({name: list(x.sentences) for name, x in lines.items()}))
    yield _loaded(task), "devtest", subsets
    for name, subset, pair in _STS:
        scored = source.scored(name, subset if subset != "default" else pair[:2], LangPair.parse(pair), "test")
        rows = {"sentence1": list(scored.first), "sentence2": list(scored.second), "score": list(scored.scores)}
        task = mteb.get_task(name, hf_subsets=None if subset == "default" else [subset])
        split = DatasetDict(test=Dataset.from_dict(rows))
        task.dataset = split if subset == "default" else {subset: split}
        yield _loaded(task), "test", [subset]


def _loaded(task: Any) -> Any:
    task.data_loaded = True
    return task


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    _run_mteb(Path(sys.argv[1]), Path(sys.argv[2]))
