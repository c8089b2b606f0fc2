"""How does a person steer the backfill? Pause and resume it, resume a lane, have months done again, forget answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from alexandria.backfill.repositories import enrichment, months, pauses
from alexandria.backfill.repositories.pauses import LanePause, Pause
from alexandria.backfill.scheduler import Queue
from alexandria.backfill.status import Status
from alexandria.core import errors
from alexandria.core.config import DEFAULTS
from alexandria.core.month import Month
from alexandria.database.pool import Connection, Database
from alexandria.providers import response_cache

log = structlog.get_logger(__name__)

LONGEST_PAUSE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which months a person wants done again: all that fit. `reason` is an error code, message or reason to wait."""

    months: tuple[Month, ...] | None = None
    failed: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Retried:
    """Months that are pending again, months in retry that go on at once, and what was left alone in its status (None:
    it is not seeded).
    """

    reopened: tuple[Month, ...]
    woken: tuple[Month, ...]
    left: dict[Month, Status | None]


@dataclass(slots=True)
class Control:
    """The acts, each one transaction and each noted in the audit with `who` asked. The clock is passed in."""

    database: Database
    queue: Queue
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    async def retry(self, wish: Wish, who: str, *, dry_run: bool = False) -> Retried:
        """Completed and failed months become pending, months in retry go on at once; with `dry_run`, which would."""
        async with self.database.transaction() as connection:
            found = await pauses.wanted(connection, wish.months, wish.reason, failed=wish.failed)
            reopened = tuple(m for m, now in found.items() if now in {Status.COMPLETED, Status.FAILED})
            woken = tuple(m for m, now in found.items() if now is Status.RETRY)
            done = Retried(reopened, woken, {
                month: found.get(month) for month in wish.months or found if month not in reopened + woken
            })  # fmt: skip
            if not dry_run and reopened + woken:
                await months.reopen(connection, reopened)
                await pauses.advance_wakeup(connection, woken)
                for month in woken:
                    await self.queue.add_wake(connection, month, self.now())
                detail = {"months": [*map(str, reopened)], "woken": [*map(str, woken)], "reason": wish.reason}
                await months.audit(connection, who, "retry", detail)
        if not dry_run and reopened + woken:
            log.info("retry", by=who, reopened=" ".join(map(str, reopened)), woken=" ".join(map(str, woken)))
        return done

    async def pause(self, until: datetime | None, reason: str, who: str) -> tuple[Pause, int]:
        """No attempt begins before `until` (None: before `resume`); with the number of months that are still finishing.

        Raises BadInput if `until` has passed or is out of reason.
        """
        if until is not None and not self.now() < until <= self.now() + LONGEST_PAUSE:
            raise errors.BadInput(
                f"until: that has passed, or is more than {LONGEST_PAUSE.days} days away",
                hint="give a time to come, or none to pause until resumed",
            )
        async with self.database.transaction() as connection:
            pause = await pauses.pause(connection, until, who, reason)
            await self._wake_paused(connection, pause.wait(self.now()))
            await months.audit(connection, who, "pause", {"until": until and until.isoformat(), "reason": reason})
            finishing = await pauses.finishing(connection)
        log.info("pause", by=who, until=until and until.isoformat(), reason=reason, finishing=finishing)
        return pause, finishing

    async def resume(self, who: str) -> tuple[Pause | None, int]:
        """Attempts may begin again; with the pause that has ended, if there was one, and how many months go on at once."""
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
        """A provider is asked again before the time until which its lane is paused; with the pause that has ended, if
        there was one, and how many months that waited for it go on at once.

        If the provider still refuses, its lane is paused again and no month has failed. Raises BadInput.
        """
        if provider not in DEFAULTS:
            raise errors.BadInput(f"provider: there is no {provider!r}", hint=f"known are {', '.join(DEFAULTS)}")
        async with self.database.transaction() as connection:
            ended = await pauses.resume_lane(connection, provider)
            woken = []
            if ended is not None:
                await enrichment.wake(connection, provider)
                woken = await pauses.advance_blocked(connection, provider, self.now())
                for month in woken:
                    await self.queue.add_wake(connection, month, self.now())
                told = {"provider": provider, "until": ended.until.isoformat(), "reason": ended.reason}
                await months.audit(connection, who, "resume", {**told, "woken": [*map(str, woken)]})
        if ended is not None:
            log.info("resume", by=who, provider=provider, until=ended.until.isoformat(), woken=len(woken))
        return ended, len(woken)

    async def purge(self, provider: str, who: str, *, dry_run: bool = False) -> int:
        """Forget all stored answers of `provider`, which will be asked and paid again; returns how many."""
        async with self.database.transaction() as connection:
            count = await response_cache.purge(connection, provider, dry_run=dry_run)
            if not dry_run:
                await months.audit(connection, who, "purge", {"provider": provider, "answers": count})
                log.info("purge", by=who, provider=provider, answers=count)
        return count

    async def _wake_paused(self, connection: Connection, at: datetime) -> list[Month]:
        """Months that wait for the end of a pause are woken `at`, unless it is sooner; returns which."""
        woken = await pauses.advance_paused(connection, at)
        for month in woken:
            await self.queue.add_wake(connection, month, at)
        return woken
