"""The options of `bitext-bench mine`. Imports nothing slow."""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import add_batches, add_cache_folder, add_model_group, positive

MARGINS = ("ratio", "distance", "absolute", "csls")
SELECTIONS = ("greedy", "forward", "backward", "union", "intersection")
FILTERS = (
    "empty",
    "control-characters",
    "markup",
    "identical",
    "length-ratio",
    "numbers",
    "urls",
    "language",
    "duplicates",
    "near-duplicates",
)
EXACT_LIMIT = 1_000_000
NPROBE = 48


def add_mine(parser: argparse.ArgumentParser) -> None:
    """Add all options."""
    files = parser.add_argument_group("files")
    files.add_argument(
        "source", type=Path, metavar="SRC", help="sentences, one on each line (also .gz or .zst), or vectors (.npy)"
    )
    files.add_argument(
        "target",
        type=Path,
        metavar="TGT",
        nargs="?",
        help="the same in the other language; optional with --score",
    )
    files.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="file for the pairs: .tsv, .jsonl or .tmx (also with .gz or .zst), or .parquet",
    )
    files.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="report as a page: sizes, histogram of scores, precision, samples, dropped pairs, time and memory",
    )
    files.add_argument(
        "--pair",
        metavar="fr-en",
        help="languages of SRC and TGT; TMX files, --split-sentences, the filter language and the model SONAR need "
        "them",
    )
    files.add_argument(
        "--score",
        action="store_true",
        help="score given pairs and suggest a threshold: line i of SRC and TGT, or the two columns of SRC",
    )
    _add_documents(parser.add_argument_group("documents"))
    add_model_group(parser, required=False)
    _add_selection(parser.add_argument_group("choosing pairs"))
    _add_threshold(parser.add_argument_group("threshold"))
    _add_filters(parser.add_argument_group("filters"))
    _add_search(parser.add_argument_group("search"))
    _add_work(parser.add_argument_group("encoding and work directory"))


def _add_documents(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--split-sentences",
        action="store_true",
        help="each line of SRC and TGT is a document: divide it into sentences with sentencex",
    )
    group.add_argument(
        "--ids",
        action="store_true",
        help="each line of SRC and TGT is an id, a tab and the text, as in BUCC's files; the output has the ids",
    )
    group.add_argument(
        "--max-characters",
        type=positive,
        metavar="N",
        help="leave out longer sentences (default: keep all; the model reads their first --max-length tokens)",
    )


def _add_selection(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--margin",
        choices=MARGINS,
        default="ratio",
        help="score of a pair; csls is approximate: it chooses among each line's 10 nearest lines, not among all "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--selection",
        choices=SELECTIONS,
        help="greedy pairs lines one to one by decreasing score; forward and backward take the best partner of each "
        "source or target line, union takes the pairs of either direction, intersection those of both "
        "(default: greedy)",
    )


def _add_filters(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--filters",
        default="none",
        metavar="NAMES",
        help=f"drop pairs, and write them with the reason to FILE.dropped.tsv: all, none, or some of "
        f"{', '.join(FILTERS)}, separated by commas; all,-urls leaves one out (default: %(default)s)",
    )


def _add_threshold(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--threshold", type=float, metavar="X", help="leave out pairs with a lower score (default: keep all)"
    )
    group.add_argument(
        "--target-precision",
        type=float,
        metavar="P",
        help="choose the lowest threshold with this estimated precision, like 0.95",
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
        help="known translations in SRC and TGT: on each line two line numbers (from 1), two ids (with --ids) or two "
        "texts, separated by a tab",
    )
    group.add_argument(
        "--gold-complete",
        action="store_true",
        help="--gold has all translations in SRC and TGT, so any other pair is wrong",
    )
    group.add_argument(
        "--planted-pairs",
        type=Path,
        metavar="FILE",
        help="known translations of the same kind of text as SRC and TGT, but not in them: two texts on each line, "
        "separated by a tab; they serve to estimate precision and do not change the pairs",
    )


def _add_search(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--search",
        choices=["auto", "exact", "approximate"],
        help="exact compares each line with all lines; approximate only with those in the nearest cells of an index, "
        "and reports the share of neighbors it missed; auto decides by --exact-limit (default: auto)",
    )
    group.add_argument(
        "--exact-limit",
        type=positive,
        default=EXACT_LIMIT,
        metavar="LINES",
        help="auto takes exact search for up to this many lines on each side, or the square of this number of "
        "line pairs (default: %(default)s)",
    )
    group.add_argument(
        "--nprobe",
        type=positive,
        default=NPROBE,
        metavar="N",
        help="cells that approximate search visits for each line (default: %(default)s)",
    )
    group.add_argument(
        "--max-memory",
        default="4G",
        metavar="SIZE",
        help="memory to use in addition to the model's (default: %(default)s)",
    )


def _add_work(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--work-dir",
        type=Path,
        metavar="DIR",
        help="directory for finished shards, so that an interrupted run can continue (default: FILE.work)",
    )
    add_cache_folder(group)
    group.add_argument(
        "--shard-lines",
        type=positive,
        metavar="N",
        help="lines in a shard (default: as many as --max-memory allows, at most 131072)",
    )
    group.add_argument(
        "--shard",
        metavar="i/N",
        help="do the i-th of N shares of the work that is ready, and write no pairs; for job arrays",
    )
    group.add_argument(
        "--engine",
        choices=["inline", "ray"],
        default="inline",
        help="work in this process or on a Ray cluster (default: %(default)s)",
    )
    add_batches(group)
