"""`train`: turn parsed arguments into a run."""

from __future__ import annotations

import argparse
import tomllib
from dataclasses import fields
from typing import Any

from training.command import TrainRequest, run_training
from training.config import TrainConfig, make_config
from training.data.sources import read_sources
from training.recipe import read_recipe

from ..errors import UserError

_LISTS = {"pairs", "languages", "anchor_priority", "corpora", "decontamination_languages"}


def train(arguments: argparse.Namespace) -> int:
    """Train a checkpoint. Return 130 or 143 if a signal stopped it, 0 otherwise."""
    if arguments.data is None:
        raise UserError("no training data: pass --data with a directory of files like <corpus>/en-ja.tsv")
    request = TrainRequest(
        data=arguments.data,
        recipe=arguments.recipe,
        sources=read_sources(arguments.recipe),
        benchmarks=arguments.benchmarks,
        exclude_benchmarks=arguments.exclude_benchmarks,
        allow_contamination=arguments.allow_contamination,
        output=arguments.output,
        overwrite=arguments.overwrite,
        resume=arguments.resume,
        evaluate=arguments.evaluate,
        push_to_hub=arguments.push_to_hub,
        report_to=arguments.report_to,
        device=arguments.device,
        cache=arguments.cache_folder,
    )
    config = make_config(read_recipe(arguments.recipe), changed_settings(arguments))
    stopped_by = run_training(config, request).stopped_by
    return 128 + stopped_by if stopped_by else 0


def changed_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings on the command line, which replace those of the recipe.

    Raises:
        UserError: --set is not NAME=VALUE, or two options exclude each other.
    """
    given = vars(arguments)
    changes: dict[str, Any] = {field.name: given[field.name] for field in fields(TrainConfig) if field.name in given}
    objective = {k.removeprefix("objective."): v for k, v in given.items() if k.startswith("objective.")}
    if {"pairs", "languages"} <= changes.keys():
        raise UserError("--pair and --languages exclude each other: pass the pairs, or the languages to pair")
    for name in _LISTS & changes.keys():
        changes[name] = [word for text in changes[name] for word in text.split(",") if word]
    for text in arguments.set or []:
        name, equals, value = text.partition("=")
        if name == "objective":
            raise UserError(f"--set {text}: expected one setting of the objective, like objective.tau_teacher=0.05")
        try:
            parsed = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parsed = value  # A bare word is a string.
        if not equals or not name:
            raise UserError(f"--set {text}: expected NAME=VALUE, like max_grad_norm=0.5 or objective.divergence=kl")
        table = objective if name.startswith("objective.") else changes
        table[name.removeprefix("objective.")] = parsed
    if "epochs" in changes:
        changes.setdefault("max_steps", None)  # otherwise the recipe's limit would still end the run
    if "student_prompt" in changes:
        changes.setdefault("teacher_prompt", changes["student_prompt"])
    return {**changes, "objective": objective}
