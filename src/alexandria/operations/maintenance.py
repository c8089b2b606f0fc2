"""Periodic maintenance: reconciles the quota ledger with the providers, and deletes what has expired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import structlog

from alexandria.core import errors
from alexandria.database.pool import Database
from alexandria.operations import event_log, failed_logins, idempotency
from alexandria.providers import response_cache
from alexandria.providers.base import ReportsUsage
from alexandria.providers.failures import failure_of
from alexandria.providers.limits import quota_ledger
from alexandria.providers.limits.quota_day import calendar

log = structlog.get_logger(__name__)

DELETE_BATCH_SIZE = 1000  # responses or events deleted in one transaction
MIDNIGHT_MARGIN = 600.0  # seconds around midnight in which a provider may report another day


@dataclass(slots=True)
class Maintenance:
    """The maintenance jobs. `counting` are sources that report their usage, with the time zones of their days.

    Of the event log the newest `kept_events` stay.
    """

    database: Database
    counting: Sequence[tuple[ReportsUsage, ZoneInfo]] = ()
    kept_events: int = 100_000
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    async def reconcile(self) -> None:
        """Adopt the usage that sources report for their day; why it could not be read is noted with the provider."""
        for source, zone in self.counting:
            now = self.now().timestamp()
            day = calendar(now, zone)
            if day.starts + MIDNIGHT_MARGIN <= now < day.ends - MIDNIGHT_MARGIN:
                await self._reconcile(source, day.date)

    async def read_plans(self) -> None:
        """Adopt the plans that sources report, at any time of the day: the limits, and near midnight no usage."""
        for source, zone in self.counting:
            now = self.now().timestamp()
            day = calendar(now, zone)
            near_midnight = not day.starts + MIDNIGHT_MARGIN <= now < day.ends - MIDNIGHT_MARGIN
            try:
                await self._reconcile(source, day.date, plan_only=near_midnight)
            except errors.AlexandriaError as failed:
                log.warning("plan not read", provider=source.name, reason=failed.message)

    async def forget(self) -> None:
        """Delete expired responses, of providers and to repeated calls, and forgiven failures of clients.

        A batch per transaction, so that no other session waits for a long one.
        """
        async with self.database.transaction() as connection:
            await failed_logins.delete_forgiven(connection)
        for delete in (response_cache.forget, idempotency.delete_expired):
            deleted = DELETE_BATCH_SIZE
            while deleted == DELETE_BATCH_SIZE:
                async with self.database.transaction() as connection:
                    deleted = await delete(connection, DELETE_BATCH_SIZE)

    async def prune(self) -> None:
        """Delete the oldest events of the event log, a batch per transaction."""
        deleted = DELETE_BATCH_SIZE
        while deleted == DELETE_BATCH_SIZE:
            async with self.database.transaction() as connection:
                deleted = await event_log.prune(connection, self.kept_events, DELETE_BATCH_SIZE)

    async def index_works(self) -> None:
        """Make the keys of works that have none. A migration does so; this is for rows that came by another way."""
        from alexandria.catalogue.index import index_works_in_batches  # noqa: PLC0415 # only workers index

        works = await index_works_in_batches(self.database)
        if works:
            log.warning("works indexed", works=works)

    async def _reconcile(self, source: ReportsUsage, day: date, *, plan_only: bool = False) -> None:
        try:
            with failure_of(source.name):
                reported = await source.key_status()
        except errors.KeyMissing:
            return
        except errors.ProviderError as failed:
            log.warning("ledger not reconciled", provider=source.name, reason=failed.message)
            async with self.database.transaction() as connection:
                await quota_ledger.note(connection, source.name, f"not reconciled: {failed.message}")
            return
        async with self.database.transaction() as connection:
            spent = None if plan_only else reported.spent
            done = await quota_ledger.reconcile(connection, source.name, day, reported.total, spent, host=reported.host)
        log.info(
            "plan read",
            provider=source.name,
            plan=reported.plan,
            daily_limit=reported.total,
            host=reported.host,
            bulk_limit=reported.bulk_limit,
        )
        if done.news:
            log.warning("ledger reconciled", provider=source.name, news=done.news)
        if done.missed:
            log.warning("ledger raised", provider=source.name, units=done.missed)
