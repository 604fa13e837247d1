"""Files of translation pairs in every layout and format, all with the same rows."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from bitext_bench.data.pair_records import SentencePair
from bitext_bench.languages import LangPair

EN_JA = LangPair.parse("en-ja")
# U+2028 and \x85 end a line for str.splitlines, and for nobody else.
PAIRS = [("Hello, world.", "こんにちは、世界。"), ("one\u2028two\x85", "一 二"), ("  padded ", "余白 ")]
ROWS = [SentencePair(i, a, b) for i, (a, b) in enumerate(PAIRS, start=1)]
TMX = '<?xml version="1.0"?><tmx version="1.4"><header/><body>{}</body></tmx>'


def tmx(units: Iterable[Mapping[str, str]]) -> bytes:
    """Return a translation memory of units, texts by code."""
    variants = (
        "".join(f'<tuv xml:lang="{code}"><seg>{text}</seg></tuv>' for code, text in unit.items()) for unit in units
    )
    return TMX.format("".join(f"<tu>{unit}</tu>" for unit in variants)).encode()


def po(messages: Iterable[tuple[str, str]], language: str = "ja") -> bytes:
    """Return a gettext catalog, with a message that is fuzzy, one that is not translated and an obsolete one."""
    import polib

    catalog = polib.POFile()
    catalog.metadata = {"Content-Type": "text/plain; charset=UTF-8", "Language": language}
    catalog.extend(polib.POEntry(msgid=a, msgstr=b) for a, b in messages)
    catalog.append(polib.POEntry(msgid="unsure", msgstr="?", flags=["fuzzy"]))
    catalog.append(polib.POEntry(msgid="to do"))
    catalog.append(polib.POEntry(msgid="old", msgstr="旧", obsolete=True))
    return str(catalog).encode()


def jsonl(records: list[object]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def parquet(columns: dict[str, list[object]], group: int = 2) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet as pq

    stream = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), stream, row_group_size=group)
    return bytes(stream.getvalue())


def csv_of(rows: Iterable[Iterable[object]], quoting: Literal[0, 1, 2, 3] = csv.QUOTE_MINIMAL) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=quoting).writerows(rows)
    return stream.getvalue().encode()


def sentences(number: int, english: str, japanese: str) -> dict[str, object]:
    """Return a sentence of a dialogue as in the Business Scene Dialogue corpus."""
    return {"no": number, "en_speaker": "A", "ja_speaker": "あ", "en_sentence": english, "ja_sentence": japanese}


TSV = "".join(f"{a}\t{b}\n" for a, b in PAIRS).encode()
SIDES = [("\n".join(side) + "\n").encode() for side in zip(*PAIRS, strict=True)]
ENGLISH, JAPANESE = ([*side] for side in zip(*PAIRS, strict=True))
LAYOUTS: dict[str, dict[str, bytes]] = {
    "tsv": {"en-ja.tsv": TSV},
    "tsv, other codes": {"eng-jpn.tsv": TSV},
    "tsv, scripts": {"eng_Latn-jpn_Jpan.tsv": TSV},
    "tsv, byte-order mark and CR LF": {"en-ja.tsv": b"\xef\xbb\xbf" + TSV.replace(b"\n", b"\r\n")},
    "tsv, no last line end": {"en-ja.tsv": TSV.removesuffix(b"\n")},
    "jsonl, languages": {"en-ja.jsonl": jsonl([{"en": a, "ja": b} for a, b in PAIRS])},
    "jsonl, other order and codes": {"en-ja.jsonl": jsonl([{"id": 7, "jpn_Jpan": b, "eng": a} for a, b in PAIRS])},
    "jsonl, languages win over the name": {"ja-en.jsonl": jsonl([{"en": a, "ja": b} for a, b in PAIRS])},
    "jsonl, source": {"en-ja.jsonl": jsonl([{"source": a, "target": b} for a, b in PAIRS])},
    "jsonl, translation": {"en-ja.jsonl": jsonl([{"translation": {"en": a, "ja": b}} for a, b in PAIRS])},
    "parquet, languages": {"en-ja.parquet": parquet({"ja": JAPANESE, "en": ENGLISH})},
    "parquet, source": {"en-ja.parquet": parquet({"source": ENGLISH, "target": JAPANESE})},
    "parquet, translation": {"en-ja/train.parquet": parquet({"translation": [{"en": a, "ja": b} for a, b in PAIRS]})},
    "jsonl, sentences": {"en-ja.jsonl": jsonl([{"ja_sentence": b, "en_sentence": a} for a, b in PAIRS])},
    "parquet, sentences": {"en-ja.parquet": parquet({"sentence_jpn_Jpan": JAPANESE, "sentence_eng_Latn": ENGLISH})},
    "tsv, languages of each row": {"eng-jpn.tsv": "".join(f"eng\tjpn\t{a}\t{b}\n" for a, b in PAIRS).encode()},
    "tsv, languages in either order": {
        "en-ja.tsv": "".join(
            f"ja\ten\t{b}\t{a}\n" if n else f"en\tja\t{a}\t{b}\n" for n, (a, b) in enumerate(PAIRS)
        ).encode()
    },
    "csv, languages": {"en-ja.csv": csv_of([("id", "Japanese", "en"), *((7, b, a) for a, b in PAIRS)])},
    "csv, source": {"en-ja.csv": csv_of([("source", "reference"), *PAIRS])},
    "csv, quoted": {"ja-en.csv": csv_of([("target", "source"), *PAIRS], csv.QUOTE_ALL)},
    "json, source": {"ja-en.json": json.dumps([{"source": b, "target": a} for a, b in PAIRS]).encode()},
    "json, translation": {"en-ja.json": json.dumps([{"translation": {"en": a, "ja": b}} for a, b in PAIRS]).encode()},
    "json, one long line": {
        "en-ja.json": json.dumps([{"id": "x" * 1_100_000}, *({"en": a, "ja": b} for a, b in PAIRS)]).encode()
    },
    "json, one object per line": {"en-ja.json": jsonl([{"en": a, "ja": b} for a, b in PAIRS])},
    "json, conversations": {
        "en-ja/train.json": json.dumps(
            [
                {
                    "id": "a",
                    "original_language": "en",
                    "conversation": [sentences(1, *PAIRS[0]), sentences(2, *PAIRS[1])],
                },
                {"id": "b", "conversation": [sentences(1, *PAIRS[2])]},
            ],
            indent=2,
        ).encode()
    },
    "json, lists in a list": {
        "en-ja.json": json.dumps([[sentences(1, *PAIRS[0])], [sentences(n, *PAIRS[n]) for n in (1, 2)]]).encode()
    },
    "a folder of the pair": {"ja-en/train.tsv": "".join(f"{b}\t{a}\n" for a, b in PAIRS).encode()},
    "tmx": {"en-ja.tmx": tmx({"en": a, "ja": b} for a, b in PAIRS)},
    "tmx, regions": {"ja-en.tmx": tmx({"EN-us": a, "ja_JP": b} for a, b in PAIRS)},
    "po": {"en-ja.po": po(PAIRS)},
    "po, region": {"en-ja.po": po(PAIRS, "ja_JP")},
    "po, no language": {"en-ja/train.po": po(PAIRS, "")},
    "po, reversed": {"ja-en.po": po(((b, a) for a, b in PAIRS), "en")},
    "moses": {"OPUS.en-ja.en": SIDES[0], "OPUS.en-ja.ja": SIDES[1], "OPUS.en-ja.ids": b"1\n", "README": b""},
    "moses, bare": {"en-ja.en": SIDES[0], "en-ja.ja": SIDES[1]},
    "moses, reversed": {"v1.2.ja-en.en": SIDES[0], "v1.2.ja-en.ja": SIDES[1]},
    "a file for each language": {
        "train.en": SIDES[0],
        "train.ja": SIDES[1],
        "train.fr": b"x\n",
        "dev.en": b"",
        "dev.ja": b"",
    },
    "the same with a prefix": {"en-ja.v1.train.jpn": SIDES[1], "en-ja.v1.train.eng": SIDES[0]},
    "tsv, reversed": {"ja-en.tsv": "".join(f"{b}\t{a}\n" for a, b in PAIRS).encode()},
    "jsonl, english": {"en-ja.jsonl": jsonl([{"non_english": b, "english": a} for a, b in PAIRS])},
    "parquet, english": {"en-ja.parquet": parquet({"english": ENGLISH, "non_english": JAPANESE})},
    "parquet, english reversed": {"ja-en.parquet": parquet({"non_english": JAPANESE, "english": ENGLISH})},
    "parquet, english and translation": {
        "en-ja.parquet": parquet({"translation": [{"english": a, "non_english": b} for a, b in PAIRS]})
    },
    "parquet, names of languages": {"en-ja.parquet": parquet({"Japanese": JAPANESE, "english": ENGLISH})},
    "jsonl, src": {"en-ja.jsonl": jsonl([{"tgt": b, "src": a} for a, b in PAIRS])},
    "parquet, sentence1": {"ja-en.parquet": parquet({"sentence2": ENGLISH, "sentence1": JAPANESE, "score": [1, 1, 1]})},
    "jsonl, source reversed": {"jpn-eng.jsonl": jsonl([{"source": b, "target": a} for a, b in PAIRS])},
}


def put(folder: Path, files: dict[str, bytes], *, compress: bool = False) -> None:
    for name, content in files.items():
        plain = not compress or name.endswith(("parquet", "README"))
        file = folder / (name if plain else f"{name}.gz")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if plain else gzip.compress(content))
