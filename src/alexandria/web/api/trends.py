"""HTTP route that reports the course of the backfill day by day: the figures of the charts."""

from __future__ import annotations

from starlette.requests import Request

from alexandria.operations.trends_schemas import TrendsAnswer, to_answer
from alexandria.web.errors import documented
from alexandria.web.routing import secret_router

router = secret_router("/api/internal/trends", "backfill")


@router.get("", responses=documented(503), summary="The last thirty days, and the cost until now")
async def show_trends(request: Request) -> TrendsAnswer:
    return to_answer(await request.app.state.trends.get())
