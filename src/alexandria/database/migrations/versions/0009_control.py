"""See 0009_control.sql."""

from alexandria.database.migrations import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_sql.run(__file__)
