"""Is this process alive, and can the system do its work? For whoever restarts, routes and alarms."""

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
from alexandria.operations.alerts.rules import SILENCE, Incident, Kind
from alexandria.operations.system import System
from alexandria.web.errors import documented, problem
from alexandria.web.routing import Running

PATIENCE = 3.0  # seconds for the database to answer a probe

router = APIRouter(prefix="/health", responses=documented(500), tags=["health"])


@router.get("/live", summary="This process answers")
async def live() -> schemas.LiveAnswer:
    return schemas.LiveAnswer(status="alive")


@router.get("/ready", response_model=schemas.ReadyAnswer, responses=documented(503), summary="The system can work")
async def ready(system: Running, request: Request) -> schemas.ReadyAnswer | JSONResponse:
    """503 with the reason: no database, an old schema, or work that no worker takes. Other incidents are listed."""
    at_work, pause, incidents = await _look(system)
    for incident in incidents:
        if incident.kind is Kind.NO_WORKER:
            hint = {"hint": "start one: alexandria work"}
            return problem(request.scope, 503, incident.kind, incident.reason, hint)
    return schemas.ReadyAnswer(
        status="ready",
        workers=at_work["beating"],
        months_in_work=at_work["processing"],
        months_due=at_work["due"],
        paused=str(pause or ""),
        incidents=[schemas.IncidentNow.model_validate(incident, from_attributes=True) for incident in incidents],
    )


async def _look(system: System) -> tuple[Row, Pause | None, Sequence[Incident]]:
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.to_thread(require_migrated, system.database.url)
            incidents = await system.alerts.look()
            async with system.database.transaction() as connection:
                return await months.workers(connection, SILENCE), await pauses.paused(connection), incidents
    except TimeoutError:
        raise DatabaseUnavailable(f"PostgreSQL does not answer within {PATIENCE:.0f} s") from None
