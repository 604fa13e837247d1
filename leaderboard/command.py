"""`bitext-bench leaderboard`: write the leaderboard of a results folder, or check that a file is up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bitext_bench.data import open_source
from bitext_bench.embedding.store import check_writable, make_folder, write_atomic
from bitext_bench.errors import UserError
from bitext_bench.io.cache import cache_folder
from bitext_bench.io.terminal import TERMINAL, say, write_data
from bitext_bench.tasks.choices import parse_tasks

from .entries.read import Entry, ResultSet, chosen_languages, filter_languages, read_results, say_skipped
from .html.errors import error_records
from .html.render import render_page
from .paper_tables.command import paper_table
from .published.file import read_published
from .published.records import Published
from .render.latex import render_latex
from .render.markdown import render_markdown
from .render.records import render_csv, render_json
from .stats.stored import StoredStatistics
from .tables.overview import Overview, make_overview
from .tables.ranking import RankingTable, make_leaderboard
from .tables.scores import ScoreRow, score_rows

_FILE = Path("leaderboard/README.md")
_NO_MATCH = "no result matches: run bitext-bench leaderboard without --tasks, --models and --languages"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Which results to show, and how.

    Attributes:
        form: the output format.
        paper_table: number of a table of the paper, 1 to 6; None shows the leaderboard.
        tasks: names of tasks; None shows all.
        models: names or parts of names; None shows all.
        languages: as in `run --languages`; None shows all.
        sort: the column to sort rows by; None sorts by rank.
        data: the data of the results, as in `run --data`; the HTML page then shows missed sentences.
        include: "experiments" shows the results in experiments/, too; a table of the paper always does.
    """

    form: Literal["markdown", "html", "latex", "csv", "json", "svg", "png"] = "markdown"
    paper_table: int | None = None
    tasks: Sequence[str] | None = None
    models: Sequence[str] | None = None
    languages: Sequence[str] | None = None
    sort: str | None = None
    data: str | None = None
    include: Sequence[Literal["experiments"]] = ()

    def shows(self, model: str) -> bool:
        """Return whether `models` selects a model by its name."""
        return self.models is None or any(part.casefold() in model.casefold() for part in self.models)

    def check(self) -> None:
        """Check that the settings fit together.

        Raises:
            UserError: two settings exclude each other, or `data` does not exist.
        """
        if self.data and (self.form != "html" or self.paper_table):
            raise UserError("--data needs --format html: its error browser shows the sentences")
        if self.paper_table and (self.tasks or self.languages or self.sort):
            raise UserError(
                "--paper-table has the tasks, languages and order of the paper: "
                "leave out --tasks, --languages and --sort"
            )
        if self.data:
            open_source(self.data, own=True)


def run_leaderboard(results: Path, view: View, output: Path | None, *, check: bool) -> int:
    """Write the leaderboard or a table of the paper, or check that the file is up to date.

    Args:
        results: a folder of result files; the default one need not exist, and published scores are then shown alone.
        view: what to show.
        output: the file, or TERMINAL. None writes the leaderboard in Markdown to leaderboard/README.md, and prints
            everything else.
        check: write nothing; compare the file with the current results.

    Raises:
        UserError: no measured or published score matches the view; outcomes are missing; or, with `check`, the file
            is out of date.
    """
    view.check()
    in_terminal = output == TERMINAL or (output is None and (view.form != "markdown" or view.paper_table is not None))
    output = None if in_terminal else output or _FILE
    if view.form == "png" and output is None and not view.paper_table:
        raise UserError("--format png is not text: pass --output FILE")
    if check and output is None:
        raise UserError("--check compares with a file: pass --output FILE")
    if output and not check:
        check_writable(output.parent)
    found = read_results(results, experiments=bool(view.include or view.paper_table), optional=True)
    if found.skipped and not found.entries and not view.paper_table:
        say_skipped(found.skipped)
        raise UserError(f"no result in {results} can be read: see the reason for each above")
    if not found.entries and not view.paper_table:
        say(f"{results} holds no results: these are the scores that MTEB published")
    entries = _select(found.entries, view, results)
    if view.paper_table:
        if found.entries and not entries:
            raise UserError(_NO_MATCH)
        say_skipped(found.skipped)
        content = paper_table(view.paper_table, view.form, entries, results).encode()
    else:
        rendered = _render(results, view, entries, found.skipped)
        content = rendered if isinstance(rendered, bytes) else rendered.encode()
    if output is None:
        write_data(content.decode())
    elif check:
        _check(output, content, results)
    else:
        make_folder(output.parent)
        write_atomic(output, content)
        say(f"wrote {output}")
    return 0


def _render(results: Path, view: View, entries: Sequence[Entry], unreadable: Sequence[tuple[Path, str]]) -> str | bytes:
    stored = StoredStatistics(cache_folder() / "leaderboard.json")
    board = make_leaderboard(entries, stored)
    stored.save()
    skipped = sorted([*unreadable, *board.skipped])
    say_skipped(skipped)
    if entries and not board.tables:
        raise UserError(f"no result in {results} can be shown: see the reason for each above")
    common = _common_scores(board.tables, results, view)
    overview = make_overview(board.tables, entries, common, view.models)
    rows = [row for row in common if row.kind == "measured" or view.shows(row.model)]
    if not board.tables and not rows:
        raise UserError(_no_match(view))
    if not board.tables and not overview.rows and view.form in ("markdown", "latex"):
        raise UserError("the overview has no column with these scores: --format csv and --format html have them")
    shown = board.tables
    if view.sort:
        shown, overview = _sorted(shown, overview, view.sort)
    if view.form == "markdown":
        return render_markdown(shown, overview, skipped, results)
    if view.form == "latex":
        return render_latex(shown, overview)
    if view.form == "html":
        misses = error_records(overview.models, entries, view.data) if view.data else []
        return render_page(shown, ResultSet(list(entries), skipped), results, misses, rows)
    if view.form in ("svg", "png"):
        from .html.picture import render_png, render_svg  # its libraries take a tenth of a second

        return render_svg(rows) if view.form == "svg" else render_png(rows)
    return {"csv": render_csv, "json": render_json}[view.form](shown, rows)


def _common_scores(tables: Sequence[RankingTable], results: Path, view: View) -> list[ScoreRow]:
    """Return the measured and published scores of the chosen tasks and languages that are on one measure.

    Published scores are left out if measured scores are shown and none is on one of their measures.
    """
    tasks = {task.name for task in parse_tasks(view.tasks)} if view.tasks else None
    entries = [row.entry for table in tables for row in table.rows]
    languages, published = chosen_languages(view.languages), read_published(results)

    def choose(rows: list[ScoreRow]) -> list[ScoreRow]:
        return [row for row in rows if tasks is None or row.measure.task in tasks]

    measured = choose(score_rows(entries, Published({}, {}), languages))
    if tables and published.measures.isdisjoint(row.measure for row in measured):
        return measured
    return measured + choose(score_rows([], published, languages))


def _no_match(view: View) -> str:
    """Return a message that nothing matches, with the languages of the published scores if the view has languages."""
    if not view.languages:
        return _NO_MATCH
    tasks = {task.name for task in parse_tasks(view.tasks)} if view.tasks else None
    rows = [row for row in score_rows([], read_published()) if tasks is None or row.measure.task in tasks]
    known = " ".join(sorted({code for row in rows for code in row.languages}))
    return f"{_NO_MATCH}; published scores are in these languages: {known}" if known else _NO_MATCH


def _sorted(tables: Sequence[RankingTable], overview: Overview, column: str) -> tuple[list[RankingTable], Overview]:
    """Sort the tables that have a column, and the overview, by it.

    Raises:
        UserError: no table has the column.
    """
    subsets = {name for table in tables for name in table.subsets}
    known = ["model", "mean", "parameters", "dimensions", "speed", *(c.key for c in overview.columns), *sorted(subsets)]
    if column not in known:
        raise UserError(f"no table has a column {column!r} to sort by: expected one of {', '.join(known)}")
    return [table.sorted_by(column) for table in tables], overview.sorted_by(column)


def _select(entries: Sequence[Entry], view: View, results: Path) -> list[Entry]:
    """Return the entries of the selected tasks, models and languages.

    Raises:
        UserError: no measured or published model has such a name, or a task or language is unknown.
    """
    if view.paper_table and not entries:
        return []
    if view.tasks:
        tasks = {task.name for task in parse_tasks(view.tasks)}
        entries = [entry for entry in entries if entry.task in tasks]
    if view.models:
        entries = [entry for entry in entries if view.shows(entry.label)]
        is_published = not view.paper_table and any(map(view.shows, read_published(results).models))
        if not entries and not is_published:
            raise UserError(_NO_MATCH)
    return filter_languages(entries, view.languages)


def _check(output: Path, content: bytes, root: Path) -> None:
    current = output.read_bytes() if output.is_file() else b""
    if current != content:
        raise UserError(f"{output} is out of date with {root}: run bitext-bench leaderboard")
    say(f"{output} is up to date")
