"""The report of `mine` as a page: its numbers are those of the output, and no text can become HTML."""

from __future__ import annotations

import random
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import write
from mining_material import corpora, mine, report, rows
from pages import Opener

SCRIPT = "</td></table><script>window.owned = 1</script><img src=x onerror='window.owned = 1'>&amp;\x1b[31m\u202e"


class Tables(HTMLParser):
    """Collects the rows of each table by the id of its section, and all tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[list[str]]]] = {}
        self.text: dict[str, str] = {}
        self._section = ""
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self._section = dict(attrs)["id"] or ""
        elif tag == "table":
            self.tables.setdefault(self._section, []).append([])
        elif tag == "tr":
            self.tables[self._section][-1].append([])
        elif tag in ("td", "th"):
            self.tables[self._section][-1][-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        self.text[self._section] = self.text.get(self._section, "") + data
        if self._in_cell:
            self.tables[self._section][-1][-1][-1] += data.strip()


def numbered(folder: Path) -> tuple[Path, Path]:
    """Write the corpora with a number in each line, which is another one in every third target."""
    source, target, _ = corpora(folder)
    for file, other in ((source, 1), (target, 3)):
        lines = enumerate(file.read_text().splitlines())
        write(file, [f"{line} {8 if other == 3 and at % 3 == 0 else 7}" if line else "" for at, line in lines])
    return source, target


def page(folder: Path, *arguments: object) -> Tables:
    assert mine(*arguments, "-o", folder / "out.tsv", "--report", folder / "report.html") == 0
    return Tables((folder / "report.html").read_text(encoding="utf-8"))


def bins(found: Tables) -> list[list[float]]:
    return [[float(cell.replace(",", "")) for cell in row] for row in found.tables["scores"][0][1:]]


def test_the_page_has_the_numbers_of_the_output(tmp_path: Path) -> None:
    source, target = numbered(tmp_path)
    assert mine(source, target, "-o", tmp_path / "all.tsv") == 0
    scores = sorted(float(row["score"]) for row in rows(tmp_path / "all.tsv"))
    cut = scores[len(scores) // 3]
    found = page(tmp_path, source, target, "--threshold", cut, "--filters", "numbers,duplicates")
    content, kept = report(tmp_path / "out.tsv"), rows(tmp_path / "out.tsv")
    n_dropped = sum(content["filters"]["dropped"].values())
    assert n_dropped > 3 and len(kept) > 20
    assert found.tables["sizes"] == [
        [
            ["", "file", "lines", "blank", "distinct"],
            ["source", "source.txt", "103", "1", "100"],
            ["target", "target.txt", "100", "0", "100"],
        ],
        [
            ["", "file", "pairs"],
            ["output", "out.tsv", str(len(kept))],
            ["dropped by filters", "out.tsv.dropped.tsv", str(n_dropped)],
        ],
    ]
    assert found.tables["scores"][0][0] == [
        "from",
        "to",
        "in the output",
        "dropped by filters",
        "below the threshold",
    ]
    columns = np.array(bins(found))
    assert columns[:, 2:].sum(axis=0).tolist() == [len(kept), n_dropped, len(scores) - len(kept) - n_dropped]
    for low, high, *counts in columns[1:-1]:
        inside = [score for score in scores if low + 1e-4 < score < high - 1e-4]
        near = [score for score in scores if low - 1e-4 < score < high + 1e-4]
        assert len(inside) <= sum(counts) <= len(near)
    assert [row[:1] + row[2:3] for row in found.tables["filters"][0][1:]] == [
        [name, str(n)] for name, n in content["filters"]["dropped"].items()
    ]
    (signature,) = re.findall(r"task:mine\|\S+", found.text["run"])
    assert signature == content["signature"]
    assert "threshold" in signature and "filters:numbers,duplicates" in signature


def test_samples_are_rows_of_the_output_in_bands_by_score(tmp_path: Path) -> None:
    source, target = numbered(tmp_path)
    found = page(tmp_path, source, target, "--threshold", "1.1", "--filters", "numbers")
    kept = {(row["source"], row["target"]): row for row in rows(tmp_path / "out.tsv")}
    lines = (tmp_path / "out.tsv.dropped.tsv").read_text().splitlines()[1:]
    samples = found.tables["samples"]
    assert len(samples) == 6 and all(len(table) == 6 for table in samples)
    heads = re.findall(r"([\d.]+) to ([\d.]+)(, just below the threshold)?: ([\d,]+) pair", found.text["samples"])
    assert sum(int(n) for _, _, below, n in heads if not below) == len(kept)
    for (low, high, below, _), table in zip(heads, samples, strict=True):
        for score, left, right in table[1:]:
            assert float(low) <= float(score) <= float(high)
            pair = (re.sub(r"line \d+$", "", left), re.sub(r"line \d+$", "", right))
            assert (pair in kept) == (not below)
            if not below:
                assert left == f"{pair[0]}line {kept[pair]['source_line']}"
                assert float(kept[pair]["score"]) == pytest.approx(float(score), abs=1e-4)
    dropped = found.tables["filters"][1][1:]
    assert len(dropped) == 3
    for _, left, _, reason in dropped:
        assert any(re.sub(r"line \d+$", "", left) in line and reason in line for line in lines)


def test_known_pairs_give_precision_and_recall_with_intervals(tmp_path: Path) -> None:
    source, target, gold = corpora(tmp_path)
    write(tmp_path / "gold", [f"{a}\t{b}" for a, b in gold[:30]])
    found = page(tmp_path, source, target, "--gold", tmp_path / "gold", "--threshold", "1.1")
    judged = report(tmp_path / "out.tsv")["judged"]
    table = {name: (value, interval) for name, value, interval in found.tables["precision"][0][1:]}
    for name in ("precision", "recall"):
        low, high = judged[name]["low"], judged[name]["high"]
        assert table[name] == (f"{judged[name]['value']:.3f}", f"{low:.3f} to {high:.3f}")
    assert f"{judged['precision']['value']:.3f}" in found.text[""]
    found = page(tmp_path, source, target, "--work-dir", tmp_path / "other")
    assert "Precision is unknown: pass known translations with --planted-pairs or --gold" in found.text["precision"]


def test_scored_pairs_show_the_suggestion(tmp_path: Path) -> None:
    draw = random.Random(0)
    words = [f"word{i}" for i in range(400)]
    pairs = []
    for at in range(400):
        text = draw.choices(words, k=8)
        pairs.append((" ".join(text), " ".join([*text[:7], "x"] if at % 5 else draw.choices(words, k=8))))
    write(tmp_path / "pairs.tsv", ["\t".join(pair) for pair in pairs])
    found = page(tmp_path, tmp_path / "pairs.tsv", "--score", "--filters", "duplicates")
    content = report(tmp_path / "out.tsv")
    assert found.tables["scores"][0][0] == ["from", "to", "probably aligned", "probably misaligned"]
    columns = np.array(bins(found))
    assert columns[:, 2:].sum() == pytest.approx(sum(content["histogram"]["pairs"]), abs=3)
    assert f"suggested threshold {content['suggested']['threshold']:.4f}" in found.text["scores"]
    assert f"{content['suggested']['threshold']:.6f}" in found.text["precision"]
    assert len(found.tables["samples"]) == 5
    found = page(tmp_path, tmp_path / "pairs.tsv", "--score", "--threshold", content["suggested"]["threshold"])
    assert "just below the threshold" in found.text["samples"]


@pytest.mark.parametrize("given", [[], ["--score"]])
def test_vectors(given: list[str], tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", draws.normal(size=(9, 4)).astype(np.float32))
    found = page(tmp_path, tmp_path / "a.npy", tmp_path / "a.npy", *given)
    assert "row " in found.text["samples"] and "vectors" in found.text["run"]


def test_approximate_search_has_its_recall(tmp_path: Path) -> None:
    source, target, _ = corpora(tmp_path)
    found = page(tmp_path, source, target, "--search", "approximate", "--nprobe", "1")
    share = report(tmp_path / "out.tsv")["recall"]["at_1"]
    assert f"it finds {share:.2%} of the nearest lines" in found.text["run"]


def test_little_and_nothing(tmp_path: Path) -> None:
    write(tmp_path / "a", ["one line"])
    found = page(tmp_path, tmp_path / "a", tmp_path / "a")
    assert "in the output: 1" in found.text["scores"] and "tallest bar: 1 pair" in found.text["scores"]
    assert [len(table) for table in found.tables["samples"]] == [2]
    found = page(tmp_path, tmp_path / "a", tmp_path / "a", "--threshold", 99)
    assert found.tables["sizes"][1][1] == ["output", "out.tsv", "0"]
    assert "just below the threshold: 1 pair" in found.text["samples"]
    write(tmp_path / "pairs.tsv", ["a\t", "\tb"])
    given = ["--score", "--filters", "empty", "--work-dir", tmp_path / "other"]
    found = page(tmp_path, tmp_path / "pairs.tsv", *given)
    assert "No pair has a score." in found.text["scores"] and "There are no pairs." in found.text["samples"]
    assert [row[-1] for row in found.tables["filters"][1]] == ["reason", "target is blank", "source is blank"]


def hostile(folder: Path) -> list[Any]:
    """Write pairs of documents with markup in texts, ids and file names."""
    draw = random.Random(0)
    sides = []
    for side in ("source", "target"):
        file = folder / f"{side} <b>&quot;.txt"
        texts = [f"{SCRIPT} {' '.join(draw.choices('abcdefgh', k=9))} {at}" for at in range(30)]
        write(file, [f"{SCRIPT}-{at}\t{text}" for at, text in enumerate(texts)])
        sides.append(file)
    return [*sides, "--ids", "--filters", "markup,control-characters", "--threshold", "1"]


def test_texts_cannot_become_html(tmp_path: Path) -> None:
    found = page(tmp_path, *hostile(tmp_path))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "img", "b", "iframe", "object", "form", "input"}
    assert all(not name.startswith("on") for _, attributes in found.tags for name in attributes)
    assert "\x1b" not in text and "\u202e" not in text
    assert "<script>window.owned" in found.text["filters"]
    assert "source <b>&quot;.txt" in found.tables["sizes"][0][1]


def test_the_page_asks_for_nothing(tmp_path: Path) -> None:
    source, target, _ = corpora(tmp_path)
    found = page(tmp_path, source, target)
    links = [value for _, attributes in found.tags for name, value in attributes.items() if name in ("href", "src")]
    assert links and all(str(link).startswith("#") or link == "data:," for link in links)
    (policy,) = [a["content"] for tag, a in found.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy and policy.startswith("default-src 'none';") and "script-src" not in policy
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "url(" not in text and "@import" not in text


@pytest.mark.parametrize(
    ("name", "words"),
    [("report.htm", "expected a name that ends in .html"), ("none/report.html", "does not exist: create it")],
)
def test_refused_before_any_work(name: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target, _ = corpora(tmp_path)
    assert mine(source, target, "-o", tmp_path / "out.tsv", "--report", tmp_path / name) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out.tsv.work").exists()


def test_the_page_is_the_same_whatever_the_shards(tmp_path: Path) -> None:
    source, target = numbered(tmp_path)
    pages = []
    for name, extra in (("one", []), ("many", ["--shard-lines", 7])):
        folder = tmp_path / name
        folder.mkdir()
        page(folder, source, target, "--threshold", "1.1", "--filters", "numbers", *extra)
        text = (folder / "report.html").read_text(encoding="utf-8")
        times = r"<dd>[\d,]+ s<|<td>[\d,.]+ s</td>|<td>[\d.]+[MG]</td>"
        pages.append(re.sub(times, "", text))
    assert pages[0] == pages[1]


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser(width: int, scheme: str, tmp_path: Path, opened: Opener) -> None:
    page(tmp_path, *hostile(tmp_path))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    shown = opened(text, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.evaluate("window.owned") is None
    ground = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(251, 250, 248)", "dark": "rgb(22, 21, 19)"}[scheme]
    heights = shown.evaluate("[...document.querySelectorAll('.bars > div')].map(x => x.lastElementChild?.offsetHeight)")
    assert max(height or 0 for height in heights) > 100
    assert shown.locator(".mark").count() == 1
    font = shown.evaluate("getComputedStyle(document.querySelector('.samples td')).fontSize")
    assert float(font.removesuffix("px")) >= 14
