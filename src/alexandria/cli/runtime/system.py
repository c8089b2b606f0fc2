"""How does a command reach the system, on a database that is fit for use?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from alexandria import bootstrap
from alexandria.backfill.control import Control
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.scheduler import Backfill
from alexandria.cli.output.console import Output
from alexandria.cli.settings import settings_of
from alexandria.core import logging
from alexandria.core.config import Settings
from alexandria.database.pool import Database
from alexandria.database.server import Server, open_server, require_migrated
from alexandria.forecast.forecaster import Forecaster
from alexandria.operations.event_log import Journal
from alexandria.operations.maintenance import Maintenance
from alexandria.operations.system import System
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.response_cache import ResponseCache

T = TypeVar("T")


def on_system(output: Output, act: Callable[[System], Awaitable[T]]) -> T:
    """What `act` returns. Raises DatabaseUnavailable and NotMigrated."""
    settings = settings_of(output)
    if not output.options.verbose:
        logging.quieten("WARNING")
    with open_server(settings) as server:
        require_migrated(server.url)
        return asyncio.run(_act(settings, server, act))


async def _act(settings: Settings, server: Server, act: Callable[[System], Awaitable[T]]) -> T:
    async with contextlib.AsyncExitStack() as stack:
        if settings.journal_events:
            await stack.enter_async_context(Journal(server.url))
        database = await stack.enter_async_context(Database(server.url, size=2))
        jobs = JobQueue(database)
        await jobs.open()
        lanes = RateLimiter(server.url, database.pool, settings.providers)  # not opened: a look must not set the pace
        answers = ResponseCache(database)
        backfill = Backfill(database, jobs)
        acts = backfill, Control(database, jobs), Maintenance(database, kept_events=settings.journal_events)
        steward = bootstrap.steward_of(settings, database, backfill, lanes)
        watch = bootstrap.watch_of(settings, database, lanes, steward)
        seers = watch, steward, Forecaster(database, settings, lanes.status)
        system = System(settings, server, database, answers, lanes, jobs, *acts, *seers)
        try:
            return await act(system)
        finally:
            await jobs.aclose()
