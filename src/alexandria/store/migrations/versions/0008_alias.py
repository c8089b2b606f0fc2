"""See 0008_alias.sql."""

from alexandria.store.migrations import step

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    step.run(__file__)
