"""Finds providers that answer again or may be probed, and the months that wait for providers or keys."""

from __future__ import annotations

from alexandria.core.month import Month
from alexandria.core.servers import message_pattern
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load

SQL = load(__name__)


async def recovered(connection: Connection) -> list[str]:
    """Return the providers that answer again since the last call."""
    rows = await (await connection.execute(SQL["recovered"])).fetchall()
    return sorted(row["name"] for row in rows)


async def to_probe(connection: Connection, interval: float) -> list[str]:
    """Return the providers that a waiting month may probe now, each at most once in `interval` seconds."""
    rows = await (await connection.execute(SQL["to_probe"], {"interval": interval})).fetchall()
    return sorted(row["name"] for row in rows)


async def wake_one(connection: Connection, provider: str) -> list[Month]:
    """Make the newest month that waits for `provider` due at once. Returns it, or nothing if none waits."""
    return _months(
        await (await connection.execute(SQL["wake_one"], {"messages": message_pattern(provider)})).fetchall()
    )


async def wake_keyed(connection: Connection, provider: str) -> list[Month]:
    """Make the months that wait for the key of `provider` due at once. Returns which."""
    return _months(
        await (await connection.execute(SQL["wake_keyed"], {"messages": message_pattern(provider)})).fetchall()
    )


def _months(rows: list[Row]) -> list[Month]:
    return [Month(row["year"], row["month"]) for row in rows]
