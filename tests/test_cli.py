"""The command line as a user meets it: bad input is one line, and nothing is lost or half-written."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from builders import shards, write

from bitext_bench.baselines import BASELINES, Proof
from bitext_bench.cli.main import main

TESTS = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}"}


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    return ["--cache-folder", str(tmp_path / "cache"), "--output", str(tmp_path / "results")]


def shorten(root: Path) -> None:
    file = root / "tatoeba/v1/tatoeba.fra-eng.eng"
    write(file, file.read_text().splitlines()[:-1])


def not_utf8(root: Path) -> None:
    (root / "tatoeba/v1/tatoeba.fra-eng.eng").write_bytes(b"caf\xe9\n")


def empty_line(root: Path) -> None:
    file = root / "tatoeba/v1/tatoeba.fra-eng.fra"
    write(file, ["a", "", *file.read_text().splitlines()[2:]])


def wrong_gold(root: Path) -> None:
    write(root / "bucc2018/fr-en/fr-en.test.gold", ["fr-0\ten-777"])


def untouched(root: Path) -> None:
    pass


def no_weights(root: Path) -> None:
    (root / "model").mkdir()


@pytest.mark.parametrize(
    ("change", "arguments", "words"),
    [
        (untouched, ["--languages", "frnch"], ["unknown language 'frnch'", "did you mean"]),
        (untouched, ["--tasks", "Tatoba"], ["unknown task 'Tatoba'", "did you mean Tatoeba"]),
        (untouched, ["--model", "labs"], ["unknown model 'labs'", "did you mean labse"]),
        (untouched, ["--tasks", ""], ["tasks is empty: pass one or more names"]),
        (untouched, ["--languages", "all", "en"], ["languages all en: all includes the others, so pass it alone"]),
        (untouched, ["--output", "DATA/tatoeba/v1/tatoeba.fra-eng.eng"], ["cannot create the directory"]),
        (untouched, ["--data", "nowhere"], ["nowhere", "no such directory"]),
        (untouched, ["--tasks", "STS12"], ["no STS12 default", "looked for sts/STS12/"]),
        (untouched, ["--tasks", "Tatoeba", "--languages", "ja"], ["no Tatoeba in the requested languages"]),
        (untouched, ["--model", "toys:nan"], ["NaN or infinity for '", "blue"]),
        (untouched, ["--model", "toys:infinite"], ["NaN or infinity for '", "blue"]),
        (untouched, ["--model", "toys:zero"], ["a zero vector for '", "blue"]),
        (no_weights, ["--model", "DATA/model"], ["has no weights"]),
        (shorten, [], ["tatoeba.fra-eng.fra has 20 lines", "tatoeba.fra-eng.eng has 19"]),
        (not_utf8, [], ["tatoeba.fra-eng.eng:1: not UTF-8, byte 3 of the line is 0xe9"]),
        (empty_line, [], ["tatoeba.fra-eng.fra:2: empty line (1 of 20"]),
        (wrong_gold, [], ["gold:1: the gold id 'en-777' does not exist"]),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_result(
    data_root: Path,
    folders: list[str],
    capfd: pytest.CaptureFixture[str],
    change: Callable[[Path], None],
    arguments: list[str],
    words: list[str],
) -> None:
    change(data_root)
    given = [a.replace("DATA", str(data_root)) for a in arguments]
    usual = ["run", "--model", "toys:hashing", "--data", str(data_root), "--languages", "en,fr", *folders]
    assert main([*usual, *given]) == 1
    (line,) = [x for x in capfd.readouterr().err.splitlines() if "error:" in x]
    for word in words:
        assert word in line
    assert not list(Path(folders[3]).rglob("*.json"))
    assert not list(Path(folders[3]).rglob("*.tmp"))


def test_usage_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["run"], ["run", "--model", "x", "--batch-tokens", "0"], ["list", "nothing"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["export-mteb", "--help"], ["list", "models"], ["list", "tasks"]],
)
def test_asking_what_there_is_takes_no_time(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom bitext_bench.cli.main import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'scipy.stats', 'mteb', 'transformers', 'pandas'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
    assert len(done.stdout) > 100


def test_the_table_of_models_has_each_record_with_its_proof(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "models"]) == 0
    text = capsys.readouterr().out
    table, proofs, prompts = text.split("\n\n")
    assert all(len(line) <= 100 for line in text.splitlines())
    for baseline, row in zip(BASELINES.values(), table.splitlines()[2:], strict=True):
        name, *_, proof, license_name = re.split(r"\s{2,}", row)
        assert (name, proof, license_name) == (baseline.name, baseline.proof, baseline.license)
    assert all(f"  {proof} " in proofs for proof in get_args(Proof))
    named = {repr(b.prompt): b.name for b in BASELINES.values() if b.prompt}
    assert all(f"  {prompt}\n" in prompts and name in prompts for prompt, name in named.items())


def test_a_second_run_encodes_nothing_and_finds_the_same(
    data_root: Path,
    folders: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    command = ["run", "--model", "toys:logging_", "--data", str(data_root), "--languages", "en", "fr", *folders]
    assert main([*command, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert {row["task"] for row in printed} == {
        "Tatoeba",
        "BUCC.v2",
        "BUCC-mining",
        "FLORES-200",
        "FLORES-200-xsimpp",
        "STSBenchmark",
    }
    assert all(
        0 <= row["value"] <= 1 and row["signature"] and row["n"] for row in printed if row["task"] != "STSBenchmark"
    )
    encoded = (tmp_path / "log").read_text().splitlines()
    assert len(encoded) == len(set(encoded))
    stored = shards(tmp_path)
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == printed
    assert shards(tmp_path) == stored
    assert set((tmp_path / "log").read_text().splitlines()) == set(encoded), "some are looked at again"


def test_what_the_data_do_not_have_is_said(
    data_root: Path, folders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--model", "toys:hashing", "--data", str(data_root), "--languages", "en,fr", *folders]) == 0
    captured = capsys.readouterr()
    assert "left out: STS12 (" in captured.err
    assert "STS (en)" not in captured.out, "no average of the paper's is over other data than its own"
    assert "Tatoeba on custom-tatoeba-" in captured.out
    both = ["--tasks", "Tatoeba", "FLORES-200", "--languages", "en", "fr", "sw"]
    assert main(["run", "--model", "toys:hashing", "--data", str(data_root), *both, *folders]) == 0
    captured = capsys.readouterr()
    assert [line for line in captured.err.splitlines() if "left out" in line] == [
        "bitext-bench: left out: Tatoeba in sw (no data)",
        "bitext-bench: left out: FLORES-200 in sw (no data)",
    ]


def test_a_run_in_other_languages_adds_to_the_file(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command = ["run", "--model", "toys:hashing", "--data", "mini", "--tasks", "Mini-Tatoeba", *folders]
    for languages in ("en,fr,ja", "en,ja,ko"):
        assert main([*command, "--languages", languages]) == 0
    assert "note" not in capsys.readouterr().err
    (file,) = Path(folders[3]).rglob("*.json")
    assert [entry["subset"] for entry in json.loads(file.read_text())["subsets"]] == ["fr-en", "ja-en", "ko-en"]
    assert main(["verify", str(file), "--model", "toys:hashing", *folders[:2]]) == 0


def test_verify(data_root: Path, folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command = ["run", "--model", "toys:hashing", "--data", str(data_root), "--languages", "en,fr", *folders]
    assert main(command) == 0
    files = [str(file) for file in sorted(Path(folders[3]).rglob("*.json"))]
    every = ["verify", *files, "--model", "toys:hashing", "--data", str(data_root), *folders[:2]]
    assert main(every) == 0
    assert capsys.readouterr().out.count(": verified, ") == len(files)
    (file,) = Path(folders[3]).rglob("Tatoeba.custom*.json")
    again = ["verify", str(file), "--model", "toys:hashing", *folders[:2]]
    assert main(again) == 1
    assert "made with data on disk (custom-tatoeba-" in capsys.readouterr().err
    assert main(["verify", str(file), "--data", str(data_root)]) == 1
    assert "not a public model: pass --model DIR" in capsys.readouterr().err
    text = data_root / "tatoeba/v1/tatoeba.fra-eng.eng"
    text.write_text(text.read_text().replace("cat", "unicorn", 3))
    assert main([*again, "--data", str(data_root)]) == 1
    out = capsys.readouterr().out
    assert "fra-eng: data is custom-tatoeba@sha256:" in out
    assert main(every) == 1
    assert capsys.readouterr().out.count(": verified, ") == len(files) - 1
    file.write_text(json.dumps({**json.loads(file.read_text()), "bitext_bench": 7}))
    assert main([*again, "--data", str(data_root)]) == 1
    assert "has format 7" in capsys.readouterr().err


def test_verify_takes_the_revision_on_file(
    tiny_model: Path,
    tmp_path: Path,
    folders: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The hub's default branch has moved on since."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    hub, old, new = tmp_path / "hub/models--some--model", "a" * 40, "b" * 40
    for commit in (old, new):
        shutil.copytree(tiny_model, hub / "snapshots" / commit)
    pooling = hub / "snapshots" / new / "1_Pooling/config.json"
    pooling.write_text(pooling.read_text().replace("mean", "cls"))
    (hub / "refs").mkdir()
    (hub / "refs/main").write_text(old)
    assert main(["run", "--model", "some/model", "--data", "mini", "--tasks", "Mini-STS", *folders]) == 0
    (file,) = Path(folders[3]).rglob("*.json")
    (hub / "refs/main").write_text(new)
    capsys.readouterr()
    assert main(["verify", str(file), *folders[:2]]) == 0
    assert main(["verify", str(file), "--model-revision", new, *folders[:2]]) == 1
    assert "en: model is sha256:" in capsys.readouterr().out


def test_what_stands_in_a_result_is_no_option_of_verify(capsys: pytest.CaptureFixture[str]) -> None:
    for option in (["--prompt", "x"], ["--dtype", "bf16"], ["--max-length", "3"], ["--pooling", "cls"]):
        with pytest.raises(SystemExit):
            main(["verify", "file.json", *option])
        assert f"unrecognized arguments: {' '.join(option)}" in capsys.readouterr().err


def test_a_hostile_model_name_stays_in_its_folder_and_breaks_no_table(
    tiny_model: Path, folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = tmp_path / "x|<b>\n'\"..\x1b[31m"
    hostile = tmp_path / "copy" / evil.name
    hostile.parent.mkdir()
    shutil.copytree(tiny_model, hostile)
    assert main(["run", "--model", str(hostile), "--data", "mini", "--tasks", "Mini-STS", *folders]) == 0
    captured = capsys.readouterr()
    assert "\x1b[31m" not in captured.out
    assert "local/x|<b>\\n" in captured.err
    (file,) = Path(folders[3]).rglob("*.json")
    assert file.parents[2] == Path(folders[3])
    assert json.loads(file.read_text())["model"]["name"] == f"local/{evil.name}"
    assert main(["verify", str(file), "--model", str(hostile), *folders[:2]]) == 0


def test_ctrl_c_says_that_the_work_is_kept(tmp_path: Path, folders: list[str]) -> None:
    command = [sys.executable, "-m", "bitext_bench", "run", "--model", "toys:logging_", "--data", "mini"]
    environment = {**ENVIRONMENT, "TOY_LOG": str(tmp_path / "log"), "TOY_SECONDS": "0.2"}
    process = subprocess.Popen(
        [*command, *folders, "--batch-size", "20"],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        # A shell that runs the tests in the background lets them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (tmp_path / "log").exists():
        time.sleep(0.05)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(60)
    assert time.monotonic() - start < 1
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "interrupted; finished work is kept" in errors.splitlines()[-1]
    assert "Traceback" not in errors


def test_a_reader_that_has_gone_is_no_error() -> None:
    command = f"{sys.executable} -m bitext_bench list languages | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert "Traceback" not in done.stderr


def test_from_a_checkpoint_to_files_that_verify_confirms(tiny_model: Path, data_root: Path, folders: list[str]) -> None:
    command = ["run", "--model", str(tiny_model), "--data", str(data_root), "--languages", "en", "fr", *folders]
    command += ["--max-length", "32"]  # verify reads it from the file
    assert main(command) == 0
    files = sorted(Path(folders[3]).rglob("*.json"))
    assert len(files) == 6
    scores = {}
    for file in files:
        scores[file] = json.dumps(json.loads(file.read_text())["subsets"])
        again = ["verify", str(file), "--model", str(tiny_model), "--data", str(data_root), *folders[:2]]
        assert main(again) == 0
    assert main(command) == 0
    assert scores == {file: json.dumps(json.loads(file.read_text())["subsets"]) for file in files}
