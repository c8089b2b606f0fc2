"""What did providers answer, and what was asked of them? Paid answers are kept so that nothing is paid twice."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from alexandria.core.month import Month
from alexandria.database.pool import Connection, Database
from alexandria.database.sql import load

SQL = load(__name__)
_strict = functools.partial(json.dumps, allow_nan=False)  # NaN is no JSON, and PostgreSQL says so only later


class Sent(Protocol):
    """A request that was sent; see `providers.transport.Call`."""

    @property
    def provider(self) -> str: ...
    @property
    def route(self) -> str: ...
    @property
    def sent_at(self) -> datetime: ...
    @property
    def ms(self) -> int: ...
    @property
    def units(self) -> int: ...
    @property
    def status(self) -> int | None: ...
    @property
    def error(self) -> str: ...
    @property
    def month(self) -> Month | None: ...
    @property
    def attempt_token(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class Lately:
    """Requests by how they ended: `silent` are those without any answer. `half` of all, and `nearly_all`, took at most
    so many milliseconds.
    """

    provider: str
    answered: int = 0
    limited: int = 0
    refused: int = 0
    silent: int = 0
    half: int = 0
    nearly_all: int = 0


class StoredAnswers:
    """Answers and calls in PostgreSQL; satisfies `providers.transport.Answers`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unstored: dict[tuple[str, str], dict[str, Any]] = {}

    async def read(self, provider: str, key: str) -> tuple[Any, datetime] | None:
        """The stored body and when it was fetched (UTC), unless unknown or expired."""
        unstored = self._unstored.get((provider, key))
        if unstored is not None:
            await self._store(unstored)
        async with self._database.transaction() as connection:
            found = await connection.execute(SQL["read"], {"provider": provider, "key": key})
            row = await found.fetchone()
        return None if row is None else (row["body"], row["fetched_at"])

    async def write(self, provider: str, key: str, request: Any, body: Any, life: timedelta | None) -> datetime:
        """Keep `body` (plain JSON data) for `life`, or for good; returns when it was stored.

        What a database that is away or full cannot store is remembered, so that this process does not pay for it twice.
        """
        values = {
            "provider": provider,
            "key": key,
            "request": Jsonb(request, dumps=_strict),
            "body": Jsonb(body, dumps=_strict),
            "life": life,
        }
        self._unstored[provider, key] = values
        return await self._store(values)

    async def _store(self, values: dict[str, Any]) -> datetime:
        async with self._database.transaction() as connection:
            row = await (await connection.execute(SQL["write"], values)).fetchone()
        assert row is not None
        self._unstored.pop((values["provider"], values["key"]), None)
        fetched_at: datetime = row["fetched_at"]
        return fetched_at

    async def record(self, call: Sent) -> None:
        values = {
            "provider": call.provider,
            "route": call.route,
            "sent_at": call.sent_at,
            "ms": call.ms,
            "units": call.units,
            "status": call.status,
            "error": call.error,
            "year": call.month.year if call.month else None,
            "month": call.month.month if call.month else None,
            "attempt_token": call.attempt_token,
        }
        async with self._database.transaction() as connection:
            await connection.execute(SQL["record"], values)

    async def sent(self, since: datetime) -> dict[str, int]:
        """Requests by provider, for whatever purpose."""
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(SQL["sent"], {"since": since})).fetchall()
        return {row["provider"]: row["calls"] for row in rows}

    async def lately(self) -> dict[str, Lately]:
        """How the requests of the last hour ended, by provider; one that was asked nothing is not there."""
        async with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(Lately)) as cursor,
        ):
            await cursor.execute(SQL["lately"])
            return {each.provider: each for each in await cursor.fetchall()}


async def purge(connection: Connection, provider: str, *, dry_run: bool = False) -> int:
    """Forget all answers of one provider; returns how many, or with `dry_run` how many there are."""
    if dry_run:
        row = await (await connection.execute(SQL["of_provider"], {"provider": provider})).fetchone()
        return row["answers"] if row else 0
    return (await connection.execute(SQL["purge"], {"provider": provider})).rowcount


async def forget(connection: Connection, most: int) -> int:
    """Delete up to `most` answers that have expired; returns how many."""
    return (await connection.execute(SQL["forget"], {"most": most})).rowcount
