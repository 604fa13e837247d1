"""Fixtures: a tiny real checkpoint, and folders of test data in the official layouts."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported: as many processes as cores need no more threads
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from builders import make_plain_checkpoint, write
from hub_runs import fill
from hypothesis import HealthCheck, settings
from pages import MISSES, Opener, make_results
from paper_results import Results
from training_runs import Folders, folders_at

from leaderboard.entries.read import read_results
from leaderboard.html.render import render_page
from leaderboard.published.file import read_published
from leaderboard.tables.ranking import make_leaderboard
from leaderboard.tables.scores import ScoreRow, score_rows

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# Time is no fault of a test: machines are shared, and the first texts that hypothesis draws take it a second.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")


def pytest_configure() -> None:
    """Let signals reach the tests and their children, and collect no garbage before the tests begin.

    Background jobs and nohup start with signals ignored. Imports and test items are millions of objects that stay, and
    searching them again and again takes as long as making them.
    """
    gc.disable()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let each process of -n 2 run one half of the files, so that fixtures are made once, and help at the end."""
    if config.getoption("dist") != "load":  # not the default of -n
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first, and those of the hub one after another: they share a gigabyte of files."""
    rank = {"families": 0, "models": 1, "hub": 3}
    items.sort(key=lambda item: min((rank[mark.name] for mark in item.iter_markers() if mark.name in rank), default=2))


def pytest_collection_finish() -> None:
    """Keep what is loaded by now out of every later garbage collection: the trainer asks for several in each run."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    gc.enable()


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Do the same for what a file of tests has loaded."""
    if nextitem is None or nextitem.path != item.path:
        gc.freeze()


@pytest.fixture(autouse=True)
def own_cache(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds vectors of another one; only those with real models share what is encoded."""
    if not request.node.get_closest_marker("models"):
        base = request.getfixturevalue("tmp_path_factory").getbasetemp()
        monkeypatch.setenv("BITEXT_BENCH_CACHE", str(base / "stores" / uuid.uuid4().hex))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers directory with a random 2-layer BERT of 32 dimensions and a word tokenizer."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    folder = tmp_path_factory.mktemp("tiny")
    plain = make_plain_checkpoint(folder / "plain")
    torch.manual_seed(0)
    model = SentenceTransformer(modules=[Transformer(str(plain), max_seq_length=64), Pooling(32, "mean"), Normalize()])
    model.save(str(folder / "tiny-bert"))
    gc.freeze()  # torch and the libraries on it, which are loaded by now
    return folder / "tiny-bert"


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain transformers checkpoint."""
    return make_plain_checkpoint(tmp_path_factory.mktemp("plain") / "plain-bert")


@pytest.fixture(scope="session")
def dense(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers directory with a layer after its mean pooling, as LaBSE and distiluse have."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer

    modules = [Transformer(str(plain), max_seq_length=64), Pooling(32, "mean"), Dense(32, 8), Normalize()]
    folder = tmp_path_factory.mktemp("dense") / "dense-bert"
    SentenceTransformer(modules=modules).save(str(folder))
    return folder


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    """A --data directory with a little of everything, in the official layouts (en and fr, 20 sentences)."""
    root = tmp_path / "data"
    english = [
        f"the {color} {animal} {verb} {place}"
        for color in ("red", "blue")
        for animal in ("cat", "dog")
        for verb in ("sat", "ran")
        for place in ("on the mat", "under the tree", "house")
    ][:20]
    french = [f"le {sentence} la" for sentence in english]
    write(root / "tatoeba/v1/tatoeba.fra-eng.fra", french)
    write(root / "tatoeba/v1/tatoeba.fra-eng.eng", english)
    write(root / "flores200_dataset/devtest/eng_Latn.devtest", english)
    write(root / "flores200_dataset/devtest/fra_Latn.devtest", french)
    altered = {f"{s} not": {"src": s, "errtype": "negation"} for s in english[:10]}
    write(root / "flores200_dataset/devtest_augmented/eng_Latn_augmented.devtest", list(altered))
    write(root / "flores200_dataset/devtest_augmented/eng_Latn_errtype.devtest.json", [json.dumps(altered)])
    for split in ("training", "test"):
        stem = root / f"bucc2018/fr-en/fr-en.{split}"
        write(stem.with_name(f"{stem.name}.fr"), [f"fr-{i}\t{s}" for i, s in enumerate(french)])
        write(stem.with_name(f"{stem.name}.en"), [f"en-{i}\t{s}" for i, s in enumerate(english)])
        write(stem.with_name(f"{stem.name}.gold"), [f"fr-{i}\ten-{i}" for i in range(0, 20, 2)])
    rows = [f"{i % 6}.0\t{english[i]}\t{english[(i * 7) % 20]}" for i in range(20)]
    write(root / "sts/STSBenchmark/en.test.tsv", ["score\tsentence1\tsentence2", *rows])
    return root


@pytest.fixture(scope="module")
def one_thread_throughout() -> Iterator[None]:
    """For the fixtures of the module too: the number of threads is in the last bits of a sum."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Tiny models gain nothing by a second thread, and wait for it long where the cores are busy."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def folders(tmp_path: Path, tiny_model: Path) -> Folders:
    return folders_at(tmp_path, tiny_model)


@pytest.fixture
def results(tmp_path: Path) -> Results:
    (tmp_path / "results").mkdir()
    return Results(tmp_path / "results")


@pytest.fixture(scope="session")
def full_hub() -> Iterator[Path]:
    """What a hub serves (`hub_runs.serving`): the data sets, real encoders and tiny ones; built once, then removed."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder))
        yield Path(folder)


@pytest.fixture(scope="session")
def scores() -> list[ScoreRow]:
    """The scores of the committed results and of all published models."""
    root = Path(__file__).parent.parent / "results"
    return score_rows(read_results(root, experiments=False).entries, read_published(root))


@pytest.fixture(scope="session")
def page_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of `pages.make_results`."""
    root = tmp_path_factory.mktemp("page") / "results"
    make_results(root)
    return root


@pytest.fixture(scope="session")
def page_text(page_results: Path) -> str:
    found = read_results(page_results)
    return render_page(make_leaderboard(found.entries).tables, found, page_results, MISSES)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        reason = "no chromium here: apt-get install chromium"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, page_text: str, tmp_path: Path) -> Iterator[Opener]:
    """Open a page; at the end the console has said nothing, and nothing but the file was asked for."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_page(source: str = page_text, **settings: Any) -> Page:
        file = tmp_path / "page.html"
        file.write_text(source, encoding="utf-8")
        settings = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **settings}
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert {url for url in asked if not url.endswith("/page.html")} <= {"data:,"}
