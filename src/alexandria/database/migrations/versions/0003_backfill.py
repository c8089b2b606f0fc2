"""See 0003_backfill.sql."""

from alexandria.database.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql.run(__file__)
