"""The API behind the secret: pause, resume, and have months done again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alexandria.backfill.control import Wish
from alexandria.backfill.repositories import pauses
from alexandria.backfill.repositories.pauses import Pause
from alexandria.core.month import Month
from alexandria.database.pool import Connection
from alexandria.operations import schemas
from alexandria.operations.system import System
from alexandria.web.routing import WRITES, Running, behind_the_door

router = behind_the_door()


@router.post("/retry", responses=WRITES, summary="Have completed, failed or waiting months done again")
async def retry_months(wanted: schemas.RetryRequest, system: Running) -> schemas.RetryAnswer:
    return await retry(wanted, system, "api")


@router.post("/pause", responses=WRITES, summary="Begin no month until then; months in work are finished")
async def pause_backfill(wanted: schemas.PauseRequest, system: Running) -> schemas.PauseAnswer:
    return await pause(wanted, system, "api")


@router.post("/resume", responses=WRITES, summary="Go on at once")
async def resume_backfill(wanted: schemas.ResumeRequest, system: Running) -> schemas.ResumeAnswer:
    return await resume(wanted, system, "api")


async def retry(wanted: schemas.RetryRequest, system: System, who: str) -> schemas.RetryAnswer:
    """Carry out a wish to have months done again; `who` asked for it."""
    listed = tuple(map(Month.parse, wanted.months)) if wanted.months else None
    wish = Wish(listed, failed=bool(wanted.status), reason=wanted.reason or None)
    done = await system.control.retry(wish, who, dry_run=wanted.dry_run)
    would, become = ("would ", "be") if wanted.dry_run else ("", "are")
    counts = (
        f"{len(done.reopened)} months {would}{become} pending again, {len(done.woken)} in retry {would}go on at once"
    )
    return schemas.RetryAnswer(
        dry_run=wanted.dry_run,
        reopened=[*map(str, done.reopened)],
        woken=[*map(str, done.woken)],
        left=[schemas.MonthLeft(month=str(month), status=status) for month, status in done.left.items()],
        message=counts + (f", {len(done.left)} {would}{become} left alone" if done.left else ""),
    )


async def pause(wanted: schemas.PauseRequest, system: System, who: str) -> schemas.PauseAnswer:
    """Raises BadInput if its end has passed."""
    until = datetime.now(UTC) + timedelta(minutes=wanted.minutes) if wanted.minutes else wanted.until
    begun, finishing = await system.control.pause(until, wanted.reason, who)
    state = _state(begun, finishing)
    return schemas.PauseAnswer(paused=state, message=told(state))


async def resume(wanted: schemas.ResumeRequest, system: System, who: str) -> schemas.ResumeAnswer:
    """Raises BadInput if there is no such provider."""
    if wanted.provider:
        return await _resume_lane(wanted.provider, system, who)
    ended, woken = await system.control.resume(who)
    message = f"resumed; {woken} months that waited for it go on at once" if ended else "there was no pause"
    return schemas.ResumeAnswer(resumed=ended is not None, months_woken=woken, message=message)


async def _resume_lane(provider: str, system: System, who: str) -> schemas.ResumeAnswer:
    ended, woken = await system.control.resume_lane(provider, who)
    if ended is None:
        return schemas.ResumeAnswer(resumed=False, months_woken=0, message=f"{provider} was not paused")
    until = f"{ended.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    message = f"{provider} is asked again at once, not at {until}; {woken} months that waited for it go on at once"
    return schemas.ResumeAnswer(resumed=True, months_woken=woken, message=message)


async def pause_state(connection: Connection) -> schemas.PauseState | None:
    """The pause that lasts now, with the number of months still in work."""
    now = await pauses.paused(connection)
    return None if now is None else _state(now, await pauses.finishing(connection))


def told(state: schemas.PauseState) -> str:
    """A pause in a sentence."""
    pause = Pause(state.since, state.until, state.by, state.reason)
    return f"{pause}; {state.months_finishing} months still finishing"


def _state(pause: Pause, finishing: int) -> schemas.PauseState:
    return schemas.PauseState(
        since=pause.since, until=pause.until, by=pause.who, reason=pause.reason, months_finishing=finishing
    )
