"""Write comparisons.md: differences between the rows of the tables, with their significance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bitext_bench.embedding.store import write_atomic
from leaderboard.compare import ComparisonRow, compare_models, corrected_p, format_p
from leaderboard.entries.select import choose_models
from leaderboard.escaping import pipe_table
from leaderboard.stats.paired import SIGNIFICANT

RESULTS = Path(__file__).parent
PAIRS = ("en-ko", "en-fr", "en-ja", "en-ru")
SEVERAL = {"four pairs": "en-xx", "all ten pairs": "all"}
# Rows: a task, or a language of the translated STS benchmark. A task with several subsets shows their mean.
ROWS = {
    "Tatoeba": "Tatoeba accuracy",
    "BUCC-style-mining": "mining F1",
    "FLORES-200": "xSIM, lower is better",
    "STSBenchmark": "STSBenchmark",
    "KorSTS": "KorSTS",
    "JSTS": "JSTS",
    "STSBenchmarkMultilingualSTS fr": "STSBenchmark in French",
    "STSBenchmarkMultilingualSTS ru": "STSBenchmark in Russian",
}
Columns = Mapping[str, tuple[str, str]]  # heading -> parts of the names of A and B


def of_pairs(a: str, b: str, pairs: tuple[str, ...] = PAIRS) -> Columns:
    """Return one column for each pair."""
    return {pair: (f"{a}-{pair}", f"{b}-{pair}") for pair in pairs}


def of_several(a: str, b: str) -> Columns:
    """Return a column for the four pairs with English and one for all ten."""
    return {heading: (f"{a}-{name}", f"{b}-{name}") for heading, name in SEVERAL.items()}


COMPARISONS: Mapping[str, Columns] = {
    "Table 1: teacher e5-small minus teacher MPNet": of_pairs("table4-priority", "table1-e5-mpnet", ("en-ko", "en-fr")),
    "Table 1: student e5-small minus student MPNet": of_pairs("table4-priority", "table1-mpnet-e5", ("en-ko", "en-fr")),
    "Table 2: soft minus hard labels": of_pairs("table2-soft", "table2-hard"),
    "Table 2: soft labels minus embedding-MSE": of_pairs("table2-soft", "table2-mse"),
    "Table 2: soft labels minus mUSE's ranking loss": of_pairs("table2-soft", "table2-ranking"),
    "Table 2: soft labels minus the pretrained model": {
        pair: (f"table2-soft-{pair}", 'e5-small-q4 (prompt "query: ", fp32, mean)') for pair in PAIRS
    },
    "Table 3: four pairs, soft labels minus embedding-MSE": {"four pairs": ("table5-tms-en-xx", "table3-mse-en-xx")},
    "Table 4: Priority minus Average": of_pairs("table4-priority", "table4-average"),
    "Table 4: Priority with TMS minus without": of_pairs("table2-soft", "table4-priority"),
    "Table 5: Priority minus Average": of_several("table5-priority", "table5-average"),
    "Table 5: Priority with TMS minus without": of_several("table5-tms", "table5-priority"),
    "Table 5: all ten pairs minus the four with English": {
        heading: (f"table5-{name}-all", f"table5-{name}-en-xx")
        for heading, name in {"Priority": "priority", "Average": "average", "Priority with TMS": "tms"}.items()
    },
    "Table 6: en-xx and fr-xx minus en-xx and ru-xx": {"Priority": ("table6-fr-xx", "table6-ru-xx")},
}


def compare(a: str, b: str) -> dict[str, str]:
    """Return the cells of a column: A's score minus B's in points, and p, corrected over the column."""
    ours, theirs = choose_models(RESULTS, [_whole(a), _whole(b)])
    shown: dict[str, ComparisonRow] = {}
    for line in compare_models(ours, theirs):
        task = line.pairs[0][0].task
        row = ROWS.get(f"{task} {line.subset}") or ROWS.get(task)
        if row:
            shown[row] = line  # a task's mean comes after its subsets and replaces them
    cells = zip(shown.items(), corrected_p(list(shown.values())), strict=True)
    return {row: _cell(100 * line.difference.value, p) for (row, line), p in cells}


def _whole(name: str) -> str:
    return f"local/{name}-seed" if name.startswith("table") else f"local/{name}"


def _cell(points: float, p: float) -> str:
    mark = "**" if p < SIGNIFICANT else ""
    return f"{mark}{round(points, 2) + 0.0:+.2f}{mark} ({format_p(p)})"  # + 0.0 turns -0.0 into 0.0


def main() -> None:
    """Write the page."""
    sections = [
        "# Differences between rows of the tables\n\n"
        "Each cell is a difference in points, averaged over seeds, with its p in brackets. p covers the choice of\n"
        "sentences and of seeds, and is corrected for the comparisons of its column (Holm). Differences with p below\n"
        f"{SIGNIFICANT} are **bold**. `python results/comparisons.py` writes this page; `bitext-bench compare` has\n"
        "the scores and intervals.\n",
    ]
    for heading, columns in COMPARISONS.items():
        found = {column: compare(*names) for column, names in columns.items()}
        rows = [row for row in ROWS.values() if any(row in cells for cells in found.values())]
        table = pipe_table(["", *found], [[row, *(cells.get(row, "") for cells in found.values())] for row in rows], 1)
        sections.append(f"## {heading}\n\n{table}")
    write_atomic(RESULTS / "comparisons.md", "\n".join(sections).encode())


if __name__ == "__main__":
    main()
