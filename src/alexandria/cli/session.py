"""How does a command reach what is configured: the settings, and the system on a database that is fit for use?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from alexandria import log, wiring
from alexandria.backfill import Backfill
from alexandria.cli.output import Output
from alexandria.config import Settings, load
from alexandria.queue import Jobs
from alexandria.store.answers import StoredAnswers
from alexandria.store.database import Database
from alexandria.store.lanes import Lanes

T = TypeVar("T")


def settings_of(output: Output) -> Settings:
    """The settings, with the command line's database before the environment's; logging is set up on the way."""
    given = output.options.database
    settings = load(**({"DATABASE_URL": given} if given else {}))
    output.secrets = tuple(_secrets(settings))
    level = "DEBUG" if output.options.verbose else "ERROR" if output.options.quiet else settings.log_level
    log.configure(level, settings.log_format, output.secrets)
    return settings


def on_system(output: Output, act: Callable[[wiring.System], Awaitable[T]]) -> T:
    """What `act` returns. Raises DatabaseUnavailable and NotMigrated."""
    settings = settings_of(output)
    with wiring.server(settings) as server:
        wiring.need_migrated(server.url)
        return asyncio.run(_act(settings, server, act))


async def _act(settings: Settings, server: wiring.Server, act: Callable[[wiring.System], Awaitable[T]]) -> T:
    async with Database(server.url, size=2) as database:
        jobs = Jobs(database)
        await jobs.open()
        lanes = Lanes(server.url, database.pool, settings.providers)  # not opened: a look must not set the pace
        answers = StoredAnswers(database)
        system = wiring.System(settings, server, database, answers, lanes, jobs, Backfill(database, jobs))
        try:
            return await act(system)
        finally:
            await jobs.aclose()


def _secrets(settings: Settings) -> Iterator[str]:
    held: list[Any] = [getattr(settings, name) for name in Settings.model_fields]
    yield from (value.get_secret_value() for value in held if isinstance(value, SecretStr))
    if settings.database_url is not None:
        yield urlsplit(settings.database_url.get_secret_value()).password or ""
