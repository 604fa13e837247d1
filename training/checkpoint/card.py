"""The model card of a checkpoint: its data, training, contamination check and scores."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tabulate import tabulate

from bitext_bench.results.records import TaskResult
from bitext_bench.results.tables import percent
from bitext_bench.tasks import BENCHMARKS

from ..config import make_config
from .card_metadata import base_model, render_metadata
from .citation import CITATIONS

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
            _interval(entry.intervals.get(result.main_score)),
            entry.n,
            _code(entry.signature),
        ]
        for result in results
        for entry in result.subsets
    ]
    head = ["task", "subset", "score", "value", "95 % interval", "n", "signature"]
    table = tabulate(rows, headers=head, tablefmt="github", disable_numparse=[3], colalign=_RIGHT_VALUES)
    return f"In percent; correlations x 100.\n\n{table}"


def _interval(interval: Sequence[float] | None) -> str:
    return f"{percent(interval[0])} to {percent(interval[1])}" if interval else ""


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
        + f"\n\nEvery row was compared with the sentences of {_parts(contamination['covered'])}: {found}. "
        + f"Up to {record['config']['dev_size']:,} of the remaining rows of each pair were held out.\n\n"
        + _unchecked(contamination)
    )


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
    lines.append(f"{record['steps']:,} steps over {sum(record['rows'].values()):,} rows.")
    if record["dev_curve"]:
        curve = [[int(look["step"]), percent(look["dev_accuracy"])] for look in record["dev_curve"]]
        lines.append("Accuracy on held-out rows (percent, both directions, mean over the pairs):")
        head = ["step", "dev accuracy"]
        lines.append(tabulate(curve, headers=head, tablefmt="github", disable_numparse=[1], colalign=["right"] * 2))
        lines.append("The best weights were kept.")
    if blended := record.get("dev_blended"):
        lines.append(f"The saved weights, interpolated with the initial ones: {percent(blended['dev_accuracy'])}.")
    return "\n\n".join(lines)


def _setting(value: object) -> str:
    """Return a setting as `--set` takes it: in TOML, which equals JSON for these types."""
    return "not set" if value is None else _code(json.dumps(value, ensure_ascii=False))


def _code(text: str) -> str:
    return f"`{_plain(text)}`"


def _plain(text: str) -> str:
    """Replace characters that could end a table cell or a line, or open a tag, by spaces."""
    return "".join(" " if c in "|`<>" or not c.isprintable() else c for c in text)
