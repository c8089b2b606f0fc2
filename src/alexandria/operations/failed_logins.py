"""Who has shown wrong secrets lately? One memory for all processes."""

from __future__ import annotations

from alexandria.database.pool import Connection
from alexandria.database.sql import load

SQL = load(__name__)


async def failed(connection: Connection, client: str, each: float, longest: float) -> float:
    """Count a wrong secret of `client`: each is forgiven in `each` seconds, all that are allowed at once in `longest`.

    0, or the seconds until one more would be allowed; then it was not counted.
    """
    values = {"client": client, "each": each, "longest": longest}
    if await (await connection.execute(SQL["count"], values)).fetchone():
        return 0.0
    row = await (await connection.execute(SQL["wait"], values)).fetchone()
    return each if row is None else max(float(row["seconds"]), 0.0) or each


async def forget(connection: Connection) -> None:
    await connection.execute(SQL["forget"])
