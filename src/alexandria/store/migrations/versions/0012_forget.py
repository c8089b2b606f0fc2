"""See 0012_forget.sql."""

from alexandria.store.migrations import step

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    step.run(__file__)
