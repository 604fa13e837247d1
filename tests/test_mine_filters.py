"""The filters of `mine`: what each drops and keeps, and how they work on files."""

from __future__ import annotations

import csv
import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from builders import write
from mining_material import mine, report, rows

import bitext_bench as bb
from bitext_bench.cli.mine_options import FILTERS as NAMES_OF_THE_COMMAND
from bitext_bench.errors import UserError
from bitext_bench.languages import LangPair, languages, resolve
from bitext_bench.mining.filters.duplicates import LEAST_JACCARD, band_keys, first_positions, is_near
from bitext_bench.mining.filters.language import _identifier, _labels, prepare_language
from bitext_bench.mining.filters.record import CorpusTraits, DuplicateFilter
from bitext_bench.mining.filters.registry import FILTERS, NAMES, parse_filters
from bitext_bench.mining.filters.repeats import Deduplicator
from bitext_bench.mining.filters.screening import Screener, Screening
from bitext_bench.mining.sides import SideName

Pair = tuple[str, str]
LONG = "The committee decided yesterday to postpone the meeting until the end of next month because of heavy rain"
LANGUE = "Le comité a décidé hier de reporter la réunion à la fin du mois prochain à cause de fortes pluies"

# For each filter the pairs that it drops, with a part of the reason.
DROPPED: dict[str, list[tuple[Pair, str]]] = {
    "empty": [
        (("", "Bonjour."), "source is blank"),
        (("Hello.", "  "), "target is blank"),
        (("...", "Bonjour."), "source has neither letters nor digits"),
    ],
    "control-characters": [
        (("Hello\x07 there.", "Bonjour."), "source has U+0007"),
        (("Hello there.", "Bonjour \ufffd toi."), "target has U+FFFD"),
        (("Hello there.", "Bonjour \ue000 toi."), "target has U+E000"),
    ],
    "markup": [
        (("<b>Hello</b> there.", "Bonjour."), "source has <b>"),
        (("Hello there.", 'Voir <a href="x">ici</a>.'), 'target has <a href="x">'),
        (("Tom &amp; Mary", "Tom et Marie"), "source has &amp;"),
        (("It&#39;s late.", "Il est tard."), "source has &#39;"),
    ],
    "identical": [
        (("Rue 12", "Rue 12"), "both sides are the same"),
        (("RUE 12!", "rue 14"), "both sides have the same letters"),
        (("12:30", "12:45"), "neither side has letters"),
        ((LONG, LONG.replace("yesterday", "yesterdy")), "% the same"),
    ],
    "length-ratio": [
        ((LONG, "Le comité a décidé hier."), "105 and 24 characters"),
        (("The committee met.", LANGUE), "18 and 97 characters"),
    ],
    "numbers": [
        (("It costs 12 euros.", "Il coûte 15 euros."), "source has 12; target has 15"),
        (("From 1914 to 1918", "De 1914 à 1945"), "source has 1918; target has 1945"),
        (("In 2020, and in 2020 again", "En 2020, puis en 2031"), "source has 2020; target has 2031"),
        (("The COVID-19 virus", "Le virus COVID-16"), "source has 19; target has 16"),
    ],
    "urls": [
        (("See www.example.com.", "Voir le site."), "only source has example.com"),
        (("See https://example.com/a", "Voir https://example.org/a"), "only target has example.org"),
        (("Write to us.", "Écrivez à moi@example.com."), "only target has example.com"),
    ],
    "language": [
        (("I want to go home now.", "Ich will jetzt nach Hause gehen."), "target looks like de"),
        (("Quiero irme a casa ahora mismo.", "Je veux rentrer à la maison."), "source looks like es"),
    ],
    "duplicates": [
        (("I am here.", "Me voilà."), "source repeats line 1"),
        (("I'm around!", "je suis ici"), "target repeats line 1"),
    ],
    "near-duplicates": [
        (
            (
                f"{LONG} too",
                "Hier, le comité a choisi de remettre la réunion à plus tard, parce qu'il pleuvait beaucoup partout",
            ),
            "source nearly repeats line 2",
        )
    ],
}
# Pairs that no filter drops, by the filter that might.
KEPT: dict[str, list[Pair]] = {
    "empty": [("42", "Quarante-deux"), ("Ça", "It")],
    "control-characters": [("A\tb 👩\u200d🚀 is here.", "Une astronaute est ici."), ("Soft\u00adware", "Logiciels")],
    "markup": [
        ("I <3 you; a < b and c > d.", "Je t'aime ; a < b et c > d."),
        ("Marks & Spencer; AT&T", "Des magasins"),
    ],
    "identical": [
        ("I saw Maria.", "J'ai vu Marie."),
        ("A table is here.", "La table est ici."),
        ("What a day!", "Quelle journée !"),
    ],
    "length-ratio": [("Yes.", "Oui, bien sûr."), ("Thanks a lot.", "Merci."), (LONG, LANGUE)],
    "numbers": [
        ("It costs 1,500 euros.", "Il coûte 1 500 euros."),
        ("It is 3.5 miles.", "C'est à 3,5 miles."),
        ("He has 2 dogs.", "Il a deux chiens."),
        ("On May 5, 2020", "Le 05/05/2020, un mardi"),
        ("At 10:30 p.m. we left.", "À 22 h 30 nous sommes partis."),
        ("I left at 14:30.", "Je suis parti à 14h30."),
        ("In the 1950s we won.", "Dans les années 50 nous gagnions."),
        ("COVID-19 in 3 cities", "Le virus dans 3 villes"),
        ("The G-7 met in May.", "Le G 7 s'est réuni en mai."),
    ],
    "urls": [
        (
            "See https://en.wikipedia.org/wiki/Cat for more.",
            "Voir https://fr.wikipedia.org/wiki/Chat pour en savoir plus.",
        ),
        ("Mail me: tom@example.com", "Écris-moi : tom@example.com"),
    ],
    "language": [("Go now!", "Allez-y !"), ("I am cold.", "J'ai froid."), ("No way!", "Pas question !")],
    "duplicates": [("I am here today.", "Je suis là."), ("I was here.", "J'étais ici.")],
    "near-duplicates": [("The committee decided today to meet next month.", "Le comité a décidé de se réunir.")],
}
FIRST: list[Pair] = [("I am here.", "Je suis ici."), (LONG, LANGUE)]  # the pairs that duplicates repeat


class Texts:
    """Pairs in memory."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def read(self, side: SideName, positions: np.ndarray) -> list[str]:
        return [self.pairs[position][side == "target"] for position in positions.tolist()]


def screen(pairs: Sequence[Pair], names: str, folder: Path, chunk: int = 1_000) -> Screening:
    texts = Texts(pairs)
    screening = Screener(parse_filters(names), LangPair.parse("en-fr"), chunk).screen(texts)
    Deduplicator(texts, chunk, folder).apply(screening, np.ones(len(pairs), dtype=np.bool_))
    return screening


def reason(screening: Screening, position: int, pair: Pair) -> tuple[str, str]:
    return screening.reason(position, *pair, f"line {abs(int(screening.earlier[position]))}")


def test_every_filter_has_examples_and_the_command_has_its_name() -> None:
    assert tuple(DROPPED) == tuple(KEPT) == NAMES == NAMES_OF_THE_COMMAND
    assert all(DROPPED.values()) and all(KEPT.values())


@pytest.mark.parametrize("name", NAMES)
def test_what_a_filter_drops_and_keeps(name: str, tmp_path: Path) -> None:
    # Enough other pairs that the usual ratio of lengths is that of English and French.
    dropped, kept = DROPPED[name], [*FIRST, *KEPT[name], *([(LONG, LANGUE)] * 9 if name == "length-ratio" else [])]
    pairs = [*kept, *(pair for pair, _ in dropped)]
    screening = screen(pairs, name, tmp_path)
    assert not screening.dropped[: len(kept)].any(), [pairs[i] for i in np.flatnonzero(screening.dropped)]
    for position, (pair, words) in enumerate(dropped, start=len(kept)):
        found, why = reason(screening, position, pair) if screening.dropped[position] else ("", "")
        assert found == name and words in why, (pair, why)
    assert screening.counts() == {name: len(dropped)}


@pytest.mark.parametrize("name", NAMES)
def test_no_other_filter_drops_what_a_filter_keeps(name: str, tmp_path: Path) -> None:
    for pair in KEPT[name]:
        screening = screen([pair], "all,-length-ratio", tmp_path)
        assert screening.kept.all(), (pair, reason(screening, 0, pair))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text",
    [
        "@" + "a" * 200_000,
        "1 2 " * 50_000,
        "<a " * 70_000,
        "<" * 200_000,
        "www." * 50_000,
        "a@b" * 70_000,
        "9" * 9_000 + " 3 p.m. ",
    ],
    ids=lambda text: text[:5],
)
def test_long_lines_take_seconds_at_most(name: str, text: str, tmp_path: Path) -> None:
    pairs = [(text, "Bonjour à tous."), (text, text[::-1]), ("At 10 p.m. we left.", f"À {text}")]
    begin = time.process_time()
    screen(pairs, name, tmp_path)
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("chunk", [1, 3, 1_000])
def test_decisions_do_not_depend_on_the_chunks(chunk: int, tmp_path: Path) -> None:
    pairs = [*FIRST, *(pair for examples in DROPPED.values() for pair, _ in examples)]
    found, expected = screen(pairs, "all", tmp_path, chunk), screen(pairs, "all", tmp_path)
    np.testing.assert_array_equal(found.dropped, expected.dropped)
    np.testing.assert_array_equal(found.earlier, expected.earlier)
    assert set(expected.dropped.tolist()) == set(range(len(NAMES) + 1)), "each filter drops something"
    assert not list(tmp_path.iterdir()), "the files of keys are removed"


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot write .*missing"):
        screen(FIRST, "duplicates", tmp_path / "missing")


def test_near_duplicates_are_those_of_a_comparison_of_all_pairs(tmp_path: Path) -> None:
    draw = random.Random(0)
    words = [f"word{i}" for i in range(300)]
    originals = [draw.choices(words, k=20) for _ in range(60)]
    changed = [[*words[:at], draw.choice(["one", "two"]), *words[at + 1 :]] for words in originals for at in (0, 7, 19)]
    texts = [" ".join(words) for words in [*originals, *changed]]
    draw.shuffle(texts)
    expected = {i for i, text in enumerate(texts) if any(is_near(text, texts[j]) for j in range(i))}
    pairs = [(text, f"{i} {text[::-1]}") for i, text in enumerate(texts)]
    filters = [one for one in FILTERS if one.name == "near-duplicates"]
    assert isinstance(filters[0], DuplicateFilter) and filters[0].n_keys == len(band_keys("a"))
    found = set(np.flatnonzero(~screen(pairs, "near-duplicates", tmp_path).kept).tolist())
    assert len(expected) > 50 and LEAST_JACCARD == 0.85
    # Every pair that is dropped is a near duplicate; a few are missed.
    assert found <= {
        i
        for i in range(len(texts))
        if any(is_near(texts[i], texts[j]) or is_near(pairs[i][1], pairs[j][1]) for j in range(i))
    }
    assert len(found & expected) >= 0.9 * len(expected)


def test_first_positions() -> None:
    assert first_positions(np.array([5, 3, 5, 5, 3, 9], dtype="<u8")).tolist() == [0, 1, 0, 0, 1, 5]
    assert first_positions(np.array([], dtype="<u8")).tolist() == []


@pytest.mark.parametrize(
    ("code", "labels"),
    [
        ("fr", {"fr"}),
        ("nb", {"no", "nb", "nn"}),
        ("zh-Hant", {"zh", "yue", "wuu"}),
        ("arb_Latn", set()),
        ("sw", {"sw"}),
    ],
)
def test_the_labels_of_a_language(code: str, labels: set[str]) -> None:
    assert _labels(resolve(code)) == labels


@pytest.mark.shared
def test_the_language_filter_keeps_what_is_in_the_language() -> None:
    """At most 1 of the first 100 sentences of FLORES-200 in any language that the model knows, but for one."""
    folder = Path(__file__).parents[1].parent / "shared" / "data" / "flores200_dataset" / "devtest"
    known, lost = set(_identifier().labels), {}
    for language in map(resolve, languages()):
        if language.flores and _labels(language) & known:
            check = prepare_language(CorpusTraits(LangPair(resolve("en"), language), 1.0))
            texts = (folder / f"{language.flores}.devtest").read_text(encoding="utf-8").splitlines()[:100]
            lost[language.code] = sum(check("", text) is not None for text in texts)
    assert len(lost) > 110
    assert {code for code, n in lost.items() if n > 1} <= {"fuv"} and sum(lost.values()) < 0.001 * 100 * len(lost)


def test_names() -> None:
    assert [one.name for one in parse_filters("all")] == list(NAMES)
    assert parse_filters("none") == parse_filters("") == ()
    assert [one.name for one in parse_filters("urls, empty")] == ["empty", "urls"]
    assert [one.name for one in parse_filters("all,-urls,-language")] == [
        n for n in NAMES if n not in ("urls", "language")
    ]
    with pytest.raises(
        UserError, match=r"unknown filter 'langage': did you mean language\? \(one of: all, none, empty, "
    ):
        parse_filters("empty,langage")
    with pytest.raises(UserError, match="nothing is chosen to leave urls out of; pass all,-urls,numbers"):
        parse_filters("-urls,numbers")


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"the filter language needs the package py3langid: install the extra mine"):
        parse_filters("language")
    assert parse_filters("numbers,urls")


# --- On files


def test_without_filters_the_dropped_pairs_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    noisy(tmp_path)
    out = tmp_path / "out.tsv"
    assert mine(tmp_path / "pairs.tsv", "--score", "-o", out, "--filters", "identical") == 0
    assert out.with_name("out.tsv.dropped.tsv").exists()
    assert mine(tmp_path / "pairs.tsv", "--score", "-o", out) == 0
    assert not out.with_name("out.tsv.dropped.tsv").exists()


@pytest.mark.parametrize("option", ["-o", "--report"])
def test_an_input_is_not_overwritten(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noisy(tmp_path)
    (tmp_path / "x").mkdir()
    given = tmp_path / "pairs.html" if option == "--report" else tmp_path / "pairs.tsv"
    given.write_bytes((tmp_path / "pairs.tsv").read_bytes())
    before = given.read_bytes()
    outputs = [] if option == "-o" else ["-o", tmp_path / "out.tsv"]
    assert mine(given, "--score", *outputs, option, tmp_path / "x" / ".." / given.name) == 1
    assert "is an input, and would be overwritten: pass another file" in capsys.readouterr().err
    assert given.read_bytes() == before


def test_a_threshold_is_a_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noisy(tmp_path)
    assert mine(tmp_path / "pairs.tsv", "--score", "-o", tmp_path / "out.tsv", "--threshold", "nan") == 1
    assert "--threshold nan: expected a number" in capsys.readouterr().err


def noisy(folder: Path) -> list[Pair]:
    """Write pairs.tsv: translations of made-up words, with one pair for each of some filters."""
    draw = random.Random(0)
    words = [f"wo{chr(97 + i)}{chr(97 + j)}rd" for i in range(20) for j in range(20)]
    pairs = []
    for _ in range(60):
        text = draw.choices(words, k=8)
        pairs.append((" ".join(text), " ".join([*text[:7], "x"])))
    pairs[10] = ("Rue 12", "Rue 12")
    pairs[20] = (pairs[3][0], "another text of its own here")
    pairs[30] = (pairs[30][0], f"<i>{pairs[30][1]}</i>")
    pairs[40] = (f"{pairs[40][0]} 17", f"{pairs[40][1]} 18")
    pairs[50] = (pairs[50][0], "")
    write(folder / "pairs.tsv", ["\t".join(pair) for pair in pairs])
    return pairs


def dropped_rows(output: Path) -> list[dict[str, str]]:
    with output.with_name(f"{output.name}.dropped.tsv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


ON_MADE_UP_WORDS = "all,-language,-identical"


def test_scoring_writes_the_dropped_pairs_with_filter_and_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = noisy(tmp_path)
    output = tmp_path / "out.tsv"
    assert mine(tmp_path / "pairs.tsv", "--score", "-o", output, "--filters", "empty,markup,numbers,duplicates") == 0
    found = dropped_rows(output)
    assert [(row["line"], row["filter"], row["reason"]) for row in found] == [
        ("21", "duplicates", "source repeats line 4"),
        ("31", "markup", "target has <i>"),
        ("41", "numbers", "source has 17; target has 18"),
        ("51", "empty", "target is blank"),
    ]
    assert [(row["source"], row["target"]) for row in found] == [pairs[int(row["line"]) - 1] for row in found]
    gone = {int(row["line"]) - 1 for row in found}
    kept = [pair for i, pair in enumerate(pairs) if i not in gone]
    assert [(row["source"], row["target"]) for row in rows(output)] == kept
    assert report(output)["filters"] == {
        "file": "out.tsv.dropped.tsv",
        "pairs": 60,
        "kept": 56,
        "dropped": {"empty": 1, "markup": 1, "numbers": 1, "duplicates": 1},
    }
    said = capsys.readouterr().err
    assert "filters drop 4 of 60 pairs: empty 1, markup 1, numbers 1, duplicates 1" in said
    assert "the dropped pairs are in out.tsv.dropped.tsv, each with the filter and the reason" in said


def test_a_pair_below_the_threshold_does_not_make_another_one_a_duplicate(tmp_path: Path) -> None:
    pairs = noisy(tmp_path)
    wrong, right = pairs[20], pairs[3]
    write(tmp_path / "pairs.tsv", ["\t".join(pair) for pair in [wrong, *pairs[:20], *pairs[22:30]]])
    output = tmp_path / "out.tsv"
    arguments = [tmp_path / "pairs.tsv", "--score", "--filters", "duplicates", "-o", output]
    mine(*arguments)
    assert [row["source"] for row in dropped_rows(output)] == [right[0]]
    mine(*arguments, "--threshold", "1.0")
    assert not dropped_rows(output) and right in [(row["source"], row["target"]) for row in rows(output)]


def sides(folder: Path) -> tuple[Path, Path]:
    pairs = [pair for pair in noisy(folder) if pair[1]]
    write(folder / "a.txt", [source for source, _ in pairs])
    write(folder / "b.txt", [target for _, target in reversed(pairs)])
    return folder / "a.txt", folder / "b.txt"


@pytest.mark.parametrize("selection", ["greedy", "union"])
@pytest.mark.parametrize("shard_lines", [7, 1_000])
def test_mined_pairs_are_filtered_whatever_the_shards(tmp_path: Path, shard_lines: int, selection: str) -> None:
    source, target = sides(tmp_path)
    choice = ["--selection", selection, "--threshold", "0.5"]
    mine(source, target, "-o", tmp_path / "all.tsv", *choice)
    for name, extra in (("one", []), ("many", ["--shard-lines", shard_lines, "--max-memory", "2G"])):
        mine(source, target, "-o", tmp_path / f"{name}.tsv", *choice, *extra, "--filters", ON_MADE_UP_WORDS)
    for end in ("", ".dropped.tsv"):
        assert (tmp_path / f"one.tsv{end}").read_bytes() == (tmp_path / f"many.tsv{end}").read_bytes()
    dropped = dropped_rows(tmp_path / "one.tsv")
    columns = ("score", "cosine", "source_line", "target_line", "source", "target")
    both = [tuple(row[name] for name in columns) for row in [*rows(tmp_path / "one.tsv"), *dropped]]
    assert sorted(both) == sorted(tuple(row[name] for name in columns) for row in rows(tmp_path / "all.tsv"))
    assert {"markup", "numbers"} <= {row["filter"] for row in dropped}


def test_estimates_are_for_the_pairs_before_the_filters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = sides(tmp_path)
    pairs = noisy(tmp_path)
    write(tmp_path / "gold", ["\t".join(pair) for pair in pairs[:9]])
    known = ["--gold", tmp_path / "gold", "--threshold", "1.0"]
    mine(source, target, "-o", tmp_path / "out.tsv", *known, "--filters", "markup")
    assert "precision and recall above are those of the pairs before the filters" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--filters", "nothing"], "unknown filter 'nothing'"),
        (["--filters", "all"], "the filter language needs to know the languages: pass --pair fr-en"),
        (["--filters", "language", "--pair", "acm-acq"], "the filter language knows neither acm nor acq: leave it out"),
    ],
)
def test_refused(arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noisy(tmp_path)
    assert mine(tmp_path / "pairs.tsv", "--score", "-o", tmp_path / "out.tsv", *arguments) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out.tsv.work").exists(), "before any work"


def test_vectors_have_no_texts_to_filter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "a.npy", np.eye(3, dtype=np.float32))
    arguments = [tmp_path / "a.npy", tmp_path / "a.npy", "-o", tmp_path / "out.tsv", "--filters", "urls"]
    assert mine(*arguments) == 1
    assert "--filters looks at texts: it cannot be used with vectors" in capsys.readouterr().err


def letters(sentences: list[str]) -> list[list[float]]:
    return [[text.lower().count(c) + 0.1 for c in "abcdefghijklmnopqrstuvwxyz"] for text in sentences]


@pytest.mark.usefixtures("one_thread")
def test_python_lists() -> None:
    source, target = ["un cafe", "la musique", "Rue 12"], ["music", "rue 12", "a coffee"]
    found = bb.mine(source, target, letters, mining=bb.MiningOptions(filters="identical,markup"))
    assert sorted((pair.source, pair.target) for pair in found) == [("la musique", "music"), ("un cafe", "a coffee")]
    (dropped,) = found.dropped
    assert (dropped.filter, dropped.reason) == ("identical", "both sides have the same letters")
    assert (dropped.pair.source_line, dropped.pair.target_line) == (3, 2)
    everything = bb.mine(source, target, letters)
    assert set(everything) == {*found, dropped.pair} and everything.dropped == ()
    with pytest.raises(UserError, match='pair="fr-en" in Python'):
        bb.MiningOptions(filters="all")
