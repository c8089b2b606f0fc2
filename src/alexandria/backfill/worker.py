"""Runs a worker: takes months from the queue until it has to stop, through restarts of the database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import structlog

from alexandria.backfill.composition import Backfill
from alexandria.backfill.periodic import Periodic
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.queue_jobs import run_jobs
from alexandria.core.errors import DatabaseFailed, NotMigrated
from alexandria.core.logging import process_name

log = structlog.get_logger(__name__)

IDLE_CHECK_INTERVAL = 0.5  # seconds between checks whether the queue is empty, for a worker that then stops
RECONNECT_DELAY, MAX_RECONNECT_DELAY = 0.5, 2.0  # seconds before a lost database is tried again; each is twice the last


async def work(
    jobs: JobQueue,
    backfill: Backfill,
    stop: asyncio.Event,
    *,
    concurrency: int,
    periodic: Sequence[Periodic],
    reconnect: Callable[[], Awaitable[None]],
) -> None:
    """Work until `stop` is set; then running months are snoozed for another worker and this returns."""

    async def restore() -> None:
        await _until_database_answers(reconnect, stop)

    log.info("worker begins", concurrency=concurrency)
    with contextlib.suppress(DatabaseFailed, NotMigrated):
        await backfill.rescuer.note_finished()  # else its first second would look like a rescue that hangs
    while not stop.is_set():
        working = asyncio.create_task(
            run_jobs(jobs, backfill, concurrency=concurrency, name=process_name(), periodic=periodic, reconnect=restore)
        )
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if stop.is_set():
            working.cancel()
        try:
            await working
        except asyncio.CancelledError:
            if not stop.is_set():
                raise
    log.info("worker ends")


async def until_idle(busy: Callable[[], Awaitable[bool]], stop: asyncio.Event) -> None:
    """Set `stop` once `busy` returns that no month is queued or running. A lost database is not an answer."""
    while not stop.is_set():
        with contextlib.suppress(DatabaseFailed):
            if not await busy():
                stop.set()
                return
        await asyncio.sleep(IDLE_CHECK_INTERVAL)


async def _until_database_answers(reconnect: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    delay, reason = RECONNECT_DELAY, ""
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), delay)
        try:
            await reconnect()
        except DatabaseFailed as lost:
            if lost.message != reason:  # once, not with every try
                log.warning("database still away", reason=lost.message, hint=lost.hint)
            delay, reason = min(2 * delay, MAX_RECONNECT_DELAY), lost.message
        else:
            return
