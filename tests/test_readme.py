"""The README's commands do what the README says."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from bitext_bench.cli import main

ROOT = Path(__file__).parents[1]


@pytest.mark.usefixtures("one_thread")
def test_the_first_command_leaves_nothing_for_git_to_see(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert first
    *_, command = first[1].replace("\\\n", " ").split("&&")
    name, *arguments = shlex.split(command)
    assert name == "bitext-bench"
    arguments[arguments.index("muse")] = str(tiny_model)

    shutil.copy(ROOT / ".gitignore", tmp_path)
    for git in ("init --quiet", "add .gitignore"):
        subprocess.run(["git", *git.split()], cwd=tmp_path, check=True)
    monkeypatch.setenv("BITEXT_BENCH_CACHE", str(tmp_path / ".git" / "cache"))
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--languages", "en", "fr"]) == 0
    assert list(tmp_path.rglob("Mini-Tatoeba.json"))
    status = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert status.stdout == "A  .gitignore\n"
