"""See 0013_rollout.sql."""

from alexandria.store.migrations import step

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    step.run(__file__)
