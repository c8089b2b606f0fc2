"""Reads the records that were considered for works: the evidence on which persons decide."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from alexandria.database.pool import Connection
from alexandria.database.sql import load

SQL = load(__name__)
MAX_RECORDS_READ = 2000  # of the evidence of one book


async def considered(connection: Connection, works: Sequence[int]) -> list[dict[str, Any]]:
    """Return the records that were considered for these works, now and earlier, those of the newest results first."""
    values = {"works": list(works), "limit": MAX_RECORDS_READ}
    rows = await (await connection.execute(SQL["considered"], values)).fetchall()
    return [row["hit"] for row in rows]


def records_of(isbns: Collection[str], hits: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return the records that had these ISBNs, without those of a whole work, which had other ISBNs, too."""
    numbers: dict[tuple[str, str], set[str | None]] = {}
    for hit in hits:
        numbers.setdefault((hit["source"], hit["source_id"]), set()).add(hit["isbn13"])
    return [record for record, found in numbers.items() if found <= set(isbns)]
