"""Controls the backfill for a person: pause, resume, retry months, resume a provider, clear stored answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from alexandria.backfill.repositories import months, pauses, source_rests
from alexandria.backfill.repositories.pauses import LanePause, Pause
from alexandria.backfill.scheduler import Queue
from alexandria.backfill.status import Status
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.core.provider_facts import PROVIDERS
from alexandria.core.servers import provider_of
from alexandria.database.pool import Connection, Database
from alexandria.providers import response_cache

log = structlog.get_logger(__name__)

MAX_PAUSE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class RetrySelection:
    """The months that a person wants to do again: all that match. `reason`: an error code, message or reason to wait.

    `partial`: completed months that lack the list of a generator. `adopted`: months as an earlier scheduler left them.
    """

    months: tuple[Month, ...] | None = None
    failed: bool = False
    partial: bool = False
    adopted: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RetryResult:
    """Months reset to pending, months in retry that are due at once, and skipped months with their status (None: not
    seeded). A month that another transaction has locked is skipped.
    """

    reopened: tuple[Month, ...]
    woken: tuple[Month, ...]
    left: dict[Month, Status | None]


@dataclass(slots=True)
class Control:
    """The controls. Each is one transaction, and the audit log names `who` asked. The clock is passed in."""

    database: Database
    queue: Queue
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    async def retry(self, selection: RetrySelection, who: str, *, dry_run: bool = False) -> RetryResult:
        """Reset completed and failed months to pending, and make months in retry due at once. A dry run changes nothing."""
        async with self.database.transaction() as connection:
            found, locked = await pauses.wanted(
                connection,
                selection.months,
                selection.reason,
                failed=selection.failed,
                partial=selection.partial,
                adopted=selection.adopted,
            )
            reopened = tuple(m for m, now in found.items() if now in {Status.COMPLETED, Status.FAILED})
            woken = tuple(m for m, now in found.items() if now is Status.RETRY)
            left = {month: found.get(month) for month in selection.months or found if month not in reopened + woken}
            done = RetryResult(reopened, woken, {**left, **locked})
            if not dry_run and reopened + woken:
                await months.reopen(connection, reopened)
                await pauses.advance_wakeup(connection, woken)
                for month in woken:
                    await self.queue.add_wake(connection, month, self.now())
                detail = {"months": [*map(str, reopened)], "woken": [*map(str, woken)], "reason": selection.reason}
                await months.audit(connection, who, "retry", detail)
        if not dry_run and reopened + woken:
            log.info("retry", by=who, reopened=" ".join(map(str, reopened)), woken=" ".join(map(str, woken)))
        return done

    async def pause(self, until: datetime | None, reason: str, who: str) -> tuple[Pause, int]:
        """Let no attempt begin before `until` (None: before `resume`). Returns the pause and how many months still run.

        Raises BadInput if `until` has passed or is too far away.
        """
        if until is not None and not self.now() < until <= self.now() + MAX_PAUSE:
            raise errors.BadInput(
                f"until: it has passed, or is more than {MAX_PAUSE.days} days away",
                hint="give a time in the future, or none to pause until resumed",
            )
        async with self.database.transaction() as connection:
            pause = await pauses.pause(connection, until, who, reason)
            await self._wake_paused(connection, pause.wait(self.now()))
            await months.audit(connection, who, "pause", {"until": until and until.isoformat(), "reason": reason})
            finishing = await pauses.finishing(connection)
        log.info("pause", by=who, until=until and until.isoformat(), reason=reason, finishing=finishing)
        return pause, finishing

    async def resume(self, who: str) -> tuple[Pause | None, int]:
        """Let attempts begin again. Returns the pause that ended, or None, and how many months continue at once."""
        async with self.database.transaction() as connection:
            pause = await pauses.paused(connection)
            await pauses.resume(connection)
            woken = await self._wake_paused(connection, self.now())
            if pause is not None:
                await months.audit(connection, who, "resume", {"paused_by": pause.who, "woken": [*map(str, woken)]})
        if pause is not None:
            log.info("resume", by=who, woken=len(woken))
        return pause, len(woken)

    async def resume_lane(self, provider: str, who: str) -> tuple[LanePause | None, int]:
        """End the pause of a provider at all its servers, or at that of PROVIDER@SERVER. Returns the pause that ended, or None, and how many months continue at once.

        If the provider still refuses, it is paused again and no month fails. Raises BadInput.
        """
        if provider_of(provider) not in PROVIDERS:
            raise errors.BadInput(f"provider: {provider!r} is unknown", hint=f"known providers: {', '.join(PROVIDERS)}")
        async with self.database.transaction() as connection:
            ended = await pauses.resume_lane(connection, provider)
            woken = []
            if ended is not None:
                await source_rests.wake(connection, provider)
                woken = await pauses.advance_blocked(connection, provider, self.now())
                for month in woken:
                    await self.queue.add_wake(connection, month, self.now())
                detail = {"provider": provider, "until": ended.until.isoformat(), "reason": ended.reason}
                await months.audit(connection, who, "resume", {**detail, "woken": [*map(str, woken)]})
        if ended is not None:
            log.info("resume", by=who, provider=provider, until=ended.until.isoformat(), woken=len(woken))
        return ended, len(woken)

    async def purge(self, provider: str, who: str, *, dry_run: bool = False) -> int:
        """Delete all stored answers of `provider`, which will be asked and paid again. Returns how many."""
        async with self.database.transaction() as connection:
            count = await response_cache.purge(connection, provider, dry_run=dry_run)
            if not dry_run:
                await months.audit(connection, who, "purge", {"provider": provider, "answers": count})
                log.info("purge", by=who, provider=provider, answers=count)
        return count

    async def _wake_paused(self, connection: Connection, at: datetime) -> list[Month]:
        """Wake months that wait for the end of a pause `at` that time, unless they wake sooner. Returns which."""
        woken = await pauses.advance_paused(connection, at)
        for month in woken:
            await self.queue.add_wake(connection, month, at)
        return woken
