"""The arguments of `bitext-bench mine`; imports nothing that is slow."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import positive

MARGINS = ("ratio", "distance", "absolute", "csls")
SELECTIONS = ("greedy", "forward", "backward", "union", "intersection")
EXACT_LIMIT = 1_000_000
PROBES = 48


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all but the model's."""
    parser.add_argument("source", type=Path, metavar="SRC", help="sentences, one a line (.gz, .zst), or vectors (.npy)")
    parser.add_argument("target", type=Path, metavar="TGT", nargs="?", help="the other language's")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help=".tsv, .jsonl, .tmx (.gz, .zst), or .parquet"
    )
    parser.add_argument("--pair", metavar="fr-en", help="the languages of SRC and TGT: for TMX, LASER2 and SONAR")
    parser.add_argument(
        "--score",
        action="store_true",
        help="score given pairs: line i of SRC and of TGT, or the two columns of SRC alone",
    )
    _add_pairs(parser.add_argument_group("which pairs"))
    _add_work(parser.add_argument_group("search and work"))


def _add_pairs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--margin",
        choices=MARGINS,
        default="ratio",
        help="csls is approximate: it chooses among each line's 10 nearest lines, not among all (default: %(default)s)",
    )
    group.add_argument(
        "--selection",
        choices=SELECTIONS,
        default="greedy",
        help="one-to-one by falling score, or what one side, either or both propose (default: %(default)s)",
    )
    group.add_argument("--threshold", type=float, metavar="X", help="leave out pairs that score less (default: none)")
    group.add_argument(
        "--target-precision",
        type=float,
        metavar="P",
        help="choose the lowest threshold with this estimated share of right pairs",
    )
    group.add_argument("--best-f1", action="store_true", help="choose the threshold with the best estimated F1")
    group.add_argument(
        "--best-available",
        action="store_true",
        help="if no threshold reaches --target-precision, or the known pairs are too few to tell, take the nearest "
        "threshold instead of stopping",
    )
    group.add_argument(
        "--gold",
        type=Path,
        metavar="FILE",
        help="known translations in SRC and TGT: two line numbers (from 1) or two texts a line, TAB between them",
    )
    group.add_argument(
        "--gold-complete",
        action="store_true",
        help="--gold has every translation in SRC and TGT: every other pair is wrong",
    )
    group.add_argument(
        "--planted-pairs",
        type=Path,
        metavar="FILE",
        help="known translations of the same kind of text that are not in SRC and TGT, two texts a line, TAB between "
        "them; they are used to estimate precision and change no pair",
    )


def _add_work(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--search",
        choices=["auto", "exact", "approximate"],
        default="auto",
        help="approximate looks into the nearest cells only, and reports what it missed (default: by --exact-limit)",
    )
    group.add_argument(
        "--exact-limit",
        type=positive,
        default=EXACT_LIMIT,
        metavar="LINES",
        help="auto is exact up to this many lines a side, or as many pairs of lines (default: %(default)s)",
    )
    group.add_argument(
        "--nprobe",
        type=positive,
        default=PROBES,
        metavar="N",
        help="cells that a line looks into (default: %(default)s)",
    )
    group.add_argument("--max-memory", default="4G", metavar="SIZE", help="beside the model's (default: %(default)s)")
    group.add_argument("--work-dir", type=Path, metavar="DIR", help="vectors and finished shards (default: FILE.work)")
    group.add_argument(
        "--cache-folder",
        type=Path,
        metavar="DIR",
        help="keeps the vectors of every run (default: $BITEXT_BENCH_CACHE, else ~/.cache/bitext-bench)",
    )
    group.add_argument(
        "--shard-lines",
        type=positive,
        metavar="N",
        help="lines a shard (default: what --max-memory holds, at most 131072)",
    )
    group.add_argument(
        "--shard", metavar="i/N", help="do the i-th of N shares of what can be done now, and write no pairs: job arrays"
    )
    group.add_argument(
        "--engine", choices=["inline", "ray"], default="inline", help="where shards are made (default: %(default)s)"
    )
    group.add_argument(
        "--batch-tokens", type=positive, metavar="N", help="tokens in a batch (default: the encoder's own)"
    )
    group.add_argument("--batch-size", type=positive, metavar="N", help="most sentences in a batch (default: no limit)")
