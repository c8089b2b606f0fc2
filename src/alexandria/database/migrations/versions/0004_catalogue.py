"""See 0004_catalogue.sql."""

from alexandria.database.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql.run(__file__)
