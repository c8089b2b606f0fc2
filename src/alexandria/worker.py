"""A worker process: takes months from the queue until it is told to stop, through restarts of the database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from alexandria.errors import DatabaseUnavailable
from alexandria.log import process_name
from alexandria.queue import Periodic
from alexandria.watch import EVERY
from alexandria.wiring import System

log = structlog.get_logger(__name__)

IDLE_CHECK = 0.5  # seconds between looks at the queue when the worker is to stop once it is empty
RECONNECT = 0.5  # seconds before a lost database is tried again


def periodic(system: System) -> list[Periodic]:
    """What workers see to beside the months."""
    return [
        Periodic("reconcile", "30 * * * *", system.upkeep.reconcile),
        Periodic("forget", "15 * * * *", system.upkeep.forget),
        Periodic("prune", "*/5 * * * *", system.upkeep.prune),
        Periodic("rollout", "* * * * * */20", system.steward.tick),
        Periodic("watch", f"* * * * * */{EVERY:.0f}", system.watch.watch),
    ]


async def work(system: System, stop: asyncio.Event, *, concurrency: int) -> None:
    """Work until `stop` is set; then months in work are snoozed for another worker and this returns."""

    async def heal() -> None:
        log.warning("the queue has stopped", hint="it starts again as soon as the database answers")
        await _until_database_answers(system, stop)

    log.info("worker begins", concurrency=concurrency)
    while not stop.is_set():
        working = asyncio.create_task(
            system.jobs.work(
                system.backfill, concurrency=concurrency, name=process_name(), periodic=periodic(system), heal=heal
            )
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
    """Set `stop` once `busy` says that no month is queued or in work. A lost database says nothing."""
    while not stop.is_set():
        with contextlib.suppress(DatabaseUnavailable):
            if not await busy():
                stop.set()
                return
        await asyncio.sleep(IDLE_CHECK)


async def _until_database_answers(system: System, stop: asyncio.Event) -> None:
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RECONNECT)
        try:
            await system.reconnect()
        except DatabaseUnavailable as lost:
            log.warning("database still away", reason=lost.message)
        else:
            return
