"""See 0006_evidence.sql."""

from alexandria.store.migrations import step

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    step.run(__file__)
