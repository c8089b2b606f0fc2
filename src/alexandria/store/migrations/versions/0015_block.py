"""See 0015_block.sql; the works that are there get their keys by the code that looks for them."""

from alexandria.block import blocks
from alexandria.store.migrations import step
from alexandria.store.sql import load

revision = "0015"
down_revision = "0014"

SQL = load("catalogue")
AT_ONCE = 1000  # works


def upgrade() -> None:
    step.run(__file__)
    with step.driver().cursor("spellings") as works, step.driver().cursor() as cursor:
        works.execute(SQL["spellings"])
        while some := works.fetchmany(AT_ONCE):
            keys = [{"work_id": work_id, "blocks": blocks(title, people)} for work_id, title, people in some]
            cursor.executemany(SQL["add_blocks"], keys)
