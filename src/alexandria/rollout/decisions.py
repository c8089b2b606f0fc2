"""Decisions of a rollout: which months may begin now, what is waited for, and when the next phase begins. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.rollout.gates import (
    UNKNOWN_QUOTA,
    DailyQuota,
    GateEvaluation,
    Outcomes,
    RolloutInputs,
    Verdict,
    count_outcomes,
    evaluate,
)
from alexandria.rollout.plan import Phase, Plan, members

TICK_SECONDS = 20  # between two runs of the periodic task that follows the decisions; divides a minute
CALLS_PER_MONTH = 40  # calls to ISBNdb that a month is taken to need before any has been measured


class WaitKind(StrEnum):
    """Why nothing begins just now."""

    DAY = "day"  # the day's months have been scheduled, or it is not the hour
    BUDGET = "budget"  # the day's share of the quota is spent or spoken for
    WORK = "work"  # all months have been scheduled, and not all have ended
    MISSING = "missing"  # they have ended, and the gate lacks something
    APPROVAL = "approval"  # the gate is open and a person must agree
    SHUT = "shut"  # the gate is shut
    HELD = "held"  # a person holds the rollout
    PAUSED = "paused"  # a person has paused the whole
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Standstill:
    """A rollout that does not go on by the calendar alone, and since when nothing of it has changed."""

    reason: str
    since: datetime
    shut: bool = False


@dataclass(frozen=True, slots=True)
class RolloutState:
    """Where a rollout is: the index of its phase, which schedules from the day `begins` on; who holds it and why (empty:
    nobody); whether a person has overridden the phase's gate; whether it has finished."""

    begins: date
    phase: int = 0
    held: str = ""
    overridden: bool = False
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """Let these months begin now."""

    months: tuple[Month, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing may begin before `until` (None: until something ends or a person acts)."""

    kind: WaitKind
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Advance:
    """The gate is behind us; `state` is the new one: of the next phase, or at the end."""

    state: RolloutState
    reason: str


Step = Schedule | Wait | Advance


@dataclass(frozen=True, slots=True)
class RolloutDecision:
    """What follows now, and how the gate of the present phase is judged."""

    step: Step
    evaluation: GateEvaluation


def decide(plan: Plan, state: RolloutState, inputs: RolloutInputs, *, approved: bool = False) -> RolloutDecision:
    """What follows for a rollout. Pure; `approved` is a person's consent given just now."""
    phase = plan.phase[state.phase]
    evaluation = evaluate(phase.gate, count_outcomes(plan, state.phase, inputs))
    halt = _halted(state, inputs.paused)
    if halt is not None:
        return RolloutDecision(halt, evaluation)
    pending = _pending(plan, state.phase, inputs.outcomes)
    if not pending and (state.overridden or evaluation.verdict is Verdict.OPEN):
        if phase.gate.approval and not (approved or state.overridden):
            waits = Wait(WaitKind.APPROVAL, f"the gate of {phase.name} is open and waits for a person's approval")
            return RolloutDecision(waits, evaluation)
        return RolloutDecision(_advance(plan, state, inputs, evaluation), evaluation)
    if evaluation.verdict is Verdict.SHUT and not state.overridden:
        return RolloutDecision(Wait(WaitKind.SHUT, f"the gate of {phase.name} is shut: {evaluation.why}"), evaluation)
    if not pending:
        kind = WaitKind.WORK if evaluation.counts.under_way else WaitKind.MISSING
        return RolloutDecision(Wait(kind, f"the gate of {phase.name} waits: {evaluation.why}"), evaluation)
    return RolloutDecision(_within_day(plan, state, inputs, pending), evaluation)


def daily_pace(plan: Plan, phase: int, outcomes: Outcomes, today: date) -> int:
    """Months for today: from the slowest one more for each clean day in a row. A day whose months are still under way is
    neither clean nor not."""
    days: dict[date, list[Status]] = defaultdict(list)
    for month in members(plan)[phase]:
        outcome = outcomes.get(month)
        if outcome is not None and outcome.day is not None and outcome.day < today:
            days[outcome.day].append(outcome.status)
    slowest, fastest = plan.phase[phase].months_per_day
    clean = 0
    for _, states in sorted(days.items()):
        clean = 0 if Status.FAILED in states else clean + (set(states) == {Status.COMPLETED})
    return min(slowest + clean, fastest)


def _halted(state: RolloutState, paused: str) -> Wait | None:
    if state.finished:
        return Wait(WaitKind.FINISHED, "the rollout has finished")
    if state.held:
        return Wait(WaitKind.HELD, f"held by {state.held}")
    return Wait(WaitKind.PAUSED, paused) if paused else None


def _pending(plan: Plan, phase: int, outcomes: Outcomes) -> list[Month]:
    """Months to schedule: what was reopened of earlier phases, and those of this one, newest first."""
    return [
        month
        for months in members(plan)[: phase + 1]
        for month in months
        if month in outcomes and outcomes[month].status is Status.PENDING
    ]


def _advance(plan: Plan, state: RolloutState, inputs: RolloutInputs, evaluation: GateEvaluation) -> Advance:
    """The next phase begins tomorrow if months were scheduled today, so that no day has the months of two."""
    name = plan.phase[state.phase].name
    overridden = f"the gate of {name} was overridden"
    why = overridden if state.overridden else f"the gate of {name} is open: {evaluation.why}"
    if state.phase + 1 == len(plan.phase):
        return Advance(replace(state, finished=True), why)
    begins = inputs.today + timedelta(days=1) if inputs.scheduled else inputs.today
    return Advance(RolloutState(begins, state.phase + 1), why)


def _within_day(plan: Plan, state: RolloutState, inputs: RolloutInputs, pending: list[Month]) -> Step:
    phase, today, now = plan.phase[state.phase], inputs.today, inputs.now
    opens, closes = (_at(today, minute) for minute in phase.hours)
    tomorrow = opens + timedelta(days=1)
    if state.begins > today:
        return Wait(WaitKind.DAY, f"{phase.name} begins on {state.begins}", _at(state.begins, phase.hours[0]))
    if not opens <= now < closes:
        return Wait(WaitKind.DAY, f"{phase.name} is outside its hours", opens if now < opens else tomorrow)
    done, most = inputs.scheduled, daily_pace(plan, state.phase, inputs.outcomes, today)
    if done >= most:
        return Wait(WaitKind.DAY, f"today's {done} months have been scheduled", tomorrow)
    afforded, each = _afforded(phase, inputs)
    if afforded <= 0:
        return Wait(
            WaitKind.BUDGET, _unaffordable(phase, inputs.quota, each), None if inputs.quota is None else tomorrow
        )
    months = tuple(pending[: min(most - done, afforded)])
    return Schedule(months, f"{phase.name}: {len(months)} months; today's pace is {most}")


def _at(day: date, minute: int) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(minutes=minute)


def _afforded(phase: Phase, inputs: RolloutInputs) -> tuple[int, int]:
    """Months that today's share of the quota can still pay for beside those under way, and the calls that each needs.

    Where a whole day's share is too small for a month a day has one all the same, else none would ever begin.
    """
    outcomes, quota = inputs.outcomes, inputs.quota
    done = [outcome.calls for outcome in outcomes.values() if outcome.status is Status.COMPLETED]
    each = max(-(-sum(done) // len(done)), 1) if done else CALLS_PER_MONTH
    if quota is None:
        return 0, each
    if quota.limit is None:
        return len(outcomes), each
    under_way = sum(outcome.status in {Status.PROCESSING, Status.RETRY} for outcome in outcomes.values())
    left = quota.left(phase.quota_share)
    if left > 0 and replace(quota, spent=0, by_months=0).left(phase.quota_share) < each:
        return int(not under_way and not inputs.scheduled), each
    return left // each - under_way, each


def _unaffordable(phase: Phase, quota: DailyQuota | None, each: int) -> str:
    if quota is None or quota.limit is None:
        return UNKNOWN_QUOTA
    return (
        f"the day's share of ISBNdb's quota is spent or spoken for: {max(quota.left(phase.quota_share), 0)} calls are left "
        f"for months, some for those under way, and a month needs about {each}"
    )
