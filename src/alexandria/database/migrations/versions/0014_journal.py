"""See 0014_journal.sql."""

from alexandria.database.migrations import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_sql.run(__file__)
