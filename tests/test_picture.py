"""The main chart as SVG and PNG."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from made_results import HOSTILE

from bitext_bench.cli.main import main
from bitext_bench.errors import UserError
from bitext_bench.io.terminal import printable
from leaderboard.html.picture import render_png, render_svg
from leaderboard.tables.scores import ScoreRow

RESULTS = Path(__file__).parent.parent / "results"
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter(f"{SVG}text")]


def dots(svg: str) -> list[ET.Element]:
    return [node for node in ET.fromstring(svg).iter(f"{SVG}circle") if node.get("cx") not in ("32", "156")]  # legend


def test_every_model_with_all_languages_is_drawn_once_and_inside(scores: list[ScoreRow]) -> None:
    svg = render_svg(scores)
    wanted = {f"{code}-eng" for code in ("fra", "jpn", "kor", "rus")}
    found: dict[tuple[str, str, str], set[str]] = {}
    for row in scores:
        if (row.measure.task, row.measure.metric) == ("Tatoeba", "mteb_accuracy"):
            found.setdefault(row.key, set()).add(row.measure.subset)
    whole = [key for key, subsets in found.items() if wanted <= subsets]
    assert len(dots(svg)) == len(whole) > 180
    assert f"{len(whole)} models" in texts(svg)[1]
    width, height = (float(ET.fromstring(svg).get(side, "0")) for side in ("width", "height"))
    for dot in dots(svg):
        assert 0 < float(dot.get("cx", "")) < width and 0 < float(dot.get("cy", "")) < height


def test_the_models_that_matter_have_names(scores: list[ScoreRow]) -> None:
    shown = set(texts(render_svg(scores)))
    assert {"LaBSE", "paraphrase-multilingual-mpnet-base-v2", "multilingual-e5-large", "muse-v3"} <= shown
    assert {"French", "Thai"} & set(" ".join(shown).replace(",", "").replace(":", "").split()) == {"French"}


def test_a_higher_score_is_higher_and_a_larger_model_is_to_the_right(scores: list[ScoreRow]) -> None:
    three = []
    for name, value, parameters in (("org/a", 0.5, 10**7), ("org/b", 0.9, 10**8), ("org/c", 0.99, 10**9)):
        row = next(r for r in scores if r.measure.subset == "fra-eng" and r.measure.metric == "mteb_accuracy")
        three.append(replace(row, key=(name, "", ""), model=name, value=value, parameters=parameters))
    a, b, c = ((float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in dots(render_svg(three)))
    assert a[0] < b[0] < c[0] and a[1] > b[1] > c[1]
    assert b[1] - c[1] == pytest.approx((a[1] - b[1]) * 1 / 0.69897, rel=0.01)  # the errors are 50, 10 and 1


def test_names_are_text(scores: list[ScoreRow]) -> None:
    row = next(r for r in scores if r.measure.subset == "fra-eng" and r.measure.metric == "mteb_accuracy")
    for name in HOSTILE:
        svg = render_svg([replace(row, kind="measured", model=f"org/{name}", key=(name, "", ""))])
        if " (" not in name:
            assert printable(f"org/{name}").partition("/")[2] in texts(svg)
        assert {node.tag.removeprefix(SVG) for node in ET.fromstring(svg).iter()} <= {
            "svg", "style", "rect", "text", "line", "path", "circle",
        }  # fmt: skip


def test_png_has_twice_the_size(scores: list[ScoreRow]) -> None:
    png, svg = render_png(scores), ET.fromstring(render_svg(scores))
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (2 * int(svg.get("width", "0")), 2 * int(svg.get("height", "0")))


def test_the_command_writes_and_checks_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("svg", "png"):
        command = ["leaderboard", "--results", str(RESULTS), "--format", form, "--output", str(tmp_path / f"a.{form}")]
        assert main(command) == 0
        assert main([*command, "--check"]) == 0
        assert main([*command, "--check", "--languages", "fr"]) == 1
    capsys.readouterr()
    assert main(["leaderboard", "--results", str(RESULTS), "--format", "png"]) == 1
    assert "--output FILE" in capsys.readouterr().err
    assert main(["leaderboard", "--results", str(RESULTS), "--format", "svg", "--tasks", "FLORES-200"]) == 1
    assert "no model has a score for the chart" in capsys.readouterr().err
    assert main(["leaderboard", "--results", str(RESULTS), "--format", "svg", "--paper-table", "2"]) == 1
    assert "cannot be written as svg" in capsys.readouterr().err


def test_png_without_its_package_names_the_extra(scores: list[ScoreRow], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    with pytest.raises(UserError, match=r"pip install .*page.*--format svg needs none"):
        render_png(scores)
