"""See 0017_knock.sql."""

from alexandria.store.migrations import step

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    step.run(__file__)
