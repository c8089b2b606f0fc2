"""Completes commands by Tab: months, reasons and tables from the database, and the names of providers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from alexandria.database.pool import Connection

DATABASE_TIMEOUT = 3  # seconds for a database that is slow; one that is down refuses at once

Offers: TypeAlias = list[tuple[str, str]]


def months(incomplete: str) -> Offers:
    """Months that are seeded, with their status; none if the database does not answer at once."""
    from alexandria.backfill.repositories.months import listed
    from alexandria.core.month import Month

    async def look(connection: Connection) -> Offers:
        return [(str(Month(row["year"], row["month"])), row["status"]) for row in await listed(connection)]

    return _starting(incomplete, _from_database(look))


def reasons(incomplete: str) -> Offers:
    """Codes of the errors that months have now."""
    from alexandria.backfill.repositories.months import listed

    async def look(connection: Connection) -> Offers:
        found = {
            row["error_code"]: row["error_message"] or row["blocked_reason"] or "" for row in await listed(connection)
        }
        return [(code, meaning) for code, meaning in found.items() if code]

    return _starting(incomplete, _from_database(look))


def keys(incomplete: str) -> Offers:
    """Names of the keys of providers."""
    from alexandria.core.provider_facts import PROVIDERS

    known = [(facts.key.name, facts.key.description) for facts in PROVIDERS.values() if facts.key is not None]
    return _starting(incomplete.upper(), known)


def earlier_tables(incomplete: str) -> Offers:
    """Tables that an earlier scheduler may have left."""
    from alexandria.backfill.repositories.adoption import list_alike

    async def look(connection: Connection) -> Offers:
        return [(name, "") for name in await list_alike(connection)]

    return _starting(incomplete, _from_database(look))


def providers(incomplete: str) -> Offers:
    """Names of providers, with their addresses."""
    from alexandria.core.provider_facts import PROVIDERS

    return _starting(incomplete, [(name, facts.limits.base_url) for name, facts in PROVIDERS.items()])


def _starting(incomplete: str, offers: Iterable[tuple[str, str]]) -> Offers:
    return [offer for offer in offers if offer[0].startswith(incomplete)]


def _from_database(look: Callable[[Connection], Awaitable[Offers]]) -> Offers:
    """Errors are not printed while a line is being typed: the command itself will print them. No server is started."""
    import asyncio

    from alexandria.core import config
    from alexandria.core.errors import AlexandriaError
    from alexandria.database.embedded.server import running
    from alexandria.database.pool import glance

    async def ask(url: str) -> Offers:
        async with glance(url, DATABASE_TIMEOUT) as connection:
            return await look(connection)

    try:
        settings = config.load()
        url = settings.database_url.get_secret_value() if settings.database_url else running(settings.data_dir)
        return asyncio.run(ask(url)) if url else []
    except AlexandriaError:
        return []
