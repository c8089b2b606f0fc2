"""HTTP routes for health probes: whether this process is alive, and whether the system can work."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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

DATABASE_TIMEOUT = 3.0  # seconds
CACHE_LIFETIME = 1.0  # seconds
UNREADY = {IncidentKind.NO_WORKER, IncidentKind.RESCUE_STALLED}  # incidents during which the system cannot work

router = APIRouter(prefix="/health", responses=documented(500), tags=["health"])


@router.get("/live", summary="This process answers")
async def live() -> schemas.LiveAnswer:
    return schemas.LiveAnswer(status="alive")


@router.get("/ready", response_model=schemas.ReadyAnswer, responses=documented(503), summary="The system can work")
async def ready(request: Request) -> schemas.ReadyAnswer | JSONResponse:
    """503 with the reason: no database, one that takes no data, an old schema, or months that no worker takes up.

    Other incidents are listed.
    """
    readiness: ReadinessCache = request.app.state.readiness
    now = await readiness.get()
    for incident in now.incidents:
        if incident.kind in UNREADY:
            return error_response(request.scope, 503, incident.kind, incident.reason, {"hint": incident.fix})
    return schemas.ReadyAnswer(
        status="ready",
        workers=now.workers["workers"],
        months_in_work=now.workers["processing"],
        months_due=now.workers["due"],
        paused=str(now.pause or ""),
        incidents=[schemas.CurrentIncident.model_validate(each, from_attributes=True) for each in now.incidents],
    )


@dataclass(frozen=True, slots=True)
class Readiness:
    """What `/health/ready` reports, as the database had it at one time."""

    workers: Row
    pause: Pause | None
    incidents: Sequence[Incident]


class ReadinessCache:
    """Reads the readiness at most once in `CACHE_LIFETIME`, also while many ask at the same time; failures count too."""

    def __init__(self, system: System, clock: Callable[[], float] = time.monotonic) -> None:
        self._system = system
        self.clock = clock
        self.readings = 0  # so far
        self._reading: asyncio.Task[Readiness] | None = None
        self._began = -math.inf

    async def get(self) -> Readiness:
        """The latest readiness, which may be under way. Raises what reading it raised."""
        if self._reading is None or (self._reading.done() and self.clock() - self._began >= CACHE_LIFETIME):
            self.readings += 1
            self._reading, self._began = asyncio.create_task(_read(self._system)), self.clock()
        await asyncio.wait({self._reading})
        return self._reading.result()


async def _read(system: System) -> Readiness:
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT):
            await asyncio.to_thread(require_migrated, system.database.url)
            await system.database.require_writable()
            incidents = await system.alerts.current_incidents()
            async with system.database.transaction() as connection:
                workers = await months.workers(connection, HEARTBEAT_TIMEOUT)
                return Readiness(workers, await pauses.paused(connection), incidents)
    except TimeoutError:
        raise DatabaseUnavailable(f"PostgreSQL does not answer within {DATABASE_TIMEOUT:.0f} s") from None
