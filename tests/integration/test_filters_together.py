"""Filters of the list of books that hardly ever hold together, or whose books come last: the whole list is not read."""

import contextlib
import re

import psycopg
import pytest
from psycopg.rows import dict_row

from alexandria.catalogue import search
from alexandria.catalogue.search import SQL, EvidenceStatus, Sort, WorkFilter
from alexandria.core.month import Month

BOOKS = 20_000  # of which a tenth is Spanish; Open Library has three fifths, but none of these
FILL = """INSERT INTO work_listing (work_id, title_key, author_key, language, status, source, score, in_month, words)
SELECT n, md5(n::text), md5((7 * n)::text), CASE WHEN n %% 10 = 9 THEN 'es' WHEN n %% 10 = 8 THEN 'fr' ELSE 'en' END,
    'resolved', CASE WHEN n %% 10 < 6 THEN 'open_library' ELSE 'isbndb' END, 100,
    CASE WHEN n %% 10 < 6 THEN 'confirmed' ELSE 'unknown' END, ''
FROM generate_series(1, %s) AS n"""
# A fifth is Japanese, and after all others by title and author; ISBNdb's scores are below all of Open Library's.
FILL_IN_BLOCKS = """INSERT INTO work_listing
    (work_id, title_key, author_key, language, status, source, score, in_month, words)
SELECT n, j || md5(n::text), j || md5((7 * n)::text), CASE j WHEN '' THEN 'en' ELSE 'ja' END, 'resolved',
    CASE WHEN n %% 2 = 0 THEN 'open_library' ELSE 'isbndb' END, CASE WHEN n %% 2 = 0 THEN 99.5 ELSE 90 END + n %% 5 * 0.1,
    CASE WHEN n %% 2 = 1 THEN 'unknown' WHEN n %% 3 = 0 THEN 'contradicted' ELSE 'confirmed' END,
    to_tsvector('simple', 'night in ' || n || CASE n %% 8 WHEN 0 THEN ' garden' ELSE '' END)
FROM generate_series(1, %s) AS n, LATERAL (SELECT CASE WHEN n / 2 %% 5 = 0 THEN '夜' ELSE '' END AS j) AS japanese"""

WORKS_OF_THE_LIST = """INSERT INTO work (id, key, title, author) OVERRIDING SYSTEM VALUE
SELECT work_id, work_id::text, 'Night in ' || work_id, 'Ann Smith' FROM work_listing"""


def rows_read(connection, order, wanted):
    """How many rows of the list the first page of an order reads."""
    values = wanted.values(None) | {"found": None, "after_id": None, "after_key": None, "limit": 51}
    lines = [row[0] for row in connection.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {SQL[order]}", values)]
    assert any("work_listing" in line for line in lines)
    return sum(int(number) for line in lines for number in re.findall(r"Rows Removed by Filter: (\d+)", line))


@contextlib.contextmanager
def listed(database_url, statement):
    """A connection to a database whose list of books, without its works, is filled by a statement."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET plan_cache_mode = force_custom_plan")
        connection.execute(statement, [BOOKS])
        connection.execute("ANALYZE work_listing")
        yield connection


@pytest.mark.parametrize("order", ["by_title", "by_author", "by_newest"])
def test_a_page_of_books_that_are_not_there_reads_the_rarer_filter_alone(database_url, order):
    with listed(database_url, FILL) as connection:
        for wanted in (
            WorkFilter(language="es", source="open_library"),
            WorkFilter(language="fr", in_month="confirmed"),
            WorkFilter(language="es", source="open_library", statuses=(EvidenceStatus.RESOLVED,)),
        ):
            assert rows_read(connection, order, wanted) <= BOOKS / 5


def test_a_page_of_books_that_come_last_in_an_order_begins_at_them(database_url):
    with listed(database_url, FILL_IN_BLOCKS) as connection:
        for order, wanted in (
            ("by_title", WorkFilter(language="ja")),
            ("by_author", WorkFilter(language="ja", in_month="unknown")),
            ("by_score", WorkFilter(in_month="confirmed")),
            ("by_score", WorkFilter(source="open_library")),
            ("by_score", WorkFilter(source="open_library", language="ja")),
            ("by_newest", WorkFilter(source="isbndb", min_score=95)),
            ("by_title", WorkFilter(source="isbndb", min_score=95)),
        ):
            assert rows_read(connection, order, wanted) <= BOOKS / 50, (order, wanted)


@pytest.mark.asyncio
async def test_what_a_page_shows_is_not_planned_anew_for_each_of_its_books(database_url):
    """PostgreSQL plans functions, such as works_of_book(), by the same setting: fifty plans or more took half of a page's time."""
    connected = await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row)
    async with connected as connection, connection.transaction():
        await search.page(connection, WorkFilter(), Sort.NEWEST, None, 50)
        [setting] = await (await connection.execute("SHOW plan_cache_mode")).fetchall()
    assert setting == {"plan_cache_mode": "auto"}


@pytest.mark.asyncio
async def test_a_search_reads_the_index_for_its_rare_words_and_ranks_few_of_very_many(database_url):
    with listed(database_url, FILL_IN_BLOCKS) as filled:
        filled.execute(WORKS_OF_THE_LIST)
        connected = await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row)
        async with connected as connection:
            assert await search._by_rarity(connection, ["Night", "in", "4711"]) == (["4711"], ["Night", "in"], 0)
            first, then, expected = await search._by_rarity(connection, ["Night", "in"])
            assert ({*first}, then) == ({"Night", "in"}, [])
            assert (await search._by_rarity(connection, ["Night", "garden"]))[:2] == (["garden"], ["Night"])
            assert search.MAX_MATCHES < expected <= BOOKS
            once, repeated = [await search._by_rarity(connection, ["garden"] * times) for times in (1, 4)]
            assert once == repeated
            assert await search._by_rarity(connection, ["4711"]) == (["4711"], [], 0)
            assert await search._by_rarity(connection, []) == ([], [], 0)
            [few, many] = [
                await search._matching(connection, text, WorkFilter().values(None)) for text in ("4711", "night in")
            ]
        assert (len(few[0]), few[1]) == (1, False)
        assert (len(many[0]), many[1]) == (search.MAX_FREQUENT_MATCHES, True)


@pytest.mark.asyncio
async def test_the_pages_of_a_search_for_frequent_words_are_the_ranked_works_once_each(database_url):
    with listed(database_url, FILL_IN_BLOCKS) as filled:
        filled.execute(WORKS_OF_THE_LIST)
        connected = await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row)
        for sort in (Sort.MATCH, Sort.TITLE, Sort.SCORE):
            found, after = [], None
            async with connected.transaction():
                while True:
                    page = await search.page(connected, WorkFilter(text="night in"), sort, after, 70)
                    assert page.cut
                    found += [row["id"] for row in page.rows]
                    if (after := page.last) is None:
                        break
            assert (len(found), len(set(found))) == (search.MAX_FREQUENT_MATCHES,) * 2, sort
        await connected.close()


@pytest.mark.asyncio
async def test_the_page_of_a_month_calls_no_function_for_each_book_of_the_month(database_url):
    with listed(database_url, FILL_IN_BLOCKS) as filled:
        filled.execute(WORKS_OF_THE_LIST)
        filled.execute("INSERT INTO backfill_log (year, month) VALUES (2020, 1), (2020, 2)")
        filled.execute(
            "INSERT INTO candidate (year, month, position, title, author, named_by, work_id, reason)"
            " SELECT 2020, 1 + (n > 600)::int, n, 'Night', 'Ann Smith', '{gemini}', n, 'known' FROM generate_series(1, 700) AS n"
        )
        filled.execute("ANALYZE")
    calls = []
    for month, books in ((Month(2020, 1), 600), (Month(2020, 2), 100)):
        connected = await psycopg.AsyncConnection.connect(
            database_url, row_factory=dict_row, options="-c track_functions=all"
        )
        async with connected as connection, connection.transaction():
            page = await search.page(connection, WorkFilter(month=month), Sort.NEWEST, None, 50)
            asked = await connection.execute("SELECT funcname, calls FROM pg_stat_xact_user_functions")
            calls.append({row["funcname"]: row["calls"] for row in await asked.fetchall()})
            assert (len(page.rows), len(await search._of_month(connection, month, "keep"))) == (50, books)
    assert calls[0] == calls[1]
    assert calls[0]["works_of_book"] == 2 * 50  # of the books that are shown
