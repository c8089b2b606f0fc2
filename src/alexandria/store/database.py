"""How do we reach PostgreSQL? One pool a process; a lost server is one error of ours."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self, TypeAlias

import psycopg
from psycopg.errors import UndefinedColumn, UndefinedFunction, UndefinedTable
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from alexandria.errors import DatabaseUnavailable, NotMigrated

Row: TypeAlias = dict[str, Any]
Connection: TypeAlias = psycopg.AsyncConnection[Row]
Pool: TypeAlias = AsyncConnectionPool[Connection]

PATIENCE = 10.0  # seconds to wait for a connection


class Database:
    """The pool of one process; an async context manager. `url` is a libpq URL."""

    def __init__(self, url: str, *, size: int = 16) -> None:
        self.url = url
        self.pool: Pool = AsyncConnectionPool(
            url,
            connection_class=psycopg.AsyncConnection[Row],
            kwargs={"row_factory": dict_row, "application_name": "alexandria", "options": "-c timezone=UTC"},
            min_size=1,
            max_size=size,
            timeout=PATIENCE,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def __aenter__(self) -> Self:
        with unavailable():
            await self.pool.open(wait=True, timeout=PATIENCE)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.close()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction: commits at the end, rolls back on any exception."""
        with unavailable():
            async with self.pool.connection() as connection, connection.transaction():
                yield connection


@contextlib.contextmanager
def unavailable() -> Iterator[None]:
    """Loss of the server inside becomes DatabaseUnavailable, an old schema NotMigrated; other errors stay what they are."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as lost:
        raise DatabaseUnavailable(
            f"PostgreSQL does not answer ({type(lost).__name__})",
            hint="check DATABASE_URL and that the server runs, then: alexandria doctor",
        ) from lost
    except (UndefinedColumn, UndefinedFunction, UndefinedTable) as old:
        raise NotMigrated("the database lacks what this version needs", hint="run: alexandria migrate") from old
