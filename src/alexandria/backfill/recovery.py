"""Lets months that wait for providers go on: all of them when a provider answers again, one of them to find that out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from alexandria.backfill.repositories import outages, pauses, source_rests
from alexandria.backfill.scheduler import Queue
from alexandria.core.month import Month
from alexandria.database.pool import Connection, Database
from alexandria.providers.limits.breaker import POLICY

log = structlog.get_logger(__name__)

RECOVER = "recover"  # the periodic task that calls `Recovery.recover`


@dataclass(frozen=True, slots=True)
class Recovery:
    """Wakes months after an outage of providers, or when the key that they wait for is there.

    The clock is passed in; `keyed` returns the providers with a key; `probe_interval` is in seconds.
    """

    database: Database
    queue: Queue
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    keyed: Callable[[], set[str]] = set
    probe_interval: float = POLICY.first_pause
    _keyed_before: set[str] = field(default_factory=set)

    def sees_new_key(self) -> bool:
        """Return whether this process has a key that it had not when it last woke months."""
        return not self.keyed() <= self._keyed_before

    async def recover(self) -> int:
        """Wake the months that waited for providers that answer again, and one month for each that may be probed.

        Months that waited for a key are woken when this process first has it. Returns how many months were woken. During a
        pause of the backfill none is.
        """
        woken, keyed = 0, self.keyed()
        async with self.database.transaction() as connection:
            if await pauses.paused(connection):
                return 0
            for provider in await outages.recovered(connection):
                await source_rests.wake(connection, provider)
                months = await pauses.advance_blocked(connection, provider, self.now())
                woken += await self._wake(connection, months)
                log.info("provider recovered", provider=provider, woken=len(months))
            for provider in await outages.to_probe(connection, self.probe_interval):
                woken += await self._wake(connection, await outages.wake_one(connection, provider))
            for provider in sorted(keyed - self._keyed_before):
                woken += await self._wake(connection, await outages.wake_keyed(connection, provider))
        self._keyed_before.clear()
        self._keyed_before.update(keyed)
        return woken

    async def _wake(self, connection: Connection, months: Iterable[Month]) -> int:
        count = 0
        for month in months:
            await self.queue.add_wake(connection, month, self.now())
            count += 1
        return count
