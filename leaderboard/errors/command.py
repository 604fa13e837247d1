"""`bitext-bench compare A [B] --errors`: the sentences that one model misses, or that only one of two models finds."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from bitext_bench.embedding.store import make_folder, write_atomic
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import printable, say, write_data

from ..entries.select import Own, choose_models, model_label
from .collect import ErrorCase, read_errors
from .page import render_error_page
from .table import render_table, render_tsv

Form = Literal["table", "tsv", "html"]
_WIDTH = 160  # without a terminal


def single_models(results: Path, names: Sequence[str], languages: Sequence[str] | None) -> list[Own]:
    """Return the entries of one or two models, one for each name.

    Args:
        results: a folder of result files.
        names: names as in `choose_models`.
        languages: as in `run --languages`; None keeps all.

    Raises:
        UserError: there are more than two names, or a name matches no model or several, even seeds of one training.
    """
    if len(names) > 2:
        raise UserError(f"--errors takes one or two models, not {len(names)}")
    chosen = choose_models(results, names, languages)
    for name, each in zip(names, chosen, strict=True):
        if len(each.runs) > 1:
            known = "; ".join(model_label(own) for own in each.runs.values())
            n = len(each.runs)
            raise UserError(f"{printable(name)} matches {n} seeds, but --errors takes one: name one of {known}")
    return [own for each in chosen for own in each.runs.values()]


def run_errors(models: Sequence[Own], tasks: Sequence[str] | None, data: str, form: Form, output: Path | None) -> int:
    """Print or write the sentences that one model misses, or that one of two models finds and the other misses.

    Args:
        models: one or two models from `single_models`.
        tasks: names of tasks; None reads all.
        data: the data of the results, as in `run --data`.
        form: the output format.
        output: a file to write; None prints.

    Raises:
        UserError: the data do not have the sentences that the models were scored on.
    """
    misses, absent = read_errors(models, data, tasks)
    for reason in absent:
        say(f"left out: {reason}")
    content = _render(form, misses, [model_label(own) for own in models])
    if output is None and form == "table":
        print(content, end="")
    elif output is None:
        write_data(content)
    else:
        make_folder(output.parent)
        write_atomic(output, content.encode())
        say(f"wrote {len(misses):,} misses to {output}")
    return 0


def _render(form: Form, misses: Sequence[ErrorCase], labels: Sequence[str]) -> str:
    if form == "html":
        return render_error_page(misses, labels)
    if form == "tsv":
        return render_tsv(misses, labels)
    return render_table(misses, labels, shutil.get_terminal_size((_WIDTH, 24)).columns)
