"""How is a rollout carried out? Started, held, released, approved and overridden by people; day by day it goes by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import structlog

from alexandria.backfill.repositories import months, pauses
from alexandria.backfill.scheduler import Backfill, Selection
from alexandria.core.errors import BadInput, GateShut, NotNow, Unknown
from alexandria.database.pool import Connection, Database
from alexandria.providers.limits.rate import LaneStatus
from alexandria.rollout import repository as rollouts
from alexandria.rollout.decisions import Advance, Decision, Kind, Rest, Schedule, Standing, Standstill, Step, decide
from alexandria.rollout.gates import METERED_SOURCE, Quota, Verdict, View
from alexandria.rollout.plan import Plan
from alexandria.rollout.repository import Rollout

log = structlog.get_logger(__name__)

ITSELF = "rollout"  # who acts when nobody does
GOES_ON = {Kind.DAY, Kind.PAUSED, Kind.FINISHED}  # by the calendar, or somebody else tells of it
LONGEST = 500  # characters of a reason


@dataclass(frozen=True, slots=True)
class Situation:
    """A rollout, what there was to see, and what follows."""

    rollout: Rollout
    view: View
    decision: Decision

    @property
    def phase(self) -> str:
        return self.rollout.plan.phase[self.rollout.standing.phase].name


@dataclass(slots=True)
class RolloutController:
    """The acts, each one transaction and each noted with who did it and why. Time comes from `now`.

    `metered`: months spend of ISBNdb's day, of which `allowances` tell.
    """

    database: Database
    backfill: Backfill
    allowances: Callable[[], Awaitable[Sequence[LaneStatus]]]
    metered: bool = True
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    async def look(self) -> Situation | None:
        """The rollout that runs, or the last that did; changes nothing and waits for nobody."""
        quota = await self._quota()
        async with self.database.transaction() as connection:
            newest = await rollouts.newest(connection)
            return None if newest is None else await self._situation(connection, newest, quota, heed=False)

    async def standstill(self) -> Standstill | None:
        """Whether the rollout waits for more than the calendar, and since when nothing has changed."""
        now = await self.look()
        if now is None or not isinstance(now.decision.step, Rest) or now.decision.step.kind in GOES_ON:
            return None
        async with self.database.transaction() as connection:
            since = await rollouts.changed(connection, now.rollout)
        step = now.decision.step
        return Standstill(f"{now.rollout.plan.name}: {step.reason}", since, shut=step.kind is Kind.SHUT)

    async def start(
        self, plan: Plan, who: str, why: str = "", *, replaces: bool = False, dry_run: bool = False
    ) -> tuple[Situation, int]:
        """Begin today, or tomorrow if a rollout that this one replaces had its months today; with how many months of the plan were seeded for it, or would be.

        Raises NotNow if another one runs, unless this one `replaces` it.
        """
        quota = await self._quota()
        async with self.database.transaction(keep=not dry_run) as connection:
            await rollouts.one_at_a_time(connection)
            now, running = self.now(), await rollouts.running(connection)
            if running is not None and not replaces:
                raise NotNow(
                    f"the rollout {running.plan.name} runs", hint="let it finish, or say that this one replaces it"
                )
            begins = now.astimezone(UTC).date()
            if running is not None:
                before = View(now, await rollouts.outcomes(connection, running), quota)
                begins += timedelta(days=1 if before.scheduled else 0)  # no day has the months of two
                await rollouts.replace(connection, running, now)
                await rollouts.note(connection, running, who, "replace", why=_checked(why), now=now)
            started = await rollouts.start(connection, plan, who, begins, now)
            await rollouts.note(connection, started, who, "start", why=_checked(why), now=now, name=plan.name)
            seeded = [await months.seed(connection, *phase.years) for phase in plan.phase]
            return await self._situation(connection, started, quota), sum(seeded)

    async def hold(self, who: str, why: str, *, dry_run: bool = False) -> Situation:
        """Schedule nothing and pass no gate until released; months under way are finished. Raises BadInput, Unknown."""
        reason = _needed(why)
        return await self._steer(
            who, "hold", reason, lambda was: replace(was.rollout.standing, held=f"{who}: {reason}"), dry_run=dry_run
        )

    async def release(self, who: str, why: str = "", *, dry_run: bool = False) -> Situation:
        """End the hold. Raises NotNow if there is none, Unknown."""

        def released(was: Situation) -> Standing:
            if not was.rollout.standing.held:
                raise NotNow("nobody holds the rollout", hint="see: alexandria rollout status")
            return replace(was.rollout.standing, held="")

        return await self._steer(who, "release", _checked(why), released, dry_run=dry_run)

    async def override(self, who: str, why: str, *, dry_run: bool = False) -> Situation:
        """Let the present phase go on and end whatever its gate says. Raises BadInput, Unknown."""
        return await self._steer(
            who, "override", _needed(why), lambda was: replace(was.rollout.standing, overridden=True), dry_run=dry_run
        )

    async def approve(self, who: str, why: str = "", *, dry_run: bool = False) -> Situation:
        """Agree that the next phase begins. Raises GateShut unless the gate is open, NotNow unless it waits for just
        that, Unknown."""
        quota = await self._quota()
        async with self.database.transaction(keep=not dry_run) as connection:
            was = await self._acting(connection, quota)
            waits = was.decision.step
            step = decide(was.rollout.plan, was.rollout.standing, was.view, approved=True).step
            if not isinstance(step, Advance) or not isinstance(waits, Rest) or waits.kind is not Kind.APPROVAL:
                raise _not_approvable(was)
            now = was.view.now
            await rollouts.note(connection, was.rollout, who, "approve", why=_checked(why), now=now, phase=was.phase)
            await self._advance(connection, was, step, who)
            return await self._situation(connection, replace(was.rollout, standing=step.standing), quota)

    async def tick(self) -> Step | None:
        """Do what is due: judge the gate, and schedule months or go on to the next phase.

        None if no rollout runs, or another worker is at it.
        """
        quota = await self._quota()
        async with self.database.transaction() as connection:
            running = await rollouts.running(connection, wait=False)
            if running is None:
                return None
            now = await self._situation(connection, running, quota)
            judgement, step = now.decision.judgement, now.decision.step
            if await rollouts.judged(connection, running, judgement, now.view.now):
                log.info("gate judged", phase=now.phase, verdict=judgement.verdict.value, reason=judgement.why)
            if isinstance(step, Schedule):
                await self._schedule(connection, now, step)
            elif isinstance(step, Advance):
                await self._advance(connection, now, step, ITSELF)
            return step

    async def _schedule(self, connection: Connection, now: Situation, step: Schedule) -> None:
        selection = Selection(len(step.months), only=step.months)
        done = await self.backfill.schedule_within(connection, selection, ITSELF)
        begun = [month.key for month in done.months]
        if begun:
            await rollouts.scheduled(connection, now.rollout, begun, now.view.today)
            said = {"phase": now.phase, "months": [*map(str, begun)]}
            await rollouts.note(connection, now.rollout, ITSELF, "schedule", why=step.reason, now=now.view.now, **said)
            log.info("rollout scheduled months", **said)

    async def _advance(self, connection: Connection, now: Situation, step: Advance, who: str) -> None:
        await rollouts.stand(connection, now.rollout, step.standing, now.view.now)
        act = "finish" if step.standing.finished else "advance"
        await rollouts.note(connection, now.rollout, who, act, why=step.reason, now=now.view.now, phase=now.phase)
        log.info("rollout goes on", phase=now.phase, act=act, reason=step.reason)

    async def _steer(
        self, who: str, act: str, why: str, change: Callable[[Situation], Standing], *, dry_run: bool
    ) -> Situation:
        quota = await self._quota()
        async with self.database.transaction(keep=not dry_run) as connection:
            was = await self._acting(connection, quota)
            changed = replace(was.rollout, standing=change(was))
            await rollouts.stand(connection, changed, changed.standing, was.view.now)
            await rollouts.note(connection, changed, who, act, why=why, now=was.view.now, phase=was.phase)
            return await self._situation(connection, changed, quota)

    async def _acting(self, connection: Connection, quota: Quota | None) -> Situation:
        """The rollout that runs, held for a person's act, with its verdict stored."""
        running = await rollouts.running(connection)
        if running is None:
            raise Unknown("no rollout runs", hint="start one: alexandria rollout start")
        now = await self._situation(connection, running, quota)
        await rollouts.judged(connection, running, now.decision.judgement, now.view.now)
        return now

    async def _situation(
        self, connection: Connection, rollout: Rollout, quota: Quota | None, *, heed: bool = True
    ) -> Situation:
        pause = await pauses.paused(connection, heed=heed)
        outcomes = await rollouts.outcomes(connection, rollout)
        now = self.now()
        if quota is not None and quota.limit is not None:
            midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            quota = replace(quota, by_months=await rollouts.spent_by_months(connection, midnight))
        view = View(now, outcomes, quota, "" if pause is None else str(pause))
        return Situation(rollout, view, decide(rollout.plan, rollout.standing, view))

    async def _quota(self) -> Quota | None:
        if not self.metered:
            return Quota(None)
        for lane in await self.allowances():
            if lane.name == METERED_SOURCE:
                return Quota(lane.cap, lane.used + lane.reserved)
        return None


def _not_approvable(was: Situation) -> NotNow:
    judgement = was.decision.judgement
    if was.decision.judgement.verdict is not Verdict.OPEN:
        said = "shut" if judgement.verdict is Verdict.SHUT else "not open yet"
        return GateShut(
            f"the gate of {was.phase} is {said}: {judgement.why}",
            hint="to go on all the same: alexandria rollout override",
        )
    step = was.decision.step
    why = step.reason if isinstance(step, Rest | Advance) else f"{was.phase} still schedules months"
    return NotNow(f"the gate of {was.phase} does not wait for approval: {why}", hint="see: alexandria rollout status")


def _needed(why: str) -> str:
    if not why.strip():
        raise BadInput("why: nobody can read afterwards what for", hint="say why in a few words")
    return _checked(why)


def _checked(why: str) -> str:
    if len(why) > LONGEST:
        raise BadInput("why: that is too long", hint=f"say it in {LONGEST} characters")
    if "\x00" in why:
        raise BadInput("why: it holds a character that no text has", hint="write plain text")
    return why.strip()
