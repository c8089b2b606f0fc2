"""Labelled pairs of `alexandria review export`: how often what a catalogue accepted is right, and how the present matcher judges."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from alexandria.catalogue.matching.scoring import ACCEPT, score
from labelled import Row, candidate_of, hit_of, interval, pair_outcome, rates

EMPTY_FIELDS = {"work_first_date": "", "pages": "", "series": ""}  # which evidence does not keep


def judge_reviewed(rows: Sequence[Row], errors: int) -> Row:
    """The precision of what the catalogue accepted, and the figures of the present matcher on the same pairs."""
    outcomes = []
    for row in rows:
        scored = score(candidate_of(row["query"]), hit_of(record_of(row), row["record"]["authors"] or ()))
        outcomes.append(pair_outcome(row, scored.verdict == ACCEPT))
        if outcomes[-1] in ("wrong", "missed") and errors > 0:
            errors -= 1
            print(outcomes[-1], row["id"], row["query"], row["record"], scored.reasons, file=sys.stderr)
    accepted = [outcome for outcome in outcomes if outcome in ("right", "wrong")]
    same = [outcome for outcome in outcomes if outcome in ("right", "missed")]
    return {
        "catalogue": catalogue_precision(rows),
        **rates(outcomes),
        "intervals": {
            "precision": interval(accepted.count("right"), len(accepted)),
            "recall": interval(same.count("right"), len(same)),
        },
    }


def record_of(row: Row) -> Row:
    """A record of the evidence with the fields of a labelled one."""
    return EMPTY_FIELDS | {name: value if value is not None else "" for name, value in row["record"].items()}


def catalogue_precision(rows: Sequence[Row]) -> Row:
    """The share of accepted ISBNs that are right, [share, low, high] with 95 % intervals, by stratum and of all; else null.

    The strata are joined by their sizes, and their intervals by the distances of their bounds (MOVER). Suspected ones are
    reviewed from the least sure on: until all are, the figure is too low rather than too high.
    """
    found: Row = {}
    for stratum, size in (rows[0]["strata"] if rows else {}).items():
        of = [row for row in rows if row["stratum"] == stratum]
        right = sum(row["label"] == "same_work" for row in of)
        found[stratum] = {"reviewed": len(of), "of": size, "precision": interval(right, len(of))}
    parts = [part for part in found.values() if part["of"]]
    known = parts and all(part["precision"] for part in parts)
    return found | {"precision": joined(parts) if known else None}


def joined(parts: Sequence[Row]) -> list[float]:
    """One interval of several strata, each with its weight."""
    total = sum(part["of"] for part in parts)
    weighed = [(part["of"] / total, *part["precision"]) for part in parts]
    share = sum(weight * middle for weight, middle, _, _ in weighed)
    below = math.hypot(*(weight * (middle - low) for weight, middle, low, _ in weighed))
    above = math.hypot(*(weight * (high - middle) for weight, middle, _, high in weighed))
    return [round(value, 4) for value in (share, max(0.0, share - below), min(1.0, share + above))]
