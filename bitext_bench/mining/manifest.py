"""Begin or continue a run. The files in the work folder must come from the same inputs and settings."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..embedding.store import make_folder, write_atomic
from ..encoders import Model
from ..errors import UserError
from ..io.checksums import input_sha256
from ..io.lines import read_lines
from ..io.terminal import say
from ..languages import LangPair
from .budget import Budget
from .documents import Documents, LineFormat
from .inputs import read_rows
from .known import read_planted
from .line_store import LineStore
from .plan import ModelSpec, Plan, SearchMethod
from .records import dump_checksummed, parse_checksummed, try_sha256
from .sides import SIDES, CorpusSide, EmptyCorpus, SideFiles, SideName, split_side

Form = Literal["lines", "rows", "arrays"]
_FORMAT = 2
# Parts of a run's identity whose names differ from the options that set them.
_OPTIONS = {"source": "SRC", "target": "TGT", "plant": "--planted-pairs", "shard_lines": "--shard-lines"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """The inputs and settings that determine the shard files.

    Attributes:
        source: the source file, or a file of pairs.
        target: the target file; None for a file of pairs.
        plant: file of known pairs to add to the texts.
        search: search method; None to choose by `exact_limit`.
        exact_limit: use exact search up to the square of this number of row pairs.
        probes: number of cells that each row is compared with in approximate search.
        shard_lines: rows in a shard; None for as many as the memory allows, or for the value of the existing run.
        work: the work folder.
        line_format: how to read the lines of texts.
    """

    source: Path
    target: Path | None
    plant: Path | None
    model: Model | None
    spec: ModelSpec | None
    pair: LangPair | None
    search: SearchMethod | None
    exact_limit: int
    probes: int
    shard_lines: int | None
    budget: Budget
    work: Path
    line_format: LineFormat = field(default_factory=LineFormat)

    @property
    def form(self) -> Form:
        """The kind of input: lines of text, rows of pairs, or arrays of vectors."""
        if self.target is None:
            return "rows"
        return "arrays" if self.source.suffix == ".npy" else "lines"

    @property
    def needs_language(self) -> bool:
        """Whether the languages change the vectors or the texts."""
        return self.line_format.split or (self.model is not None and self.model.needs_language)

    def file(self, side: SideName) -> Path:
        """Return the input file of a side."""
        return self.source if side == "source" or self.target is None else self.target

    def read(self, side: SideName) -> Iterator[str]:
        """Yield the lines of a side."""
        if self.target is None:
            return (source if side == "source" else target for _, source, target in read_rows(self.source))
        return read_lines(self.file(side))

    def documents(self, side: SideName) -> Documents:
        """Return the documents of a side."""
        pair = self.pair
        language = None if pair is None else pair.source if side == "source" else pair.target
        return Documents(self.file(side), lambda: self.read(side), self.line_format, language)


def open_plan(request: Request) -> Plan:
    """Return the plan of the run in the work folder, or begin one: read both sides and divide them into shards.

    Raises:
        UserError: the folder has a run with other inputs or settings, or the input is invalid.
    """
    manifest = request.work / "manifest.json"
    identity = _identity(request)
    known = _read(manifest)
    if known is None:
        try:
            known = _begin(request, identity)
        except UserError:
            _remove_begun(request.work)
            raise
        make_folder(request.work)
        write_atomic(manifest, dump_checksummed(known))
    else:
        _compare(request, identity, known)
        _repair(request, known)
    sides = {side: _side(request, side, known["sides"][side]) for side in SIDES}
    return Plan(
        root=request.work,
        source=sides["source"],
        target=sides["target"],
        shard_lines=known["shard_lines"],
        search=known["search"],
        model=request.spec,
        pair=request.pair,
        probes=known["probes"],
        stored=frozenset(known.get("stored", [])),
        identity=identity,
    )


def _identity(request: Request) -> dict[str, Any]:
    model = request.model
    return {
        "source": input_sha256(request.source),
        "target": input_sha256(request.target) if request.target else None,
        "form": request.form,
        "plant": input_sha256(request.plant) if request.plant else None,
        "model": model.space if model else None,
        "prompt": model.prompts.bitext if model else None,
        "pair": str(request.pair) if request.pair and request.needs_language else None,
        **request.line_format.identity(),
    }


def _read(manifest: Path) -> dict[str, Any] | None:
    try:
        content = manifest.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"cannot read {manifest}: {error.strerror}") from error
    known = parse_checksummed(content)
    if known is None or known.get("format") != _FORMAT:
        raise UserError(
            f"{manifest} is damaged or from another version: remove the directory {manifest.parent}, or pass another "
            "--work-dir DIR"
        )
    return known


def _repair(request: Request, known: dict[str, Any]) -> None:
    """Write damaged text files again, from the user's file.

    Raises:
        UserError: a file cannot be read or written.
    """
    if request.form == "arrays":
        return
    planted = read_planted(request.plant) if request.plant else ([], [])
    for side, texts in zip(SIDES, planted, strict=True):
        files = SideFiles(request.work, side)
        damaged = [name for name, digest in known["texts"][side].items() if try_sha256(files.path(name)) != digest]
        if damaged:
            say(f"{', '.join(damaged)} in {request.work} is damaged; the texts of {request.file(side)} are read again")
            _split(request, side, texts, known["shard_lines"])


def _compare(request: Request, identity: dict[str, Any], known: dict[str, Any]) -> None:
    differs = [name for name, value in identity.items() if known["identity"].get(name) != value]
    asked = {"search": request.search, "shard_lines": request.shard_lines}
    differs += [name for name, value in asked.items() if value is not None and known[name] != value]
    if known["search"] == "approximate" and known["probes"] != request.probes:
        differs.append("--nprobe")
    if differs:
        named = [_OPTIONS.get(name, name) for name in differs]
        raise UserError(
            f"{request.work} has another run, which differs in {', '.join(named)}: "
            "pass another --output or --work-dir DIR, or remove that directory"
        )


def _begin(request: Request, identity: dict[str, Any]) -> dict[str, Any]:
    # Listed first: vectors that other processes store from now on are not part of the run.
    stored = LineStore(request.spec.cache, request.spec.space).names() if request.spec else []
    if request.form == "arrays":
        _check_arrays(request)
    dimensions = map_array(request.source).shape[1] if request.form == "arrays" else None
    planted = read_planted(request.plant) if request.plant else ([], [])
    shard_lines, fitting = 0, request.shard_lines or request.budget.shard_lines((0, 0), dimensions)
    sides: dict[SideName, dict[str, int]] = {}
    while fitting != shard_lines:  # The number of rows is known only after splitting, and may require smaller shards.
        shard_lines = fitting
        sides = {side: _split(request, side, texts, shard_lines) for side, texts in zip(SIDES, planted, strict=True)}
        rows = (sides["source"]["rows"], sides["target"]["rows"])
        fitting = request.shard_lines or min(shard_lines, request.budget.shard_lines(rows, dimensions))
    few = rows[0] * rows[1] <= request.exact_limit**2
    return {
        "format": _FORMAT,
        "identity": identity,
        "sides": sides,
        "texts": _digests(request, sides, shard_lines),
        "shard_lines": shard_lines,
        "search": request.search or ("exact" if few else "approximate"),
        "probes": request.probes,
        "stored": stored,
    }


def _remove_begun(work: Path) -> None:
    """Remove the texts of a run that could not begin, and its folder if it is empty."""
    shutil.rmtree(work / "texts", ignore_errors=True)
    with suppress(OSError):
        work.rmdir()


def _split(request: Request, side: SideName, planted: list[str], shard_lines: int) -> dict[str, int]:
    file = request.file(side)
    if request.form == "arrays":
        n = len(map_array(file))
        return {"rows": n, "lines": n, "blank": 0, "planted": 0}
    files, documents, divided = SideFiles(request.work, side), request.documents(side), request.line_format.split

    def read() -> Iterator[str]:
        return request.budget.limit_lines(documents.texts(), file, split=divided)

    try:
        counts = split_side(files, read, planted, shard_lines)
    except EmptyCorpus as error:
        raise UserError(_no_text(file, documents, request.line_format)) from error
    known = dict(zip(("rows", "lines", "blank", "planted"), counts, strict=True))
    return known | documents.write(files, shard_lines)


def _no_text(file: Path, documents: Documents, line_format: LineFormat) -> str:
    if documents.too_long:
        return (
            f"{file} has no text of at most {line_format.max_characters:,} characters: pass a higher --max-characters"
        )
    return f"{file} has no text: expected one {'document' if line_format.split else 'sentence'} on each line"


def _digests(
    request: Request, sides: dict[SideName, dict[str, int]], shard_lines: int
) -> dict[str, dict[str, str | None]]:
    """Return the sha256 of each text file, by side and name."""
    if request.form == "arrays":
        return {side: {} for side in SIDES}
    digests: dict[str, dict[str, str | None]] = {}
    for side in SIDES:
        files = SideFiles(request.work, side)
        known = sides[side]
        shards = -(-known["rows"] // shard_lines)
        names = files.names(shards, known.get("id_shards", 0), split="documents" in known)
        digests[side] = {name: try_sha256(files.path(name)) for name in names}
    return digests


def _side(request: Request, name: SideName, known: dict[str, int]) -> CorpusSide:
    return CorpusSide(name=name, vectors=request.file(name) if request.form == "arrays" else None, **known)


def map_array(file: Path) -> np.ndarray[Any, Any]:
    """Return a memory-mapped array of vectors.

    Raises:
        UserError: the file cannot be read, or is not a matrix of floats.
    """
    try:
        rows: np.ndarray[Any, Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{file} is not a numpy array file: {error}") from error
    if rows.ndim != 2 or rows.dtype.kind != "f" or not rows.size:
        raise UserError(
            f"{file} has type {rows.dtype} and shape {rows.shape}: expected one row of floats for each sentence"
        )
    return rows


def _check_arrays(request: Request) -> None:
    widths = [map_array(request.file(side)).shape[1] for side in SIDES]
    if widths[0] != widths[1]:
        raise UserError(
            f"{request.source} has {widths[0]} dimensions and {request.target} {widths[1]}: "
            "expected vectors of one model"
        )
