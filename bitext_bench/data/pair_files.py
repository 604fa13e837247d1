"""Read files of translation pairs: TSV, CSV, JSONL, JSON, parquet, TMX and gettext catalogs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

from ..errors import UserError
from ..io.lines import EXPANDS, is_decompression_bomb, read_lines
from .files import check_line_counts
from .pair_json import read_json_pairs, read_jsonl_pairs
from .pair_records import (
    ROW_LANGUAGES,
    SentencePair,
    Sides,
    checked_pair,
    has_pair,
    keys_of_sides,
    names_of,
    no_pair_error,
    pairs_of,
)
from .pair_tables import read_csv_pairs, read_tsv_pairs
from .po import read_po_pairs
from .tables import BATCH_ROWS
from .tmx import read_units
from .variants import variants_of

PAIR_FORMATS = ("tsv", "csv", "jsonl", "json", "tmx", "po", "parquet")  # the suffixes that `read_pairs` knows


def read_pairs(file: Path, sides: Sides) -> list[SentencePair]:
    """Read a file in the format of its suffix; `sides` follow the order of its columns, or of "source" and "target".

    TSV and CSV have two columns, or a header that names them. Without a header, a third column with the license of each
    row is left out, as in the files of manythings.org; the first two of four columns are the languages of the row, as
    in the Tatoeba Challenge. Names in the header, the keys of JSON and the columns of parquet are the languages in any
    spelling (also en_sentence, sentence_en), source and target (or src and tgt, sentence1 and sentence2, source and
    reference), or english and non_english; keys and columns may be nested below "translation". With source_language and
    target_language in each row, rows in other languages are left out. A JSON document may have its pairs at any depth.
    If a record has several variants of a language (pt-BR, pt-PT), `variants` chooses one. A TMX unit with several texts
    of a language gives several pairs. In a gettext catalog, the messages are the first side.

    Raises:
        UserError: the file cannot be read, is damaged or not UTF-8, its header names other languages, or a row is not a
            pair of texts (with its line).
    """
    readers: Mapping[str, Callable[[Path, Sides], list[SentencePair]]]
    readers = {
        "tsv": read_tsv_pairs,
        "csv": read_csv_pairs,
        "jsonl": read_jsonl_pairs,
        "json": read_json_pairs,
        "parquet": _read_parquet,
        "tmx": _read_tmx,
        "po": read_po_pairs,
    }
    return readers[suffix_of(file)](file, sides)


def read_files(files: Sequence[Path], sides: Sides) -> list[SentencePair]:
    """Read one file, two parallel files, or the shards of a parquet file; `sides` as for `read_pairs`.

    Raises:
        UserError: as for `read_pairs`, or two parallel files have different numbers of lines.
    """
    if suffix_of(files[-1]) == "parquet":
        shards = [row for file in files for row in read_pairs(file, sides)]
        return [SentencePair(line, row.source, row.target) for line, row in enumerate(shards, start=1)]
    if len(files) == 2:
        first, second = (list(read_lines(file)) for file in files)
        check_line_counts(files[0], len(first), files[1], len(second))
        return [SentencePair(line, a, b) for line, (a, b) in enumerate(zip(first, second, strict=True), start=1)]
    return read_pairs(files[0], sides)


def suffix_of(file: Path) -> str:
    """Return the suffix of a file in lower case, without the dot; .gz does not count."""
    return file.name.removesuffix(".gz").rpartition(".")[2].casefold()


def _read_parquet(file: Path, sides: Sides) -> list[SentencePair]:
    import pyarrow as pa  # type: ignore[import-untyped]  # takes half a second; only this format needs it

    try:
        return pairs_of(_parquet_records(file, sides), sides, file, "row")
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot read {file} as parquet: {' '.join(str(error).split())[:160]}") from error


def _parquet_records(file: Path, sides: Sides) -> Iterator[tuple[int, dict[str, object]]]:
    number, n_bytes, packed = 0, 0, file.stat().st_size
    for names, columns in _parquet_batches(file, sides):
        for values in zip(*columns.values(), strict=True):
            number += 1
            n_bytes += sum(len(value) for value in values if isinstance(value, str))
            yield number, dict.fromkeys(names) | dict(zip(columns, values, strict=True))
        if is_decompression_bomb(n_bytes, packed):
            raise UserError(f"{file}: row {number}: the file {EXPANDS}")


def _parquet_batches(file: Path, sides: Sides) -> Iterator[tuple[list[str], dict[str, list[object]]]]:
    """Yield the names of all columns and the values of those that may contain the sides, in batches of rows."""
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetFile(file) as stored:
        schema, within = stored.schema_arrow, ""
        if "translation" in schema.names and pa.types.is_struct(schema.field("translation").type):
            schema, within = pa.schema(list(schema.field("translation").type)), "translation"
        names = list(schema.names)
        if not has_pair(dict.fromkeys(names), sides):
            raise no_pair_error(names, sides, str(file))
        of_languages = [variants_of(tuple(names), side.language, str(side.language)) for side in sides]
        of_rows = [name for named in ROW_LANGUAGES for name in named if name in names]
        wanted = [*dict.fromkeys([*sum(of_languages, ()), *(keys_of_sides(names, sides) or ()), *of_rows])]
        for batch in stored.iter_batches(BATCH_ROWS, columns=[within] if within else wanted):
            found = pa.RecordBatch.from_struct_array(batch[within]) if within else batch
            yield names, {name: found[name].to_pylist() for name in wanted}


def _read_tmx(file: Path, sides: Sides) -> list[SentencePair]:
    rows = []
    units = 0
    seen: set[str] = set()
    for units, texts in enumerate(read_units(file), start=1):
        seen |= texts.keys()
        if all(side.has(texts) for side in sides):  # The file may have units of other pairs.
            first = {code: of_code[0] for code, of_code in texts.items()}
            chosen = [texts[side.choose(first)] for side in sides]
            # A unit with several texts of a language has several valid pairs.
            rows += [checked_pair(units, a, b, f"{file}: unit {units}") for a, b in product(*chosen)]
    if not rows:
        codes = ", ".join(sorted(seen)[:10]) or "no language"
        raise UserError(f"{file}: none of {units:,} units has {' and '.join(names_of(sides))}; found {codes}")
    return rows
