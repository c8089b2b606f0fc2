"""Stores the keys by which spellings of a work are found.

A work gets them in the transaction that adds it; the works of a catalogue that is older than the keys get them here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg.rows import dict_row

from alexandria.catalogue.matching.blocking import blocks
from alexandria.database.pool import Connection, Database, Row
from alexandria.database.session import MigrationConnection
from alexandria.database.sql import load

SQL = load(__name__)
BATCH_SIZE = 200  # works in one transaction


async def add_keys(connection: Connection, work_id: int, titles: Iterable[str], authors: Sequence[str]) -> None:
    """Add the keys of these titles to a work."""
    await connection.execute(SQL["add_keys"], {"work_id": work_id, "keys": keys_of(titles, authors)})


def keys_of(titles: Iterable[str], authors: Sequence[str]) -> list[str]:
    """The keys by which a work of these authors is found under any of these titles."""
    return sorted({key for title in titles for key in blocks(title, authors)})


def index_works(connection: MigrationConnection) -> int:
    """Add the keys of all works that have none, within the transaction of a migration. Returns how many works."""
    total, after = 0, 0
    while True:
        with connection.cursor(row_factory=dict_row) as cursor:
            works = cursor.execute(SQL["unindexed_works"], {"after": after, "limit": BATCH_SIZE}).fetchall()
            if not works:
                return total
            cursor.executemany(SQL["add_keys"], _keys(works))
        total, after = total + len(works), works[-1]["id"]


async def index_works_in_batches(database: Database) -> int:
    """Do the same beside a running system, with a transaction for each batch. Raises DatabaseUnavailable."""
    total, after = 0, 0
    while True:
        async with database.transaction() as connection, connection.cursor() as cursor:
            values = {"after": after, "limit": BATCH_SIZE}
            works = await (await cursor.execute(SQL["unindexed_works"], values)).fetchall()
            if not works:
                return total
            await cursor.executemany(SQL["add_keys"], _keys(works))
        total, after = total + len(works), works[-1]["id"]


def _keys(works: Iterable[Row]) -> list[dict[str, Any]]:
    return [
        {"work_id": work["id"], "keys": keys_of((work["title"], *work["others"]), work["people"])} for work in works
    ]
