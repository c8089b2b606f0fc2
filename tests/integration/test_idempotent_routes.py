"""Every route that writes keeps the promise of Idempotency-Key; the routes are taken from the application itself."""

import re
import secrets

import httpx2
import pytest

from alexandria.backfill.repositories import months
from alexandria.operations import idempotency
from alexandria.operations.idempotency import IdempotentCall
from alexandria.web.dashboard.rendering import ActionRoute
from alexandria.web.idempotency import REPLAYED_HEADER, canonical_json
from alexandria.web.routing import WRITING_METHODS, InternalRoute
from tests.support.dashboard_visitors import PREVIOUS, SECRET, hidden

pytestmark = pytest.mark.asyncio(loop_scope="module")

INTERNAL = "/api/internal"
WORK, DECISION = "/api/catalogue/works/{work_id}", "/api/catalogue/decisions/{decision_id}"
BOOK = {"isbn13": "9780861545896", "why": "once", "expected": 1}
OTHER = {"other_work_id": 8, "why": "once", "expected": 1}
SPLIT = {"isbns": ["9780861545896"], "why": "once", "expected": 1}
MANY = {"act": "exclude", "books": [{"work_id": 7}, {"work_id": 8}], "why": "once", "expected": 1}
# Two bodies of each writing route, of which the second is another call. A new route needs a line here.
BODIES = {
    f"{WORK}/reject": (BOOK, BOOK | {"why": "twice"}),
    f"{WORK}/pin": (BOOK, BOOK | {"why": "twice"}),
    f"{WORK}/accept": (BOOK, BOOK | {"why": "twice"}),
    f"{WORK}/exclude": ({"why": "once", "expected": 1}, {"why": "twice", "expected": 1}),
    f"{WORK}/correct": (BOOK | {"field": "pages", "value": "9"}, BOOK | {"field": "pages", "value": "8"}),
    f"{WORK}/merge": (OTHER, OTHER | {"why": "twice"}),
    f"{WORK}/same": (OTHER, OTHER | {"why": "twice"}),
    f"{WORK}/different": (OTHER, OTHER | {"why": "twice"}),
    f"{WORK}/split": (SPLIT, SPLIT | {"why": "twice"}),
    "/api/catalogue/decisions": (MANY, MANY | {"why": "twice"}),
    f"{DECISION}/undo": ({"why": "once", "expected": 1}, {"why": "twice", "expected": 1}),
    "schedule-backfill": ({"batch_size": 1}, {"batch_size": 2}),
    "seed-backfill-queue": ({"year_start": 2018, "year_end": 2019}, {"year_start": 2018, "year_end": 2018}),
    "retry": ({"status": "failed"}, {"months": ["2024-12"]}),
    "pause": ({"minutes": 5, "reason": "once"}, {"minutes": 6}),
    "resume": ({}, {"provider": "isbndb"}),
    "rollout/start": ({"why": "once"}, {"why": "twice"}),
    "rollout/hold": ({"why": "once"}, {"why": "twice"}),
    "rollout/release": ({}, {"why": "twice"}),
    "rollout/approve": ({}, {"why": "twice"}),
    "rollout/override": ({"why": "once"}, {"why": "twice"}),
    "rollout/override-in-advance": ({"why": "once", "phase": 1}, {"why": "once", "phase": 2}),
}
CATALOGUE = (  # works 7 and 8, of which the first has an edition, and decision 1 on it
    "INSERT INTO work (id, key, title, author) OVERRIDING SYSTEM VALUE VALUES (7, 'k', 'Prophet Song', 'Paul Lynch')",
    "INSERT INTO work (id, key, title, author) OVERRIDING SYSTEM VALUE VALUES (8, 'l', 'The Bee Sting', 'Paul Murray')",
    "INSERT INTO edition (isbn13, work_id, title) VALUES ('9780861545896', 7, 'Prophet Song')",
    "INSERT INTO curation_decision (who, why, act, work_id) VALUES ('Ann', 'not notable', 'exclude', 7)",
)
AUDITED = "SELECT (SELECT count(*) FROM audit) + (SELECT count(*) FROM rollout_log) AS n"
STATE = ("backfill_log", "control", "rollout", "curation_decision")  # what the calls read and write


@pytest.fixture(autouse=True)
async def _seeded(empty, system, sql):
    await sql("TRUNCATE idempotent_response")
    await sql("UPDATE control SET paused_since = NULL, paused_until = NULL")
    await sql(
        "SET LOCAL session_replication_role = replica; TRUNCATE rollout, curation_decision RESTART IDENTITY CASCADE"
    )
    async with system.database.transaction() as connection:
        await months.seed(connection, 2020, 2024)
        for statement in CATALOGUE:
            await connection.execute(statement)


def template_of(route):
    return route if route.startswith("/") else f"{INTERNAL}/{route}"


def path_of(route):
    return template_of(route).replace("{work_id}", "7").replace("{decision_id}", "1")


async def call(api, route, body, key="k", secret=SECRET):
    return await api.post(path_of(route), json=body, headers={"Idempotency-Key": key, "X-Cron-Secret": secret})


def writing_routes(app):
    """The paths of all routes that write, and the class that serves each."""
    found = {}
    for route in app.router.routes:
        for each in getattr(getattr(route, "original_router", None), "routes", [route]):
            if WRITING_METHODS & {*(getattr(each, "methods", None) or ())}:
                found[each.path] = each
    return found


async def test_every_route_that_writes_is_tested_here(app):
    routes = writing_routes(app)
    internal = {path for path, route in routes.items() if isinstance(route, InternalRoute)}
    assert internal == {*map(template_of, BODIES)}
    described = {
        path for path, methods in app.openapi()["paths"].items() if {"post", "put", "patch", "delete"} & {*methods}
    }
    assert described == internal


@pytest.mark.parametrize("route", BODIES)
async def test_the_same_key_gets_the_same_response_and_writes_once(api, sql, route):
    body, _ = BODIES[route]
    first = await call(api, route, body)
    [before] = await sql(AUDITED)
    again = await call(api, route, body)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert (first.headers.get(REPLAYED_HEADER), again.headers.get(REPLAYED_HEADER)) == (None, "true")
    assert await sql(AUDITED) == [before]
    assert await sql("SELECT count(*) AS n FROM idempotent_response") == [{"n": 1}]


@pytest.mark.parametrize("route", BODIES)
async def test_the_same_key_with_another_body_is_422(api, sql, route):
    body, other = BODIES[route]
    await call(api, route, body)
    [before] = await sql(AUDITED)
    refused = await call(api, route, other)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert refused.json()["error"]["details"]["hint"]
    assert await sql(AUDITED) == [before]
    assert REPLAYED_HEADER not in (await call(api, route, other, key="new")).headers


@pytest.mark.parametrize("route", BODIES)
async def test_a_call_in_flight_is_409_with_retry_after(api, sql, system, route):
    """Another process holds the key, in the middle of its transaction."""
    body, _ = BODIES[route]
    sent = canonical_json(httpx2.Request("POST", "http://x", json=body).read())
    under_way = IdempotentCall.of(SECRET, path_of(route), "k", sent)
    async with system.database.transaction() as connection:
        assert await idempotency.try_lock(connection, under_way)
        waiting = await call(api, route, body)
        assert (waiting.status_code, waiting.json()["error"]["code"]) == (409, "call_in_progress")
        assert int(waiting.headers["retry-after"]) > 0
    assert await sql("SELECT 1 FROM idempotent_response") == []
    assert REPLAYED_HEADER not in (await call(api, route, body)).headers


@pytest.mark.parametrize("route", BODIES)
async def test_neither_401_nor_5xx_is_stored(api, sql, route):
    """The 5xx of a database that lacks what the call needs; what is there again is used."""
    body, _ = BODIES[route]
    refused = await call(api, route, body, secret="wrong")
    assert refused.status_code == 401
    for table in STATE:
        await sql(f"ALTER TABLE {table} RENAME TO hidden_{table}")
    try:
        failed = await call(api, route, body)
    finally:
        for table in STATE:
            await sql(f"ALTER TABLE hidden_{table} RENAME TO {table}")
    assert failed.status_code >= 500
    assert await sql("SELECT 1 FROM idempotent_response") == []
    assert REPLAYED_HEADER not in (await call(api, route, body)).headers


@pytest.mark.parametrize("route", BODIES)
async def test_a_key_belongs_to_its_credential(api, route):
    body, _ = BODIES[route]
    await call(api, route, body)
    assert REPLAYED_HEADER not in (await call(api, route, body, secret=PREVIOUS)).headers


# ---- forms of the pages

FIELDS = {
    "/schedule": {"months": "2"},
    "/seed": {"start": "2018", "end": "2019"},
    "/retry": {"month": "2024-12"},
    "/pause": {"why": "once"},
    "/resume": {},
    "/rollout/{action}": {"why": "once"},
    "/review": {"answer": "undo:1", "why": "once"},
    "/books/decisions": {"act": "not_notable", "book-8": "", "why": "once", "expected": "1"},
    "/works/{id}/decisions": {"act": "exclude", "why": "once", "expected": "1"},
}


async def test_every_form_has_a_line_here_and_a_key_in_the_page(app, admitted):
    paths = {path for path, route in writing_routes(app).items() if isinstance(route, ActionRoute)}
    assert paths - {"/logout"} == {*FIELDS}
    for page in ("/", "/schedule", "/months/2024-12", "/works/7", "/review", "/books"):
        forms = re.findall(r"<form[^>]*method=\"post\".*?</form>", (await admitted.get(page)).text, re.DOTALL)
        for form in forms:
            assert 'name="call" value="' in form or "/logout" in form, form


@pytest.mark.parametrize("path", FIELDS)
async def test_a_form_that_is_sent_twice_is_carried_out_once(admitted, sql, path):
    page = await admitted.get("/")
    form = {"token": hidden(page, "token"), "call": secrets.token_urlsafe(16), **FIELDS[path]}
    if path == "/schedule":
        form["plan"] = hidden(await admitted.get("/schedule?months=2"), "plan")
    where = path.replace("{action}", "start").replace("{id}", "7")
    first = await admitted.post(where, data=form)
    [before] = await sql(AUDITED)
    again = await admitted.post(where, data=form)
    assert first.status_code == 303
    assert again.headers[REPLAYED_HEADER] == "true"
    assert (again.status_code, again.headers["set-cookie"]) == (303, first.headers["set-cookie"])
    assert await sql(AUDITED) == [before]
