"""Documents: divided into sentences, with ids, without overlong sentences."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from builders import write
from hypothesis import given, settings
from hypothesis import strategies as st
from mining_material import corpora, lines, mine, report, rows

from bitext_bench.languages import resolve
from bitext_bench.mining.splitting import split_sentences

TESTS = Path(__file__).parent
EN_FR = ["--pair", "en-fr"]
TEXTS = ("score", "cosine", "source", "target")


def documents(folder: Path) -> dict[str, list[list[str]]]:
    """Write flat.* with a sentence on each line and documents.* with the same sentences; return the latter's."""
    found = {}
    for seed, (name, file) in enumerate(zip(("source", "target"), corpora(folder)[:2], strict=True)):
        sentences = [f"{line.capitalize()}." for line in file.read_text().splitlines() if line]
        draw, divided = random.Random(seed), []
        left = list(sentences)
        while left:
            n = draw.randrange(6)
            divided.append(left[:n])
            left = left[n:]
        write(folder / f"flat.{name}", sentences)
        write(folder / f"documents.{name}", [" ".join(one) for one in divided])
        write(folder / f"ids.{name}", [f"{name}/{at}\t{' '.join(one)}" for at, one in enumerate(divided)])
        found[name] = divided
    return found


def sides(folder: Path, kind: str) -> list[Path]:
    return [folder / f"{kind}.{name}" for name in ("source", "target")]


def texts(file: Path) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in TEXTS) for row in rows(file)]


def test_the_pairs_are_those_of_the_sentences_and_say_where_each_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written, out = documents(tmp_path), tmp_path / "out.tsv"
    assert mine(*sides(tmp_path, "flat"), "-o", tmp_path / "flat.tsv") == 0
    capsys.readouterr()
    assert mine(*sides(tmp_path, "ids"), "-o", out, "--split-sentences", "--ids", *EN_FR) == 0
    assert texts(out) == texts(tmp_path / "flat.tsv")
    said = capsys.readouterr().err
    for name, divided in written.items():
        first: dict[str, tuple[str, str, str]] = {}
        for at, one in enumerate(divided):
            for number, sentence in enumerate(one, start=1):
                first.setdefault(sentence, (f"{name}/{at}", str(at + 1), str(number)))
        for row in rows(out):
            place = (row[f"{name}_id"], row[f"{name}_line"], row[f"{name}_sentence"])
            assert place == first[row[name]]
        n, distinct = sum(map(len, divided)), len(first)
        assert f"{name}: {len(divided)} lines, {n} sentences, {distinct} distinct\n" in said
        assert report(out)[name] == {"lines": len(divided), "sentences": n, "different": distinct}


@pytest.mark.parametrize("search", ["exact", "approximate"])
def test_the_bytes_are_the_same_whatever_the_shards_and_shares(tmp_path: Path, search: str) -> None:
    documents(tmp_path)
    filters = ["--filters", "numbers,duplicates,near-duplicates", "--max-characters", "60", "--search", search]
    run = [*sides(tmp_path, "ids"), "--split-sentences", "--ids", *EN_FR, *filters, "--nprobe", "1000"]
    assert mine(*run, "-o", tmp_path / "one.tsv") == 0
    assert mine(*run, "-o", tmp_path / "many.tsv", "--shard-lines", 7) == 0
    for share in ("2/2", "1/2") * 8:
        assert mine(*run, "-o", tmp_path / "shared.tsv", "--shard-lines", 7, "--shard", share) == 0
    assert mine(*run, "-o", tmp_path / "shared.tsv", "--shard-lines", 7) == 0
    for end in ("", ".dropped.tsv"):
        found = {name: (tmp_path / f"{name}.tsv{end}").read_bytes() for name in ("one", "many", "shared")}
        assert found["one"] == found["many"] == found["shared"]
        assert found["one"].count(b"\n") > 10
    assert report(tmp_path / "one.tsv")["source"]["too_long"] > 5


def test_a_repeated_sentence_is_named_by_line_and_sentence(tmp_path: Path) -> None:
    texts = ["The cat sleeps here", "A dog runs over there", "The cat sleeps here!"]
    write(tmp_path / "a", [f"{texts[0]}. {texts[1]}.", texts[2]])
    write(tmp_path / "b", ["The cat sleeps here x.", "A dog runs over there. The cat sleeps here y."])
    run = [tmp_path / "a", tmp_path / "b", "--split-sentences", *EN_FR, "--filters", "duplicates"]
    assert mine(*run, "-o", tmp_path / "out.tsv") == 0
    (dropped,) = rows(tmp_path / "out.tsv.dropped.tsv")
    kept = next(row for row in rows(tmp_path / "out.tsv") if row["source"].startswith("The cat"))
    place = f"line {kept['source_line']}, sentence {kept['source_sentence']}"
    assert dropped["reason"] == f"source repeats {place}"


@pytest.mark.ray
def test_the_bytes_are_the_same_on_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{TESTS.parent}:{TESTS}")  # for the workers
    documents(tmp_path)
    filters = ["--filters", "numbers,duplicates,near-duplicates"]
    run = [*sides(tmp_path, "ids"), "--split-sentences", "--ids", *EN_FR, *filters, "--shard-lines", 20]
    assert mine(*run, "-o", tmp_path / "one.tsv") == 0
    assert mine(*run, "-o", tmp_path / "ray.tsv", "--engine", "ray") == 0
    for end in ("", ".dropped.tsv"):
        assert (tmp_path / f"one.tsv{end}").read_bytes() == (tmp_path / f"ray.tsv{end}").read_bytes()


@pytest.mark.slow
def test_a_killed_process_continues(tmp_path: Path) -> None:
    found = documents(tmp_path)
    filters = ["--filters", "numbers,duplicates,near-duplicates"]
    run = [*sides(tmp_path, "ids"), "--split-sentences", "--ids", *EN_FR, *filters, "--shard-lines", 20]
    assert mine(*run, "-o", tmp_path / "whole.tsv", "--cache-folder", tmp_path / "cache") == 0
    environment = {
        **os.environ,
        "PYTHONPATH": f"{TESTS.parent}:{TESTS}",
        "TOY_DIES": next(one[-1] for one in reversed(found["target"]) if one),
        "TOY_MARK": str(tmp_path / "mark"),
    }
    line = [sys.executable, "-m", "bitext_bench", "mine", *map(str, run), "-o", str(tmp_path / "killed.tsv")]
    status = [
        subprocess.run([*line, "--model", "toys:dying"], env=environment, capture_output=True, check=False).returncode
        for _ in range(2)
    ]
    assert status == [-signal.SIGKILL, 0]
    for end in ("", ".dropped.tsv"):
        assert (tmp_path / f"killed.tsv{end}").read_bytes() == (tmp_path / f"whole.tsv{end}").read_bytes()


def test_gold_has_ids_or_texts(tmp_path: Path) -> None:
    source, target, gold = corpora(tmp_path)
    write(tmp_path / "gold.lines", [f"{a}\t{b}" for a, b in gold])
    write(tmp_path / "gold.ids", [f"s-{a}\tt-{b}" for a, b in gold])
    for file, letter in ((source, "s"), (target, "t")):
        numbered = enumerate(file.read_text().splitlines(), start=1)
        write(tmp_path / f"{letter}.txt", [f"{letter}-{at}\t{line}" for at, line in numbered])
    best = ["--best-f1", "--gold-complete"]
    assert mine(source, target, "-o", tmp_path / "lines.tsv", *best, "--gold", tmp_path / "gold.lines") == 0
    with_ids = [tmp_path / "s.txt", tmp_path / "t.txt", "--ids", *best, "--gold", tmp_path / "gold.ids"]
    assert mine(*with_ids, "-o", tmp_path / "ids.tsv") == 0
    assert lines(tmp_path / "ids.tsv") == lines(tmp_path / "lines.tsv")
    assert report(tmp_path / "ids.tsv")["judged"] == report(tmp_path / "lines.tsv")["judged"]
    assert all(row["source_id"] == f"s-{row['source_line']}" for row in rows(tmp_path / "ids.tsv"))


def test_overlong_lines_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target, _ = corpora(tmp_path)
    content = source.read_text().splitlines()
    longest = sorted(map(len, content))[len(content) // 2]
    assert mine(source, target, "-o", tmp_path / "out.tsv", "--max-characters", longest) == 0
    found = report(tmp_path / "out.tsv")["source"]
    n = sum(len(line) > longest for line in content)
    assert (found["lines"], found["too_long"], found["blank"]) == (len(content), n, 1)
    assert found["different"] == len({line for line in content if line and len(line) <= longest})
    assert max(len(row["source"]) for row in rows(tmp_path / "out.tsv")) <= longest
    assert f"1 blank, {n} too long" in capsys.readouterr().err
    assert mine(source, target, "-o", tmp_path / "none.tsv", "--max-characters", 3) == 1
    assert "has no text of at most 3 characters: pass a higher --max-characters" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["00000.ids.txt", "first_sentence.npy"])
def test_damaged_files_are_written_again(damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents(tmp_path)
    out = tmp_path / "out.tsv"
    run = [*sides(tmp_path, "ids"), "-o", out, "--split-sentences", "--ids", *EN_FR]
    assert mine(*run) == 0
    expected = out.read_bytes()
    file = tmp_path / f"out.tsv.work/texts/target.{damage}"
    file.write_bytes(file.read_bytes()[:-3])
    assert mine(*run) == 0
    assert out.read_bytes() == expected and f"target.{damage} in" in capsys.readouterr().err


def test_parquet_and_tmx(tmp_path: Path) -> None:
    from pyarrow import parquet

    documents(tmp_path)
    run = [*sides(tmp_path, "ids"), "--split-sentences", "--ids", *EN_FR]
    assert mine(*run, "-o", tmp_path / "out.parquet") == 0
    table = parquet.read_table(tmp_path / "out.parquet")
    assert str(table.schema.field("source_sentence").type) == "int64"
    assert str(table.schema.field("target_id").type) == "string"
    assert mine(*run, "-o", tmp_path / "out.tmx") == 0
    name = table.column("source_id")[0].as_py()
    assert f'<prop type="x-source_id">{name}</prop>' in (tmp_path / "out.tmx").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--split-sentences"], "--split-sentences needs the languages of the texts: pass --pair, as in --pair fr-en"),
        (["--split-sentences", *EN_FR, "--score"], "--split-sentences is for mining: it cannot be used with --score"),
        (["--ids", "--score"], "--ids is for mining"),
        (["--max-characters", "9", "--score"], "--max-characters is for mining"),
        (["--selection", "greedy", "--score"], "--selection is for mining: it cannot be used with --score, which"),
        (["--search", "auto", "--score"], "--search is for mining"),
        (["--ids"], "flat.source:1: expected an id, a TAB and a text, found 'Word"),
        (
            ["--split-sentences", *EN_FR, "--best-f1", "--gold", "GOLD"],
            "has line numbers: with --split-sentences, expected two",
        ),
    ],
)
def test_refused(arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents(tmp_path)
    write(tmp_path / "gold", ["1\t1"])
    given = [tmp_path / "gold" if one == "GOLD" else one for one in arguments]
    assert mine(*sides(tmp_path, "flat"), "-o", tmp_path / "out.tsv", *given) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out.tsv").exists()


def test_vectors_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "a.npy", np.eye(3, dtype=np.float32))
    assert mine(tmp_path / "a.npy", tmp_path / "a.npy", "-o", tmp_path / "out.tsv", "--ids") == 1
    assert "--ids is for texts: it cannot be used with vectors" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("gold", "words"),
    [
        ("source/1\ttarget/999", "gold:1: the target side has no line with the id 'target/999'"),
        ("source/1\ttarget/0\nsource/twice\ttarget/1", "the source side has the id 'source/twice' in line"),
        ("source/blank\ttarget/1", "gold:1: the source side has no text in the line with the id 'source/blank'"),
    ],
)
def test_wrong_ids(gold: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = ["source/1\tA first one.", "source/twice\tA second.", "source/twice\tA third.", "source/blank\t", ""]
    write(tmp_path / "source", content)
    write(tmp_path / "target", [f"target/{at}\tText {at} here." for at in range(3)])
    write(tmp_path / "gold", gold.split("\n"))
    run = [tmp_path / "source", tmp_path / "target", "--ids", "-o", tmp_path / "out.tsv", "--gold", tmp_path / "gold"]
    assert mine(*run, "--best-f1", "--gold-complete") == 1
    assert words in capsys.readouterr().err


def test_another_reading_of_the_lines_is_another_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents(tmp_path)
    run = [*sides(tmp_path, "ids"), "-o", tmp_path / "out.tsv"]
    assert mine(*run, "--ids") == 0
    assert mine(*run, "--ids", "--split-sentences", *EN_FR) == 1
    assert "has another run, which differs in pair, split_sentences" in capsys.readouterr().err


def test_splitting() -> None:
    assert split_sentences("Hello Mr. Smith. How are you?  Fine.", resolve("en")) == [
        "Hello Mr. Smith.",
        "How are you?",
        "Fine.",
    ]
    assert split_sentences("Voir p. 12. Il pleut !", resolve("fr")) == ["Voir p. 12.", "Il pleut !"]
    assert split_sentences("猫が寝ている。犬も。", resolve("ja")) == ["猫が寝ている。", "犬も。"]
    assert split_sentences("यह एक है। यह दो है।", resolve("hi")) == ["यह एक है।", "यह दो है।"]
    assert split_sentences(" \t\u3000", resolve("en")) == []


def test_an_unpaired_quotation_mark_joins_few_sentences() -> None:
    sentences = [f"This is sentence number {at} of the text." for at in range(400)]
    sentences[3] = f'"{sentences[3]}'
    assert len(split_sentences(" ".join(sentences), resolve("en"))) > 370


@pytest.mark.parametrize("text", ["«" * 300_000, "a. " * 100_000, "x" * 300_000, '"a. ' * 75_000, "「" * 100_000])
def test_long_lines_take_linear_time(text: str) -> None:
    start = time.process_time()
    found = split_sentences(text, resolve("en"))
    assert time.process_time() - start < 10
    assert "".join("".join(found).split()) == "".join(text.split())


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet=".!?。！？»«\"'()[]: \u3000\u2028\x85\u00a0\u200b\u03011aAÉß漢가मा؟።💥\u200d", max_size=60),
    st.sampled_from(["en", "fr", "ja", "zh", "ar", "hi", "de", "sw", "my", "th", "ru", "am"]),
    st.integers(1, 80),
)
def test_no_text_is_lost(text: str, language: str, times: int) -> None:
    found = split_sentences(text * times, resolve(language))
    assert "".join("".join(found).split()) == "".join((text * times).split())
    assert all(sentence == sentence.strip() and sentence for sentence in found)


@pytest.mark.shared
def test_bucc_files_with_their_ids_and_as_documents(tmp_path: Path) -> None:
    stem = TESTS.parents[1] / "shared/data/bucc-style/fr-en/fr-en.sample"
    files = [stem.with_name(f"{stem.name}.{language}") for language in ("fr", "en")]
    gold = stem.with_name(f"{stem.name}.gold")
    common = ["--pair", "fr-en", "--cache-folder", tmp_path / "cache"]
    best = ["--best-f1", "--gold-complete", "--gold", gold]
    assert mine(*files, "-o", tmp_path / "lines.tsv", "--ids", *best, *common, model="muse") == 0
    known = {tuple(line.split("\t")) for line in gold.read_text().splitlines()}
    found = {(row["source_id"], row["target_id"]) for row in rows(tmp_path / "lines.tsv")}
    judged, n_right = report(tmp_path / "lines.tsv")["judged"], len(known & found)
    assert judged["precision"]["value"] == pytest.approx(n_right / len(found))
    assert judged["recall"]["value"] == pytest.approx(n_right / len(known))
    assert judged["f1"]["value"] > 0.93

    texts_of: dict[str, str] = {}
    for file in files:
        cells = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
        texts_of |= {name: text for name, text in cells}
        grouped = [" ".join(text for _, text in cells[at : at + 6]) for at in range(0, len(cells), 6)]
        write(tmp_path / file.name, [f"doc-{at}\t{text}" for at, text in enumerate(grouped)])
    run = [*(tmp_path / file.name for file in files), "--ids", "--split-sentences", *common]
    threshold = ["--threshold", report(tmp_path / "lines.tsv")["threshold"]]
    assert mine(*run, "-o", tmp_path / "documents.tsv", *threshold, model="muse") == 0
    divided = rows(tmp_path / "documents.tsv")
    sentences = {
        sentence
        for file in files
        for line in (tmp_path / file.name).read_text(encoding="utf-8").splitlines()
        for sentence in split_sentences(line.partition("\t")[2], resolve(file.suffix[1:]))
    }
    # Headlines have no mark at their end, so a few lines are not sentences.
    right = {pair for a, b in known if sentences >= {*(pair := (texts_of[a], texts_of[b]))}}
    assert len(right) >= 0.8 * len(known)
    assert sum((row["source"], row["target"]) in right for row in divided) >= 0.95 * len(right)
    numbers = {text: int(name.rpartition("-")[2]) for name, text in texts_of.items()}
    for row in divided:
        for side in ("source", "target"):
            if row[side] in numbers:
                assert row[f"{side}_id"] == f"doc-{(numbers[row[side]] - 1) // 6}"
