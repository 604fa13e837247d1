"""Options that several commands share. Imports nothing slow."""

from __future__ import annotations

import argparse
import textwrap
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..encoders import ModelOptions

_CACHE = "directory for encoded sentences (default: $BITEXT_BENCH_CACHE, or ~/.cache/bitext-bench if that is not set)"


class HelpFormatter(argparse.HelpFormatter):
    """argparse's formatter, with each command on one line and no line breaks within names like --cache-folder."""

    def __init__(self, prog: str, **settings: Any) -> None:
        super().__init__(prog, max_help_position=28, **settings)
        self._action_max_length = len("    import-mteb")  # argparse does not count the indentation of commands

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


def add_model_group(parser: argparse.ArgumentParser, *, required: bool, settings: bool = True) -> None:
    """Add the options that choose and load a model and, with `settings`, those that change its vectors."""
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        required=required,
        metavar="NAME",
        help="model to use: a name from 'bitext-bench list models', a Hugging Face hub id, a directory, a Python "
        "function as package.module:factory, or a directory of vectors (.npy) and their sentences (.txt)",
    )
    model.add_argument(
        "--model-revision",
        metavar="COMMIT",
        help="commit, tag or branch on the hub (default: the registered commit, or main if there is none)",
    )
    if settings:
        _add_settings(model)
    model.add_argument(
        "--device",
        metavar="NAME",
        help="where the model runs: cpu, cuda, cuda:1 or mps (default: a GPU if there is one)",
    )
    model.add_argument(
        "--trust-remote-code", action="store_true", help="run Python code that comes with the model; use it with care"
    )
    model.add_argument(
        "--allow-pickle",
        action="store_true",
        help="load weights saved as pickle, which can run code; otherwise only safetensors files are loaded",
    )


def _add_settings(model: argparse._ArgumentGroup) -> None:
    model.add_argument(
        "--prompt",
        metavar="TEXT",
        help='text prepended to each sentence, "" for none (default: the model\'s own prompt)',
    )
    model.add_argument(
        "--pooling",
        choices=["mean", "cls", "last"],
        help="how token vectors become a sentence vector; a plain transformers checkpoint needs it "
        "(default: the model's own)",
    )
    model.add_argument(
        "--max-length",
        type=positive,
        metavar="TOKENS",
        help="cut sentences after this many tokens (default: the model's own limit)",
    )
    model.add_argument(
        "--dtype",
        choices=["auto", "fp32", "bf16", "fp16"],
        default="fp32",
        help="number format to compute in; auto takes the fastest on the device (default: %(default)s)",
    )
    model.add_argument(
        "--backend",
        choices=["torch", "openvino"],
        default="torch",
        help="library that runs the model (default: %(default)s)",
    )


def add_data(parser: argparse._ActionsContainer, *, default: str | None = "hub", note: str = "(default: hub)") -> None:
    """Add --data, the source of the benchmarks."""
    parser.add_argument(
        "--data",
        default=default,
        metavar="SOURCE",
        help="benchmark data: a directory with the official files, hub (downloaded from Hugging Face), or mini (built "
        f"in) {note}",
    )


def add_own_data(parser: argparse._ActionsContainer) -> None:
    """Add --bitext and --sts, the user's own data."""
    parser.add_argument(
        "--bitext",
        action=_Once,
        nargs="+",
        metavar="FILE",
        help="your own translations: a file of pairs (.tsv, .csv, .jsonl, .json, .tmx, .po, .parquet), two parallel "
        "files, a directory of <language>.txt, or hub:ORG/DATASET[@REVISION]",
    )
    parser.add_argument(
        "--sts",
        action=_Once,
        metavar="FILE",
        help="your own rated pairs (.tsv, .jsonl, .parquet): two sentences and a score",
    )


class _Once(argparse.Action):
    """Store the value, and refuse a second one: argparse would silently keep only the last."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            parser.error(f"{option} was given twice: score one set of data per run, into the same --output")
        setattr(namespace, self.dest, values)


def add_encoding_group(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the encoding options: cache and batch sizes."""
    group = parser.add_argument_group("encoding")
    add_cache_folder(group)
    group.add_argument(
        "--refresh", action="store_true", help="encode every sentence again and replace its vector in the cache"
    )
    add_batches(group)
    return group


def add_cache_folder(group: argparse._ActionsContainer) -> None:
    """Add --cache-folder."""
    group.add_argument("--cache-folder", type=Path, metavar="DIR", help=_CACHE)


def add_batches(group: argparse._ActionsContainer) -> None:
    """Add the two limits of an encoding batch."""
    group.add_argument(
        "--batch-tokens",
        type=positive,
        metavar="N",
        help="largest number of tokens in a batch (default: chosen for the model)",
    )
    group.add_argument(
        "--batch-size", type=positive, metavar="N", help="largest number of sentences in a batch (default: no limit)"
    )


def positive(text: str) -> int:
    """Read a number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a positive number")
    return value


def model_options(arguments: argparse.Namespace) -> ModelOptions:
    """Return the model options, from the arguments that the command has."""
    given = {name.removeprefix("model_"): value for name, value in vars(arguments).items()}
    return ModelOptions(**{field.name: given[field.name] for field in fields(ModelOptions) if field.name in given})
