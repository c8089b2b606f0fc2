"""What does the system see to by itself, beside the months? That its ledger is true, and that what expired is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import structlog

from alexandria.catalogue.index import index_works_in_batches
from alexandria.core import errors
from alexandria.database.pool import Database
from alexandria.operations import event_log, failed_logins
from alexandria.providers import response_cache
from alexandria.providers.base import ReportsUsage
from alexandria.providers.limits import quota_ledger
from alexandria.providers.limits.quota_day import calendar

log = structlog.get_logger(__name__)

AT_ONCE = 1000  # answers or events forgotten in one transaction
NEAR_MIDNIGHT = 600.0  # seconds in which a provider may still, or already, speak of another day


@dataclass(slots=True)
class Maintenance:
    """The acts. `counting` are the sources that count themselves, with the time zones of their days.

    Of the journal the newest `kept_events` stay.
    """

    database: Database
    counting: Sequence[tuple[ReportsUsage, ZoneInfo]] = ()
    kept_events: int = 100_000
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    async def reconcile(self) -> None:
        """Take over what sources have counted of their day. Why that could not be had is noted with the lane."""
        for source, zone in self.counting:
            now = self.now().timestamp()
            day = calendar(now, zone)
            if day.starts + NEAR_MIDNIGHT <= now < day.ends - NEAR_MIDNIGHT:
                await self._reconcile(source, day.date)

    async def forget(self) -> None:
        """Delete stored answers that have expired, some at a time, so that nobody waits for a long transaction.

        Callers whose wrong secrets are forgiven are forgotten too.
        """
        async with self.database.transaction() as connection:
            await failed_logins.forget(connection)
        forgotten = AT_ONCE
        while forgotten == AT_ONCE:
            async with self.database.transaction() as connection:
                forgotten = await response_cache.forget(connection, AT_ONCE)

    async def prune(self) -> None:
        """Delete the journal's oldest events, some at a time, as above."""
        pruned = AT_ONCE
        while pruned == AT_ONCE:
            async with self.database.transaction() as connection:
                pruned = await event_log.prune(connection, self.kept_events, AT_ONCE)

    async def index_works(self) -> None:
        """Make the keys of works that have none. A migration does so; this is for rows that came by another way."""
        works = await index_works_in_batches(self.database)
        if works:
            log.warning("works indexed", works=works)

    async def _reconcile(self, source: ReportsUsage, day: date) -> None:
        try:
            said = await source.key_status()
        except errors.KeyMissing:
            return
        except errors.ProviderError as failed:
            log.warning("ledger not reconciled", provider=source.name, reason=failed.message)
            async with self.database.transaction() as connection:
                await quota_ledger.note(connection, source.name, f"not reconciled: {failed.message}")
            return
        async with self.database.transaction() as connection:
            done = await quota_ledger.reconcile(connection, source.name, day, said.total, said.spent)
        if done.news:
            log.warning("ledger reconciled", provider=source.name, news=done.news)
        if done.missed:
            log.warning("ledger raised", provider=source.name, units=done.missed)
