"""See 0010_ledger.sql."""

from alexandria.database.migrations import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql.run(__file__)
