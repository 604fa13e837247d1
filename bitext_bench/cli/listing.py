"""`bitext-bench list`: tables of models, tasks and languages. Imports nothing slow."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from tabulate import tabulate

from ..baselines import BASELINES
from ..errors import UserError, count_of
from ..languages import languages, more_languages

if TYPE_CHECKING:
    from ..data import MtebTask

_MOST_CODES = 5  # languages of a task that are listed rather than counted

_WIDTH = 100
_PROOFS = """Proof:
  measured  results/ has scores of the unchanged weights
  layout    random weights in files like those of the repository load and have the right vectors
  reported  neither: the record follows its authors and mteb"""


def render_list(what: str) -> str:
    """Return a table of "models", "tasks" or "languages"."""
    if what == "models":
        return f"{_table_of_models()}\n\n{_PROOFS}\n\n{_bitext_prompts()}"
    if what == "languages":
        rows = [[x.code, x.tatoeba, x.flores, x.name] for x in [*languages().values(), *more_languages().values()]]
        return tabulate(rows, headers=["code", "Tatoeba", "FLORES-200", "name"], disable_numparse=True)
    from ..tasks import TASKS

    rows = [[t.name, t.kind, t.split, t.description] for t in TASKS.values()]
    return tabulate(rows, headers=["name", "kind", "split", "what it measures"], disable_numparse=True)


def _table_of_models() -> str:
    rows = [
        [b.name, _publisher(b.checkpoint), f"{b.parameters / 1e6:.0f} M", b.dimensions, b.proof, b.license]
        for b in BASELINES.values()
    ]
    headers = ["name", "from", "size", "dim", "proof", "license"]
    return tabulate(rows, headers=headers, disable_numparse=True, colalign=("left", "left", "right", "right"))


def _publisher(checkpoint: str) -> str:
    """Return the organization on the hub, the domain of the weights, or "PyPI"."""
    if checkpoint.startswith("pypi:"):
        return "PyPI"
    host = checkpoint.partition("//")[2].partition("/")[0]
    return ".".join(host.split(".")[-2:]) or checkpoint.partition("/")[0]


def _bitext_prompts() -> str:
    """Return the prompts for bitext tasks, each with the models that use it."""
    names: dict[str, list[str]] = {}
    for baseline in BASELINES.values():
        if baseline.prompt:
            names.setdefault(baseline.prompt, []).append(baseline.name)
    lines = ["Prompts in bitext tasks; the other models have none:"]
    for prompt, users in names.items():
        lines += [f"  {prompt!r}", *wrap(", ".join(users), _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)]
    return "\n".join(lines)


def render_mteb(words: Sequence[str], names: Sequence[str] | None, max_size: str | None) -> str:
    """Return a table of the text encoders in mteb's registry that fit.

    Args:
        words: As in `search_mteb`.
        names: Languages that a model must name; None for any.
        max_size: Largest number of parameters, as text; None for any.

    Raises:
        UserError: No model fits, a language is unknown, or the size is not a number.
    """
    from ..encoders import needs, parse_size, search_mteb
    from ..tasks.choices import parse_languages

    wanted = (parse_languages(names) or []) if names else []
    found = search_mteb(words, parse_size(max_size) if max_size else None, wanted)
    if not found:
        raise UserError("no text encoder in mteb's registry fits: leave out a word or a language, or raise --max-size")
    rows = [
        [
            record.name,
            f"{record.parameters / 1e6:,.0f} M" if record.parameters else "?",
            _dimensions(record.meta.embed_dim),
            len(record.meta.languages or []) or "?",
            ", ".join(record.other_modalities),
            "bitext-bench" if record.is_plain else "mteb",
            needs(record),
            record.meta.license or "?",
        ]
        for record in found
    ]
    headers = ["model", "size", "dimensions", "languages", "also encodes", "loaded by", "needs", "license"]
    table = tabulate(rows, headers=headers, disable_numparse=True)
    return f"{table}\n{count_of(len(rows), 'model')}"


def render_mteb_tasks(words: Sequence[str], names: Sequence[str] | None) -> str:
    """Return a table of mteb's tasks of bitext mining and STS that fit.

    Args:
        words: All must occur in the name, the description or the data set of a task; case does not matter.
        names: Languages that a task must have; None for any.

    Raises:
        UserError: No task fits, or a language is unknown.
    """
    from ..data import mteb_tasks
    from ..tasks.choices import parse_languages

    wanted = set((parse_languages(names) or []) if names else [])
    rows = []
    for task in mteb_tasks().values():
        text = f"{task.name} {task.repository.name} {task.task.metadata.description}".casefold()
        if wanted <= set(task.languages) and all(word.casefold() in text for word in words):
            rows.append(_mteb_row(task))
    if not rows:
        raise UserError("no task of bitext mining or STS in mteb's registry fits: leave out a word or a language")
    headers = ["task", "kind", "splits", "subsets", "languages", "rows", "data set", "notes"]
    table = tabulate(rows, headers=headers, disable_numparse=True)
    return f"{table}\n{count_of(len(rows), 'task')}"


def _mteb_row(task: MtebTask) -> list[str]:
    from ..tasks import TASKS

    codes = [str(language) for language in task.languages]
    notes = [f"write mteb:{task.name} ({task.name} is bitext-bench's task)"] if task.name in TASKS else []
    if newer := task.task.metadata.superseded_by:
        notes.append(f"superseded by {newer}")
    if reason := task.refusal():
        notes.append(f"not scored: {reason}")
    return [
        task.name,
        "N-way" if task.is_n_way else task.kind,
        ", ".join(task.splits),
        f"{len(task.pairs):,}",
        ", ".join(codes) if len(codes) <= _MOST_CODES else f"{len(codes):,}",
        f"{task.size:,}" if task.size else "?",
        task.repository.name,
        "; ".join(notes),
    ]


def _dimensions(given: int | Sequence[int] | None) -> str:
    sizes = [given] if isinstance(given, int) else list(given or [])
    return "?" if not sizes else str(sizes[0]) if len(sizes) == 1 else f"{min(sizes)} to {max(sizes)}"
