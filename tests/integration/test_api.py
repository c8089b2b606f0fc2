"""Rules for every route of the API: statuses, the error shape, the secret, headers, and that no secret leaks."""

import asyncio
import dataclasses
import itertools
import json
import re
import secrets
import threading
from datetime import datetime
from typing import Any, get_args

import httpx2
import psycopg
import pytest
import structlog
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from alexandria import bootstrap
from alexandria.bootstrap import Mode
from alexandria.core import config, errors
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.web.api import backfill
from alexandria.web.app import create_app
from alexandria.web.errors import STATUSES, documented

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET, PREVIOUS = "canary-secret-of-the-door", "canary-secret-of-yesterday"
SCHEDULE, SEED = "/api/internal/schedule-backfill", "/api/internal/seed-backfill-queue"
RETRY, PAUSE, RESUME = (f"/api/internal/{act}" for act in ("retry", "pause", "resume"))
ROLLOUT = [
    f"/api/internal/rollout/{act}" for act in ("start", "hold", "release", "approve", "override", "override-in-advance")
]
CURATION = [
    *(f"/api/catalogue/works/7/{act}" for act in ("reject", "pin", "accept", "exclude", "correct")),
    *(f"/api/catalogue/works/7/{act}" for act in ("merge", "same", "different", "split")),
    "/api/catalogue/decisions",
    "/api/catalogue/decisions/7/undo",
]
WRITES = [SCHEDULE, SEED, RETRY, PAUSE, RESUME, *ROLLOUT]
INTERNAL = [
    *(("POST", path) for path in WRITES + CURATION),
    ("GET", "/api/internal/backfill-stats"),
    ("GET", "/api/internal/months"),
    ("GET", "/api/internal/months/2023-11"),
    ("GET", "/api/internal/months/2023-11/earlier"),
    ("GET", "/api/internal/jobs/1"),
    ("GET", "/api/internal/rollout"),
    ("GET", "/api/internal/trends"),
    ("GET", "/api/internal/forecast"),
    ("GET", "/api/internal/daily-checks"),
    ("GET", "/api/internal/rollout/verdicts"),
]
VIEWED = [
    ("GET", "/api/catalogue/books"),
    ("GET", "/api/review"),
    ("GET", "/api/catalogue/books.csv"),
    ("GET", "/api/catalogue/books.mrc"),
    ("GET", "/api/catalogue/works/1"),
    ("GET", "/api/catalogue/works/1/decisions"),
    ("GET", "/api/catalogue/isbn/9780306406157"),
]  # as the pages are
PUBLIC = [
    ("GET", "/api/incidents"),
    ("GET", "/api/quota/status"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/metrics"),
]
ALL = INTERNAL + VIEWED + PUBLIC + [("GET", "/openapi.json"), ("GET", "/docs")]
LARGE = b'{"plan": "' + b"0" * 64 * 1024 + b'"}'
JSON = {"Content-Type": "application/json"}

MALFORMED = {
    "cut off": b'{"batch_size": 1',
    "words": b"hello",
    "a field twice": b'{"dry_run": true, "dry_run": false}',
    "not UTF-8": b'{"batch_size": "\xff"}',
    "UTF-16": '{"batch_size": 1}'.encode("utf-16"),
    "no number": b'{"batch_size": NaN}',
    "deep": b"[" * 60_000,
    "a number of 5000 digits": b'{"batch_size": ' + b"9" * 5000 + b"}",
}
VIOLATIONS = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"batch_size"',
    "an unknown field": b'{"dryrun": true}',
    "a field that cannot be encoded": b'{"\\ud800": true}',
    "a field of 60000 characters": b'{"' + b"x" * 60_000 + b'": 1}',
}
SCHEDULE_VIOLATIONS: list[dict[str, Any]] = [
    {"batch_size": 0}, {"batch_size": 51}, {"batch_size": "2"}, {"batch_size": True}, {"batch_size": 2.0},
    {"batch_size": 2.5}, {"batch_size": None}, {"batch_size": 10**30}, {"dry_run": "true"}, {"dry_run": 1},
    {"dry_run": None}, {"force_retry": 0}, {"year_range": 2023}, {"year_range": None}, {"year_range": [2023, 2023]},
    {"year_range": {"start": 1899}}, {"year_range": {"end": 2101}}, {"year_range": {"start": "2023"}},
    {"year_range": {"start": 2023.0}}, {"year_range": {"start": None}}, {"year_range": {"from": 2023}},
    {"year_range": {"start": True}}, {"plan": None}, {"plan": ""}, {"plan": "x"}, {"plan": 1}, {"plan": "\0"},
    {"plan": "0123456789abcdef-202311"}, {"plan": "0123456789abcdef-999999"}, {"plan": "0123456789abcdef-202313"},
    {"plan": "0123456789abcdef-202311", "dry_run": True},
]  # fmt: skip
SEED_VIOLATIONS: list[dict[str, Any]] = [
    {"year_start": 2024, "year_end": 2023}, {"year_start": 1899}, {"year_end": 2101}, {"year_start": "2000"},
    {"year_start": True}, {"year_end": 2000.0}, {"year_start": None}, {"years": 2000}, {"year_start": 2025},
]  # fmt: skip
RETRY_VIOLATIONS: list[dict[str, Any]] = [
    {"months": []}, {"months": "2023-11"}, {"months": ["2023-13"]}, {"months": [202311]}, {"months": None},
    {"months": ["2023-11\n"]}, {"status": "completed"}, {"status": ""}, {"status": None}, {"reason": ""},
    {"reason": "\0"}, {"reason": "x" * 301}, {"reason": None}, {"reason": 1}, {"status": "failed", "dry_run": 1},
    {"month": ["2023-11"]},
]  # fmt: skip
PAUSE_VIOLATIONS: list[dict[str, Any]] = [
    {"minutes": 0}, {"minutes": 525_601}, {"minutes": "5"}, {"minutes": True}, {"minutes": None}, {"minutes": 1.5},
    {"until": 1_900_000_000}, {"until": "1900000000"}, {"until": "2023-11-01"}, {"until": "2099-11-01T12:00"},
    {"until": "tomorrow"}, {"until": None}, {"until": "2020-01-01T00:00Z"}, {"reason": "a\nb"}, {"reason": None},
    {"until": "2099-11-01T12:00Z", "minutes": 5}, {"until": "9999-12-31T23:59:59-14:00"},
]  # fmt: skip
PATHS = {
    404: ["/api", "/api/internal", "/api/internal/nothing", "/api/internal/months/", "/Health/live", "/api//quota/status",
          "/api/internal/months/2099-01", "/api/internal/jobs/9223372036854775807", "/api/internal/months/2023-11/x",
          "/docs/oauth2-redirect", "/redoc", "/%00", "/health/live%2f"],
    422: ["/api/internal/months/2014-13", "/api/internal/months/1899-12", "/api/internal/months/x", "/api/internal/months/%00",
          "/api/internal/months/2023-1", "/api/internal/months/%ff", "/api/internal/jobs/0", "/api/internal/jobs/x",
          "/api/internal/jobs/-1", "/api/internal/jobs/9223372036854775808", "/api/internal/jobs/" + "9" * 5000,
          "/api/internal/months?status=done", "/api/internal/months?year=1899", "/api/internal/months?year=x",
          "/api/internal/months?staus=failed", "/api/internal/backfill-stats?x=1", "/api/quota/status?x"],
}  # fmt: skip


def check_shape(response, status, code=None):
    """Check the error shape, and that the status is documented where the body is ours."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["success", "error", "meta"]
    assert body["success"] is False
    assert list(body["error"]) == ["code", "message", "details"]
    assert re.fullmatch("[a-z_]+", body["error"]["code"])
    assert code in {None, body["error"]["code"]}
    assert len(body["error"]["message"]) > 10
    assert body["meta"]["request_id"] == response.headers["x-request-id"]
    assert body["meta"]["latency_ms"] >= 0
    datetime.fromisoformat(body["meta"]["timestamp"])
    assert body["meta"]["timestamp"].endswith("Z")
    assert len(response.content) < 5000
    return body["error"]


async def test_the_table_of_cases_has_every_route(app):
    described = {(m.upper(), path) for path, methods in app.openapi()["paths"].items() for m in methods}
    shown = {"2023-11": "{month}", "jobs/1": "jobs/{job_id}", "works/1": "works/{id}", "works/7": "works/{work_id}"}
    shown |= {"decisions/7": "decisions/{decision_id}", "isbn/9780306406157": "isbn/{isbn13}"}
    named = re.compile("|".join(shown))
    assert {(m, named.sub(lambda found: shown[found[0]], path)) for m, path in ALL[:-2]} == described


async def test_an_answer_that_leaves_nulls_out_requires_none_of_them():
    routes = [route for route in backfill.router.routes if isinstance(route, APIRoute)]
    left_out = [route for route in routes if route.response_model_exclude_none]
    assert left_out
    assert [name for route in left_out for name in required_nullables(route.response_model)] == []


def required_nullables(model):
    """The fields, at any depth of the model, that may be null and must be there all the same."""
    for name, field in model.model_fields.items():
        if type(None) in get_args(field.annotation) and field.is_required():
            yield f"{model.__name__}.{name}"
        inner = {part for each in get_args(field.annotation) for part in (each, *get_args(each))}
        for each in {field.annotation, *inner}:
            if isinstance(each, type) and issubclass(each, BaseModel):
                yield from required_nullables(each)


@pytest.mark.parametrize(("method", "path"), INTERNAL)
async def test_401_without_a_valid_secret_whatever_else_is_wrong(api, method, path):
    """Before the body is read, with the guide's message."""
    del api.headers["X-Cron-Secret"]
    for shown in [None, "", "wrong", SECRET[:-1], SECRET + "x", SECRET.upper(), b"\xff\xfe", "é".encode()]:
        headers = {"X-Cron-Secret": shown} if shown is not None else {}
        response = await api.request(method, path + "?x=1", content=b"{", headers=headers)
        assert response.status_code == 401
        assert response.content == b'{"error":"Unauthorized: Invalid or missing X-Cron-Secret"}'
        assert response.headers["www-authenticate"]


@pytest.mark.parametrize("secret", [SECRET, PREVIOUS])
async def test_the_current_and_the_previous_secret_are_accepted_on_every_route(api, secret):
    for method, path in INTERNAL:
        response = await api.request(method, path, headers={"X-Cron-Secret": secret})
        assert response.status_code != 401


async def test_secrets_are_compared_in_constant_time_and_all_of_them(api, monkeypatch):
    compared = []
    compare = secrets.compare_digest

    def note(one, other):
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr("secrets.compare_digest", note)
    await api.get("/api/internal/backfill-stats", headers={"X-Cron-Secret": SECRET})
    assert compared == [(SECRET.encode(), SECRET.encode()), (SECRET.encode(), PREVIOUS.encode())]


async def test_400_for_a_body_that_is_not_json(api, cases):
    with cases() as case:
        for path, (name, body) in itertools.product(WRITES, MALFORMED.items()):
            with case(path, name):
                error = check_shape(await api.post(path, content=body, headers=JSON), 400, "malformed_json")
                assert error["details"]["hint"]


async def test_415_for_a_body_that_is_not_declared_as_json(api, cases):
    """As curl sends it without a header; the error names the header to add."""
    kinds = [None, "application/x-www-form-urlencoded", "text/plain", "application/json; charset=latin-1",
             "application/jsonx", "multipart/form-data; boundary=x", "application/xml", ""]  # fmt: skip
    with cases() as case:
        for path, kind in itertools.product(WRITES, kinds):
            with case(path, kind):
                headers = {} if kind is None else {"Content-Type": kind}
                response = await api.post(path, content=b'{"dry_run": true}', headers=headers)
                assert "Content-Type: application/json" in check_shape(response, 415)["details"]["hint"]


async def test_every_legal_content_type_for_json_is_accepted(api):
    for kind in ("application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'):
        response = await api.post(SCHEDULE, content=b'{"dry_run": true}', headers={"Content-Type": kind})
        assert response.status_code == 200, kind


async def test_422_for_json_that_is_not_a_request(api, sql, empty, cases):
    with cases() as case:
        for path, (name, body) in itertools.product(WRITES, VIOLATIONS.items()):
            with case(path, name):
                error = check_shape(await api.post(path, content=body, headers=JSON), 422, "bad_input")
                assert error["details"]["problems"]
                assert await sql("SELECT id FROM backfill_log") == []


async def test_422_names_the_wrong_field(api, sql, empty, cases):
    """The message names the field; nothing is scheduled or seeded."""
    violations = {
        SCHEDULE: SCHEDULE_VIOLATIONS, SEED: SEED_VIOLATIONS, RETRY: RETRY_VIOLATIONS, PAUSE: PAUSE_VIOLATIONS
    }  # fmt: skip
    await sql("INSERT INTO backfill_log (year, month) VALUES (2023, 11)")
    with cases() as case:
        for path, body in ((path, body) for path, bodies in violations.items() for body in bodies):
            with case(path, body):
                error = check_shape(await api.post(path, json=body), 422, "bad_input")
                value = next(iter(body.values()))
                fields = [*body, *(value if isinstance(value, dict) else [])]
                assert any(field in error["message"] for field in fields)
                assert await sql("SELECT status FROM backfill_log") == [{"status": "pending"}]


async def test_the_error_for_a_misspelt_field_names_the_right_one(api):
    for sent, meant in {"dryrun": "dry_run", "batchsize": "batch_size", "force": "force_retry"}.items():
        error = check_shape(await api.post(SCHEDULE, json={sent: True}), 422)
        assert error["message"] == f"{sent}: unknown field; did you mean {meant}?"
    error = check_shape(await api.get("/api/internal/months?staus=failed"), 422)
    assert error["message"].endswith("did you mean status?")


async def test_a_query_parameter_does_not_set_a_field_of_the_body(api, sql, empty):
    """?dry_run=true must not run live."""
    await sql("INSERT INTO backfill_log (year, month) VALUES (2023, 11)")
    check_shape(await api.post(SCHEDULE + "?dry_run=true", json={}), 422)
    assert await sql("SELECT status FROM backfill_log") == [{"status": "pending"}]


async def test_404_and_422_for_paths_and_parameters(api, cases):
    with cases() as case:
        for status, path in ((status, path) for status, paths in PATHS.items() for path in paths):
            with case(status, path):
                check_shape(await api.get(path), status)


async def test_405_for_every_other_method_with_the_allow_header(api, cases):
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"]
    with cases() as case:
        for (allowed, path), other in itertools.product(ALL, methods):
            if other != allowed:
                with case(other, path):
                    response = await api.request(other, path)
                    check_shape(response, 405, "method_not_allowed")
                    assert allowed in response.headers["allow"]


async def test_413_for_a_large_body_on_every_route(api, cases):
    with cases() as case:
        for method, path in ALL:
            with case(method, path):
                check_shape(await api.request(method, path, content=LARGE, headers=JSON), 413, "too_large")


async def test_413_for_a_large_body_without_content_length(api, cases):
    async def chunks():
        for start in range(0, len(LARGE), 1000):
            yield LARGE[start : start + 1000]

    with cases() as case:
        for path in WRITES:
            with case(path):
                check_shape(await api.post(path, content=chunks(), headers=JSON), 413, "too_large")


async def test_a_body_of_exactly_64_kib_is_accepted(api):
    body = b'{"dry_run": true}'.ljust(64 * 1024)
    assert (await api.post(SCHEDULE, content=body, headers=JSON)).status_code == 200


async def test_every_answer_has_the_security_headers_and_no_cors(api, cases):
    with cases() as case:
        for method, path in [*ALL, ("GET", "/nothing"), ("DELETE", "/docs")]:
            with case(method, path):
                response = await api.request(method, path, headers={"Origin": "https://elsewhere.example"})
                assert response.headers["x-content-type-options"] == "nosniff"
                assert response.headers["x-frame-options"] == "DENY"
                assert response.headers["content-security-policy"].startswith("default-src 'none'")
                assert "unsafe" not in response.headers["content-security-policy"]
                assert response.headers["cache-control"] == (
                    "max-age=60" if path == "/api/quota/status" else "no-store"
                )
                assert not [name for name in response.headers if name.startswith("access-control")]


async def test_a_valid_request_id_is_echoed_and_any_other_is_replaced(api, cases):
    with cases() as case:
        for sane in ("a", "7f0c-42", "trace:1/2@x.y_z+a=b", "x" * 128):
            with case(sane):
                response = await api.get("/nothing", headers={"X-Request-ID": sane})
                assert check_shape(response, 404)
                assert response.headers["x-request-id"] == sane
        for insane in ("", "x" * 129, "a b", "a\tb", "<script>", b"\xff", "a;b", '"'):
            with case(insane):
                response = await api.get("/health/live", headers={"X-Request-ID": insane})
                assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


async def test_an_unusual_host_header_is_accepted(api):
    for host in ("[", "a b", "x" * 2000, ""):
        assert (await api.get("/docs", headers={"Host": host})).status_code == 200
        check_shape(await api.get("/nothing", headers={"Host": host}), 404)


class Broken:
    """A rate limiter that raises a given error."""

    def __init__(self, error):
        self.error = error

    async def status(self):
        raise self.error


async def broken(system, error):
    """The response of the quota route when the rate limiter raises `error`, and the log."""
    app = create_app(dataclasses.replace(system, limiter=Broken(error)), WebhookSecrets(()))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://alexandria") as client:
        with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as logged:
            response = await client.get("/api/quota/status")
    return response, logged


@given(st.text(min_size=8), st.sampled_from([RuntimeError, KeyError, psycopg.errors.SyntaxError, errors.Misconfigured]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_an_unexpected_error_does_not_leak_its_text(system, text, kind):
    """The client gets a fixed sentence with an id, and the log has the error under that id."""
    error = kind(f"SELECT {text} FROM secrets")
    response, logged = await broken(system, error)
    answer = check_shape(response, 500, "unexpected")
    assert answer["message"] == "internal error"
    assert "SELECT" not in response.text
    assert kind.__name__ not in response.text
    [line] = logged
    assert line["request_id"] == response.headers["x-request-id"]
    assert line["exc_info"] is error
    assert (line["log_level"], line["path"]) == ("error", "/api/quota/status")


def kinds(of):
    """The class and its subclasses."""
    return [of, *(kind for child in of.__subclasses__() for kind in kinds(child))]


async def test_every_error_class_has_a_status_code_message_and_hint(system, cases):
    """Except for errors that are defects, which have no text for clients."""
    with cases() as case:
        for kind in kinds(errors.AlexandriaError):
            with case(kind):
                error = kind.__new__(kind)
                errors.AlexandriaError.__init__(error, "the message", hint="the hint", details={"more": 1})
                response, _ = await broken(system, error)
                status = next(STATUSES[c] for c in kind.__mro__ if c in STATUSES)
                if status == 500:
                    check_shape(response, 500, "unexpected")
                else:
                    sent = check_shape(response, status, kind.code)
                    assert (sent["message"], sent["details"]) == ("the message", {"hint": "the hint", "more": 1})


async def test_503_while_the_database_is_lost_and_200_after_it_returns(database_url):
    """The database is renamed under the open pool; the first refusal starts the reconnection."""
    [name] = re.findall(r"/(test_\w+)\?", database_url)
    elsewhere = database_url.replace(f"/{name}?", "/postgres?")
    away = f"ALTER DATABASE {name} RENAME TO {name}_away"
    back = f"ALTER DATABASE {name}_away RENAME TO {name}"

    class Server:
        url = database_url
        asked = 0
        may_return = threading.Event()

        def ensure(self):
            Server.asked += 1
            assert self.may_return.wait(10)
            with psycopg.connect(elsewhere, autocommit=True) as connection:
                connection.execute(back)

    async with bootstrap.running(config.load(database_url=SecretStr(database_url)), Server(), Mode.SERVE) as system:
        system.database.pool.timeout = 0.2
        app = create_app(system, WebhookSecrets(()))
        app.state.readiness.clock = itertools.count(step=2).__next__  # two seconds pass between two requests
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://alexandria") as client:
            assert (await client.get("/health/ready")).status_code == 200
            with psycopg.connect(elsewhere, autocommit=True) as connection:
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
                connection.execute(away)
            both = await asyncio.gather(client.get("/health/ready"), client.get("/api/quota/status"))
            for response in both:
                check_shape(response, 503, "database_unavailable")
                assert response.headers["retry-after"]
            assert (await client.get("/health/live")).status_code == 200
            Server.may_return.set()
            system.database.pool.timeout = 10.0
            await app.state.reconnector._task
            assert Server.asked == 1
            assert (await client.get("/health/ready")).status_code == 200


async def test_503_for_an_old_schema_names_the_fix(app, api, sql):
    await sql("ALTER TABLE backfill_log RENAME TO hidden")
    try:
        error = check_shape(await api.get("/api/internal/backfill-stats"), 503, "not_migrated")
        assert error["details"]["hint"] == "run: alexandria migrate"
        metrics = (await api.get("/metrics")).text
    finally:
        await sql("ALTER TABLE hidden RENAME TO backfill_log")
    assert "alexandria_database_up 0.0" in metrics


async def test_the_openapi_description_is_complete(app):
    """Every operation documents its errors with their bodies and its security, and uses only our own schemas."""
    described = app.openapi()
    for path, methods in described["paths"].items():
        for method, answer in methods.items():
            internal = path.startswith(("/api/internal/", "/api/catalogue/", "/api/review"))
            assert bool(answer.get("security")) == internal, path
            wanted = {"200", "500"} | ({"401", "422", "429", "503"} if internal else set())
            wanted |= {"400", "413", "415"} if method == "post" else set()
            assert set(answer["responses"]) >= wanted, path
            for status, response in answer["responses"].items():
                [content] = response["content"].values()
                shape = "Unauthorized" if status == "401" else "ErrorAnswer"
                if status != "200":
                    assert content["schema"] == {"$ref": f"#/components/schemas/{shape}"}
                    assert documented(int(status))
    assert "HTTPValidationError" not in json.dumps(described)


async def test_the_docs_page_loads_nothing_from_other_hosts_and_no_script(api, app):
    page = (await api.get("/docs")).text
    assert "<script" not in page
    links = re.findall(r"\s(?:src|href|action)=\"?([^\" >]*)", page)
    assert [link for link in links if not link.startswith("#")] == ["openapi.json"]
    assert "@import" not in page
    assert "url(" not in page
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in page
    assert "&#34;dry_run&#34;: true" in page


async def test_the_docs_page_escapes_input(api):
    page = (await api.get("/docs", headers={"Host": "<script>alert(1)</script>"})).text
    assert "<script" not in page
