"""LASER2's two files: in a directory of the user, or downloaded from the official address into the cache."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import UserError
from ..io.cache import cache_folder
from ..io.checksums import file_sha256
from ..io.download import NotDownloaded, download
from .extras import import_extra

ADDRESS = "https://dl.fbaipublicfiles.com/nllb/laser/"
WEIGHTS, PIECES = "laser2.pt", "laser2.spm"
PACKAGES = ("sentencepiece", "sacremoses")


def is_laser2(directory: Path) -> bool:
    """Return whether a directory has the files of LASER2.

    Raises:
        UserError: Only one of the two is there.
    """
    missing = [file for file in laser2_files(directory) if not file.is_file()]
    if len(missing) == 1:
        raise UserError(f"{directory} has no {missing[0].name}: LASER2 needs {WEIGHTS} and {PIECES} in one directory")
    return not missing


def laser2_files(directory: Path) -> list[Path]:
    """Return the paths of LASER2's files in a directory."""
    return [directory / WEIGHTS, directory / PIECES]


def hash_laser2(directory: Path) -> str:
    """Return the sha256 of the names and checksums of LASER2's files; other files do not count."""
    content = "".join(f"{file.name}\0{file_sha256(file)}\n" for file in laser2_files(directory))
    return hashlib.sha256(content.encode()).hexdigest()


def fetch_laser2() -> Path:
    """Return the directory of LASER2 in the cache, after the download of the files that it does not have.

    Raises:
        UserError: A package is missing, or the files are not in the cache and cannot be downloaded.
    """
    for package in PACKAGES:  # before a download of 180 MB
        import_extra(package, "laser")
    directory = cache_folder() / "laser2"
    for file in reversed(laser2_files(directory)):  # the small one first
        if not file.is_file():
            _download(file)
    return directory


def _download(file: Path) -> None:
    try:
        download(ADDRESS + file.name, file)
    except NotDownloaded as error:
        raise UserError(
            f"{error}; check the connection, or download {WEIGHTS} and {PIECES} from {ADDRESS} on another machine and "
            "pass their directory as --model"
        ) from error
