"""The losses against a slow float64 reference written from the equations, and their closed forms."""

from __future__ import annotations

from itertools import product
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn import functional

from training.losses.labels import cosines, soft_labels, teacher_similarities
from training.losses.objective import LABELS, Objective
from training.losses.soft_contrastive import SoftContrastiveLoss
from training.losses.terms import BatchVectors, contrastive_loss, soft_cross_entropy


def whole(source: Tensor, target: Tensor, teacher: Tensor) -> BatchVectors:
    return BatchVectors(source, target, source, target, teacher)


def vectors(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def reference(source: np.ndarray, target: np.ndarray, teacher: np.ndarray, o: Objective) -> float:
    """Equations 2 to 8 in loops, in float64, with the paper's column labels."""

    def cos(a: Any, b: Any) -> float:
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))

    n = len(source)
    indices = list(product(range(n), range(n)))

    def sim_g(i: int, j: int) -> float:
        if o.label == "priority":
            return cos(teacher[i, 0], teacher[j, 0]) / o.tau_teacher
        both = cos(teacher[i, 0], teacher[j, 0]) + cos(teacher[i, 1], teacher[j, 1])
        return both / 2 / o.tau_teacher

    def w(i: int, j: int) -> float:
        if o.label == "hard":
            return float(i == j)
        return np.exp(sim_g(i, j)) / sum(np.exp(sim_g(i, k)) for k in range(n))

    def sim(a: Any, b: Any) -> float:
        return cos(a, b) / o.tau_student

    def log_p(numerator: float, others: list[float]) -> float:
        return numerator - np.log(sum(np.exp(x) for x in others))

    def row(i: int, j: int) -> float:
        return log_p(sim(source[i], target[j]), [sim(source[i], target[k]) for k in range(n)])

    def column(rows: Any, columns: Any, i: int, j: int) -> float:
        return log_p(sim(rows[i], columns[j]), [sim(rows[k], columns[j]) for k in range(n)])

    def far(a: Any, b: Any) -> float:
        return float(((a / np.linalg.norm(a) - b / np.linalg.norm(b)) ** 2).sum())

    distilled = 0.0
    if o.distillation_weight:
        distilled = (
            o.distillation_weight * sum(far(side[i], teacher[i, 0]) for side in (source, target) for i in range(n)) / n
        )
    cross = -sum(w(i, j) * (row(i, j) + column(source, target, i, j)) for i, j in indices) / n
    if not o.tms:
        return cross + distilled
    mono = -sum(w(i, j) * (column(source, source, i, j) + column(target, target, i, j)) for i, j in indices) / n
    return o.lambda_cross * cross + mono + distilled


@pytest.mark.parametrize("label", LABELS)
def test_what_is_distilled_by_hand(label: Any) -> None:
    """A side that is where the teacher's anchor is adds 0, at a right angle 2, opposite to it 4."""
    quarter = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    anchor = vectors(5, 4, seed=3)
    turned = anchor @ torch.block_diag(quarter, quarter)
    teacher = torch.stack([anchor, vectors(5, 4, seed=4)], dim=1)
    for source, target, expected in ((anchor, 3 * anchor, 0.0), (anchor, -anchor, 4.0), (turned, -2 * anchor, 6.0)):
        batch = whole(source, target, teacher)
        without = contrastive_loss(batch, Objective(label=label))
        added = contrastive_loss(batch, Objective(label=label, distillation_weight=1.5)) - without
        assert float(added) == pytest.approx(1.5 * expected, abs=1e-12)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("tms", [False, True])
@pytest.mark.parametrize("taus", [(0.1, 0.1), (0.05, 0.3), (1.0, 0.02)])
def test_values_equal_the_equations(label: Any, tms: bool, taus: tuple[float, float]) -> None:
    source, target, teacher = vectors(7, 5), vectors(7, 5, seed=1), vectors(7, 2, 5, seed=2)
    objective = Objective(
        label=label, tms=tms, lambda_cross=0.3, tau_teacher=taus[0], tau_student=taus[1], distillation_weight=0.7
    )
    expected = reference(source.numpy(), target.numpy(), teacher.numpy(), objective)
    assert float(contrastive_loss(whole(source, target, teacher), objective)) == pytest.approx(expected, rel=1e-9)
    in_single = contrastive_loss(whole(source.float(), target.float(), teacher.float()), objective)
    assert float(in_single) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("tms", [False, True])
@pytest.mark.parametrize("distillation_weight", [0.0, 3.0])
def test_gradients_equal_finite_differences_of_the_equations(label: Any, tms: bool, distillation_weight: float) -> None:
    source, target, teacher = vectors(4, 3), vectors(4, 3, seed=1), vectors(4, 2, 3, seed=2)
    objective = Objective(label=label, tms=tms, distillation_weight=distillation_weight)
    source.requires_grad_()
    contrastive_loss(whole(source, target, teacher), objective).backward()
    assert source.grad is not None
    step = 1e-6
    for i, d in product(range(4), range(3)):
        values = []
        for sign in (1, -1):
            moved = source.detach().numpy().copy()
            moved[i, d] += sign * step
            values.append(reference(moved, target.numpy(), teacher.numpy(), objective))
        assert float(source.grad[i, d]) == pytest.approx((values[0] - values[1]) / (2 * step), abs=1e-6)


@pytest.mark.parametrize("label", LABELS)
def test_zero_vectors_give_log_n_for_each_direction(label: Any) -> None:
    zeros = torch.zeros(8, 4)
    objective = Objective(label=label)
    assert float(contrastive_loss(whole(zeros, zeros, vectors(8, 2, 4).float()), objective)) == pytest.approx(
        2 * log(8)
    )


def test_hard_labels_are_info_nce_exactly() -> None:
    source, target = vectors(6, 5), vectors(6, 5, seed=1)
    logits = cosines(source, target) / 0.1
    gold = torch.arange(6)
    expected = functional.cross_entropy(logits, gold) + functional.cross_entropy(logits.T, gold)
    found = contrastive_loss(whole(source, target, source.unsqueeze(1)), Objective(label="hard"))
    assert float(found) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("label", LABELS)
def test_the_order_of_the_batch_does_not_matter(label: Any) -> None:
    source, target, teacher = vectors(6, 5), vectors(6, 5, seed=1), vectors(6, 2, 5, seed=2)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    objective = Objective(label=label, tms=True)
    before = contrastive_loss(whole(source, target, teacher), objective)
    after = contrastive_loss(whole(source[order], target[order], teacher[order]), objective)
    assert float(before) == pytest.approx(float(after), rel=1e-12)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("columns", ["transposed", "renormalized"])
def test_shares_of_several_processes_average_to_the_whole(label: Any, columns: Any) -> None:
    objective = Objective(label=label, tms=True, column_labels=columns, distillation_weight=2.0)
    teacher = vectors(8, 2, 5, seed=2)
    source, target = vectors(8, 5).requires_grad_(), vectors(8, 5, seed=1).requires_grad_()
    alone = contrastive_loss(whole(source, target, teacher), objective)
    expected = torch.autograd.grad(alone, [source, target])
    shares = [
        contrastive_loss(
            BatchVectors(source[i : i + 4], target[i : i + 4], source, target, teacher, first=i), objective
        )
        for i in (0, 4)
    ]
    together = (shares[0] + shares[1]) / 2
    assert float(together.detach()) == pytest.approx(float(alone.detach()), rel=1e-12)
    for found, wanted in zip(torch.autograd.grad(together, [source, target]), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)


def authors_formula(student: Tensor, teacher: Tensor, tau: float) -> Tensor:
    """IMASCL: loss(S, P) + loss(S^T, P^T) with P = softmax over rows of the (transposed) teacher similarities / tau."""

    def one(s: Tensor, p: Tensor) -> Tensor:
        log_q = s / tau - torch.logsumexp(s / tau, dim=1, keepdim=True)
        weights = torch.exp(p / tau) / torch.exp(p / tau).sum(dim=1, keepdim=True)
        return -(weights * log_q).sum(dim=1).mean()

    return one(student, teacher) + one(student.T, teacher.T)


def test_the_authors_options_equal_their_formula() -> None:
    source, target, teacher = vectors(6, 5), vectors(6, 5, seed=1), vectors(6, 2, 5, seed=2)
    objective = Objective(column_labels="renormalized", symmetric_monolingual=True, tms=True, lambda_cross=1.0)
    p = cosines(teacher[:, 0], teacher[:, 0])
    expected = authors_formula(cosines(source, target), p, 0.1)
    for side in (source, target):
        expected = expected + authors_formula(cosines(side, side), p, 0.1)
    found = contrastive_loss(whole(source, target, teacher), objective)
    assert float(found) == pytest.approx(float(expected), rel=1e-12)
    mse = Objective(divergence="similarity-mse")
    s = cosines(source, target)
    assert float(contrastive_loss(whole(source, target, teacher), mse)) == pytest.approx(
        2 * float((((s - p) / 0.1) ** 2).mean()), rel=1e-12
    )


def test_kl_differs_from_cross_entropy_by_a_constant_and_jsd_is_bounded() -> None:
    teacher = vectors(6, 2, 5, seed=2)
    gradients, values = {}, {}
    for divergence in ("cross-entropy", "kl", "jsd"):
        source, target = vectors(6, 5).requires_grad_(), vectors(6, 5, seed=1)
        loss = contrastive_loss(whole(source, target, teacher), Objective(divergence=divergence))  # type: ignore[arg-type]
        (gradients[divergence],) = torch.autograd.grad(loss, [source])
        values[divergence] = float(loss.detach())
    torch.testing.assert_close(gradients["kl"], gradients["cross-entropy"])
    assert 0 < values["jsd"] < 2 * log(2)
    same = vectors(6, 5)
    equal = contrastive_loss(
        whole(same, same, same.unsqueeze(1)), Objective(divergence="jsd", column_labels="renormalized")
    )
    assert float(equal) == pytest.approx(0.0, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(1, 9),
    dimensions=st.integers(1, 8),
    tau=st.floats(0.005, 10.0),
    label=st.sampled_from(LABELS),
    tms=st.booleans(),
    divergence=st.sampled_from(["cross-entropy", "kl", "jsd", "similarity-mse"]),
)
def test_any_batch_dimension_and_temperature_is_finite(
    n: int, dimensions: int, tau: float, label: Any, tms: bool, divergence: Any
) -> None:
    source, target = vectors(n, dimensions).float().requires_grad_(), vectors(n, dimensions, seed=1).float()
    objective = Objective(label=label, tms=tms, tau_teacher=tau, tau_student=tau, divergence=divergence)
    loss = contrastive_loss(whole(source, target, vectors(n, 2, 3, seed=2).float()), objective)
    (gradient,) = torch.autograd.grad(loss, [source])
    assert torch.isfinite(loss) and torch.isfinite(gradient).all()


@pytest.mark.parametrize("tau", [0.0, -0.1, float("nan")])
@pytest.mark.parametrize("name", ["tau_teacher", "tau_student", "lambda_cross"])
def test_temperatures_and_lambda_must_be_positive(name: str, tau: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is .*: expected a number above 0"):
        Objective(**{name: tau})  # type: ignore[arg-type]


def test_a_weight_of_what_is_distilled_is_not_negative() -> None:
    with pytest.raises(ValueError, match=r"distillation_weight is -1\.0: expected a number, 0 or more"):
        Objective(distillation_weight=-1.0)


def test_label_rows_sum_to_one_and_sharpen_with_the_temperature() -> None:
    teacher = vectors(5, 1, 4)
    similarities = teacher_similarities("priority", teacher)
    for tau in (0.005, 0.1, 10.0):
        labels = soft_labels("priority", similarities, tau)
        torch.testing.assert_close(labels.sum(dim=1), torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close(soft_labels("priority", similarities, 0.001), torch.eye(5, dtype=torch.float64))


def test_average_needs_both_sides() -> None:
    with pytest.raises(ValueError, match="both sides"):
        teacher_similarities("average", vectors(3, 1, 4))


def test_soft_cross_entropy_by_hand() -> None:
    logits = torch.tensor([[0.0, log(3.0)]])
    assert float(soft_cross_entropy(logits, torch.tensor([[1.0, 0.0]]))) == pytest.approx(log(4))
    assert float(soft_cross_entropy(logits, torch.tensor([[0.5, 0.5]]))) == pytest.approx(log(4) - log(3) / 2)


@pytest.mark.parametrize(("label", "distillation_weight"), [*((label, 0.0) for label in LABELS), ("hard", 1.0)])
def test_a_teacher_model_gives_the_loss_of_its_vectors(
    label: Any, distillation_weight: float, tiny_model: Path
) -> None:
    student, teacher = (SentenceTransformer(str(tiny_model), device="cpu").eval() for _ in range(2))
    sides = [["the cat sat", "a red house", "two"], ["le chat", "la house", "three three"]]
    objective = Objective(label=label, distillation_weight=distillation_weight)
    with_model = SoftContrastiveLoss(student, objective, teacher)
    vectors = torch.stack([torch.from_numpy(teacher.encode(side)) for side in sides], dim=1)
    labels = vectors if label == "average" else vectors[:, 0]
    expected = SoftContrastiveLoss(student, objective)([student.tokenize(side) for side in sides], labels)
    found = with_model([student.tokenize(side) for side in sides])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    found.backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert len(list(with_model.parameters())) == len(list(student.parameters()))
