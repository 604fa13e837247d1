"""An evaluator that scores a model during training with sentence-transformers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.evaluation import BaseEvaluator

from ..embedding.batching import TextGroup, encode_uncached
from ..encoders import Encoder, Prompts
from ..encoders.loaded import sentence_encoder
from ..errors import UserError
from ..io.terminal import say
from ..languages import DEFAULT_LANGUAGES
from ..results.evaluation import LoadedTask, load_available_tasks, missing_languages, prompt_of
from ..scoring.neighbors import Vectors
from ..tasks import SentenceSet, SubsetScores
from ..tasks.choices import parse_languages, parse_tasks
from .array_inputs import as_sentences
from .arrays import retrieval_accuracy, xsim
from .evaluate import open_data

Pair = tuple[Iterable[str], Iterable[str]]


class BitextEvaluator(BaseEvaluator):
    """Score a model during training, on lists of translations, on tasks, or on both.

    Pass it as `evaluator=` to SentenceTransformerTrainer. The scores appear in the trainer's log and in the model card.
    To keep the best checkpoint, set `load_best_model_at_end=True` and
    `metric_for_best_model=f"eval_{evaluator.primary_metric}"`.

    Score names start with `name` and "_". All scores are in [0, 1], correlations in [-1, 1].

    - For each pair of lists: "<pair>_accuracy" (mean of both directions, text match), "<pair>_accuracy_forward",
      "<pair>_accuracy_backward" and "<pair>_xsim" (lower is better).
    - For each subset of a task: "<task>_<subset>_<score>", with the main score of the task.
    - "score", the primary metric: the mean of the accuracies and the task means; higher is better. Error rates enter
      as 1 - rate.

    Args:
        pairs: (source sentences, target sentences), where sentence i translates sentence i; or a dict of such pairs.
        tasks: names from `bitext-bench list tasks`.
        languages: of the tasks, as in `evaluate`; None for en, fr, ja, ko and ru. Those without data are listed on
            stderr.
        data: of the tasks: "mini", the built-in set, which is fast enough for a training; a directory; or "hub".
        prompt: text prepended to each sentence; None for the model's own prompt.
        name: prefix of the score names.

    Raises:
        UserError: neither pairs nor tasks are given, languages or data are given without tasks, two lists differ in
            length, or data are missing or damaged.

    >>> evaluator = BitextEvaluator((["a red house", "two cats"], ["une maison rouge", "deux chats"]))
    >>> evaluator.primary_metric
    'bitext_score'
    """

    def __init__(
        self,
        pairs: Pair | Mapping[str, Pair] | None = None,
        tasks: Iterable[str] | str | None = None,
        languages: Iterable[str] | str | None = None,
        data: str | Path = "mini",
        prompt: str | None = None,
        name: str = "bitext",
    ) -> None:
        super().__init__()
        self._pairs = _pair_names(pairs)
        if not self._pairs and tasks is None:
            raise UserError("there is nothing to score: pass pairs, two lists of sentences, or tasks")
        if not isinstance(prompt, str | None):
            raise UserError(f"prompt is {prompt!r}: expected a string, or None for the model's own prompt")
        if not isinstance(name, str):
            raise UserError(f"name is {name!r}: expected a string")
        self._tasks: list[LoadedTask] = []
        if tasks is None and (languages is not None or data != "mini"):
            raise UserError("languages and data belong to tasks: pass tasks too, or leave them out")
        if tasks is not None:
            wanted = parse_languages(DEFAULT_LANGUAGES if languages is None else languages)
            self._tasks, _ = load_available_tasks(parse_tasks(tasks), open_data(data), wanted)
            for line in missing_languages(self._tasks, () if wanted is None or languages is None else wanted):
                say(f"left out: {line}")
        self._prompt, self.name = prompt, name
        self.primary_metric = f"{name}_score" if name else "score"

    def __call__(
        self, model: SentenceTransformer, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Return the scores by name. The model returns to its previous mode (training or evaluation) afterwards.

        Raises:
            UserError: `model` is not a SentenceTransformer.
        """
        if not isinstance(model, SentenceTransformer):
            raise UserError(
                f"the model is a {type(model).__name__}: BitextEvaluator expects a SentenceTransformer; "
                "bitext_bench.evaluate scores any object"
            )
        training = model.training
        try:
            scores = self._scores(model)
        finally:
            model.train(training)
        found: dict[str, float] = self.prefix_name_to_metrics(scores, self.name)
        self.store_metrics_in_model_card_data(model, found, epoch, steps)
        return found

    def _scores(self, model: SentenceTransformer) -> dict[str, float]:
        encoder, prompts = sentence_encoder(model)
        if self._prompt is not None:
            prompts = Prompts(self._prompt, self._prompt)
        scores, means = {}, []
        for name, sentences in self._pairs.items():
            x, y = (encode_uncached(encoder, TextGroup(tuple(side), None, prompts.bitext)) for side in sentences)
            accuracy = retrieval_accuracy(x, y, *sentences)
            scores[f"{name}_accuracy"] = float(accuracy)
            scores |= {f"{name}_accuracy_{way}": value for way, value in accuracy.details.items()}
            scores[f"{name}_xsim"] = float(xsim(x, y, y_texts=sentences[1]))
            means.append(float(accuracy))
        for item in self._tasks:
            values = []
            for subset in self._subsets(encoder, prompts, item):
                value = subset.scores[subset.main_score]
                scores[f"{item.task.name}_{subset.subset}_{subset.main_score}"] = (
                    float("nan") if value is None else value
                )
                values += [] if value is None else [1 - value if item.task.lower_is_better else value]
            means.append(float(np.mean(values)) if values else 0.0)
        return {"score": float(np.mean(means)), **scores}

    def _subsets(self, encoder: Encoder, prompts: Prompts, item: LoadedTask) -> list[SubsetScores]:
        prompt = prompt_of(prompts, item.task)
        vectors: dict[int, Vectors] = {}

        def encoded(side: SentenceSet) -> Vectors:
            if id(side) not in vectors:
                vectors[id(side)] = encode_uncached(encoder, TextGroup(side.sentences, side.language, prompt))
            return vectors[id(side)]

        return [subset for unit in item.units for subset in unit.score([encoded(side) for side in unit.sides])]

    def get_config_dict(self) -> dict[str, Any]:
        """Return the evaluator's settings for the model card."""
        return {"pairs": list(self._pairs), "tasks": [item.task.name for item in self._tasks], "prompt": self._prompt}


def _pair_names(pairs: Pair | Mapping[str, Pair] | None) -> dict[str, tuple[list[str], list[str]]]:
    if pairs is None:
        return {}
    named = pairs if isinstance(pairs, Mapping) else {"pair": pairs}
    return {name: _check_pair(name, pair) for name, pair in named.items()}


def _check_pair(name: str, pair: Pair) -> tuple[list[str], list[str]]:
    sides = list(pair) if isinstance(pair, Iterable) else []
    if len(sides) != 2 or any(isinstance(side, str) for side in sides):
        raise UserError(f"{name} is not a pair of lists: expected (source sentences, target sentences)")
    source, target = as_sentences(f"{name}: source", sides[0]), as_sentences(f"{name}: target", sides[1])
    if len(source) != len(target) or not source:
        raise UserError(
            f"{name} has {len(source):,} source and {len(target):,} target sentences: expected sentence i of "
            "one to translate sentence i of the other"
        )
    return source, target
