"""Fits the log-odds of findings on labelled pairs, and prints how well scores agree with labels that were not used.

Logistic regression with a penalty: a finding that few pairs show stays near what its points suggest. How strong the
penalty is, cross-validation decides, in which all pairs of an author are left out together. Only the developing half is
used; the figures are of the other half. Needs the dependency group "calibration".
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from alexandria.catalogue.matching.findings import VETO_POINTS
from alexandria.catalogue.matching.probability import WEIGHTS, Sign, score_model, signs_of
from calibration import LabelledPair, read_pairs, reliability
from labelled import HALVES

DEVELOP, HELD_OUT = HALVES
PENALTIES = (0.1, 0.3, 1, 3, 10)  # inverse strengths that are tried
FOLDS = 5
FIELD_WEIGHT = 3  # of a case from the field: such cases are few, and of kinds that the gold sets lack
POINTS_SCALE = 3  # scale of the two features that are not to be penalised: large features need small weights
HEADER = """\
# What each finding says about whether two records name one work, in log-odds: those of a comparison are added to `start`,
# and 1 / (1 + exp(-sum)) is the score. `seen` counts the pairs that it was fitted on. A finding that is missing here has
# `per_point` (or `per_veto_point`, if it refuses) for each point that it costs.
# Made by benchmarks/fit_scores.py. A changed file needs a new version, which is stored with every score.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, nargs="+", required=True, help="JSON lines of pairs, queries or cases")
    parser.add_argument("--catalogue", type=Path, nargs="*", default=[], help="one CSV (.gz) for each file of queries")
    parser.add_argument("--version", type=int, required=True, help="of the scores")
    options = parser.parse_args()
    pairs = read_pairs(options.gold, options.catalogue)
    developing = [pair for pair in pairs if pair.half == DEVELOP]
    fit = Fit(developing)
    WEIGHTS.write_text(fit.as_toml(options.version), encoding="utf-8")
    score_model.cache_clear()
    held_out = [pair for pair in pairs if pair.half == HELD_OUT]
    print(json.dumps({"penalty": fit.penalty, "cross_validated": fit.tried, "held_out": reliability(held_out)}))


class Fit:
    """The regression over the findings of `pairs`, with the best of PENALTIES."""

    def __init__(self, pairs: Sequence[LabelledPair]) -> None:
        self.seen = Counter(sign for pair in pairs for sign in set(signs_of(pair.findings)))
        self.signs: list[Sign] = sorted(self.seen)
        self._place = {sign: at for at, sign in enumerate(self.signs)}
        features = np.array([self._features(pair) for pair in pairs])
        same = np.array([pair.same for pair in pairs])
        weights = np.array([pair.weight * (FIELD_WEIGHT if "case" in pair.origin else 1) for pair in pairs])
        authors = [pair.author for pair in pairs]
        self.tried = {
            penalty: round(_left_out_loss(penalty, features, same, weights, authors), 5) for penalty in PENALTIES
        }
        self.penalty = min(self.tried, key=lambda penalty: self.tried[penalty])
        self._model = _regression(self.penalty).fit(features, same, weights)

    def _features(self, pair: LabelledPair) -> list[float]:
        """Which findings there are, and the points of those that refuse and of the others."""
        row = [0.0] * (len(self.signs) + 2)
        for sign in signs_of(pair.findings):
            row[self._place[sign]] += 1
            row[-1 if sign[1] < VETO_POINTS else -2] += sign[1] / POINTS_SCALE
        return row

    def as_toml(self, version: int) -> str:
        """The weights as they are stored: those of the points are added to each finding's own."""
        *own, veto, point = self._model.coef_[0]
        per_veto_point, per_point = veto / POINTS_SCALE, point / POINTS_SCALE
        lines = [HEADER, f"version = {version}", f"start = {self._model.intercept_[0]:.2f}"]
        lines += [f"per_point = {per_point:.4f}", f"per_veto_point = {per_veto_point:.4f}"]
        for sign, weight in zip(self.signs, own, strict=True):
            words, cost = sign
            odds = weight + cost * (per_point if cost < VETO_POINTS else per_veto_point)
            lines += ["", "[[finding]]", f"words = {json.dumps(words)}", f"cost = {cost:g}"]
            lines += [f"log_odds = {odds:.2f}", f"seen = {self.seen[sign]}"]
        return "\n".join(lines) + "\n"


def _left_out_loss(penalty: float, features: Any, same: Any, weights: Any, authors: Sequence[str]) -> float:
    """The mean log loss of pairs whose author the fit did not see."""
    predicted = np.zeros(len(same))
    for seen, left_out in GroupKFold(FOLDS).split(features, same, authors):
        model = _regression(penalty).fit(features[seen], same[seen], weights[seen])
        predicted[left_out] = model.predict_proba(features[left_out])[:, 1]
    return float(log_loss(same, predicted, sample_weight=weights))


def _regression(penalty: float) -> LogisticRegression:
    return LogisticRegression(C=penalty, max_iter=3000)


if __name__ == "__main__":
    main()
