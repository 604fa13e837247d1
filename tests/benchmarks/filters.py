"""`mine --score --filters all` on 10,000 everyday pairs, a tenth of them with one of five kinds of planted noise.

If OpusFilter is installed, its filters of the same purposes run on the same pairs with their default thresholds.
"""

from __future__ import annotations

import importlib.util

from tests import noise_study as study
from tests.precision_study import encode

from .claims import Claim, Measured, Setup, Skipped

# Least share of each kind that is dropped. Everyday sentences are short: a part of one may be a translation of it.
_LEAST = {"misaligned": 0.85, "wrong language": 0.9, "copied": 0.99, "truncated": 0.4, "number changed": 0.9}


def measure(setup: Setup) -> Measured:
    corpus = study.noisy_corpus(setup.data, *((1_000, 20) if setup.quick else (10_000, 200)))
    texts = [text for pair in corpus for text in (pair.source, pair.target)]
    found = study.clean(corpus, encode(texts, setup.model, setup.scratch / "vectors"), setup.scratch / "run")
    for kind, least in _LEAST.items():
        outcome = found.outcomes[kind]
        yield Claim(f"{kind}: share dropped", outcome.gone, least, detail=_detail(outcome))
    clean = found.outcomes[""]
    yield Claim("clean: share that filters drop", clean.filters.total() / clean.n, 0.01, False, _detail(clean))
    yield Claim("clean: share below the suggested threshold", clean.below / clean.n, 0.02, False)
    yield Claim(
        "pairs without noise in the output", found.precision, 0.97, detail=f"(before: {clean.n / len(corpus):.3f})"
    )
    if importlib.util.find_spec("opusfilter") is None:
        yield Skipped("OpusFilter", "it is not installed")
    else:
        theirs = study.opusfilter_outcomes(corpus)
        for kind, outcome in theirs.items():
            yield Claim(f"OpusFilter, {kind or 'clean'}: share dropped", outcome.gone, 0.0, detail=_detail(outcome))


def _detail(outcome: study.Outcome) -> str:
    filters = ", ".join(f"{name} {n}" for name, n in outcome.filters.most_common())
    return f"({outcome.n:,} pairs; {filters or 'no filter'}; below the threshold {outcome.below})"
