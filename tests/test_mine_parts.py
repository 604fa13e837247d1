"""The parts of `mine` against slow references: repeated lines, the k best, shares, sizes, cells."""

from __future__ import annotations

from itertools import pairwise, repeat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitext_bench.embedding.sharding import Share
from bitext_bench.errors import UserError
from bitext_bench.mining.budget import Budget, format_bytes, peak_memory
from bitext_bench.mining.cells import n_cells
from bitext_bench.mining.inputs import read_lines, read_rows
from bitext_bench.mining.plan import Plan, SearchMethod, WorkUnit
from bitext_bench.mining.ranking import TopCandidates, pair_cosines, rescore
from bitext_bench.mining.sides import CorpusSide, SideFiles, group_by_shard, read_texts, split_side
from bitext_bench.scoring.mined_pairs import RowPairs, precision_point, select
from bitext_bench.scoring.neighbors import normalize


@pytest.mark.parametrize("shard_lines", [1, 3, 100])
@given(lines=st.lists(st.sampled_from(["a", "b", " a", "", "  ", "\u2028", "long " * 9, "x\ty"]), min_size=1))
def test_repeated_and_blank_lines(tmp_path_factory: pytest.TempPathFactory, lines: list[str], shard_lines: int) -> None:
    files = SideFiles(tmp_path_factory.mktemp("side"), "source")
    different = list(dict.fromkeys(line for line in [*lines, "planted"] if line.strip()))
    found = split_side(files, lambda: iter(lines), ["planted"], shard_lines)
    assert found == (len(different), len(lines), sum(not line.strip() for line in lines), 1)
    assert read_texts(files, np.arange(len(different)), shard_lines) == different
    first = np.load(files.line_of_row)
    assert [[*lines, "planted"][line - 1] for line in first] == different
    assert [[*lines, "planted"].index(text) + 1 for text in different] == first.tolist()
    rows = np.load(files.row_of_line)
    assert [None if row < 0 else different[row] for row in rows] == [
        line if line.strip() else None for line in [*lines, "planted"]
    ]


def test_rows_come_by_shard() -> None:
    rows = np.array([7, 0, 12, 5, 1])
    assert [(shard, rows[at].tolist()) for shard, at in group_by_shard(rows, 5)] == [
        (0, [0, 1]),
        (1, [7, 5]),
        (2, [12]),
    ]
    assert list(group_by_shard(rows[:0], 5)) == []


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 9))
def test_the_best_of_blocks_are_the_best_of_all_lowest_first(n: int, k: int, block: int) -> None:
    cosines = np.random.default_rng(n).integers(0, 4, (3, n)).astype(np.float32) / 4
    best = TopCandidates(3, k)
    for first in range(0, n, block):
        part = cosines[:, first : first + block]
        best.merge(slice(None), np.broadcast_to(np.arange(first, first + part.shape[1]), part.shape), part)
    for row in range(3):
        expected = sorted(range(n), key=lambda i: (-cosines[row, i], i))[:k]
        assert best.indices[row].tolist() == expected + [-1] * (k - len(expected))


def test_exact_cosines_do_not_depend_on_the_cut() -> None:
    generator = np.random.default_rng(0)
    queries, other = normalize(generator.standard_normal((30, 48))), normalize(generator.standard_normal((50, 48)))
    candidates = np.stack([generator.permutation(50)[:9] for _ in range(30)])
    candidates[3, 4] = -1
    whole, *cut = [
        rescore(queries, candidates, lambda n, size=size: other[n * size : (n + 1) * size], size, 5)
        for size in (50, 7, 16)
    ]
    for part in cut:
        np.testing.assert_array_equal(part.indices, whole.indices)
        np.testing.assert_array_equal(part.cosines, whole.cosines)
    for row, found in enumerate(whole.indices):
        mine = [i for i in candidates[row] if i >= 0]
        assert found.tolist() == sorted(mine, key=lambda i: -float(queries[row].astype(float) @ other[i]))[:5]
    np.testing.assert_allclose(
        pair_cosines(queries, np.arange(9), other, np.arange(9)), (queries @ other.T)[range(9), range(9)], atol=1e-6
    )


@given(st.integers(1, 9), st.integers(0, 40))
def test_shares_are_a_partition(n: int, n_units: int) -> None:
    units = [WorkUnit("encode", "source", i) for i in range(n_units)]
    shares = [Share.parse(f"{i}/{n}").select(units) for i in range(1, n + 1)]
    assert sorted((u for share in shares for u in share), key=lambda u: u.number) == units
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "1/0", "1", "a/b", "-1/2", "1/2/3", "²/3"])
def test_no_shares(text: str) -> None:
    with pytest.raises(UserError, match="expected i/N"):
        Share.parse(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4G", 4 << 30), ("1.5g", 3 << 29), ("900M", 900 << 20), ("2GiB", 2 << 30), ("700mb", 700 << 20), ("1024", 1024)],
)
def test_sizes(text: str, size: int) -> None:
    assert Budget.parse(text).bytes == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "4 apples", "1e9"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(UserError, match="expected a size such as 4G"):
        Budget.parse(text)


def plan(rows: int, search: SearchMethod, shard_lines: int, folder: Path) -> Plan:
    sides = [CorpusSide(name, rows, rows) for name in ("source", "target")]
    return Plan(
        root=folder,
        source=sides[0],
        target=sides[1],
        shard_lines=shard_lines,
        search=search,
        model=None,
        pair=None,
        probes=8,
    )


def least_memory(run: Plan, dimensions: int | None) -> int:
    """Return the megabytes that a run asks for."""
    with pytest.raises(UserError, match=r"pass at least --max-memory \d+M") as caught:
        Budget(1).check(run, dimensions)
    return int(str(caught.value).split()[-1].removesuffix("M"))


def test_the_memory_that_is_asked_for_is_enough_and_no_more(tmp_path: Path) -> None:
    for search in ("exact", "approximate"):
        needed = [least_memory(plan(rows, search, 32_768, tmp_path), 384) for rows in (10**4, 10**5, 10**6, 10**7)]
        assert all(low < high for low, high in pairwise(needed))
    million = plan(10**6, "approximate", Budget.parse("4G").shard_lines((0, 0), None), tmp_path)
    Budget.parse(f"{least_memory(million, None)}M").check(million)
    with pytest.raises(UserError, match="is too little"):
        Budget.parse(f"{least_memory(million, None) - 1}M").check(million)
    assert Budget.parse("4G").shard_lines((0, 0), None) == 65_536
    assert (format_bytes(3 << 30), format_bytes(5 << 20)) == ("3.00G", "5M")
    peak = peak_memory()
    assert peak is None or 10 << 20 < peak < 1 << 40


@pytest.mark.parametrize("dimensions", [None, 64, 384, 768])
@pytest.mark.parametrize("rows", [1_000, 50_000, 300_000])
def test_shards_are_as_short_as_the_memory_wants(tmp_path: Path, rows: int, dimensions: int | None) -> None:
    for memory in ("1300M", "2G", "4G", "16G"):
        lines = Budget.parse(memory).shard_lines((rows, rows), dimensions)
        for search in ("exact", "approximate"):
            Budget.parse(memory).check(plan(rows, search, lines, tmp_path), dimensions)
            if search == "exact" and 4 * lines <= rows <= 50_000:
                with pytest.raises(UserError, match="is too little"):
                    Budget.parse(memory).check(plan(rows, search, 4 * lines, tmp_path), dimensions)


def test_lines_beyond_the_memory_are_refused_while_they_are_read(tmp_path: Path) -> None:
    endless = Budget.parse("641M").limit_lines(repeat("a"), tmp_path / "endless.txt")
    with pytest.raises(
        UserError, match=r"endless.txt:6554: --max-memory 641M is enough for 6,553 lines on each side; pass at least"
    ):
        for _ in endless:
            pass
    sentences = Budget.parse("641M").limit_lines(repeat("a"), tmp_path / "endless.txt", split=True)
    with pytest.raises(UserError, match=r"endless.txt: --max-memory 641M is enough for 6,553 sentences on each side"):
        for _ in sentences:
            pass


def test_the_stages_of_a_plan(tmp_path: Path) -> None:
    exact = plan(10, "exact", 4, tmp_path)
    assert [len(stage) for stage in exact.stages] == [6, 3, 3]
    assert [exact.shard_rows("source", n) for n in range(3)] == [4, 4, 2]
    assert [len(stage) for stage in plan(10, "approximate", 4, tmp_path).stages] == [6, 2, 6, 6, 6, 2]


def test_cells_grow_with_the_square_root() -> None:
    assert [n_cells(n) for n in (1, 100, 10_000, 1_000_000, 10**11)] == [1, 2, 200, 2_000, 65_536]


def test_rows_of_a_file_of_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plain").write_text("a\tb\tc\nd\te\n")
    (tmp_path / "named").write_text("score\ttarget\tsource\n1\ty\tx\n")
    assert list(read_rows(tmp_path / "plain")) == [(1, "a", "b"), (2, "d", "e")]
    assert list(read_rows(tmp_path / "named")) == [(2, "x", "y")]
    (tmp_path / "more").write_text("a\tb\t0.5\td\ne\tf\t0.6\tg\n")
    capsys.readouterr()
    assert list(read_rows(tmp_path / "more")) == list(read_rows(tmp_path / "more")) == [(1, "a", "b"), (2, "e", "f")]
    assert (
        capsys.readouterr().err
        == f"bitext-bench: note: {tmp_path / 'more'} has 4 columns; only the first two are read\n"
    )
    (tmp_path / "short").write_text("a\tb\nc\n")
    with pytest.raises(UserError, match="short:2: expected source TAB target"):
        list(read_rows(tmp_path / "short"))


def test_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes("\ufeffone\r\ntwo\u2028still\x85two\n\nfour\rfour".encode())
    assert list(read_lines(file)) == ["one", "two\u2028still\x85two", "", "four\rfour"]
    file.write_bytes(b"a\n" + b"x" * 3_000_000)
    with pytest.raises(UserError, match="x:2: longer than a megabyte"):
        list(read_lines(file))


def pairs(*rows: tuple[int, int, float]) -> RowPairs:
    source, target, scores = zip(*rows, strict=True)
    return RowPairs(np.array(source), np.array(target), np.array(scores))


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("greedy", [(0, 1), (1, 0)]),
        ("forward", [(0, 1), (2, 1), (1, 0)]),
        ("backward", [(0, 1), (0, 0)]),
        ("union", [(0, 1), (0, 0), (2, 1), (1, 0)]),
        ("intersection", [(0, 1)]),
    ],
)
def test_selections(selection: str, expected: list[tuple[int, int]]) -> None:
    forward = pairs((0, 1, 3.0), (1, 0, 1.0), (2, 1, 1.5))
    backward = pairs((0, 0, 2.0), (0, 1, 3.0))
    found = select(forward, backward, selection)  # type: ignore[arg-type]
    assert list(zip(found.source, found.target, strict=True)) == expected


@pytest.mark.parametrize(
    ("precision", "threshold"), [(1.0, 0.8), (0.75, 0.6), (0.7, 0.6), (0.6, 0.4), (0.5, 0.3), (0.99, 0.8)]
)
def test_the_lowest_threshold_that_is_precise_enough(precision: float, threshold: float) -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.4, 0.3])
    correct = np.array([True, True, False, True, False, False])
    cut = precision_point(scores, correct, 4, precision)
    assert cut is not None and cut.threshold == threshold and cut.precision >= precision


def test_just_enough_is_enough() -> None:
    """0.55 * 100 is more than 55 in floating point."""
    correct = np.arange(100) < 55
    cut = precision_point(np.arange(100, 0, -1.0), correct, 60, 0.55)
    assert cut is not None and cut.threshold == 1.0


def test_no_threshold_is_precise_enough() -> None:
    assert precision_point(np.array([0.9, 0.9, 0.1]), np.array([True, False, False]), 1, 0.9) is None
