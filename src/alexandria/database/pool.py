"""Connects to PostgreSQL with one pool for each process; a lost server is always DatabaseUnavailable."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from alexandria.core.errors import BadData
from alexandria.database import failures
from alexandria.database.address import refusal, require_readable
from alexandria.database.session import ConfiguredConnection
from alexandria.database.sql import load

SQL = load(__name__)

Row: TypeAlias = dict[str, Any]
Connection: TypeAlias = psycopg.AsyncConnection[Row]
Cursor: TypeAlias = psycopg.AsyncCursor[Row]
Pool: TypeAlias = AsyncConnectionPool[Connection]

CONNECT_TIMEOUT = 10.0  # seconds to wait for a connection
KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}  # notice a cut line within seconds
RECONNECT_TIMEOUT = (
    3.0  # seconds for which the pool tries to replace a lost connection; the next request makes it try again
)
MAX_IDLE_SECONDS = 20.0  # after which one connection of those that were not needed meanwhile is closed
UNACKNOWLEDGED_TIMEOUT = 8000  # milliseconds without acknowledgement of what was sent, after which a connection ends
# A process that dies, freezes or is cut off in a transaction must not keep its locks: others wait for them.
SESSION_SETTINGS = {
    "idle_in_transaction_session_timeout": "5s",
    "client_connection_check_interval": "1s",
    # A session that was left in a transaction must not stop more than what it holds.
    "lock_timeout": "3s",
}
BOUNDING_VERSION = 170000  # of PostgreSQL, from which on it can bound the time of a transaction
READING_SETTINGS = {"default_transaction_read_only": "on", "statement_timeout": "60s"}  # of another database

logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # a lost server is logged once, as DatabaseUnavailable


class Database:
    """The pool of one process; an async context manager. `url` is a libpq URL; `patience` is the wait for a connection, in s.

    A `lazy` pool opens without waiting for a server. With `autocommit` each statement outside of `transaction` is a
    transaction of its own, in one round trip instead of three.
    """

    def __init__(
        self,
        url: str,
        *,
        size: int = 16,
        patience: float = CONNECT_TIMEOUT,
        lazy: bool = False,
        autocommit: bool = False,
    ) -> None:
        self.url = url
        self._patience, self._lazy = patience, lazy
        self.pool: Pool = AsyncConnectionPool(
            url,
            connection_class=failures.ReportingConnection,
            kwargs={
                "application_name": "alexandria",
                "settings": SESSION_SETTINGS,
                "tcp_user_timeout": UNACKNOWLEDGED_TIMEOUT,
                **KEEPALIVES,
            },
            min_size=1,
            max_size=size,
            timeout=patience,
            reconnect_timeout=RECONNECT_TIMEOUT,
            max_idle=MAX_IDLE_SECONDS,
            configure=_autocommit if autocommit else None,
            check=_check,
            open=False,
        )

    async def __aenter__(self) -> Self:
        with self._answering():
            await self.pool.open(wait=not self._lazy, timeout=self._patience)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pool.close()

    async def ping(self) -> None:
        """Raise DatabaseUnavailable unless the server accepts a new connection and takes data.

        The pool's own connections may still be lost.
        """
        async with glance(self.url, int(CONNECT_TIMEOUT)) as connection:
            await _require_writable(connection)

    async def require_writable(self) -> None:
        """Raise DatabaseUnavailable if the server takes no data: a hot standby, or one that is set to be read-only."""
        async with self.transaction() as connection:
            await _require_writable(connection)

    @contextlib.asynccontextmanager
    async def transaction(self, *, keep: bool = True) -> AsyncIterator[Connection]:
        """Yield a connection in a transaction: it is rolled back on any exception, and always without `keep`.

        Inside `one_transaction` it is a part of that transaction. Raises what `unavailable` raises.
        """
        if (shared := self._joined()) is not None:
            with unavailable():
                async with shared.connection.transaction(force_rollback=not keep):
                    yield shared.connection
            return
        with self._answering():
            async with self.pool.connection() as connection, connection.transaction(force_rollback=not keep):
                yield connection

    @contextlib.asynccontextmanager
    async def statements(self) -> AsyncIterator[Connection]:
        """Yield a connection on which each statement is a transaction of its own, for reading in one round trip instead of four.

        It is not tried before, so a caller repeats what raises DatabaseUnavailable in a `transaction`, which is. Inside
        `one_transaction` it is a part of that. Raises what `unavailable` raises.
        """
        async with self._autocommitting(tried=False) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def tried_statements(self) -> AsyncIterator[Connection]:
        """As `statements`, on a connection that is tried before, for what cannot be repeated."""
        async with self._autocommitting(tried=True) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def _autocommitting(self, *, tried: bool) -> AsyncIterator[Connection]:
        if self._joined() is not None:
            async with self.transaction() as connection:
                yield connection
            return
        with self._answering():
            token = _untried.set(not tried)
            try:
                connection = await self.pool.getconn()
            finally:
                _untried.reset(token)
            try:
                await connection.set_autocommit(True)
                yield connection
            finally:
                with contextlib.suppress(psycopg.Error):  # it is lost, and the pool replaces it
                    await connection.set_autocommit(False)
                await self.pool.putconn(connection)

    @contextlib.asynccontextmanager
    async def pipelined(self) -> AsyncIterator[Connection]:
        """As `transaction`, for statements of which none needs the result of another: none waits for the answer to the one before.

        Their results, and what is raised, are there once it has ended. Before PostgreSQL 17 it is no pipeline: the server
        could not end the session of a process that freezes within it, and its locks would stay.
        """
        if self._joined() is not None:
            async with self.transaction() as connection:
                yield connection
            return
        with self._answering():
            async with self.pool.connection() as connection:
                if connection.info.server_version < BOUNDING_VERSION:
                    async with connection.transaction():
                        yield connection
                    return
                async with _pipeline(connection):
                    await connection.execute(SQL["bound_transaction"])
                    yield connection
                    # The driver's own transactions wait thrice in a pipeline. After an error PostgreSQL skips this, too.
                    await connection.execute("COMMIT", prepare=False)

    def _joined(self) -> _SharedTransaction | None:
        """The transaction of `one_transaction` that this task is in."""
        shared = _shared.get()
        mine = shared is not None and shared.database is self and shared.task is asyncio.current_task()
        return shared if mine else None

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        """As `unavailable`; a pool that could not connect gives the server's reason for it."""
        with unavailable():
            try:
                yield
            except PoolTimeout as waited:
                if (refusal := failures.ReportingConnection.last_refusal(self.url)) is None:
                    raise
                raise failures.translate(refusal) from waited

    @contextlib.asynccontextmanager
    async def one_transaction(self) -> AsyncIterator[Connection]:
        """Yield a connection in a transaction that contains each `transaction` of this task until it ends.

        What several operations do inside is kept as a whole or not at all.
        """
        async with self.transaction() as connection:
            task = asyncio.current_task()
            assert task is not None, "a coroutine runs in a task"
            token = _shared.set(_SharedTransaction(self, connection, task))
            try:
                yield connection
            finally:
                _shared.reset(token)


@dataclass(frozen=True, slots=True)
class _SharedTransaction:
    """The transaction of `one_transaction`. Only its own task may join it: a connection serves one task at a time."""

    database: Database
    connection: Connection
    task: asyncio.Task[Any]


_shared: ContextVar[_SharedTransaction | None] = ContextVar("shared transaction", default=None)
_untried: ContextVar[bool] = ContextVar("connection that is not tried before its use", default=False)


async def _autocommit(connection: Connection) -> None:
    await connection.set_autocommit(True)


async def _check(connection: Connection) -> None:
    """Raise OperationalError if the server has closed the connection; keepalives notice a line that was cut.

    A server has nothing to say to a connection that waits in a pool, so only one that has said something is asked.
    """
    heard = select.poll()
    heard.register(connection.fileno(), select.POLLIN)
    if heard.poll(0) and not _untried.get():
        await AsyncConnectionPool.check_connection(connection)


@contextlib.asynccontextmanager
async def glance(url: str, patience: int) -> AsyncIterator[Connection]:
    """Yield a connection for one query, without a pool: an absent server is found at once. `patience` is in seconds.

    Raises DatabaseUnavailable.
    """
    with unavailable():
        async with await ConfiguredConnection.connect(url, connect_timeout=patience) as connection:
            yield connection


async def _require_writable(connection: Connection) -> None:
    row = await (await connection.execute(SQL["read_only"])).fetchone()
    assert row is not None
    if row["read_only"]:
        raise failures.read_only(standby=row["standby"])


@contextlib.asynccontextmanager
async def reading_elsewhere(url: str) -> AsyncIterator[Connection]:
    """Yield a connection to another database than ours, in a transaction that can write nothing and ends within a minute or so.

    The search path is the one that the role has there. Raises DatabaseUnavailable and Misconfigured, neither with a part of
    a password, and what `unavailable` raises.
    """
    try:
        require_readable(url)
        connection = await ConfiguredConnection.connect(
            url,
            settings=SESSION_SETTINGS | READING_SETTINGS,
            application_name="alexandria",
            tcp_user_timeout=UNACKNOWLEDGED_TIMEOUT,
            **KEEPALIVES,
        )
    except psycopg.Error as refused:
        if (unreadable := refusal(refused)) is not None:
            raise unreadable from None  # the original has parts of the URL, and with it of the password
        failed = failures.translate(refused)
        hint = failed.hint.replace("DATABASE_URL", "the URL")
        raise type(failed)(f"the other database: {failed.message}", hint=hint) from None
    with unavailable():
        async with connection:
            await connection.execute(SQL["role_path"])
            yield connection


@contextlib.asynccontextmanager
async def pipeline(connection: Connection) -> AsyncIterator[None]:
    """Send statements without waiting for the answers between them; one that did not end well closes its connection.

    It is no pipeline in a transaction, nor before PostgreSQL 17: the locks of a process that freezes within it would stay.
    """
    if not connection.autocommit or connection.info.server_version < BOUNDING_VERSION:
        yield
        return
    async with _pipeline(connection):
        await connection.execute(SQL["bound_transaction"])  # what is sent until the end is one transaction
        yield


@contextlib.asynccontextmanager
async def _pipeline(connection: Connection) -> AsyncIterator[None]:
    """As the driver's own; where it was cancelled, the driver believes in prepared statements that the server has never seen."""
    try:
        async with connection.pipeline():
            yield
    except BaseException:
        await connection.close()
        raise


@contextlib.contextmanager
def unavailable() -> Iterator[None]:
    """Turn what PostgreSQL refuses inside into DatabaseUnavailable, DatabaseBusy, BadData, NotMigrated or DatabaseFailed.

    A mistake in the use of the driver stays what it is.
    """
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate is None and isinstance(error, psycopg.ProgrammingError):
            raise
        raise failures.translate(error) from error
    except UnicodeEncodeError as error:  # a lone surrogate, of which the driver only says that it cannot send it
        raise BadData("the data cannot be stored: it holds half a character") from error
