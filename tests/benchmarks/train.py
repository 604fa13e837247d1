"""A training step, against sentence-transformers' own loss, a teacher in the loop, and batches with their padding."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from torch import Tensor, nn
from torch.nn import functional
from transformers import PrinterCallback, TrainerCallback

from bitext_bench.encoders import ModelOptions, resolve_model
from bitext_bench.languages import LangPair
from bitext_bench.scoring.bf16 import has_bf16_hardware
from training.config import TrainConfig, make_config
from training.data.corpora import PairRows, find_corpora, read_corpus
from training.losses.soft_contrastive import SoftContrastiveLoss
from training.recipe import read_recipe
from training.trainer.arguments import RunOptions, resolve_precision, trainer_arguments
from training.trainer.loss import make_loss
from training.trainer.models import Models, resolve_models
from training.trainer.rows import make_datasets, teacher_vectors
from training.trainer.samplers import TopicAwareSampler
from training.trainer.student import open_student

from .claims import Claim, Measured, Setup
from .processes import run_bitext_bench

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


def keep_padding(loss: Any) -> Any:
    """Make a soft contrastive loss compute its batches whole, with their padding."""
    loss._embed = lambda sides: [loss._forward(side) for side in sides]
    return loss


class PaddedTo512(nn.Module):
    """A loss with all sentences padded to 512 tokens, as in the authors' code."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = keep_padding(loss)

    def forward(self, sentence_features: Any, labels: Tensor | None = None) -> Tensor:
        padded = [
            {k: self._pad(v) if isinstance(v, Tensor) and v.ndim == 2 else v for k, v in features.items()}
            for features in sentence_features
        ]
        return self.loss(padded, labels)

    @staticmethod
    def _pad(tokens: Tensor) -> Tensor:
        return functional.pad(tokens, (0, 512 - tokens.shape[1]))


def step_seconds(
    config: TrainConfig, datasets: Any, make: Callable[[SentenceTransformer], nn.Module], sampler: Any = None
) -> list[float]:
    """Return the seconds of each step, without the first two."""
    student = open_student(config, resolve_model(config.student, ModelOptions()))
    student.max_seq_length = config.max_length
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        arguments = trainer_arguments(config, Path(scratch), RunOptions(), evaluated=False)
        arguments.save_strategy = "no"
        arguments.batch_sampler = sampler or arguments.batch_sampler
        trainer = SentenceTransformerTrainer(
            model=student, args=arguments, train_dataset=datasets, loss=make(student), callbacks=[watch]
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return watch.seconds[2:] or watch.seconds[-1:]


class Trainings:
    """Short trainings of the same student on the same rows. Each returns the median seconds of a step."""

    def __init__(self, config: TrainConfig, rows: PairRows, cache: Path) -> None:
        self.config = config
        models = Models.from_resolved(config, resolve_models(config, of_hub=False), cache)
        self._teacher = open_student(config, models.student)
        self._unlabeled = make_datasets(config, models, [rows], None)
        self._vectors, self._sets = {}, {}
        for label in ("priority", "average"):
            labeled = _with_label(config, label)
            self._vectors[label] = teacher_vectors(labeled, models, [rows])
            self._sets[label] = make_datasets(labeled, models, [rows], self._vectors[label])

    def cached(self, label: str = "priority", **changed: Any) -> float:
        """Train with the cached teacher and, if given, other settings."""
        config = replace(_with_label(self.config, label), **changed)
        return median(step_seconds(config, self._sets[label], lambda x: make_loss(config, x, self._vectors[label])))

    def padded(self, **changed: Any) -> float:
        config = replace(self.config, **changed)
        vectors = self._vectors["priority"]
        return median(
            step_seconds(config, self._sets["priority"], lambda x: PaddedTo512(make_loss(config, x, vectors)))
        )

    def peer(self) -> float:
        return median(step_seconds(self.config, self._unlabeled, MultipleNegativesRankingLoss))

    def in_loop(self, label: str) -> float:
        objective = _with_label(self.config, label).objective
        return median(
            step_seconds(
                self.config, self._unlabeled, lambda x: TeacherInLoop(SoftContrastiveLoss(x, objective), self._teacher)
            )
        )

    def in_topics(self, change: Callable[[Any], Any] = lambda loss: loss) -> float:
        """Train with `topic_aware_batches`; return the mean, because lengths differ between the batches of a pool."""
        vectors = self._vectors["priority"]
        sampler = partial(TopicAwareSampler, vectors=vectors.vectors)
        seconds = step_seconds(
            self.config, self._sets["priority"], lambda x: change(make_loss(self.config, x, vectors)), sampler
        )
        return fmean(seconds)


def _with_label(config: TrainConfig, label: str) -> TrainConfig:
    return replace(config, objective=replace(config.objective, label=label))


def measure(setup: Setup) -> Measured:
    yield _peak_memory(setup)
    fast = has_bf16_hardware()
    steps, rounds, batch = (2, 1, 8) if setup.quick else (6, 2, 32) if fast else (4, 1, 32)
    trainings = prepare(setup, steps, batch)
    precision = resolve_precision(trainings.config.precision)
    for what, longer, shorter, bound in (
        ("pairs/s / sentence-transformers' MNRL", trainings.peer, trainings.cached, 0.95),
        ("pairs/s without dropout / with", trainings.cached, partial(trainings.cached, dropout=0.0), 1.2),
        ("priority: teacher in the loop / cached", partial(trainings.in_loop, "priority"), trainings.cached, 1.12),
        (
            *("average: teacher in the loop / cached", partial(trainings.in_loop, "average")),
            *(partial(trainings.cached, "average"), 1.25),
        ),
    ):
        pairs = [(longer(), shorter()) for _ in range(rounds)]
        rates = [batch / median(seconds) for seconds in zip(*pairs, strict=True)]
        detail = f"({rates[1]:.0f} and {rates[0]:.0f} pairs/s, {precision})"
        yield Claim(what, median(a / b for a, b in pairs), bound, detail=detail)
    # 32 pairs of 512 tokens need more than 24 GB, so the ratio is measured at a quarter of the batch, for both.
    small = {"batch_size": batch // 4, "max_steps": 2}
    unpadded, padded = trainings.cached(**small), trainings.padded(**small)
    yield Claim("padded to 512 / ours", padded / unpadded, 8.0, detail=f"batch {batch // 4}")
    # A pool of one topic has four batches, from short to long: one or two pools, after two steps that are not timed.
    mixed = prepare(setup, 2 if setup.quick else 10 if fast else 6, 2 * batch, ())
    whole, parts = mixed.in_topics(keep_padding), mixed.in_topics()
    detail = f"(batch {2 * batch}, {whole:.1f} and {parts:.1f} s)"
    claim = Claim("topic-aware batches: whole / in parts by length", whole / parts, 1.1, detail=detail)
    yield setup.at_full_size(claim)


def prepare(setup: Setup, steps: int, batch_size: int, corpora: Sequence[str] = ("small_parallel_enja",)) -> Trainings:
    """Prepare trainings of the model in English and Japanese: on 500 rows of these corpora, or 1,000 of all."""
    settings = read_recipe("cpu-minutes") | {"pairs": ["en-ja"], "student": str(setup.model), "max_steps": steps}
    prompts = {"student_prompt": "query: ", "teacher_prompt": "query: ", "batch_size": batch_size}
    rows = english_japanese(setup.data, 500 if corpora else 1_000, corpora)
    return Trainings(make_config({**settings, **prompts}), rows, setup.scratch / "cache")


def english_japanese(data: Path, n: int, corpora: Sequence[str] = ("small_parallel_enja",)) -> PairRows:
    pair = LangPair.parse("en-ja")
    found = find_corpora(data / "train", pair, corpora)
    rows = [row for corpus in found for row in read_corpus(corpus)[: n // len(found)]]
    return PairRows(pair, [row.source for row in rows], [row.target for row in rows])


def _peak_memory(setup: Setup) -> Claim:
    arguments = [
        *("train", "--model", str(setup.model), "--prompt", "query: ", "--pair", "en-ja", "--set", "dev_size=100"),
        *("--data", str(setup.data / "train"), "--corpora", "small_parallel_enja", "--benchmarks", "mini"),
        *("--max-steps", "2" if setup.quick else "4", "--batch-size", "32", "--precision", "fp32"),
        *("--output", str(setup.scratch / "trained"), "--cache-folder", str(setup.scratch / "cache")),
    ]
    seconds, peak = run_bitext_bench(arguments)
    name, detail = "peak memory, batch 32, all weights, fp32, GB", f"(in {seconds:.0f} s)"
    return Claim(name, peak / 1e9, LIMIT_GB, at_least=False, detail=detail)
