"""See 0017_knock.sql."""

from alexandria.database.migrations import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_sql.run(__file__)
