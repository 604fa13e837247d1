"""Options of `bitext-bench train`. Imports nothing slow.

Options for settings of `TrainConfig` have the name of the setting as `dest`. They have no default, since the recipe
provides the value.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .options import add_cache_folder

_ABSENT = argparse.SUPPRESS


def add_train(parser: argparse.ArgumentParser) -> None:
    """Add all options."""
    recipe = parser.add_argument_group("recipe")
    recipe.add_argument(
        "--recipe",
        default="default",
        metavar="NAME",
        help="initial settings: the name of a recipe, or a TOML file; options replace them (default: %(default)s)",
    )
    recipe.add_argument("--list-recipes", action="store_true", help="describe each recipe and exit")
    recipe.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="replace any setting of the recipe, like max_grad_norm=0.5 or objective.divergence=kl; may be repeated",
    )
    _add_models(parser.add_argument_group("models"))
    _add_languages(parser.add_argument_group("languages"))
    _add_data(parser.add_argument_group("data"))
    _add_loss(parser.add_argument_group("loss"))
    _add_loop(parser.add_argument_group("training loop"))
    _add_checkpoint(parser.add_argument_group("checkpoint"))


def _add_models(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model", dest="student", default=_ABSENT, metavar="NAME", help="encoder to train, as --model of run"
    )
    group.add_argument(
        "--teacher",
        default=_ABSENT,
        metavar="NAME",
        help="encoder whose similarities are the labels (default: the initial --model)",
    )
    group.add_argument(
        "--prompt",
        dest="student_prompt",
        default=_ABSENT,
        metavar="TEXT",
        help="text prepended to each sentence; stored in the checkpoint (default: the recipe's, or none)",
    )
    group.add_argument(
        "--teacher-prompt",
        default=_ABSENT,
        metavar="TEXT",
        help="text prepended to each sentence for the teacher (default: --prompt)",
    )


def _add_languages(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--pair",
        dest="pairs",
        action="append",
        default=_ABSENT,
        metavar="en-ja",
        help="language pair to train on; may be repeated",
    )
    group.add_argument(
        "--languages",
        nargs="+",
        default=_ABSENT,
        metavar="LANG",
        help="languages to combine into pairs, instead of --pair, like en,fr,ja",
    )
    group.add_argument(
        "--pair-scheme",
        choices=["en-xx", "all"],
        default=_ABSENT,
        help="how --languages are paired: English (see --anchor-priority) with each of the others, or all with all "
        "(default: the recipe's, or en-xx)",
    )
    group.add_argument(
        "--anchor-priority",
        nargs="+",
        default=_ABSENT,
        metavar="LANG",
        help="languages by priority: the first one in a pair is its anchor, whose similarities become the labels; "
        "--pair-scheme en-xx pairs the first language of the list with each of --languages (default: en,ru,ja,fr,ko)",
    )


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data",
        nargs="+",
        metavar="DIR",
        help="training data: directories with files like <corpus>/en-ja.tsv, or hub:ORG/DATASET[@REVISION]",
    )
    group.add_argument(
        "--corpora",
        nargs="+",
        default=_ABSENT,
        metavar="NAME[:WEIGHT]",
        help="corpora to use; weight 2 takes each row twice, 0.5 takes half of them (default: all in --data)",
    )
    group.add_argument(
        "--benchmarks",
        default="hub",
        metavar="SOURCE",
        help="benchmark data, as --data of run: training rows with a benchmark sentence are left out, and --evaluate "
        "scores on these data (default: %(default)s)",
    )
    group.add_argument(
        "--exclude-benchmarks",
        nargs="+",
        default=[],
        metavar="TASK",
        help="tasks that training rows are not compared with; results on them say contamination:unchecked "
        "(default: none)",
    )
    group.add_argument(
        "--allow-contamination",
        action="store_true",
        help="keep training rows with a benchmark sentence; every result of the checkpoint says so",
    )


def _add_loss(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--loss",
        choices=["soft-contrastive", "embedding-mse", "translation-ranking"],
        default=_ABSENT,
        help="loss to minimize (default: the recipe's, or soft-contrastive)",
    )
    group.add_argument(
        "--label",
        dest="objective.label",
        choices=["priority", "average", "hard"],
        default=_ABSENT,
        help="labels of the soft contrastive loss: the teacher's similarities between the anchor sentences, their "
        "average over both languages, or 1 for translations and 0 otherwise (default: the recipe's, or priority)",
    )
    group.add_argument(
        "--tms",
        dest="objective.tms",
        action=argparse.BooleanOptionalAction,
        default=_ABSENT,
        help="also compare sentences within each language, the paper's TMS (default: the recipe's, or --no-tms)",
    )
    group.add_argument(
        "--lambda",
        dest="objective.lambda_cross",
        type=float,
        default=_ABSENT,
        metavar="X",
        help="weight of the cross-lingual terms with --tms (default: the recipe's, or 0.1)",
    )


def _add_loop(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--batch-size",
        type=int,
        default=_ABSENT,
        metavar="N",
        help="pairs in a batch on each process (default: the recipe's, or 32)",
    )
    group.add_argument(
        "--epochs", type=float, default=_ABSENT, metavar="N", help="passes over the data (default: the recipe's, or 1)"
    )
    group.add_argument(
        "--max-steps",
        type=int,
        default=_ABSENT,
        metavar="N",
        help="stop after this many steps (default: the recipe's, or no limit)",
    )
    group.add_argument(
        "--learning-rate",
        type=float,
        default=_ABSENT,
        metavar="X",
        help="peak learning rate of AdamW (default: the recipe's, or 3e-5)",
    )
    group.add_argument(
        "--lora",
        dest="lora_rank",
        type=int,
        default=_ABSENT,
        metavar="RANK",
        help="train only matrices of this rank beside each linear layer; they are merged into the saved weights "
        "(default: the recipe's, or all weights)",
    )
    group.add_argument(
        "--device",
        choices=["cpu", "cuda", "mps"],
        help="where to train; CUDA_VISIBLE_DEVICES chooses between GPUs (default: a GPU if there is one)",
    )
    group.add_argument(
        "--precision",
        choices=["auto", "fp32", "bf16", "fp16"],
        default=_ABSENT,
        help="number format of the forward and backward pass; auto takes bf16 if the hardware supports it "
        "(default: the recipe's, or fp32)",
    )
    group.add_argument(
        "--seed",
        type=int,
        default=_ABSENT,
        metavar="N",
        help="seed of the held-out rows, the order of the batches and dropout (default: the recipe's, or 42)",
    )
    group.add_argument(
        "--report-to", metavar="NAME", help="also log to tensorboard, wandb or another logger of transformers"
    )


def _add_checkpoint(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="directory for the checkpoint (default: checkpoints/<model>-<pairs>-<recipe>)",
    )
    group.add_argument("--overwrite", action="store_true", help="replace the checkpoint in --output and train again")
    group.add_argument("--resume", action="store_true", help="continue a run that was stopped or killed")
    group.add_argument(
        "--evaluate",
        action="store_true",
        help="score the checkpoint on --benchmarks; scores are written to results/ and the model card",
    )
    group.add_argument(
        "--push-to-hub", metavar="ORG/NAME", help="publish the checkpoint in this repository, created before training"
    )
    add_cache_folder(group)
