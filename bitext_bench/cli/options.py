"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_model_group(parser: argparse.ArgumentParser, *, required: bool, settings: bool = True) -> None:
    """Add how the model is found and loaded, and the settings that change its vectors."""
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        required=required,
        metavar="NAME",
        help="a name from list models, a hub id, a model directory, package.module:factory, or a folder of .npy + .txt",
    )
    model.add_argument("--model-revision", metavar="COMMIT", help="hub revision (default: the registered one)")
    if settings:
        _add_settings(model)
    model.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1, mps (default: a GPU where there is one)")
    model.add_argument("--trust-remote-code", action="store_true", help="run code that comes with the model")
    model.add_argument("--allow-pickle", action="store_true", help="load weights that are not safetensors")


def _add_settings(model: argparse._ArgumentGroup) -> None:
    model.add_argument(
        "--prompt", metavar="TEXT", help='text before each sentence, "" for none (default: the registered one)'
    )
    model.add_argument("--pooling", choices=["mean", "cls", "last"], help="for plain transformers checkpoints")
    model.add_argument("--max-length", type=positive, metavar="TOKENS", help="(default: the model's own)")
    model.add_argument(
        "--dtype",
        choices=["auto", "fp32", "bf16", "fp16"],
        default="fp32",
        help="auto: what the device is fastest in (default: %(default)s)",
    )
    model.add_argument("--backend", choices=["torch", "openvino"], default="torch", help="(default: %(default)s)")


def add_model_options(parser: argparse.ArgumentParser, *, on_file: bool = False) -> None:
    """Add the model, the data and how fast; of the model only what does not stand in a result file, if there is one."""
    add_model_group(parser, required=not on_file, settings=not on_file)
    data = parser.add_argument_group("data and speed")
    data.add_argument(
        "--data",
        default=None if on_file else "hub",
        metavar="SOURCE",
        help="a directory of official layouts, hub, or mini (built in)" + ("" if on_file else " (default: hub)"),
    )
    data.add_argument(
        "--cache-folder",
        type=Path,
        metavar="DIR",
        help="embedding store (default: $BITEXT_BENCH_CACHE, else ~/.cache/bitext-bench)",
    )
    data.add_argument(
        "--refresh", action="store_true", help="encode anew all that is needed, and replace what the store holds of it"
    )
    data.add_argument(
        "--batch-tokens", type=positive, metavar="N", help="tokens in a batch (default: the encoder's own)"
    )
    data.add_argument("--batch-size", type=positive, metavar="N", help="most sentences in a batch (default: no limit)")


def positive(text: str) -> int:
    """Read a number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a positive number")
    return value
