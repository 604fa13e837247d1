"""LASER2's files from a real HTTP server: whole, cut, missing, slow, and from no server at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from laser2_material import TEXTS, make_laser2

from bitext_bench.encoders import ModelOptions, laser_files, needs_download, resolve_model
from bitext_bench.errors import UserError
from bitext_bench.io import download as downloads
from bitext_bench.io.cache import cache_folder

DEFAULT = ModelOptions(device="cpu")
OFFICIAL = "https://dl.fbaipublicfiles.com/nllb/laser/"


class Server(ThreadingHTTPServer):
    """Serves the files of a folder; `faults` has what goes wrong, by the name of a file."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.faults, self.asked = folder, dict[str, str](), list[str]()
        self.stop = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        """Say nothing on stderr."""

    def do_GET(self) -> None:
        name = self.path.strip("/")
        self.server.asked.append(name)
        fault = self.server.faults.get(name, "")
        content = (self.server.folder / name).read_bytes()
        if fault.isdecimal():
            self.send_error(int(fault))
            return
        self.send_response(200)
        self.close_connection = True
        if fault.startswith("chunked"):
            self.send_header("Transfer-Encoding", "chunked")
        elif fault != "no length":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if fault.startswith("chunked"):
            for part in (content[:100], content[100:]):
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                if fault == "chunked cut":
                    return
            self.wfile.write(b"0\r\n\r\n")
            return
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        if fault == "hang":
            self.server.stop.wait(30)
        if fault not in ("cut", "hang"):
            self.wfile.write(content[len(content) // 2 :])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_laser2(tmp_path_factory.mktemp("source") / "laser2")


@pytest.fixture
def server(source: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server(source)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setattr(laser_files, "ADDRESS", server.address)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield server
    server.stop.set()
    server.shutdown()
    thread.join()
    server.server_close()


def cached() -> list[str]:
    return sorted(file.name for file in (cache_folder() / "laser2").glob("*"))


def refusal() -> str:
    with pytest.raises(UserError) as caught:
        resolve_model("laser2", DEFAULT)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_address_is_the_official_one() -> None:
    assert laser_files.ADDRESS == OFFICIAL


@pytest.mark.parametrize("fault", ["", "chunked"])
def test_it_is_downloaded_once_and_needs_no_network_afterwards(source: Path, server: Server, fault: str) -> None:
    server.faults = dict.fromkeys(("laser2.pt", "laser2.spm"), fault)
    model = resolve_model("laser2", DEFAULT)
    assert (model.name, model.registered, model.parameters) == ("facebook/laser2", "laser2", 45_000_000)
    assert server.asked == ["laser2.spm", "laser2.pt"]
    assert cached() == ["laser2.pt", "laser2.spm"]
    for name in cached():
        assert (cache_folder() / "laser2" / name).read_bytes() == (source / name).read_bytes()
    again = resolve_model("facebook/LASER2", DEFAULT)
    assert len(server.asked) == 2
    directory = resolve_model(str(source), DEFAULT)
    assert again.space == model.space == directory.space
    assert model.revision == model.fingerprint[:12] == directory.fingerprint[:12]
    np.testing.assert_array_equal(model.load().encode(TEXTS, "", None), directory.load().encode(TEXTS, "", None))
    assert needs_download("laser2") and not needs_download(str(source)) and not needs_download("muse")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("cut", r"the connection broke off after [\d,]+ of [\d,]+ bytes"),
        ("chunked cut", r"IncompleteRead"),
        ("no length", "the server does not give the length of the file"),
        ("403", "the server answered 403 Forbidden"),
        ("404", "the server answered 404 Not Found"),
        ("500", "the server answered 500 "),
        ("hang", "no answer in time"),
    ],
)
@pytest.mark.parametrize("name", ["laser2.pt", "laser2.spm"])
def test_a_download_that_fails_leaves_nothing(
    server: Server, name: str, fault: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_TIMEOUT", 0.3)
    server.faults = {name: fault}
    with pytest.raises(UserError, match=f"^cannot download {server.address}{name}: {reason}.*; check the connection"):
        resolve_model("laser2", DEFAULT)
    assert cached() == ([] if name == "laser2.spm" else ["laser2.spm"]), "the other file is whole"
    server.faults = {}
    resolve_model("laser2", DEFAULT)
    assert cached() == ["laser2.pt", "laser2.spm"]


def test_offline_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laser_files, "ADDRESS", "http://127.0.0.1:9/")  # where nobody listens
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert refusal().endswith(
        "Connection refused; check the connection, or download laser2.pt and laser2.spm from http://127.0.0.1:9/ on "
        "another machine and pass their directory as --model"
    )
    monkeypatch.setattr(laser_files, "ADDRESS", "http://no-such-host.invalid/")
    assert refusal().startswith("cannot download http://no-such-host.invalid/laser2.spm: ")
    monkeypatch.setattr(laser_files, "ADDRESS", "file:///etc/")
    assert "/etc/laser2.spm: " in refusal()
    assert not cached()


def test_a_cache_that_cannot_be_written(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BITEXT_BENCH_CACHE", str(tmp_path / "file"))
    assert refusal() == f"cannot write {tmp_path}/file/laser2/laser2.spm: Not a directory"
    assert not server.asked


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_ends_during_the_download(server: Server, tmp_path: Path, number: int) -> None:
    server.faults = {"laser2.pt": "hang"}
    lines = [
        "import sys",
        "from bitext_bench.encoders import laser_files",
        "from bitext_bench.cli.main import main",
        f"laser_files.ADDRESS = {server.address!r}",
        "sys.exit(main())",
    ]
    command = [sys.executable, "-c", "\n".join(lines), "run", "--model", "laser2", "--data", "mini"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    deadline = time.monotonic() + 60
    while not any(name.startswith(".laser2.pt.") for name in cached()):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "Traceback" not in said and "interrupted" in said
        assert cached() == ["laser2.spm"]
    server.stop.set()
    server.faults = {}
    resolve_model("laser2", DEFAULT)
    assert cached() == ["laser2.pt", "laser2.spm"], "what a killed process has left is removed"
