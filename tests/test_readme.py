"""The README files: scripts run, commands parse, links lead somewhere, figures are those of the leaderboard."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from benchmarks.__main__ import make_parser as benchmark_parser

from bitext_bench import __version__
from bitext_bench.cli.main import main
from bitext_bench.cli.parser import build_parser
from training.config import TrainConfig
from training.losses.objective import Objective

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    *("README.md", "CHANGELOG.md", "results/README.md", "leaderboard/GUIDE.md"),
    *("training/README.md", "training/SETTINGS.md"),
    *("bitext_bench/README.md", "bitext_bench/mining/README.md", "bitext_bench/tasks/README.md"),
    *("tests/README.md", "tests/benchmarks/README.md"),
)
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS}
SCORE = r"\d+\.\d\d \(\d+\.\d\d to \d+\.\d\d\)\n"
PRINTED = {  # by each script, in order
    "README.md": [
        rf"Mini-Tatoeba  ja-en .*Mini-xSIM .*{SCORE}$",
        rf"^({SCORE}){{3}}$",
        r"A: local/.*A - B.*Mini-Tatoeba",
        r"^(-?\d\.\d\d\t[^\t]+\t[^\t]+\n)+$",
    ],
    "bitext_bench/README.md": [r"^$"],
    "bitext_bench/mining/README.md": [r"^ +score +cosine +source_line +target_line +source +target\n.*la|le|deux"],
    "training/README.md": [
        r"\nMini-Tatoeba +fr-en +\d+ +accuracy +\d+\.\d\d +\d+\.\d\d to \d+\.\d\d\n$",
        r"'eval_bitext_score': .*'train_loss': .*\nMini-Tatoeba +fr-en +\d+ +accuracy +\d+\.\d\d ",
    ],
    "leaderboard/GUIDE.md": [
        r"^ +task +subset +difference +ci_low +ci_high +p_holm\n.*Mini-STS",
        r"task_name +is_public +local/my-model\n.*Mini-STS",
    ],
}
BANNED = r"\b(of which|is told|the start's|alike|rooms?|passports?|stands?|told apart|what \w+ stands? for|leaks?)\b"


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXTS[name], re.DOTALL)


def prose(name: str) -> str:
    """Return the text without code."""
    return re.sub(r"`[^`\n]+`", "", re.sub(r"```.*?```", "", TEXTS[name], flags=re.DOTALL))


@pytest.mark.usefixtures("one_thread")
def test_the_first_command_leaves_nothing_for_git_to_see(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, command = blocks("README.md", "sh")[0].replace("\\\n", " ").split("&&")
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


def test_every_script_is_run() -> None:
    found = {name: len(blocks(name, "python")) for name in DOCUMENTS if blocks(name, "python")}
    assert found == {name: len(patterns) for name, patterns in PRINTED.items()}


@pytest.mark.usefixtures("one_thread")
@pytest.mark.filterwarnings("ignore:'pin_memory'")  # the trainer's default, without an accelerator
@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, patterns in PRINTED.items() for number in range(len(patterns))]
)
def test_the_scripts_run(
    name: str,
    number: int,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(tiny_model, tmp_path / "my-model")
    monkeypatch.setenv("BITEXT_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks(name, "python")[number], f"{name}, script {number}", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert re.search(PRINTED[name][number], printed, re.DOTALL), printed


def test_the_encoder_of_the_guide_is_scored(tmp_path: Path) -> None:
    (tmp_path / "my_encoder.py").write_text(blocks("bitext_bench/README.md", "python")[0], encoding="utf-8")
    command = next(line for line in commands("bitext_bench/README.md") if "my_encoder:make_encoder" in line)
    environment = {**os.environ, "BITEXT_BENCH_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-m", "bitext_bench", *command[1:], "--tasks", "Mini-Tatoeba"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "Mini-Tatoeba" in run.stdout


def commands(name: str) -> list[list[str]]:
    """Return the commands of the shell blocks and, of those in the text, the ones with options."""
    shell = "\n".join(blocks(name, "sh")).replace("\\\n", " ")
    spans = [
        span for span in re.findall(r"`(bitext-bench [^`\n]+)`", TEXTS[name]) if " --" in span and "..." not in span
    ]
    lines = [part.strip() for part in re.split(r"&&|;|\n", shell)]
    given = [shlex.split(line, comments=True) for line in [*lines, *spans]]
    return [words for words in given if words and words[0] == "bitext-bench"]


def parses(words: list[str]) -> bool:
    try:
        build_parser().parse_args(["7" if word == "$seed" else word for word in words[1:] if word != "$@"])
    except SystemExit:
        return False
    return True


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_parses(name: str) -> None:
    assert [shlex.join(words) for words in commands(name) if not parses(words)] == []


def test_there_are_commands_of_every_kind() -> None:
    found = {words[1] for name in DOCUMENTS for words in commands(name)}
    assert found == {*subcommands()}


def subcommands() -> dict[str, argparse.ArgumentParser]:
    (action,) = [a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(action.choices)


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name != "CHANGELOG.md"])
def test_every_option_and_setting_that_is_named_exists(name: str) -> None:
    parsers = [*subcommands().values(), benchmark_parser()]
    options = {option for parser in parsers for option in parser._option_string_actions}
    foreign = {"--nproc-per-node", "--index-comparison"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", TEXTS[name])) - options - foreign == set()
    settings = {field.name for field in fields(TrainConfig)} | {f"objective.{f.name}" for f in fields(Objective)}
    assert set(re.findall(r"--set '?([a-z_.]+)=", TEXTS[name])) <= settings


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as GitHub forms them."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.append(f"{slug}-{same}" if (same := sum(re.sub(r"-\d+$", "", a) == slug for a in found)) else slug)
    return set(found)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TEXTS[name]):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        linked = (ROOT / name).parent / file if file else ROOT / name
        assert linked.exists(), f"{name}: {target}"
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), f"{name}: {target}"


OUTSIDE = {  # files that a command writes or that a user brings
    *(
        "de-sw.tsv",
        "de-sw/test.tsv",
        "de.txt",
        "en-ja.tsv",
        "eng_Latn_errtype.devtest.json",
        "eval.py",
        "fr.txt",
        "sw.txt",
    ),
    *(
        "dropped_rows.tsv",
        "leaderboard.json",
        "pairs.tsv.report.json",
        "my.json",
        "my.tsv",
        "my_encoder.py",
        "name.txt",
        "own-bitext-my.tsv",
        "pairs.tsv.dropped.tsv",
        "published.tsv",
    ),
    *("sts/KorSTS/ko.dev.tsv", "sts/STS12/en.test.tsv", "../shared/models/get_models.py"),
}


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name != "CHANGELOG.md"])
def test_every_file_of_the_project_that_is_named_exists(name: str) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    known = {"/".join(file.split("/")[start:]) for file in tracked for start in range(file.count("/") + 1)}
    named = set(re.findall(r"`([\w./-]+\.(?:tsv|py|md|toml|json|sh|txt))`", TEXTS[name]))
    assert named - known - OUTSIDE == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_are_short_and_plain(name: str) -> None:
    assert len(TEXTS[name].encode()) <= (14_000 if name == "README.md" else 20_000)
    assert re.findall(BANNED, prose(name), re.IGNORECASE) == []


def test_every_readme_is_looked_at() -> None:
    packages = [ROOT / package for package in ("bitext_bench", "training", "leaderboard", "tests")]
    found = {file.relative_to(ROOT).as_posix() for package in packages for file in package.rglob("*.md")}
    assert found - {"leaderboard/README.md"} <= set(DOCUMENTS)


def cells(line: str) -> list[str]:
    return [re.sub(r"\*|</?ins>", "", cell).strip() for cell in line.split("|")[1:-1]]


def test_the_results_are_those_of_the_leaderboard() -> None:
    overview = (ROOT / "leaderboard/README.md").read_text(encoding="utf-8").replace("\\", "")
    rows = {cells(line)[0]: cells(line) for line in overview.split("\n## ")[1].splitlines() if line.startswith("|")}
    shown = [cells(line) for line in TEXTS["README.md"].split("\n## ")[5].splitlines() if line.startswith("|")]
    heading, _, *models = shown
    assert len(models) == 5
    for model in models:
        row = dict(zip(rows["model"], rows[model[0]], strict=True))
        assert model == [row[column] for column in heading]


def test_the_leaderboard_is_short_and_has_no_experiment() -> None:
    text = (ROOT / "leaderboard/README.md").read_text(encoding="utf-8")
    assert text.count("\n") <= 250
    assert "table1" not in text and "seed4" not in text
    names = {cells(line)[0] for line in text.split("\n## ")[1].splitlines() if line.startswith("|")}
    assert {"sentence-transformers/LaBSE", "google/muse-v3", "local/best-small-2"} <= names
    assert "laser2" in names or "\n- Without a score in these columns: laser2.\n" in text
    assert {f"intfloat/multilingual-e5-{size}" for size in ("small", "base", "large")} <= names


def test_the_version_is_one() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    found = {*re.findall(r"^ *version: (\S+)$", citation, re.MULTILINE)}
    found |= {*re.findall(r"version = \{(\S+)\}", TEXTS["README.md"])}
    found.add(re.findall(r"^## (\S+)", TEXTS["CHANGELOG.md"], re.MULTILINE)[0])
    assert found == {__version__}
    (title,) = set(re.findall(r'title: "(.+)"', citation))
    assert f"title = {{{title}}}" in TEXTS["README.md"]


def test_every_marker_is_explained() -> None:
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    named = re.findall(r"^\| `(\w+)` \|", TEXTS["tests/README.md"], re.MULTILINE)
    assert sorted(named) == sorted(marker.partition(":")[0] for marker in ours["markers"])


def test_every_extra_is_explained() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    install = TEXTS["README.md"].split("\n## Install")[1].split("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", install, re.MULTILINE)) == sorted(extras)
