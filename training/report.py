"""What a training run says on stderr about its data and its end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from bitext_bench.tasks import find_task, is_built_in

from .config import TrainConfig
from .environment import say_first
from .pipeline import PreparedData
from .trainer.models import Models

if TYPE_CHECKING:
    from .trainer.train import Trained


def say_data(prepared: PreparedData) -> None:
    """Report the rows of each corpus, and what they were not compared with."""
    for line in [*map(str, prepared.corpora), *(f"note: {note}" for note in prepared.notes)]:
        say_first(line)
    if all(map(is_built_in, map(find_task, prepared.checked.tasks))):
        say_first("warning: the rows were compared with the built-in set only: pass --benchmarks DIR")
    elif prepared.missing:
        say_first(f"note: the rows were not compared with {', '.join(prepared.missing)}; results on these will say so")
    rows = sum(report.contaminated for report in prepared.corpora)
    if rows and prepared.contaminated_kept:
        benchmarks = ", ".join(Counter(prepared.contaminated))
        say_first(f"warning: training uses {rows:,} contaminated rows; every result will say so ({benchmarks[:200]})")


def say_prompt(config: TrainConfig, models: Models) -> None:
    """Note that training uses another prompt than the student's own."""
    own = models.student.prompts.bitext
    if own != config.student_prompt:
        say_first(
            f"note: the prompt of {config.student} is {own!r}, but training uses {config.student_prompt!r}; "
            "see --prompt"
        )


def say_unused(config: TrainConfig) -> None:
    """Warn of settings of the objective that change nothing."""
    if unused := config.objective.without_effect(config.loss):
        with_which = f"--loss {config.loss}" if config.loss != "soft-contrastive" else "these labels and without --tms"
        say_first(f"warning: {', '.join(unused)} {'has' if len(unused) == 1 else 'have'} no effect with {with_which}")


def say_end(output: Path, trained: Trained) -> None:
    """Report the best evaluation and the directory of the checkpoint."""
    if trained.curve:
        best = max((look for look in trained.curve if look["step"]), key=lambda look: look["dev_accuracy"])
        # A run that an earlier version began has no evaluation of the initial model.
        initial = [look["dev_accuracy"] for look in trained.curve if not look["step"]]
        say_first(
            f"best accuracy on held-out rows: {100 * best['dev_accuracy']:.2f} %, at step {best['step']:,.0f}"
            + (f" (the initial model: {100 * initial[0]:.2f} %)" if initial else "")
        )
        if initial and best["dev_accuracy"] < initial[0]:
            say_first("warning: the initial model is better on held-out rows: lower --learning-rate, or check the data")
    if trained.interpolated:
        say_first(f"after interpolation with the initial weights: {100 * trained.interpolated['dev_accuracy']:.2f} %")
    say_first(f"checkpoint in {output}; score it: bitext-bench run --model {output}")
