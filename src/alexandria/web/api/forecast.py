"""HTTP route that forecasts when the months will be done."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Query
from starlette.requests import Request

from alexandria.operations import forecast
from alexandria.operations.forecast import MAX_RUNS_BY_HTTP, ForecastAnswer
from alexandria.web.routing import Running, secret_router

router = secret_router("/api/internal/forecast", "rollout")

Runs = Annotated[
    int | None,
    Query(ge=10, le=MAX_RUNS_BY_HTTP, description="simulations; by default 100, fewer of more than 300 months"),
]
Seed = Annotated[int, Query(ge=0, le=2**31, description="equal seeds give equal forecasts")]


@router.get("", summary="When the months will be done, what limits that, and what it will cost")
async def show_forecast(system: Running, request: Request, runs: Runs = None, seed: Seed = 1) -> ForecastAnswer:
    """Requests are answered one after the other, as each takes a processor for seconds."""
    turn: asyncio.Lock = request.app.state.forecasting
    async with turn:
        return await forecast.show(system, runs=runs, seed=seed)
