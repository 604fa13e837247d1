"""The threshold of mined pairs: given by the user, or chosen on known translations."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..scoring.mined_pairs import RowPairs, best_f1_point, judge, operating_point, precision_point
from .known import KnownPairs
from .precision import Calibration, Misfit, ThresholdEstimate

# A threshold for precision P is rejected if the lower end of its interval is below 1 - SLACK * (1 - P) or P / 2.
SLACK = 3
# If a smaller share of the known pairs is found, more of them would not help.
_FEW_FOUND = 0.1
# Largest `Misfit.distance` at which known pairs count as similar to the files. In 90 trials on news and everyday
# sentences it was at most 1.7 for known pairs of the same text, and at least 2.7 for those of another kind of text.
FARTHEST = 2.2
# How the threshold was judged, for the report.
COMPLETE_GOLD = "gold pairs, assumed to be all translations in the files"
KNOWN_PAIRS = "known pairs, each inserted into the files separately, with and without its translation"


@dataclass(frozen=True, slots=True)
class ThresholdPolicy:
    """How to choose the minimum score of a pair.

    Attributes:
        threshold: a given score; None to keep all pairs, or to choose a threshold by `precision` or `best_f1`.
        precision: choose the lowest threshold with this estimated precision.
        best_f1: choose the threshold with the best estimated F1.
        best_available: if no threshold is precise enough, or there are too few known pairs, take the nearest threshold.
        gold: file of known pairs in the texts.
        plant: file of known pairs to add to the texts.
        complete: whether the gold file has all translations.
    """

    threshold: float | None = None
    precision: float | None = None
    best_f1: bool = False
    best_available: bool = False
    gold: Path | None = None
    plant: Path | None = None
    complete: bool = False

    @property
    def purpose(self) -> str:
        """The purpose of the threshold, for the report."""
        if self.precision is not None:
            return f"precision {self.precision:g}"
        return "the best F1" if self.best_f1 else "as given"

    @property
    def has_known_pairs(self) -> bool:
        """Whether there are known pairs."""
        return self.gold is not None or self.plant is not None

    @property
    def chooses(self) -> bool:
        """Whether a threshold is chosen on known pairs."""
        return self.precision is not None or self.best_f1

    def check(self) -> None:
        """Check the settings.

        Raises:
            UserError: settings are out of range, contradict each other, or are incomplete.
        """
        if self.threshold is not None and np.isnan(self.threshold):
            raise UserError("--threshold nan: expected a number")
        if self.precision is not None and not 0 < self.precision < 1:
            raise UserError(f"--target-precision {self.precision:g}: expected a number between 0 and 1, like 0.95")
        if sum([self.threshold is not None, self.precision is not None, self.best_f1]) > 1:
            raise UserError("expected one of --threshold, --target-precision and --best-f1")
        if self.chooses and not self.has_known_pairs:
            raise UserError("a threshold is chosen on known pairs: pass --gold FILE or --planted-pairs FILE")
        if self.has_known_pairs and not self.chooses and self.threshold is None:
            raise UserError(
                "--gold and --planted-pairs choose or judge a threshold: "
                "pass --target-precision P, --best-f1, or --threshold X to judge"
            )
        if self.complete and (self.gold is None or self.plant is not None):
            raise UserError(
                "--gold-complete means that --gold FILE has all translations: pass --gold, without --planted-pairs"
            )
        if self.best_available and self.precision is None:
            raise UserError("--best-available goes with --target-precision P")

    def check_for_given_pairs(self) -> None:
        """Check that there are no known pairs, which are only used for mining.

        Raises:
            UserError: there are known pairs, or settings that need them.
        """
        if self.chooses or self.has_known_pairs:
            raise UserError("--score accepts only --threshold: known pairs are for mining")


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """A threshold, with its estimates for the report."""

    threshold: float
    about: dict[str, Any]


def choose_on_complete_gold(pairs: RowPairs, known: KnownPairs, policy: ThresholdPolicy) -> ThresholdChoice:
    """Choose or judge a threshold on gold that has all translations.

    Raises:
        UserError: no known pair was mined, or no threshold is precise enough.
    """
    correct = judge(pairs, known.pairs())
    if policy.threshold is not None:
        cut = operating_point(pairs.scores, correct, len(known), policy.threshold)
    else:
        if not correct.any():
            raise _too_few_found_error(0, known)
        if policy.precision is None:
            cut = best_f1_point(pairs.scores, correct, len(known))
        else:
            precise = precision_point(pairs.scores, correct, len(known), policy.precision)
            shares = np.cumsum(correct) / np.arange(1, len(correct) + 1)
            shares[:-1][pairs.scores[:-1] == pairs.scores[1:]] = -1.0
            if precise is None and not policy.best_available:
                raise UserError(
                    f"no threshold reaches --target-precision {policy.precision:g}: the highest precision is "
                    f"{shares.max():.3f} (pass --best-available to take that threshold)"
                )
            best = float(pairs.scores[len(shares) - 1 - shares[::-1].argmax()])
            cut = precise or operating_point(pairs.scores, correct, len(known), best)
    scores = {name: {"value": getattr(cut, name)} for name in ("precision", "recall", "f1")}
    return ThresholdChoice(cut.threshold, {"by": COMPLETE_GOLD, "known": len(known), **scores})


def choose_threshold(
    calibration: Calibration, pairs: RowPairs, known: KnownPairs, policy: ThresholdPolicy
) -> ThresholdChoice:
    """Choose or judge a threshold by the estimates from known pairs.

    Raises:
        UserError: too few known pairs are found, no threshold is precise enough, or the estimates are too uncertain.
    """
    threshold = policy.threshold
    if threshold is None:
        if calibration.found_share < (_FEW_FOUND if policy.precision is not None else 1 / len(known)):
            raise _too_few_found_error(round(calibration.found_share * len(known)), known)
        threshold = (
            _best_f1(calibration, pairs) if policy.precision is None else _precise_threshold(calibration, pairs, policy)
        )
    estimate = calibration.estimate(threshold)
    misfit = calibration.misfit()
    if policy.precision is not None and not policy.best_available:
        _check(estimate, misfit, policy.precision, known)
    return ThresholdChoice(threshold, _describe_choice(estimate, misfit, known, calibration))


def _best_f1(calibration: Calibration, pairs: RowPairs) -> float:
    thresholds = np.unique(pairs.scores)
    precision, recall = calibration.precision_at(thresholds), calibration.recall_at(thresholds)
    return float(thresholds[(precision * recall / np.maximum(precision + recall, 1e-9)).argmax()])


def _precise_threshold(calibration: Calibration, pairs: RowPairs, policy: ThresholdPolicy) -> float:
    """Return the lowest threshold with sufficient estimated precision."""
    thresholds = np.unique(pairs.scores)
    precision = calibration.precision_at(thresholds)
    enough = np.flatnonzero(precision >= (policy.precision or 0) - 1e-9)
    if len(enough):
        return float(thresholds[enough[0]])
    best = float(thresholds[precision.argmax()])
    if not policy.best_available:
        estimate = calibration.estimate(best)
        raise UserError(
            f"no threshold reaches --target-precision {policy.precision:g} on {calibration.known:,} known pairs: the "
            f"most precise is {best:.6f}, with an estimated precision of {estimate.precision}. Pass more known pairs, "
            "a lower --target-precision, or --best-available to take that threshold"
        )
    return best


def _check(estimate: ThresholdEstimate, misfit: Misfit, wanted: float, known: KnownPairs) -> None:
    """Check that the known pairs resemble the files and are enough for the target precision."""
    if misfit.distance > FARTHEST:
        expected = misfit.expected
        raise UserError(
            f"the known pairs do not resemble the files: they predict {expected.low:,.0f} to "
            f"{expected.high:,.0f} pairs above a score of {misfit.threshold:.6f}, but the files have {misfit.mined:,}. "
            "Pass known pairs of the same kind of text, or --best-available to use these anyway"
        )
    least = max(1 - SLACK * (1 - wanted), wanted / 2)
    if estimate.precision.low < least:
        raise UserError(
            f"{len(known):,} known pairs are too few for --target-precision {wanted:g}: at a threshold of "
            f"{estimate.threshold:.6f} the precision is {estimate.precision}, so it may be below {least:.2f}, the "
            f"minimum accepted for {wanted:g}. Pass more known pairs, a lower --target-precision, or --best-available "
            "to take that threshold"
        )


def _too_few_found_error(n: int, known: KnownPairs) -> UserError:
    return UserError(
        f"{n or 'none'} of the {len(known):,} known pairs {'are' if n > 1 else 'is'} found: too few to choose a "
        "threshold. Check that SRC, TGT and the columns of the known pairs are in the same order, and that the model "
        "supports these languages"
    )


def _describe_choice(
    estimate: ThresholdEstimate, misfit: Misfit, known: KnownPairs, calibration: Calibration
) -> dict[str, Any]:
    precision, recall = estimate.precision.value, estimate.recall.value
    return {
        "by": KNOWN_PAIRS,
        "known": len(known),
        "in_the_files": known.n_in_files,
        "left_out": known.left_out,
        "precision": asdict(estimate.precision),
        "recall": asdict(estimate.recall),
        "f1": {"value": 2 * precision * recall / (precision + recall) if precision + recall else 0.0},
        "lines_with_translation": asdict(estimate.translated),
        "share_with_translation": {side: estimate.translated.value / n for side, n in calibration.lines.items()},
        "like_the_files": misfit.distance <= FARTHEST,
        "wrong_pairs_of_known_lines": estimate.wrong,
    }
