"""How does a rollout look? Its phases, its gate in words with what it rests on, and the acts that fit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alexandria.backfill.status import Status
from alexandria.operations.status_style import BLOCKED
from alexandria.rollout.controller import RolloutSnapshot
from alexandria.rollout.decisions import Advance, Schedule, Wait, WaitKind
from alexandria.rollout.gates import PhaseCounts, Verdict, count_outcomes
from alexandria.rollout.plan import Gate, Plan, example, members, read

SIGNS = {
    Verdict.OPEN: ("open", Status.COMPLETED),
    Verdict.WAIT: ("waiting", BLOCKED),
    Verdict.SHUT: ("shut", Status.FAILED),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A phase of the plan; `state` is of the palette."""

    name: str
    state: str
    completed: int
    months: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A rollout as the page tells it. `following` is what begins once the gate is passed; `until` when `coming` comes."""

    name: str
    phase: str
    stages: tuple[Stage, ...]
    word: str
    sign: str
    reasons: tuple[str, ...]
    needs: str
    counted: str
    coming: str
    until: datetime | None
    following: str
    left: int
    held: str
    runs: bool
    waits_for_approval: bool
    overridden: bool


def shown(now: RolloutSnapshot) -> Shown:
    plan, state, step = now.rollout.plan, now.rollout.state, now.decision.step
    evaluation = now.decision.evaluation
    word, sign = SIGNS[evaluation.verdict]
    kind = step.kind if isinstance(step, Wait) else None
    return Shown(
        name=plan.name,
        phase=now.phase,
        stages=tuple(_stages(now)),
        word="waits for approval" if kind is WaitKind.APPROVAL else "overridden" if state.overridden else word,
        sign=sign,
        reasons=evaluation.reasons,
        needs="; ".join(_needs(evaluation.gate)),
        counted=_counted(evaluation.counts),
        coming=_coming(now),
        until=step.until if isinstance(step, Wait) else None,
        following=_following(plan, state.phase),
        left=evaluation.counts.pending,
        held=state.held,
        runs=now.rollout.ended_at is None,
        waits_for_approval=kind is WaitKind.APPROVAL,
        overridden=state.overridden,
    )


def offered() -> tuple[str, ...]:
    """The phases of the plan that comes with the product, each in a line."""
    plan = read(example())
    return tuple(
        f"{phase.name}: {len(months)} months, {_span(phase.months_per_day)} a day"
        for phase, months in zip(plan.phase, members(plan), strict=True)
    )


def days(now: RolloutSnapshot) -> tuple[date, date] | None:
    """When the months that are left would be done by the plan's fastest and slowest pace; None if none are left."""
    plan, state = now.rollout.plan, now.rollout.state
    fast = slow = 0
    for number in range(state.phase, len(plan.phase)):
        counts = count_outcomes(plan, number, now.inputs)
        left = counts.months - counts.completed - counts.failed - counts.under_way
        slowest, fastest = plan.phase[number].months_per_day
        fast, slow = fast + math.ceil(left / fastest), slow + math.ceil(left / slowest)
    if not slow:
        return None
    first = max(state.begins, now.inputs.today)
    return first + timedelta(days=fast - 1), first + timedelta(days=slow - 1)


def _coming(now: RolloutSnapshot) -> str:
    """What follows by itself, if the gate's own words do not tell it."""
    step, following = now.decision.step, _following(now.rollout.plan, now.rollout.state.phase)
    match step:
        case Schedule():
            return step.reason
        case Advance():
            return following
        case Wait(kind=WaitKind.APPROVAL):
            return f"once approved, {following}"
        case Wait(kind=WaitKind.DAY | WaitKind.BUDGET | WaitKind.PAUSED):
            return step.reason
    return ""


def _stages(now: RolloutSnapshot) -> Iterator[Stage]:
    state = now.rollout.state
    for number, phase in enumerate(now.rollout.plan.phase):
        counts = count_outcomes(now.rollout.plan, number, now.inputs)
        done = number < state.phase or state.finished
        status = Status.COMPLETED if done else Status.PROCESSING if number == state.phase else Status.PENDING
        yield Stage(phase.name, status, counts.completed, counts.months)


def _needs(gate: Gate) -> Iterator[str]:
    yield f"{_percent(gate.min_resolution_rate)} of at least {gate.min_sample:,} books proven to have an ISBN"
    if gate.min_confirmed_share:
        yield f"{_percent(gate.min_confirmed_share)} proven to be of their month"
    yield f"at most {_percent(gate.max_failed_share)} of its months failed"
    if gate.min_quota_headroom:
        yield f"{_percent(gate.min_quota_headroom)} of the day's quota left"
    if gate.approval:
        yield "a person's approval"


def _counted(counts: PhaseCounts) -> str:
    judged = counts.resolved + counts.unresolved
    months = f"{counts.completed} of {counts.months} months completed, {counts.failed} failed"
    parts = [
        f"{months}, {counts.under_way} under way, {counts.pending} to be scheduled",
        f"{counts.resolved:,} of {judged:,} books have an ISBN",
    ]
    if counts.hindered:
        parts.append(f"{counts.hindered:,} more are not judged, as a quota or an outage hindered their sources")
    known = counts.confirmed + counts.contradicted
    if known:
        parts.append(f"{counts.confirmed:,} of {known:,} dated books are of their month")
    if counts.quota is not None and counts.quota.limit is not None:
        parts.append(f"{max(counts.quota.limit - counts.quota.spent, 0):,} of {counts.quota.limit:,} calls left today")
    return "; ".join(parts)


def _following(plan: Plan, phase: int) -> str:
    if phase + 1 == len(plan.phase):
        return "the rollout is finished"
    return f"{plan.phase[phase + 1].name} begins: {len(members(plan)[phase + 1])} months"


def _span(ends: tuple[int, int]) -> str:
    return " to ".join(map(str, dict.fromkeys(ends)))


def _percent(share: float) -> str:
    return f"{round(share * 100, 1):g} %"
