"""Stale vectors: they have another key, or a spot check finds them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from builders import write
from mining_material import corpora, mine, written
from numpy.typing import NDArray

from bitext_bench.cli.main import main
from bitext_bench.embedding.batching import BatchLimits, TextGroup
from bitext_bench.embedding.embedder import Embedder
from bitext_bench.embedding.sharding import Share
from bitext_bench.encoders import Model, ModelOptions, resolve_model
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair
from bitext_bench.mining.encoding import run_model
from bitext_bench.mining.plan import ModelSpec

WORDS = [f"word{i}" for i in range(40)]
PLAN = [TextGroup(tuple(f"{a} {b}" for a in WORDS for b in WORDS[:25]), None, "")]
SOME = TextGroup(PLAN[0].sentences[::97], None, "")

ENCODER = """
import hashlib
import numpy as np

class Encoder:
    def __init__(self, seed=0):
        self.seed, self.words = seed, {}

    def word(self, word):
        if word not in self.words:
            digest = hashlib.sha256(f"{self.seed} {word}".encode()).digest()
            self.words[word] = np.random.default_rng(int.from_bytes(digest[:8], "big")).standard_normal(16)
        return self.words[word]

    def encode(self, sentences):
        return np.stack([sum(self.word(w) for w in s.split()) for s in sentences]).astype(np.float32)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of the user's modules, which can be imported; each `fresh` is as a new process."""
    root = tmp_path / "project"
    write(root / "myencoder.py", [ENCODER])
    monkeypatch.syspath_prepend(root)
    # Python would take the old bytecode of a file that is edited within a second.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield root
    forget_modules(root)


def forget_modules(root: Path) -> None:
    from bitext_bench.encoders import factory

    factory._brought.clear()
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if isinstance(spec, ModuleSpec):
            places = [spec.origin or "", *map(str, spec.submodule_search_locations or [])]
            if any(place.startswith(str(root)) for place in places):
                del sys.modules[name]


def fresh(root: Path, spec: str) -> Model:
    forget_modules(root)
    return resolve_model(spec, ModelOptions())


def encoded(model: Model, cache: Path, *, refresh: bool = False) -> tuple[int, NDArray[np.float32]]:
    """Run the plan; return how many sentences were encoded, and the vectors of some."""
    embedder = Embedder(model, cache, refresh=refresh)
    return embedder.encode(PLAN).encoded, embedder.vectors(SOME)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


def check_change(root: Path, spec: str, change: Callable[[], object], *, key: bool = True) -> None:
    """The vectors after a change are those of an empty store, and so they are once more after that."""
    cache = root.parent / "cache"
    first = fresh(root, spec)
    n, before = encoded(first, cache)
    assert n == len(PLAN[0].sentences)
    assert encoded(fresh(root, spec), cache)[0] == 0, "nothing has changed"
    change()
    model = fresh(root, spec)
    assert (model.fingerprint != first.fingerprint) == key
    n, after = encoded(model, cache)
    assert n == len(PLAN[0].sentences)
    assert not np.allclose(before, after)
    np.testing.assert_array_equal(after, encoded(fresh(root, spec), root.parent / "empty")[1])
    assert encoded(fresh(root, spec), cache)[0] == 0


# --- The source of what a factory imports is in the key


def test_another_factory_in_the_same_module(project: Path) -> None:
    write(project / "mine.py", ["from myencoder import Encoder", "def factory(): return Encoder(1)"])
    check_change(
        project,
        "mine:factory",
        lambda: write(project / "mine.py", ["from myencoder import Encoder", "def factory(): return Encoder(2)"]),
    )


IMPORTS = {
    "at the top": ["import settings", "from myencoder import Encoder", "def factory(): return Encoder(settings.SEED)"],
    "from": ["from settings import SEED", "from myencoder import Encoder", "def factory(): return Encoder(SEED)"],
    "star": ["from settings import *", "from myencoder import Encoder", "def factory(): return Encoder(SEED)"],
    "in the factory": [
        "from myencoder import Encoder",
        "def factory():",
        "    import settings",
        "    return Encoder(settings.SEED)",
    ],
    "in encode": [
        "from myencoder import Encoder",
        "class Late(Encoder):",
        "    def encode(self, sentences):",
        "        from settings import SEED",
        "        self.seed = SEED",
        "        return super().encode(sentences)",
        "factory = Late",
    ],
    "by name": [
        "from importlib import import_module",
        "from myencoder import Encoder",
        "factory = lambda: Encoder(import_module('settings').SEED)",
    ],
    "by a computed name": [
        "from importlib import import_module",
        "from myencoder import Encoder",
        "factory = lambda: Encoder(import_module('set' + 'tings').SEED)",
    ],
    "by a partial": [
        "from functools import partial",
        "from settings import SEED",
        "from myencoder import Encoder",
        "factory = partial(Encoder, SEED)",
    ],
    "if it can": [
        "from myencoder import Encoder",
        "try:",
        "    from settings import SEED",
        "except ImportError:",
        "    SEED = 9",
        "def factory(): return Encoder(SEED)",
    ],
}


SLOW = ("from", "star", "by a partial", "if it can")


@pytest.mark.parametrize("how", [pytest.param(how, marks=[pytest.mark.slow] * (how in SLOW)) for how in IMPORTS])
def test_a_module_that_the_factory_imports(how: str, project: Path) -> None:
    write(project / "mine.py", IMPORTS[how])
    write(project / "settings.py", ["SEED = 1"])
    check_change(project, "mine:factory", lambda: write(project / "settings.py", ["SEED = 2"]))


@pytest.mark.parametrize("with_init", [True, False], ids=["package", "namespace package"])
@pytest.mark.parametrize(
    "line",
    [
        "from {}.values import SEED",
        pytest.param("from {} import values; SEED = values.SEED", marks=pytest.mark.slow),
        pytest.param("import {0}.values as v; SEED = v.SEED", marks=pytest.mark.slow),
    ],
)
def test_a_sibling_package(with_init: bool, line: str, project: Path) -> None:
    for package in ("models", "sibling"):
        write(project / package / "values.py", ["SEED = 1"])
        if with_init:
            write(project / package / "__init__.py", [""])
    body = ["from myencoder import Encoder", line.format("sibling"), "def factory(): return Encoder(SEED)"]
    write(project / "models" / "mine.py", body)
    check_change(project, "models.mine:factory", lambda: write(project / "sibling" / "values.py", ["SEED = 2"]))


def test_a_package_that_picks_its_modules_by_name(project: Path) -> None:
    body = ["from importlib import import_module", "from myencoder import Encoder", "class Picked(Encoder):"]
    late = "    word = lambda self, w: Encoder(import_module('.' + 'values', __package__).SEED).word(w)"
    write(project / "models" / "__init__.py", [*body, late, "factory = Picked"])
    write(project / "models" / "values.py", ["SEED = 1"])
    check_change(project, "models:factory", lambda: write(project / "models" / "values.py", ["SEED = 2"]))


def test_the_key_is_of_the_source_and_not_of_where_it_lies(project: Path, tmp_path: Path) -> None:
    import shutil

    write(project / "mine.py", ["from myencoder import Encoder", "factory = Encoder"])
    first = fresh(project, "mine:factory").fingerprint
    assert fresh(project, "mine:factory").fingerprint == first
    write(project / "unrelated.py", ["import mine"])
    assert fresh(project, "mine:factory").fingerprint == first
    shutil.copytree(project, tmp_path / "elsewhere")
    forget_modules(project)
    sys.path.insert(0, str(tmp_path / "elsewhere"))
    try:
        assert fresh(tmp_path / "elsewhere", "mine:factory").fingerprint == first
    finally:
        sys.path.remove(str(tmp_path / "elsewhere"))
        forget_modules(tmp_path / "elsewhere")


# --- What no source tells: a spot check


FROM_FILE = [
    "import os",
    "import numpy as np",
    "from myencoder import Encoder",
    "class Loaded(Encoder):",
    "    def __init__(self):",
    "        self.table = np.load(os.environ['TOY_WEIGHTS'])",
    "    def word(self, word):",
    "        return self.table[int(word[4:])]",
    "factory = Loaded",
]


def save_weights(file: Path, seed: int, scale: float = 1.0) -> None:
    rows = np.random.default_rng(0).standard_normal((40, 16)) + scale * np.random.default_rng(seed).standard_normal(
        (40, 16)
    )
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns) if file.exists() else None
    with file.open("wb") as stream:
        np.save(stream, rows)
    if times:
        os.utime(file, ns=times)


@pytest.mark.parametrize("scale", [1.0, 1e-4], ids=["other weights", "a step of training"])
@pytest.mark.parametrize("how", ["replaced in place", "another path"])
def test_weights_beside_the_source(
    how: str, scale: float, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project / "mine.py", FROM_FILE)
    save_weights(project / "one.npy", 1, scale)
    save_weights(project / "two.npy", 2, scale)
    monkeypatch.setenv("TOY_WEIGHTS", str(project / "one.npy"))
    cache = project.parent / "cache"
    _, before = encoded(fresh(project, "mine:factory"), cache)
    if how == "another path":
        monkeypatch.setenv("TOY_WEIGHTS", str(project / "two.npy"))
    else:
        save_weights(project / "one.npy", 2, scale)
    capsys.readouterr()
    n, after = encoded(fresh(project, "mine:factory"), cache)
    assert n == len(PLAN[0].sentences)
    assert not np.array_equal(before, after)
    np.testing.assert_array_equal(after, encoded(fresh(project, "mine:factory"), project.parent / "empty")[1])
    assert "the stored vectors of local/mine:factory are not used: " in capsys.readouterr().err
    assert encoded(fresh(project, "mine:factory"), cache)[0] == 0


def test_weights_of_other_dimensions(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = ["import os", "from myencoder import Encoder", "class Cut(Encoder):", "    def encode(self, sentences):"]
    write(
        project / "mine.py",
        [*body, "        return super().encode(sentences)[:, :int(os.environ['TOY_D'])]", "factory = Cut"],
    )
    plans = [PLAN, [TextGroup(("word1", "word2"), None, "")]]  # the second has no sentence of the first
    for i, (d, plan) in enumerate([(8, PLAN), (16, PLAN), (8, plans[1]), (8, PLAN)]):
        os.environ["TOY_D"] = str(d)
        embedder = Embedder(fresh(project, "mine:factory"), tmp_path / "cache")
        assert embedder.encode(plan).encoded == len(plan[0].sentences)
        assert embedder.dimensions == d
        assert ("dimensions, and the model now gives" in capsys.readouterr().err) == (i in (1, 2))
    del os.environ["TOY_D"]


def test_old_vectors_are_found_among_new_ones(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run, with other weights, had no sentence in common with the first; the third has a few of the first."""
    write(project / "mine.py", FROM_FILE)
    for seed in (1, 2):
        save_weights(project / f"{seed}.npy", seed)
    old, new = PLAN[0].sentences[:5], PLAN[0].sentences[5:]
    for seed, sentences in ((1, old), (2, new), (2, (*new[:500], *old, *new[500:]))):
        monkeypatch.setenv("TOY_WEIGHTS", str(project / f"{seed}.npy"))
        embedder = Embedder(fresh(project, "mine:factory"), tmp_path / "cache")
        embedder.encode([TextGroup(sentences, None, "")])
    expected = fresh(project, "mine:factory").load().encode(list(old), "", None)
    np.testing.assert_allclose(embedder.vectors(TextGroup(old, None, "")), unit(expected), atol=1e-6)


UNSTEADY = {
    "each time": "np.random.default_rng().standard_normal((len(sentences), 16)).astype('float32')",
    "in another batch": "(v := super().encode(sentences)) - 0.9 * v.mean(0)",
}


@pytest.mark.parametrize("how", UNSTEADY)
def test_an_encoder_that_does_not_agree_with_itself(
    how: str, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = ["import numpy as np", "from myencoder import Encoder", "class Unsteady(Encoder):"]
    write(
        project / "mine.py",
        [*body, "    def encode(self, sentences):", f"        return {UNSTEADY[how]}", "factory = Unsteady"],
    )
    for n in (1, 2):
        assert encoded(fresh(project, "mine:factory"), tmp_path)[0] == len(PLAN[0].sentences)
        assert (f"the model gives a sentence another vector {how}" in capsys.readouterr().err) == (n == 2)


@pytest.mark.parametrize("noise", [0.002, 1e-6])
def test_an_encoder_that_rounds_is_trusted(noise: float, project: Path, tmp_path: Path) -> None:
    """As in bf16: the last bits depend on the other sentences in the batch."""
    body = ["import numpy as np", "from myencoder import Encoder", "class Rounding(Encoder):"]
    body += ["    def encode(self, sentences):", "        vectors = super().encode(sentences)"]
    body += ["        noise = np.random.default_rng(len(sentences)).standard_normal(vectors.shape)"]
    write(project / "mine.py", [*body, f"        return vectors + {noise} * noise", "factory = Rounding"])
    for n in (len(PLAN[0].sentences), 0, 0):
        assert encoded(fresh(project, "mine:factory"), tmp_path)[0] == n


def test_an_encoders_own_version_is_a_key(project: Path, tmp_path: Path) -> None:
    import textwrap

    for version in ("1", "2"):
        body = "from myencoder import Encoder\nimport pathlib\nclass V(Encoder):\n    version = (pathlib.Path(__file__)"
        write(project / "mine.py", [textwrap.dedent(f"{body}.parent / 'version').read_text()\nfactory = V")])
        write(project / "version", [version])
        assert encoded(fresh(project, "mine:factory"), tmp_path)[0] == len(PLAN[0].sentences)
    assert len(list(tmp_path.glob("*/*.shard"))) == 4


# --- Models whose files are hashed: checked when other software made the vectors


class Table:
    """Gives each word a vector; another seed is another model."""

    batch_tokens = 4_096
    device = "cpu"

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.seen: list[str] = []

    def token_counts(self, sentences: list[str]) -> NDArray[np.int64]:
        return np.ones(len(sentences), dtype=np.int64)

    def encode(self, sentences: list[str], prompt: str, language: object) -> NDArray[np.float32]:
        self.seen += sentences
        seeds = [[self.seed, *s.encode()] for s in sentences]
        return np.stack([np.random.default_rng(s).standard_normal(16) for s in seeds]).astype(np.float32)


def test_other_software_is_checked_once(project: Path, tmp_path: Path) -> None:
    write(project / "mine.py", ["from myencoder import Encoder", "factory = Encoder"])
    model = replace(fresh(project, "mine:factory"), unhashed="", fingerprint="f" * 64)
    tables = [Table(1) for _ in range(4)]
    for table, software, plan in zip(tables, ["a 1", "a 2", "a 2", "a 1"], [PLAN] * 4, strict=True):
        found = replace(model, software=software, load=lambda table=table: table)
        Embedder(found, tmp_path / "cache").encode(plan)
    assert [len(t.seen) == len(PLAN[0].sentences) for t in tables] == [True, False, False, False]
    assert 256 <= len(tables[1].seen) <= 400, "some, once"
    assert not tables[2].seen + tables[3].seen
    changed = Table(2)
    embedder = Embedder(replace(model, software="a 3", load=lambda: changed), tmp_path / "cache")
    assert embedder.encode(PLAN).encoded == len(PLAN[0].sentences), "a 3 gives other vectors"


def test_a_model_that_cannot_be_loaded_cannot_be_checked(project: Path, tmp_path: Path) -> None:
    write(project / "mine.py", ["from myencoder import Encoder", "factory = Encoder"])
    model = fresh(project, "mine:factory")
    encoded(model, tmp_path)

    def fail() -> Table:
        raise UserError("its server does not answer")

    with pytest.raises(UserError, match=r"local/mine:factory must be checked before use, .* does not answer"):
        encoded(replace(model, load=fail), tmp_path)


# --- --refresh


def test_refresh_replaces_what_the_plan_needs(project: Path, tmp_path: Path) -> None:
    write(project / "mine.py", ["from myencoder import Encoder", "factory = Encoder"])
    model = replace(fresh(project, "mine:factory"), unhashed="")
    others = TextGroup(("word1 word1", "word2 word2 word2"), None, "not in the plan ")
    Embedder(model, tmp_path / "cache").encode([others])
    assert encoded(model, tmp_path / "cache")[0] == len(PLAN[0].sentences)
    shards = {f.name for f in tmp_path.rglob("*.shard")}
    assert encoded(model, tmp_path / "cache", refresh=True)[0] == len(PLAN[0].sentences)
    assert encoded(model, tmp_path / "cache")[0] == 0
    assert {f.name for f in tmp_path.rglob("*.shard")} == shards, "the same bits under the same names"
    embedder = Embedder(model, tmp_path / "cache", refresh=True)
    assert [embedder.encode(PLAN).encoded for _ in range(2)] == [len(PLAN[0].sentences), 0], "once a run"
    assert Embedder(model, tmp_path / "cache").encode([others]).encoded == 0


def test_refresh_of_a_share(project: Path, tmp_path: Path) -> None:
    write(project / "mine.py", ["from myencoder import Encoder", "factory = Encoder"])
    model = fresh(project, "mine:factory")
    encoded(model, tmp_path)
    n = [Embedder(model, tmp_path, refresh=True).encode_share(PLAN, Share(i, 2)) for i in (1, 2)]
    assert sum(n) == len(PLAN[0].sentences)
    assert encoded(model, tmp_path)[0] == 0


# --- Through the command line


def test_verify_finds_a_factory_that_was_edited(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def edit(seed: int) -> None:
        write(project / "mine.py", ["from myencoder import Encoder", f"def factory(): return Encoder({seed})"])

    edit(1)
    folders = ["--cache-folder", str(tmp_path / "cache")]
    command = ["run", "--model", "mine:factory", "--data", "mini", "--tasks", "Mini-Tatoeba", "--languages", "en", "fr"]

    def run(command: list[str]) -> int:
        forget_modules(project)
        return main([*command, *folders])

    assert run([*command, "--output", str(tmp_path / "results")]) == 0
    (file,) = (tmp_path / "results").rglob("Mini-Tatoeba.json")
    verify = ["verify", str(file), "--model", "mine:factory", "--data", "mini"]
    assert run(verify) == 0
    assert run([*verify, "--refresh"]) == 0
    edit(2)
    capsys.readouterr()
    assert run(verify) == 1
    assert "fr-en: model is sha256:" in capsys.readouterr().out
    edit(1)
    assert run(verify) == 0


SEEDED = [
    "import os, pathlib",
    "from myencoder import Encoder",
    "def factory(): return Encoder(pathlib.Path(os.environ['TOY_SEED']).read_text())",
]


def test_mine_refuses_vectors_of_another_model(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target, _ = corpora(tmp_path)
    seed = tmp_path / "seed"
    monkeypatch.setenv("TOY_SEED", str(seed))
    write(project / "mine.py", SEEDED)
    command = [str(source), str(target), "-o", str(tmp_path / "out.tsv"), "--shard-lines", "20"]

    def mined(text: str) -> int:
        seed.write_text(text)
        forget_modules(project)
        run_model.cache_clear()
        capsys.readouterr()
        return mine(*command, model="mine:factory")

    assert mined("one") == 0
    work = tmp_path / "out.tsv.work"
    before, pairs = written(work), (tmp_path / "out.tsv").read_bytes()
    assert mined("one") == 0
    assert (written(work), (tmp_path / "out.tsv").read_bytes()) == (before, pairs)
    assert mined("two") == 1
    assert f"{work} has vectors that may not be from local/mine:factory: " in capsys.readouterr().err
    assert (written(work), (tmp_path / "out.tsv").read_bytes()) == (before, pairs)
    # A shard of other vectors among those that are right, as another process of a job array may have left it.
    assert (
        main(["mine", *command, "--model", "mine:factory", "--shard", "2/9", "--work-dir", str(tmp_path / "mixed")])
        == 0
    )
    seed.write_text("one")
    forget_modules(project)
    run_model.cache_clear()
    assert main(["mine", *command, "--model", "mine:factory", "--work-dir", str(tmp_path / "mixed")]) == 1
    write(project / "mine.py", [*SEEDED, "# edited"])
    assert mined("one") == 1
    assert "has another run, which differs in model: " in capsys.readouterr().err


def test_mine_encodes_again_what_the_store_has_of_another_model(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target, _ = corpora(tmp_path)
    seed = tmp_path / "seed"
    monkeypatch.setenv("TOY_SEED", str(seed))
    write(project / "mine.py", SEEDED)

    def mined(text: str, work: str, cache: str) -> bytes:
        seed.write_text(text)
        forget_modules(project)
        run_model.cache_clear()
        capsys.readouterr()
        folders = ["--work-dir", tmp_path / work, "--cache-folder", tmp_path / cache, "-o", tmp_path / "out.tsv"]
        assert mine(source, target, *folders, "--shard-lines", 40, model="mine:factory") == 0
        return (tmp_path / "out.tsv").read_bytes()

    first = mined("one", "one", "cache")
    alone = mined("two", "alone", "empty")
    assert mined("two", "two", "cache") == alone != first
    assert "the stored vectors of local/mine:factory are not used: " in capsys.readouterr().err
    assert mined("two", "again", "cache") == alone
    assert "are not used" not in capsys.readouterr().err


def test_a_worker_that_finds_another_model_than_the_run_began_with(project: Path, tmp_path: Path) -> None:
    write(project / "mine.py", ["from myencoder import Encoder", "factory = Encoder"])
    model = fresh(project, "mine:factory")
    spec = ModelSpec("mine:factory", ModelOptions(), BatchLimits(), model.space, tmp_path / "cache")
    assert run_model(spec).model.space == model.space
    write(project / "mine.py", ["from myencoder import Encoder", "factory = lambda: Encoder(2)"])
    forget_modules(project)
    run_model.cache_clear()
    with pytest.raises(UserError, match="the model mine:factory changed after this run began"):
        run_model(spec)


def test_the_teachers_vectors_are_checked(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.data.corpora import PairRows
    from training.trainer.teacher import encode_teacher

    seed = tmp_path / "seed"
    monkeypatch.setenv("TOY_SEED", str(seed))
    write(project / "mine.py", SEEDED)
    data = [PairRows(LangPair.parse("en-fr"), ["a cat", "a dog"], ["un chat", "un chien"])]
    found = []
    for text in ("one", "two", "two"):
        seed.write_text(text)
        found.append(encode_teacher(fresh(project, "mine:factory"), "", data, "priority", tmp_path / "cache").vectors)
    assert not found[0].equal(found[1])
    assert found[1].equal(found[2])


def test_a_directory_that_changes_while_it_is_loaded(tiny_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    model = resolve_model(str(folder), ModelOptions(device="cpu"))
    (folder / "1_Pooling" / "config.json").write_text('{"embedding_dimension": 32, "pooling_mode": "cls"}')
    with pytest.raises(UserError, match="files changed while it was being loaded"):
        model.load()


def test_a_change_that_keeps_size_and_time_is_seen_and_a_touch_is_none(tiny_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    weights = folder / "model.safetensors"
    model = resolve_model(str(folder), ModelOptions(device="cpu"))
    weights.touch()
    model.load()
    before = weights.stat()
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(UserError, match="files changed while it was being loaded"):
        model.load()


def test_verify_encodes_all_that_no_fingerprint_pins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that a factory reads may change only a few vectors, which a sample would miss."""
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    model = ["--model", "toys:logging_", "--data", "mini", "--cache-folder", str(tmp_path / "cache")]
    run = ["run", *model, "--tasks", "Mini-Tatoeba", "--languages", "en", "fr", "--output", str(tmp_path / "r")]
    assert main(run) == 0
    everything = set(log.read_text().split("\n"))
    log.unlink()
    capsys.readouterr()
    assert main(run) == 0
    sampled = set(log.read_text().split("\n"))
    assert 256 < len(sampled) < len(everything)
    assert "The others were not checked; --refresh" in capsys.readouterr().err
    log.unlink()
    (file,) = (tmp_path / "r").rglob("Mini-Tatoeba.json")
    assert main(["verify", str(file), *model]) == 0
    assert set(log.read_text().split("\n")) == everything
