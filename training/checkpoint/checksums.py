"""Checksums of a checkpoint's files, in the format of `sha256sum`: written last, checked before a run resumes."""

from __future__ import annotations

from pathlib import Path

from bitext_bench.embedding.store import write_atomic
from bitext_bench.io.checksums import file_sha256

SUMS = "SHA256SUMS"


def write_checksums(folder: Path) -> None:
    """Write the checksums of all files in a finished directory; `sha256sum -c SHA256SUMS` can check them.

    Raises:
        UserError: the file cannot be written.
        OSError: a file cannot be read.
    """
    lines = [f"{file_sha256(file)}  {name}\n" for name, file in _files(folder).items()]
    write_atomic(folder / SUMS, "".join(lines).encode())


def find_damage(folder: Path) -> str:
    """Return the first damage found in a directory, like "optimizer.pt has changed"; "" if it is intact.

    A directory without checksums was not saved completely. Hidden files are ignored.
    """
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return f"no {SUMS}: it was not saved completely"
    except OSError as error:
        return f"{SUMS} cannot be read: {error.strerror}"
    stored = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    files = _files(folder)
    for name in [*stored, *files]:
        if name not in files:
            return f"{name[:80]!r} is missing"
        try:
            if file_sha256(files[name]) != stored.get(name):
                return f"{name} has changed" if name in stored else f"{name} is not in {SUMS}"
        except OSError as error:
            return f"{name} cannot be read: {error.strerror}"
    return ""


def _files(folder: Path) -> dict[str, Path]:
    """Return the files below a directory by relative name, without hidden files and the checksums."""
    found = (file for file in sorted(folder.rglob("*")) if file.is_file())
    named = {file.relative_to(folder).as_posix(): file for file in found}
    return {name: file for name, file in named.items() if name != SUMS and not file.name.startswith(".")}
