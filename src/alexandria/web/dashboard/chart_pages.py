"""The page of charts: the course of the backfill day by day, and its costs."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from alexandria.operations import trends
from alexandria.operations.costs import describe_costs, describe_forecast
from alexandria.operations.system import System
from alexandria.operations.trends import Trends
from alexandria.web.dashboard.charts import charts_of
from alexandria.web.dashboard.rendering import ReadingRoute, render
from alexandria.web.routing import Running

router = APIRouter(route_class=ReadingRoute, include_in_schema=False)
TRENDS_LIFETIME = 60.0  # seconds, as reading all requests takes a while where there are many


@dataclass(slots=True)
class TrendsCache:
    """Reads the trends once for all visitors, and again when they are older than TRENDS_LIFETIME."""

    system: System
    _reading: asyncio.Task[Trends] | None = None
    _begun: float = -math.inf

    async def get(self) -> Trends:
        """The latest trends; a reading that is under way is shared, and one that failed is made again."""
        failed = self._reading is not None and self._reading.done() and self._reading.exception() is not None
        if self._reading is None or failed or time.monotonic() - self._begun > TRENDS_LIFETIME:
            self._reading = asyncio.create_task(trends.read(self.system, datetime.now(UTC)))
            self._begun = time.monotonic()
        return await asyncio.shield(self._reading)


@router.get("/charts")
async def charts(request: Request, system: Running) -> HTMLResponse:
    """Months, books, requests, quotas and costs of the last days."""
    cache: TrendsCache = request.app.state.trends
    found = await cache.get()
    snapshot = await system.rollout.snapshot()
    started = snapshot is not None and snapshot.rollout.ended_at is None
    return render(
        request,
        "charts.html",
        at=found.at,
        charts=charts_of(found),
        costs=[*describe_costs(found.costs)],
        forecast=describe_forecast(system.forecaster.latest(started=started)),
    )
