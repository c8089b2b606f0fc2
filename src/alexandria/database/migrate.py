"""Brings the schema of a database to this version's, by the steps of the package `migrations`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import psycopg

from alexandria.core.errors import DatabaseUnavailable, Misconfigured
from alexandria.database import migrations

MigrationConnection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

_LOCK_KEY = 4_902_341_717  # any number, the same in every version: one migration at a time
_LISTED_COUNT = 3  # steps that a message names one by one
# The table is as Alembic made it, which ran the steps before.
_CREATE_VERSION_TABLE = (
    "CREATE TABLE IF NOT EXISTS schema_version ("
    "version_num varchar(32) NOT NULL, CONSTRAINT schema_version_pkc PRIMARY KEY (version_num))"
)


def upgrade(
    url: str, to: str | None = None, *, complete_data: Callable[[MigrationConnection], object] | None = None
) -> list[str]:
    """Apply the missing steps to the database at `url`, up to number `to` like "0014"; return their names.

    All steps are one transaction, and so is `complete_data`, which is called with the new schema to add what SQL alone
    cannot. A second process that migrates at the same time waits, and then finds nothing to do.
    """
    with _connect(url) as connection:
        connection.execute(
            "SELECT pg_advisory_lock(%s)", [_LOCK_KEY]
        )  # until the connection ends, also after a rollback
        steps = [step for step in _missing(connection) if to is None or _number(step) <= to]
        if steps:
            _apply(connection, steps)
        if complete_data is not None:
            complete_data(connection)
    return steps


def missing(url: str) -> list[str]:
    """Return the names of the steps that the database at `url` lacks, oldest first."""
    with _connect(url) as connection:
        return _missing(connection)


def describe(steps: Sequence[str]) -> str:
    """Return the steps in a few words, however many they are."""
    return ", ".join(steps) if len(steps) <= _LISTED_COUNT else f"{steps[0]} to {steps[-1]}"


def _number(step: str) -> str:
    return step.partition("_")[0]


def _missing(connection: MigrationConnection) -> list[str]:
    """Return the steps after the current one: the history is one line."""
    current = ""
    if connection.execute("SELECT to_regclass('schema_version')").fetchone() != (None,):
        row = connection.execute("SELECT version_num FROM schema_version").fetchone()
        current = "" if row is None else str(row[0])
    return [step for step in migrations.names() if _number(step) > current]


def _apply(connection: MigrationConnection, steps: Sequence[str]) -> None:
    for step in steps:
        connection.execute(migrations.statements(step).encode())
    connection.execute(_CREATE_VERSION_TABLE)
    connection.execute("DELETE FROM schema_version")
    connection.execute("INSERT INTO schema_version (version_num) VALUES (%s)", [_number(steps[-1])])


@contextlib.contextmanager
def _connect(url: str) -> Iterator[MigrationConnection]:
    try:
        with psycopg.connect(url) as connection:
            yield connection
    except psycopg.OperationalError as lost:
        raise DatabaseUnavailable(
            "PostgreSQL does not answer", hint="check DATABASE_URL and that the server runs, then: alexandria doctor"
        ) from lost
    except psycopg.ProgrammingError as unreadable:  # its message contains the URL, and with it the password
        if unreadable.sqlstate is not None:
            raise
        raise Misconfigured(
            "the database's URL cannot be read", hint="it is like postgresql://user:password@host:5432/name"
        ) from None
