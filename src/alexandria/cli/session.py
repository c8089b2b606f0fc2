"""How does a command reach the system, on a database that is fit for use?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from alexandria import log, wiring
from alexandria.backfill import Backfill
from alexandria.cli.configured import settings_of
from alexandria.cli.output import Output
from alexandria.config import Settings
from alexandria.control import Control
from alexandria.prospect import Prospect
from alexandria.queue import Jobs
from alexandria.store.answers import StoredAnswers
from alexandria.store.database import Database
from alexandria.store.journal import Journal
from alexandria.store.lanes import Lanes
from alexandria.upkeep import Upkeep

T = TypeVar("T")


def on_system(output: Output, act: Callable[[wiring.System], Awaitable[T]]) -> T:
    """What `act` returns. Raises DatabaseUnavailable and NotMigrated."""
    settings = settings_of(output)
    if not output.options.verbose:
        log.quieten("WARNING")
    with wiring.server(settings) as server:
        wiring.need_migrated(server.url)
        return asyncio.run(_act(settings, server, act))


async def _act(settings: Settings, server: wiring.Server, act: Callable[[wiring.System], Awaitable[T]]) -> T:
    async with contextlib.AsyncExitStack() as stack:
        if settings.journal_events:
            await stack.enter_async_context(Journal(server.url))
        database = await stack.enter_async_context(Database(server.url, size=2))
        jobs = Jobs(database)
        await jobs.open()
        lanes = Lanes(server.url, database.pool, settings.providers)  # not opened: a look must not set the pace
        answers = StoredAnswers(database)
        backfill = Backfill(database, jobs)
        acts = backfill, Control(database, jobs), Upkeep(database, kept_events=settings.journal_events)
        steward = wiring.steward_of(settings, database, backfill, lanes)
        watch = wiring.watch_of(settings, database, lanes, steward)
        seers = watch, steward, Prospect(database, settings, lanes.status)
        system = wiring.System(settings, server, database, answers, lanes, jobs, *acts, *seers)
        try:
            return await act(system)
        finally:
            await jobs.aclose()
