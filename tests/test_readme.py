"""The README's commands do what the README says."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from bitext_bench.cli.main import main

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


SCRIPTS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
PRINTED = [
    r"Mini-Tatoeba  ja-en .*Mini-xSIM .*A: local/.*only A",
    r"^(\d+\.\d\d \(\d+\.\d\d to \d+\.\d\d\)\n){3}(-?\d\.\d\d\t[^\t]+\t[^\t]+\n)+$",
    r"'bitext_score': 0\.\d+",
]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.filterwarnings("ignore:'pin_memory'")  # the trainer's default, without an accelerator
@pytest.mark.parametrize("number", range(len(PRINTED)))
def test_the_scripts_run(
    number: int, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(SCRIPTS) == len(PRINTED)
    shutil.copytree(tiny_model, tmp_path / "my-model")
    monkeypatch.setenv("BITEXT_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    exec(compile(SCRIPTS[number], f"README.md, script {number}", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert re.search(PRINTED[number], printed, re.DOTALL)
    if number == 0:
        assert list((tmp_path / "my-results").rglob("Mini-Tatoeba.outcomes.npz"))
