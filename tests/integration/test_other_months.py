"""A policy decides for which month books count that sources date to another one; nothing that was recorded changes."""

import re
from dataclasses import replace

import psycopg
import pytest

from alexandria.cli.output import tables
from alexandria.core.month import Month
from alexandria.operations import books, month_detail
from alexandria.operations.book_schemas import BookQuery
from tests.support.shelf import fill

pytestmark = pytest.mark.asyncio(loop_scope="module")
JULY, MAY = Month(2019, 7), Month(2018, 5)
PREPARED = """
    INSERT INTO backfill_log (year, month) VALUES (2018, 5) ON CONFLICT DO NOTHING;
    UPDATE work SET first_published = '2018-05-03' WHERE title = 'The Hobbit';
    UPDATE candidate SET in_month = 'contradicted' WHERE title = 'Les Misérables'
"""  # of which the year is known, and the month is not


@pytest.fixture(scope="module")
def numbers(shared_database_url):
    found = fill(shared_database_url)
    with psycopg.connect(shared_database_url) as connection:
        connection.execute(PREPARED.encode())
    return found


def under(system, policy):
    return replace(system, settings=system.settings.model_copy(update={"other_months": policy}))


async def listed(system, month):
    return {book.title for book in (await books.find(system, BookQuery(month=str(month)))).books}


@pytest.mark.parametrize(
    ("name", "july", "may", "counts_for"),
    [
        ("keep", {"The Hobbit", "Les Misérables"}, set(), "2019-07"),
        ("move", {"Les Misérables"}, {"The Hobbit"}, "2018-05"),
        ("drop", set(), set(), None),
    ],
    ids=["keep", "move", "drop"],
)
async def test_each_policy_lists_and_counts_books(numbers, system, name, july, may, counts_for):  # noqa: PLR0917 # a case
    running = under(system, name)
    assert (await listed(running, JULY), await listed(running, MAY)) == (july, may)
    there, here = await month_detail.show_month(running, JULY), await month_detail.show_month(running, MAY)
    assert [(book.title, book.isbn13 is not None) for book in there.candidates] == [
        ("The Hobbit", True),
        ("Les Misérables", True),
    ]
    assert there.candidates[0].counts_for == counts_for
    assert (there.after_review.books, there.after_review.resolved) == (len(july), len(july))
    assert there.in_month.contradicted == 2
    moved = [(book.work_id, book.named_in) for book in here.moved_here]
    assert moved == ([(numbers["The Hobbit"], "2019-07")] if may else [])
    assert here.after_review.books == len(may)


async def test_a_person_who_accepts_the_month_or_excludes_the_book_has_the_last_word(numbers, system, api, sql):
    work, running = numbers["The Hobbit"], under(system, "move")
    body = {"who": "Ann", "why": "the title page", "month": "2019-07"}
    path = f"/api/catalogue/works/{work}"
    accepted = (await api.post(f"{path}/accept", json={**body, "expected": 0})).json()["version"]
    assert await listed(running, JULY) == {"The Hobbit", "Les Misérables"}
    assert await listed(running, MAY) == set()
    undone = await api.post(
        f"/api/catalogue/decisions/{accepted}/undo", json={"who": "Ann", "why": "no", "expected": accepted}
    )
    assert undone.status_code == 200, undone.text
    assert await listed(running, MAY) == {"The Hobbit"}
    version = undone.json()["version"]
    await api.post(f"{path}/exclude", json={"who": "Ann", "why": "not notable", "expected": version})
    assert await listed(running, MAY) == set()
    assert (await month_detail.show_month(running, MAY)).moved_here == []
    await sql("SET LOCAL session_replication_role = replica; TRUNCATE curation_decision CASCADE")


@pytest.mark.usefixtures("numbers")
async def test_pages_and_the_terminal_show_where_a_book_counts(admitted, system, monkeypatch):
    monkeypatch.setattr(admitted._transport.app.state, "system", under(system, "move"))
    page = (await admitted.get("/months/2019-07")).text
    assert 'Moved to <a href="/months/2018-05">' in page
    page = (await admitted.get("/months/2018-05")).text
    assert re.search(r'Moved here from other months.*The Hobbit</a> by J. R. R. Tolkien, named by <a href="/months/2019-07"', page, re.DOTALL)  # fmt: skip
    overview = (await admitted.get("/")).text
    assert "3 distinct books, 0 named again by another month" in overview
    dropped = await month_detail.show_month(under(system, "drop"), JULY)
    assert "The Hobbit: counts for no month" in [*tables.of_month(dropped, evidence=False)]
    assert '1 confirmed, <a href="/books?in_month=contradicted">2 contradicted</a>' in overview
