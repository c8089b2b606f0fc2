"""Detects incidents in every process, and reports each once: in the log, and by the alert webhook if there is one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from alexandria.backfill.repositories import periodic_runs
from alexandria.database.pool import Connection, Database
from alexandria.operations.alerts import incidents
from alexandria.operations.alerts.incidents import DeliveryFailed, Notice
from alexandria.operations.alerts.rules import (
    REMINDED,
    REMINDER_INTERVAL,
    Incident,
    Observations,
    Thresholds,
    find_incidents,
)
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.rollout.decisions import Standstill

if TYPE_CHECKING:
    from alexandria.operations.alerts.webhook import Receiver

log = structlog.get_logger(__name__)

CHECK, CHECK_INTERVAL = "watch", 30.0  # the periodic task, and seconds between two runs of it in all processes
MAX_DELIVERIES_PER_CHECK = 10
MAX_TRIES = 12  # before a notice is given up
FIRST_RETRY_DELAY, MAX_RETRY_DELAY = timedelta(seconds=30), timedelta(hours=1)  # each is twice the one before


async def _no_lanes() -> Sequence[LaneStatus]:
    return ()


async def _no_rollout() -> Standstill | None:
    return None


@dataclass(slots=True)
class AlertMonitor:
    """Detects and reports incidents.

    `lanes` reads the state of the providers, of which those `in_use` count; `rollout` reads whether one has stopped.
    Without a `receiver` incidents are only logged.
    """

    database: Database
    lanes: Callable[[], Awaitable[Sequence[LaneStatus]]] = _no_lanes
    in_use: frozenset[str] = frozenset()
    thresholds: Thresholds = field(default_factory=Thresholds)
    receiver: Receiver | None = None
    rollout: Callable[[], Awaitable[Standstill | None]] = _no_rollout
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    async def current_incidents(self) -> tuple[Incident, ...]:
        """The incidents that last now; changes nothing. Raises DatabaseUnavailable."""
        lanes, standstill = await self._lanes_in_use(), await self.rollout()
        async with self.database.transaction() as connection:
            return find_incidents(await self._observe(connection, lanes, standstill), self.thresholds, self.now())

    async def check_if_due(self) -> None:
        """As `check`, if no other process has begun the check that is due now."""
        async with self.database.transaction() as connection:
            due = await periodic_runs.claim(connection, CHECK, CHECK_INTERVAL)
        if due:
            await self.check()

    async def check(self) -> None:
        """Store and report the incidents that have begun or cleared since the last check, or last for another day."""
        lanes, standstill = await self._lanes_in_use(), await self.rollout()
        async with self.database.transaction() as connection:
            if not await incidents.try_lock(connection):
                return
            observed = await self._observe(connection, lanes, standstill)
            lasting = find_incidents(observed, self.thresholds, self.now())
            notify = self.receiver is not None
            began, cleared = await incidents.update(connection, lasting, notify=notify)
            reminded = await incidents.remind(connection, REMINDED, REMINDER_INTERVAL, notify=notify)
        for each in began:
            log.error("incident began", kind=each.kind, subject=each.subject, reason=each.reason)
        for each in reminded:
            log.error("incident lasts", kind=each.kind, subject=each.subject, reason=each.reason)
        for each in cleared:
            log.warning("incident cleared", kind=each.kind, subject=each.subject, reason=each.reason)
        if self.receiver is not None:
            await self._deliver_due(self.receiver)

    async def _deliver_due(self, receiver: Receiver) -> None:
        for _ in range(MAX_DELIVERIES_PER_CHECK):
            async with self.database.transaction() as connection:
                notice = await incidents.due_notice(connection)
                if notice is None:
                    return
                await self._deliver(connection, receiver, notice)

    async def _deliver(self, connection: Connection, receiver: Receiver, notice: Notice) -> None:
        try:
            status = await receiver.send(notice.delivery, _message(notice))
        except DeliveryFailed as failed:
            delay = min(FIRST_RETRY_DELAY * 2**notice.tries, MAX_RETRY_DELAY)
            next_try = self.now() + delay if notice.tries + 1 < MAX_TRIES else None
            await incidents.record_delivery(connection, notice, str(failed), next_try, delivered=False)
            log.warning("alarm not delivered", kind=notice.kind, reason=str(failed), gives_up=next_try is None)
        else:
            await incidents.record_delivery(connection, notice, f"answered {status}", None, delivered=True)

    async def _observe(
        self, connection: Connection, lanes: Sequence[LaneStatus], standstill: Standstill | None
    ) -> Observations:
        observed = await incidents.observe(connection, self.thresholds.blocked, self.thresholds.providers_down)
        return replace(observed, lanes=lanes, rollout=standstill)

    async def _lanes_in_use(self) -> list[LaneStatus]:
        return [lane for lane in await self.lanes() if lane.name in self.in_use]


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
