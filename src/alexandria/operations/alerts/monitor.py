"""Is something wrong, and who is told? Judged by every process, told once: a line in the log, and a call if wanted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import structlog

from alexandria.database.pool import Connection, Database
from alexandria.operations.alerts import incidents
from alexandria.operations.alerts.incidents import Notice
from alexandria.operations.alerts.rules import Incident, Seen, Thresholds, Way, judge
from alexandria.operations.alerts.webhook import Receiver, Refused
from alexandria.providers.limits.rate import LaneStatus
from alexandria.rollout.decisions import Standstill

log = structlog.get_logger(__name__)

EVERY = 30.0  # seconds between looks
AT_ONCE = 10  # notices given after one look
TRIES = 12  # before a notice is given up
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)  # between tries; each wait is twice the last


async def _no_lanes() -> Sequence[LaneStatus]:
    return ()


async def _no_rollout() -> Standstill | None:
    return None


@dataclass(slots=True)
class AlertMonitor:
    """`lanes` are the ways to the providers, of which those `in_use` count; `rollout` tells whether one stands still.

    Without a `receiver` nobody is called.
    """

    database: Database
    lanes: Callable[[], Awaitable[Sequence[LaneStatus]]] = _no_lanes
    in_use: frozenset[str] = frozenset()
    thresholds: Thresholds = field(default_factory=Thresholds)
    receiver: Receiver | None = None
    rollout: Callable[[], Awaitable[Standstill | None]] = _no_rollout
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    async def look(self) -> tuple[Incident, ...]:
        """What is wrong now; changes nothing. Raises DatabaseUnavailable."""
        ways, still = await self._ways(), await self.rollout()
        async with self.database.transaction() as connection:
            return judge(await self._seen(connection, ways, still), self.thresholds, self.now())

    async def watch(self) -> None:
        """Note what has begun to be wrong and what is over, and tell of both."""
        ways, still = await self._ways(), await self.rollout()
        async with self.database.transaction() as connection:
            if not await incidents.alone(connection):
                return
            lasting = judge(await self._seen(connection, ways, still), self.thresholds, self.now())
            began, cleared = await incidents.follow(connection, lasting, announce=self.receiver is not None)
        for each in began:
            log.error("incident began", kind=each.kind, subject=each.subject, reason=each.reason)
        for each in cleared:
            log.warning("incident cleared", kind=each.kind, subject=each.subject, reason=each.reason)
        if self.receiver is not None:
            await self._tell(self.receiver)

    async def _tell(self, receiver: Receiver) -> None:
        for _ in range(AT_ONCE):
            async with self.database.transaction() as connection:
                notice = await incidents.due(connection)
                if notice is None:
                    return
                await self._give(connection, receiver, notice)

    async def _give(self, connection: Connection, receiver: Receiver, notice: Notice) -> None:
        try:
            status = await receiver.tell(f"{notice.id}-{notice.event}", _message(notice))
        except Refused as refused:
            wait = min(FIRST_WAIT * 2**notice.tries, LONGEST_WAIT)
            again = self.now() + wait if notice.tries + 1 < TRIES else None
            await incidents.told(connection, notice, str(refused), again, delivered=False)
            log.warning("alarm not delivered", kind=notice.kind, reason=str(refused), gives_up=again is None)
        else:
            await incidents.told(connection, notice, f"answered {status}", None, delivered=True)

    async def _seen(self, connection: Connection, ways: Sequence[Way], still: Standstill | None) -> Seen:
        return replace(await incidents.seen(connection, self.thresholds.blocked), ways=ways, rollout=still)

    async def _ways(self) -> list[Way]:
        return [_way(lane) for lane in await self.lanes() if lane.name in self.in_use]


def _way(lane: LaneStatus) -> Way:
    left = None if lane.cap is None else lane.cap - lane.used - lane.reserved
    return Way(lane.name, left, lane.reset_at, lane.paused_since, lane.paused_until, lane.pause_reason)


def _message(notice: Notice) -> dict[str, str | None]:
    cleared = None if notice.cleared_at is None else notice.cleared_at.isoformat()
    return {
        "event": notice.event,
        "incident": str(notice.id),
        "kind": notice.kind,
        "subject": notice.subject,
        "reason": notice.reason,
        "began_at": notice.began_at.isoformat(),
        "cleared_at": cleared,
    }
