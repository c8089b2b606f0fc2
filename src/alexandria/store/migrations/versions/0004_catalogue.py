"""See 0004_catalogue.sql."""

from alexandria.store.migrations import step

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    step.run(__file__)
