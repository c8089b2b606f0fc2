"""Rescues months whose worker or job is gone, and wakes months whose waiting time is over."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from alexandria.backfill.repositories import months, pauses, periodic_runs
from alexandria.backfill.repositories.pauses import Pause
from alexandria.backfill.retry_policy import GiveUp, decide_lost
from alexandria.backfill.scheduler import Scheduler
from alexandria.core.errors import DatabaseFailed, DatabaseUnavailable, NotMigrated
from alexandria.core.month import Month
from alexandria.core.stall import StallMonitor
from alexandria.database.pool import Connection

log = structlog.get_logger(__name__)

RESCUE = "rescue"  # the periodic task that calls `Rescuer.rescue`
# Seconds without a heartbeat after which a worker counts as dead: several heartbeats, and several times the longest delay
# that was seen in a worker whose event loop was importing and matching on an overloaded machine.
HEARTBEAT_TIMEOUT = 7.0


@dataclass(frozen=True, slots=True)
class Rescuer:
    """Gives lost and waiting months their next attempt.

    After a `stall` of this process it takes nobody for dead until all have had the time for a heartbeat: what stopped this
    process, such as the sleep of its machine, may have stopped them too.
    """

    scheduler: Scheduler
    stall: StallMonitor = field(default_factory=StallMonitor)

    async def wake(self, month: Month) -> bool:
        """Give a month in retry its next attempt if it is due, or let it wait for the end of a pause.

        Any other month stays as it is, and so does one that another transaction has locked. Returns whether it was due.
        """
        async with self.scheduler.database.transaction() as connection:
            pause = await pauses.paused(connection, lock=True)
            due = await months.due(connection, month)
            if due:
                await self._continue(connection, month, pause)
        return due

    async def rescue(self) -> int:
        """Take over months whose worker or job is gone, and wake overdue months that no job would wake.

        Returns how many. A month that PostgreSQL refuses to change keeps no other month waiting.
        """
        if self.stall.stalled_since(self.stall.now() - HEARTBEAT_TIMEOUT):
            return 0
        async with self.scheduler.database.transaction() as connection:
            lost = await months.lost(connection, HEARTBEAT_TIMEOUT)
            await months.drop_dead_jobs(connection, HEARTBEAT_TIMEOUT)
            asleep = await months.unscheduled(connection, HEARTBEAT_TIMEOUT)
        taken = [await self._unless_refused(self._take_over(row["token"], outage=row["outage"])) for row in lost]
        woken = [await self._unless_refused(self.wake(month)) for month in asleep]
        if None not in taken and None not in woken:
            await self.note_finished()
        return sum(map(bool, (*taken, *woken)))

    async def note_finished(self) -> None:
        """Store that every lost month has been rescued; where that stays away, an incident begins."""
        async with self.scheduler.database.transaction() as connection:
            await periodic_runs.finish(connection, RESCUE)

    async def _unless_refused(self, rescuing: Awaitable[bool]) -> bool | None:
        """Return what `rescuing` returns, or None if PostgreSQL refused it. Raises DatabaseUnavailable."""
        try:
            return await rescuing
        except DatabaseUnavailable:
            raise
        except (DatabaseFailed, NotMigrated) as refused:
            log.warning("month not rescued", reason=refused.message)
            return None

    async def _take_over(self, token: UUID, *, outage: bool) -> bool:
        """End a lost attempt, and let its month continue at once unless that was its last attempt.

        Returns whether the lost attempt still owned the month.
        """
        now = self.scheduler.now()
        async with self.scheduler.database.transaction() as connection:
            pause = await pauses.paused(connection, lock=True)
            locked = await months.try_lock(connection, token)
            if locked is None:
                return False
            month, failed_before = locked
            decision = decide_lost(failed_before, now, outage=outage)
            await months.end(connection, token, decision, outcome="lost")
            if not isinstance(decision, GiveUp):
                await self._continue(connection, month, pause)  # at once: a wake job could be lost as well
        log.warning("attempt taken over", month=str(month), reason=decision.reason)
        return True

    async def _continue(self, connection: Connection, month: Month, pause: Pause | None) -> None:
        """Give a locked month in retry its next attempt, or let it wait for the end of the pause."""
        if pause is None:
            await self.scheduler.claim(connection, [month])
            return
        until = pause.wait(self.scheduler.now())
        await pauses.postpone(connection, month, until, str(pause))
        await self.scheduler.queue.add_wake(connection, month, until)
