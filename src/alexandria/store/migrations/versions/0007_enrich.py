"""See 0007_enrich.sql."""

from alexandria.store.migrations import step

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    step.run(__file__)
