"""See 0016_knock.sql."""

from alexandria.store.migrations import step

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    step.run(__file__)
