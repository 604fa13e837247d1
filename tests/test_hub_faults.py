"""Everything that comes from the hub, and every fault: one clear line in bounded time, and nothing half-written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from builders import write
from hub_runs import run_python, serving
from layouts import LAYOUTS

TESTS = Path(__file__).parent
COMMIT = "1" * 40

# Each fault: the action, the requests that it concerns (of a repository with the name FAULT), and the words for it.
# "gated" is a setting of the repository.
FAULTS: dict[str, tuple[str, str, str]] = {
    "no-login": ("401", "/api/", r"it requires a login \(401\); log in"),
    "missing": ("404", "/api/", r"the hub has no such (model|dataset), or it is private \(404\); check the name"),
    "busy": (
        "429",
        "/api/",
        r"too many requests \(429\): the limit is 500 requests in 300 seconds; wait 2 seconds and run",
    ),
    "down": ("500", "/api/", "the hub answered 500 Internal Server Error; try again later"),
    "silent": ("hang", "/api/", "no answer in time; check the connection"),
    "file-lost": ("404", "GET .*", "the hub answered 404 for /.*; try again later"),
    "file-down": ("500", "HEAD .*", "the hub answered 500 Internal Server Error; try again later"),
    "file-silent": ("hang", "GET .*", "no answer in time; run the command again: complete files are kept"),
    "file-cut": ("cut", "GET .*", r"the connection broke off \(.*\); run the command again: complete files are kept"),
    "gated": ("", "", r"it is gated, and you are not logged in \(401\); ask for access at .*, and log in"),
}
# Repositories whose names are given, one for each fault.
MTEB_MODELS = (
    "intfloat/multilingual-e5-small",
    "WhereIsAI/UAE-Large-V1",
    "BAAI/bge-small-en-v1.5",
    "BAAI/bge-base-en-v1.5",
    "BAAI/bge-large-en-v1.5",
    "thenlper/gte-small",
    "thenlper/gte-base",
    "thenlper/gte-large",
    "intfloat/e5-small-v2",
    "intfloat/e5-base-v2",
)
STS_TASKS = ("STS12", "STS13", "STS14", "STS15", "STS16", "STSBenchmark", "STS17", "KorSTS", "JSTS", "STS22")
SUBJECTS = ("model", "mteb model", "training data", "own data", "task")
END = {
    "model": "; or pass a directory with its files as --model",
    "mteb model": "",
    "training data": "; or download its files yourself and pass their directory as --data",
    "own data": "; or download its files yourself and pass one to bitext",
    "task": " in its official layout, or mini as the data, the built-in set",
}


@dataclass(frozen=True)
class Repository:
    """A repository with a fault: "models" or "datasets", its name, its commit and the file that the fault concerns."""

    kind: str
    name: str
    commit: str
    file: str

    def write(self, root: Path, fault: str) -> None:
        """Put it into the folder of a hub."""
        folder = root / self.kind / self.name / self.commit
        folder.mkdir(parents=True)
        if self.kind == "models":
            LAYOUTS["all-minilm-l6-v2"].write(folder)
        elif self.file.endswith(".tsv"):
            write(folder / self.file, [f"the {i} dog sat\tle {i} chien" for i in range(40)])
        else:
            rows = [{"sentence1": f"a {i}", "sentence2": f"b {i}", "score": i % 5} for i in range(9)]
            write(folder / self.file, [json.dumps(row) for row in rows])
        if fault == "gated":
            write(folder.parent / "repo.json", ['{"gated": "manual"}'])

    def fault(self, fault: str) -> list[tuple[str, str]]:
        """Return the fault as hub_server.py has it."""
        action, where, _ = FAULTS[fault]
        name = re.escape(self.name)
        file = "" if where == "/api/" else f"/.*{re.escape(self.file)}"
        return [(f"{where}.*{name}{file}", action)] if action else []


def repository_of(subject: str, fault: str) -> Repository:
    """Return the repository of a fault."""
    import mteb

    number = list(FAULTS).index(fault)
    if subject == "model":
        return Repository("models", f"org/{fault}", COMMIT, "model.safetensors")
    if subject == "mteb model":
        name = MTEB_MODELS[number]
        return Repository("models", name, str(mteb.get_model_meta(name).revision), "model.safetensors")
    if subject == "task":
        where = mteb.get_task(STS_TASKS[number]).metadata.dataset
        return Repository("datasets", where["path"], where["revision"], "test.jsonl")
    name = f"org/{'pairs' if subject == 'own data' else 'train'}-{fault}"
    return Repository("datasets", name, COMMIT, "en-fr/train.tsv")


def command_of(subject: str, fault: str, usual: list[str], output: Path) -> list[str]:
    """Return the command that uses the repository of a fault; `usual` are options for a model that works."""
    name = repository_of(subject, fault).name
    options = {
        "model": ["run", "--model", name, "--data", "mini"],
        "mteb model": ["run", "--model", f"mteb:{name}", "--data", "mini"],
        "training data": ["train", *usual, "--data", f"hub:{name}", "--pair", "en-fr", "--benchmarks", "mini"],
        "own data": ["run", *usual, "--bitext", f"hub:{name}", "--languages", "en", "fr"],
        "task": ["run", *usual, "--data", "hub", "--tasks", STS_TASKS[list(FAULTS).index(fault)]],
    }
    return [*options[subject], "--output", str(output / f"{subject}-{fault}")]


CASES = [(subject, fault) for subject in SUBJECTS for fault in FAULTS]


@dataclass(frozen=True)
class Done:
    """What came of the commands: exit code, stderr and seconds; the requests; and the folders."""

    commands: dict[tuple[str, str], Any]
    requests: list[str]
    root: Path
    home: Path
    output: Path


@pytest.fixture(scope="module")
def done(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("faults")
    root, home, output = folder / "root", folder / "home", folder / "output"
    faults = []
    for subject, fault in CASES:
        repository = repository_of(subject, fault)
        repository.write(root, fault)
        faults += repository.fault(fault)
    commands = [command_of(*case, ["--model", str(tiny_model)], output) for case in CASES]
    environment = {"PYTHONPATH": str(TESTS.parent), "HF_HUB_ETAG_TIMEOUT": "2", "HF_HUB_DOWNLOAD_TIMEOUT": "2"}
    with serving(root, *faults) as hub:
        program = [str(TESTS / "hub_commands.py"), json.dumps(commands)]
        ran = run_python(*program, url=hub.url, home=home, timeout=300, **environment)
        assert ran.returncode == 0, ran.stderr
        found = json.loads(ran.stdout.rpartition("RESULT")[2])
        yield Done(dict(zip(CASES, found, strict=True)), list(hub.requests), root, home, output)


@pytest.mark.hub
@pytest.mark.parametrize(("subject", "fault"), CASES)
def test_it_is_one_clear_line(done: Done, subject: str, fault: str) -> None:
    code, printed, _ = done.commands[subject, fault]
    assert code == 1, printed
    assert "Traceback" not in printed
    _, error, line = printed.rstrip().rpartition("bitext-bench: error: ")
    assert error and "\n" not in line, printed
    assert not re.search("thrown while|Retrying|Trying to resume|Fetching|No files matched", printed), printed
    kind = "model" if "model" in subject else "dataset"
    assert line.startswith(f"cannot get the {kind} {repository_of(subject, fault).name}")
    assert re.search(FAULTS[fault][2], line), line
    assert line.endswith(END[subject])


@pytest.mark.hub
def test_nothing_is_left_half_written(done: Done) -> None:
    cached = [file for file in done.home.glob("hub/*/snapshots/**/*") if file.is_file()]
    assert cached
    for file in cached:
        kind, *name = file.relative_to(done.home / "hub").parts[0].split("--")
        served = done.root / kind / "/".join(name) / Path(*file.parts[file.parts.index("snapshots") + 1 :])
        assert file.read_bytes() == served.read_bytes()
    assert not list(done.home.rglob("*.incomplete"))
    assert not [file for file in done.output.rglob("*") if file.is_file() and file.name != ".lock"]


@pytest.mark.hub
def test_a_request_without_an_answer_is_sent_twice_at_most(done: Done) -> None:
    for subject in SUBJECTS:
        for fault in ("silent", "file-silent"):
            repository = repository_of(subject, fault)
            pattern, _ = repository.fault(fault)[0]
            asked = [request for request in done.requests if re.search(pattern, request)]
            assert len(asked) == (1 if fault == "silent" else 2)
            assert done.commands[subject, fault][2] < 60
