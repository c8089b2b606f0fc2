"""Finds sessions that stay in a transaction and keep locks on our tables, as a psql that was left open."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg.rows import class_row

from alexandria.database.migrate import opened, schema_in_use
from alexandria.database.session import MigrationConnection
from alexandria.database.sql import load

SQL = load(__name__)
MIN_HELD_SECONDS = 1.0  # a program at work sends its next statement sooner


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction that has not ended. Without `pid` it is a prepared one.

    `since` and `idle_since`, when its last statement ended, are unknown for other roles' sessions.
    """

    transaction: str
    pid: int | None
    role: str
    program: str
    since: datetime | None
    idle_since: datetime | None
    prepared: str | None
    tables: list[str]

    def describe(self) -> str:
        """Return who holds what since when."""
        process = f"process {self.pid}" if self.pid is not None else f"prepared transaction {self.prepared}"
        named = f"{self.program}, {process}" if self.program else process
        since = f" since {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        return f"role {self.role} ({named}) has left a transaction open{since}, which locks {', '.join(self.tables)}"

    def ending(self) -> str:
        """Return how to end it."""
        if self.pid is None:
            name = str(self.prepared).replace("'", "''")
            return f"as {self.role} or a superuser: ROLLBACK PREPARED '{name}'"
        return f"COMMIT or ROLLBACK there, or as {self.role} or a superuser: SELECT pg_terminate_backend({self.pid})"


def open_transactions(url: str) -> list[OpenTransaction]:
    """Return those that hold locks on our tables now and a second later, and did nothing meanwhile; the longest first."""
    with opened(url) as connection:
        schema = schema_in_use(connection)
        found = _holding(connection, schema)
        if not found:
            return []
        time.sleep(MIN_HELD_SECONDS)
        still = {(each.transaction, each.idle_since) for each in _holding(connection, schema)}
        return [each for each in found if (each.transaction, each.idle_since) in still]


def _holding(connection: MigrationConnection, schema: str) -> list[OpenTransaction]:
    connection.rollback()  # what a transaction sees of other sessions stays as it was at first
    with connection.cursor(row_factory=class_row(OpenTransaction)) as cursor:
        return cursor.execute(SQL["holding"], {"schema": schema}).fetchall()
