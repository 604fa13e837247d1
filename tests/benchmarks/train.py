"""A training step, against sentence-transformers' own loss, a teacher in the loop, and padding to 512 tokens."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from torch import Tensor, nn
from torch.nn import functional
from transformers import PrinterCallback, TrainerCallback

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.languages import LangPair
from training.config import TrainConfig, make_config
from training.data.corpora import PairRows, find_corpora, read_corpus
from training.losses.soft_contrastive import SoftContrastiveLoss
from training.recipe import read_recipe
from training.trainer.arguments import RunOptions, trainer_arguments
from training.trainer.loss import make_loss
from training.trainer.models import Models, resolve_models
from training.trainer.rows import make_datasets, teacher_vectors
from training.trainer.student import open_student

from .claims import Claim

ROUNDS = 3
# 32 pairs of 512 tokens need more than 24 GB, so the ratio is measured at a smaller batch, for both.
PADDED_BATCH = 8
LIMIT_GB = 6


class Stopwatch(TrainerCallback):
    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._start = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.seconds.append(time.perf_counter() - self._start)


class TeacherInLoop(nn.Module):
    """The soft contrastive loss, with the teacher encoding every batch as in the authors' code."""

    def __init__(self, loss: SoftContrastiveLoss, teacher: SentenceTransformer) -> None:
        super().__init__()
        self.loss = loss
        self._teacher = [teacher.eval()]  # a list hides it from the parameters to train

    def forward(self, sentence_features: Any, labels: Tensor | None = None) -> Tensor:
        features = list(sentence_features)
        sides = features if self.loss.objective.label == "average" else features[:1]
        with torch.no_grad():
            vectors = [self._teacher[0](dict(side))["sentence_embedding"].float() for side in sides]
        return self.loss(features, torch.stack(vectors, dim=1))


class PaddedTo512(nn.Module):
    """A loss with all sentences padded to 512 tokens, as in the authors' code."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, sentence_features: Any, labels: Tensor | None = None) -> Tensor:
        padded = [
            {k: self._pad(v) if isinstance(v, Tensor) and v.ndim == 2 else v for k, v in features.items()}
            for features in sentence_features
        ]
        return self.loss(padded, labels)

    @staticmethod
    def _pad(tokens: Tensor) -> Tensor:
        return functional.pad(tokens, (0, 512 - tokens.shape[1]))


def step_seconds(config: TrainConfig, datasets: Any, make: Callable[[SentenceTransformer], nn.Module]) -> float:
    """Return the median seconds of a step, without the first two."""
    student = open_student(config, resolve_model(config.student, ModelOptions()))
    student.max_seq_length = config.max_length
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        arguments = trainer_arguments(config, Path(scratch), RunOptions(), evaluated=False)
        arguments.save_strategy = "no"
        trainer = SentenceTransformerTrainer(
            model=student, args=arguments, train_dataset=datasets, loss=make(student), callbacks=[watch]
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return median(watch.seconds[2:]) if len(watch.seconds) > 2 else watch.seconds[-1]


def measure(data: Path, model_folder: Path, scratch: Path) -> list[Claim]:
    gigabytes = peak_memory(data, model_folder, scratch)  # first, because a child inherits its parent's peak
    settings = read_recipe("cpu-minutes") | {"pairs": ["en-ja"], "student": str(model_folder), "max_steps": 10}
    prompts = {"student_prompt": "query: ", "teacher_prompt": "query: "}
    config = make_config({**settings, **prompts})
    rows = english_japanese(data, 2_000)
    models = Models.from_resolved(config, resolve_models(config, of_hub=False), scratch / "cache")
    teachers, sets = {}, {}
    for label in ("priority", "average"):
        labeled = replace(config, objective=replace(config.objective, label=label))
        teachers[label] = teacher_vectors(labeled, models, [rows])
        sets[label] = make_datasets(labeled, models, [rows], teachers[label])
    teacher = open_student(config, models.student)

    def cached(label: str) -> float:
        labeled = replace(config, objective=replace(config.objective, label=label))
        return step_seconds(labeled, sets[label], lambda student: make_loss(labeled, student, teachers[label]))

    def undropped() -> float:
        without = replace(config, dropout=0.0)
        return step_seconds(
            without, sets["priority"], lambda student: make_loss(without, student, teachers["priority"])
        )

    def in_loop(label: str) -> float:
        objective = replace(config.objective, label=label)
        return step_seconds(
            config, unlabeled, lambda student: TeacherInLoop(SoftContrastiveLoss(student, objective), teacher)
        )

    unlabeled = make_datasets(config, models, [rows], None)
    ratios: dict[str, list[float]] = {"peer": [], "dropout": [], "priority": [], "average": []}
    rates = []
    for _ in range(ROUNDS):
        ours = cached("priority")
        rates.append(config.batch_size / ours)
        ratios["peer"].append(step_seconds(config, unlabeled, MultipleNegativesRankingLoss) / ours)
        ratios["dropout"].append(ours / undropped())
        ratios["priority"].append(in_loop("priority") / ours)
        ratios["average"].append(in_loop("average") / cached("average"))
    small = replace(config, batch_size=PADDED_BATCH, max_steps=4)
    unpadded = step_seconds(small, sets["priority"], lambda student: make_loss(small, student, teachers["priority"]))
    padded = step_seconds(
        small, sets["priority"], lambda student: PaddedTo512(make_loss(small, student, teachers["priority"]))
    )
    detail = f"{median(rates):.0f} pairs/s"
    return [
        Claim("pairs/s / sentence-transformers' MNRL", median(ratios["peer"]), 0.95, detail=detail),
        Claim("pairs/s without dropout / with", median(ratios["dropout"]), 1.2),
        Claim("priority: teacher in the loop / cached", median(ratios["priority"]), 1.12),
        Claim("average: teacher in the loop / cached", median(ratios["average"]), 1.25),
        Claim("padded to 512 / ours", padded / unpadded, 8.0, detail=f"batch {PADDED_BATCH}"),
        Claim("peak memory, batch 32, all weights, fp32, GB", gigabytes, LIMIT_GB, at_least=False),
    ]


def english_japanese(data: Path, n: int) -> PairRows:
    pair = LangPair.parse("en-ja")
    (corpus,) = find_corpora(data / "train", pair, ["small_parallel_enja"])
    rows = read_corpus(corpus)[:n]
    return PairRows(pair, [row.source for row in rows], [row.target for row in rows])


def peak_memory(data: Path, model_folder: Path, scratch: Path) -> float:
    command = [
        *(sys.executable, "-m", "bitext_bench", "train", "--model", str(model_folder), "--prompt", "query: "),
        *("--pair", "en-ja", "--data", str(data / "train"), "--corpora", "small_parallel_enja", "--benchmarks", "mini"),
        *("--max-steps", "4", "--batch-size", "32", "--precision", "fp32", "--output", str(scratch / "trained")),
        *("--cache-folder", str(scratch / "cache"), "--set", "dev_size=100"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
