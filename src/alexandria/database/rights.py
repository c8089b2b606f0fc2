"""Finds the rights that a role lacks to run the program on tables that another role owns, as GRANT statements."""

from __future__ import annotations

from psycopg.rows import dict_row

from alexandria.core.errors import DatabaseNotPrepared
from alexandria.database import migrations
from alexandria.database.migrate import opened, schema_in_use
from alexandria.database.preflight import VERSION_TABLE, created
from alexandria.database.sql import load

SQL = load(__name__)
QUEUE_SEQUENCES = ("procrastinate_jobs_id_seq", "procrastinate_periodic_defers_id_seq", "procrastinate_events_id_seq")


def missing_grants(url: str) -> list[str]:
    """Return the statements that the owner of the tables must run so that this role can read and write them."""
    with opened(url) as connection:
        schema = schema_in_use(connection)
        names = [*created(migrations.names()), VERSION_TABLE, *QUEUE_SEQUENCES]
        with connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(SQL["missing"], {"schema": schema, "names": names}).fetchone()
    if row is None:
        return []
    return [row[right] for right in ("use", "write", "count") if not row[f"may_{right}"]]


def require_rights(url: str) -> None:
    """Raise DatabaseNotPrepared if this role may not read and write all tables."""
    if statements := missing_grants(url):
        raise DatabaseNotPrepared(
            "the database role may not use the tables of alexandria",
            hint="\n  ".join(["the owner of the tables must run:", *statements]),
            details={"statements": statements},
        )
