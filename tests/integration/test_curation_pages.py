"""Visitors decide about a book by the forms of its page, without scripts; a public dashboard never writes."""

from __future__ import annotations

import dataclasses
import re

import pytest
import pytest_asyncio

from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.web.app import create_app
from tests.support.curated_book import BOOK, OTHER_BOOK, REPRINT, RIGHT
from tests.support.dashboard_visitors import SECRET, browser, hidden, message, token_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE, FORM = "/works/7", "/works/7/decisions"


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _book(empty, sql):
    for statement in BOOK.split(";"):
        await sql(statement)


async def decide(client, **fields):
    """Fill in a form of the page as it is now, and send it; returns the page that follows."""
    page = await client.get(PAGE, follow_redirects=True)
    given = {
        "token": token_of(page),
        "expected": hidden(page, "expected", "/works/[78]/decisions"),
        "why": "looked",
        "who": "Ann",
    }
    return await client.post(FORM, data=given | fields, follow_redirects=True)


async def test_every_decision_is_made_shown_and_undone_by_the_page(admitted, sql):
    for fields, said in (
        ({"act": "reject", "isbn13": "978-0-86154-589-6"}, f"ISBN {RIGHT} rejected by Ann."),
        ({"act": "pin", "isbn13": REPRINT}, f"ISBN {REPRINT} pinned by Ann."),
        ({"act": "correct", "isbn13": REPRINT, "field": "publisher", "value": " Oneworld "},
         f"Publisher of {REPRINT} corrected to 'Oneworld' by Ann."),
        ({"act": "correct", "isbn13": REPRINT, "field": "publisher", "value": ""},
         f"Publisher of {REPRINT} corrected to '' by Ann."),
        ({"act": "exclude", "month": "2023-11"}, "Excluded from 2023-11 by Ann."),
        ({"act": "exclude", "month": "", "who": ""}, "Excluded as not notable by dashboard."),
    ):  # fmt: skip
        page = await decide(admitted, **fields)
        assert re.sub("&#39;", "'", message(page)) == said
        assert str(page.url).endswith(PAGE)
    standing = [row["id"] for row in await sql("SELECT id FROM standing_decision ORDER BY id")]
    assert len(standing) == 6
    for decision in standing:
        page = await admitted.get(PAGE)
        assert f"Undo decision {decision}…" in page.text
        assert (
            message(await decide(admitted, act="undo", decision=str(decision))) == f"Decision {decision} undone by Ann."
        )
    page = await admitted.get(PAGE)
    assert "Undo decision" not in page.text
    assert page.text.count("(undone)") == 6
    assert await sql("SELECT id FROM standing_decision") == []
    audited = await sql("SELECT DISTINCT who FROM audit")
    assert {row["who"] for row in audited} == {"Ann by dashboard", "dashboard"}


async def test_a_link_beside_each_edition_fills_in_its_isbn(admitted):
    page = (await admitted.get(f"{PAGE}?isbn={RIGHT}")).text
    assert f'list="numbers" value="{RIGHT}"' in page
    assert f'<option value="{RIGHT}" selected>' in page
    assert f'href="/works/7?isbn={RIGHT}#decide"' in page


async def test_two_books_are_merged_and_kept_apart_by_the_page(admitted, api, sql):
    await sql(OTHER_BOOK)
    assert message(await decide(admitted, act="different", other_work_id="8")) == (
        "Book 7 marked as different from book 8 by Ann."
    )
    refused = await decide(admitted, act="merge", other_work_id="8")
    assert (refused.status_code, "as different: looked" in refused.text) == (409, True)
    [made] = await sql("SELECT id FROM curation_decision")
    await decide(admitted, act="undo", decision=str(made["id"]))
    page = await decide(admitted, act="merge", other_work_id="8")
    assert (message(page), str(page.url)[-8:]) == ("Book 7 merged into book 8 by Ann.", "/works/8")
    assert "Merged with Prophet Song by Paul Lynch (book 7)" in page.text
    assert (await admitted.get(PAGE)).headers["location"] == "/works/8"
    work = (await api.get("/api/catalogue/works/7")).json()
    assert (work["id"], [each["id"] for each in work["merged"]]) == (8, [7])
    assert [each["isbn13"] for each in work["editions"]] == [RIGHT]
    version = work["version"]
    stale = await api.post(
        "/api/catalogue/works/7/same", json={"other_work_id": 8, "why": "x", "expected": version - 1}
    )
    assert stale.json()["error"]["details"]["theirs"][0]["other_work_id"] == 8
    assert message(await decide(admitted, act="undo", decision=str(version))) == f"Decision {version} undone by Ann."
    assert (await admitted.get(PAGE)).status_code == 200


async def test_a_book_is_split_and_corrected_by_the_page(admitted, api, sql):
    page = (await admitted.get(f"{PAGE}?isbn={RIGHT}")).text
    assert f'name="edition-{RIGHT}" value="1" checked' in page
    none = await decide(admitted, act="split")
    assert (none.status_code, "select those that are of the other book" in none.text) == (422, True)
    for field, value, said in (
        ("title", "Prophet Song!", "Title of book 7 corrected to 'Prophet Song!' by Ann."),
        ("contributors", "Lynch, Paul; Ann Actor (narrator)",
         "Contributors of book 7 corrected to 'Paul Lynch; Ann Actor (narrator)' by Ann."),
        ("first_published", "2023", "First published of book 7 corrected to '2023' by Ann."),
    ):  # fmt: skip
        assert re.sub("&#39;", "'", message(await decide(admitted, act="correct", field=field, value=value))) == said
    page = (await admitted.get(PAGE)).text
    assert "<h1>Prophet Song!</h1>" in page
    assert "Ann Actor</a> (narrator)" in page
    assert "First published 2023." in page
    stale = {"act": "split", f"edition-{RIGHT}": "1", "title": "A Play", "expected": "0"}
    conflict = await decide(admitted, **stale)
    assert (conflict.status_code, f'name="edition-{RIGHT}"' in conflict.text, f"<dd>{RIGHT}</dd>" in conflict.text) == (
        409, True, True,
    )  # fmt: skip
    made = message(await decide(admitted, **{"act": "split", f"edition-{RIGHT}": "1", "title": "A Play"}))
    [row] = await sql("SELECT id FROM work WHERE id <> 7")
    assert made == f"{RIGHT} split off from book 7 to book {row['id']} by Ann."
    play = (await admitted.get(f"/works/{row['id']}")).text
    assert "<h1>A Play</h1>" in play
    assert "Undo decision" in play
    work = (await api.get(f"/api/catalogue/works/{row['id']}")).json()
    assert ([each["isbn13"] for each in work["editions"]], work["curation"][0]["isbns"]) == ([RIGHT], [RIGHT])
    [month] = (await api.get("/api/internal/months/2023-11")).json()["candidates"]
    assert (month["isbn13"], month["reviewed_isbn13"]) == (RIGHT, RIGHT)
    assert message(await decide(admitted, act="undo", decision=str(work["version"]))).endswith("undone by Ann.")
    assert (await admitted.get(f"/works/{row['id']}")).status_code == 404


async def test_selected_books_of_the_list_are_decided_at_once_or_not_at_all(admitted, api, sql):
    await sql(OTHER_BOOK)
    where, form = "/books", "/books/decisions"

    async def send(page, **fields):
        given = {"token": token_of(page), "expected": hidden(page, "expected", form), "why": "looked", "who": "Ann"}
        return await admitted.post(form, data=given | fields, follow_redirects=True)

    before = await admitted.get(where)
    assert f'name="book-7" value="{RIGHT}"' in before.text
    assert 'value="exclude"' not in before.text
    assert 'value="exclude"' in (await admitted.get("/books?month=2023-11")).text
    done = message(await send(before, act="accept", **{"book-7": RIGHT}))
    assert done == f"1 decision: ISBN {RIGHT} accepted."
    stale = await send(before, act="not_notable", **{"book-7": RIGHT, "book-8": ""})
    assert (stale.status_code, "None of the selected books" in stale.text) == (409, True)
    for fields, said in (
        ({"act": "accept", "book-8": ""}, "each needs its isbn13"),
        ({"act": "accept"}, "No book is selected"),
        ({"act": "merge", "book-8": ""}, "two or more"),
        ({"act": "like", "book-8": ""}, "The decision"),
        ({"act": "exclude", "book-x": ""}, "is not the number of a book"),
    ):
        page = await send(await admitted.get(where), **fields)
        assert (page.status_code, said in page.text) == (422, True), fields
    assert len(await sql("SELECT id FROM curation_decision")) == 1
    page = await send(await admitted.get(where), act="not_notable", month="2023-11", **{"book-7": RIGHT, "book-8": ""})
    assert message(page) == "2 decisions: excluded as not notable; excluded as not notable."
    version = (await api.get("/api/catalogue/books")).json()["version"]
    merged = {"act": "merge", "books": [{"work_id": 7}, {"work_id": 8}], "why": "one book"}
    old = await api.post("/api/catalogue/decisions", json=merged | {"expected": version - 1})
    assert (old.status_code, old.json()["error"]["details"]["work_id"]) == (409, 8)
    first = await api.post("/api/catalogue/decisions", json=merged | {"expected": version - 2})
    assert (first.status_code, first.json()["error"]["details"]["work_id"]) == (409, 7)
    tried = await api.post("/api/catalogue/decisions", json=merged | {"expected": version, "dry_run": True})
    assert tried.json()["message"] == "dry run: 1 decision: book 8 merged into book 7"
    await api.post("/api/catalogue/decisions", json=merged | {"expected": version})
    assert [each["id"] for each in (await api.get("/api/catalogue/books")).json()["books"]] == [7]


async def test_two_persons_on_one_book_see_both_and_may_decide_again(admitted, sql):
    before = await admitted.get(PAGE)
    stale = {"token": token_of(before), "expected": hidden(before, "expected", FORM)}
    await decide(admitted, act="reject", isbn13=RIGHT, why="a <reprint>")
    page = await admitted.post(
        FORM, data={**stale, "act": "pin", "isbn13": RIGHT, "why": "the first edition", "who": "Bob"}
    )
    assert page.status_code == 409
    for shown in ("a &lt;reprint&gt;", "Ann", "the first edition", "Bob"):
        assert shown in page.text
    assert [row["act"] for row in await sql("SELECT act FROM curation_decision")] == ["reject"]
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    assert message(await admitted.post(FORM, data=again, follow_redirects=True)) == f"ISBN {RIGHT} pinned by Bob."
    assert [row["who"] for row in await sql("SELECT who FROM curation_decision ORDER BY id")] == ["Ann", "Bob"]


async def test_what_cannot_be_decided_is_explained(admitted, sql):
    for fields, status, said in (
        ({"act": "reject", "isbn13": "123"}, 422, "ISBN"),
        ({"act": "reject", "isbn13": RIGHT, "why": " "}, 422, "Reason"),
        ({"act": "reject", "isbn13": RIGHT, "expected": "x"}, 422, "reload the page"),
        ({"act": "correct", "isbn13": RIGHT, "field": "price", "value": "1"}, 422, "field"),
        ({"act": "correct", "isbn13": RIGHT, "field": "pages", "value": "many"}, 422, "pages is a number"),
        ({"act": "exclude", "month": "May"}, 422, "Month"),
        ({"act": "undo", "decision": "99"}, 404, "there is no decision 99"),
        ({"act": "undo"}, 422, "is not the number"),
        ({"act": "like"}, 404, "no such page"),
    ):  # fmt: skip
        page = await decide(admitted, **fields)
        assert page.status_code == status, fields
        assert said in page.text, fields
    assert await sql("SELECT id FROM curation_decision") == []


async def test_only_visitors_who_logged_in_decide(admitted, sql, system):
    """A public dashboard shows decisions without any form, and refuses those of other pages."""
    await decide(admitted, act="exclude", month="2023-11")
    public = dataclasses.replace(system, settings=system.settings.model_copy(update={"dashboard_public": True}))
    sent = {"act": "reject", "isbn13": RIGHT, "why": "x", "expected": "1"}
    async with browser(create_app(public, WebhookSecrets((SECRET,)))) as visitor:
        page = await visitor.get(PAGE)
        assert "excluded from 2023-11" in page.text
        assert "<form" not in page.text
        assert "Decide about" not in page.text
        assert (await visitor.post(FORM, data=sent)).status_code == 401
    for token in ({}, {"token": "forged"}):
        assert (await admitted.post(FORM, data=sent | token)).status_code == 403
    assert [row["act"] for row in await sql("SELECT act FROM curation_decision")] == ["exclude"]
