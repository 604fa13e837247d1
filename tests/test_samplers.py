"""Batches of alike lengths and meanings: every row once, no sentence twice in one, and what is alike is together."""

from __future__ import annotations

from itertools import chain

import pytest
import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from training.trainer.samplers import LengthGroupedSampler, TopicAwareSampler


def sampler(rows: list[tuple[str, str]], size: int, *, drop_last: bool = False, seed: int = 0) -> LengthGroupedSampler:
    columns = {"source": [s for s, _ in rows], "target": [t for _, t in rows], "label": list(range(len(rows)))}
    generator = torch.Generator()
    return LengthGroupedSampler(Dataset.from_dict(columns), size, drop_last, ["label"], generator, seed)


def by_meaning(vectors: Tensor, size: int, labels: list[int] | list[list[int]], *, seed: int = 0) -> TopicAwareSampler:
    """Return a sampler of rows whose anchors have these of the vectors."""
    texts = [str(i) for i in range(len(labels))]
    dataset = Dataset.from_dict({"source": texts, "target": texts, "label": labels})
    settings = {"drop_last": False, "valid_label_columns": ["label"], "generator": torch.Generator(), "seed": seed}
    return TopicAwareSampler(dataset, vectors=functional.normalize(vectors, dim=1), batch_size=size, **settings)


words = st.sampled_from(["a", "bb", "ccc", "dd dd", "e e e e", "f", "g" * 30])


@given(st.lists(st.tuples(words, words), min_size=1, max_size=60), st.integers(1, 7), st.integers(0, 3))
def test_every_row_once_and_no_sentence_twice_in_a_batch(rows: list[tuple[str, str]], size: int, epoch: int) -> None:
    made = sampler(rows, size)
    made.set_epoch(epoch)
    batches = list(made)
    assert sorted(chain.from_iterable(batches)) == list(range(len(rows)))
    for batch in batches:
        assert 1 <= len(batch) <= size
        sentences = [text for row in batch for text in set(rows[row])]
        assert len(sentences) == len(set(sentences))
    assert list(made) == batches, "the same epoch again, as a run that goes on needs it"


def test_whole_batches_alone_where_the_last_is_dropped() -> None:
    rows = [(f"s{i}", f"t{i}") for i in range(11)]
    assert [len(batch) for batch in sampler(rows, 4, drop_last=True)] == [4, 4]
    assert sorted(len(batch) for batch in sampler(rows, 4)) == [3, 4, 4]


def test_lengths_are_alike_and_the_order_of_batches_is_not_theirs() -> None:
    rows = [(f"{i} " + "s" * (i % 50), f"{i} " + "t" * (i % 50)) for i in range(1_000)]
    batches = list(sampler(rows, 10))
    longest = [max(len(rows[row][0]) for row in batch) for batch in batches]
    padded = sum(n * len(batch) for n, batch in zip(longest, batches, strict=True))
    assert padded < 1.05 * sum(len(source) for source, _ in rows)
    assert longest != sorted(longest)


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    rows = [(f"s{i}", f"t{i}") for i in range(100)]
    first, other = sampler(rows, 10), sampler(rows, 10, seed=1)
    before = list(first)
    first.set_epoch(1)
    assert before != list(first)
    assert before != list(other)


@given(st.integers(1, 300), st.integers(1, 9), st.integers(0, 3))
def test_by_meaning_too_every_row_comes_once(rows: int, size: int, epoch: int) -> None:
    vectors = torch.randn(rows, 3, generator=torch.Generator().manual_seed(rows))
    made = by_meaning(vectors, size, list(range(rows)))
    made.set_epoch(epoch)
    batches = list(made)
    assert sorted(chain.from_iterable(batches)) == list(range(rows))
    assert all(len(batch) == size for batch in batches[:-1])
    assert list(made) == batches, "the same epoch again, as a run that goes on needs it"


@pytest.mark.parametrize("both_sides", [False, True])
def test_two_topics_are_never_in_one_batch(both_sides: bool) -> None:
    """Labels are rows of the vectors, in their own order; of both sides' the anchor's, here the even ones, counts."""
    vectors = torch.tensor([[1.0, 0.1], [0.0, 1.0], [-1.0, 0.1], [0.0, 1.0]])
    anchors = [0, 2] * 40
    made = by_meaning(vectors, 10, [[anchor, anchor + 1] for anchor in anchors] if both_sides else anchors)
    batches = list(made)
    assert len(batches) == 8
    assert all(len({row % 2 for row in batch}) == 1 for batch in batches)


def test_vectors_of_a_batch_are_near_each_other_and_batches_change_with_the_epoch() -> None:
    vectors = functional.normalize(torch.randn(3_000, 8, generator=torch.Generator().manual_seed(1)), dim=1)
    made = by_meaning(vectors, 10, list(range(3_000)))
    first = list(made)

    def nearness(batches: list[list[int]]) -> float:
        return float(torch.stack([(vectors[batch] @ vectors[batch].T).mean() for batch in batches]).mean())

    assert nearness(first) > 3 * nearness([list(range(i, i + 10)) for i in range(0, 3_000, 10)])
    made.set_epoch(1)
    assert list(made) != first
