"""Starts and steers a rollout, and reports its phases, its gate and what follows."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from alexandria.core.errors import Unknown
from alexandria.core.grammar import counted
from alexandria.core.month import months_of_years
from alexandria.database.pool import Row
from alexandria.operations import rollout_schemas as schemas
from alexandria.operations.rollout_summary import warnings
from alexandria.operations.system import System
from alexandria.rollout import repository as rollouts
from alexandria.rollout.controller import RolloutSnapshot
from alexandria.rollout.decisions import (
    Advance,
    RolloutState,
    Schedule,
    Step,
    Wait,
    daily_pace,
    decide,
    first_schedule,
)
from alexandria.rollout.gates import MonthOutcome, RolloutInputs, count_outcomes
from alexandria.rollout.plan import Plan, members

MAX_LOG_ENTRIES = 20
MAX_VERDICTS = 200
NOT_STARTED = Unknown("no rollout has been started", hint="start one: alexandria rollout start")


async def show(system: System) -> schemas.RolloutAnswer:
    """Show the rollout that runs, or the last that did. Raises Unknown if there never was one."""
    situation = await system.rollout.snapshot()
    if situation is None:
        raise NOT_STARTED
    return await _answer(system, situation, describe(situation))


async def verdicts(system: System) -> schemas.VerdictsAnswer:
    """List the gate verdicts of the rollout, newest first. Raises Unknown if there never was one."""
    async with system.database.transaction() as connection:
        newest = await rollouts.newest(connection)
        if newest is None:
            raise NOT_STARTED
        rows = await rollouts.verdicts(connection, newest, MAX_VERDICTS)
    phases = newest.plan.phase
    return schemas.VerdictsAnswer(
        verdicts=[schemas.PastVerdict.model_validate(row | {"phase": phases[row["phase"]].name}) for row in rows]
    )


async def start(system: System, request: schemas.StartRequest, who: str) -> schemas.RolloutAnswer:
    """Start a plan. Raises NotNow if another rollout runs, unless this one replaces it."""
    plan = request.plan
    situation, seeded = await system.rollout.start(
        plan, who, request.why, replaces=request.replace, dry_run=request.dry_run
    )
    message = _describe_start(plan, seeded, dry_run=request.dry_run)
    return _with_first_months(await _answer(system, situation, message, dry_run=request.dry_run), situation)


def preview(plan: Plan, who: str) -> schemas.RolloutAnswer:
    """What a start would do now in a database that has no schema yet."""
    now = datetime.now(UTC)
    rollout = rollouts.Rollout(0, plan, RolloutState(now.date()), now, who)
    inputs = RolloutInputs(now, {month: MonthOutcome() for months in members(plan) for month in months}, None)
    situation = RolloutSnapshot(rollout, inputs, decide(plan, rollout.state, inputs))
    seeded = {month for phase in plan.phase for month in months_of_years(*phase.years)}
    message = _describe_start(plan, len(seeded), dry_run=True)
    return _with_first_months(_to_view(situation, message, [], dry_run=True), situation)


def _describe_start(plan: Plan, seeded: int, *, dry_run: bool) -> str:
    months, phases = sum(map(len, members(plan))), len(plan.phase)
    added = f"{'would add' if dry_run else 'added'} {counted(seeded, 'missing month')}"
    return f"{counted(months, 'month')} in {counted(phases, 'phase')}; {added}"


def _with_first_months(answer: schemas.RolloutAnswer, situation: RolloutSnapshot) -> schemas.RolloutAnswer:
    first = first_schedule(situation.rollout.plan, situation.rollout.state, situation.inputs)
    if first is None:
        return answer
    at, begins = first
    until = at if at > situation.inputs.now else answer.next.until
    return answer.model_copy(
        update={"next": answer.next.model_copy(update={"months": [*map(str, begins)], "until": until})}
    )


async def act(system: System, name: str, request: schemas.ActRequest, who: str) -> schemas.RolloutAnswer:
    """Hold, release, approve, override or override in advance, according to `name`. Raises NotNow, GateShut and Unknown."""
    controller = system.rollout
    acts = {
        "hold": controller.hold,
        "release": controller.release,
        "approve": controller.approve,
        "override": controller.override,
        "override_in_advance": controller.override_in_advance,
    }
    situation = await acts[name](who, request.why, target=request.target, dry_run=request.dry_run)
    return await _answer(system, situation, describe(situation), dry_run=request.dry_run)


def describe(situation: RolloutSnapshot) -> str:
    """Where a rollout stands, in a line: its phase and what follows."""
    number, of = situation.rollout.state.phase + 1, len(situation.rollout.plan.phase)
    reason = situation.decision.step.reason.removeprefix(f"{situation.phase}: ")
    return f"phase {number} of {of}, {situation.phase}: {reason}"


def step_kind(step: Step) -> str:
    """The code of a step: schedule, advance, or the reason why nothing begins now."""
    match step:
        case Schedule():
            return "schedule"
        case Advance():
            return "advance"
        case Wait():
            return step.kind.value


async def _answer(
    system: System, situation: RolloutSnapshot, message: str, *, dry_run: bool = False
) -> schemas.RolloutAnswer:
    async with system.database.transaction() as connection:
        log = await rollouts.log(connection, situation.rollout, MAX_LOG_ENTRIES)
    return _to_view(situation, message, log, dry_run=dry_run)


def _to_view(situation: RolloutSnapshot, message: str, log: list[Row], *, dry_run: bool) -> schemas.RolloutAnswer:
    rollout, inputs, step = situation.rollout, situation.inputs, situation.decision.step
    evaluation, state = situation.decision.evaluation, rollout.state
    return schemas.RolloutAnswer(
        id=rollout.id,
        name=rollout.plan.name,
        started_at=rollout.started_at,
        started_by=rollout.started_by,
        ended_at=rollout.ended_at,
        phase=state.phase + 1,
        begins=state.begins,
        phases=_phases(situation),
        scheduled_today=inputs.scheduled,
        pace_today=daily_pace(rollout.plan, state.phase, inputs.outcomes, inputs.today),
        gate=schemas.GateState(
            verdict=evaluation.verdict.value, reasons=list(evaluation.reasons), **evaluation.inputs()
        ),
        next=schemas.NextStep(
            kind=step_kind(step),
            reason=step.reason,
            until=step.until if isinstance(step, Wait) else None,
            months=[*map(str, step.months)] if isinstance(step, Schedule) else [],
        ),
        held=state.held,
        hold=situation.hold,
        overridden=state.overridden,
        log=[schemas.RolloutLogEntry.model_validate(row) for row in log],
        dry_run=dry_run,
        message=message,
        warnings=warnings(situation),
    )


def _phases(situation: RolloutSnapshot) -> list[schemas.PhaseState]:
    present = situation.rollout.state.phase + situation.rollout.state.finished
    phases = []
    for number, phase in enumerate(situation.rollout.plan.phase):
        counts = asdict(count_outcomes(situation.rollout.plan, number, situation.inputs))
        facts = phase.model_dump(mode="json")
        phases.append(
            schemas.PhaseState.model_validate(
                {name: str(facts[name]) for name in ("name", "years", "months_per_day", "hours")}
                | {name: counts[name] for name in ("months", "completed", "failed", "under_way", "pending")}
                | {"state": "done" if number < present else "present" if number == present else "to_come"}
            )
        )
    return phases
