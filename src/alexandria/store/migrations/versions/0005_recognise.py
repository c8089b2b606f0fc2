"""See 0005_recognise.sql."""

from alexandria.store.migrations import step

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    step.run(__file__)
