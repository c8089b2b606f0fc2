"""See 0008_alias.sql."""

from alexandria.database.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql.run(__file__)
