"""A tiny copy of each data set of mteb's bitext and STS tasks: real layouts and revisions, and made-up sentences."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]

N = 24
# The languages of each task with many subsets; the others are built whole.
LANGUAGES = {
    "BibleNLPBitextMining": "en aai aak fr",
    "BUCC": "de fr",
    "FloresBitextMining": "en ko sw",
    "IN22ConvBitextMining": "en brx gom",
    "IN22GenBitextMining": "en hi mni_Mtei",
    "IndicGenBenchFloresBitextMining": "en bn boy",
    "IWSLT2017BitextMining": "en ko",
    "NTREXBitextMining": "de en srp_Latn sw",
    "NusaTranslationBitextMining": "id abs bew",
    "NusaXBitextMining": "en ace min",
    "STS17": "ko en ar",
    "STS22": "en de pl",
    "STS22.v2": "en de pl",
    "STSBenchmarkMultilingualSTS": "en fr",
    "Tatoeba": "ko fr",
    "WebFAQBitextMiningQAs": "en da nb ja ko",
    "WebFAQBitextMiningQuestions": "en da nb ja ko",
}


def sentence(code: str, meaning: int) -> str:
    """Made-up text; `mteb_equality.vector` reads its meaning from the number."""
    return f"{code} sentence {meaning}"


def meanings(n: int = N) -> list[int]:
    """Meanings of N rows, of which some are repeated on both sides, as in real data."""
    return [*range(n - 3), 0, 1, 1]


def pairs(subset: str, columns: tuple[str, str] = ("sentence1", "sentence2"), first: str = "a") -> Rows:
    """Pairs of sentences. Row 2 has a second translation in the last row but one, so the pairs are not one to one."""
    rows = [{columns[0]: sentence(f"{subset} {first}", m), columns[1]: sentence(f"{subset} b", m)} for m in meanings()]
    rows[-2] = {columns[0]: rows[2][columns[0]], columns[1]: sentence(f"{subset} c", 2)}
    return rows


def rated(
    subset: str, low: float, high: float, names: tuple[str, str, str] = ("sentence1", "sentence2", "score")
) -> Rows:
    random.seed(subset)
    values = [low + (high - low) * step / 4 for step in range(5)]
    rows = []
    for i in range(N):
        other = i if i % 3 else (i + 5) % N
        first, second = sentence(f"{subset} x", i), sentence(f"{subset} y", other)
        rows.append({names[0]: first, names[1]: second, names[2]: random.choice(values)})
    return rows


Files = dict[str, Rows]  # path -> rows
Configs = dict[str, dict[str, str]]  # configuration -> split -> path


def put(folder: Path, files: Files, configs: Configs) -> None:
    """Write the files of a data set, as JSONL, and its card."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, rows in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    lines = ["---", "configs:"]
    for name, splits in configs.items():
        lines += [f"- config_name: {name}", "  data_files:"]
        lines += [line for split, path in splits.items() for line in (f"  - split: {split}", f"    path: {path}")]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]), encoding="utf-8")


def each_config(rows: Mapping[str, Rows], splits: Sequence[str]) -> tuple[Files, Configs]:
    """A configuration for each subset, with one file for each split."""
    files = {f"{name}/{split}.jsonl": subset for name, subset in rows.items() for split in splits}
    return files, {name: {split: f"{name}/{split}.jsonl" for split in splits} for name in rows}


def one_config(rows: Rows, splits: Sequence[str], name: str = "default") -> tuple[Files, Configs]:
    files = {f"data/{split}-00000-of-00001.jsonl": rows for split in splits}
    return files, {name: {split: f"data/{split}-*" for split in splits}}


def _n_way(task: Any, subsets: Sequence[str], splits: Sequence[str]) -> tuple[Files, Configs]:
    columns = sorted({column for subset in subsets for column in subset.split("-")})
    return one_config([{c: sentence(c, m) for c in columns} for m in meanings()], splits)


def _fast(task: Any, subsets: Sequence[str], splits: Sequence[str]) -> tuple[Files, Configs]:
    """One file with all subsets and the column lang."""
    score = "similarity_score" if task.metadata.name == "STSBenchmarkMultilingualSTS" else "score"
    rows = [{**row, "lang": subset} for subset in subsets for row in usual_rows(task, subset, score)]
    return one_config(rows, splits)


def usual_rows(task: Any, subset: str, score: str = "score") -> Rows:
    if task.metadata.type == "BitextMining":
        return pairs(subset)
    first, second = task.column_names
    return rated(subset, task.min_score, task.max_score, (first, second, score))


def _bucc(task: Any, subsets: Sequence[str], splits: Sequence[str]) -> tuple[Files, Configs]:
    """One row with lists: gold counts from 1, and the second side has sentences without a translation."""
    rows: dict[str, Rows] = {}
    for subset in subsets:
        gold = [(i + 1, i + 4) for i in range(0, N, 2)]
        first = [sentence(f"{subset} a", m) for m in range(N)]
        second = [sentence(f"{subset} b", m - 3) for m in range(N + 8)]
        rows[subset] = [{"sentence1": first, "sentence2": second, "gold": gold}]
    return each_config(rows, splits)


def _bible(task: Any, subsets: Sequence[str], splits: Sequence[str]) -> tuple[Files, Configs]:
    names = {"-".join(sorted((c.partition("_")[0] for c in s.split("-")), key=lambda c: c != "eng")) for s in subsets}
    rows = {name: pairs(name, (name.split("-")[0], name.split("-")[1])) for name in sorted(names)}
    return each_config(rows, ["train", "validation"])


def _chemistry(task: Any, subsets: Sequence[str], splits: Sequence[str]) -> tuple[Files, Configs]:
    from mteb.tasks.bitext_mining.eng import pub_chem_smiles_bitext_mining as module

    columns = {subset: tuple(module.COL_MAPPING[subset]) for subset in subsets}
    return each_config({subset: pairs(subset, (c[0], c[1])) for subset, c in columns.items()}, splits)


def _questions(task: Any, subsets: Sequence[str], splits: Sequence[str]) -> tuple[Files, Configs]:
    rows = {}
    for subset in subsets:
        texts = pairs(subset, ("question1", "question2"))
        rows[subset] = [{**row, "answer1": "yes.", "answer2": "no."} for row in texts]
    return each_config(rows, splits)


def _nested(task: Any, subsets: Sequence[str], splits: Sequence[str]) -> tuple[Files, Configs]:
    return each_config({"en-sk": [{"translation": row} for row in pairs("en-sk", ("en", "sk"))]}, splits)


def _canvas(task: Any, subsets: Sequence[str], splits: Sequence[str]) -> tuple[Files, Configs]:
    """Arrangements of texts: their places on a canvas, some of them at the same distance."""
    rows = []
    for number, size in enumerate((5, 6, 4)):
        random.seed(number)
        places = [(random.randint(0, 9), 10 * i) for i in range(size)]
        texts = [sentence(f"round {number} text", 3 * number + i) for i in range(size)]
        rows.append(
            {"round_id": f"r{number}", "texts": texts, "x": [x for x, _ in places], "y": [y for _, y in places]}
        )
    return each_config(dict.fromkeys(subsets, rows), splits)


def _klue(task: Any, subsets: Sequence[str], splits: Sequence[str]) -> tuple[Files, Configs]:
    rows = [
        {"sentence1": row["sentence1"], "sentence2": row["sentence2"], "labels": {"label": row["score"]}}
        for row in rated("klue", 0, 5)
    ]
    return each_config({"sts": rows}, splits)


def _single(
    *columns: str, more: Callable[[Rows], Rows] = list
) -> Callable[[Any, Sequence[str], Sequence[str]], tuple[Files, Configs]]:
    """One configuration with these columns: two of texts, or two of texts and one of scores."""

    def build(task: Any, subsets: Sequence[str], splits: Sequence[str]) -> tuple[Files, Configs]:
        name = task.metadata.name
        if len(columns) == 2:
            rows = pairs(name, (columns[0], columns[1]))
        else:
            rows = rated(name, task.min_score, task.max_score, (columns[0], columns[1], columns[2]))
        return one_config(more(rows), splits)

    return build


def _as_text(column: str) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, column: str(row[column])} for row in rows]


def _with(**values: Any) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, **values} for row in rows]


_ODD: dict[str, Callable[[Any, Sequence[str], Sequence[str]], tuple[Files, Configs]]] = {
    "BUCC": _bucc,
    "BibleNLPBitextMining": _bible,
    "PubChemSMILESBitextMining": _chemistry,
    "WebFAQBitextMiningQAs": _questions,
    "WebFAQBitextMiningQuestions": _questions,
    "OpusSlovakEnglishBitextMining": _nested,
    "KLUE-STS": _klue,
    "StakeholderGrounding": _canvas,
    "RomaTalesBitextMining": _single("romani", "hungarian"),
    "TbilisiCityHallBitextMining": _single("ka", "en"),
    "SAMSumFa": _single("text", "summary"),
    "SynPerChatbotSumSRetrieval": _single("text", "summary"),
    "SynPerChatbotRAGSumSRetrieval": _single("text", "summary"),
    "Assin2STS": _single("premise", "hypothesis", "relatedness_score"),
    "SICKFr": _single("sentence_A", "sentence_B", "relatedness_score", more=_with(**{"Unnamed: 0": 1})),
    "SICK-BR-STS": _single(
        "sentence_A", "sentence_B", "relatedness_score", more=_with(pair_ID=1, entailment_label="NEUTRAL")
    ),
    "RUParaPhraserSTS": _single("text_1", "text_2", "class", more=_as_text("class")),
    "SlovakSumSTS": _single("sentence1", "sentence2", "similarity_score", more=_as_text("similarity_score")),
}


def build(task: Any, subsets: Sequence[str], folder: Path) -> None:
    """Write the data set of a task with some of its subsets. `task` is mteb's."""
    splits = list(task.metadata.eval_splits)
    if make := _ODD.get(task.metadata.name):
        put(folder, *make(task, subsets, splits))
    elif getattr(task, "parallel_subsets", False):
        put(folder, *_n_way(task, subsets, splits))
    elif list(subsets) == ["default"]:
        put(folder, *one_config(usual_rows(task, task.metadata.name), splits))
    elif task.fast_loading:
        put(folder, *_fast(task, subsets, splits))
    else:
        put(folder, *each_config({subset: usual_rows(task, subset) for subset in subsets}, splits))
