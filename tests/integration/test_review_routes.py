"""The review queue by HTTP and by command: each reason, its order, its pages, and what an answer does to it."""

from __future__ import annotations

import json

import pytest
import pytest_asyncio

from tests.support.review_cases import REASONS, fill_cases, isbn_of

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def cases(empty, shared_database_url):
    return fill_cases(shared_database_url)


async def queue(api, **query):
    answer = await api.get("/api/review", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@in_one_loop
async def test_each_reason_is_asked_about_what_is_most_likely_wrong_first(cases, api):
    found = await queue(api)
    by_number = {number: name for name, number in cases.items()}
    assert [(by_number[each["work_id"]], each["subject"], each["reasons"]) for each in found["items"]] == [
        ("doubtful", isbn_of(4), ["doubtful"]),
        ("disputed", isbn_of(2), ["disputed"]),
        ("undecided", isbn_of(3), ["undecided"]),
        ("contradicted", "2019-07", ["contradicted"]),
        ("repeated", "2019-03", ["repeated"]),
        ("repeated", "2019-04", ["repeated"]),
        ("other_title", "2019-05", ["repeated"]),
        ("other_title", "2019-06", ["repeated", "other_title"]),
        ("unsure", isbn_of(5), ["unsure"]),
        ("sample", found["items"][-1]["isbn13"], ["sample"]),
    ]
    assert {each["accept"] for each in found["items"] if each["reasons"][0] in {"doubtful", "undecided"}} == {"pin"}
    assert found["waiting"] == {"all": 10, **dict.fromkeys(REASONS, 1), "repeated": 4}
    assert [record["verdict"] for record in found["items"][1]["records"]] == ["accept", "refuse"]
    for reason in REASONS:
        only = await queue(api, reason=reason)
        assert only["items"] == [each for each in found["items"] if reason in each["reasons"]]


@in_one_loop
async def test_pages_follow_each_other_and_a_wrong_place_is_refused(cases, api):
    whole, listed, after = (await queue(api))["items"], [], ""
    while after is not None:
        page = await queue(api, limit=3, after=after)
        listed += page["items"]
        after = page["next"]
    assert listed == whole
    for wrong in ({"after": "x"}, {"after": "WzEsMiwzXQ"}, {"reason": "no"}, {"limit": 0}, {"limit": 201}, {"page": 1}):
        assert (await api.get("/api/review", params=wrong)).status_code == 422


@in_one_loop
async def test_answers_take_questions_off_the_queue(cases, api, sql):
    """Each act by its own route; a book without a question is no longer listed as needing review."""
    acts = (
        ("unsure", "accept", {"isbn13": isbn_of(5)}),
        ("disputed", "reject", {"isbn13": isbn_of(2)}),
        ("doubtful", "pin", {"isbn13": isbn_of(4)}),
        ("undecided", "reject", {"isbn13": isbn_of(3)}),
        ("contradicted", "accept", {"month": "2019-07"}),
        ("repeated", "exclude", {"month": "2019-04"}),
    )
    listed = (await api.get("/api/catalogue/books", params={"needs_review": True})).json()["books"]
    assert {each["id"] for each in listed} == {number for name, number in cases.items() if name != "fine"}
    for name, act, body in acts:
        work = f"/api/catalogue/works/{cases[name]}"
        made = await api.post(f"{work}/{act}", json={"why": "looked", "who": "Ann", "expected": 0, **body})
        assert made.status_code == 200, made.text
    assert {each["work_id"] for each in (await queue(api))["items"]} == {cases["other_title"], cases["sample"]}
    listed = (await api.get("/api/catalogue/books", params={"needs_review": True})).json()["books"]
    assert {each["id"] for each in listed} == {cases["other_title"], cases["sample"]}
    [made] = (await api.get(f"/api/catalogue/works/{cases['unsure']}/decisions")).json()["decisions"]
    assert (made["act"], made["who"], made["isbn13"], made["month"]) == ("accept", "Ann", isbn_of(5), None)
    undone = await api.post(f"/api/catalogue/decisions/{made['id']}/undo", json={"why": "no", "expected": made["id"]})
    assert undone.status_code == 200
    assert isbn_of(5) in {each["subject"] for each in (await queue(api))["items"]}


@in_one_loop
async def test_an_answer_must_be_about_something_that_was_found(cases, api):
    work, body = f"/api/catalogue/works/{cases['unsure']}/accept", {"why": "looked", "expected": 0}
    for wrong in ({}, {"isbn13": isbn_of(5), "month": "2019-07"}, {"isbn13": "123"}, {"month": "2019-13"}):
        assert (await api.post(work, json=body | wrong)).status_code == 422
    for unknown in ({"isbn13": isbn_of(2)}, {"isbn13": "9780861545896"}, {"month": "2019-08"}):
        assert (await api.post(work, json=body | unknown)).status_code == 404
    rejected = await api.post(work.replace("/accept", "/reject"), json=body | {"isbn13": isbn_of(5)})
    assert rejected.status_code == 200
    late = await api.post(work, json=body | {"isbn13": isbn_of(5)})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "decision_conflict")
    version = rejected.json()["version"]
    refused = await api.post(work, json=body | {"isbn13": isbn_of(5), "expected": version})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_now")


def test_the_queue_by_command(alexandria, asked, database_url, monkeypatch):
    monkeypatch.setattr("alexandria.cli.output.console.DEFAULT_WIDTH", 80)
    assert alexandria("review")[0] == 3
    numbers = fill_cases(database_url)
    code, out, _ = alexandria("review")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"{isbn_of(4)}  Doubtful"
    assert f"alexandria curate pin {numbers['doubtful']} {isbn_of(4)} --why REASON" in out
    assert max(map(len, lines)) <= 80
    code, found = asked("review", "list", "--reason", "contradicted")
    assert [each["subject"] for each in found["data"]["items"]] == ["2019-07"]
    assert "--after" in alexandria("review", "list", "--limit", 2)[2]
    assert asked("review", "list", "--reason", "no")[0] == 2
    code, out, _ = alexandria(
        "curate", "accept", numbers["contradicted"], "--month", "2019-07", "--why", "announced so"
    )
    assert (code, "accepted as a book of 2019-07 by" in out) == (0, True)
    assert alexandria("review", "list", "--reason", "contradicted")[0] == 3
    assert f"book {numbers['unsure']}" in alexandria("books", "--needs-review")[1]


def test_decisions_are_exported_for_the_benchmark(alexandria, asked, database_url, tmp_path):
    numbers, out = fill_cases(database_url), tmp_path / "reviewed.jsonl"
    assert alexandria("review", "export")[0] == 3
    for work, isbn13, act in (("unsure", isbn_of(5), "accept"), ("disputed", isbn_of(2), "reject")):
        named = ("--isbn", isbn13) if act == "accept" else (isbn13,)
        assert alexandria("curate", act, numbers[work], *named, "--why", "looked")[0] == 0
    code, found = asked("review", "export", "--out", out)
    assert (code, found["data"]) == (0, {"pairs": 2, "file": str(out)})
    pairs = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(pair["label"], pair["stratum"], pair["query"]["title"]) for pair in pairs] == [
        ("same_work", "suspected", "Unsure"),
        ("another_work", "suspected", "Disputed"),
    ]
    assert pairs[0]["strata"] == {"suspected": 2, "sampled": 5}
    assert alexandria("review", "export")[1] == out.read_text()
