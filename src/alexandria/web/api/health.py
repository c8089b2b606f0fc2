"""HTTP routes for health probes: whether this process is alive, and whether the system can work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from alexandria.backfill.repositories import months, pauses
from alexandria.backfill.repositories.pauses import Pause
from alexandria.core.errors import DatabaseUnavailable
from alexandria.database.pool import Row
from alexandria.database.server import require_migrated
from alexandria.operations import schemas
from alexandria.operations.alerts.rules import HEARTBEAT_TIMEOUT, Incident, IncidentKind
from alexandria.operations.system import System
from alexandria.web.errors import documented, error_response
from alexandria.web.routing import Running

DATABASE_TIMEOUT = 3.0  # seconds

router = APIRouter(prefix="/health", responses=documented(500), tags=["health"])


@router.get("/live", summary="This process answers")
async def live() -> schemas.LiveAnswer:
    return schemas.LiveAnswer(status="alive")


@router.get("/ready", response_model=schemas.ReadyAnswer, responses=documented(503), summary="The system can work")
async def ready(system: Running, request: Request) -> schemas.ReadyAnswer | JSONResponse:
    """503 with the reason: no database, an old schema, or months without a worker. Other incidents are listed."""
    workers, pause, incidents = await _read(system)
    for incident in incidents:
        if incident.kind is IncidentKind.NO_WORKER:
            hint = {"hint": "start one: alexandria work"}
            return error_response(request.scope, 503, incident.kind, incident.reason, hint)
    return schemas.ReadyAnswer(
        status="ready",
        workers=workers["workers"],
        months_in_work=workers["processing"],
        months_due=workers["due"],
        paused=str(pause or ""),
        incidents=[schemas.CurrentIncident.model_validate(incident, from_attributes=True) for incident in incidents],
    )


async def _read(system: System) -> tuple[Row, Pause | None, Sequence[Incident]]:
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT):
            await asyncio.to_thread(require_migrated, system.database.url)
            incidents = await system.alerts.current_incidents()
            async with system.database.transaction() as connection:
                return await months.workers(connection, HEARTBEAT_TIMEOUT), await pauses.paused(connection), incidents
    except TimeoutError:
        raise DatabaseUnavailable(f"PostgreSQL does not answer within {DATABASE_TIMEOUT:.0f} s") from None
