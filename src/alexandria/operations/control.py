"""Pauses and resumes the backfill, retries months and clears cached responses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alexandria.backfill.control import RetryResult, RetrySelection
from alexandria.backfill.repositories import pauses
from alexandria.backfill.repositories.pauses import Pause
from alexandria.core.errors import BadInput
from alexandria.core.grammar import counted
from alexandria.core.month import Month
from alexandria.core.provider_facts import PROVIDERS
from alexandria.database.pool import Connection
from alexandria.operations import schemas
from alexandria.operations.system import System
from alexandria.providers.limits.lane_status import LaneStatus


async def retry(system: System, request: schemas.RetryRequest, who: str) -> schemas.RetryAnswer:
    """Reset completed and failed months to pending and wake waiting ones; `who` goes into the audit."""
    listed = tuple(map(Month.parse, request.months)) if request.months else None
    selection = RetrySelection(
        listed,
        failed=bool(request.status),
        partial=request.partial,
        adopted=request.adopted,
        reason=request.reason or None,
    )
    done = await system.control.retry(selection, who, dry_run=request.dry_run)
    return schemas.RetryAnswer(
        dry_run=request.dry_run,
        reopened=[*map(str, done.reopened)],
        woken=[*map(str, done.woken)],
        left=[schemas.SkippedMonth(month=str(month), status=status) for month, status in done.left.items()],
        message=_describe_retry(done, dry_run=request.dry_run),
    )


async def pause(system: System, request: schemas.PauseRequest, who: str) -> schemas.PauseAnswer:
    """Start no month until the pause ends. Raises BadInput if its end has passed."""
    until = datetime.now(UTC) + timedelta(minutes=request.minutes) if request.minutes else request.until
    begun, finishing = await system.control.pause(until, request.reason, who)
    state = _state(begun, finishing)
    return schemas.PauseAnswer(paused=state, message=describe(state))


async def resume(system: System, request: schemas.ResumeRequest, who: str) -> schemas.ResumeAnswer:
    """End the pause of the backfill, or that of one provider. Raises BadInput if there is no such provider."""
    if request.provider:
        return await _resume_provider(system, request.provider, who)
    ended, woken = await system.control.resume(who)
    message = f"resumed{_woken(woken)}" if ended else "not paused"
    return schemas.ResumeAnswer(resumed=ended is not None, months_woken=woken, message=message)


async def current_pause(system: System) -> schemas.PauseState | None:
    """The pause that lasts now, if there is one."""
    async with system.database.transaction() as connection:
        return await pause_state(connection)


async def paused_providers(system: System) -> list[LaneStatus]:
    """Providers that get no requests now, each with the time and the reason."""
    return [lane for lane in await system.limiter.status() if lane.paused_until]


async def months_in_work(system: System) -> int:
    """How many months have begun and not ended; a pause lets them finish."""
    async with system.database.transaction() as connection:
        return await pauses.finishing(connection)


async def clear_cache(system: System, provider: str, who: str, *, dry_run: bool) -> int:
    """Delete all cached responses of `provider`; returns how many. Raises BadInput if there is no such provider."""
    if provider not in PROVIDERS:
        raise BadInput(f"unknown provider {provider!r}", hint=f"known providers: {', '.join(PROVIDERS)}")
    return await system.control.purge(provider, who, dry_run=dry_run)


async def pause_state(connection: Connection) -> schemas.PauseState | None:
    """The pause that lasts now, with the number of months still in work."""
    now = await pauses.paused(connection)
    return None if now is None else _state(now, await pauses.finishing(connection))


def describe(state: schemas.PauseState) -> str:
    """A pause in a sentence."""
    pause = Pause(state.since, state.until, state.by, state.reason)
    return f"{pause}; {counted(state.months_finishing, 'month')} still finishing"


async def _resume_provider(system: System, provider: str, who: str) -> schemas.ResumeAnswer:
    ended, woken = await system.control.resume_lane(provider, who)
    if ended is None:
        return schemas.ResumeAnswer(resumed=False, months_woken=0, message=f"{provider} was not paused")
    until = f"{ended.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    message = f"{provider} is queried again now instead of at {until}{_woken(woken)}"
    return schemas.ResumeAnswer(resumed=True, months_woken=woken, message=message)


def _describe_retry(done: RetryResult, *, dry_run: bool) -> str:
    parts = []
    if done.reopened:
        parts.append(f"{counted(len(done.reopened), 'month')} reset to pending")
    if done.woken:
        parts.append(f"{counted(len(done.woken), 'waiting month')} {'to retry' if dry_run else 'retried'} now")
    if done.left:
        parts.append(f"{counted(len(done.left), 'month')} skipped")
    return ("dry run: " if dry_run else "") + (", ".join(parts) or "no month matches")


def _woken(months: int) -> str:
    if not months:
        return ""
    return f"; {counted(months, 'waiting month')} {'continues' if months == 1 else 'continue'} now"


def _state(pause: Pause, finishing: int) -> schemas.PauseState:
    return schemas.PauseState(
        since=pause.since, until=pause.until, by=pause.who, reason=pause.reason, months_finishing=finishing
    )
