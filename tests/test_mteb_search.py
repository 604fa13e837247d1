"""`bitext-bench list models --mteb` and `list tasks --mteb`: search by word, size and language."""

from __future__ import annotations

import re

import pytest

from bitext_bench.cli.main import main
from bitext_bench.encoders import parse_size
from bitext_bench.encoders.mteb_registry import all_records


def search(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    """Return the rows of the table by the model's id."""
    assert main(["list", "models", "--mteb", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split("  ")[0]: line for line in lines[2:-1]}
    assert lines[-1] == ("1 model" if len(rows) == 1 else f"{len(rows)} models")
    return rows


def test_all_words_must_occur(capsys: pytest.CaptureFixture[str]) -> None:
    rows = search(capsys, "E5", "instruct")
    assert "intfloat/multilingual-e5-large-instruct" in rows
    assert all("e5" in name.lower() for name in rows)
    assert search(capsys, "uaewrapper").keys() == {"WhereIsAI/UAE-Large-V1"}  # the name of a loader


def test_models_that_have_no_sentence_vectors_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    rows = search(capsys)
    assert rows.keys() == {record.name for record in all_records().values() if not record.unusable()}
    assert len(rows) > 600
    assert not {"BAAI/bge-reranker-v2-m3", "facebook/dinov2-base", "colbert-ir/colbertv2.0"} & rows.keys()


def test_size_and_languages(capsys: pytest.CaptureFixture[str]) -> None:
    rows = search(capsys, "--max-size", "120M", "--languages", "ko", "sw")
    assert "intfloat/multilingual-e5-small" in rows
    assert "BAAI/bge-m3" not in rows
    for name in rows:
        meta = all_records()[name.casefold()].meta
        assert meta.n_parameters <= 120_000_000
        assert {"kor", "swa"} <= {code[:3].replace("swh", "swa") for code in meta.languages}
    sizes = [all_records()[name.casefold()].parameters for name in rows]
    assert sizes == sorted(sizes)


def test_a_row_says_what_runs_the_model_and_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    rows = search(capsys)
    assert " bitext-bench " in rows["intfloat/multilingual-e5-large-instruct"]
    assert " OPENAI_API_KEY, mteb[openai] " in rows["openai/text-embedding-3-small"]
    assert "  image  mteb  " in re.sub(" {3,}", "  ", rows["openai/clip-vit-base-patch16"])
    assert "  video  mteb  " in re.sub(" {3,}", "  ", rows["OpenGVLab/InternVideo2-CLIP-1B-224p-f8"])
    assert " mteb[modernbert], --trust-remote-code " in rows["nomic-ai/modernbert-embed-base"]


@pytest.mark.parametrize(("text", "size"), [("7", 7), ("600M", 600_000_000), ("1.5b", 1_500_000_000), ("30k", 30_000)])
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["models", "--mteb", "no-such-word"], "no text encoder in mteb's registry fits"),
        (["models", "--mteb", "--max-size", "big"], "the size 'big' is not a number of parameters: expected"),
        (["models", "--mteb", "--languages", "klingonese"], "klingonese"),
        (["models", "--max-size", "1B"], "add --mteb"),
        (["tasks", "--languages", "ko"], "add --mteb"),
        (["tasks", "--mteb", "--max-size", "1B"], "write list models --mteb"),
        (["languages", "--mteb"], "list models and list tasks"),
        (["tasks", "--mteb", "no-such-word"], "no task of bitext mining or STS in mteb's registry fits"),
    ],
)
def test_bad_input_gets_one_line(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("bitext-bench: error: ")
    assert line in error
    assert error.count("\n") == 1


def test_tasks_by_word_and_language(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "tasks", "--mteb", "ntrex"]) == 0
    header, _, row, count = capsys.readouterr().out.splitlines()
    assert header.split() == ["task", "kind", "splits", "subsets", "languages", "rows", "data", "set", "notes"]
    assert row.split() == ["NTREXBitextMining", "N-way", "test", "1,916", "121", "1,997", "mteb/NTREXBitextMining"]
    assert count == "1 task"
    assert main(["list", "tasks", "--mteb", "--languages", "ko", "--mteb"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:-1]]
    assert {"FloresBitextMining", "KLUE-STS", "NTREXBitextMining", "Tatoeba"} < set(names)
    assert "AFQMC" not in names


def test_a_name_that_two_tasks_have_and_a_newer_version_are_noted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "tasks", "--mteb"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()[2:]}
    assert len(rows) - 1 == 86
    assert rows["STS12"].endswith("write mteb:STS12 (STS12 is bitext-bench's task)")
    assert "superseded by BUCC.v2" in rows["BUCC"]
