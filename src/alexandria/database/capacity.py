"""Reads how many connections a server lets in."""

from __future__ import annotations

from alexandria.database.migrate import opened
from alexandria.database.sql import load

SQL = load(__name__)


def allowed_connections(url: str) -> int:
    """Return how many connections this role may have in this database if nobody else has any."""
    with opened(url) as connection:
        row = connection.execute(SQL["allowed"]).fetchone()
    assert row is not None, "one row without a table"
    return int(row[0])
