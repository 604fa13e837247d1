"""Progress: a bar on a terminal, whole lines in a log."""

from __future__ import annotations

import time

import pytest

from bitext_bench.io.progress import progress_bar


def test_a_log_has_a_line_a_minute_and_one_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.monotonic()
    seconds = 0
    monkeypatch.setattr("bitext_bench.io.progress.time.monotonic", lambda: start + seconds)
    with progress_bar(total=300, unit="tok", desc="encoding") as bar:
        for seconds in range(300):
            bar.update()
            bar.set_postfix_str(f"{seconds} sentences")
    said = capsys.readouterr().err
    assert "\r" not in said and said.endswith("\n")
    lines = said.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("encoding: ") for line in lines)
    assert "61/300" in lines[0] and "300/300" in lines[-1]


def test_a_terminal_has_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress_bar(total=3, unit="tok", desc="encoding") as bar:
        bar.update(3)
    assert capsys.readouterr().err.startswith("\rencoding")
