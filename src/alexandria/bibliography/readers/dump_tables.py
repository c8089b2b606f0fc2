"""Reads the tables of a PostgreSQL that holds Open Library's dump as jsonb. They are only read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg

from alexandria.core.errors import BadInput
from alexandria.database.failures import translate
from alexandria.database.migrate import opened
from alexandria.database.session import MigrationConnection, split
from alexandria.database.sql import load

SQL = load(__name__)
BATCH_SIZE = 1000  # lines that are given together
EDITIONS = "editions"


class DumpTables:
    """The tables that were found, in the order in which they are read. `row_count` is the server's own estimate."""

    def __init__(self, connection: MigrationConnection) -> None:
        self._connection = connection
        found = connection.execute(SQL["tables"]).fetchall()
        self.names = [str(name) for name, _, readable, usable in found if readable and usable]
        self.row_count = sum(max(0, int(count)) for _, count, _, _ in found)
        if EDITIONS not in self.names:
            lacking = next(
                ("may not be read" for name, _, readable, _ in found if name == EDITIONS and not readable), ""
            )
            raise BadInput(
                f"--from-postgres: the table editions {lacking or 'with type, key, last_modified and data was not found'}",
                hint="it holds one record of Open Library's dump a row, data as jsonb; a search_path in the URL is obeyed",
            )

    def lines(self, name: str) -> Iterator[list[bytes]]:
        """Yield the lines of one table as a dump has them, in batches."""
        batch: list[bytes] = []
        try:
            with self._connection.cursor() as cursor, cursor.copy(SQL[name]) as copy:
                for row in copy:
                    batch.append(bytes(row)[:-1].replace(b"\\\\", b"\\"))
                    if len(batch) == BATCH_SIZE:
                        yield batch
                        batch = []
        except psycopg.Error as failed:
            raise translate(failed) from failed
        yield batch


@contextlib.contextmanager
def opened_tables(url: str) -> Iterator[DumpTables]:
    """Yield the tables in a transaction that cannot change them. Raises BadInput and DatabaseUnavailable."""
    with opened(url) as connection:
        connection.read_only = True
        if split(url)[1] is None:
            connection.execute(SQL["own_path"])
        yield DumpTables(connection)
