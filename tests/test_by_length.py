"""Batches in parts of similar lengths: each row once, no padding that all rows share, the gradient of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.losses.by_length import join_sides, split_by_length, take_rows

LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=200)


def features_of(lengths: list[int], *, left: bool = False) -> dict[str, Any]:
    """Return the input of a batch: row i has the token i + 1, padded with 0."""
    width = max(lengths)
    mask = torch.tensor([[0] * (width - n) + [1] * n if left else [1] * n + [0] * (width - n) for n in lengths])
    return {
        "input_ids": mask * torch.arange(1, len(lengths) + 1)[:, None],
        "attention_mask": mask,
        "modality": "text",
        "prompt_length": torch.tensor(3),
    }


@given(lengths=LENGTHS, size=st.none() | st.integers(1, 50))
def test_every_row_is_in_one_part_and_lengths_ascend(lengths: list[int], size: int | None) -> None:
    parts = split_by_length(features_of(lengths), size)
    rows = torch.cat(parts)
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    found = [lengths[row] for row in rows.tolist()]
    assert found == sorted(found)
    assert max(map(len, parts)) <= (size or max(16, -(-len(lengths) // 4)))


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [(1, [1]), (16, [16]), (17, [16, 1]), (32, [16, 16]), (64, [16] * 4), (65, [17, 17, 17, 14]), (128, [32] * 4)],
)
def test_a_batch_has_at_most_four_parts_of_at_least_16_rows(rows: int, sizes: list[int]) -> None:
    assert [len(part) for part in split_by_length(features_of([5] * rows))] == sizes


@given(lengths=LENGTHS, left=st.booleans(), data=st.data())
def test_the_tokens_of_the_chosen_rows_are_kept(lengths: list[int], left: bool, data: st.DataObject) -> None:
    features = features_of(lengths, left=left)
    rows = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, unique=True))
    taken = take_rows(features, torch.tensor(rows))
    # Positions before the first token would shift those of the tokens.
    width = max(lengths) if left else max(lengths[row] for row in rows)
    assert taken["input_ids"].shape == taken["attention_mask"].shape == (len(rows), width)
    assert (taken["input_ids"] == (torch.tensor(rows)[:, None] + 1) * taken["attention_mask"]).all()
    assert taken["attention_mask"].sum(dim=1).tolist() == [lengths[row] for row in rows]
    assert taken["modality"] == "text" and taken["prompt_length"] == 3


@given(LENGTHS, LENGTHS)
def test_joined_sides_keep_their_rows(first: list[int], second: list[int]) -> None:
    joined = join_sides([features_of(first), features_of(second)], pad_token=7)
    assert joined is not None
    width = max(*first, *second)
    for at, side in ((0, first), (len(first), second)):
        rows = slice(at, at + len(side))
        ids, own = joined["input_ids"][rows], features_of(side)["input_ids"]
        assert (ids[:, : own.shape[1]] == own).all() and (ids[:, own.shape[1] :] == 7).all()
        assert joined["attention_mask"][rows].sum(dim=1).tolist() == side
    assert joined["input_ids"].shape == joined["attention_mask"].shape == (len(first) + len(second), width)
    assert joined["modality"] == "text"
    assert joined["prompt_length"] == 3


@pytest.mark.parametrize(
    "changed",
    [{"prompt_length": torch.tensor(4)}, {"prompt_length": torch.tensor([3, 4])}, {"modality": "image"}, {"more": 1}],
)
def test_sides_that_differ_in_more_than_their_texts_are_not_joined(changed: dict[str, Any]) -> None:
    features = features_of([2, 3])
    assert join_sides([features, {**features, **changed}], pad_token=0) is None


def test_a_student_without_a_mask_computes_each_side_whole(tiny_model: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    from training.losses.objective import Objective
    from training.losses.soft_contrastive import SoftContrastiveLoss

    tokenizer = Tokenizer.from_file(str(tiny_model / "tokenizer.json"))
    student = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)], device="cpu")
    sides = [dict(student.preprocess(texts)) for texts in (["the cat", "on"], ["a dog sat", "one"])]
    loss = SoftContrastiveLoss(student, Objective(label="hard"))(sides)
    loss.backward()
    assert loss.item() > 0


def test_the_gradient_is_that_of_the_whole_batch(tiny_model: Path) -> None:
    from sentence_transformers import SentenceTransformer

    from training.losses.objective import Objective
    from training.losses.soft_contrastive import SoftContrastiveLoss
    from training.losses.terms import BatchVectors, loss_terms, sum_parts

    student = SentenceTransformer(str(tiny_model), device="cpu").eval()
    texts = [" ".join(["the cat sat", "on"][i % 2] for _ in range(1 + 7 * i % 23)) + f" {i}" for i in range(50)]
    sides = [dict(student.preprocess(column)) for column in (texts, [text[::-1] for text in texts])]
    teacher = torch.nn.functional.normalize(torch.randn(50, 8, generator=torch.Generator().manual_seed(1)))
    objective = Objective(tms=True)

    def gradients(value: torch.Tensor) -> dict[str, torch.Tensor]:
        student.zero_grad()
        value.backward()
        return {name: p.grad.clone() for name, p in student.named_parameters() if p.grad is not None}

    source, target = (student(dict(side))["sentence_embedding"] for side in sides)
    whole = sum_parts(loss_terms(BatchVectors(source, target, source, target, teacher[:, None]), objective).parts())
    parts = SoftContrastiveLoss(student, objective)(sides, teacher)
    assert parts.item() == pytest.approx(whole.item(), rel=1e-6)
    expected = gradients(whole)
    assert len(expected) > 10
    for name, found in gradients(parts).items():
        torch.testing.assert_close(found, expected[name], rtol=1e-4, atol=1e-6, msg=name)
