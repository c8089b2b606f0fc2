"""HTTP routes that retry months, and pause and resume the backfill."""

from __future__ import annotations

from alexandria.operations import control, schemas
from alexandria.web.routing import AUDIT_NAME, WRITES, Running, internal_router

router = internal_router()


@router.post("/retry", responses=WRITES, summary="Reset completed and failed months, and retry waiting ones now")
async def retry_months(request: schemas.RetryRequest, system: Running) -> schemas.RetryAnswer:
    return await control.retry(system, request, AUDIT_NAME)


@router.post("/pause", responses=WRITES, summary="Stop starting months; those in progress finish")
async def pause_backfill(request: schemas.PauseRequest, system: Running) -> schemas.PauseAnswer:
    return await control.pause(system, request, AUDIT_NAME)


@router.post("/resume", responses=WRITES, summary="End a pause; waiting months continue now")
async def resume_backfill(request: schemas.ResumeRequest, system: Running) -> schemas.ResumeAnswer:
    return await control.resume(system, request, AUDIT_NAME)
