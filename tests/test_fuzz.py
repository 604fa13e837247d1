"""Over 2,000 mutated files for the commands that read them.

A command ends with 0, or with 1 and one line that says why; it executes nothing of the file, and no number changes
without a word. The last is not asked of a file whose checksum was made anew: its author may say anything. Seeds are
fixed; a failure names the file and its number, and `mutated` makes it again.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
import re
import resource
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import pytest
from builders import write
from mining_material import corpora
from mutations import CANARY, Mutation, agreeing, any_archive, any_bytes, any_json, any_table, any_xml, claims, sealed
from pair_layouts import jsonl, parquet, po, tmx
from test_import_mteb import BITEXT, entry, modern, save
from training_runs import made_rows

from bitext_bench.cli.main import main
from bitext_bench.io.checksums import file_sha256

pytestmark = pytest.mark.fuzz

# CPU seconds and address space of one command: a file may not make it search for long, or allocate without a bound.
SECONDS, ADDRESSES = 5, 12 << 30
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Hangs(BaseException):
    """A command took more than its seconds; no `except` of the project catches it."""


@dataclass(frozen=True)
class Answer:
    """What a command did."""

    code: int
    out: str
    err: str


def call(*arguments: object) -> Answer:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return Answer(code, out.getvalue(), err.getvalue())


def _stop(*_: object) -> None:
    raise Hangs


@pytest.fixture(scope="module", autouse=True)
def bounds() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, hard))
    before = signal.signal(signal.SIGPROF, _stop)
    yield
    signal.signal(signal.SIGPROF, before)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture(scope="module", autouse=True)
def canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A module that leaves a file behind when anything imports it."""
    folder = tmp_path_factory.mktemp("canary")
    left = folder / "imported"
    (folder / f"{CANARY}.py").write_text(f"open({str(left)!r}, 'w').close()\ndef f(): raise SystemExit(7)\n")
    sys.path.insert(0, str(folder))
    yield left
    sys.path.remove(str(folder))


@pytest.fixture(scope="module", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No hub, a store of its own, and one thread."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        patch.setenv("BITEXT_BENCH_CACHE", str(tmp_path_factory.mktemp("store")))
        yield
    torch.set_num_threads(threads)


@dataclass
class Fuzz:
    """Mutates one file after the other, calls a command, and keeps what was wrong.

    Attributes:
        canary: the file that an executed payload leaves.
        codes: how many commands ended with which.
        files: how many there were.
    """

    canary: Path
    codes: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    files: int = 0

    def run(
        self, files: Sequence[Path], mutations: Sequence[Mutation], n: int, ask: Callable[[Path, bytes], list[str]]
    ) -> None:
        """Ask of n mutated files; `ask` is given the file and its content, and returns what was wrong."""
        originals = {file: file.read_bytes() for file in files}
        for number in range(n):
            file = files[number % len(files)]
            self.feed(file, mutated(originals[file], mutations, f"{file.name} {number}"), number, ask)

    def feed(self, file: Path, changed: bytes, number: int, ask: Callable[[Path, bytes], list[str]]) -> None:
        """Ask of one changed file."""
        original = file.read_bytes()
        file.write_bytes(changed)
        try:
            faults = self._guarded(ask, file, changed)
        finally:
            file.write_bytes(original)
        self.faults += [f"{file.parent.name}/{file.name} {number}: {fault}" for fault in faults]
        self.files += 1

    def report(self) -> str:
        """Return all that was wrong, or ""."""
        if self.faults:
            return "\n".join([f"{len(self.faults)} faults of {self.files} files", *self.faults])
        # Otherwise the mutations are too tame, or too wild.
        return "" if self.codes.keys() == {0, 1} else f"exit codes {dict(self.codes)}: expected some of 0 and of 1"

    def _guarded(self, ask: Callable[[Path, bytes], list[str]], file: Path, changed: bytes) -> list[str]:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            faults = ask(file, changed)
        except Hangs:
            faults = [f"took more than {SECONDS} s at {where()}"]
        except (Exception, SystemExit) as error:  # noqa: BLE001 (every traceback is a fault)
            faults = [f"{type(error).__name__}: {str(error)[:150]} at {where()}"]
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        if self.canary.exists():
            self.canary.unlink()
            faults.append("a payload was executed")
        sys.modules.pop(CANARY, None)
        return faults

    def call(self, *arguments: object) -> tuple[Answer, list[str]]:
        """Call a command; returns what it did, and what is wrong with that whatever the file was."""
        answer = call(*arguments)
        self.codes[answer.code] += 1
        faults = []
        if answer.code not in (0, 1):
            faults.append(f"exit {answer.code}")
        lines = answer.err.splitlines()
        differs = "differences" in answer.out or "differ" in answer.out
        if answer.code == 1 and not differs and sum("bitext-bench: error: " in line for line in lines) != 1:
            faults.append(f"no line says why: {answer.err[-200:]!r}")
        if found := _CONTROLS.search(answer.out + answer.err):
            faults.append(f"{arguments[0]} prints the control character {found[0]!r}")
        return answer, faults


def mutated(content: bytes, mutations: Sequence[Mutation], seed: str) -> bytes:
    """Return the file that a seed names; one that a mutation did not change is changed by its bytes."""
    draw = random.Random(seed)
    changed = draw.choice(mutations)(content, draw)
    return changed if changed != content else any_bytes(content, draw)


def where() -> str:
    frames = traceback.extract_tb(sys.exc_info()[2])
    own = [frame for frame in frames if "/tests/" not in frame.filename]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in own[-3:][::-1])


@pytest.fixture
def fuzz(canary: Path) -> Fuzz:
    return Fuzz(canary)


@dataclass(frozen=True)
class Scored:
    """Results of two checkpoints on the built-in set; all vectors are stored, so that no weight is loaded again."""

    root: Path
    models: tuple[Path, Path]

    def files(self, pattern: str) -> list[Path]:
        return sorted(self.root.rglob(pattern))

    def board(self) -> tuple[object, ...]:
        return ("leaderboard", "--results", self.root, "--format", "csv")

    def comparison(self) -> tuple[object, ...]:
        return ("compare", *(model.name for model in self.models), "--results", self.root)

    def verification(self, file: Path) -> tuple[object, ...]:
        (model,) = (model for model in self.models if model.name in str(file.relative_to(self.root)))
        return ("verify", file, "--model", model, "--data", "mini")


@pytest.fixture(scope="module")
def scored(tiny_model: Path, dense: Path, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    scored = Scored(tmp_path_factory.mktemp("scored") / "results", (tiny_model, dense))
    tasks = ("--tasks", "Mini-Tatoeba", "Mini-mining", "Mini-xSIM", "Mini-STS", "--languages", "en,fr")
    for model in scored.models:
        assert call("run", "--model", model, "--data", "mini", *tasks, "--output", scored.root).code == 0
    return scored


def without(file: Path, command: Sequence[object]) -> Answer:
    """Return what a command says when a file is not there."""
    content = file.read_bytes()
    file.unlink()
    try:
        return call(*command)
    finally:
        file.write_bytes(content)


def test_result_files(fuzz: Fuzz, scored: Scored) -> None:
    """With a checksum that does not fit: left out with a word, or the same content."""
    files = scored.files("*.json")
    commands = (scored.board(), scored.comparison())
    whole = {command: call(*command).out for command in commands}
    lacking = {(command, file): without(file, command).out for command in commands for file in files}
    contents = {file: json.loads(file.read_bytes()) for file in files}

    def ask(file: Path, changed: bytes) -> list[str]:
        faults = []
        for command in commands:
            answer, wrong = fuzz.call(*command)
            faults += wrong
            if answer.out == whole[command] or answer.code == 1:
                continue
            if answer.out != lacking[command, file]:
                faults.append(f"{command[0]}: other numbers")
            elif f"left out: {file}: " not in answer.err:
                faults.append(f"{command[0]} leaves the file out without a word")
        answer, wrong = fuzz.call(*scored.verification(file))
        if answer.code == 0 and json.loads(changed) != contents[file]:
            faults.append("verified")
        return faults + wrong

    fuzz.run(files, [any_json, any_json, any_bytes], 250, ask)
    assert not fuzz.report()


def test_result_files_with_a_new_checksum(fuzz: Fuzz, scored: Scored, tmp_path: Path) -> None:
    board = ("leaderboard", "--results", scored.root, "--output", tmp_path / "board")
    others = cycle(
        [
            ("export-mteb", scored.root, "--output", tmp_path / "mteb"),
            board,
            (*board, "--format", "latex"),
            (*board, "--format", "json"),
            (*board, "--format", "html"),
        ]
    )

    def ask(file: Path, _: bytes) -> list[str]:
        commands = [scored.board(), scored.comparison(), scored.verification(file), ("verify", file), next(others)]
        return [fault for command in commands for fault in fuzz.call(*command)[1]]

    def in_ours(content: bytes, draw: random.Random) -> bytes:
        return sealed(agreeing(any_json(content, draw)))

    def anywhere(content: bytes, draw: random.Random) -> bytes:
        return sealed(any_json(content, draw))

    fuzz.run(scored.files("*.json"), [in_ours, in_ours, anywhere], 350, ask)
    assert not fuzz.report()


def test_outcomes(fuzz: Fuzz, scored: Scored) -> None:
    """Other bytes than were written with the result are never used."""

    def ask(file: Path, _: bytes) -> list[str]:
        result = file.with_name(file.name.replace(".outcomes.npz", ".json"))
        faults = []
        for command in (scored.comparison(), scored.verification(result)):
            answer, wrong = fuzz.call(*command)
            faults += wrong
            if answer.code == 0:
                faults.append(f"{command[0]} takes them")
            elif file.name not in answer.err:
                faults.append(f"{command[0]} does not name the file: {answer.err[-200:]!r}")
        return faults

    fuzz.codes[0] += 1  # nothing has to be taken
    fuzz.run(scored.files("*.outcomes.npz"), [any_archive, any_bytes], 120, ask)
    assert not fuzz.report()


def test_outcomes_with_a_new_checksum(fuzz: Fuzz, scored: Scored) -> None:
    def ask(file: Path, _: bytes) -> list[str]:
        result = file.with_name(file.name.replace(".outcomes.npz", ".json"))
        before = result.read_bytes()
        said = {**json.loads(before), "outcomes_sha256": file_sha256(file)}
        result.write_bytes(sealed(json.dumps(said).encode()))
        try:
            commands = [scored.board(), scored.comparison(), scored.verification(result)]
            commands.append((*scored.comparison(), "--errors", "--data", "mini"))
            return [fault for command in commands for fault in fuzz.call(*command)[1]]
        finally:
            result.write_bytes(before)

    fuzz.run(scored.files("*.outcomes.npz"), [any_archive], 150, ask)
    assert not fuzz.report()


def test_files_of_others(fuzz: Fuzz, scored: Scored, tmp_path: Path) -> None:
    """mteb's result files, and the figures that are made of them."""
    for revision, value in (("abc", 0.5), ("def", 0.6)):
        save(tmp_path / "mteb", "org/model", revision, value)
        folder = tmp_path / "mteb" / "results" / "org__model" / revision
        content = modern("Tatoeba", entry("jpn-eng", **BITEXT), entry("fra-eng", **BITEXT))
        (folder / "Tatoeba.json").write_text(json.dumps(content), encoding="utf-8")
    shutil.copytree(scored.root, tmp_path / "results")
    assert call("import-mteb", tmp_path / "mteb", "--results", tmp_path / "results").code == 0
    figures = tmp_path / "results" / "published.tsv"

    def ask(file: Path, _: bytes) -> list[str]:
        if file == figures:
            return fuzz.call(
                "leaderboard", "--results", figures.parent, "--format", "csv", "--output", tmp_path / "b.csv"
            )[1]
        return fuzz.call("import-mteb", tmp_path / "mteb", "--results", tmp_path / "imported")[1]

    files = sorted((tmp_path / "mteb").rglob("*.json"))
    fuzz.run(files, [any_json, any_json, any_bytes], 110, ask)
    fuzz.run([figures], [any_table, any_bytes], 60, ask)
    assert not fuzz.report()


def test_the_store(fuzz: Fuzz, tiny_model: Path, tmp_path: Path) -> None:
    """Stored vectors that are damaged are made again."""
    run = ("run", "--model", tiny_model, "--data", "mini", "--languages", "en,fr", "--tasks", "Mini-STS", "--json")
    folders = ("--cache-folder", tmp_path / "store", "--output", tmp_path / "results")
    whole = call(*run, *folders)

    def ask(file: Path, _: bytes) -> list[str]:
        answer, faults = fuzz.call(*run, *folders)
        return faults if answer.out == whole.out or answer.code == 1 else [*faults, "other numbers"]

    files = [file for file in sorted((tmp_path / "store").rglob("*")) if file.is_file() and file.suffix != ".lock"]
    fuzz.codes[1] += 1  # nothing has to be refused
    fuzz.run(files, [any_bytes], 60, ask)
    assert not fuzz.report()


def test_the_work_directory_of_mine(fuzz: Fuzz, tiny_model: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "source.txt", tmp_path / "target.txt"
    pairs = [row.split("\t") for row in made_rows(100)]
    write(source, [a for a, _ in pairs])
    write(target, [b for _, b in pairs])
    work, whole, out = tmp_path / "work", tmp_path / "whole", tmp_path / "out.tsv"
    mine = ("mine", source, target, "--model", tiny_model, "-o", out, "--work-dir", work, "--shard-lines", 60)
    assert call(*mine).code == 0
    expected = out.read_bytes()
    shutil.copytree(work, whole)

    def ask(file: Path, changed: bytes) -> list[str]:
        shutil.rmtree(work)
        shutil.copytree(whole, work)
        file.write_bytes(changed)
        out.unlink(missing_ok=True)
        answer, faults = fuzz.call(*mine)
        if answer.code == 0 and out.read_bytes() != expected:
            faults.append("other pairs")
        if answer.code == 1 and file.name not in answer.err:
            faults.append(f"does not name the file: {answer.err[-200:]!r}")
        return faults

    files = sorted(path for path in work.rglob("*") if path.is_file())
    records = [file for file in files if file.suffix == ".json"]
    fuzz.run(files, [any_bytes], 100, ask)
    fuzz.run(records, [any_json], 60, ask)
    assert not fuzz.report()


def test_inputs_of_mine(fuzz: Fuzz, tmp_path: Path) -> None:
    source, target, gold = corpora(tmp_path)
    pairs = tmp_path / "pairs.tsv"
    texts = zip(source.read_text().splitlines()[:20], target.read_text().splitlines(), strict=False)
    write(pairs, [f"{a}\t{b}" for a, b in texts])
    write(tmp_path / "gold.tsv", [f"{a}\t{b}" for a, b in gold])
    write(tmp_path / "plant.tsv", [f"planted {i} apple\tplanted {i} pear" for i in range(30)])
    zipped = tmp_path / "pairs.tsv.gz"
    zipped.write_bytes(gzip.compress(pairs.read_bytes()))
    import zstandard

    packed = tmp_path / "source.txt.zst"
    packed.write_bytes(zstandard.compress(source.read_bytes()))
    usual = ("--model", "toys:hashing", "-o", tmp_path / "out.tsv")
    commands = {
        pairs: ("--score", pairs),
        zipped: ("--score", zipped),
        packed: (packed, target),
        source: (source, target),
        tmp_path / "gold.tsv": (source, target, "--gold", tmp_path / "gold.tsv"),
        tmp_path / "plant.tsv": (source, target, "--planted-pairs", tmp_path / "plant.tsv"),
    }

    def ask(file: Path, _: bytes) -> list[str]:
        shutil.rmtree(tmp_path / "out.tsv.work", ignore_errors=True)
        return fuzz.call("mine", *commands[file], *usual)[1]

    plain = [file for file in commands if file not in (zipped, packed)]
    fuzz.run(plain, [any_table, any_table, any_bytes], 130, ask)
    fuzz.run([zipped, packed], [any_bytes], 50, ask)
    assert not fuzz.report()


def test_training_data(fuzz: Fuzz, tmp_path: Path, tiny_model: Path) -> None:
    """Of each format; no step is taken, as there are fewer rows than a batch has, which is said after all was read."""
    pairs = [tuple(row.split("\t")) for row in made_rows(40)]
    table = "".join(f"{a}\t{b}\n" for a, b in pairs).encode()
    contents = {
        "en-fr.tsv": table,
        "en-fr.tsv.gz": gzip.compress(table),
        "en-fr.csv": table.replace(b"\t", b","),
        "en-fr.jsonl": jsonl([{"en": a, "fr": b} for a, b in pairs]),
        "en-fr.json": json.dumps([{"turns": [{"en_sentence": a, "fr_sentence": b}]} for a, b in pairs]).encode(),
        "en-fr.parquet": parquet({"en": [a for a, _ in pairs], "fr": [b for _, b in pairs]}),
        "en-fr.tmx": tmx({"en": a, "fr": b} for a, b in pairs).replace(b"?>", b' encoding="UTF-8"?>', 1),
        "en-fr.po": po([(a, b) for a, b in pairs], "fr"),
        "en-fr.tmx.gz": gzip.compress(tmx({"en": a, "fr": b} for a, b in pairs)),
    }
    for name, content in contents.items():
        (tmp_path / name / "corpus").mkdir(parents=True)
        (tmp_path / name / "corpus" / name).write_bytes(content)
    usual = ("train", "--model", tiny_model, "--benchmarks", "mini", "--pair", "en-fr", "--batch-size", 9_999)
    usual = (*usual, "--set", 'decontamination_languages=["en", "fr"]')

    def ask(file: Path, _: bytes) -> list[str]:
        data = file.parent.parent
        answer, faults = fuzz.call(*usual, "--data", data, "--output", tmp_path / "checkpoint")
        few = "at least one batch of 9999" in answer.err or "nothing is left to train en-fr on" in answer.err
        if answer.code == 0 or not (few or file.name in answer.err):
            faults.append(f"does not name the file: {answer.err[-200:]!r}")
        fuzz.codes[0] += few
        return faults

    files = {name: tmp_path / name / "corpus" / name for name in contents}
    fuzz.run([files["en-fr.tmx"]], [any_xml, any_xml, any_bytes], 130, ask)
    fuzz.run([files["en-fr.tsv"], files["en-fr.csv"]], [any_table, any_bytes], 60, ask)
    fuzz.run([files["en-fr.po"]], [_any_lines, any_bytes], 40, ask)
    fuzz.run([files["en-fr.jsonl"]], [_any_jsonl, any_bytes], 25, ask)
    fuzz.run([files["en-fr.json"]], [any_json, any_bytes], 25, ask)
    fuzz.run([files["en-fr.tsv.gz"], files["en-fr.tmx.gz"], files["en-fr.parquet"]], [any_bytes], 60, ask)
    assert not fuzz.report()


def _any_lines(content: bytes, draw: random.Random) -> bytes:
    """Repeat, remove, swap or cut lines."""
    lines = content.splitlines(keepends=True)
    at, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    match draw.randrange(4):
        case 0:
            lines.insert(other, lines[at])
        case 1:
            del lines[at]
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case _:
            lines[at] = lines[at][: draw.randrange(len(lines[at]))]
    return b"".join(lines)


def _any_jsonl(content: bytes, draw: random.Random) -> bytes:
    lines = content.splitlines()
    at = draw.randrange(len(lines))
    lines[at] = any_json(lines[at], draw).replace(b"\n", b" ")
    return b"\n".join(lines)


def test_evaluation_data(fuzz: Fuzz, tiny_model: Path, data_root: Path, tmp_path: Path) -> None:
    run = ("run", "--model", tiny_model, "--data", data_root, "--languages", "en,fr")

    def ask(_: Path, __: bytes) -> list[str]:
        return fuzz.call(*run, "--output", tmp_path / "results")[1]

    files = sorted(path for path in data_root.rglob("*") if path.is_file())
    fuzz.run(files, [any_table, any_bytes], 80, ask)
    assert not fuzz.report()


@pytest.fixture(scope="module")
def checkpoint(dense: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained checkpoint with a Dense module: it has a record of its training beside all that a model has."""
    root = tmp_path_factory.mktemp("trained")
    write(root / "pairs/made/en-fr.tsv", made_rows(60))
    data = ("--data", root / "pairs", "--benchmarks", "mini", "--pair", "en-fr")
    steps = ("--max-steps", 1, "--batch-size", 16, "--precision", "fp32", "--cache-folder", root / "store")
    assert call("train", "--model", dense, *data, *steps, "--output", root / "checkpoint").code == 0
    return root / "checkpoint"


def test_models(fuzz: Fuzz, checkpoint: Path, tmp_path: Path) -> None:
    """Whatever changes the vectors changes the signature: the fingerprint, the prompt, the pooling or the length."""
    sentences = ["the cat sat on the mat", "Le Chat, a dog", "one two three", "x", "a red house under the tree " * 4]
    write(tmp_path / "data/tatoeba/v1/tatoeba.fra-eng.fra", sentences)
    write(tmp_path / "data/tatoeba/v1/tatoeba.fra-eng.eng", [text.upper() for text in sentences])
    folders = ("--cache-folder", tmp_path / "store", "--output", tmp_path / "results")
    run = ("run", "--model", checkpoint, "--data", tmp_path / "data", "--languages", "en,fr", "--refresh", *folders)

    def made() -> tuple[str, str]:
        (file,) = (tmp_path / "results").rglob("*.json")
        content = json.loads(file.read_bytes())
        shutil.rmtree(tmp_path / "results")
        return content["subsets"][0]["signature"], content["outcomes_sha256"]

    assert call(*run).code == 0
    signature, outcomes = made()

    def ask(file: Path, _: bytes) -> list[str]:
        shutil.rmtree(tmp_path / "results", ignore_errors=True)
        answer, faults = fuzz.call(*run)
        if answer.code == 0:
            own, vectors = made()
            if vectors != outcomes and own == signature:
                faults.append("other vectors under the same signature")
        return faults

    configurations = sorted(checkpoint.rglob("*.json"))
    fuzz.run(configurations, [any_json, any_json, any_bytes], 300, ask)
    for file in configurations:
        for number, claim in enumerate(claims(file.read_bytes())):
            fuzz.feed(file, claim, number, ask)
    fuzz.run(sorted(checkpoint.rglob("*.safetensors")), [any_bytes], 40, ask)
    assert not fuzz.report()
