"""The API behind the secret: pause, resume, and have months done again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alexandria.control import Wish
from alexandria.month import Month
from alexandria.store import control
from alexandria.store.control import Pause
from alexandria.store.database import Connection
from alexandria.web import bodies
from alexandria.web.route import WRITES, Running, behind_the_door
from alexandria.wiring import System

router = behind_the_door()


@router.post("/retry", responses=WRITES, summary="Have completed, failed or waiting months done again")
async def retry_months(wanted: bodies.RetryRequest, system: Running) -> bodies.RetryAnswer:
    return await retry(wanted, system, "api")


@router.post("/pause", responses=WRITES, summary="Begin no month until then; months in work are finished")
async def pause_backfill(wanted: bodies.PauseRequest, system: Running) -> bodies.PauseAnswer:
    return await pause(wanted, system, "api")


@router.post("/resume", responses=WRITES, summary="Go on at once")
async def resume_backfill(wanted: bodies.ResumeRequest, system: Running) -> bodies.ResumeAnswer:
    return await resume(wanted, system, "api")


async def retry(wanted: bodies.RetryRequest, system: System, who: str) -> bodies.RetryAnswer:
    """Carry out a wish to have months done again; `who` asked for it."""
    listed = tuple(map(Month.parse, wanted.months)) if wanted.months else None
    wish = Wish(listed, failed=bool(wanted.status), reason=wanted.reason or None)
    done = await system.control.retry(wish, who, dry_run=wanted.dry_run)
    would, become = ("would ", "be") if wanted.dry_run else ("", "are")
    counts = (
        f"{len(done.reopened)} months {would}{become} pending again, {len(done.woken)} in retry {would}go on at once"
    )
    return bodies.RetryAnswer(
        dry_run=wanted.dry_run,
        reopened=[*map(str, done.reopened)],
        woken=[*map(str, done.woken)],
        left=[bodies.MonthLeft(month=str(month), status=status) for month, status in done.left.items()],
        message=counts + (f", {len(done.left)} {would}{become} left alone" if done.left else ""),
    )


async def pause(wanted: bodies.PauseRequest, system: System, who: str) -> bodies.PauseAnswer:
    """Raises BadInput if its end has passed."""
    until = datetime.now(UTC) + timedelta(minutes=wanted.minutes) if wanted.minutes else wanted.until
    begun, finishing = await system.control.pause(until, wanted.reason, who)
    state = _state(begun, finishing)
    return bodies.PauseAnswer(paused=state, message=told(state))


async def resume(wanted: bodies.ResumeRequest, system: System, who: str) -> bodies.ResumeAnswer:
    """Raises BadInput if there is no such provider."""
    if wanted.provider:
        return await _resume_lane(wanted.provider, system, who)
    ended, woken = await system.control.resume(who)
    message = f"resumed; {woken} months that waited for it go on at once" if ended else "there was no pause"
    return bodies.ResumeAnswer(resumed=ended is not None, months_woken=woken, message=message)


async def _resume_lane(provider: str, system: System, who: str) -> bodies.ResumeAnswer:
    ended, woken = await system.control.resume_lane(provider, who)
    if ended is None:
        return bodies.ResumeAnswer(resumed=False, months_woken=0, message=f"{provider} was not paused")
    until = f"{ended.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    message = f"{provider} is asked again at once, not at {until}; {woken} months that waited for it go on at once"
    return bodies.ResumeAnswer(resumed=True, months_woken=woken, message=message)


async def pause_state(connection: Connection) -> bodies.PauseState | None:
    """The pause that lasts now, with the number of months still in work."""
    now = await control.paused(connection)
    return None if now is None else _state(now, await control.finishing(connection))


def told(state: bodies.PauseState) -> str:
    """A pause in a sentence."""
    pause = Pause(state.since, state.until, state.by, state.reason)
    return f"{pause}; {state.months_finishing} months still finishing"


def _state(pause: Pause, finishing: int) -> bodies.PauseState:
    return bodies.PauseState(
        since=pause.since, until=pause.until, by=pause.who, reason=pause.reason, months_finishing=finishing
    )
