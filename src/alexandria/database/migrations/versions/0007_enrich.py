"""See 0007_enrich.sql."""

from alexandria.database.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql.run(__file__)
