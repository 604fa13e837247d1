"""The suggested threshold and the histogram of scores, as lines for the terminal."""

from __future__ import annotations

from typing import Any

from .precision import Estimate

_WIDTH = 48
_BINS_A_LINE = 2
_PAIRS, _MISALIGNED = "#", "-"


def suggestion_lines(content: dict[str, Any]) -> list[str]:
    """Return the lines for the report of given pairs."""
    found = content["suggested"]
    if "histogram" not in content:
        return [f"no threshold is suggested: {content['no_suggestion']}"]
    share = Estimate(**content["misaligned"])
    lines = histogram_lines(content["histogram"], found["threshold"] if found else None)
    lines.append(f"estimated share of misaligned pairs: {share}")
    if content["precision"] is not None:
        lines.append(f"threshold {content['threshold']:.6f} (as given): precision {Estimate(**content['precision'])}")
    if found is None:
        return [*lines, f"no threshold is suggested: {content['no_suggestion']}"]
    lines.append(
        f"suggested threshold {found['threshold']:.6f}: precision {Estimate(**found['precision'])}, recall "
        f"{found['recall']:.3f}, keeps {found['kept']:.1%} of the pairs"
    )
    if content["threshold"] is None:
        lines.append(f"to apply it, run the command again with --threshold {found['threshold']:.6f}")
    return lines


def histogram_lines(histogram: dict[str, Any], threshold: float | None) -> list[str]:
    """Return the lines of a histogram, with the expected misaligned pairs of each bar in another character."""
    edges, pairs, wrong = (histogram[name] for name in ("edges", "pairs", "misaligned"))
    rows = [
        (edges[at], edges[at + _BINS_A_LINE], sum(pairs[at : at + _BINS_A_LINE]), sum(wrong[at : at + _BINS_A_LINE]))
        for at in range(0, len(pairs), _BINS_A_LINE)
    ]
    most = max(1, *(n for _, _, n, _ in rows))
    lines = [f"score    pairs  ({_PAIRS} given, {_MISALIGNED} of them probably misaligned)"]
    for low, high, n, n_wrong in rows:
        length = round(_WIDTH * n / most) or int(n > 0)
        bad = min(length, round(_WIDTH * n_wrong / most))
        here = threshold is not None and low <= threshold < high
        mark = " < suggested threshold" if here else ""
        lines.append(f"{low:6.3f} {n:7,}  {_MISALIGNED * bad}{_PAIRS * (length - bad)}{mark}".rstrip())
    return lines
