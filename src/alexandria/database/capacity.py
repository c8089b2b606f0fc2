"""Reads how many connections a server lets in, and shares few of them out, so that a worker and a server can go on."""

from __future__ import annotations

from dataclasses import dataclass

from alexandria.core.errors import DatabaseUnavailable
from alexandria.database.migrate import opened
from alexandria.database.sql import load

SQL = load(__name__)

POOL_CONNECTIONS, MIN_POOL_CONNECTIONS = 16, 3  # of the pool of a worker
QUEUE_CONNECTIONS, MIN_QUEUE_CONNECTIONS = 4, 3  # of a worker
LISTENING_CONNECTIONS = 1  # of these, kept to be notified of jobs
SERVER_CONNECTIONS, MIN_SERVER_CONNECTIONS = 16, 2  # of the pool of a process that only serves
COMMAND_CONNECTIONS = 2  # left to commands and people
LOG_CONNECTIONS = 1  # of each process


@dataclass(frozen=True, slots=True)
class Shares:
    """The greatest number of connections of each pool."""

    pool: int = POOL_CONNECTIONS
    queue: int = QUEUE_CONNECTIONS
    server: int = SERVER_CONNECTIONS


def least_connections(sessions: int) -> int:
    """Return how many connections a worker needs whose limiters hold `sessions`."""
    return sessions + LOG_CONNECTIONS + MIN_QUEUE_CONNECTIONS + MIN_POOL_CONNECTIONS


def require_connections(allowed: int, sessions: int) -> None:
    """Raise DatabaseUnavailable where the server lets in fewer connections than a worker needs."""
    least = least_connections(sessions)
    if allowed < least:
        raise DatabaseUnavailable(
            f"PostgreSQL lets in {allowed} connections, and a worker needs at least {least}",
            hint="raise max_connections, or the CONNECTION LIMIT of role and database, to"
            f" {least + COMMAND_CONNECTIONS + LOG_CONNECTIONS + MIN_SERVER_CONNECTIONS} or more",
        )


def shares(allowed: int, sessions: int) -> Shares:
    """Return the shares of one worker and one server where `allowed` connections are let in.

    The limiters hold `sessions` while they have requests. Without shares the pools would take those too, and no month would end.
    """
    few = least_connections(sessions) + LOG_CONNECTIONS + MIN_SERVER_CONNECTIONS + COMMAND_CONNECTIONS
    more = max(allowed - few, 0)
    queue = min(QUEUE_CONNECTIONS, MIN_QUEUE_CONNECTIONS + more // 6)
    server = min(SERVER_CONNECTIONS, MIN_SERVER_CONNECTIONS + more // 3)
    rest = more - (queue - MIN_QUEUE_CONNECTIONS) - (server - MIN_SERVER_CONNECTIONS)
    return Shares(min(POOL_CONNECTIONS, MIN_POOL_CONNECTIONS + rest), queue, server)


def allowed_connections(url: str) -> int:
    """Return how many connections this role may have in this database if nobody else has any."""
    with opened(url) as connection:
        row = connection.execute(SQL["allowed"]).fetchone()
    assert row is not None, "one row without a table"
    return int(row[0])
