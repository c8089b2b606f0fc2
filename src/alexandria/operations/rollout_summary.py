"""Summarizes a rollout for the page: its phases, its gate and what follows."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alexandria.backfill.status import Status
from alexandria.core.grammar import counted
from alexandria.operations.status_style import BLOCKED
from alexandria.rollout.acts import is_overridable
from alexandria.rollout.controller import RolloutSnapshot
from alexandria.rollout.decisions import Advance, Schedule, Wait, WaitKind
from alexandria.rollout.gates import PhaseCounts, Verdict, count_outcomes
from alexandria.rollout.plan import Gate, Plan, example, members, read
from alexandria.rollout.plan_review import review

VERDICT_STYLES = {Verdict.OPEN: Status.COMPLETED, Verdict.WAIT: BLOCKED, Verdict.SHUT: Status.FAILED}


@dataclass(frozen=True, slots=True)
class PhaseSummary:
    """A phase of the plan; `state` is a key of STYLES."""

    name: str
    state: str
    completed: int
    months: int


@dataclass(frozen=True, slots=True)
class RolloutSummary:
    """A rollout as the page shows it.

    `headline` is the gate's verdict, or how far the phase has come, in the style `status`. `next_step` is what follows,
    at `until` if that is known; `number` is that of the phase, the first is 1; `after_gate` what begins once the gate is passed.
    `warnings` are phases that failed after they had passed, and what the plan may not do as intended.
    """

    id: int
    name: str
    phase: str
    number: int
    phases: tuple[PhaseSummary, ...]
    headline: str
    status: str
    reasons: tuple[str, ...]
    requirements: str
    counts: str
    next_step: str
    until: datetime | None
    after_gate: str
    months_left: int
    held: str
    hold: int | None
    running: bool
    waits_for_approval: bool
    overridden: bool
    can_override: bool
    warnings: tuple[str, ...]


def summarize(situation: RolloutSnapshot) -> RolloutSummary:
    """The summary of a rollout that runs, or of the last that did."""
    plan, state, step = situation.rollout.plan, situation.rollout.state, situation.decision.step
    evaluation = situation.decision.evaluation
    approval = isinstance(step, Wait) and step.kind is WaitKind.APPROVAL
    return RolloutSummary(
        id=situation.rollout.id,
        name=plan.name,
        phase=situation.phase,
        number=state.phase + 1,
        phases=tuple(_phases(situation)),
        headline=_headline(situation, approval=approval),
        status=VERDICT_STYLES[evaluation.verdict],
        reasons=evaluation.reasons,
        requirements="; ".join(_requirements(evaluation.gate)),
        counts=_describe_counts(evaluation.counts),
        next_step=_next_step(situation),
        until=step.until if isinstance(step, Wait) else None,
        after_gate=_after_gate(plan, state.phase),
        months_left=evaluation.counts.pending,
        held=state.held,
        hold=situation.hold,
        running=situation.rollout.ended_at is None,
        waits_for_approval=approval,
        overridden=state.overridden,
        can_override=not state.overridden and is_overridable(evaluation),
        warnings=tuple(warnings(situation)),
    )


@functools.cache
def default_plan() -> Plan:
    """The plan that comes with the product."""
    return read(example())


def warnings(situation: RolloutSnapshot) -> list[str]:
    """Phases that failed after they had passed, and what the running plan may not do as intended, a sentence each."""
    rollout, inputs = situation.rollout, situation.inputs
    failed = [*map(str, situation.failed_later)]
    if rollout.ended_at is not None:
        return failed
    return failed + review(rollout.plan, inputs.today, inputs.quota, rollout.state.phase)


def describe_default_plan() -> tuple[str, ...]:
    """The phases of the plan that comes with the product, each in a line."""
    plan = default_plan()
    return tuple(
        f"{phase.name}: {counted(len(months), 'month')}, {_span(phase.months_per_day)} a day"
        for phase, months in zip(plan.phase, members(plan), strict=True)
    )


def finish_dates(situation: RolloutSnapshot) -> tuple[date, date] | None:
    """When the months that are left would be done by the plan's fastest and slowest pace; None if none are left."""
    plan, state = situation.rollout.plan, situation.rollout.state
    fast = slow = 0
    for number in range(state.phase, len(plan.phase)):
        counts = count_outcomes(plan, number, situation.inputs)
        left = counts.months - counts.completed - counts.failed - counts.under_way
        slowest, fastest = plan.phase[number].months_per_day
        fast, slow = fast + math.ceil(left / fastest), slow + math.ceil(left / slowest)
    if not slow:
        return None
    first = max(state.begins, situation.inputs.today)
    return first + timedelta(days=fast - 1), first + timedelta(days=slow - 1)


def _headline(situation: RolloutSnapshot, *, approval: bool) -> str:
    """The gate's verdict; while the phase's months are still to come, how far it is."""
    evaluation = situation.decision.evaluation
    if approval:
        return "Gate passed, waiting for approval"
    if situation.rollout.state.overridden:
        return "Gate overridden"
    counts = evaluation.counts
    if evaluation.verdict is Verdict.WAIT and not counts.ended:
        return f"Phase in progress: {counts.completed + counts.failed} of {counted(counts.months, 'month')} done"
    return f"Gate {evaluation.verdict.word}"


def _next_step(situation: RolloutSnapshot) -> str:
    """What follows by itself, if the gate's own words do not say it."""
    step = situation.decision.step
    after_gate = _after_gate(situation.rollout.plan, situation.rollout.state.phase)
    match step:
        case Schedule():
            return step.reason
        case Advance():
            return after_gate
        case Wait(kind=WaitKind.APPROVAL):
            return f"once approved, {after_gate}"
        case Wait(kind=WaitKind.DAY | WaitKind.BUDGET | WaitKind.PAUSED):
            return step.reason
    return ""


def _phases(situation: RolloutSnapshot) -> Iterator[PhaseSummary]:
    state = situation.rollout.state
    for number, phase in enumerate(situation.rollout.plan.phase):
        counts = count_outcomes(situation.rollout.plan, number, situation.inputs)
        done = number < state.phase or state.finished
        status = Status.COMPLETED if done else Status.PROCESSING if number == state.phase else Status.PENDING
        yield PhaseSummary(phase.name, status, counts.completed, counts.months)


def _requirements(gate: Gate) -> Iterator[str]:
    confident = "with 95 % confidence"
    yield f"{_percent(gate.min_resolution_rate)} of at least {gate.min_sample:,} books have an ISBN, {confident}"
    if gate.min_confirmed_share:
        dated = f"at least {gate.confirmed_sample:,} dated books"
        yield f"{_percent(gate.min_confirmed_share)} of {dated} are of their month, {confident}"
    yield f"at most {_percent(gate.max_failed_share)} of the months failed"
    if gate.hold_if_failed_later:
        yield "held if its months are run again later and its gate would then fail"
    if gate.min_quota_headroom:
        yield f"{_percent(gate.min_quota_headroom)} of the day's quota left"
    if gate.approval:
        yield "approval"


def _describe_counts(counts: PhaseCounts) -> str:
    checked = counts.resolved + counts.unresolved
    ended = f"{counts.completed} of {counted(counts.months, 'month')} completed, {counts.failed} failed"
    parts = [
        f"{ended}, {counts.under_way} under way, {counts.pending} to be scheduled",
        f"{counts.resolved:,} of {counted(checked, 'book')} have an ISBN",
    ]
    if counts.adopted:
        parts.append(f"{counted(counts.adopted, 'adopted month')} not counted")
    if counts.hindered:
        parts.append(f"{counted(counts.hindered, 'book')} not checked (source unavailable)")
    known = counts.confirmed + counts.contradicted
    if known:
        parts.append(f"{counts.confirmed:,} of {counted(known, 'dated book')} are of their month")
    if counts.quota is not None and counts.quota.limit is not None:
        left = max(counts.quota.limit - counts.quota.spent, 0)
        parts.append(f"{left:,} of {counted(counts.quota.limit, 'call')} left today")
    return "; ".join(parts)


def _after_gate(plan: Plan, phase: int) -> str:
    if phase + 1 == len(plan.phase):
        return "the rollout is finished"
    following = plan.phase[phase + 1]
    return f"phase {following.name} starts: {counted(len(members(plan)[phase + 1]), 'month')}"


def _span(ends: tuple[int, int]) -> str:
    return " to ".join(map(str, dict.fromkeys(ends)))


def _percent(share: float) -> str:
    return f"{round(share * 100, 1):g} %"
