"""Write overview.svg, the picture in README.md: Tatoeba accuracy in both directions, with intervals."""

from __future__ import annotations

from html import escape
from pathlib import Path

import bitext_bench as bb

RESULTS = Path(__file__).parent
MODELS = {
    "mUSE v3": "google/muse-v3",
    "multilingual-e5-small": "local/e5-small-q4",
    'the same, prompt "query: "': 'local/e5-small-q4 (prompt "query: ", fp32, mean)',
    "trained: cpu-minutes (en-ja)": "local/e5-small-q4-en-ja-cpu-minutes",
    "trained: best-small": "local/best-small",
}
LANGUAGES = {"fra-eng": "French", "rus-eng": "Russian", "jpn-eng": "Japanese", "kor-eng": "Korean"}
TICKS = (75, 85, 95)
SCALE = (73.0, 98.0)  # percent at the left and right end of a panel
LEFT, TOP, ROW, PANEL, GAP = 208, 76, 30, 146, 18
WIDTH = LEFT + len(LANGUAGES) * (PANEL + GAP)
BOTTOM = TOP + len(MODELS) * ROW
HEIGHT = BOTTOM + 58

# The picture has its own background, so that it is readable on light and dark pages.
STYLE = """
  .page { fill: #ffffff; stroke: #d0d7de }
  text { fill: #1f2328; font: 13px system-ui, "Segoe UI", "Noto Sans", sans-serif }
  .title { font-size: 15px; font-weight: 600 } .head { font-weight: 600 } .note { fill: #59636e; font-size: 12px }
  .grid { stroke: #d8dee4 } .range { stroke: #9aa4b0; stroke-width: 7; stroke-linecap: round; opacity: 0.45 }
  .to { fill: #0969da } .from { fill: none; stroke: #bc4c00; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #3d444d } text { fill: #f0f6fc } .note { fill: #9198a1 } .grid { stroke: #2a313c }
    .range { stroke: #7d8590 } .to { fill: #58a6ff } .from { fill: none; stroke: #f0883e }
  }
"""


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """Return a line of text."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(words, quote=False)}</text>'


def place(share: float | None, left: float) -> float:
    """Return the x coordinate of a share in [0, 1] in the panel that begins at `left`."""
    if share is None:
        raise ValueError("a result file has no score or no interval for the picture")
    low, high = SCALE
    return round(left + PANEL * (100 * share - low) / (high - low), 1)


def panel(subset: str, left: float, reports: dict[str, bb.Report]) -> list[str]:
    """Return the marks of one language."""
    drawn = [text(left, TOP - 12, LANGUAGES[subset], "head")]
    for tick in TICKS:
        x = place(tick / 100, left)
        drawn.append(f'<line class="grid" x1="{x}" y1="{TOP - 4}" x2="{x}" y2="{BOTTOM}"/>')
        drawn.append(text(x, BOTTOM + 16, str(tick), "note", "middle"))
    for row, name in enumerate(MODELS.values()):
        scores = reports[name]["Tatoeba"][subset]
        y = TOP + row * ROW + ROW / 2
        mean, to_english, from_english = (scores[f"accuracy{end}"] for end in ("", "_forward", "_backward"))
        low, high = place(mean.low, left), place(mean.high, left)
        drawn.append(f'<line class="range" x1="{low}" y1="{y:g}" x2="{high}" y2="{y:g}"/>')
        drawn.append(f'<circle class="to" cx="{place(to_english.value, left)}" cy="{y:g}" r="4.5"/>')
        drawn.append(f'<circle class="from" cx="{place(from_english.value, left)}" cy="{y:g}" r="4.5"/>')
    return drawn


def main() -> None:
    """Write the picture."""
    reports = bb.load_results(RESULTS)
    title = "Tatoeba accuracy, in percent"
    drawn = [
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>',
        text(16, 28, title, "title"),
        *(text(16, TOP + row * ROW + ROW / 2 + 4, name) for row, name in enumerate(MODELS)),
    ]
    for column, subset in enumerate(LANGUAGES):
        drawn += panel(subset, LEFT + column * (PANEL + GAP), reports)
    y = BOTTOM + 40
    drawn += [
        f'<circle class="to" cx="{LEFT + 5}" cy="{y - 4}" r="4.5"/>',
        text(LEFT + 16, y, "into English", "note"),
        f'<circle class="from" cx="{LEFT + 115}" cy="{y - 4}" r="4.5"/>',
        text(LEFT + 126, y, "from English", "note"),
        f'<line class="range" x1="{LEFT + 232}" y1="{y - 4}" x2="{LEFT + 258}" y2="{y - 4}"/>',
        text(LEFT + 270, y, "95 % interval of the mean of both; n = 1,000 per language", "note"),
    ]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img">',
        f"<title>{title}: {', '.join(MODELS)}</title>",
        f"<style>{STYLE}</style>",
        *drawn,
        "</svg>",
    ]
    (RESULTS / "overview.svg").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
