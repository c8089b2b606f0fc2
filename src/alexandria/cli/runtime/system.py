"""Gives a command the running system, on a database that is fit for use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.cli.doctor.limits import NO_CONTACT_FIX, no_contact
from alexandria.cli.output.console import Output
from alexandria.cli.settings import settings_of
from alexandria.core import logging
from alexandria.core.config import Settings
from alexandria.database.server import Server, is_empty, is_made, open_server, require_made, require_migrated
from alexandria.operations.system import System

T = TypeVar("T")


def on_system(
    output: Output, act: Callable[[System], Awaitable[T]], *, without_schema: Callable[[], T] | None = None
) -> T:
    """Return what `act` returns, or `without_schema` if it is given and the database has no schema yet.

    Raises DatabaseUnavailable and NotMigrated.
    """
    settings = settings_of(output)
    if not output.options.verbose:
        logging.quieten("WARNING")
    if without_schema is not None and not is_made(settings):
        return without_schema()
    require_made(settings)
    with open_server(settings) as server:
        if without_schema is not None and is_empty(server.url):
            return without_schema()
        require_migrated(server.url)
        return _run(settings, server, act, Mode.COMMAND)


def asking_providers(output: Output, sources: str | None, act: Callable[[System], Awaitable[T]]) -> T:
    """Return what `act` returns on a system that may ask these sources ("a,b"; None: all) and spend the daily reserve."""
    settings = settings_of(output)
    if sources is not None:
        from alexandria.bibliography.lookup import NAME as LOCAL_SOURCE

        names = [name.strip() for name in sources.split(",") if name.strip()]
        remote = tuple(name for name in names if name != LOCAL_SOURCE)
        settings = settings.model_copy(update={"sources": remote, "bibliography": len(remote) < len(names)})
    if missing := no_contact(settings):
        output.message(f"hint: {missing}; {NO_CONTACT_FIX}")
    require_made(settings)
    with open_server(settings) as server:
        require_migrated(server.url)
        return _run(settings, server, act, Mode.ASK)


def _run(settings: Settings, server: Server, act: Callable[[System], Awaitable[T]], mode: Mode) -> T:
    result: list[T] = []

    # The task itself returns nothing: at its end asyncio.run formats it with what it returned, such as every month.
    async def bound() -> None:
        async with bootstrap.running(settings, server, mode) as system:
            result.append(await act(system))

    asyncio.run(bound())
    return result[0]
