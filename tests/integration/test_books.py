"""The catalogue is found, filtered, sorted and shown alike by HTTP, page and command line."""

import dataclasses

import pytest

from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.web.app import create_app
from tests.support.dashboard_visitors import SECRET, browser
from tests.support.shelf import HOBBIT, PAPERBACK, fill

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("shelf")]


@pytest.fixture(scope="module")
def ids(shared_database_url):
    """The number of each book by its title."""
    return fill(shared_database_url)


@pytest.fixture
def shelf(ids):
    """The books are in the database."""


async def titles(api, **query):
    answer = await api.get("/api/catalogue/books", params=query)
    assert answer.status_code == 200, answer.text
    return [book["title"] for book in answer.json()["books"]]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("hobbit", "The Hobbit"),
        ("tolkien", "The Hobbit"),
        ("Tolkien, the hobbit", "The Hobbit"),
        ("tolkein hobbit", "The Hobbit"),
        ("les miserables", "Les Misérables"),
        ("MISÉRABLES", "Les Misérables"),
        ("hugo miserables", "Les Misérables"),
        ("dark left", "The Left Hand of Darkness"),
        ("le guin left hand", "The Left Hand of Darkness"),
        ("hand of dark", "The Left Hand of Darkness"),
        ("978-0-261-10221-7", "The Hobbit"),
        ("0261102214", "The Hobbit"),
        (PAPERBACK, "The Hobbit"),
    ],
)
async def test_a_book_is_found_by_title_author_or_isbn(api, query, first):
    assert (await titles(api, q=query))[:1] == [first]


@pytest.mark.parametrize(
    "query", ["hobbits of mordor", "'", "& | !", "x" * 200, "9780000000002", "the zzz", "\\", "%_"]
)
async def test_a_search_without_a_match_finds_nothing(api, query):
    assert await titles(api, q=query) == []


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, ["Doubtful Pages", "A Book <i>Nobody</i> Has", "The Left Hand of Darkness", "Les Misérables", "The Hobbit"]),
        ({"month": "2019-07"}, ["Les Misérables", "The Hobbit"]),
        ({"month": "2019-09"}, []),
        ({"month": "2019-08", "unresolved": True}, ["Doubtful Pages", "A Book <i>Nobody</i> Has"]),
        ({"status": "doubtful"}, ["Doubtful Pages"]),
        ({"status": "not_found"}, ["A Book <i>Nobody</i> Has"]),
        ({"status": "resolved", "unresolved": True}, []),
        ({"source": "wikidata"}, ["Les Misérables"]),
        ({"max_score": 98.6}, ["Les Misérables", "The Hobbit"]),
        ({"min_score": 90, "max_score": 99}, ["The Hobbit"]),
        ({"in_month": "contradicted"}, ["The Hobbit"]),
        ({"language": "en", "sort": "title"}, ["The Hobbit", "The Left Hand of Darkness"]),
        ({"sort": "author"}, ["Doubtful Pages", "The Left Hand of Darkness", "Les Misérables", "A Book <i>Nobody</i> Has", "The Hobbit"]),
        ({"sort": "score"}, ["Les Misérables", "The Hobbit", "The Left Hand of Darkness"]),
        ({"q": "the", "language": "en", "sort": "newest"}, ["The Left Hand of Darkness", "The Hobbit"]),
    ],
)  # fmt: skip
async def test_filters_and_orders_combine(api, query, wanted):
    assert await titles(api, **query) == wanted


@pytest.mark.parametrize("query", [{}, {"sort": "title"}, {"sort": "author"}, {"sort": "score"}, {"q": "the"}])
async def test_pages_of_one_book_are_the_whole_list(api, query):
    whole, seen, after = await titles(api, **query), [], ""
    while True:
        page = (await api.get("/api/catalogue/books", params=query | {"limit": 1, "after": after})).json()
        seen += [book["title"] for book in page["books"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert len(whole) > 1
    assert seen == whole


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"month": "2019-13"}, "month"),
        ({"status": "fine"}, "status"),
        ({"source": "isbdb"}, "source"),
        ({"min_score": "101"}, "min_score"),
        ({"language": "english"}, "language"),
        ({"sort": "size"}, "sort"),
        ({"limit": "0"}, "limit"),
        ({"after": "nonsense"}, "after"),
        ({"after": "W1tbW1tb" * 100}, "after"),  # brackets, deeper than JSON is read
        ({"after": "WyJuZXdlc3QiXQ"}, "after"),
        ({"after": "WyJ0aXRsZSIsICJhIiwgMV0", "sort": "author"}, "after"),
        ({"q": "a\0b"}, "q"),
        ({"tile": "x"}, "tile"),
    ],
)
async def test_a_wrong_filter_is_named_with_its_fix(api, query, field):
    answer = await api.get("/api/catalogue/books", params=query)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith(f"{field}: ")


async def test_a_work_is_shown_with_its_editions_and_refused_records(api, ids):
    found = (await api.get(f"/api/catalogue/works/{ids['The Hobbit']}")).json()
    assert [edition["isbn13"] for edition in found["editions"]] == [HOBBIT, PAPERBACK]
    assert found["editions"][0]["fields"][0] | {"fetched_at": ""} == {
        "field": "publisher", "provider": "open_library", "id": "/books/OL1M", "fetched_at": "",
        "page": "https://openlibrary.org/books/OL1M",
    }  # fmt: skip
    decision = found["decisions"][0]
    assert (decision["month"], decision["isbn13"], decision["in_month"]) == ("2019-07", HOBBIT, "contradicted")
    assert [(each["verdict"], each["page"]) for each in decision["evidence"]] == [
        ("accept", "https://openlibrary.org/books/OL1M"),
        ("refuse", "https://openlibrary.org/books/OL2M"),
    ]
    assert (found["total_editions"], found["total_decisions"]) == (2, 1)


async def test_an_isbn_leads_to_its_work(api, ids):
    for isbn in (PAPERBACK, "978-0-261-10328-3", "0261103288"):
        found = (await api.get(f"/api/catalogue/isbn/{isbn}")).json()
        assert (found["isbn13"], found["work"]["id"]) == (PAPERBACK, ids["The Hobbit"])


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("works/999999", 404, "no book has the number 999999"),
        ("works/0", 422, "id: input should be greater than or equal to 1"),
        ("works/x", 422, "id: "),
        ("isbn/9780306406157", 404, "no edition has the ISBN 9780306406157"),
        ("isbn/9780306406158", 422, "isbn13: '9780306406158' is not an ISBN"),
    ],
)
async def test_what_is_not_there_is_said(api, path, status, message):
    answer = await api.get(f"/api/catalogue/{path}")
    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith(message)


@pytest.mark.parametrize("path", ["books", "works/1", f"isbn/{HOBBIT}"])
async def test_the_catalogue_has_the_access_of_the_pages(stranger, system, path):
    for headers in ({}, {"X-Cron-Secret": "wrong"}):
        assert (await stranger.get(f"/api/catalogue/{path}", headers=headers)).status_code == 401
    public = dataclasses.replace(system, settings=system.settings.model_copy(update={"dashboard_public": True}))
    async with browser(create_app(public, WebhookSecrets((SECRET,)))) as guest:
        assert (await guest.get(f"/api/catalogue/{path}")).status_code in {200, 404}


async def test_the_list_follows_every_change(api, ids, sql):
    """What triggers keep: a title, a decision that is withdrawn and found again, a work that is deleted."""
    hobbit = ids["The Hobbit"]
    await sql("UPDATE work SET title = 'There and Back Again' WHERE id = %s", hobbit)
    assert await titles(api, q="back again") == ["There and Back Again"]
    await sql("UPDATE work SET title = 'The Hobbit' WHERE id = %s", hobbit)
    await sql("UPDATE candidate SET isbn13 = NULL, evidence = '[]', hindered = true WHERE work_id = %s", hobbit)
    assert await titles(api, status="not_checked") == ["The Hobbit"]
    await sql("UPDATE candidate SET isbn13 = %s, hindered = false WHERE work_id = %s", HOBBIT, hobbit)
    assert await titles(api, q="hobbit", status="resolved") == ["The Hobbit"]
    await sql("INSERT INTO work (key, title, author) VALUES ('gone', 'Gone Soon', 'Nobody')")
    assert await titles(api, status="not_named") == ["Gone Soon"]
    await sql("DELETE FROM work WHERE key = 'gone'")
    assert await titles(api, q="gone soon") == []
