"""Reads the table of an earlier scheduler, which it never writes to, and gives its rows to our months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from alexandria.core.month import Month
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load

SQL = load(__name__)
MAX_TEXT_LENGTH = 1000  # characters that are read of a value; an error message may be longer


@dataclass(frozen=True, slots=True)
class SourceName:
    """The schema and the name of a table or view."""

    schema: str
    table: str

    def to_values(self) -> dict[str, str]:
        """Return it as parameters of a statement."""
        return {"schema": self.schema, "table": self.table}


async def find_source(connection: Connection, name: SourceName, *, elsewhere: bool = False) -> Row | None:
    """Return what the table is to us: {is_ours, hides_rows, may_use, role, database, owner, name, grant_schema, grant_table}.

    `elsewhere`: the connection is to another database than ours.
    """
    values = name.to_values() | {"elsewhere": elsewhere}
    return await (await connection.execute(SQL["source"], values)).fetchone()


async def list_alike(connection: Connection, *, elsewhere: bool = False) -> list[str]:
    """Return the tables of others that have the usual name."""
    return [row["name"] for row in await (await connection.execute(SQL["alike"], {"elsewhere": elsewhere})).fetchall()]


async def columns(connection: Connection, name: SourceName, wanted: Sequence[str]) -> list[Row]:
    """Return those of the wanted columns that the table has: {name, type, may_read}."""
    values = name.to_values() | {"names": [*wanted]}
    return await (await connection.execute(SQL["columns"], values)).fetchall()


async def read(connection: Connection, name: SourceName, types: Mapping[str, str], most: int) -> list[Row]:
    """Return the rows, at most so many, each with its values as texts. `types` are the columns to read."""
    values = name.to_values() | {
        "names": [*types],
        "types": [*types.values()],
        "longest": MAX_TEXT_LENGTH,
        "most": most,
    }
    made = await (await connection.execute(SQL["reading"], values)).fetchone()
    assert made is not None, "an aggregate has a row"
    return await (await connection.execute(made["statement"].encode())).fetchall()


async def allow_no_writing(connection: Connection) -> None:
    """Let this transaction write nothing."""
    await connection.execute(SQL["read_only"])


async def add(connection: Connection, months: Sequence[Month]) -> None:
    """Add those of the months that are missing."""
    await connection.execute(SQL["add"], _columns(months))


async def present(connection: Connection, months: Sequence[Month]) -> dict[Month, Row]:
    """Return our rows of these months, locked. Those that another transaction has locked are missing.

    `is_changed`: something was done to the month here, so that it is not to be adopted.
    """
    rows = await (await connection.execute(SQL["present_locked"], _columns(months))).fetchall()
    return {Month(row["year"], row["month"]): row for row in rows}


async def adopt(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Give our months these values, which are JSON data. Returns how many months."""
    return (await connection.execute(SQL["adopt"], {"rows": Jsonb([*rows])})).rowcount


def _columns(months: Sequence[Month]) -> dict[str, list[int]]:
    return {"years": [m.year for m in months], "months": [m.month for m in months]}
