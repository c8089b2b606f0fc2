"""The job queue's own schema, as the installed procrastinate ships it."""

from procrastinate.schema import SchemaManager

from alexandria.store.migrations import step

revision = "0001"
down_revision = None


def upgrade() -> None:
    step.execute(SchemaManager.get_schema())
