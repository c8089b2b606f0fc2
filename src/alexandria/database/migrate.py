"""Is the schema what this version needs, and how does it get there?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg

from alexandria.core.errors import DatabaseUnavailable, Misconfigured

_LOCK = 4_902_341_717  # any number, the same in every version: one migration at a time
_FOLDER = Path(__file__).parent / "migrations"
_VERSION_TABLE = "schema_version"


def upgrade(url: str, to: str = "head") -> list[str]:
    """Bring the database at `url` to the newest schema, or to the step numbered `to`; returns the steps it lacked.

    All steps are one transaction; a second process that migrates at the same time waits, then finds nothing to do.
    """
    with _connection(url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # until the connection ends, rollbacks or not
        steps = _missing(connection)
        if steps:
            _run(connection, to)
    return steps


def missing(url: str) -> list[str]:
    """The steps that the database at `url` lacks, oldest first."""
    with _connection(url) as connection:
        return _missing(connection)


def told(steps: Sequence[str]) -> str:
    """Steps in a few words, however many they are."""
    return ", ".join(steps) if len(steps) < 4 else f"{steps[0]} to {steps[-1]}"


def _missing(connection: psycopg.Connection) -> list[str]:
    """The history is one line, so what comes after the current step is missing. Every command asks this: no Alembic."""
    known = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [_VERSION_TABLE]).fetchone()
    current = ""
    if known is not None and known[0]:
        row = connection.execute("SELECT version_num FROM schema_version").fetchone()
        current = "" if row is None else str(row[0])
    steps = sorted(path.stem for path in (_FOLDER / "versions").glob("[0-9]*.py"))
    return [step for step in steps if step.partition("_")[0] > current]


def _run(connection: psycopg.Connection, to: str) -> None:
    """Let Alembic take the missing steps, in the connection's transaction. It is imported late: it costs a second."""
    from alembic import command  # noqa: PLC0415 # as said
    from alembic.config import Config  # noqa: PLC0415 # as said
    from sqlalchemy import create_engine  # noqa: PLC0415 # as said
    from sqlalchemy.pool import StaticPool  # noqa: PLC0415 # as said

    engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as alchemy:
        config = Config()
        config.set_main_option("script_location", str(_FOLDER))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = alchemy
        command.upgrade(config, to)
        alchemy.commit()


@contextlib.contextmanager
def _connection(url: str) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(url) as connection:
            yield connection
    except psycopg.OperationalError as lost:
        raise DatabaseUnavailable(
            "PostgreSQL does not answer", hint="check DATABASE_URL and that the server runs, then: alexandria doctor"
        ) from lost
    except psycopg.ProgrammingError as unreadable:  # shows the URL, and with it the password
        if unreadable.sqlstate is not None:
            raise
        raise Misconfigured(
            "the database's URL cannot be read", hint="it is like postgresql://user:password@host:5432/name"
        ) from None
