"""How much of the day's quota is left? For ISBNdb, on which the pace depends, and for every provider."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from alexandria.operations import schemas
from alexandria.providers.limits.rate import LaneStatus
from alexandria.web.errors import documented, meta
from alexandria.web.routing import ApiRoute, Running

router = APIRouter(prefix="/api/quota", route_class=ApiRoute, responses=documented(422, 500, 503), tags=["quota"])


@router.get("/status", summary="The day's quotas")
async def quota_status(system: Running, request: Request, response: Response) -> schemas.QuotaAnswer:
    response.headers["Cache-Control"] = "max-age=60"
    providers = {lane.name: provider_quota(lane) for lane in await system.lanes.status()}
    first = {name: getattr(providers["isbndb"], name) for name in schemas.Quota.model_fields if name != "providers"}
    return schemas.QuotaAnswer(success=True, data=schemas.Quota(**first, providers=providers), meta=meta(request.scope))


def provider_quota(lane: LaneStatus) -> schemas.ProviderQuota:
    taken = lane.used + lane.reserved
    left = None if lane.cap is None else max(lane.cap - taken, 0)
    return schemas.ProviderQuota(
        rate=lane.rate,
        day=lane.day,
        daily_limit=lane.limit,
        safety_limit=lane.cap,
        used=lane.used,
        reserved=lane.reserved,
        remaining=None if lane.limit is None else max(lane.limit - taken, 0),
        safety_remaining=left,
        percentage_used=None if lane.cap is None else _percent(lane.used, lane.cap),
        reset_at=lane.reset_at,
        paused_until=lane.paused_until,
        pause_reason=lane.pause_reason,
        plan_limit=lane.plan_limit,
        plan_seen_at=lane.plan_seen_at,
        plan_note=lane.plan_note,
        can_make_calls=left != 0 and lane.paused_until is None,
    )


def _percent(used: int, of: int) -> float:
    return round(100 * used / of, 2) if of else 100.0
