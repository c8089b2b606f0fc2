"""Reports the state of each provider: its pause, its circuit breaker, its quota and how it answered within an hour."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from alexandria.backfill.status import Status
from alexandria.core.grammar import counted
from alexandria.operations.stats_schemas import BreakerState, ProviderCondition, ProviderState
from alexandria.operations.status_style import BLOCKED
from alexandria.operations.system import System
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.providers.response_cache import RecentCalls

CONDITION_STYLES: dict[ProviderCondition, str] = {  # keys of STYLES
    ProviderCondition.WORKING: Status.COMPLETED,
    ProviderCondition.FAILING: Status.RETRY,
    ProviderCondition.DOWN: Status.FAILED,
    ProviderCondition.PAUSED: BLOCKED,
    ProviderCondition.QUOTA_SPENT: BLOCKED,
    ProviderCondition.NOT_USED: Status.PENDING,
}


async def show(system: System, lanes: Sequence[LaneStatus]) -> list[ProviderState]:
    """The state of every provider that some process has set up, those in use first."""
    recent = await system.cache.recent_calls()
    last = await system.cache.last_answers([lane.name for lane in lanes])
    found = [state_of(lane, recent.get(lane.name), last.get(lane.name), in_use=system.alerts.in_use) for lane in lanes]
    return sorted(found, key=lambda each: each.condition is ProviderCondition.NOT_USED)


def state_of(
    lane: LaneStatus, recent: RecentCalls | None, last_answer: datetime | None, *, in_use: Collection[str]
) -> ProviderState:
    """The state of one provider by its limiter, its `recent` requests and the time of its last answer."""
    condition = _condition(lane, in_use=lane.name in in_use)
    errors = recent.limited + recent.refused + recent.silent if recent else 0
    calls = recent.answered + errors if recent else 0
    return ProviderState(
        provider=lane.name,
        condition=condition,
        words=_words(condition, lane, calls, errors),
        paused_until=lane.paused_until,
        pause_reason=lane.pause_reason,
        breaker=_breaker(lane),
        failures=lane.failures,
        down_since=lane.down_since,
        calls=calls,
        errors=errors,
        limited=recent.limited if recent else 0,
        median_ms=recent.median_ms if recent else None,
        p95_ms=recent.p95_ms if recent else None,
        used=lane.used,
        reserved=lane.reserved,
        safety_limit=lane.cap,
        reset_at=lane.reset_at,
        last_answer_at=last_answer,
    )


def _condition(lane: LaneStatus, *, in_use: bool) -> ProviderCondition:
    if lane.down_since is not None:
        return ProviderCondition.DOWN
    if lane.paused_until is not None:
        return ProviderCondition.PAUSED
    if not in_use:
        return ProviderCondition.NOT_USED
    if lane.left is not None and lane.left <= 0:
        return ProviderCondition.QUOTA_SPENT
    return ProviderCondition.FAILING if lane.failures else ProviderCondition.WORKING


def _breaker(lane: LaneStatus) -> BreakerState:
    if lane.down_since is None:
        return BreakerState.CLOSED
    return BreakerState.HALF_OPEN if lane.probing or lane.paused_until is None else BreakerState.OPEN


def _words(condition: ProviderCondition, lane: LaneStatus, calls: int, errors: int) -> str:
    match condition:
        case ProviderCondition.DOWN:
            assert lane.down_since is not None
            probe = "a request probes it now"
            if _breaker(lane) is BreakerState.OPEN and lane.paused_until is not None:
                probe = f"probed again at {clock(lane.paused_until)}"
            return f"no answer since {clock(lane.down_since)}; {probe}"
        case ProviderCondition.PAUSED:
            assert lane.paused_until is not None
            return f"paused until {clock(lane.paused_until)}: {lane.pause_reason}".removesuffix(": ")
        case ProviderCondition.QUOTA_SPENT:
            return f"the day's quota for months is used up until {clock(lane.reset_at)}"
        case ProviderCondition.FAILING:
            return f"{counted(lane.failures, 'request')} in a row without an answer"
        case ProviderCondition.NOT_USED:
            return "no setting names it as a source or generator"
    if not calls:
        return "no request within an hour"
    return "every request was answered" if not errors else f"{errors:,} of {counted(calls, 'request')} failed"


def clock(at: datetime) -> str:
    """The time of day in UTC, to the minute."""
    return f"{at.astimezone(UTC):%H:%M} UTC"
