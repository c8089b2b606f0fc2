"""Stores when periodic tasks last finished, so that one that hangs is noticed."""

from __future__ import annotations

from alexandria.database.pool import Connection
from alexandria.database.sql import load

SQL = load(__name__)


async def finish(connection: Connection, task: str) -> None:
    """Store that a periodic task has just finished."""
    await connection.execute(SQL["finish"], {"task": task})
