"""How does a step run its SQL? Whole, on the driver's own connection: a file holds many statements and bodies."""

from pathlib import Path
from typing import Any

import psycopg
from alembic import op


def run(revision_file: str) -> None:
    """Execute the .sql file that has the name of the revision's Python file."""
    path = Path(revision_file)
    execute((path.parent.parent / path.name).with_suffix(".sql").read_text(encoding="utf-8"))


def execute(sql: str) -> None:
    driver().execute(sql.encode())


def driver() -> psycopg.Connection[Any]:
    """The driver's connection, in the transaction of all steps."""
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection), "migrations need a live connection"
    return connection
