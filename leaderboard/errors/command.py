"""`bitext-bench compare A [B] --errors`: which sentences one model misses, or one has and the other misses."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence

from bitext_bench.embedding.store import check_place, make_folder, write_whole
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import printable, say, write_data

from ..entries.select import choose_models, label
from .collect import Miss, read_misses
from .page import render_page
from .table import render_table, render_tsv

_WIDTH = 160  # where there is no terminal to ask


def run_errors(arguments: argparse.Namespace) -> int:
    """Print or write the misses of one model, or of two against each other.

    Raises:
        UserError: more models than two, a name that fits none or several, or no texts of the data they were scored on.
    """
    if len(arguments.models) > 2:
        raise UserError(f"--errors reads one model or two against each other, not {len(arguments.models)}")
    if arguments.output:
        check_place(arguments.output.parent)
    chosen = choose_models(arguments)
    models = [own for each in chosen for own in each.runs.values()]
    for name, each in zip(arguments.models, chosen, strict=True):
        if len(each.runs) > 1:
            known = "; ".join(label(own) for own in each.runs.values())
            raise UserError(
                f"{printable(name)} stands for {len(each.runs)} seeds, and --errors reads one: name one of {known}"
            )
    misses, absent = read_misses(models, arguments.data or "hub", arguments.tasks)
    for reason in absent:
        say(f"left out: {reason}")
    content = _render(arguments.format or "table", misses, [label(own) for own in models])
    if arguments.output is None and (arguments.format or "table") == "table":
        print(content, end="")
    elif arguments.output is None:
        write_data(content)
    else:
        make_folder(arguments.output.parent)
        write_whole(arguments.output, content.encode())
        say(f"wrote {len(misses):,} misses to {arguments.output}")
    return 0


def _render(form: str, misses: Sequence[Miss], labels: Sequence[str]) -> str:
    if form == "html":
        return render_page(misses, labels)
    if form == "tsv":
        return render_tsv(misses, labels)
    return render_table(misses, labels, shutil.get_terminal_size((_WIDTH, 24)).columns)
