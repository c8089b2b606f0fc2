"""A worker process: takes months from the queue until it is told to stop, through restarts of the database."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

import structlog

from alexandria.errors import DatabaseUnavailable
from alexandria.queue import Periodic
from alexandria.watch import EVERY
from alexandria.wiring import System

log = structlog.get_logger(__name__)

IDLE_CHECK = 0.5  # seconds between looks at the queue when the worker is to stop once it is empty
RECONNECT = 1.0  # seconds before a lost database is tried again


def name() -> str:
    """Who works: machine and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def periodic(system: System) -> list[Periodic]:
    """What workers see to beside the months."""
    return [
        Periodic("reconcile", "30 * * * *", system.upkeep.reconcile),
        Periodic("forget", "15 * * * *", system.upkeep.forget),
        Periodic("watch", f"* * * * * */{EVERY:.0f}", system.watch.watch),
    ]


async def work(system: System, stop: asyncio.Event, *, concurrency: int) -> None:
    """Work until `stop` is set; then months in work are snoozed for another worker and this returns."""
    while not stop.is_set():
        jobs = system.jobs.work(system.backfill, concurrency=concurrency, name=name(), periodic=periodic(system))
        working = asyncio.create_task(jobs)
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
        except DatabaseUnavailable as lost:
            log.warning("database lost", reason=lost.message)
        if not stop.is_set():
            await _until_database_answers(system, stop)


async def until_idle(busy: Callable[[], Awaitable[bool]], stop: asyncio.Event) -> None:
    """Set `stop` once `busy` says that no month is queued or in work."""
    while not stop.is_set():
        if not await busy():
            stop.set()
            return
        await asyncio.sleep(IDLE_CHECK)


async def _until_database_answers(system: System, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await system.reconnect()
        except DatabaseUnavailable as lost:
            log.warning("database still away", reason=lost.message)
            await asyncio.sleep(RECONNECT)
        else:
            return
