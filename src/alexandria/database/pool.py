"""How do we reach PostgreSQL? One pool a process; a lost server is one error of ours."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self, TypeAlias

import psycopg
from psycopg.errors import (
    DiskFull,
    IdleInTransactionSessionTimeout,
    ReadOnlySqlTransaction,
    UndefinedColumn,
    UndefinedFunction,
    UndefinedTable,
)
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from alexandria.core.errors import DatabaseUnavailable, NotMigrated

Row: TypeAlias = dict[str, Any]
Connection: TypeAlias = psycopg.AsyncConnection[Row]
Pool: TypeAlias = AsyncConnectionPool[Connection]

AWAY = (psycopg.OperationalError, psycopg.InterfaceError, IdleInTransactionSessionTimeout, ReadOnlySqlTransaction)
PATIENCE = 10.0  # seconds to wait for a connection
ALIVE = {"keepalives_idle": 5, "keepalives_interval": 1, "keepalives_count": 3}  # notice a cut line within seconds
RECONNECT = 3.0  # seconds for which the pool tries to replace a connection before somebody must ask for one again
UNHEARD = 8000  # milliseconds after which what was sent, and never acknowledged, ends a connection
# A process that dies, freezes or is cut off in a transaction must not keep its locks: others wait for them.
SESSION = {"timezone": "UTC", "idle_in_transaction_session_timeout": "5s", "client_connection_check_interval": "1s"}

logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # a lost server is an error of ours, said once


class Database:
    """The pool of one process; an async context manager. `url` is a libpq URL, `patience` seconds for a connection.

    A `lazy` one opens without a server and without waiting for it.
    """

    def __init__(self, url: str, *, size: int = 16, patience: float = PATIENCE, lazy: bool = False) -> None:
        self.url = url
        self._patience, self._lazy = patience, lazy
        self.pool: Pool = AsyncConnectionPool(
            url,
            connection_class=psycopg.AsyncConnection[Row],
            kwargs={
                "row_factory": dict_row,
                "application_name": "alexandria",
                "options": " ".join(f"-c {name}={value}" for name, value in SESSION.items()),
                "tcp_user_timeout": UNHEARD,
                **ALIVE,
            },
            min_size=1,
            max_size=size,
            timeout=patience,
            reconnect_timeout=RECONNECT,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def __aenter__(self) -> Self:
        with unavailable():
            await self.pool.open(wait=not self._lazy, timeout=self._patience)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.close()

    async def ping(self) -> None:
        """Raises DatabaseUnavailable unless the server takes a new connection; the pool's own may still be lost."""
        with unavailable():
            connection = await psycopg.AsyncConnection.connect(self.url, connect_timeout=int(PATIENCE))
            await connection.close()

    @contextlib.asynccontextmanager
    async def transaction(self, *, keep: bool = True) -> AsyncIterator[Connection]:
        """A connection in a transaction: commits at the end, rolls back on any exception, and always if not to `keep`."""
        with unavailable():
            async with self.pool.connection() as connection, connection.transaction(force_rollback=not keep):
                yield connection


@contextlib.asynccontextmanager
async def glance(url: str, patience: int) -> AsyncIterator[Connection]:
    """One connection for one look, without a pool: a server that is away says so at once. `patience` in seconds.

    Raises DatabaseUnavailable.
    """
    with unavailable():
        async with await psycopg.AsyncConnection[Row].connect(
            url, row_factory=dict_row, connect_timeout=patience
        ) as connection:
            yield connection


@contextlib.contextmanager
def unavailable() -> Iterator[None]:
    """What makes the server useless inside becomes DatabaseUnavailable, an old schema NotMigrated; other errors stay."""
    try:
        yield
    except DiskFull as full:
        raise DatabaseUnavailable("PostgreSQL has no room on its disk", hint="make room; then it goes on") from full
    except (*AWAY, PoolTimeout) as lost:
        raise DatabaseUnavailable(
            f"PostgreSQL does not answer ({type(lost).__name__})",
            hint="check DATABASE_URL and that the server runs, then: alexandria doctor",
        ) from lost
    except (UndefinedColumn, UndefinedFunction, UndefinedTable) as old:
        raise NotMigrated("the database lacks what this version needs", hint="run: alexandria migrate") from old
