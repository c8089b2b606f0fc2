"""See 0005_recognise.sql."""

from alexandria.database.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql.run(__file__)
