"""The page of the review queue: plain forms answer and undo; a public dashboard shows it, and never writes."""

from __future__ import annotations

import dataclasses
import html
import re

import pytest
import pytest_asyncio

from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.web.app import create_app
from tests.support.dashboard_visitors import SECRET, browser, message, token_of
from tests.support.review_cases import fill_cases, isbn_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def cases(empty, shared_database_url):
    return fill_cases(shared_database_url)


def buttons(page):
    return re.findall(r'name="answer" value="([^"]+)"', page.text)


def hidden(page, name):
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


async def press(client, page, value, **fields):
    """Press a button of the page; returns the page that follows."""
    names = ("token", "call", "reason", "after", "at", "decided")
    given = {name: hidden(page, name) for name in names}
    return await client.post("/review", data=given | {"answer": value} | fields, follow_redirects=True)


async def test_every_question_is_answered_and_undone_by_the_form(cases, admitted, sql):
    page = await admitted.get("/review")
    first = page.text
    assert first.count("<h2>") == 10
    while accepts := [value for value in buttons(page) if value.startswith("accept:")]:
        page = await press(admitted, page, accepts[0], who="Ann")
        assert message(page).endswith("by Ann.")
    assert "Nothing waits for a review" in page.text
    made = await sql("SELECT act, who, why FROM curation_decision ORDER BY id")
    assert {row["act"] for row in made} == {"pin", "accept"}
    assert {(row["who"], row["why"]) for row in made} == {("Ann", "reviewed")}
    for _ in made:
        [undo] = [value for value in buttons(page) if value.startswith("undo:")]
        page = await press(admitted, page, undo)
        assert message(page) == f"Decision {undo.removeprefix('undo:')} undone by dashboard."
    assert page.text.count("<h2>") == 10
    assert not [value for value in buttons(page) if value.startswith("undo:")]
    assert await sql("SELECT id FROM standing_decision") == []


async def test_rejections_are_those_of_their_question(cases, admitted, sql):
    page = await admitted.get("/review?reason=contradicted")
    [reject] = [value for value in buttons(page) if value.startswith("reject:")]
    page = await press(admitted, page, reject, why="announced for August")
    assert message(page) == "Excluded from 2019-07 by dashboard."
    assert str(page.url).startswith("http://alexandria/review?reason=contradicted")
    assert "Nothing waits for a review for this reason" in page.text
    page = await admitted.get("/review?reason=disputed")
    page = await press(admitted, page, buttons(page)[1])
    assert message(page) == f"ISBN {isbn_of(2)} rejected by dashboard."
    made = await sql("SELECT act, why FROM curation_decision ORDER BY id")
    assert [(row["act"], row["why"]) for row in made] == [("exclude", "announced for August"), ("reject", "reviewed")]


async def test_what_changed_meanwhile_is_not_stored_and_shown_again(cases, admitted, api, sql):
    page = await admitted.get("/review?reason=unsure")
    body = {"isbn13": isbn_of(5), "why": "looked", "who": "Bob", "expected": 0}
    excluded = await api.post(
        f"/api/catalogue/works/{cases['unsure']}/exclude", json={"month": "2019-07", "why": "no", "expected": 0}
    )
    again = await press(admitted, page, buttons(page)[0])
    said = f"Not stored: work {cases['unsure']} was decided on meanwhile: 1 decision, the newest exclude by api"
    assert message(again).startswith(said)
    version = excluded.json()["version"]
    assert f"accept:{cases['unsure']}:{isbn_of(5)}:{version}" in buttons(again)
    await api.post(f"/api/catalogue/works/{cases['unsure']}/reject", json=body | {"expected": version})
    late = await press(admitted, again, buttons(again)[0])
    assert message(late).startswith(f"Not stored: no question about {isbn_of(5)} of work {cases['unsure']} waits")
    assert len(await sql("SELECT id FROM curation_decision")) == 2


async def test_wrong_input_is_an_error_and_another_sites_form_is_refused(cases, admitted):
    page = await admitted.get("/review")
    for wrong in ("", "accept", "accept:x:y:0", "like:1:2:0", "undo:x", "undo:-1"):
        assert (await press(admitted, page, wrong)).status_code == 422, wrong
    long = await press(admitted, page, buttons(page)[0], why="x" * 301)
    assert (long.status_code, "Reason: " in html.unescape(long.text)) == (422, True)
    stale = await press(admitted, page, "undo:999999999")
    assert message(stale) == "Not stored: there is no decision 999999999 (the history of a book has their numbers)"
    forged = await admitted.post("/review", data={"answer": buttons(page)[0], "token": "forged"})
    assert forged.status_code == 403
    for wrong in ("?reason=no", "?after=x", "?limit=0", "?page=2"):
        assert (await admitted.get(f"/review{wrong}")).status_code == 422
    odd = await admitted.get("/review?at=99&decided=1,x,,2")
    assert (odd.status_code, odd.text.count('aria-current="true"')) == (200, 2)


async def test_a_public_dashboard_shows_the_queue_and_never_writes(cases, system, sql):
    public = dataclasses.replace(system, settings=system.settings.model_copy(update={"dashboard_public": True}))
    async with browser(create_app(public, WebhookSecrets((SECRET,)))) as visitor:
        page = await visitor.get("/review")
        assert (page.status_code, page.text.count("<h2>"), buttons(page)) == (200, 10, [])
        token = token_of(await visitor.get("/login"))
        answer = f"accept:{cases['unsure']}:{isbn_of(5)}:0"
        refused = await visitor.post("/review", data={"answer": answer, "token": token})
        assert refused.status_code == 401
    assert await sql("SELECT id FROM curation_decision") == []


async def test_a_stranger_logs_in_first(stranger):
    answer = await stranger.get("/review")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?to=/review")
