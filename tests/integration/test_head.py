"""HEAD is answered as GET without a body on every route, as load balancers and monitors use it."""

import asyncio
import re

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")
PLACES = {
    "month": "2023-11",
    "job_id": "1",
    "name": "dashboard.css",
    "id": "1",
    "work_id": "1",
    "isbn13": "9780306406157",
}
STREAM = "/events"
NONCE = re.compile(r"nonce-[\w-]+")
OF_THE_BODY = {"date", "x-request-id", "content-length", "set-cookie"}  # as it names times, ids and tokens


def readable_paths(app):
    """The paths of all routes that can be read, with an example in each place."""
    for route in app.router.routes:
        for each in getattr(getattr(route, "original_router", None), "routes", [route]):
            if "GET" in (getattr(each, "methods", None) or ()):
                yield re.sub(r"\{(\w+)[^}]*\}", lambda place: PLACES[place[1]], each.path)


def headers_of(response):
    plain = {name: NONCE.sub("nonce", value) for name, value in response.headers.items()}
    return {name: value for name, value in plain.items() if name not in OF_THE_BODY}


async def test_head_has_the_status_and_headers_of_get_on_every_route(app, api, admitted, seeded_pages, cases):
    found = {*readable_paths(app)} - {STREAM}
    assert len(found) > 12
    with cases() as case:
        for path in found:
            with case(path):
                client = api if path.startswith("/api/internal") else admitted
                got, headed = await client.get(path), await client.head(path)
                assert headed.content == b""
                assert (headed.status_code, headers_of(headed)) == (got.status_code, headers_of(got))
                assert "content-length" in headed.headers


async def test_head_of_the_stream_ends(app, admitted, seeded_pages):
    async with asyncio.timeout(5):
        response = await admitted.head(f"{STREAM}?since=1-300")
    assert response.status_code == 200, response.headers
    assert response.headers["content-type"].startswith("text/event-stream")
    assert app.state.snapshots._streams == {}


async def test_head_needs_the_secret_where_get_does(api):
    for headers, status in (({"X-Cron-Secret": "wrong"}, 401), ({}, 200)):
        assert (await api.head("/api/internal/months", headers=headers)).status_code == status


async def test_head_where_nothing_can_be_read_is_refused(api):
    response = await api.head("/api/internal/retry")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert (await api.post("/health/live")).headers["allow"] == "GET, HEAD"
    assert (await api.head("/nothing")).status_code == 404


async def test_head_is_counted_as_head(api):
    await api.head("/health/live")
    counted = (await api.get("/metrics")).text
    assert re.search(r'alexandria_http_\w+total\{method="HEAD",route="/health/live",status="200"\} [1-9]', counted)
