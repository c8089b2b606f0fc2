"""The API behind the secret: start a rollout, see where it stands, and hold, release, approve or override it."""

from __future__ import annotations

from dataclasses import asdict

from alexandria.core.errors import Unknown
from alexandria.operations import rollout_schemas as bodies
from alexandria.operations.system import System
from alexandria.rollout import repository as rollouts
from alexandria.rollout.controller import Situation
from alexandria.rollout.decisions import Advance, Rest, Schedule, Step, count, pace
from alexandria.rollout.plan import members
from alexandria.web.errors import documented
from alexandria.web.routing import WRITES, Running, behind_the_door

router = behind_the_door()

SHOWN = 20  # lines of the log
MOST_VERDICTS = 200
NONE = Unknown("no rollout was started", hint="start one: alexandria rollout start")
ACTS = {**WRITES, **documented(404, 409)}


@router.get("/rollout", responses=documented(404), summary="Where the rollout stands: phases, gate, what follows, log")
async def show_rollout(system: Running) -> bodies.RolloutAnswer:
    return await show(system)


@router.get(
    "/rollout/verdicts", responses=documented(404), summary="How the gates of the rollout were judged, and by what"
)
async def show_verdicts(system: Running) -> bodies.VerdictsAnswer:
    return await verdicts(system)


@router.post("/rollout/start", responses={**WRITES, **documented(409)}, summary="Start a plan of phases and gates")
async def start_rollout(wanted: bodies.StartRequest, system: Running) -> bodies.RolloutAnswer:
    return await start(wanted, system, "api")


@router.post("/rollout/hold", responses=ACTS, summary="Schedule nothing and pass no gate until released")
async def hold_rollout(wanted: bodies.ReasonedRequest, system: Running) -> bodies.RolloutAnswer:
    return await act("hold", wanted, system, "api")


@router.post("/rollout/release", responses=ACTS, summary="End the hold")
async def release_rollout(wanted: bodies.ReleaseRequest, system: Running) -> bodies.RolloutAnswer:
    return await act("release", wanted, system, "api")


@router.post("/rollout/approve", responses=ACTS, summary="Agree that the next phase begins, if its gate waits for that")
async def approve_rollout(wanted: bodies.ApproveRequest, system: Running) -> bodies.RolloutAnswer:
    return await act("approve", wanted, system, "api")


@router.post("/rollout/override", responses=ACTS, summary="Go on whatever the gate of the present phase says")
async def override_rollout(wanted: bodies.ReasonedRequest, system: Running) -> bodies.RolloutAnswer:
    return await act("override", wanted, system, "api")


async def show(system: System) -> bodies.RolloutAnswer:
    """Raises Unknown if there never was one."""
    seen = await system.steward.look()
    if seen is None:
        raise NONE
    return await _told(system, seen, sentence(seen))


async def verdicts(system: System) -> bodies.VerdictsAnswer:
    """Raises Unknown if there never was a rollout."""
    async with system.database.transaction() as connection:
        newest = await rollouts.newest(connection)
        if newest is None:
            raise NONE
        rows = await rollouts.verdicts(connection, newest, MOST_VERDICTS)
    phases = newest.plan.phase
    return bodies.VerdictsAnswer(
        verdicts=[bodies.PastVerdict.model_validate(row | {"phase": phases[row["phase"]].name}) for row in rows]
    )


async def start(wanted: bodies.StartRequest, system: System, who: str) -> bodies.RolloutAnswer:
    plan = wanted.plan
    began, seeded = await system.steward.start(
        plan, who, wanted.why, replaces=wanted.replace, dry_run=wanted.dry_run
    )  # fmt: skip
    would = "would be" if wanted.dry_run else "are"
    message = f"{sum(map(len, members(plan)))} months in {len(plan.phase)} phases; {seeded} {would} newly seeded"
    return await _told(system, began, message, dry_run=wanted.dry_run)


async def act(name: str, wanted: bodies.Act, system: System, who: str) -> bodies.RolloutAnswer:
    """hold, release, approve or override. Raises NotNow, GateShut and Unknown."""
    steward = system.steward
    acts = {
        "hold": steward.hold,
        "release": steward.release,
        "approve": steward.approve,
        "override": steward.override,
    }
    now = await acts[name](who, wanted.why, dry_run=wanted.dry_run)
    return await _told(system, now, sentence(now), dry_run=wanted.dry_run)


def sentence(now: Situation) -> str:
    """Where a rollout stands, in a line."""
    number, of = now.rollout.standing.phase + 1, len(now.rollout.plan.phase)
    return f"phase {number} of {of}, {now.phase}: {now.decision.step.reason.removeprefix(f'{now.phase}: ')}"


def kind(step: Step) -> str:
    """schedule, advance, or why nothing begins just now."""
    match step:
        case Schedule():
            return "schedule"
        case Advance():
            return "advance"
        case Rest():
            return step.kind.value


async def _told(system: System, now: Situation, message: str, *, dry_run: bool = False) -> bodies.RolloutAnswer:
    rollout, view, step, judgement = now.rollout, now.view, now.decision.step, now.decision.judgement
    standing = rollout.standing
    async with system.database.transaction() as connection:
        log = await rollouts.log(connection, rollout, SHOWN)
    return bodies.RolloutAnswer(
        name=rollout.plan.name,
        started_at=rollout.started_at,
        started_by=rollout.started_by,
        ended_at=rollout.ended_at,
        phase=standing.phase + 1,
        begins=standing.begins,
        phases=_phases(now),
        scheduled_today=view.scheduled,
        pace_today=pace(rollout.plan, standing.phase, view.outcomes, view.today),
        gate=bodies.GateNow(verdict=judgement.verdict.value, reasons=list(judgement.reasons), **judgement.inputs()),
        next=bodies.NextStep(
            kind=kind(step),
            reason=step.reason,
            until=step.until if isinstance(step, Rest) else None,
            months=[*map(str, step.months)] if isinstance(step, Schedule) else [],
        ),
        held=standing.held,
        overridden=standing.overridden,
        log=[bodies.Entry.model_validate(row) for row in log],
        dry_run=dry_run,
        message=message,
    )


def _phases(now: Situation) -> list[bodies.PhaseNow]:
    present = now.rollout.standing.phase + now.rollout.standing.finished
    phases = []
    for number, phase in enumerate(now.rollout.plan.phase):
        counts = asdict(count(now.rollout.plan, number, now.view))
        told = phase.model_dump(mode="json")
        phases.append(
            bodies.PhaseNow.model_validate(
                {name: str(told[name]) for name in ("name", "years", "months_per_day", "hours")}
                | {name: counts[name] for name in ("months", "completed", "failed", "under_way", "pending")}
                | {"state": "done" if number < present else "present" if number == present else "to_come"}
            )
        )
    return phases
