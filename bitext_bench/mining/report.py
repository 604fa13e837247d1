"""The messages of a run at its begin and end, and its report as JSON next to the output."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from ..embedding.store import write_atomic
from .budget import format_bytes, peak_memory
from .cells import n_cells
from .plan import KEPT, Plan
from .precision import Estimate
from .recall import measure_recall
from .records import read_record
from .sides import SIDES, CorpusSide
from .suggestion_lines import suggestion_lines
from .threshold import COMPLETE_GOLD


@dataclass(frozen=True, slots=True)
class MiningReport:
    """A report: its content for the JSON file, and its lines for the terminal."""

    content: dict[str, Any]
    lines: list[str]


def describe(plan: Plan) -> list[str]:
    """Describe the planned work, one line for each part."""
    lines = []
    for name in SIDES:
        side = plan.side(name)
        counts = [f"{side.lines:,} lines" if side.documents is None else f"{side.documents:,} lines"]
        counts += [] if side.documents is None else [f"{side.lines:,} sentences"]
        counts.append(f"{side.n_unique:,} distinct")
        if not (side.vectors or side.documents is not None):
            counts.append(f"{side.blank - side.too_long:,} blank")
        counts += [f"{n:,} {what}" for what, n in (("too long", side.too_long), ("planted", side.planted)) if n]
        lines.append(f"{name}: {', '.join(counts)}")
    n = plan.source.rows * plan.target.rows
    how = f"exact search, {n:.2g} pairs compared"
    if plan.search == "approximate":
        cells = n_cells(plan.target.rows)
        how = f"approximate search, {min(plan.probes, cells)} of {cells:,} cells for each line"
    return [*lines, f"{how}; {plan.n_shards('source')} + {plan.n_shards('target')} shards in {plan.root}"]


def write_report(plan: Plan, output: Path, about: dict[str, Any], seconds: float) -> MiningReport:
    """Write OUTPUT.report.json and return the report.

    Raises:
        UserError: the file cannot be written.
    """
    found = measure_recall(plan) if plan.search == "approximate" else None
    content = {
        "version": __version__,
        "model": plan.model.name if plan.model else None,
        "source": _side(plan.source),
        "target": _side(plan.target),
        "search": plan.search,
        "probes": plan.probes if plan.search == "approximate" else None,
        "recall": found,
        **about,
        **({"csls_candidates": KEPT} if _by_csls(about) else {}),
        "seconds": {"this_run": round(seconds, 1), **_seconds(plan)},
        "peak_memory": peak_memory(),
    }
    write_atomic(output.with_name(f"{output.name}.report.json"), json.dumps(content, indent=1).encode())
    return MiningReport(content, _lines(content))


def _by_csls(about: dict[str, Any]) -> bool:
    """Check whether pairs were mined by CSLS, which is approximate; for given pairs it is computed as defined."""
    return bool(about["margin"] == "csls" and "select" in about)


def _side(side: CorpusSide) -> dict[str, int]:
    counts = {"lines": side.lines, "blank": side.blank - side.too_long}
    if side.documents is not None:
        counts = {"lines": side.documents, "sentences": side.lines}
    return {**counts, **({"too_long": side.too_long} if side.too_long else {}), "different": side.n_unique}


def _seconds(plan: Plan) -> dict[str, float]:
    """Return the total seconds of the units in each stage, over all processes."""
    total: dict[str, float] = defaultdict(float)
    for stage in plan.stages:
        for unit in stage:
            total[unit.stage] += (read_record(plan, unit) or {}).get("seconds", 0.0)
    return {stage: round(seconds, 1) for stage, seconds in total.items()}


def _lines(content: dict[str, Any]) -> list[str]:
    lines = []
    if _by_csls(content):
        lines.append(
            f"csls is approximate: it ranks only each line's {content['csls_candidates']} nearest lines, not all lines"
        )
    if found := content["recall"]:
        lines.append(
            f"recall against exact search, measured on {found['sample']:,} lines: nearest {found['at_1']:.4f}, "
            f"four nearest {found['at_4']:.4f}, nearest from either side {found['pairs']:.4f}"
        )
    judged = content.get("judged")
    if judged is not None:
        lines += _judgement_lines(judged, content["threshold"])
    if "suggested" in content:
        lines += suggestion_lines(content)
    if filters := content.get("filters"):
        lines += _filter_lines(filters, judged is not None)
    stages = ", ".join(f"{name} {value:,.0f} s" for name, value in content["seconds"].items() if name != "this_run")
    peak = f"; at most {format_bytes(content['peak_memory'])} of memory" if content["peak_memory"] else ""
    return [*lines, f"{stages}; this run {content['seconds']['this_run']:,.0f} s{peak}"]


def _filter_lines(filters: dict[str, Any], judged: bool) -> list[str]:
    counts = ", ".join(f"{name} {n:,}" for name, n in filters["dropped"].items() if n)
    n_dropped = filters["pairs"] - filters["kept"]
    lines = [f"filters drop {n_dropped:,} of {filters['pairs']:,} pairs{f': {counts}' if counts else ''}"]
    if n_dropped:
        lines.append(f"the dropped pairs are in {filters['file']}, each with the filter and the reason")
    return [*lines, "precision and recall above are those of the pairs before the filters"] if judged else lines


def _judgement_lines(judged: dict[str, Any], threshold: float) -> list[str]:
    scores = ", ".join(f"{name} {_with_interval(judged[name])}" for name in ("precision", "recall", "f1"))
    lines = [f"threshold {threshold:.6f} ({judged['threshold_for']}): {scores}"]
    if judged["by"] == COMPLETE_GOLD:
        return [*lines, f"judged by {judged['known']:,} known pairs, assumed to be all translations in the files"]
    if not judged["like_the_files"]:
        lines.append("warning: the known pairs do not resemble the files; the estimates may be far off")
    left_out = (
        f" ({judged['left_out']:,} left out: repeated, or only one side in the files)" if judged["left_out"] else ""
    )
    in_files = f", {judged['in_the_files']:,} of them in the files" if judged["in_the_files"] else ""
    shares, translated = judged["share_with_translation"], judged["lines_with_translation"]
    return [
        *lines,
        f"estimated from {judged['known']:,} known pairs{in_files}{left_out}, each inserted into the files separately, "
        f"with and without its translation; {judged['wrong_pairs_of_known_lines']:,} of their wrong pairs reach the "
        "threshold",
        f"about {translated['value']:,.0f} lines have a translation ({translated['low']:,.0f} to "
        f"{translated['high']:,.0f}): {shares['source']:.1%} of the source, {shares['target']:.1%} of the target",
    ]


def _with_interval(score: dict[str, float]) -> str:
    return str(Estimate(**score)) if "low" in score else f"{score['value']:.4f}"
