"""Pauses and resumes the backfill, retries months and clears cached responses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alexandria.backfill.control import RetrySelection
from alexandria.backfill.repositories import pauses
from alexandria.backfill.repositories.pauses import Pause
from alexandria.core.errors import BadInput
from alexandria.core.month import Month
from alexandria.core.provider_facts import PROVIDERS
from alexandria.database.pool import Connection
from alexandria.operations import schemas
from alexandria.operations.system import System
from alexandria.providers.limits.rate import LaneStatus


async def retry(system: System, request: schemas.RetryRequest, who: str) -> schemas.RetryAnswer:
    """Reset completed and failed months to pending and wake waiting ones; `who` goes into the audit."""
    listed = tuple(map(Month.parse, request.months)) if request.months else None
    wish = RetrySelection(listed, failed=bool(request.status), reason=request.reason or None)
    done = await system.control.retry(wish, who, dry_run=request.dry_run)
    would, become = ("would ", "be") if request.dry_run else ("", "are")
    counts = (
        f"{len(done.reopened)} months {would}{become} pending again, {len(done.woken)} in retry {would}go on at once"
    )
    return schemas.RetryAnswer(
        dry_run=request.dry_run,
        reopened=[*map(str, done.reopened)],
        woken=[*map(str, done.woken)],
        left=[schemas.MonthLeft(month=str(month), status=status) for month, status in done.left.items()],
        message=counts + (f", {len(done.left)} {would}{become} left alone" if done.left else ""),
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
    message = f"resumed; {woken} months that waited for it go on at once" if ended else "there was no pause"
    return schemas.ResumeAnswer(resumed=ended is not None, months_woken=woken, message=message)


async def current_pause(system: System) -> schemas.PauseState | None:
    """The pause that lasts now, if there is one."""
    async with system.database.transaction() as connection:
        return await pause_state(connection)


async def paused_providers(system: System) -> list[LaneStatus]:
    """Providers that are not asked for now."""
    return [lane for lane in await system.limiter.status() if lane.paused_until]


async def months_in_work(system: System) -> int:
    """How many months have begun and not ended: those that a pause would still let finish."""
    async with system.database.transaction() as connection:
        return await pauses.finishing(connection)


async def clear_cache(system: System, provider: str, who: str, *, dry_run: bool) -> int:
    """Delete all cached responses of `provider`; returns how many. Raises BadInput if there is no such provider."""
    if provider not in PROVIDERS:
        raise BadInput(f"there is no provider {provider!r}", hint=f"known are {', '.join(PROVIDERS)}")
    return await system.control.purge(provider, who, dry_run=dry_run)


async def pause_state(connection: Connection) -> schemas.PauseState | None:
    """The pause that lasts now, with the number of months still in work."""
    now = await pauses.paused(connection)
    return None if now is None else _state(now, await pauses.finishing(connection))


def describe(state: schemas.PauseState) -> str:
    """A pause in a sentence."""
    pause = Pause(state.since, state.until, state.by, state.reason)
    return f"{pause}; {state.months_finishing} months still finishing"


async def _resume_provider(system: System, provider: str, who: str) -> schemas.ResumeAnswer:
    ended, woken = await system.control.resume_lane(provider, who)
    if ended is None:
        return schemas.ResumeAnswer(resumed=False, months_woken=0, message=f"{provider} was not paused")
    until = f"{ended.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    message = f"{provider} is asked again at once, not at {until}; {woken} months that waited for it go on at once"
    return schemas.ResumeAnswer(resumed=True, months_woken=woken, message=message)


def _state(pause: Pause, finishing: int) -> schemas.PauseState:
    return schemas.PauseState(
        since=pause.since, until=pause.until, by=pause.who, reason=pause.reason, months_finishing=finishing
    )
