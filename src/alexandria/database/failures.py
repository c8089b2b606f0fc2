"""Turns what PostgreSQL and its driver raise into our errors, with the server's own reason and the fix."""

from __future__ import annotations

import re
from typing import Any, Self

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from alexandria.core.errors import (
    AlexandriaError,
    BadData,
    DatabaseBusy,
    DatabaseFailed,
    DatabaseNotPrepared,
    DatabaseUnavailable,
    NotMigrated,
)
from alexandria.database.session import ConfiguredConnection

MAX_REASON_LENGTH = 300  # characters of the server's own sentence

# SQLSTATE classes and codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONNECTION_CLASSES = {"08", "57", "58"}  # lost connection, operator intervention, system error: the server is away
_OUTAGE_STATES = {"53000", "53200", "25P03", "25P04"}  # without resources, or it ended our idle session
_REFUSAL_CLASSES = {"28", "3D"}  # authorization, unknown database: it accepts no connection
_BUSY_CLASSES = {"40", "55"}  # rolled back for the sake of another transaction, or the object is in use
_DATA_CLASSES = {"22", "23", "54"}  # data, constraint, program limit: the same data is refused again
_OLD_SCHEMA = {"42703", "42883", "42P01"}  # no such column, function or table
_DISK_FULL, _TOO_MANY_CONNECTIONS, _READ_ONLY, _NO_PRIVILEGE = "53100", "53300", "25006", "42501"

_CHECK_SERVER = "check DATABASE_URL and that the server runs, then: alexandria doctor"
_READ_ONLY_HINT = (
    "connect to the primary server, not to a standby, and check default_transaction_read_only; work then continues"
)
# The message of a server that accepts no connection, and the fix. It has no SQLSTATE here: libpq passes only the text on.
_REFUSALS = tuple(
    (re.compile(pattern, re.IGNORECASE), fix)
    for pattern, fix in (
        (
            r"certificate authentication failed|client certificate|private key",
            "check sslcert and sslkey in DATABASE_URL: the certificate is for the user, and only you may read the key",
        ),
        (
            r"(peer|ident) authentication failed",
            "run as the system's user of that name, or connect by TCP with a password: postgresql://user:password@127.0.0.1/name",
        ),
        (
            r"password|authentication failed|SASL|login rejected",
            "check the user and the password in DATABASE_URL or in ~/.pgpass",
        ),
        (
            r"no pg_hba\.conf entry|pg_hba\.conf rejects",
            "allow this host, user and database in pg_hba.conf; where it reads `no encryption`, try sslmode=require",
        ),
        (r"not permitted to log in", "allow it: ALTER ROLE ... LOGIN"),
        (r"\bSSL|\bTLS\b|certificate", "check sslmode and sslrootcert in DATABASE_URL, and the server's certificate"),
        (
            r"too many (clients|connections)|connection slots|no more connections|max_client_conn",
            (
                "raise max_connections, or the CONNECTION LIMIT of the role or database, or run fewer processes: see the page "
                "about many workers; work then continues"
            ),
        ),
        (r"no such database|database .* does not exist", "create it with createdb, or correct DATABASE_URL"),
        (r"role .* does not exist|no such user", "create the role with createuser, or correct DATABASE_URL"),
        (r"is not currently accepting connections", "allow it: ALTER DATABASE ... ALLOW_CONNECTIONS true"),
        (r"permission denied for database", "grant the role CONNECT on the database"),
        (
            r"starting up|shutting down|recovery mode|recovery state|not yet accepting|not accepting",
            "wait until the server is ready; work then continues",
        ),
    )
)
_SESSION_READ_ONLY = re.compile(r"session is read-only|server is in hot standby mode")
_AT_SERVER = re.compile(r"^(connection (failed|is bad): )?(connection to server (at|on) .* failed: )?(FATAL: +)?")


class ReportingConnection(ConfiguredConnection):
    """A connection that remembers why connecting failed last: a pool only reports that it had to wait too long."""

    _refusals: dict[str, psycopg.Error] = {}  # noqa: RUF012 # by URL, for all pools of the process

    @classmethod
    async def connect(cls, conninfo: str = "", **options: Any) -> Self:
        try:
            connection = await super().connect(conninfo, **options)
        except psycopg.Error as refused:
            cls._refusals[conninfo] = refused
            raise
        cls._refusals.pop(conninfo, None)
        return connection

    @classmethod
    def last_refusal(cls, conninfo: str) -> psycopg.Error | None:
        """Return why the last attempt to connect failed; None if it did not."""
        return cls._refusals.get(conninfo)


def translate(error: BaseException) -> AlexandriaError:
    """Return the error of ours that an error of the driver amounts to; the caller raises it from the original one."""
    state = error.sqlstate or "" if isinstance(error, psycopg.Error) else ""
    reason = reason_of(error)
    if state in _OLD_SCHEMA:
        return NotMigrated(f"the schema is older than this version needs: {reason}", hint="run: alexandria migrate")
    if state == _DISK_FULL:
        return DatabaseUnavailable(
            f"the disk of PostgreSQL is full: {reason}", hint="free some space; work then continues"
        )
    if state == _READ_ONLY:
        return DatabaseUnavailable(f"PostgreSQL is read-only: {reason}", hint=_READ_ONLY_HINT)
    if state[:2] in _REFUSAL_CLASSES or state == _TOO_MANY_CONNECTIONS:
        return _refused(reason)
    if state[:2] in _CONNECTION_CLASSES or state in _OUTAGE_STATES:
        return DatabaseUnavailable(f"PostgreSQL does not answer: {reason}", hint=_CHECK_SERVER)
    if state[:2] in _BUSY_CLASSES:
        return DatabaseBusy(
            f"another transaction is in the way: {reason}",
            hint="try again; if it lasts, pg_stat_activity lists the sessions that are idle in transaction",
        )
    if state[:2] in _DATA_CLASSES:
        return BadData(f"PostgreSQL refuses the data: {reason}")
    if state == _NO_PRIVILEGE:
        return DatabaseNotPrepared(
            f"the database role may not do this: {reason}",
            hint="alexandria doctor prints the GRANT statements that it needs",
        )
    if state:
        return DatabaseFailed(f"PostgreSQL refuses the statement: {reason} ({state})", hint="run: alexandria doctor")
    return _without_state(error, reason)


def is_lost(error: BaseException) -> bool:
    """Return whether the connection or the server is gone, so that no further statement can succeed on it."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in _CONNECTION_CLASSES or state in {"25P03", "25P04"}


def read_only(*, standby: bool) -> DatabaseUnavailable:
    """Return the error of a server that answers but takes no data: a hot standby, or set so."""
    reason = "it is a hot standby" if standby else "default_transaction_read_only is on"
    return DatabaseUnavailable(f"PostgreSQL is read-only: {reason}", hint=_READ_ONLY_HINT)


def reason_of(error: BaseException) -> str:
    """Return the server's own sentence in one line, without the address that we connected to."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    lines = [line.strip() for line in (primary or str(error)).splitlines() if line.strip()]
    telling = (line for line in lines if "FATAL:" in line or _SESSION_READ_ONLY.search(line))  # of several hosts
    first = next(telling, lines[0] if lines else type(error).__name__)
    sentence = first.partition("FATAL:")[2].strip() or _AT_SERVER.sub("", first)
    return sentence if len(sentence) <= MAX_REASON_LENGTH else f"{sentence[: MAX_REASON_LENGTH - 3]}..."


def _without_state(error: BaseException, reason: str) -> AlexandriaError:
    """Errors of the driver itself, and those of connecting, of which it passes only the text on."""
    if isinstance(error, PoolClosed):
        return DatabaseUnavailable("this process is ending, its connections are closed")
    if isinstance(error, PoolTimeout):
        return DatabaseUnavailable(f"PostgreSQL does not answer: no connection was free ({reason})", hint=_CHECK_SERVER)
    if _SESSION_READ_ONLY.search(reason):
        return DatabaseUnavailable(f"PostgreSQL is read-only: {reason}", hint=_READ_ONLY_HINT)
    if isinstance(error, psycopg.OperationalError) and ("FATAL:" in str(error) or _fix_of(reason)):
        return _refused(reason)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return DatabaseUnavailable(f"PostgreSQL does not answer: {reason}", hint=_CHECK_SERVER)
    if isinstance(error, psycopg.DataError):  # the driver found that it cannot be sent, as a text with a NUL
        return BadData(f"the data cannot be stored: {reason}")
    return DatabaseFailed(f"the database failed: {type(error).__name__}", hint="run: alexandria doctor")


def _refused(reason: str) -> DatabaseUnavailable:
    fix = _fix_of(reason) or _CHECK_SERVER
    return DatabaseUnavailable(f"PostgreSQL refuses the connection: {reason}", hint=fix)


def _fix_of(reason: str) -> str:
    return next((fix for pattern, fix in _REFUSALS if pattern.search(reason)), "")
