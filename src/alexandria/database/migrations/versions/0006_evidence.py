"""See 0006_evidence.sql."""

from alexandria.database.migrations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql.run(__file__)
