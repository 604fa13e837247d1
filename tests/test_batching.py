"""Batches of alike lengths: every row once, no sentence twice in a batch, and less padding than at random."""

from __future__ import annotations

from itertools import chain

import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from training.batching import AlikeLengths


def sampler(rows: list[tuple[str, str]], size: int, *, drop_last: bool = False, seed: int = 0) -> AlikeLengths:
    columns = {"source": [s for s, _ in rows], "target": [t for _, t in rows], "label": list(range(len(rows)))}
    generator = torch.Generator()
    return AlikeLengths(Dataset.from_dict(columns), size, drop_last, ["label"], generator, seed)


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
