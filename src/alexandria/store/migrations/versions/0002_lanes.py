"""See 0002_lanes.sql."""

from alexandria.store.migrations import step

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    step.run(__file__)
