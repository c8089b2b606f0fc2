"""See 0003_backfill.sql."""

from alexandria.store.migrations import step

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    step.run(__file__)
