"""Is the schema what this version needs, and how does it get there?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from alexandria.errors import DatabaseUnavailable, Misconfigured

_LOCK = 4_902_341_717  # any number, the same in every version: one migration at a time


def upgrade(url: str) -> list[str]:
    """Bring the database at `url` to the newest schema; returns the steps that were applied, [] if none was missing.

    All steps are one transaction; a second process that migrates at the same time waits, then finds nothing to do.
    """
    with _connection(url) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        steps = _missing(connection)
        if steps:
            command.upgrade(_config(connection), "head")
        connection.commit()
    return steps


def missing(url: str) -> list[str]:
    """The steps that the database at `url` lacks, oldest first."""
    with _connection(url) as connection:
        return _missing(connection)


def _missing(connection: Connection) -> list[str]:
    scripts = ScriptDirectory.from_config(_config(connection))
    context = MigrationContext.configure(connection, opts={"version_table": "schema_version"})
    current = context.get_current_revision() or "base"
    return [Path(script.path).stem for script in scripts.iterate_revisions("head", current)][::-1]


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextlib.contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine("postgresql+psycopg://", creator=lambda: _connect(url), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except OperationalError as lost:
        raise DatabaseUnavailable(
            "PostgreSQL does not answer", hint="check DATABASE_URL and that the server runs, then: alexandria doctor"
        ) from lost


def _connect(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url)
    except psycopg.ProgrammingError:  # shows the URL, and with it the password
        raise Misconfigured(
            "the database's URL cannot be read", hint="it is like postgresql://user:password@host:5432/name"
        ) from None
