"""Reports the daily quota: ISBNdb's, on which the pace depends, and every provider's."""

from __future__ import annotations

from alexandria.operations import quota_schemas
from alexandria.operations.system import System
from alexandria.providers.limits.lane_status import LaneStatus


async def show(system: System) -> quota_schemas.QuotaStatus:
    """The quotas of the day. Counters that no process has made yet are made."""
    lanes = await system.limiter.status()
    if len(lanes) < len(system.settings.lanes):
        await system.limiter.open()
        lanes = await system.limiter.status()
    providers = {lane.name: provider_quota(lane) for lane in lanes}
    isbndb = {
        name: getattr(providers["isbndb"], name)
        for name in quota_schemas.QuotaStatus.model_fields
        if name != "providers"
    }
    return quota_schemas.QuotaStatus(**isbndb, providers=providers)


def provider_quota(lane: LaneStatus) -> quota_schemas.ProviderQuota:
    """The state of one provider's quota and rate limit."""
    taken = lane.used + lane.reserved
    left = None if lane.left is None else max(lane.left, 0)
    return quota_schemas.ProviderQuota(
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
