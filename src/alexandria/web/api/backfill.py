"""HTTP routes that schedule and seed months, and report what became of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from alexandria.backfill.status import Status
from alexandria.core.month import FIRST_YEAR, LAST_YEAR, Month
from alexandria.operations import backfill, daily_checks, month_detail, schemas
from alexandria.operations.daily_checks import MIN_RESOLUTION_RATE, DailyChecksAnswer
from alexandria.operations.earlier_results import MAX_EARLIER_RESULTS, EarlierAnswer, show_earlier
from alexandria.operations.stats_schemas import StatsAnswer
from alexandria.web.errors import documented
from alexandria.web.routing import AUDIT_NAME, WRITES, Running, internal_router

router = internal_router()

MonthInPath = Annotated[
    str,
    Path(
        description="YYYY-MM",
        examples=["2023-11"],
        json_schema_extra={"pattern": schemas.MONTH_PATTERN},
    ),
]
JobId = Annotated[int, Path(ge=1, le=2**63 - 1)]
InYear = Annotated[int | None, Query(ge=FIRST_YEAR, le=LAST_YEAR)]


@router.post(
    "/schedule-backfill",
    response_model_exclude_none=True,
    responses=WRITES,
    summary="Schedule the newest open months or the named ones, or list them as a dry run",
)
async def schedule_backfill(request: schemas.ScheduleRequest, system: Running) -> schemas.ScheduleAnswer:
    return await backfill.schedule(system, request, AUDIT_NAME)


@router.get("/backfill-stats", summary="Counters of the backfill")
async def backfill_stats(system: Running) -> StatsAnswer:
    return await backfill.stats(system)


@router.get("/daily-checks", summary="The daily checks: completion, resolution, quota, failures, stuck months, rollout")
async def show_daily_checks(
    system: Running,
    min_resolution_rate: Annotated[
        float, Query(ge=0, le=100, description="lowest passing percentage of books with an ISBN")
    ] = MIN_RESOLUTION_RATE,
) -> DailyChecksAnswer:
    return await daily_checks.show(system, min_resolution_rate)


@router.post("/seed-backfill-queue", responses=WRITES, summary="Add the missing months of some years")
async def seed_backfill_queue(request: schemas.SeedRequest, system: Running) -> schemas.SeedAnswer:
    return await backfill.seed(system, request)


@router.get("/months", summary="Months, newest first")
async def list_months(
    system: Running, status: Annotated[Status | None, Query()] = None, year: InYear = None
) -> schemas.MonthsAnswer:
    return await backfill.list_months(system, status, year)


@router.get("/months/{month}", responses=documented(404), summary="One month in full: attempts, candidates, calls")
async def show_month(month: MonthInPath, system: Running) -> schemas.MonthAnswer:
    return await month_detail.show_month(system, Month.parse(month))


@router.get(
    "/months/{month}/earlier",
    responses=documented(404),
    summary="What earlier attempts and look-ups found for a month, with the evidence",
)
async def show_earlier_results(
    month: MonthInPath,
    system: Running,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="`next` of the answer before this one")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_EARLIER_RESULTS)] = MAX_EARLIER_RESULTS,
) -> EarlierAnswer:
    return await show_earlier(system, Month.parse(month), before, limit)


@router.get("/jobs/{job_id}", responses=documented(404), summary="State of a scheduled attempt")
async def show_job(job_id: JobId, system: Running) -> schemas.JobAnswer:
    return await backfill.show_job(system, job_id)
