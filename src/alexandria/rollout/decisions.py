"""Decisions of a rollout: which months may begin now, what is waited for, and when the next phase begins. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from alexandria.backfill.status import Status
from alexandria.core.grammar import counted
from alexandria.core.month import Month
from alexandria.rollout.gates import (
    UNKNOWN_QUOTA,
    DailyQuota,
    GateEvaluation,
    Outcomes,
    RolloutInputs,
    Verdict,
    cannot_pass,
    count_outcomes,
    evaluate,
    sum_outcomes,
    tally_outcomes,
)
from alexandria.rollout.plan import Phase, Plan, hours_text, members

TICK_SECONDS = 20  # between two runs of the periodic task that follows the decisions; divides a minute
MAX_NAMED_MONTHS = 12  # in the reason of an overridden gate; the log has them all
CALLS_PER_MONTH = 40  # calls to ISBNdb that a month is assumed to need until months have been measured


class WaitKind(StrEnum):
    """Why no month may start now. The values are those of JSON and of metrics."""

    DAY = "day"  # today's months are scheduled, or it is outside the allowed hours
    BUDGET = "budget"  # the day's share of the quota is spent or reserved
    WORK = "work"  # all months are scheduled, and not all have ended
    MISSING = "missing"  # all months have ended, and the gate is pending
    APPROVAL = "approval"  # the gate has passed, and a person must approve it
    SHUT = "shut"  # the gate has failed
    HELD = "held"  # a person holds the rollout
    PAUSED = "paused"  # a person paused the whole backfill
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Standstill:
    """A rollout that waits for more than the calendar, and since when nothing in it has changed."""

    reason: str
    since: datetime
    shut: bool = False


@dataclass(frozen=True, slots=True)
class RolloutState:
    """The state of a rollout. `phase` is the index of its current phase, which schedules months from the day `begins` on.

    `held` is who put it on hold and why, or empty; `overridden` is set when a person has overridden the phase's gate.
    """

    begins: date
    phase: int = 0
    held: str = ""
    overridden: bool = False
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """These months start now."""

    months: tuple[Month, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """No month may start before `until` (None: until something ends or a person acts)."""

    kind: WaitKind
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Advance:
    """The gate has passed or was overridden; `state` is that of the next phase, or of the finished rollout.

    `unfinished` are months that an overridden gate did not wait for, in progress or not seeded, and `exception` is the
    end of a sentence about them.
    """

    state: RolloutState
    reason: str
    unfinished: tuple[Month, ...] = ()
    exception: str = ""


Step = Schedule | Wait | Advance


@dataclass(frozen=True, slots=True)
class RolloutDecision:
    """The next step of a rollout, and the evaluation of its current gate."""

    step: Step
    evaluation: GateEvaluation


def decide(plan: Plan, state: RolloutState, inputs: RolloutInputs, *, approved: bool = False) -> RolloutDecision:
    """Decide the next step of a rollout. Pure; `approved`: a person approves the gate just now."""
    inputs = replace(inputs, outcomes=tally_outcomes(plan, inputs.outcomes))
    evaluation = _evaluated(plan, state, inputs)
    return RolloutDecision(_next_step(plan, state, inputs, evaluation, approved=approved), evaluation)


def next_step(plan: Plan, state: RolloutState, inputs: RolloutInputs, *, approved: bool = False) -> Step:
    """The step that `decide` decides, for callers to whom the gate's sentences do not matter. Pure.

    It is fast if the outcomes are an OutcomeTally of this plan.
    """
    tally = tally_outcomes(plan, inputs.outcomes)
    if tally is not inputs.outcomes:
        inputs = replace(inputs, outcomes=tally)
    return _next_step(plan, state, inputs, None, approved=approved)


def _evaluated(plan: Plan, state: RolloutState, inputs: RolloutInputs) -> GateEvaluation:
    return evaluate(plan.phase[state.phase].gate, count_outcomes(plan, state.phase, inputs))


def _next_step(
    plan: Plan, state: RolloutState, inputs: RolloutInputs, evaluation: GateEvaluation | None, *, approved: bool
) -> Step:
    """The next step. Without its `evaluation` the gate is evaluated as far as the step needs it."""
    phase = plan.phase[state.phase]
    halt = _halted(state, inputs.paused)
    if halt is not None:
        return halt
    pending = _pending(plan, state.phase, inputs.outcomes)
    if evaluation is None and pending:
        counts = sum_outcomes(plan, state.phase, inputs)
        if state.overridden or not (counts.ended or cannot_pass(phase.gate, counts)):
            return _within_day(plan, state, inputs, pending)
    evaluation = evaluation or _evaluated(plan, state, inputs)
    if not pending and (state.overridden or evaluation.verdict is Verdict.OPEN):
        if phase.gate.approval and not (approved or state.overridden):
            return Wait(WaitKind.APPROVAL, f"gate of {phase.name} passed, waiting for approval")
        return _advance(plan, state, inputs, evaluation)
    if evaluation.verdict is Verdict.SHUT and not state.overridden:
        return Wait(WaitKind.SHUT, f"gate of {phase.name} failed: {evaluation.why}")
    if not pending:
        kind = WaitKind.WORK if evaluation.counts.under_way else WaitKind.MISSING
        return Wait(kind, f"gate of {phase.name} pending: {evaluation.why}")
    return _within_day(plan, state, inputs, pending)


def first_schedule(plan: Plan, state: RolloutState, inputs: RolloutInputs) -> tuple[datetime, tuple[Month, ...]] | None:
    """When the next months begin and which, if nothing happens until then. An unknown quota counts as unlimited."""
    quota = inputs.quota or DailyQuota(None)
    step = decide(plan, state, replace(inputs, quota=quota)).step
    at, begun = inputs.now, inputs.begun
    if isinstance(step, Wait) and step.until is not None:
        at = step.until
        if at.date() != inputs.today and quota.limit is not None:
            quota = DailyQuota(quota.limit)
        begun = begun if at.date() == inputs.today else 0
        step = decide(plan, state, replace(inputs, now=at, quota=quota, begun=begun)).step
    return (at, step.months) if isinstance(step, Schedule) else None


def daily_pace(plan: Plan, phase: int, outcomes: Outcomes, today: date) -> int:
    """How many months may start today: the slowest pace and one more for each clean day in a row, up to the fastest.

    A day is clean if all its months completed; one with a failed month is not, although it is retried later. A day with months still in progress does not count either way.
    """
    days = tally_outcomes(plan, outcomes).phases[phase].days
    slowest, fastest = plan.phase[phase].months_per_day
    clean = 0
    for day in sorted((day for day in days if day < today), reverse=True):
        states = days[day]
        if states[Status.FAILED] or slowest + clean >= fastest:
            break
        clean += 0 < states[Status.COMPLETED] == states.total()
    return min(slowest + clean, fastest)


def _halted(state: RolloutState, paused: str) -> Wait | None:
    if state.finished:
        return Wait(WaitKind.FINISHED, "the rollout has finished")
    if state.held:
        return Wait(WaitKind.HELD, f"held by {state.held}")
    return Wait(WaitKind.PAUSED, paused) if paused else None


def _pending(plan: Plan, phase: int, outcomes: Outcomes) -> list[Month]:
    """Months to schedule: reopened ones of earlier phases, and those of this phase, newest first."""
    return tally_outcomes(plan, outcomes).pending(phase)


def _advance(plan: Plan, state: RolloutState, inputs: RolloutInputs, evaluation: GateEvaluation) -> Advance:
    """Begin the next phase tomorrow if months were scheduled today: no day has the months of two phases."""
    name = plan.phase[state.phase].name
    unfinished = _unfinished(plan, state.phase, inputs.outcomes)
    exception = _not_waited_for(unfinished, inputs.outcomes)
    why = f"gate of {name} overridden" if state.overridden else f"gate of {name} passed: {evaluation.why}"
    if state.phase + 1 == len(plan.phase):
        return Advance(replace(state, finished=True), why, unfinished, exception)
    begins = inputs.today + timedelta(days=1) if inputs.scheduled else inputs.today
    return Advance(RolloutState(begins, state.phase + 1), why, unfinished, exception)


def _unfinished(plan: Plan, phase: int, outcomes: Outcomes) -> tuple[Month, ...]:
    ended = {Status.COMPLETED, Status.FAILED}
    return tuple(
        month for month in members(plan)[phase] if month not in outcomes or outcomes[month].status not in ended
    )


def _not_waited_for(months: Sequence[Month], outcomes: Outcomes) -> str:
    """Which months an overridden gate did not wait for, as the end of a sentence."""
    parts = [
        f"{words} {', '.join(map(str, found[:MAX_NAMED_MONTHS]))}"
        + (f" and {len(found) - MAX_NAMED_MONTHS} more" if len(found) > MAX_NAMED_MONTHS else "")
        for words, found in (
            ("in progress", [month for month in months if month in outcomes]),
            ("not seeded", [month for month in months if month not in outcomes]),
        )
        if found
    ]
    return f" without waiting for months: {'; '.join(parts)}" if parts else ""


def _within_day(plan: Plan, state: RolloutState, inputs: RolloutInputs, pending: list[Month]) -> Step:
    phase, today, now = plan.phase[state.phase], inputs.today, inputs.now
    opens, closes = (_at(today, minute) for minute in phase.hours)
    tomorrow = opens + timedelta(days=1)
    if state.begins > today:
        return Wait(WaitKind.DAY, f"start of phase {phase.name}", _at(state.begins, phase.hours[0]))
    if not opens <= now < closes:
        return Wait(
            WaitKind.DAY,
            f"outside the allowed hours of {phase.name} ({hours_text(phase.hours)} UTC)",
            opens if now < opens else tomorrow,
        )
    done, most = inputs.scheduled, daily_pace(plan, state.phase, inputs.outcomes, today)
    if done >= most:
        return Wait(
            WaitKind.DAY, f"today's {counted(done, 'month')} {'is' if done == 1 else 'are'} scheduled", tomorrow
        )
    afforded, each = _afforded(plan, phase, inputs)
    if afforded <= 0:
        return Wait(
            WaitKind.BUDGET, _unaffordable(phase, inputs.quota, each), None if inputs.quota is None else tomorrow
        )
    months = tuple(pending[: min(most - done, afforded)])
    return Schedule(months, f"{phase.name}: {counted(len(months), 'month')} (today's limit: {most})")


def _at(day: date, minute: int) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(minutes=minute)


def _afforded(plan: Plan, phase: Phase, inputs: RolloutInputs) -> tuple[int, int]:
    """How many months today's share of the quota still allows beside those in progress, and the calls that each needs.

    No quota keeps a rollout still for ever. A day has one month all the same if even a whole day's share is too small
    for one, if what a month needs has not been measured, and if months that wait for a retry reserve what is left.
    """
    outcomes, quota = tally_outcomes(plan, inputs.outcomes), inputs.quota
    done = outcomes.states[Status.COMPLETED]
    each = max(-(-outcomes.calls // done), 1) if done else CALLS_PER_MONTH
    if quota is None:
        return 0, each
    if quota.limit is None:
        return len(outcomes), each
    resting = sum(
        months for day, months in outcomes.resting.items() if day not in {None, inputs.today}
    )  # begun on an earlier day
    under_way = outcomes.states[Status.PROCESSING] + outcomes.states[Status.RETRY]
    idle = not inputs.scheduled and under_way == resting
    left, whole = quota.left(phase.quota_share), quota.whole(phase.quota_share)
    if whole < each and quota.limit > quota.spent and (left > 0 or not whole):
        return int(idle), each
    others = quota.by_months is not None and quota.spent > quota.by_months
    unmeasured = not done and left > 0 and others
    return max(left // each - under_way, int(idle and (left >= each or unmeasured))), each


def _unaffordable(phase: Phase, quota: DailyQuota | None, each: int) -> str:
    if quota is None or quota.limit is None:
        return UNKNOWN_QUOTA
    if not quota.limit:
        return "ISBNdb's daily limit leaves no call for months (raise it, or lower its reserve: alexandria quota)"
    left = counted(max(quota.left(phase.quota_share), 0), "call")
    return (
        f"today's share of the ISBNdb quota is used or reserved: {left} left for months, about {each} needed for each"
    )
