"""The stored answers of providers, so that nothing is paid twice, and the record of every request."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from alexandria.core.errors import BadAnswer, BadData, DatabaseBusy
from alexandria.database.pool import Connection, Database
from alexandria.database.sql import load
from alexandria.providers.base import Call

SQL = load(__name__)
_strict = functools.partial(json.dumps, allow_nan=False)  # NaN is not JSON, and PostgreSQL would refuse it later


@dataclass(frozen=True, slots=True)
class RecentCalls:
    """One provider's requests of the last hour by how they ended; `silent` got no answer.

    `median_ms` and `p95_ms`: half of the requests, and 95 % of them, took at most that long.
    """

    provider: str
    answered: int = 0
    limited: int = 0
    refused: int = 0
    silent: int = 0
    median_ms: int = 0
    p95_ms: int = 0


class ResponseCache:
    """Answers and calls in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unstored: dict[tuple[str, str], dict[str, Any]] = {}

    async def read(self, provider: str, key: str) -> tuple[Any, datetime] | None:
        """The stored body and when it was fetched (UTC), unless unknown or expired."""
        unstored = self._unstored.get((provider, key))
        if unstored is not None:
            await self._store(unstored)
        async with self._database.tried_statements() as connection:
            found = await connection.execute(SQL["read"], {"provider": provider, "key": key})
            row = await found.fetchone()
        return None if row is None else (row["body"], row["fetched_at"])

    async def write(self, provider: str, key: str, request: Any, body: Any, life: timedelta | None) -> datetime:
        """Keep `body` (plain JSON data) for `life`, or for good; returns when it was stored.

        What a database that is away or full cannot store is remembered, so that this process does not pay for it twice.
        Raises BadAnswer if PostgreSQL refuses the data.
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
        try:
            async with self._database.tried_statements() as connection:
                row = await (await connection.execute(SQL["write"], values)).fetchone()
        except BadData as refused:
            self._unstored.pop((values["provider"], values["key"]), None)
            raise BadAnswer(values["provider"], f"its answer cannot be stored: {refused.message}") from refused
        assert row is not None
        self._unstored.pop((values["provider"], values["key"]), None)
        fetched_at: datetime = row["fetched_at"]
        return fetched_at

    async def record(self, call: Call) -> None:
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
        try:
            async with self._database.tried_statements() as connection:
                await connection.execute(SQL["record"], values)
        except DatabaseBusy:
            async with self._database.tried_statements() as connection:
                await connection.execute(SQL["record_alone"], values)

    async def calls_since(self, since: datetime) -> dict[str, int]:
        """Requests by provider, for whatever purpose."""
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(SQL["calls_since"], {"since": since})).fetchall()
        return {row["provider"]: row["calls"] for row in rows}

    async def recent_calls(self) -> dict[str, RecentCalls]:
        """How the requests of the last hour ended, by provider; one that was asked nothing is not there."""
        async with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(RecentCalls)) as cursor,
        ):
            await cursor.execute(SQL["recent_calls"])
            return {each.provider: each for each in await cursor.fetchall()}

    async def last_answers(self, names: Sequence[str]) -> dict[str, datetime | None]:
        """When each of these providers was last sent a request that it answered (UTC), whatever the answer; None: never."""
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(SQL["last_answers"], {"names": [*names]})).fetchall()
        return {row["name"]: row["at"] for row in rows}


async def purge(connection: Connection, provider: str, *, dry_run: bool = False) -> int:
    """Forget all answers of one provider; returns how many, or with `dry_run` how many there are."""
    if dry_run:
        row = await (await connection.execute(SQL["of_provider"], {"provider": provider})).fetchone()
        return row["answers"] if row else 0
    return (await connection.execute(SQL["purge"], {"provider": provider})).rowcount


async def forget(connection: Connection, most: int) -> int:
    """Delete up to `most` answers that have expired; returns how many."""
    return (await connection.execute(SQL["forget"], {"most": most})).rowcount
