"""Schedules and seeds months, and reports what became of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from alexandria.backfill.repositories import months
from alexandria.backfill.repositories.months import ClaimableMonth
from alexandria.backfill.scheduler import Scheduled, Selection
from alexandria.backfill.status import Status
from alexandria.core.errors import Unknown
from alexandria.core.grammar import counted
from alexandria.core.month import Month, months_of_years
from alexandria.operations import bibliography, rollout, schemas, stats_schemas
from alexandria.operations.control import pause_state
from alexandria.operations.overview import Snapshot, take_snapshot
from alexandria.operations.system import System

SKIP_REASONS: dict[Status | None, str] = {
    None: "not seeded: alexandria seed {year}, or POST /api/internal/seed-backfill-queue",
    Status.PROCESSING: "already in progress",
    Status.COMPLETED: "already completed: retry it first to run it again",
    Status.FAILED: "failed: send force_retry, or --force-retry, to run it again",
    **dict.fromkeys((Status.PENDING, Status.RETRY), "another call is changing it"),
}


async def schedule(system: System, request: schemas.ScheduleRequest, who: str) -> schemas.ScheduleAnswer:
    """Schedule the months of `request`, or list them on a dry run; `who` goes into the audit.

    Raises PlanChanged, Paused and BadInput.
    """
    first, last = sorted((request.year_range.start, request.year_range.end))
    named = tuple(dict.fromkeys(map(Month.parse, request.months))) or None
    selection = Selection(request.batch_size, first, last, request.force_retry, request.plan or None, named=named)
    if request.dry_run:
        found = await system.scheduler.preview(selection)
        async with system.database.transaction() as connection:
            paused = await pause_state(connection)
        return _schedule_answer(request, found).model_copy(update={"paused": paused})
    done = await system.scheduler.schedule(selection, who)
    summary = schemas.ExecutionSummary(triggered=len(done.months), skipped=done.skipped, errors=0)
    return _schedule_answer(request, done).model_copy(update={"execution_summary": summary})


async def seed(system: System, request: schemas.SeedRequest) -> schemas.SeedAnswer:
    """Add the missing months of the requested years."""
    async with system.database.transaction() as connection:
        added = await months.seed(connection, request.year_start, request.year_end)
    asked = 12 * (request.year_end - request.year_start + 1)
    existing = "" if added == asked else f", {asked - added:,} already there"
    message = f"{request.year_start}-{request.year_end}: {counted(added, 'month')} added{existing}"
    return schemas.SeedAnswer(months_seeded=added, message=message)


async def preview_seed(system: System, request: schemas.SeedRequest) -> schemas.SeedAnswer:
    """Count the months that `seed` would add; changes nothing."""
    async with system.database.transaction() as connection:
        there = {Month(row["year"], row["month"]) for row in await months.listed(connection)}
    missing = [month for month in months_of_years(request.year_start, request.year_end) if month not in there]
    return schemas.SeedAnswer(months_seeded=len(missing), message=f"would add {counted(len(missing), 'month')}")


async def list_months(
    system: System, status: Status | None = None, year: int | None = None, reason: str | None = None
) -> schemas.MonthsAnswer:
    """List months, newest first; `reason` is an error code, an error message or a reason to wait."""
    async with system.database.transaction() as connection:
        rows = await months.listed(connection, status=status, year=year, reason=reason)
    return schemas.MonthsAnswer(total=len(rows), months=[schemas.MonthRow.model_validate(row) for row in rows])


async def stats(system: System, view: Snapshot | None = None) -> stats_schemas.StatsAnswer:
    """Count months by status and books by outcome, and list the latest completed months and every provider.

    `view` is a snapshot that was just taken, if there is one.
    """
    held = await bibliography.use(system)
    view = view or await take_snapshot(system, forecast=False)
    async with system.database.transaction() as connection:
        totals = await months.totals(connection)
        progress = await months.progress(connection)
        recent = await months.recent(connection)
        paused = await pause_state(connection)
    return stats_schemas.StatsAnswer(
        headline=view.headline.text,
        next_event=view.headline.next,
        finish=stats_schemas.Finish(headline=view.eta.headline, reason=view.eta.reason),
        rollout="" if view.running_rollout is None else rollout.describe(view.running_rollout),
        total_months=sum(totals.values()),
        by_status=stats_schemas.StatusCounts.model_validate(totals),
        progress=stats_schemas.Progress.model_validate(progress),
        found=stats_schemas.FoundBooksView(**asdict(view.found), words=view.found.words()),
        recent_activity=[stats_schemas.RecentMonth.model_validate(month, from_attributes=True) for month in recent],
        paused=paused,
        bibliography=held,
        providers=view.providers,
    )


async def show_job(system: System, job_id: int) -> schemas.JobAnswer:
    """Show the state of one scheduled attempt. Raises Unknown."""
    async with system.database.transaction() as connection:
        row = await months.attempt_of_job(connection, job_id)
    if row is None:
        raise Unknown(
            f"job {job_id} is not an attempt at a month", hint="job ids are in the response of a live schedule call"
        )
    waiting = "queued" if row["began_at"] is None else "running"
    return schemas.JobAnswer.model_validate(row | {"state": row["outcome"] or waiting})


def _schedule_answer(request: schemas.ScheduleRequest, found: Scheduled) -> schemas.ScheduleAnswer:
    jobs = found.jobs or [None] * len(found.months)
    return schemas.ScheduleAnswer(
        dry_run=request.dry_run,
        batch_size=len({*request.months}) or request.batch_size,
        months_selected=len(found.months),
        months=[_scheduled_month(month, job) for month, job in zip(found.months, jobs, strict=True)],
        **{f"total_{status}": count for status, count in found.totals.items()},
        plan=found.plan,
        skipped=[_skipped_month(month, status) for month, status in found.left.items()] if request.months else None,
    )


def _skipped_month(month: Month, status: Status | None) -> schemas.UnscheduledMonth:
    reason = SKIP_REASONS[status].format(year=month.year)
    return schemas.UnscheduledMonth(month=str(month), status=status, reason=reason)


def _scheduled_month(month: ClaimableMonth, job_id: int | None) -> schemas.ScheduledMonth:
    """The month with its counters, which are left out if there are none yet."""
    row: dict[str, Any] = {"year": month.year, "month": month.month, "status": month.status, "job_id": job_id}
    if month.books_generated:
        row |= {
            "books_generated": month.books_generated,
            "isbns_resolved": month.isbns_resolved,
            "resolution_rate": month.resolution_rate,
        }
    return schemas.ScheduledMonth(**row, error_message=month.error_message)
