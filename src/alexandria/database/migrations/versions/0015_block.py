"""See 0015_block.sql; the works that are there get their keys by the code that looks for them."""

from alexandria.catalogue.matching.blocking import blocks
from alexandria.database.migrations import run_sql
from alexandria.database.sql import load

revision = "0015"
down_revision = "0014"

SQL = load("alexandria.catalogue.repository")
AT_ONCE = 1000  # works


def upgrade() -> None:
    run_sql.run(__file__)
    with run_sql.driver().cursor("spellings") as works, run_sql.driver().cursor() as cursor:
        works.execute(SQL["spellings"])
        while some := works.fetchmany(AT_ONCE):
            keys = [{"work_id": work_id, "blocks": blocks(title, people)} for work_id, title, people in some]
            cursor.executemany(SQL["add_blocks"], keys)
