"""See 0014_journal.sql."""

from alexandria.store.migrations import step

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    step.run(__file__)
