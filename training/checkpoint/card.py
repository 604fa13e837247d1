"""The model card of a checkpoint: its metadata, data, training, contamination check, scores and citation."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tabulate import tabulate

from bitext_bench.languages import LangPair
from bitext_bench.results.records import TaskResult
from bitext_bench.results.tables import percent, percent_interval
from bitext_bench.tasks import BENCHMARKS

from ..config import Loss, make_config
from ..data.sources import is_non_commercial


def render_metadata(name: str, record: Mapping[str, Any], results: Sequence[TaskResult]) -> str:
    """Return the YAML; takes the arguments of `render_card`. Scores and intervals are in percent, as on the card."""
    from huggingface_hub import EvalResult, ModelCardData

    pairs = [LangPair.parse(pair) for pair in record["pairs"]]
    evaluated = [
        EvalResult(
            task_type="sentence-similarity" if result.main_score == "cosine_spearman" else "translation-retrieval",
            dataset_type="bitext-bench",
            dataset_name=f"{result.label} ({entry.subset})",
            dataset_config=entry.subset,
            dataset_split=result.split,
            dataset_revision=result.data,
            metric_type=result.main_score,
            metric_value=_percent(value),
            metric_args={
                "n": entry.n,
                # YAML has no tuples.
                "interval": [_percent(end) for end in entry.intervals.get(result.main_score) or ()] or None,
                "signature": entry.signature,
            },
        )
        for result in results
        for entry in result.subsets
        if (value := entry.scores[result.main_score]) is not None
    ]
    base = base_model(record)
    dataset = record.get("hub_dataset")
    data = ModelCardData(
        language=sorted({str(side) for pair in pairs for side in (pair.source, pair.target)}),
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=["sentence-transformers", "bitext-mining", "bitext-bench"],
        base_model=base,
        base_model_relation=("adapter" if _is_adapter(record) else "finetune") if base else None,
        datasets=[dataset["name"]] if dataset else None,
        model_name=name,
        eval_results=evaluated or None,
    )
    return str(data.to_yaml())


def base_model(record: Mapping[str, Any]) -> str | None:
    """Return the hub id of the initial model; None for a local directory, which the hub cannot link to."""
    name: str = record["models"]["student"]["name"]
    return None if name.startswith("local/") else name


def _is_adapter(record: Mapping[str, Any]) -> bool:
    return not record["config"].get("merge_lora", True)


def _percent(share: float) -> float:
    return round(100 * share, 4)


_SOFT = """@misc{park2024softcontrastive,
  title = {Improving Multi-lingual Alignment Through Soft Contrastive Learning},
  author = {Park, Minsu and Choi, Seyeon and Choi, Chanyeol and Kim, Jun-Seong and Sohn, Jy-yong},
  year = {2024},
  eprint = {2405.16155},
  archivePrefix = {arXiv}
}"""
_MSE = """@inproceedings{reimers2020multilingual,
  title = {Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation},
  author = {Reimers, Nils and Gurevych, Iryna},
  booktitle = {Proceedings of EMNLP 2020},
  year = {2020},
  eprint = {2004.09813},
  archivePrefix = {arXiv}
}"""
_RANKING = """@inproceedings{yang2020muse,
  title = {Multilingual Universal Sentence Encoder for Semantic Retrieval},
  author = {Yang, Yinfei and Cer, Daniel and Ahmad, Amin and Guo, Mandy and Law, Jax and Constant, Noah and
            Hernandez Abrego, Gustavo and Yuan, Steve and Tar, Chris and Sung, Yun-hsuan and Strope, Brian and
            Kurzweil, Ray},
  booktitle = {Proceedings of ACL 2020: System Demonstrations},
  year = {2020},
  eprint = {1907.04307},
  archivePrefix = {arXiv}
}"""

CITATIONS: dict[Loss, str] = {"soft-contrastive": _SOFT, "embedding-mse": _MSE, "translation-ranking": _RANKING}


_MOST_LISTED = 12
_RIGHT_VALUES = ("left", "left", "left", "right", "left", "right", "left")


def render_card(name: str, record: Mapping[str, Any], results: Sequence[TaskResult]) -> str:
    """Return the README.md of a checkpoint, with its scores in the hub's model-index format at the top.

    Args:
        name: the checkpoint's hub id if it is published, else its directory name.
        record: the content of train_config.json.
        results: its scores; empty if it was not evaluated.
    """
    return (
        f"---\n{render_metadata(name, record, results)}\n---\n\n" + "\n\n".join(_sections(name, record, results)) + "\n"
    )


def _sections(name: str, record: Mapping[str, Any], results: Sequence[TaskResult]) -> Iterator[str]:
    config, models = record["config"], record["models"]
    student = models["student"]["name"]
    linked = f"[{_plain(student)}](https://huggingface.co/{_plain(student)})" if base_model(record) else _code(student)
    yield f"# {_plain(name)}"
    yield (
        f"{linked} aligned on {', '.join(record['pairs'])} with the loss {config['loss']} "
        f"(recipe {_plain(record['recipe'])}), by bitext-bench {record['bitext_bench']}."
        + (f" Teacher: {_code(models['teacher']['name'])}." if make_config(config).has_teacher else "")
    )
    contamination = record["contamination"]
    if contaminated := (contamination["rows"] if contamination["kept"] else 0) + contamination.get("inherited", 0):
        yield (
            f"**Trained on {contaminated:,} rows that contain a benchmark sentence: scores on these benchmarks are "
            "contaminated.**"
        )
    if _is_adapter(record):
        yield (
            f"It is a LoRA adapter of {linked}, and both are needed. bitext-bench loads them with peft 0.21 or later, "
            "sentence-transformers with the version of peft that transformers requires."
        )
    yield "## Usage\n\n" + _usage(name, config["student_prompt"], record["pairs"])
    if results:
        yield "## Scores\n\n" + _scores(results)
    yield "## Data\n\n" + _data(record)
    yield "## Training\n\n" + _training(record)
    yield f"## Citation\n\n```bibtex\n{CITATIONS[config['loss']]}\n```"


def _usage(name: str, prompt: str, pairs: Sequence[str]) -> str:
    languages = " ".join(dict.fromkeys(code for pair in pairs for code in pair.split("-")))
    prompted = (
        f"It was trained with {_code(json.dumps(prompt, ensure_ascii=False))} before each sentence. This prompt is "
        "saved as the default, so do not add it to your sentences."
        if prompt
        else "It was trained without a prompt."
    )
    return (
        f"{prompted}\n\n```python\nfrom sentence_transformers import SentenceTransformer\n\n"
        f"model = SentenceTransformer({json.dumps(_plain(name), ensure_ascii=False)})\n"
        'vectors = model.encode(["Good morning.", "Bonjour."])\n'
        "print(model.similarity(vectors[:1], vectors[1:]))\n```\n\n"
        "Score it with bitext-bench:\n\n"
        f"```sh\nbitext-bench run --model {shlex.quote(_plain(name))} --languages {languages}\n```"
    )


def _scores(results: Sequence[TaskResult]) -> str:
    rows = [
        [
            result.label,
            entry.subset,
            result.main_score,
            percent(entry.scores[result.main_score]),
            percent_interval(entry.intervals.get(result.main_score)),
            entry.n,
            _code(entry.signature),
        ]
        for result in results
        for entry in result.subsets
    ]
    head = ["task", "subset", "score", "value", "95 % interval", "n", "signature"]
    table = tabulate(rows, headers=head, tablefmt="github", disable_numparse=[3], colalign=_RIGHT_VALUES)
    return f"In percent; correlations x 100.\n\n{table}"


def _data(record: Mapping[str, Any]) -> str:
    rows = [
        [
            _plain(x["name"]),
            x["pair"],
            x["read"],
            sum(x["dropped"].values()),
            x["contaminated"],
            x["kept"],
            x["weight"],
            _plain(x["license"] or "not stated"),
            x["sha256"],
        ]
        for x in record["data"]
    ]
    head = ["corpus", "pair", "rows", "cleaned away", "in a benchmark", "kept", "weight", "license", "sha256"]
    contamination = record["contamination"]
    tests = ", ".join(f"{_plain(test)} ({count:,})" for test, count in list(contamination["benchmarks"].items())[:10])
    found = f"{contamination['rows']:,} rows contain one and were {'kept' if contamination['kept'] else 'left out'}" + (
        f"; most are in {tests}" if tests else ""
    )
    return (
        _source(record.get("hub_dataset"))
        + tabulate(rows, headers=head, tablefmt="github", disable_numparse=[7, 8], intfmt=",")
        + _published(record["data"])
        + f"\n\nEvery row was compared with the sentences of {_parts(contamination['covered'])}: {found}. "
        + f"Up to {record['config']['dev_size']:,} of the remaining rows of each pair were held out.\n\n"
        + _unchecked(contamination)
    )


def _published(data: Sequence[Mapping[str, Any]]) -> str:
    """Name the corpora that are not free for every use, and say where corpora are published, if the recipe does."""
    restricted = dict.fromkeys(x["name"] for x in data if is_non_commercial(x["license"] or ""))
    text = f"\n\n**For non-commercial use only: {', '.join(map(_plain, restricted))}.**" if restricted else ""
    sources = {x["name"]: x["source"] for x in data if x.get("source")}
    if sources:
        head, keys = ("corpus", "version", "published at", "files"), ("version", "url", "files")
        rows = [[name, *(x.get(key) or "not stated" for key in keys)] for name, x in sources.items()]
        cells = [map(_plain, row) for row in rows]
        text += "\n\n" + tabulate(cells, headers=head, tablefmt="github", disable_numparse=True)
    return text


def _source(dataset: Mapping[str, str] | None) -> str:
    if not dataset:
        return ""
    name = _plain(dataset["name"])
    return f"From [{name}](https://huggingface.co/datasets/{name}) at commit `{dataset['commit']}`.\n\n"


def _parts(covered: Mapping[str, Sequence[str]]) -> str:
    """List benchmarks with their pairs or languages; long lists become a count."""
    parts = {task: ", ".join(of) if len(of) <= _MOST_LISTED else f"{len(of)} languages" for task, of in covered.items()}
    return ", ".join(f"{task} ({listed})" for task, listed in parts.items()) or "no benchmark"


def _unchecked(contamination: Mapping[str, Any]) -> str:
    """List the benchmarks that the rows of this training, or of the student's own, were not compared with."""
    missing = [task.name for task in BENCHMARKS if task.name not in contamination["checked"]]
    named = ", ".join(f"{name} (excluded)" if name in contamination["excluded"] else name for name in missing)
    less = contamination["checked"] != contamination["covered"]
    return (
        (f"**Not compared with {named}.** " if named else "")
        + (
            "The student's own training rows were compared with fewer benchmarks; both trainings were compared with "
            f"{_parts(contamination['checked'])}. "
            if less
            else ""
        )
        + "Results on other benchmarks and languages say `contamination:unchecked`."
    )


def _training(record: Mapping[str, Any]) -> str:
    config = {k: v for k, v in record["config"].items() if k != "objective"}
    # Model names instead of local paths.
    config |= {who: model["name"] for who, model in record["models"].items()}
    settings = [*config.items(), *record["config"]["objective"].items()]
    lines = [tabulate([[k, _setting(v)] for k, v in settings], headers=["setting", "value"], tablefmt="github")]
    machine = f", on {_plain(record['machine'])}" if record.get("machine") else ""
    lines.append(f"{record['steps']:,} steps over {sum(record['rows'].values()):,} rows{machine}.")
    lines += [f"Resumed at step {change['step']:,} with {_changed(change)}." for change in record.get("changes", [])]
    if record["dev_curve"]:
        curve = [[int(look["step"]), percent(look["dev_accuracy"])] for look in record["dev_curve"]]
        lines.append("Accuracy on held-out rows (percent, both directions, mean over the pairs):")
        head = ["step", "dev accuracy"]
        lines.append(tabulate(curve, headers=head, tablefmt="github", disable_numparse=[1], colalign=["right"] * 2))
        lines.append("The best weights were kept.")
    if blended := record.get("dev_blended"):
        lines.append(f"The saved weights, interpolated with the initial ones: {percent(blended['dev_accuracy'])}.")
    return "\n\n".join(lines)


def _changed(change: Mapping[str, Any]) -> str:
    changed = {name: both for name, both in change.items() if name != "step"}
    return ", ".join(f"{name} {_setting(new)} (before: {_setting(was)})" for name, (was, new) in changed.items())


def _setting(value: object) -> str:
    """Return a setting as `--set` takes it: in TOML, which equals JSON for these types."""
    return "not set" if value is None else _code(json.dumps(value, ensure_ascii=False))


def _code(text: str) -> str:
    return f"`{_plain(text)}`"


def _plain(text: str) -> str:
    """Replace characters that could end a table cell or a line, or open a tag, by spaces."""
    return "".join(" " if c in "|`<>" or not c.isprintable() else c for c in text)
