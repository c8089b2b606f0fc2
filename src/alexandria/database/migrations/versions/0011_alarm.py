"""See 0011_alarm.sql."""

from alexandria.database.migrations import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_sql.run(__file__)
