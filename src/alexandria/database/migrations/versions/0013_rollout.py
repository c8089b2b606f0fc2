"""See 0013_rollout.sql."""

from alexandria.database.migrations import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql.run(__file__)
