"""HTTP route that lists incidents."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from alexandria.operations import incidents
from alexandria.web.errors import documented, meta
from alexandria.web.routing import ApiRoute, Running

router = APIRouter(
    prefix="/api/incidents", route_class=ApiRoute, responses=documented(422, 500, 503), tags=["incidents"]
)


@router.get("", summary="Problems that last, and those that cleared within a week")
async def list_incidents(system: Running, request: Request, response: Response) -> incidents.IncidentsAnswer:
    response.headers["Cache-Control"] = "no-store"
    return incidents.IncidentsAnswer(success=True, incidents=await incidents.show(system), meta=meta(request.scope))
