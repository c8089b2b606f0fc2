"""Stores when periodic tasks last ran, so that each runs once however many processes could, and one that hangs is noticed."""

from __future__ import annotations

from alexandria.database.pool import Connection
from alexandria.database.sql import load

SQL = load(__name__)


async def finish(connection: Connection, task: str) -> None:
    """Store that a periodic task has just finished."""
    await connection.execute(SQL["finish"], {"task": task})


async def claim(connection: Connection, task: str, period: float) -> bool:
    """Return whether the task is due, every `period` seconds, and no other process has claimed that run: it is the caller's."""
    return (await connection.execute(SQL["claim"], {"task": task, "period": period})).rowcount == 1
