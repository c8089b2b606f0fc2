"""Schedules months: selects claimable months, claims them and enqueues their attempts, in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4

import structlog

from alexandria.backfill.repositories import months, pauses
from alexandria.backfill.repositories.months import Claim, ClaimableMonth
from alexandria.backfill.status import Status
from alexandria.core import errors
from alexandria.core.month import FIRST_YEAR, LAST_YEAR, Month
from alexandria.database.pool import Connection, Database

log = structlog.get_logger(__name__)


class Queue(Protocol):
    """A queue of jobs. Both methods enqueue inside the caller's transaction."""

    async def add_attempts(self, connection: Connection, claims: Sequence[Claim]) -> list[int]:
        """Enqueue one job per attempt, to run now. Returns the job ids in order."""

    async def add_wake(self, connection: Connection, month: Month, at: datetime) -> None:
        """Enqueue a job that claims the month again at `at`."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The months that a schedule call asks for: the newest claimable ones of these years, or those of `only`.

    Those that a person has `named` start whether or not they wait for a retry. With the `plan` of a dry run, exactly
    that plan.
    """

    batch_size: int = 10
    first_year: int = FIRST_YEAR
    last_year: int = LAST_YEAR
    force_retry: bool = False
    plan: str | None = None
    only: tuple[Month, ...] | None = None
    named: tuple[Month, ...] | None = None


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The result of a schedule call: the months with their jobs (none on a dry run), the totals after it, and its plan.

    `left` are the months that were named and do not start, with their status (None: not seeded). One that another
    transaction has locked is among them.
    """

    months: tuple[ClaimableMonth, ...]
    totals: dict[Status, int]
    plan: str
    skipped: int
    left: dict[Month, Status | None]
    jobs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Scheduler:
    """Schedules months. The clock is passed in."""

    database: Database
    queue: Queue
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    async def preview(self, selection: Selection) -> Scheduled:
        """Return what `schedule` would take now. Changes nothing and waits for no other call."""
        async with self.database.transaction() as connection:
            found = await _open(connection, selection, lock=False)
            left = await _left(connection, selection, found)
            totals, plan = await months.totals(connection), make_plan(selection, found)
            return Scheduled(tuple(found), totals, plan, len(left), left)

    async def schedule(self, selection: Selection, who: str) -> Scheduled:
        """Claim the newest claimable months and enqueue their attempts, in one transaction.

        Raises Paused, and PlanChanged if `selection.plan` can no longer be carried out exactly; then nothing was done.
        """
        async with self.database.transaction() as connection:
            done = await self.schedule_within(connection, selection, who)
        if done.months:
            log.info("scheduled", by=who, months=" ".join(str(month.key) for month in done.months))
        return done

    async def schedule_within(self, connection: Connection, selection: Selection, who: str) -> Scheduled:
        """Schedule as `schedule` does, as a part of the caller's transaction."""
        pause = await pauses.paused(connection, lock=True)
        if pause is not None:
            until = pause.wait(self.now())
            raise errors.Paused(str(pause), until, hint="wait for its end, or resume", details=pause.to_json())
        wanted = selection.only or [month.key for month in await _open(connection, selection, lock=False)]
        found = await _lock(connection, selection)
        left = await _left(connection, selection, found)
        reopened = [m.key for m in found if m.status is Status.FAILED]
        if reopened:
            await months.reopen(connection, reopened)
            await months.audit(connection, who, "retry", {"months": [str(month) for month in reopened]})
        jobs = await self.claim(connection, [m.key for m in found])
        claimed = tuple(replace(m, status=Status.PROCESSING, error_message=None) for m in found)
        skipped = {*wanted} - {m.key for m in found} if selection.plan is None else set()
        totals, plan = await months.totals(connection), make_plan(selection, found)
        return Scheduled(claimed, totals, plan, len(skipped | left.keys()), left, tuple(jobs))

    async def claim(self, connection: Connection, locked: Sequence[Month]) -> list[int]:
        """Give months that the caller has locked a new attempt each. Returns the ids of the attempts' jobs."""
        claims = [Claim(month, uuid4()) for month in locked]
        if not claims:
            return []
        jobs = await self.queue.add_attempts(connection, claims)
        await months.claim(connection, claims, jobs)
        return jobs


def make_plan(selection: Selection, found: Sequence[ClaimableMonth]) -> str:
    """Return the plan as text: a hash of the request and the months, and the months themselves, to name a difference."""
    asked = f"{selection.batch_size} {selection.first_year} {selection.last_year} {selection.force_retry}"
    if selection.named is not None:
        asked += f" {' '.join(map(str, selection.named))}"
    listed = ".".join(f"{m.year:04d}{m.month:02d}" for m in found)
    return f"{hashlib.sha256(f'{asked} {listed}'.encode()).hexdigest()[:16]}-{listed}"


def read_plan(selection: Selection) -> list[Month]:
    """Return the months of `selection.plan`. Raises BadInput if it is not a plan, or was made for another request."""
    assert selection.plan is not None
    _, _, listed = selection.plan.partition("-")
    try:
        planned = [Month(int(part[:4]), int(part[4:])) for part in listed.split(".") if part]
    except (ValueError, errors.BadInput):
        planned = []
    again = make_plan(selection, [ClaimableMonth(m.year, m.month, Status.PENDING) for m in planned])
    if again != selection.plan:
        raise errors.BadInput(
            "plan: it was not made for this request",
            hint="send the plan of a dry run together with that dry run's months, batch_size, year_range and force_retry",
        )
    return planned


async def _open(connection: Connection, selection: Selection, *, lock: bool) -> list[ClaimableMonth]:
    if selection.named is not None:
        ready = {Status.PENDING, Status.RETRY} | ({Status.FAILED} if selection.force_retry else set())
        return [m for m in await months.named_months(connection, selection.named, lock=lock) if m.status in ready]
    return await months.open_months(
        connection,
        limit=selection.batch_size,
        first_year=selection.first_year,
        last_year=selection.last_year,
        failed_too=selection.force_retry,
        lock=lock,
    )


async def _left(
    connection: Connection, selection: Selection, found: Sequence[ClaimableMonth]
) -> dict[Month, Status | None]:
    """Return the named months that are not among those found, with their status, in the order in which they were named."""
    if selection.named is None:
        return {}
    seeded = {m.key: m.status for m in await months.named_months(connection, selection.named, lock=False)}
    return {month: seeded.get(month) for month in selection.named if month not in {m.key for m in found}}


async def _lock(connection: Connection, selection: Selection) -> list[ClaimableMonth]:
    """Return the months to claim, locked. Raises PlanChanged if a month of the plan is missing."""
    if selection.only is not None:
        return await months.planned_months(connection, selection.only, failed_too=selection.force_retry)
    if selection.plan is None:
        return await _open(connection, selection, lock=True)
    planned = read_plan(selection)
    if selection.named is None:
        found = await months.planned_months(connection, planned, failed_too=selection.force_retry)
    else:
        found = [month for month in await _open(connection, selection, lock=True) if month.key in planned]
    missing = sorted({*planned} - {m.key for m in found}, reverse=True)
    if missing:
        now = {month: await months.one(connection, month) for month in missing}
        difference = [{"month": str(month), "status": row["status"] if row else None} for month, row in now.items()]
        raise errors.PlanChanged(
            f"{len(missing)} of the plan's {len(planned)} months can no longer be claimed",
            hint="make a new dry run and send its plan",
            details={"no_longer_open": difference},
        )
    return found
