"""The report of a mining run for people: one HTML file without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError, count_of
from ..io.page import plain, read_style, static_page
from .budget import format_bytes
from .filters.registry import FILTERS
from .page_parts import Cell, bars, facts, samples_table, section, table
from .pool import Histogram, PairPool
from .precision import Estimate
from .threshold import COMPLETE_GOLD

_SECTIONS = (
    ("sizes", "Input and output"),
    ("scores", "Scores"),
    ("precision", "Precision"),
    ("samples", "Samples"),
    ("filters", "Filters"),
    ("run", "Run"),
)


@dataclass(frozen=True, slots=True)
class MiningPage:
    """What a page shows.

    Attributes:
        output: file of the pairs.
        inputs: file of each side.
        content: content of the JSON report.
        pool: all pairs that were considered.
    """

    output: Path
    inputs: Mapping[str, Path]
    content: Mapping[str, Any]
    pool: PairPool

    def render(self) -> str:
        """Return the page; the same run gives the same text, except for time and memory."""
        parts = [getattr(self, f"_{name}")() for name, _ in _SECTIONS]
        links = "".join(f'<a href="#{name}">{title}</a>\n' for name, title in _SECTIONS)
        body = "".join(section(*named, part) for named, part in zip(_SECTIONS, parts, strict=True))
        head = f'<h1>bitext-bench {self._verb}</h1>\n<nav aria-label="Sections">\n{links}</nav>\n'
        title = f'<h2 class="file">{plain(self.output.name)}</h2>\n'
        return static_page(
            f"{self.output.name}: {self._verb} report",
            read_style("report"),
            f'<a class="skip" href="#main">Skip to the report</a>\n<header>\n{head}</header>\n'
            f'<main id="main" tabindex="-1">\n{title}{facts(self._facts())}{body}</main>\n',
        )

    @property
    def _verb(self) -> str:
        return "mine" if "select" in self.content else "mine --score"

    def _facts(self) -> Iterator[tuple[str, str, str]]:
        content = self.content
        yield "pairs in the output", f"{content['pairs']:,}", ""
        if content["threshold"] is not None:
            yield "threshold", f"{content['threshold']:.6f}", ""
        elif content.get("suggested"):
            yield "suggested threshold", f"{content['suggested']['threshold']:.6f}", ""
        for name in ("precision", "recall"):
            if self._expected.get(name):
                value, interval = _estimate(self._expected[name])
                yield f"expected {name}", value, f"95 % interval {interval}" if interval else ""
        if filters := content.get("filters"):
            yield "dropped by filters", f"{filters['pairs'] - filters['kept']:,}", f"of {filters['pairs']:,} pairs"
        yield "time of this run", f"{content['seconds']['this_run']:,.0f} s", ""

    @property
    def _expected(self) -> Mapping[str, Any]:
        """Precision and recall at the threshold, or at the suggested one."""
        content = self.content
        if judged := content.get("judged"):
            return dict(judged)
        if content.get("precision"):
            return {"precision": content["precision"]}
        found = content.get("suggested")
        return {"precision": found["precision"], "recall": {"value": found["recall"]}} if found else {}

    def _sizes(self) -> str:
        rows: list[list[Cell]] = []
        kinds = ("lines", "sentences", "blank", "too_long", "different")
        used = [name for name in kinds if any(name in self.content[side] for side in self.inputs)]
        for side, file in self.inputs.items():
            rows.append([side, file.name, *(self.content[side].get(name, 0) for name in used)])
        heads = ["", "file", *({"too_long": "too long", "different": "distinct"}.get(name, name) for name in used)]
        text = table("Input", heads, rows)
        written: list[list[Cell]] = [["output", self.output.name, self.content["pairs"]]]
        if filters := self.content.get("filters"):
            written.append(["dropped by filters", filters["file"], filters["pairs"] - filters["kept"]])
        return text + table("Output", ["", "file", "pairs"], written)

    def _scores(self) -> str:
        content, found = self.content, self.pool.histogram()
        if shown := content.get("histogram"):
            wrong = [min(expected, n) for expected, n in zip(shown["misaligned"], shown["pairs"], strict=True)]
            others = [n - expected for n, expected in zip(shown["pairs"], wrong, strict=True)]
            found = Histogram(shown["edges"], [("probably aligned", others), ("probably misaligned", wrong)])
        if found is None:
            return "<p>No pair has a score.</p>\n"
        threshold, name = content["threshold"], "threshold"
        if threshold is None and content.get("suggested"):
            threshold, name = content["suggested"]["threshold"], "suggested threshold"
        which = "the pairs that filters of single pairs keep" if shown and content.get("filters") else "all pairs"
        note = f"<p>Margin score ({plain(content['margin'])}) of {which}.</p>\n"
        return note + bars(found, None if threshold is None else (threshold, name))

    def _precision(self) -> str:
        content, lines = self.content, []
        if judged := content.get("judged"):
            rows: list[list[Cell]] = [[name, *_estimate(judged[name])] for name in ("precision", "recall", "f1")]
            if "share_with_translation" in judged:
                for side, share in judged["share_with_translation"].items():
                    rows.append([f"{side} lines with a translation", f"{share:.1%}", ""])
            how = "counted on complete gold" if judged["by"] == COMPLETE_GOLD else "estimated from known pairs"
            lines += [f"The threshold is for {judged['threshold_for']}; {how} ({judged['known']:,})."]
            if not judged.get("like_the_files", True):
                lines.append("The known pairs do not resemble the files; the estimates may be far off.")
            if content.get("filters"):
                lines.append("Precision and recall are those of the pairs before the filters.")
            return _paragraphs(lines) + table("Precision and recall", ["", "value", "95 % interval"], rows)
        if "misaligned" not in content:
            reason = content.get("no_suggestion")
            text = f"No threshold is suggested: {reason}." if reason else (
                "Precision is unknown: pass known translations with --planted-pairs or --gold to estimate it."
            )  # fmt: skip
            return _paragraphs([text])
        rows = [["misaligned share of the pairs", *_estimate(content["misaligned"])]]
        if content["precision"] is not None:
            rows.append([f"precision at {content['threshold']:.6f}", *_estimate(content["precision"])])
        if found := content["suggested"]:
            rows.append([f"precision at {found['threshold']:.6f} (suggested)", *_estimate(found["precision"])])
            rows.append(["recall there", f"{found['recall']:.3f}", ""])
            rows.append(["share of the pairs kept there", f"{found['kept']:.1%}", ""])
        else:
            lines.append(f"No threshold is suggested: {content['no_suggestion']}.")
        lines.append("Estimated by pairing sentences at random; a copy or a changed number counts as aligned.")
        return _paragraphs(lines) + table("Precision", ["", "value", "95 % interval"], rows)

    def _samples(self) -> str:
        parts = []
        for band in self.pool.bands():
            name = f", {band.name}" if band.name else ""
            pairs = count_of(band.n, "pair")
            parts.append(f"<h3>{band.low:.4f} to {band.high:.4f}{name}: {pairs}</h3>\n{samples_table(band.samples)}")
        note = "Pairs chosen at random, from parts of the output with equal numbers of pairs, best first."
        return _paragraphs([note]) + "".join(parts) if parts else _paragraphs(["There are no pairs."])

    def _filters(self) -> str:
        filters = self.content.get("filters")
        if not filters:
            return _paragraphs(["No filters: --filters all drops copies, wrong languages, duplicates and others."])
        about = {one.name: one.drops for one in FILTERS}
        rows: list[list[Cell]] = [
            [name, about[name], n, f"{n / max(1, filters['pairs']):.2%}"] for name, n in filters["dropped"].items()
        ]
        parts = [table("Filters", ["filter", "drops a pair if", "pairs", "share"], rows)]
        for number, (name, n) in enumerate(filters["dropped"].items(), start=1):
            if n:
                parts.append(f"<h3>{plain(name)}</h3>\n{samples_table(self.pool.dropped_samples(number))}")
        return "".join(parts)

    def _run(self) -> str:
        content = self.content
        search = content["search"]
        if found := content["recall"]:
            search += (
                f", {content['probes']} cells for each line; it finds {found['at_1']:.2%} of the nearest lines and "
                f"{found['at_4']:.2%} of the four nearest ({found['sample']:,} lines compared with exact search)"
            )
        stages = {name: value for name, value in content["seconds"].items() if name != "this_run"}
        rows: list[list[Cell]] = [
            ["model", content["model"] or "vectors"],
            ["search", search],
            ["this run", f"{content['seconds']['this_run']:,.1f} s"],
            *_stages(stages),
            ["peak memory", format_bytes(content["peak_memory"]) if content["peak_memory"] else "unknown"],
            ["version", content["version"]],
        ]
        text = table("Run", ["", ""], rows)
        return text + f"<h3>Signature</h3>\n<p><code>{plain(content['signature'])}</code></p>\n"


def check_page(file: Path) -> None:
    """Check in advance that a page can be written.

    Raises:
        UserError: the name or the folder is wrong.
    """
    if file.suffix != ".html":
        raise UserError(f"--report {file}: expected a name that ends in .html")
    if not file.parent.is_dir():
        raise UserError(f"--report {file}: the directory {file.parent} does not exist: create it, or correct the path")


def _paragraphs(lines: Sequence[str]) -> str:
    return "".join(f"<p>{plain(line)}</p>\n" for line in lines)


def _stages(seconds: Mapping[str, float]) -> Iterator[list[Cell]]:
    for name, value in seconds.items():
        yield [f"{name}, all processes", f"{value:,.1f} s"]


def _estimate(score: Mapping[str, float]) -> tuple[str, str]:
    if "low" not in score:
        return f"{score['value']:.3f}", ""
    found = Estimate(**score)
    return f"{found.value:.3f}", f"{found.low:.3f} to {found.high:.3f}"
