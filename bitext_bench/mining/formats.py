"""Write pairs as TSV, JSONL, TMX (each also with .gz or .zst) or parquet, by the extension of the file."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from xml.sax.saxutils import escape, quoteattr

from .. import __version__
from ..embedding.store import write_error
from ..errors import UserError, install_hint
from ..io.temporary import remove_stale, temporary_file
from ..languages import LangPair

# Characters that XML cannot represent.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
KINDS = ("tsv", "jsonl", "parquet", "tmx")
_PACKED = {".gz", ".zst"}
# Types of parquet columns, by the last part of their names; all others are strings.
_TYPES = {"score": "float64", "cosine": "float64", "row": "int64", "line": "int64", "sentence": "int64"}


@dataclass(frozen=True, slots=True)
class OutputTable:
    """A chunk of the output: columns of equal length, in order."""

    columns: Mapping[str, Sequence[Any]]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows."""
        return zip(*self.columns.values(), strict=True)


@dataclass(frozen=True, slots=True)
class OutputFile:
    """The output file and its format.

    Attributes:
        kind: one of KINDS.
        packed: ".gz", ".zst" or "".
    """

    file: Path
    kind: str
    packed: str

    @classmethod
    def parse(cls, file: Path, pair: LangPair | None) -> OutputFile:
        """Determine the format from the file name, and check in advance that the file can be written.

        Raises:
            UserError: the extension is unknown, the package for it or the folder is missing, or the languages for TMX
                are not given.
        """
        packed = file.suffix if file.suffix in _PACKED else ""
        _, dot, kind = file.name.removesuffix(packed).rpartition(".")
        if not dot or kind not in KINDS or (packed and kind == "parquet"):
            raise UserError(
                f"-o {file}: expected a name that ends in .tsv, .jsonl, .tmx (each also with .gz or .zst) or .parquet"
            )
        if not file.parent.is_dir():
            raise UserError(f"-o {file}: the directory {file.parent} does not exist: create it, or correct the path")
        remove_stale(file.parent)
        if kind == "tmx" and pair is None:
            raise UserError("TMX needs the languages of the texts: pass --pair, as in --pair fr-en")
        for module, needed in (("pyarrow", kind == "parquet"), ("zstandard", packed == ".zst")):
            if needed:
                _require(module, file)
        return cls(file, kind, packed)


def _require(module: str, file: Path) -> None:
    import importlib.util

    if importlib.util.find_spec(module) is None:
        raise UserError(f"{file} needs the package {module}: {install_hint('mine')}")


def write_tables(output: OutputFile, tables: Iterable[OutputTable], pair: LangPair | None) -> int:
    """Write all rows and return their number. The file has a temporary name until it is complete.

    Raises:
        UserError: the file cannot be written; no partial file remains.
    """
    try:
        with temporary_file(output.file) as temporary:
            with _writer(output, temporary, pair) as writer:
                n = 0
                for table in tables:
                    writer.write(table)
                    n += len(next(iter(table.columns.values())))
            temporary.replace(output.file)
    except OSError as error:
        raise write_error(output.file, error) from error
    return n


class _Writer(Protocol):
    def write(self, table: OutputTable) -> None: ...


@contextmanager
def _writer(output: OutputFile, temporary: Path, pair: LangPair | None) -> Iterator[_Writer]:
    if output.kind == "parquet":
        parquet = _Parquet(temporary)
        try:
            yield parquet
        finally:
            parquet.close()
        return
    with temporary.open("wb") as stream, _pack(stream, output.packed) as packed:
        text = io.TextIOWrapper(packed, encoding="utf-8", newline="\n", write_through=True)
        if output.kind == "tmx" and pair is not None:
            text.write(_tmx_head(pair))
            yield _Tmx(text, pair)
            text.write("</body></tmx>\n")
        else:
            yield _Tsv(text) if output.kind == "tsv" else _Jsonl(text)
        text.flush()
        text.detach()


@contextmanager
def _pack(stream: IO[bytes], packed: str) -> Iterator[IO[bytes]]:
    if packed == ".gz":
        # No name and no time, so that equal pairs give identical files.
        with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packing:
            yield packing  # type: ignore[misc]
    elif packed == ".zst":
        import zstandard

        with zstandard.ZstdCompressor().stream_writer(stream, closefd=False) as writer:
            yield writer
    else:
        yield stream


class _Tsv:
    """A header, then one line for each row; a tab within a text becomes a space."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream
        self._begun = False

    def write(self, table: OutputTable) -> None:
        if not self._begun:
            self._stream.write("\t".join(table.columns) + "\n")
            self._begun = True
        self._stream.writelines("\t".join(map(_cell, row)) + "\n" for row in table.rows())


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6f}"
    return str(value).replace("\t", " ")


class _Jsonl:
    """One object on each line."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream

    def write(self, table: OutputTable) -> None:
        names = list(table.columns)
        for row in table.rows():
            cells = (round(cell, 6) if isinstance(cell, float) else cell for cell in row)
            self._stream.write(json.dumps(dict(zip(names, cells, strict=True)), ensure_ascii=False) + "\n")


class _Tmx:
    """One translation unit for each pair, with its scores and line numbers as properties."""

    def __init__(self, stream: io.TextIOWrapper, pair: LangPair) -> None:
        self._stream = stream
        self._languages = {"source": str(pair.source), "target": str(pair.target)}

    def write(self, table: OutputTable) -> None:
        for row in table.rows():
            cells = dict(zip(table.columns, row, strict=True))
            notes = "".join(
                f"<prop type={quoteattr(f'x-{name}')}>{_cell(value)}</prop>"
                for name, value in cells.items()
                if name not in self._languages and value is not None
            )
            texts = "".join(
                f"<tuv xml:lang={quoteattr(code)}><seg>{escape(_NOT_XML.sub(' ', cells[side]))}</seg></tuv>"
                for side, code in self._languages.items()
            )
            self._stream.write(f"<tu>{notes}{texts}</tu>\n")


def _tmx_head(pair: LangPair) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4"><header creationtool="bitext-bench" '
        f'creationtoolversion={quoteattr(__version__)} segtype="sentence" o-tmf="tsv" adminlang="en" '
        f'srclang={quoteattr(str(pair.source))} datatype="plaintext"/><body>\n'
    )


class _Parquet:
    """One row group for each table."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._writer: Any = None

    def write(self, table: OutputTable) -> None:
        import pyarrow as pa  # type: ignore[import-untyped]
        from pyarrow import parquet

        if self._writer is None:
            # Types by name, since a chunk without rows or scores does not determine the types of its columns.
            schema = pa.schema([(name, _TYPES.get(name.rpartition("_")[2], "string")) for name in table.columns])
            self._writer = parquet.ParquetWriter(str(self._file), schema)
        self._writer.write_table(pa.table(dict(table.columns), schema=self._writer.schema))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
