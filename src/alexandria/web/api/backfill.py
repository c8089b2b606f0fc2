"""The API behind the secret: schedule and seed months, and see what became of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query

from alexandria.backfill.repositories import candidates, months
from alexandria.backfill.repositories.months import ClaimableMonth
from alexandria.backfill.scheduler import Scheduled, Selection
from alexandria.backfill.status import Status
from alexandria.core.errors import Unknown
from alexandria.core.month import FIRST_YEAR, LAST_YEAR, Month
from alexandria.database.pool import Row
from alexandria.operations import schemas
from alexandria.operations.system import System
from alexandria.web.api.control import pause_state
from alexandria.web.errors import documented
from alexandria.web.routing import WRITES, Running, behind_the_door

router = behind_the_door()

MonthInPath = Annotated[
    str,
    Path(
        description="YYYY-MM",
        examples=["2023-11"],
        json_schema_extra={"pattern": schemas.MONTH},
    ),
]
JobId = Annotated[int, Path(ge=1, le=2**63 - 1)]
InYear = Annotated[int | None, Query(ge=FIRST_YEAR, le=LAST_YEAR)]


@router.post(
    "/schedule-backfill",
    response_model_exclude_none=True,
    responses={**WRITES, **documented(409)},
    summary="Take the newest open months and have them worked on; or, as a dry run, show which",
)
async def schedule_backfill(wanted: schemas.ScheduleRequest, system: Running) -> schemas.ScheduleAnswer:
    return await schedule(wanted, system, "api")


@router.get("/backfill-stats", summary="Where the backfill stands")
async def backfill_stats(system: Running) -> schemas.StatsAnswer:
    async with system.database.transaction() as connection:
        totals = await months.totals(connection)
        progress = await months.progress(connection)
        recent = await months.recent(connection)
        paused = await pause_state(connection)
    return schemas.StatsAnswer(
        total_months=sum(totals.values()),
        by_status=schemas.StatusCounts.model_validate(totals),
        progress=schemas.Progress.model_validate(progress),
        recent_activity=[schemas.RecentMonth.model_validate(month, from_attributes=True) for month in recent],
        paused=paused,
    )


@router.post("/seed-backfill-queue", responses=WRITES, summary="Add the missing months of some years")
async def seed_backfill_queue(wanted: schemas.SeedRequest, system: Running) -> schemas.SeedAnswer:
    async with system.database.transaction() as connection:
        added = await months.seed(connection, wanted.year_start, wanted.year_end)
    asked = 12 * (wanted.year_end - wanted.year_start + 1)
    there = "" if added == asked else f", {asked - added} were there already"
    message = f"{wanted.year_start}-{wanted.year_end}: {added} months added{there}"
    return schemas.SeedAnswer(months_seeded=added, message=message)


@router.get("/months", summary="Months, newest first")
async def list_months(
    system: Running, status: Annotated[Status | None, Query()] = None, year: InYear = None
) -> schemas.MonthsAnswer:
    async with system.database.transaction() as connection:
        rows = await months.listed(connection, status=status, year=year)
    return schemas.MonthsAnswer(total=len(rows), months=[schemas.MonthRow.model_validate(row) for row in rows])


@router.get("/months/{month}", responses=documented(404), summary="One month in full: attempts, candidates, calls")
async def show_month(month: MonthInPath, system: Running) -> schemas.MonthAnswer:
    key = Month.parse(month)
    async with system.database.transaction() as connection:
        row = await months.one(connection, key)
        if row is None:
            hint = f"add its year: alexandria seed {key.year}, or POST /api/internal/seed-backfill-queue"
            raise Unknown(f"month {key} is not seeded", hint=hint)
        rows: dict[str, list[Row] | dict[str, int]] = {
            "in_month": await candidates.in_month(connection, key),
            "attempts": await months.attempts(connection, key),
            "candidates": await candidates.of_month(connection, key),
            "calls": await months.spent(connection, key),
        }
    return schemas.MonthAnswer.model_validate(row | rows)


@router.get("/jobs/{job_id}", responses=documented(404), summary="What became of a scheduled attempt")
async def show_job(job_id: JobId, system: Running) -> schemas.JobAnswer:
    async with system.database.transaction() as connection:
        row = await months.attempt_of_job(connection, job_id)
    if row is None:
        raise Unknown(f"job {job_id} makes no attempt at a month", hint="a live schedule call answers with job ids")
    waiting = "queued" if row["began_at"] is None else "running"
    return schemas.JobAnswer.model_validate(row | {"state": row["outcome"] or waiting})


async def schedule(wanted: schemas.ScheduleRequest, system: System, who: str) -> schemas.ScheduleAnswer:
    """Carry out a schedule request; `who` asked for it. Raises PlanChanged and BadInput."""
    first, last = sorted((wanted.year_range.start, wanted.year_range.end))
    selection = Selection(wanted.batch_size, first, last, wanted.force_retry, wanted.plan or None)
    if wanted.dry_run:
        found = await system.backfill.preview(selection)
        async with system.database.transaction() as connection:
            paused = await pause_state(connection)
        return _scheduled(wanted, found).model_copy(update={"paused": paused})
    done = await system.backfill.schedule(selection, who)
    summary = schemas.ExecutionSummary(triggered=len(done.months), skipped=done.skipped, errors=0)
    return _scheduled(wanted, done).model_copy(update={"execution_summary": summary})


def _scheduled(wanted: schemas.ScheduleRequest, found: Scheduled) -> schemas.ScheduleAnswer:
    jobs = found.jobs or [None] * len(found.months)
    return schemas.ScheduleAnswer(
        dry_run=wanted.dry_run,
        batch_size=wanted.batch_size,
        months_selected=len(found.months),
        months=[_month(month, job) for month, job in zip(found.months, jobs, strict=True)],
        **{f"total_{status}": count for status, count in found.totals.items()},
        plan=found.plan,
    )


def _month(month: ClaimableMonth, job_id: int | None) -> schemas.ScheduledMonth:
    """Without the counters if there are none yet."""
    row: dict[str, Any] = {"year": month.year, "month": month.month, "status": month.status, "job_id": job_id}
    if month.books_generated:
        row |= {
            "books_generated": month.books_generated,
            "isbns_resolved": month.isbns_resolved,
            "resolution_rate": month.resolution_rate,
        }
    return schemas.ScheduledMonth(**row, error_message=month.error_message)
