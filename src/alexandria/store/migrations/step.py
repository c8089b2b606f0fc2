"""How does a step run its SQL? Whole, on the driver's own connection: a file holds many statements and bodies."""

from pathlib import Path

from alembic import op


def run(revision_file: str) -> None:
    """Execute the .sql file that has the name of the revision's Python file."""
    path = Path(revision_file)
    execute((path.parent.parent / path.name).with_suffix(".sql").read_text(encoding="utf-8"))


def execute(sql: str) -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None, "migrations need a live connection"
    driver.execute(sql)
