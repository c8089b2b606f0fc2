"""Is this process alive, and can the system do its work? For whoever restarts, routes and alarms."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from alexandria.errors import DatabaseUnavailable
from alexandria.store import control, months
from alexandria.store.control import Pause
from alexandria.store.database import Row
from alexandria.web import bodies
from alexandria.web.problem import documented, problem
from alexandria.web.route import Running
from alexandria.wiring import System, need_migrated

SILENCE = 60.0  # seconds without a worker's heartbeat after which nobody is at work
PATIENCE = 3.0  # seconds for the database to answer a probe

router = APIRouter(prefix="/health", responses=documented(500), tags=["health"])


@router.get("/live", summary="This process answers")
async def live() -> bodies.LiveAnswer:
    return bodies.LiveAnswer(status="alive")


@router.get("/ready", response_model=bodies.ReadyAnswer, responses=documented(503), summary="The system can work")
async def ready(system: Running, request: Request) -> bodies.ReadyAnswer | JSONResponse:
    """503 with the reason: no database, an old schema, or work that no worker takes."""
    at_work, pause = await _look(system)
    due, in_work = 0 if pause else at_work["due"], at_work["processing"]
    if due + in_work and not at_work["beating"]:
        message = f"no worker has been heard for {SILENCE:.0f} s, and months wait for one: {due + in_work}"
        return problem(request.scope, 503, "no_worker", message, {"hint": "start one: alexandria work"})
    return bodies.ReadyAnswer(
        status="ready",
        workers=at_work["beating"],
        months_in_work=in_work,
        months_due=at_work["due"],
        paused=str(pause or ""),
    )


async def _look(system: System) -> tuple[Row, Pause | None]:
    try:
        async with asyncio.timeout(PATIENCE):
            async with system.database.transaction() as connection:
                await asyncio.to_thread(need_migrated, system.database.url)
                return await months.workers(connection, SILENCE), await control.paused(connection)
    except TimeoutError:
        raise DatabaseUnavailable(f"PostgreSQL does not answer within {PATIENCE:.0f} s") from None
