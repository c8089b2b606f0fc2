"""Turns findings into a score: the probability, in per cent, that two records name one work.

Each finding has log-odds, fitted by benchmarks/calibration.py on labelled pairs; those of a comparison add up.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from alexandria.catalogue.matching.findings import VETO_POINTS, Finding

WEIGHTS = Path(__file__).with_name("score_weights.toml")
MIN_SCORE, MAX_SCORE = 0.1, 99.9  # per cent: no comparison is certain

# Findings of the same words and another cost are others: a slip is sure or undecided.
Sign: TypeAlias = tuple[str, float]


@dataclass(frozen=True, slots=True)
class ScoreModel:
    """The fitted log-odds of findings, and the number of pairs that showed each: `start` before any.

    Those of a finding that no pair showed go by its cost: `per_point`, or `per_veto_point` if it refuses.
    """

    version: int
    start: float
    per_point: float
    per_veto_point: float
    weights: Mapping[Sign, float]
    seen: Mapping[Sign, int]

    def score(self, findings: Sequence[Finding]) -> float:
        """The probability of one work, in per cent."""
        odds = self.start + sum(map(self.weight, signs_of(findings)))
        return round(min(MAX_SCORE, max(MIN_SCORE, 100 / (1 + math.exp(-odds)))), 1)

    def weight(self, sign: Sign) -> float:
        """The log-odds of one finding."""
        known = self.weights.get(sign)
        if known is not None:
            return known
        return sign[1] * (self.per_point if sign[1] < VETO_POINTS else self.per_veto_point)


def signs_of(findings: Iterable[Finding]) -> Iterator[Sign]:
    """What the model knows findings by: words and cost, each finding after those that it rests on."""
    for finding in findings:
        if finding.within:
            yield from signs_of(finding.within)
        yield finding.words, finding.cost


@lru_cache(maxsize=1)
def score_model() -> ScoreModel:
    """The model in use."""
    stored = tomllib.loads(WEIGHTS.read_text(encoding="utf-8"))
    signs = {(each["words"], float(each["cost"])): each for each in stored["finding"]}
    weights = {sign: each["log_odds"] for sign, each in signs.items()}
    seen = {sign: each["seen"] for sign, each in signs.items()}
    return ScoreModel(stored["version"], stored["start"], stored["per_point"], stored["per_veto_point"], weights, seen)
