"""Counts wrong secrets by client, for all processes together."""

from __future__ import annotations

from alexandria.database.pool import Connection
from alexandria.database.sql import load

SQL = load(__name__)


async def record_failure(connection: Connection, client: str, each: float, longest: float) -> float:
    """Count a wrong secret of `client`: each is forgiven after `each` seconds, all that are allowed after `longest`.

    Returns 0, or the seconds until one more would be allowed; then it was not counted.
    """
    values = {"client": client, "each": each, "longest": longest}
    if await (await connection.execute(SQL["count"], values)).fetchone():
        return 0.0
    row = await (await connection.execute(SQL["wait"], values)).fetchone()
    return each if row is None else max(float(row["seconds"]), 0.0) or each


async def delete_forgiven(connection: Connection) -> None:
    """Delete clients whose failures are all forgiven."""
    await connection.execute(SQL["delete_forgiven"])
