"""See 0009_control.sql."""

from alexandria.store.migrations import step

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    step.run(__file__)
