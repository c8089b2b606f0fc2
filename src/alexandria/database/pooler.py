"""Recognises a connection pooler between the program and PostgreSQL, and refuses one that shares sessions.

Locks, notifications and settings belong to a session. PgBouncer keeps it for a client in session mode only: in transaction
mode the next transaction may run in another client's session.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import psycopg

from alexandria.core.errors import DatabaseUnavailable, Misconfigured
from alexandria.database.failures import translate
from alexandria.database.session import MigrationConnection, split
from alexandria.database.sql import load

SQL = load(__name__)
ROUNDS_COUNT = 3  # of a pooler that hands out its sessions in turn, one round may see the same session by chance
SESSION_TIMEOUT = 5.0  # seconds to wait for a second session


def is_pooled(connection: MigrationConnection) -> bool:
    """Return whether a pooler has given the connection a session: it invents the process number that clients get."""
    row = connection.execute(SQL["process"]).fetchone()
    return row is None or row[0] != connection.pgconn.backend_pid


def require_own_session(url: str) -> None:
    """Raise Misconfigured if two connections to `url` share a session. Blocks, also within a running event loop."""
    with ThreadPoolExecutor(1) as thread:
        if thread.submit(asyncio.run, _shares_sessions(url)).result():
            raise _refused("transaction")


def refusal(error: psycopg.Error) -> Misconfigured | None:
    """Return what an error of PgBouncer means, if it is about how the pooler works."""
    if "unsupported startup parameter" in str(error):
        return Misconfigured(
            "the connection pooler does not accept the options in DATABASE_URL or PGOPTIONS",
            hint="leave them out: alexandria makes its settings without them",
        )
    if "statement pooling" in str(error):
        return _refused("statement")
    return None


def _refused(mode: str) -> Misconfigured:
    return Misconfigured(
        f"DATABASE_URL leads to a connection pooler in {mode} mode, where locks and notifications do not work",
        hint="set pool_mode = session for this database in PgBouncer, or connect to PostgreSQL directly",
    )


async def _shares_sessions(url: str) -> bool:
    bare, _ = split(url)
    try:
        async with (
            asyncio.timeout(SESSION_TIMEOUT),
            await psycopg.AsyncConnection.connect(bare, autocommit=True) as one,
            await psycopg.AsyncConnection.connect(bare, autocommit=True) as other,
        ):
            for _ in range(ROUNDS_COUNT):
                if await _share(one, other) or await _share(other, one):
                    return True
    except TimeoutError:
        raise DatabaseUnavailable(
            "the connection pooler has no free session for a second connection",
            hint="raise its pool_size: a process of alexandria uses up to 40 connections",
        ) from None
    except psycopg.OperationalError as refused:
        raise refusal(refused) or translate(refused) from refused
    return False


async def _share(one: psycopg.AsyncConnection, other: psycopg.AsyncConnection) -> bool:
    """Return whether the session of `one` is another's while `other` is in a transaction."""
    first = await _process(one)
    async with other.transaction():
        return await _process(other) == first or await _process(one) != first


async def _process(connection: psycopg.AsyncConnection) -> int:
    row = await (await connection.execute(SQL["process"])).fetchone()
    assert row is not None, "a function returns a row"
    return int(row[0])
