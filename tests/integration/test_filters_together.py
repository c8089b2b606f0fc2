"""Filters of the list of books that hardly ever hold together: PostgreSQL knows it, and does not read the whole list."""

import re

import psycopg
import pytest

from alexandria.catalogue.search import SQL, EvidenceStatus, WorkFilter

BOOKS = 20_000  # of which a tenth is Spanish; Open Library has three fifths, but none of these
FILL = """INSERT INTO work_listing (work_id, title_key, author_key, language, status, source, score, in_month, words)
SELECT n, md5(n::text), md5((7 * n)::text), CASE WHEN n %% 10 = 9 THEN 'es' WHEN n %% 10 = 8 THEN 'fr' ELSE 'en' END,
    'resolved', CASE WHEN n %% 10 < 6 THEN 'open_library' ELSE 'isbndb' END, 100,
    CASE WHEN n %% 10 < 6 THEN 'confirmed' ELSE 'unknown' END, ''
FROM generate_series(1, %s) AS n"""


def rows_read(connection, order, wanted):
    """How many rows of the list the first page of an order reads."""
    values = wanted.values(None) | {"found": None, "after_id": None, "after_key": None, "limit": 51}
    lines = [row[0] for row in connection.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {SQL[order]}", values)]
    assert any("work_listing" in line for line in lines)
    return sum(int(number) for line in lines for number in re.findall(r"Rows Removed by Filter: (\d+)", line))


@pytest.mark.parametrize("order", ["by_title", "by_author", "by_newest"])
def test_a_page_of_books_that_are_not_there_reads_the_rarer_filter_alone(database_url, order):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # the list alone, without its works
        connection.execute("SET plan_cache_mode = force_custom_plan")
        connection.execute(FILL, [BOOKS])
        connection.execute("ANALYZE work_listing")
        for wanted in (
            WorkFilter(language="es", source="open_library"),
            WorkFilter(language="fr", in_month="confirmed"),
            WorkFilter(language="es", source="open_library", statuses=(EvidenceStatus.RESOLVED,)),
        ):
            assert rows_read(connection, order, wanted) <= BOOKS / 5
