"""See 0002_lanes.sql."""

from alexandria.database.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql.run(__file__)
