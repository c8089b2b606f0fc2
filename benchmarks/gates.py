"""Measures how often gates open, if months differ and if they do not. Prints one JSON line.

Each rollout has one phase of months with 20 books, whose rates of success are drawn from a beta distribution with the
given mean and deviation. The production decisions begin them day by day, and the gate is evaluated when they begin and when they have ended.
`wilson` is how many gates would open by Wilson's bound, which takes all books for independent.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.rollout.cluster_bound import wilson
from alexandria.rollout.decisions import Advance, RolloutState, Schedule, decide
from alexandria.rollout.gates import DailyQuota, MonthOutcome, OutcomeTally, RolloutInputs
from alexandria.rollout.plan import Gate, Phase, Plan, members

BOOKS = 20  # of a month
MONTHS_PER_DAY = 20
UNLIMITED = DailyQuota(None)
START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=2000)
    number = parser.parse_args().rollouts
    cases = [
        {"months": months, "rate": rate, "threshold": threshold, "deviation": deviation}
        for months, rate, threshold, deviation in (
            (10, 0.85, 0.85, 0.1), (60, 0.85, 0.85, 0.1), (10, 0.8, 0.8, 0.1), (10, 0.75, 0.75, 0.1),
            (10, 0.9, 0.9, 0.1), (60, 0.95, 0.95, 0.1), (10, 0.85, 0.85, 0), (60, 0.85, 0.85, 0),
            (60, 0.91, 0.85, 0.1), (60, 0.86, 0.8, 0.1), (10, 0.95, 0.85, 0.02), (10, 0.95, 0.85, 0.05),
        )
    ]  # fmt: skip
    results = [
        case | {"opened": opened(number, **case), "wilson": opened(number, **case, alike=True)} for case in cases
    ]
    print(json.dumps({"rollouts": number, "cases": results}))


def opened(
    rollouts: int, *, months: int, rate: float, threshold: float, deviation: float, alike: bool = False
) -> float:
    """The share of rollouts that pass their gate; with `alike` by Wilson's bound."""
    gate = Gate(min_resolution_rate=threshold, min_sample=1)
    phase = Phase(
        name="one", years=(2000, 2023), months=months, months_per_day=(MONTHS_PER_DAY, MONTHS_PER_DAY), gate=gate
    )
    plan = Plan(name="one", phase=(phase,))
    draws = (
        books_found(Random(f"{seed} {months} {rate} {deviation}"), plan, rate, deviation) for seed in range(rollouts)
    )
    if alike:
        return sum(wilson(sum(found.values()), months * BOOKS)[0] >= threshold for found in draws) / rollouts
    return sum(passes(plan, found) for found in draws) / rollouts


def books_found(rng: Random, plan: Plan, rate: float, deviation: float) -> dict[Month, int]:
    """How many of each month's books are found."""
    rates: Iterator[float]
    if deviation:
        both = rate * (1 - rate) / deviation**2 - 1
        rates = (rng.betavariate(rate * both, (1 - rate) * both) for _ in members(plan)[0])
    else:
        rates = (rate for _ in members(plan)[0])
    return {
        month: sum(rng.random() < each for _ in range(BOOKS))
        for month, each in zip(members(plan)[0], rates, strict=True)
    }


def passes(plan: Plan, found: dict[Month, int]) -> bool:
    """Whether the rollout passes its gate. It is decided when months have begun and when they have ended, day by day."""
    state, now = RolloutState(START.date()), START
    outcomes = OutcomeTally(plan, dict.fromkeys(found, MonthOutcome()))
    while isinstance(step := decide(plan, state, RolloutInputs(now, outcomes, UNLIMITED)).step, Schedule):
        for month in step.months:
            outcomes[month] = MonthOutcome(Status.PROCESSING, day=now.date())
        under_way = decide(plan, state, RolloutInputs(now, outcomes, UNLIMITED)).step
        if isinstance(under_way, Advance):
            raise SystemExit(f"a gate passed before its months had ended: {under_way.reason}")
        for month in step.months:
            resolved = found[month]
            outcomes[month] = replace(
                outcomes[month], status=Status.COMPLETED, resolved=resolved, unresolved=BOOKS - resolved
            )
        now += timedelta(days=1)
    return isinstance(step, Advance)


if __name__ == "__main__":
    main()
