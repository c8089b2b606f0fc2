"""Persons decide about books by HTTP and by command; the month's page and answer show it as theirs."""

from __future__ import annotations

import json

import psycopg
import pytest
import pytest_asyncio

from alexandria.core.month import Month
from alexandria.operations import earlier_results
from tests.support.curated_book import BOOK, OTHER_BOOK, REPRINT, RIGHT

WORK = "/api/catalogue/works/7"


@pytest_asyncio.fixture(loop_scope="module")
async def book(empty, sql):
    for statement in BOOK.split(";"):
        await sql(statement)


@pytest.mark.asyncio(loop_scope="module")
async def test_decisions_by_http_are_checked_kept_and_shown_as_a_persons(book, api, admitted, sql):
    wanted = {"isbn13": "978-0-86154-589-6", "why": "a <reprint>", "who": "Ann", "expected": 0}
    assert (
        (await api.post(f"{WORK}/reject", json=wanted | {"dry_run": True}))
        .json()["message"]
        .startswith("dry run: ISBN")
    )
    assert (await api.get(f"{WORK}/decisions")).json() == {"work_id": 7, "version": 0, "decisions": []}
    for wrong in ({"why": ""}, {"expected": -1}, {"isbn13": "123"}, {"dryrun": True}):
        assert (await api.post(f"{WORK}/reject", json=wanted | wrong)).status_code == 422
    refused = await api.post(f"{WORK}/reject", json=wanted, headers={"X-Cron-Secret": "wrong"})
    assert refused.status_code == 401
    key = {"Idempotency-Key": "once"}
    answers = [await api.post(f"{WORK}/reject", json=wanted, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    first = answers[0].json()["decision"]
    assert (first["act"], first["who"], first["isbn13"]) == ("reject", "Ann", RIGHT)

    conflict = await api.post(f"{WORK}/pin", json={"isbn13": REPRINT, "why": "right", "who": "Bob", "expected": 0})
    assert conflict.status_code == 409
    error = conflict.json()["error"]
    assert (error["code"], error["details"]["yours"]["who"]) == ("decision_conflict", "Bob")
    assert [(row["who"], row["act"]) for row in error["details"]["theirs"]] == [("Ann", "reject")]

    month = (await api.get("/api/internal/months/2023-11")).json()
    [candidate] = month["candidates"]
    assert (candidate["isbn13"], candidate["reviewed_isbn13"]) == (RIGHT, None)
    assert (month["isbns_resolved"], month["after_review"]) == (1, {"books": 1, "resolved": 0})
    page = (await admitted.get("/months/2023-11")).text
    assert "Decided by Ann" in page
    assert "a &lt;reprint&gt;" in page
    assert "<dt>After review</dt><dd>0 of 1 book" in page

    for path, body in (
        ("pin", {"isbn13": REPRINT}),
        ("correct", {"isbn13": REPRINT, "field": "published", "value": "2023-08"}),
        ("exclude", {"month": "2023-11"}),
    ):
        version = (await api.get(f"{WORK}/decisions")).json()["version"]
        made = await api.post(f"{WORK}/{path}", json={"why": "looked", "expected": version, **body})
        assert made.status_code == 200, made.text
        assert made.json()["decision"]["who"] == "api"
    last = made.json()["version"]
    undone = await api.post(f"/api/catalogue/decisions/{last}/undo", json={"why": "no", "expected": last})
    assert undone.json()["message"] == f"decision {last} undone by api: no"
    listed = (await api.get("/api/catalogue/books")).json()["books"]
    assert [(each["isbn13"], each["reviewed"]) for each in listed] == [(REPRINT, True)]
    work = (await api.get("/api/catalogue/works/7")).json()
    assert [(each["isbn13"], each["withdrawn"]) for each in work["editions"]] == [(RIGHT, True), (REPRINT, False)]
    assert [(each["reviewed_isbn13"], each["excluded"]) for each in work["decisions"]] == [(REPRINT, False)]
    assert [each["act"] for each in work["curation"]] == ["undo", "exclude", "correct", "pin", "reject"]
    assert work["version"] == work["curation"][0]["id"]
    audited = await sql("SELECT who, act FROM audit ORDER BY id")
    assert [(row["who"], row["act"]) for row in audited] == [
        ("Ann by api", "curation_reject"), ("api", "curation_pin"), ("api", "curation_correct"),
        ("api", "curation_exclude"), ("api", "curation_undo"),
    ]  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
async def test_earlier_results_are_answered_and_shown_with_their_evidence(empty, api, admitted, sql, system):
    await sql("INSERT INTO backfill_log (year, month) VALUES (2022, 1)")
    for title in ("One", "Two"):
        await sql(
            "INSERT INTO candidate (year, month, position, title, author, named_by, reason, evidence)"
            " VALUES (2022, 1, 0, %s, 'A', '{gemini}', 'no source knows it', %s)",
            title,
            json.dumps([{"verdict": "refuse", "source": "open_library", "source_id": "/books/OL9M", "score": 1,
                         "title": "Another", "authors": ["B"], "isbn13": None, "reasons": ["another title"]}]),
        )  # fmt: skip
        await sql("DELETE FROM candidate")
    path = "/api/internal/months/2022-01/earlier"
    newest = (await api.get(path, params={"limit": 1})).json()
    assert [each["title"] for each in newest["results"]] == ["Two"]
    following = (await api.get(path, params={"before": newest["next"]})).json()
    assert ([each["title"] for each in following["results"]], following["next"]) == (["One"], None)
    page = (await admitted.get("/months/2022-01")).text
    assert "Earlier results" in page
    assert "another title" in page
    assert (await api.get("/api/internal/months/1950-01/earlier")).status_code == 404
    shown = await earlier_results.show_earlier(system, Month(2022, 1))
    assert len(shown.results) == 2


def test_decisions_by_command(alexandria, asked, database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(BOOK)
        connection.execute(OTHER_BOOK)
    code, found = asked("curate", "show", 7)
    assert (code, found["data"]) == (3, {"work_id": 7, "version": 0, "decisions": []})
    code, out, _ = alexandria("curate", "reject", 7, RIGHT, "--why", "a reprint", "--who", "Ann")
    assert (code, out) == (0, f"ISBN {RIGHT} rejected by Ann: a reprint\n")
    code, found = asked("curate", "pin", 7, RIGHT, "--why", "no", "--expected", 0)
    assert (code, found["error"]["code"]) == (5, "decision_conflict")
    code, found = asked("curate", "pin", 7, RIGHT, "--why", "no", "-n")
    assert (code, found["data"]["dry_run"], found["data"]["decision"]["act"]) == (0, True, "pin")
    for command in (
        ("correct", 7, RIGHT, "publisher", "Oneworld", "--why", "misspelt"),
        ("exclude", 7, "--month", "2023-11", "--why", "a reprint"),
    ):
        assert alexandria("curate", *command)[0] == 0
    code, found = asked("curate", "show", 7)
    assert [row["act"] for row in found["data"]["decisions"]] == ["exclude", "correct", "reject"]
    assert alexandria("curate", "undo", found["data"]["version"], "--why", "it is of the month")[0] == 0
    code, out, _ = alexandria("month", "2023-11")
    assert "Prophet Song: ISBN 9780861545896 rejected by Ann: a reprint" in out
    assert alexandria("month", "2023-11", "--earlier")[0] == 3
    assert alexandria("curate", "exclude", 7, "--why", "not notable")[0] == 0
    code, out, _ = alexandria("book", 7)
    for shown in (
        "withdrawn by a person",
        "excluded by a person",
        f"ISBN {RIGHT} rejected by Ann: a reprint (undone by",
    ):
        assert (shown in out) == ("undone" not in shown)
    for verdict, said in (
        ("different", "book 7 marked as different from book 8"),
        ("same", "book 8 merged into book 7"),
    ):
        code, out, _ = alexandria("curate", verdict, 7, 8, "--why", "looked", "--who", "Ann")
        assert (code, out) == (0, f"{said} by Ann: looked\n")
        code, found = asked("curate", "merge", 7, 8, "--why", "no")
        assert (code, found["error"]["code"]) == (5, "not_now")
        if verdict == "same":
            assert "merged with The Bee Sting by Paul Murray (book 8)" in alexandria("book", 8)[1]
        version = asked("curate", "show", 8)[1]["data"]["version"]
        assert alexandria("curate", "undo", version, "--why", "it was wrong")[0] == 0
    code, out, _ = alexandria(
        "curate", "correct", 7, "book", "title", "Prophet Song!", "--why", "title page", "--who", "Ann"
    )
    assert (code, out) == (0, "title of book 7 corrected to 'Prophet Song!' by Ann: title page\n")
    assert alexandria("curate", "correct", 7, "book", "publisher", "Oneworld", "--why", "no")[0] == 2
    code, out, _ = alexandria("curate", "split", 7, RIGHT, "--into", 8, "--why", "of it", "--who", "Ann")
    assert (code, out) == (0, f"{RIGHT} split off from book 7 to book 8 by Ann: of it\n")
    code, found = asked("curate", "split", 8, RIGHT, "--title", "A Play", "--why", "an adaptation")
    assert (code, found["data"]["decision"]["isbns"]) == (0, [RIGHT])
    for work in (8, 7):
        version = asked("curate", "show", work)[1]["data"]["version"]
        assert alexandria("curate", "undo", version, "--why", "it was wrong")[0] == 0
    code, out, _ = alexandria("curate", "many", "exclude", 7, 8, "--why", "not notable", "--who", "Ann", "-n")
    assert (code, out) == (0, "dry run: 2 decisions: excluded as not notable; excluded as not notable\n")
    assert alexandria("curate", "many", "reject", f"7={RIGHT}", "--why", "a reprint")[0] == 0
    assert asked("curate", "many", "reject", 7, "--why", "no")[1]["error"]["code"] == "bad_input"
