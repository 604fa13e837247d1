"""What can be written after `bitext-bench`: commands and options, and nothing of what they do."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import __version__
from ..languages import DEFAULT_LANGUAGES
from .mine_options import add_arguments as add_mine_arguments
from .options import add_model_group, add_model_options

_LANGUAGES = "as run's: en, eng or eng_Latn; English is always the other side of Tatoeba and BUCC (default: all)"


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; importing nothing heavy, so that --help is immediate."""
    parser = argparse.ArgumentParser(
        prog="bitext-bench",
        description="Score sentence encoders on Tatoeba, BUCC, FLORES-200 xSIM and STS.",
    )
    parser.add_argument("--version", action="version", version=f"bitext-bench {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_run(
        commands.add_parser("run", help="score a model", description="Score a model and write one result file a task.")
    )
    _add_verify(
        commands.add_parser(
            "verify", help="derive results again", description="Derive result files again and say where they differ."
        )
    )
    _add_train(
        commands.add_parser(
            "train", help="align an encoder", description="Align an encoder by soft contrastive learning."
        )
    )
    mine = commands.add_parser(
        "mine", help="find translations", description="Find the sentences of two files that translate each other."
    )
    add_model_group(mine, required=False)
    add_mine_arguments(mine)
    mine.set_defaults(command="mine")
    _add_leaderboard(
        commands.add_parser(
            "leaderboard",
            help="render results",
            description="Render result files as Markdown, one HTML page, LaTeX, CSV or JSON.",
        )
    )
    _add_import(commands.add_parser("import-mteb", help="add reported figures from mteb's result files"))
    _add_export(
        commands.add_parser(
            "export-mteb",
            help="write results as mteb's result files",
            description="Write result files as mteb's, with MTEB's meaning of every key; name what has no counterpart.",
        )
    )
    _add_compare(
        commands.add_parser(
            "compare",
            help="compare models",
            description="Differences of models on the same sentences, with intervals and exact tests.",
        )
    )
    listing = commands.add_parser("list", help="list models, tasks or languages")
    listing.add_argument("what", choices=["models", "tasks", "languages"])
    listing.set_defaults(command="list")
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    add_model_options(parser)
    parser.add_argument(
        "--tasks", nargs="+", metavar="TASK", help="task names, see list tasks (default: every task that --data has)"
    )
    parser.add_argument(
        "--languages",
        nargs="+",
        metavar="LANG",
        help="en, eng or eng_Latn, or all; English is always the other side of Tatoeba and BUCC "
        f"(default: {DEFAULT_LANGUAGES})",
    )
    parser.add_argument("--output", type=Path, default=Path("results"), metavar="DIR", help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON instead of a table")
    parser.add_argument("--shard", metavar="i/N", help="encode the i-th of N shares, and score nothing: job arrays")
    parser.add_argument(
        "--engine", choices=["inline", "ray"], default="inline", help="where to encode (default: %(default)s)"
    )
    parser.set_defaults(command="run")


def _add_train(parser: argparse.ArgumentParser) -> None:
    """Options that stand in TrainConfig have its names and no default: what is not given is the recipe's."""
    absent = argparse.SUPPRESS
    parser.add_argument("--recipe", default="default", metavar="NAME", help="or a TOML file (default: %(default)s)")
    parser.add_argument("--list-recipes", action="store_true", help="say what each recipe is for, and end")
    parser.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="any setting of a recipe, as in max_grad_norm=0.5, objective.divergence=kl",
    )
    what = parser.add_argument_group("models and languages")
    what.add_argument("--model", dest="student", default=absent, metavar="NAME", help="the encoder to train")
    what.add_argument("--teacher", default=absent, metavar="NAME", help="(default: the student as it starts)")
    what.add_argument("--prompt", dest="student_prompt", default=absent, metavar="TEXT", help="before each sentence")
    what.add_argument("--teacher-prompt", default=absent, metavar="TEXT", help="(default: the student's)")
    what.add_argument("--pair", dest="pairs", action="append", default=absent, metavar="en-ja", help="may be repeated")
    what.add_argument("--languages", nargs="+", default=absent, metavar="LANG", help="instead of --pair: en,fr,ja")
    what.add_argument(
        "--pair-scheme", dest="pair_scheme", choices=["en-xx", "all"], default=absent, help="of --languages"
    )
    what.add_argument(
        "--anchor-priority", nargs="+", default=absent, metavar="LANG", help="by priority (default: en,ru,ja,fr,ko)"
    )
    _add_train_data(parser)
    how = parser.add_argument_group("loss and loop")
    how.add_argument("--loss", choices=["soft-contrastive", "embedding-mse", "translation-ranking"], default=absent)
    how.add_argument("--label", dest="objective.label", choices=["priority", "average", "hard"], default=absent)
    how.add_argument("--tms", dest="objective.tms", action=argparse.BooleanOptionalAction, default=absent)
    how.add_argument(
        "--lambda", dest="objective.lambda_cross", type=float, default=absent, metavar="X", help="with --tms"
    )
    how.add_argument("--batch-size", type=int, default=absent, metavar="N", help="pairs, on each process")
    how.add_argument("--epochs", type=float, default=absent, metavar="N")
    how.add_argument("--max-steps", type=int, default=absent, metavar="N")
    how.add_argument("--learning-rate", type=float, default=absent, metavar="X")
    how.add_argument("--precision", choices=["auto", "fp32", "bf16", "fp16"], default=absent)
    how.add_argument("--seed", type=int, default=absent, metavar="N")
    how.add_argument("--report-to", metavar="NAME", help="tensorboard, wandb or another of the trainer's")
    out = parser.add_argument_group("checkpoint")
    out.add_argument("--output", type=Path, metavar="DIR", help="(default: checkpoints/<model>-<pairs>-<recipe>)")
    out.add_argument("--overwrite", action="store_true", help="begin anew where a checkpoint is")
    out.add_argument("--resume", action="store_true", help="go on with a run that was stopped or killed")
    out.add_argument("--evaluate", action="store_true", help="score it on --benchmarks, into results/ and on its card")
    out.add_argument("--push-to-hub", metavar="ORG/NAME", help="publish it; the repository is made before training")
    out.add_argument("--cache-folder", type=Path, metavar="DIR", help="embedding store, as run's")
    parser.set_defaults(command="train")


def _add_train_data(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data", metavar="DIR", help="with <corpus>/en-ja.tsv and the like, or hub:ORG/DATASET[@REVISION]"
    )
    data.add_argument(
        "--corpora", nargs="+", default=argparse.SUPPRESS, metavar="NAME[:WEIGHT]", help="(default: all in --data)"
    )
    data.add_argument(
        "--benchmarks",
        default="hub",
        metavar="SOURCE",
        help="the benchmarks, to compare training rows with and to --evaluate on, as run's --data",
    )
    data.add_argument(
        "--exclude-benchmarks",
        nargs="+",
        default=[],
        metavar="TASK",
        help="do not compare the rows with these; every result on them will say so",
    )
    data.add_argument(
        "--allow-contamination", action="store_true", help="train on rows of benchmarks; every result will say so"
    )


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="result files that bitext-bench run wrote")
    add_model_options(parser, on_file=True)
    parser.set_defaults(command="verify")


def _add_leaderboard(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="(default: %(default)s)")
    parser.add_argument("--format", choices=["markdown", "html", "latex", "csv", "json"], default="markdown")
    parser.add_argument(
        "--paper-table",
        type=int,
        choices=range(1, 7),
        metavar="N",
        help="a table of Park et al. 2024, 1 to 6, in its own shape, with the measured rows that belong to it",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="(default: leaderboard/README.md for markdown, the terminal for others and for --paper-table)",
    )
    parser.add_argument(
        "--data", metavar="SOURCE", help="with --format html: the results' data, to show the sentences that are missed"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if FILE is not what --results yields")
    parser.add_argument("--tasks", nargs="+", metavar="TASK", help="(default: all)")
    parser.add_argument("--languages", nargs="+", metavar="LANG", help=_LANGUAGES)
    parser.add_argument("--models", nargs="+", metavar="NAME", help="or parts of names (default: all)")
    parser.add_argument(
        "--sort",
        metavar="COLUMN",
        help="order the rows of every table that has it by model, mean, jpn-eng, tatoeba, speed, … (default: by rank)",
    )
    parser.set_defaults(command="leaderboard")


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="a result file of mteb, or a folder of them")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="(default: %(default)s)")
    parser.set_defaults(command="import_mteb")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", type=Path, nargs="?", default=Path("results"), help="a result file, or a folder (default: %(default)s)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("mteb-results"),
        metavar="DIR",
        help="where mteb.ResultCache finds them (default: %(default)s)",
    )
    parser.set_defaults(command="export_mteb")


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", nargs="+", metavar="MODEL", help="two or more: names in --results, or folders of it")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="(default: %(default)s)")
    parser.add_argument("--tasks", nargs="+", metavar="TASK", help="(default: all that two models have in common)")
    parser.add_argument("--languages", nargs="+", metavar="LANG", help=_LANGUAGES)
    errors = parser.add_argument_group("the sentences themselves")
    errors.add_argument(
        "--errors",
        action="store_true",
        help="of two models, what one finds and the other misses; of one, all it misses",
    )
    errors.add_argument("--data", metavar="SOURCE", help="the data that the results were made with (default: hub)")
    errors.add_argument("--format", choices=["table", "tsv", "html"], help="(default: table)")
    errors.add_argument("--output", type=Path, metavar="FILE", help="(default: the terminal)")
    parser.set_defaults(command="compare")
