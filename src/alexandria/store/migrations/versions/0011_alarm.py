"""See 0011_alarm.sql."""

from alexandria.store.migrations import step

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    step.run(__file__)
