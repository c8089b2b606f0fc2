"""See 0012_forget.sql."""

from alexandria.database.migrations import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_sql.run(__file__)
