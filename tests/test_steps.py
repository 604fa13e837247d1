"""What the steps of training are drawn from, and what each loss does in one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from builders import WORDS

pytestmark = pytest.mark.usefixtures("one_thread_throughout")


def drawn_sizes(sizes: list[int], **settings: Any) -> list[int]:
    """Return how many rows of each pair are drawn, each as often as the others, give or take 1."""
    from bitext_bench.languages import LangPair
    from training.config import make_config
    from training.data.corpora import PairRows
    from training.trainer.rows import draw_rows

    pairs = ["en-fr", "en-ja", "en-ko"][: len(sizes)]
    config = make_config({"student": "x", "pairs": pairs, **settings})
    texts = [[f"{pair} {i}" for i in range(n)] for pair, n in zip(pairs, sizes, strict=True)]
    data = [PairRows(LangPair.parse(p), text, [f"t {x}" for x in text]) for p, text in zip(pairs, texts, strict=True)]
    drawn = draw_rows(data, config, processes=1)
    assert drawn == draw_rows(data, config, processes=1)
    for item, text in zip(drawn, texts, strict=True):
        assert item.target == [f"t {x}" for x in item.source]
        times = [item.source.count(x) for x in text]
        assert max(times) - min(times) <= 1
    return [len(item.source) for item in drawn]


@pytest.mark.parametrize(
    ("sizes", "settings", "expected"),
    [
        ([300, 100], {}, [300, 100]),
        ([300], {"sampling_temperature": 7.0}, [300]),
        ([300, 100], {"sampling_temperature": 2.0}, [254, 146]),  # the roots are as 17.32 to 10, of 400
        ([300, 100], {"sampling_temperature": 1e9}, [200, 200]),  # each of the smaller one twice
        ([810, 90, 90], {"sampling_temperature": 2.0}, [594, 198, 198]),  # 9 : 3 : 3
        ([300, 100], {"max_steps": 50, "batch_size": 4}, [160, 54]),  # 1.05 * 200 + 4 = 214, 3 to 1
        ([300, 100], {"max_steps": 1000, "batch_size": 4}, [300, 100]),  # no more than there are
        ([1000, 10], {"max_steps": 5, "batch_size": 8}, [50, 8]),  # a batch of each at least
    ],
)
def test_rows_are_drawn_by_size_or_flatter(sizes: list[int], settings: dict[str, Any], expected: list[int]) -> None:
    assert drawn_sizes(sizes, **settings) == pytest.approx(expected, abs=1)


SOURCES = [f"the {w} sat on a {v}" for w, v in zip(WORDS[2:10], WORDS[5:13], strict=True)]
TARGETS = [f"le {v} la {w} chat" for w, v in zip(WORDS[2:10], WORDS[6:14], strict=True)]


@dataclass(frozen=True)
class Step:
    """A loss on one batch of a student without dropout, and what a reference needs."""

    student: Any
    loss: Any
    features: list[Any]
    labels: Any

    def value(self) -> float:
        return float(self.loss(self.features, self.labels).detach())

    def sides(self) -> list[Any]:
        return [self.student(dict(features))["sentence_embedding"].detach() for features in self.features]

    def gradients(self) -> dict[str, Any]:
        """Return the gradient of each of the student's weights that has one."""
        self.student.zero_grad()
        self.loss(self.features, self.labels).backward()
        found = {name: p.grad.clone() for name, p in self.student.named_parameters() if p.grad is not None}
        assert len(found) > 10
        return found


def step(model: Path, *columns: list[str], teacher: Any = None, labels: Any = None, **settings: Any) -> Step:
    from bitext_bench.encoders import ModelOptions, resolve_model
    from bitext_bench.languages import LangPair
    from training.config import make_config
    from training.trainer.loss import make_loss
    from training.trainer.student import open_student
    from training.trainer.teacher import TeacherVectors

    config = make_config({"student": str(model), "pairs": ["en-fr"], **settings})
    student = open_student(config, resolve_model(config.student, ModelOptions()))
    rows = TeacherVectors(teacher, {LangPair.parse("en-fr"): []}) if teacher is not None else None
    loss = make_loss(config, student, rows)
    features = [student.preprocess(texts) for texts in (SOURCES, TARGETS, *columns)]
    student.eval()
    return Step(student, loss, features, labels)


def teacher_vectors(dimensions: int) -> Any:
    """Return more rows than the batch has, whose order is not that of the batch."""
    import torch

    return torch.nn.functional.normalize(torch.randn(20, dimensions, generator=torch.Generator().manual_seed(1)))


ROWS = [3, 19, 0, 7, 7, 11, 2, 5]


def test_embedding_mse_draws_both_sides_to_the_teachers_anchor(tiny_model: Path) -> None:
    """Reimers and Gurevych 2020, equation 1, as the mean over rows, sides and dimensions."""
    import torch

    teacher = teacher_vectors(32)
    it = step(tiny_model, teacher=teacher, labels=torch.tensor(ROWS), loss="embedding-mse")
    source, target = it.sides()
    wanted = teacher[ROWS]
    expected = ((source - wanted) ** 2).mean() / 2 + ((target - wanted) ** 2).mean() / 2
    assert it.value() == pytest.approx(float(expected), rel=1e-5)
    assert not [p for name, p in it.loss.named_parameters() if "model" not in name], "no projection is needed"


def test_embedding_mse_projects_the_student_where_dimensions_differ(tiny_model: Path) -> None:
    import torch

    teacher = teacher_vectors(48)
    it = step(tiny_model, teacher=teacher, labels=torch.tensor(ROWS), loss="embedding-mse")
    (layer,) = [m for m in it.loss.modules() if isinstance(m, torch.nn.Linear) and m.out_features == 48]
    source, target = (layer(side).detach() for side in it.sides())
    expected = ((source - teacher[ROWS]) ** 2).mean() / 2 + ((target - teacher[ROWS]) ** 2).mean() / 2
    assert it.value() == pytest.approx(float(expected), rel=1e-5)
    it.gradients()
    assert layer.weight.grad is not None, "it is trained with the student"


@pytest.mark.parametrize("tau", [0.1, 0.02])
def test_ranking_is_cross_entropy_within_the_batch_in_both_directions(tiny_model: Path, tau: float) -> None:
    import torch

    it = step(tiny_model, loss="translation-ranking", objective={"tau_student": tau})
    source, target = it.sides()
    logits = torch.nn.functional.cosine_similarity(source[:, None], target[None], dim=2) / tau
    forward = -sum(logits[i, i] - logits[i].logsumexp(0) for i in range(8)) / 8
    backward = -sum(logits[i, i] - logits[:, i].logsumexp(0) for i in range(8)) / 8
    assert it.value() == pytest.approx(float(forward + backward) / 2, rel=1e-5)


def test_ranking_takes_hard_negatives_beside_the_batch(tiny_model: Path) -> None:
    import torch

    negatives = [f"two {w} not under {w}" for w in WORDS[4:12]], [f"one {w} ran la" for w in WORDS[1:9]]
    it = step(tiny_model, *negatives, loss="translation-ranking", num_hard_negatives=2)
    source, target, *others = it.sides()
    candidates = torch.cat([target, *others])
    logits = torch.nn.functional.cosine_similarity(source[:, None], candidates[None], dim=2) / 0.1
    forward = -sum(logits[i, i] - logits[i].logsumexp(0) for i in range(8)) / 8
    # Back from the targets there are the sources alone: a negative has no source of its own.
    backward = -sum(logits[i, i] - logits[:, i].logsumexp(0) for i in range(8)) / 8
    assert it.value() == pytest.approx(float(forward + backward) / 2, rel=1e-5)


def test_soft_labels_are_of_the_rows_that_the_label_column_names(tiny_model: Path) -> None:
    import torch

    teacher = teacher_vectors(48)
    it = step(tiny_model, teacher=teacher, labels=torch.tensor(ROWS), objective={"tau_teacher": 0.2})
    source, target = it.sides()
    labels = (teacher[ROWS] @ teacher[ROWS].T / 0.2).softmax(dim=1)
    logits = torch.nn.functional.cosine_similarity(source[:, None], target[None], dim=2) / 0.1
    expected = -(labels * logits.log_softmax(dim=1)).sum(1).mean() - (labels * logits.log_softmax(dim=0)).sum() / 8
    assert it.value() == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("mini_batch_size", [1, 3, 8, 100])
@pytest.mark.parametrize("label", ["priority", "average", "hard"])
def test_mini_batches_give_the_gradient_of_the_whole_batch(tiny_model: Path, label: str, mini_batch_size: int) -> None:
    import torch

    labels = torch.tensor(ROWS if label != "average" else [[row, row // 2] for row in ROWS])
    settings = {"teacher": teacher_vectors(48), "labels": labels, "objective": {"label": label, "tms": True}}
    whole_batch, parts = (step(tiny_model, **settings, mini_batch_size=size) for size in (None, mini_batch_size))
    assert parts.value() == pytest.approx(whole_batch.value(), rel=1e-6)
    for (name, found), expected in zip(parts.gradients().items(), whole_batch.gradients().values(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6, msg=name)
