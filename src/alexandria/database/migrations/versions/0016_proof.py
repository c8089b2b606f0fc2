"""See 0016_proof.sql."""

from alexandria.database.migrations import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_sql.run(__file__)
