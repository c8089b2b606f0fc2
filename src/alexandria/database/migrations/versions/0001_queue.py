"""The job queue's own schema, as the installed procrastinate ships it."""

from procrastinate.schema import SchemaManager

from alexandria.database.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql.execute(SchemaManager.get_schema())
