"""The sums of a plan's outcomes follow each outcome that is set, and lead to the same step as counting all of them again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from alexandria.backfill.status import Status
from alexandria.core.month import Month, months_of_years
from alexandria.rollout.decisions import RolloutState, Step, decide, next_step
from alexandria.rollout.gates import (
    DailyQuota,
    MonthOutcome,
    OutcomeTally,
    RolloutInputs,
    Verdict,
    count_outcomes,
    evaluate,
)
from alexandria.rollout.plan import Plan, members

TODAY = date(2026, 3, 12)
NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
CHANGES = 40  # outcomes that are set, one after the other


def draw_plan(rng: Random) -> Plan:
    gate = {
        "min_resolution_rate": rng.choice([0.5, 0.8, 0.9]),
        "min_sample": rng.choice([5, 100]),
        "max_failed_share": rng.choice([0, 0.1, 0.5]),
        "min_confirmed_share": rng.choice([0, 0, 0.3, 0.8]),
        "approval": rng.random() < 0.3,
    }
    phases = [
        {"name": name, "years": years, "months_per_day": rng.choice(["2", "1..4", "5..9"]), "gate": gate,
         "quota_share": rng.choice([0.1, 1])}
        for name, years in (("A", "2023"), ("B", "2021..2022"))
    ]  # fmt: skip
    return Plan.model_validate({"name": "drawn", "phase": phases})


def draw_outcome(rng: Random) -> MonthOutcome:
    status = rng.choices([*Status], [3 if each in {Status.COMPLETED, Status.PENDING} else 1 for each in Status])[0]
    day = None if status is Status.PENDING else TODAY - timedelta(days=rng.randrange(6))
    failed = tuple(TODAY - timedelta(days=rng.randrange(1, 6)) for _ in range(rng.choice([0, 0, 0, 1])))
    begun = rng.choice([None, day])
    if status in {Status.COMPLETED, Status.FAILED} and rng.random() < 0.2:
        return MonthOutcome(status, None, rng.randrange(60), 15, 5, adopted=True)
    if status is not Status.COMPLETED:
        return MonthOutcome(status, day, failed_days=failed, begun=begun)
    resolved = rng.randrange(6, 20)
    confirmed = rng.randrange(resolved)
    return MonthOutcome(status, day, rng.randrange(60), resolved, rng.randrange(5), rng.choice([0, 0, 3]), confirmed,
                        resolved - confirmed, failed, begun)  # fmt: skip


def draw_inputs(rng: Random, outcomes: dict[Month, MonthOutcome]) -> RolloutInputs:
    spent = rng.randrange(400)
    quota = rng.choice(
        [None, DailyQuota(None), DailyQuota(rng.choice([60, 1000]), spent, rng.choice([None, spent // 2]))]
    )
    return RolloutInputs(NOON, outcomes, quota, begun=rng.choice([0, 0, 3]))


@pytest.mark.parametrize("seed", range(20))
def test_the_next_step_is_the_one_that_is_decided_from_all_outcomes(seed: int) -> None:
    """Months of the plan and others are set in any order; a tally is compared with the outcomes alone."""
    rng = Random(f"tally {seed}")
    plan = draw_plan(rng)
    known = {month: draw_outcome(rng) for month in months_of_years(2020, 2023) if rng.random() < 0.9}
    tally = OutcomeTally(plan, known)
    for _ in range(CHANGES):
        month = rng.choice([*known])
        tally[month] = known[month] = draw_outcome(rng)
        inputs = draw_inputs(rng, known)
        state = RolloutState(TODAY, rng.randrange(2), overridden=rng.random() < 0.2)
        wanted = decide(plan, state, inputs)
        assert next_step(plan, state, replace(inputs, outcomes=tally)) == wanted.step
        assert evaluate(plan.phase[state.phase].gate, count_outcomes(plan, state.phase, inputs)) == wanted.evaluation
        if {outcome.status for outcome in known.values()} & {Status.PENDING}:
            assert_gate_fails_alike(plan, state, inputs, wanted.step)
    assert dict(tally) == known


def assert_gate_fails_alike(plan: Plan, state: RolloutState, inputs: RolloutInputs, step: Step) -> None:
    gate = plan.phase[state.phase].gate
    failed = evaluate(gate, count_outcomes(plan, state.phase, inputs)).verdict is Verdict.SHUT
    assert ("failed" in step.reason) is (failed and not state.overridden)


@pytest.mark.parametrize("seed", range(10))
def test_the_sums_are_those_of_all_outcomes(seed: int) -> None:
    rng = Random(f"sums {seed}")
    plan = draw_plan(rng)
    tally = OutcomeTally(plan, {})
    for month in rng.choices([*months_of_years(2020, 2023)], k=200):
        tally[month] = draw_outcome(rng)
    ours = [outcome for outcome in tally.values() if not outcome.adopted]
    assert tally.calls == sum(outcome.calls for outcome in ours if outcome.status is Status.COMPLETED)
    assert +tally.states == Counter(outcome.status for outcome in ours)
    assert +tally.begun == Counter(outcome.day for outcome in tally.values() if outcome.day)
    resting = Counter(o.begun or o.day for o in tally.values() if o.status is Status.RETRY)
    assert +tally.resting == resting
    for number, months in enumerate(members(plan)):
        own = [tally[month] for month in months if month in tally and not tally[month].adopted]
        assert tally.phases[number].adopted == sum(month in tally and tally[month].adopted for month in months)
        pending = [month for month in months if month in tally and tally[month].status is Status.PENDING]
        assert [*tally.phases[number].pending] == pending
        assert tally.phases[number].books[:2] == [sum(o.resolved for o in own), sum(o.unresolved for o in own)]
        assert tally.phases[number].largest == max(o.resolved + o.unresolved + o.hindered for o in own)
        assert +tally.phases[number].states == Counter(outcome.status for outcome in own)
        states = {day: Counter(o.status for o in own if o.day == day) for day in {o.day for o in own if o.day}}
        for outcome in own:
            for day in outcome.failed_days:
                states.setdefault(day, Counter())[Status.FAILED] += 1
        assert {day: +found for day, found in tally.phases[number].days.items() if +found} == states
