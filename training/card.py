"""The model card of a checkpoint: what it was trained on and how, what was left out, and what it scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bitext_bench.languages import LangPair
from bitext_bench.results import TaskResult
from bitext_bench.tasks import BENCHMARKS

from .config import make_config

_MOST_LISTED = 12


def render_card(name: str, record: Mapping[str, Any], results: Sequence[TaskResult]) -> str:
    """Return the README.md of a checkpoint, its scores in the hub's model-index form at the top.

    Args:
        name: of the checkpoint.
        record: the content of train_config.json.
        results: scores, if it was evaluated.
    """
    return f"---\n{_metadata(name, record, results)}\n---\n\n" + "\n\n".join(_sections(name, record, results)) + "\n"


def _metadata(name: str, record: Mapping[str, Any], results: Sequence[TaskResult]) -> str:
    from huggingface_hub import EvalResult, ModelCardData

    student = record["config"]["student"]
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
            metric_value=entry.scores[result.main_score],
            metric_args={
                "n": entry.n,
                "interval": list(entry.intervals.get(result.main_score) or ()) or None,  # YAML has no tuples
                "signature": entry.signature,
            },
        )
        for result in results
        for entry in result.subsets
        if entry.scores[result.main_score] is not None
    ]
    data = ModelCardData(
        language=sorted({str(side) for pair in pairs for side in (pair.source, pair.target)}),
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=["sentence-transformers", "bitext-mining", "bitext-bench"],
        base_model=student if student.count("/") == 1 and not Path(student).exists() else None,
        model_name=name,
        eval_results=evaluated or None,
    )
    return str(data.to_yaml())


def _sections(name: str, record: Mapping[str, Any], results: Sequence[TaskResult]) -> Iterator[str]:
    config, models = record["config"], record["models"]
    yield f"# {_plain(name)}"
    yield (
        f"`{_plain(models['student']['name'])}` aligned on {', '.join(record['pairs'])} with the loss {config['loss']} "
        f"(recipe {_plain(record['recipe'])}), by bitext-bench {record['bitext_bench']}. "
        + (f"Teacher: `{_plain(models['teacher']['name'])}`. " if make_config(config).has_teacher else "")
        + f"Prompt: `{_plain(repr(config['student_prompt']))}`, "
        "saved with the model."
    )
    audit = record["audit"]
    if leaked := (audit["rows"] if audit["kept"] else 0) + audit.get("inherited", 0):
        yield f"**Trained on {leaked:,} rows that hold a sentence of a benchmark: its scores there are not clean.**"
    if results:
        yield "## Scores\n\n" + _scores(results)
    yield "## Data\n\n" + _data(record)
    yield "## Training\n\n" + _training(record)


def _scores(results: Sequence[TaskResult]) -> str:
    rows = [
        [
            result.label,
            entry.subset,
            result.main_score,
            entry.scores[result.main_score],
            _interval(entry.intervals.get(result.main_score)),
            entry.n,
            f"`{_plain(entry.signature)}`",
        ]
        for result in results
        for entry in result.subsets
    ]
    head = ["task", "subset", "score", "value", "95 % interval", "n", "signature"]
    return tabulate(rows, headers=head, tablefmt="github", floatfmt=".4f")


def _interval(interval: Sequence[float] | None) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else ""


def _data(record: Mapping[str, Any]) -> str:
    rows = [
        [
            _plain(x["name"]),
            x["pair"],
            x["read"],
            sum(x["dropped"].values()),
            x["leaks"],
            x["kept"],
            x["weight"],
            x["sha256"],
        ]
        for x in record["data"]
    ]
    head = ["corpus", "pair", "rows", "cleaned away", "in a benchmark", "kept", "weight", "sha256"]
    audit = record["audit"]
    tests = ", ".join(f"{_plain(test)} ({count:,})" for test, count in list(audit["tests"].items())[:10])
    found = f"{audit['rows']:,} rows hold one and were {'kept' if audit['kept'] else 'left out'}" + (
        f"; most are in {tests}" if tests else ""
    )
    return (
        tabulate(rows, headers=head, tablefmt="github", disable_numparse=[7], intfmt=",")
        + f"\n\nEvery row was compared with the sentences of {_parts(audit['covered'])}: {found}. "
        + f"Of what was left, up to {record['config']['dev_rows']:,} rows of each pair were held out.\n\n"
        + _unchecked(audit)
    )


def _parts(covered: Mapping[str, Sequence[str]]) -> str:
    """Return the benchmarks with their pairs or languages, which are only counted where there are many."""
    parts = {task: ", ".join(of) if len(of) <= _MOST_LISTED else f"{len(of)} languages" for task, of in covered.items()}
    return ", ".join(f"{task} ({listed})" for task, listed in parts.items()) or "no benchmark"


def _unchecked(audit: Mapping[str, Any]) -> str:
    """Say with what the rows of this training, or of its student's, were not compared."""
    missing = [task.name for task in BENCHMARKS if task.name not in audit["checked"]]
    named = ", ".join(f"{name} (excluded)" if name in audit["excluded"] else name for name in missing)
    less = audit["checked"] != audit["covered"]
    return (
        (f"**Not compared with {named}.** " if named else "")
        + (
            f"The student's own training rows were compared with less; both with {_parts(audit['checked'])}. "
            if less
            else ""
        )
        + "Results in other benchmarks and languages say `leaks:not looked for`."
    )


def _training(record: Mapping[str, Any]) -> str:
    config = {k: v for k, v in record["config"].items() if k != "objective"}
    # By what they are called, not by where they lay.
    config |= {who: model["name"] for who, model in record["models"].items()}
    settings = [*config.items(), *record["config"]["objective"].items()]
    lines = [tabulate([[k, f"`{_plain(repr(v))}`"] for k, v in settings], headers=["setting", ""], tablefmt="github")]
    lines.append(f"{record['steps']:,} steps over {sum(record['rows'].values()):,} rows.")
    if record["dev_curve"]:
        curve = [[int(look["step"]), look["dev_accuracy"]] for look in record["dev_curve"]]
        lines.append("Accuracy on held-out rows (both directions, mean over the pairs); the best weights were kept:")
        lines.append(tabulate(curve, headers=["step", "dev accuracy"], tablefmt="github", floatfmt=".4f"))
    if blended := record.get("dev_blended"):
        lines.append(f"The weights saved, mixed with the start's: {blended['dev_accuracy']:.4f}.")
    return "\n\n".join(lines)


def _plain(text: str) -> str:
    """Return text that cannot end a table's cell or a line, or become a tag."""
    return "".join(" " if c in "|`<>" or not c.isprintable() else c for c in text)
