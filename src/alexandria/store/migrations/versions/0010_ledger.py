"""See 0010_ledger.sql."""

from alexandria.store.migrations import step

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    step.run(__file__)
