"""HTTP route that reports the daily quota."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from alexandria.operations import quota, quota_schemas
from alexandria.web.errors import documented, meta
from alexandria.web.routing import ApiRoute, Running

router = APIRouter(prefix="/api/quota", route_class=ApiRoute, responses=documented(422, 500, 503), tags=["quota"])


@router.get("/status", summary="Quotas of the day")
async def quota_status(system: Running, request: Request, response: Response) -> quota_schemas.QuotaAnswer:
    response.headers["Cache-Control"] = "max-age=60"
    return quota_schemas.QuotaAnswer(success=True, data=await quota.show(system), meta=meta(request.scope))
