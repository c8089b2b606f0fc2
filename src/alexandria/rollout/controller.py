"""Controls a rollout: people start, hold, release, approve and override it, and a periodic task carries it on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from alexandria.backfill.repositories import months, pauses
from alexandria.backfill.scheduler import Scheduler, Selection
from alexandria.core.errors import NotNow, Unknown
from alexandria.database.pool import Connection, Database
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.rollout import repository as rollouts
from alexandria.rollout.acts import (
    PRESENT,
    ActTarget,
    check_override,
    check_override_in_advance,
    check_release,
    check_repeated,
    checked_reason,
    not_approvable,
    required_reason,
)
from alexandria.rollout.decisions import (
    Advance,
    RolloutDecision,
    RolloutState,
    Schedule,
    Standstill,
    Step,
    Wait,
    WaitKind,
    decide,
)
from alexandria.rollout.gates import METERED_SOURCE, DailyQuota, OutcomeTally, RolloutInputs
from alexandria.rollout.later_failures import LaterFailure, hold_reason, later_failures
from alexandria.rollout.plan import Plan
from alexandria.rollout.plan_review import review
from alexandria.rollout.repository import Rollout

log = structlog.get_logger(__name__)

PERIODIC_TASK = "rollout"  # the author of acts that no person does
GATE_ACTS = {"approve", "override"}  # which let a gate pass, and need not name its phase
HELD_BY_ITSELF = f"{PERIODIC_TASK}: "  # the beginning of `held` if no person holds the rollout
NO_STANDSTILL = {WaitKind.DAY, WaitKind.PAUSED, WaitKind.FINISHED}  # it ends by the calendar, or has its own alert


@dataclass(frozen=True, slots=True)
class RolloutSnapshot:
    """A rollout at one instant: the inputs of the decision, the decision, and phases that failed after they had passed.

    `hold` is the id of the hold that it is on.
    """

    rollout: Rollout
    inputs: RolloutInputs
    decision: RolloutDecision
    failed_later: tuple[LaterFailure, ...] = ()
    hold: int | None = None

    @property
    def phase(self) -> str:
        return self.rollout.plan.phase[self.rollout.state.phase].name


@dataclass(frozen=True, slots=True)
class _Allowance:
    """The metered provider's quota (None: unknown) and when its present day began, in the provider's zone."""

    quota: DailyQuota | None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Act:
    who: str
    name: str
    why: str
    target: ActTarget


@dataclass(slots=True)
class RolloutController:
    """The acts on a rollout, each one transaction, logged with its author and reason. Time comes from `now`.

    `metered`: months spend ISBNdb's quota, which `allowances` reports.
    """

    database: Database
    scheduler: Scheduler
    allowances: Callable[[], Awaitable[Sequence[LaneStatus]]]
    metered: bool = True
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    async def snapshot(self) -> RolloutSnapshot | None:
        """The running rollout, or the last one that ran. Changes nothing and waits for no lock."""
        async with self.database.transaction() as connection:
            if await rollouts.newest(connection) is None:
                return None
        allowance = await self._quota()
        async with self.database.transaction() as connection:
            newest = await rollouts.newest(connection)
            return None if newest is None else await self._snapshot(connection, newest, allowance, lock=False)

    async def standstill(self) -> Standstill | None:
        """Why and since when the rollout has been waiting for something other than the calendar; None if it has not."""
        now = await self.snapshot()
        if now is None or not isinstance(now.decision.step, Wait) or now.decision.step.kind in NO_STANDSTILL:
            return None
        async with self.database.transaction() as connection:
            since = await rollouts.last_change(connection, now.rollout)
        step = now.decision.step
        failed = step.kind is WaitKind.SHUT or now.rollout.state.held.startswith(HELD_BY_ITSELF)
        return Standstill(f"{now.rollout.plan.name}: {step.reason}", since, shut=failed)

    async def review(self, plan: Plan) -> list[str]:
        """Warnings about a plan if it were started now."""
        allowance = await self._quota()
        return review(plan, self.now().astimezone(UTC).date(), allowance.quota)

    async def start(
        self, plan: Plan, who: str, why: str = "", *, replaces: bool = False, dry_run: bool = False
    ) -> tuple[RolloutSnapshot, int]:
        """Start a rollout today, or tomorrow if another one has begun months today.

        Returns how many months of the plan were newly seeded, too. Raises NotNow if another rollout is running, unless
        this one `replaces` it.
        """
        allowance = await self._quota()
        async with self.database.transaction(keep=not dry_run) as connection:
            await rollouts.lock_starts(connection)
            now, running = self.now(), await rollouts.running(connection)
            if running is not None and not replaces:
                raise NotNow(
                    f"the rollout {running.plan.name} is running",
                    hint="let it finish, or replace it: alexandria rollout start --replace",
                )
            begins = now.astimezone(UTC).date()
            begins += timedelta(
                days=1 if await rollouts.begun(connection, begins) else 0
            )  # a day belongs to one rollout
            if running is not None:
                await rollouts.replace(connection, running, now)
                await rollouts.log_act(connection, running, who, "replace", why=checked_reason(why), now=now)
            started = await rollouts.start(connection, plan, who, begins, now)
            await rollouts.log_act(connection, started, who, "start", why=checked_reason(why), now=now, name=plan.name)
            seeded = [await months.seed(connection, *phase.years) for phase in plan.phase]
            return await self._snapshot(connection, started, allowance), sum(seeded)

    async def hold(self, who: str, why: str, *, target: ActTarget = PRESENT, dry_run: bool = False) -> RolloutSnapshot:
        """Schedule no months and pass no gate until released; running months finish.

        This and every other act raises NotNow if another phase or rollout than the `target` is present, and Unknown if
        no rollout runs. Raises BadInput without a reason.
        """
        reason = required_reason(why)

        def held(was: RolloutSnapshot) -> RolloutState:
            return replace(was.rollout.state, held=f"{who}: {reason}")

        return await self._act(_Act(who, "hold", reason, target), held, dry_run=dry_run)

    async def release(
        self, who: str, why: str = "", *, target: ActTarget = PRESENT, dry_run: bool = False
    ) -> RolloutSnapshot:
        """End the hold. Raises NotNow if there is none, or another than the `target` has."""

        def released(was: RolloutSnapshot) -> RolloutState:
            return replace(was.rollout.state, held="")

        return await self._act(_Act(who, "release", checked_reason(why), target), released, dry_run=dry_run)

    async def override(
        self, who: str, why: str, *, target: ActTarget = PRESENT, dry_run: bool = False
    ) -> RolloutSnapshot:
        """Ignore the present gate, which has failed or is pending, and continue once all its months have been scheduled.

        Raises NotNow if the gate has passed or its phase has not begun, BadInput.
        """

        def overridden(was: RolloutSnapshot) -> RolloutState:
            check_override(was.rollout, was.decision, target)
            return replace(was.rollout.state, overridden=True)

        return await self._act(_Act(who, "override", required_reason(why), target), overridden, dry_run=dry_run)

    async def override_in_advance(
        self, who: str, why: str, *, target: ActTarget, dry_run: bool = False
    ) -> RolloutSnapshot:
        """Let the gate of the present phase, which must be named, pass whatever its months come to. Raises BadInput."""

        def overridden(was: RolloutSnapshot) -> RolloutState:
            check_override_in_advance(was.rollout, target)
            return replace(was.rollout.state, overridden=True)

        act = _Act(who, "override_in_advance", required_reason(why), target)
        return await self._act(act, overridden, dry_run=dry_run)

    async def approve(
        self, who: str, why: str = "", *, target: ActTarget = PRESENT, dry_run: bool = False
    ) -> RolloutSnapshot:
        """Approve the passed gate, so that the next phase begins.

        Raises GateShut if the gate has not passed, NotNow if it does not wait for approval.
        """
        allowance = await self._quota()
        async with self.database.transaction(keep=not dry_run) as connection:
            was = await self._acting(connection, allowance, "approve", target)
            was = await self._held_if_failed_later(connection, was, allowance)
            waits = was.decision.step
            step = decide(was.rollout.plan, was.rollout.state, was.inputs, approved=True).step
            if not isinstance(step, Advance) or not isinstance(waits, Wait) or waits.kind is not WaitKind.APPROVAL:
                raise not_approvable(was.rollout, was.decision)
            now = was.inputs.now
            reason = checked_reason(why)
            await rollouts.log_act(connection, was.rollout, who, "approve", why=reason, now=now, phase=was.phase)
            await self._advance(connection, was, step, who)
            return await self._snapshot(connection, replace(was.rollout, state=step.state), allowance)

    async def tick(self) -> Step | None:
        """Evaluate the gate, and schedule the months that are due or advance to the next phase.

        Returns None if no rollout is running, or another worker acts on it.
        """
        async with self.database.transaction() as connection:  # most of the time none runs
            newest = await rollouts.newest(connection)
        if newest is None or newest.ended_at is not None:
            return None
        allowance = await self._quota()
        async with self.database.transaction() as connection:
            running = await rollouts.running(connection, wait=False)
            if running is None:
                return None
            now = await self._snapshot(connection, running, allowance)
            now = await self._held_if_failed_later(connection, now, allowance)
            evaluation, step = now.decision.evaluation, now.decision.step
            if await rollouts.save_verdict(connection, running, evaluation, now.inputs.now):
                log.info("gate evaluated", phase=now.phase, verdict=evaluation.verdict.value, reason=evaluation.why)
            if isinstance(step, Schedule):
                await self._schedule(connection, now, step)
            elif isinstance(step, Advance):
                await self._advance(connection, now, step, PERIODIC_TASK)
            return step

    async def _held_if_failed_later(
        self, connection: Connection, now: RolloutSnapshot, allowance: _Allowance
    ) -> RolloutSnapshot:
        """Hold the rollout if a phase that had passed failed later, its plan demands it, and no person has accepted it."""
        if now.rollout.state.held or not any(failure.holds for failure in now.failed_later):
            return now
        reason = hold_reason(now.failed_later, await rollouts.accepted(connection, now.rollout))
        if not reason:
            return now
        held = replace(now.rollout, state=replace(now.rollout.state, held=HELD_BY_ITSELF + reason))
        await rollouts.save_state(connection, held, held.state, now.inputs.now)
        await rollouts.log_act(connection, held, PERIODIC_TASK, "hold", why=reason, now=now.inputs.now, phase=now.phase)
        log.warning("rollout held", phase=now.phase, reason=reason)
        return await self._snapshot(connection, held, allowance)

    async def _schedule(self, connection: Connection, now: RolloutSnapshot, step: Schedule) -> None:
        selection = Selection(len(step.months), only=step.months)
        done = await self.scheduler.schedule_within(connection, selection, PERIODIC_TASK)
        started = [month.key for month in done.months]
        if started:
            await rollouts.save_scheduled(connection, now.rollout, started, now.inputs.today)
            detail = {"phase": now.phase, "months": [*map(str, started)]}
            await rollouts.log_act(
                connection, now.rollout, PERIODIC_TASK, "schedule", why=step.reason, now=now.inputs.now, **detail
            )
            log.info("rollout scheduled months", **detail)

    async def _advance(self, connection: Connection, now: RolloutSnapshot, step: Advance, who: str) -> None:
        await rollouts.save_state(connection, now.rollout, step.state, now.inputs.now)
        act = "finish" if step.state.finished else "advance"
        detail = {"unfinished": [*map(str, step.unfinished)]} if step.unfinished else {}
        why = step.reason + step.exception
        await rollouts.log_act(
            connection, now.rollout, who, act, why=why, now=now.inputs.now, phase=now.phase, **detail
        )
        log.info("rollout advanced", phase=now.phase, act=act, reason=why)

    async def _act(
        self, act: _Act, change: Callable[[RolloutSnapshot], RolloutState], *, dry_run: bool
    ) -> RolloutSnapshot:
        allowance = await self._quota()
        async with self.database.transaction(keep=not dry_run) as connection:
            was = await self._acting(connection, allowance, act.name, act.target)
            changed, now = replace(was.rollout, state=change(was)), was.inputs.now
            await rollouts.save_state(connection, changed, changed.state, now)
            detail: dict[str, Any] = {"phase": was.phase}
            if act.name == "release" and was.failed_later:
                detail["accepted"] = sorted(frozenset[str]().union(*(each.evidence for each in was.failed_later)))
            await rollouts.log_act(connection, changed, act.who, act.name, why=act.why, now=now, **detail)
            return await self._snapshot(connection, changed, allowance)

    async def _acting(
        self, connection: Connection, allowance: _Allowance, act: str, target: ActTarget
    ) -> RolloutSnapshot:
        """The running rollout, locked for a person's act, with its verdict saved."""
        running = await rollouts.running(connection)
        if running is None:
            raise Unknown("no rollout is running", hint="start one: alexandria rollout start")
        target.check(running)
        if act in GATE_ACTS:
            check_repeated(running, act, target, await rollouts.last_act(connection, running, act), self.now())
        if act == "release":
            hold, last = (
                await rollouts.last_hold(connection, running),
                await rollouts.last_act(connection, running, act),
            )
            check_release(running, hold, target, last, self.now())
        now = await self._snapshot(connection, running, allowance)
        await rollouts.save_verdict(connection, running, now.decision.evaluation, now.inputs.now)
        return now

    async def _snapshot(
        self, connection: Connection, rollout: Rollout, allowance: _Allowance, *, lock: bool = True
    ) -> RolloutSnapshot:
        pause = await pauses.paused(connection, lock=lock)
        now = self.now()
        quota = allowance.quota
        if quota is not None and quota.limit is not None and allowance.since is not None:
            quota = replace(quota, by_months=await rollouts.spent_by_months(connection, allowance.since))
        begun = await rollouts.begun(connection, now.astimezone(UTC).date())
        outcomes = OutcomeTally(rollout.plan, await rollouts.outcomes(connection, rollout))
        inputs = RolloutInputs(now, outcomes, quota, "" if pause is None else str(pause), begun)
        failed_later = later_failures(rollout.plan, await rollouts.passed(connection, rollout), inputs)
        hold = await rollouts.last_hold(connection, rollout)
        return RolloutSnapshot(rollout, inputs, decide(rollout.plan, rollout.state, inputs), failed_later, hold)

    async def _quota(self) -> _Allowance:
        if not self.metered:
            return _Allowance(DailyQuota(None))
        for lane in await self.allowances():
            if lane.name == METERED_SOURCE:
                began = lane.began_at or lane.reset_at - timedelta(days=1)
                quota = DailyQuota(lane.cap, lane.used + lane.reserved)
                return _Allowance(quota, lane.reset_at if lane.reset_at <= self.now() else began)
        return _Allowance(None)
