"""Whatever a client sends as a parameter: no server error, and a refusal that names the field and the fix."""

import asyncio
import contextlib
import itertools
import json
import re
import string
from dataclasses import dataclass

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AliasChoices, SecretStr

from alexandria import bootstrap
from alexandria.backfill.repositories import months
from alexandria.bootstrap import Mode
from alexandria.cli import main as cli
from alexandria.cli.runtime.api_process import listen
from alexandria.core import config
from alexandria.core.config import Settings
from alexandria.core.errors import BadInput, Misconfigured
from alexandria.core.provider_facts import PROVIDERS
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.sandbox import SandboxSettings
from alexandria.web.app import create_app
from tests.support.sampling import examples, tried

SECRET = "canary-secret-of-the-door"
INTERNAL = "/api/internal"
SHARE = 4  # one value in so many is tried for each field and parameter; `make fuzz` tries all
BOUNDED = settings(
    max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

# Texts and numbers at the edges of what parsers, calendars, floats and the database know.
EDGES = st.sampled_from(
    ["", "0", "-1", "1e300", "NaN", "9" * 12, "9" * 400, "0x10", "٢٠٢٣", "2023-13", "2023-00", "0000-01", "9999-12", "2023-1",
     "2023-11\n", "\x00", "\ud800", "\u202e", "%00", "'; --", "../..", "true", "null", "[]", "{}", "2024..2000", "²", "٠-٠",
     "1-1", "253402300800-1", "999999999999-99999", "0-0", "1999-02-30T00:00:00Z", "0001-01-01T00:00:00+23:59",
     "9999-12-31T23:59:59-23:59", "2026-11-24 18:00", "whsec_", "x" * 6000, "9" * 4301, "-" + "9" * 4301, "99999-01",
     "99999-01-01T00:00:00Z", "-2023", "-1-1", "Infinity", "1e5000", "1_000", "+5", " 5", "\u2066x\u2069", "\ufeff", "\U0010ffff"]
)  # fmt: skip
TEXTS = EDGES | st.text(max_size=40)
NUMBERS = (
    st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, 1, 2**63, 2**31])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@dataclass
class Steady:
    """A server that somebody else looks after."""

    url: str

    def ensure(self):
        return


class Calling:
    """A browser that is logged in, called without an event loop."""

    def __init__(self, loop, client, token):
        self._loop, self._client, self.token = loop, client, token
        self.description = self("GET", "/openapi.json").json()

    def __call__(self, method, path, **request):
        return self._loop.run_until_complete(self._client.request(method, path, **request))


@pytest.fixture
def calling(database_url):
    """Sends requests to the application, logged in, in an event loop of its own."""
    loop = asyncio.new_event_loop()

    async def start(stack):
        running = bootstrap.running(config.load(database_url=SecretStr(database_url)), Steady(database_url), Mode.SERVE)
        system = await stack.enter_async_context(running)
        async with system.database.transaction() as connection:
            await months.seed(connection, 2023, 2024)
        app = create_app(system, WebhookSecrets((SECRET,)))
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        client = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://alexandria"))
        token = token_of(await client.get("/login"))
        await client.post("/login", data={"token": token, "secret": SECRET, "to": "/"})
        return client, token_of(await client.get("/"))

    stack = contextlib.AsyncExitStack()
    client, token = loop.run_until_complete(start(stack))

    yield Calling(loop, client, token)
    loop.run_until_complete(stack.aclose())
    loop.close()


def token_of(page):
    found = re.search(r'name="token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def check(response):
    """No server error; a refusal is in words, in the common shape or as a page."""
    assert response.status_code < 500, response.text
    text = response.text
    assert "Value error" not in text
    assert "Assertion failed" not in text
    if response.status_code in {400, 404, 409, 422} and response.headers["content-type"].startswith("application/json"):
        error = response.json()["error"]
        assert error["code"]
        assert error["message"]
        problems = (error["details"] or {}).get("problems")
        if response.status_code == 422:
            assert problems or error["details"]["hint"], text
            assert all(each["field"] and each["message"] for each in problems or [])


def fields_of(description, path):
    """The fields of a body, with those of bodies inside."""
    schemas = description["components"]["schemas"]
    body = description["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return sorted(schemas[body["$ref"].rpartition("/")[2]]["properties"])


@pytest.mark.long
@BOUNDED
@given(data=st.data())
def test_bodies(calling, data):
    path = data.draw(st.sampled_from([path for path, each in calling.description["paths"].items() if "post" in each]))
    body = data.draw(
        st.dictionaries(st.sampled_from(fields_of(calling.description, path)) | TEXTS, VALUES, max_size=4) | VALUES
    )
    headers = {"X-Cron-Secret": SECRET, "Content-Type": "application/json"}
    check(calling("POST", path, content=json.dumps(body).encode("utf-8", "surrogatepass"), headers=headers))


@pytest.mark.long
@BOUNDED
@given(
    body=st.binary(max_size=60)
    | st.sampled_from(
        [b"[" * 30_000, b'{"a":' * 9000, b"9" * 5000, b'{"batch_size": ' + b"9" * 5000 + b"}", b'"\\ud800"']
    )
)
def test_bodies_that_are_no_json(calling, body):
    headers = {"X-Cron-Secret": SECRET, "Content-Type": "application/json", "Idempotency-Key": "k"}
    check(calling("POST", f"{INTERNAL}/schedule-backfill", content=body, headers=headers))
    del headers["Idempotency-Key"]
    check(calling("POST", f"{INTERNAL}/schedule-backfill", content=body, headers=headers))


@BOUNDED
@given(data=st.data())
def test_queries_and_paths(calling, data):
    paths = [
        "/months",
        "/months/{}",
        "/jobs/{}",
        "/backfill-stats",
        "/rollout",
        "/rollout/verdicts",
        "/daily-checks",
        "/{}",
    ]
    path = data.draw(st.sampled_from(paths)).replace("{}", quoted(data.draw(TEXTS)))
    query = data.draw(
        st.dictionaries(st.sampled_from(["status", "year", "min_resolution_rate", "x"]) | TEXTS, TEXTS, max_size=3)
    )
    check(calling("GET", f"{INTERNAL}{path}?{encoded(query)}", headers={"X-Cron-Secret": SECRET}))


@pytest.mark.long
@BOUNDED
@given(key=st.binary(max_size=40) | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_headers(calling, key):
    headers = [(b"Idempotency-Key", key), (b"X-Request-ID", key), (b"X-Cron-Secret", SECRET.encode())]
    check(calling("POST", f"{INTERNAL}/retry", json={"status": "failed"}, headers=headers))
    check(
        calling(
            "GET",
            f"{INTERNAL}/months",
            headers=[(b"X-Cron-Secret", SECRET.encode()), (b"Cookie", b"alexandria_pass=" + key)],
        )
    )
    check(calling("GET", "/", headers=[(b"Cookie", b"alexandria_said=" + key)]))


@pytest.mark.long
@BOUNDED
@given(data=st.data())
def test_pages(calling, data):
    path, known = data.draw(st.sampled_from([
        ("/events", ["since", "once"]), ("/schedule", ["months"]), ("/", ["show"]), ("/months/{}", []), ("/login", ["to"]),
        ("/static/{}", ["v"]),
    ]))  # fmt: skip
    query = data.draw(st.dictionaries(st.sampled_from(known or ["x"]), TEXTS, max_size=2))
    if path == "/events":
        query["once"] = ""
    check(calling("GET", f"{path.replace('{}', quoted(data.draw(TEXTS)))}?{encoded(query)}"))


@pytest.mark.long
@BOUNDED
@given(data=st.data())
def test_forms(calling, data):
    path, known = data.draw(st.sampled_from([
        ("/schedule", ["months", "plan"]), ("/seed", ["start", "end"]), ("/retry", ["month", "reason", "back"]),
        ("/pause", ["why"]), ("/resume", ["provider"]), ("/rollout/{}", ["why", "who"]),
    ]))  # fmt: skip
    action = data.draw(st.sampled_from(["start", "hold", "release", "approve", "override"]) | TEXTS)
    fields = data.draw(st.dictionaries(st.sampled_from([*known, "call"]), TEXTS, max_size=4))
    form = encoded({"token": calling.token, **fields})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    check(calling("POST", path.replace("{}", quoted(action)), content=form.encode(), headers=headers))


# Values as they stand in JSON and in a query. Python refuses to read a number of more than 4,300 digits.
LITERALS = ["9" * 4301, "-" + "9" * 4301, "1e400", "-1e400", "-0", "NaN", "Infinity", "1.0", "0.1", "true", "null", "[]", "{}", "[[]]",
            '"\\ud800"', '"\\u0000"', '"\\u202e\\u2066"', '"99999-01-01T00:00:00Z"', '"-2023-01"', '"2023-11\\n"', f'"{"x" * 6000}"',
            '{"start": 99999}', '{"start": -1, "end": NaN}', '["2023-11", "2023-11"]', '["\\ud800"]', "[" * 2000]  # fmt: skip
HOSTILE = [
    "9" * 4301,
    "-" + "9" * 4301,
    "\x00",
    "\ud800",
    "\u202e2023",
    "99999",
    "-1",
    "NaN",
    "1e400",
    "",
    "x" * 6000,
    "2023\n",
    "٢٠٢٣",
]


@pytest.mark.long
def test_every_field_of_every_body_with_every_hostile_value(calling, cases):
    """Also sent twice in one body; and the value as the body. A field has one value of four, the next one the next."""
    headers = {"X-Cron-Secret": SECRET, "Content-Type": "application/json"}
    paths = [path for path, methods in calling.description["paths"].items() if "post" in methods]
    with cases() as case:
        for turn, path in enumerate(paths):
            alone, twice = tried(LITERALS, SHARE, turn), []
            for number, name in enumerate(fields_of(calling.description, path), turn):
                alone += [f'{{"{name}": {literal}}}' for literal in tried(LITERALS, SHARE, number)]
                twice += [f'{{"{name}": 1, "{name}": {each}}}' for each in tried(LITERALS, len(LITERALS), number)]
            for body in (*alone, *twice):
                with case(path, body[:60]):
                    response = calling("POST", path, content=body.encode(), headers=headers)
                    check(response)
                    assert body not in twice or response.status_code == 400, "sent twice"


@pytest.mark.long
def test_every_parameter_of_every_reading_route_with_every_hostile_value(calling, cases):
    """Also sent twice, of which neither is better than the other. A parameter has one value of four, as above."""
    headers = {"X-Cron-Secret": SECRET}
    pages = ["/", "/events", "/schedule", "/months/{month}", "/static/{name}", "/login", "/metrics", "/docs"]
    described = {path: methods["get"] for path, methods in calling.description["paths"].items() if "get" in methods}
    turn = itertools.count()
    with cases() as case:
        for path in {**described, **dict.fromkeys(pages)}:
            parameters = described.get(path, {}).get("parameters", [])
            asked = [each["name"] for each in parameters if each["in"] == "query"] or ["since", "months", "show", "to"]
            once = "&once" if path == "/events" else ""
            for name in asked:
                for value in tried(HOSTILE, SHARE, next(turn)):
                    place, query = re.sub(r"\{\w+\}", quoted(value), path), encoded({name: value})
                    with case(path, query[:60]):
                        check(calling("GET", f"{place}?{query}{once}", headers=headers))
                        check(calling("GET", f"{place}?{query}&{query}{once}", headers=headers))
    for name in ("status", "year"):
        twice = calling("GET", f"{INTERNAL}/months?{name}=2023&{name}=2024", headers=headers)
        assert (twice.status_code, twice.json()["error"]["details"]["problems"][0]["field"]) == (422, name)


def test_a_stream_since_no_time_is_refused_by_name(calling, cases):
    with cases() as case:
        for since in ("999999999999-1", "253402300800-300", "999999999999-99999", "-1-1", "1", "", "x", "٢-٢"):
            with case(since):
                response = calling("GET", f"/events?since={quoted(since)}&once")
                assert response.status_code == 422
                assert "since" in response.text
                assert "reload the page" in response.text
    assert calling("GET", "/events?since=0-300&once").status_code == 200
    assert calling("GET", "/events?since=253402300799-300&once").status_code == 200


BYTES = [chr(byte) if chr(byte) in string.ascii_letters + string.digits else f"%{byte:02X}" for byte in range(256)]


def quoted(text):
    return "".join(map(BYTES.__getitem__, text.encode("utf-8", "surrogatepass")))


def encoded(fields):
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in fields.items())


COMMANDS = [
    ["seed", "{}", "-n"], ["schedule", "--years", "{}", "-n"], ["schedule", "--batch-size", "{}", "-n"],
    ["retry", "{}", "-n"], ["retry", "--reason", "{}", "-n"], ["pause", "--until", "{}", "-n"],
    ["pause", "--minutes", "{}", "-n"], ["pause", "--reason", "{}", "-n"], ["resume", "--provider", "{}", "-n"],
    ["months", "--year", "{}"], ["months", "--status", "{}"], ["months", "--reason", "{}"], ["month", "{}"],
    ["logs", "--since", "{}"], ["logs", "--month", "{}"], ["logs", "--level", "{}"], ["logs", "--lines", "{}"],
    ["export", "--since", "{}"], ["export", "--format", "{}"], ["forecast", "--runs", "{}"], ["forecast", "--seed", "{}"],
    ["forecast", "--file", "{}"], ["rollout", "start", "--file", "{}", "-n"], ["rollout", "hold", "--why", "{}", "-n"],
    ["cache", "clear", "{}", "-n"], ["answers", "purge", "{}", "-n"], ["{}"], ["rollout", "{}"], ["answers", "{}"],
    ["sandbox", "--port", "{}"], ["sandbox", "--faults", "x{}"], ["sandbox", "--rates", "x{}"], ["up", "--root-path", "x{}"],
    ["up", "--port", "x{}"], ["work", "--concurrency", "x{}"], ["resolve", "--title", "{}"], ["demo", "--months", "x{}"],
    ["enrich", "--older-than", "{}", "-n"], ["enrich", "--isbn", "{}", "-n"],
    ["resolve", "--title", "x", "--author", "{}", "--year", "0"], ["resolve", "--title", "x", "--author", "y", "--year", "{}"],
    ["resolve", "--title", "x", "--author", "y", "--sources", "x{}"],
    ["doctor", "--min-resolution-rate", "x{}"], ["enrich", "--limit", "x{}"], ["migrate", "{}"], ["quota", "{}"],
]  # fmt: skip


@pytest.mark.long
@settings(max_examples=examples(120), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_commands(database_url, monkeypatch, capfdbinary, data):
    """Exit codes of the contract, and for a wrong value a message that is more than a type."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    command = data.draw(st.sampled_from(COMMANDS))
    value = data.draw(TEXTS.filter(lambda text: "\x00" not in text and not text.startswith("-")))
    code = cli.main(["--json", *(part.replace("{}", value) for part in command)])
    out, err = capfdbinary.readouterr()
    text = (out + err).decode("utf-8", "replace")
    assert code in {0, 2, 3, 5}, (command, value, text)
    assert "Value error" not in text
    if code == 2:
        error = json.loads(out)["error"]
        assert error["message"], (command, value)
        assert error["hint"], (command, value)


def test_a_reason_with_half_a_character_is_refused_as_wrong_input(database_url, monkeypatch, capfdbinary):
    """As a terminal gives it whose encoding is not UTF-8."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    for command in (["months"], ["retry", "-n"]):
        assert cli.main(["--json", *command, "--reason", "caf\udce9"]) == 2
        error = json.loads(capfdbinary.readouterr().out)["error"]
        assert (error["code"], error["message"][:6]) == ("bad_input", "reason")


@pytest.mark.parametrize("host", ["\udc80", "x" * 6000, "a b", "::g", "256.256.256.256", "a..b"])
def test_an_invalid_address_is_refused_by_name(host):
    with pytest.raises(Misconfigured, match="cannot listen on") as refused:
        listen(host, 0)
    assert "--host" in refused.value.hint


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), 0.0, -1.0, 1e-300])
def test_impossible_rates_of_the_sandbox_are_refused(rate):
    with pytest.raises(BadInput):
        SandboxSettings(rates={"isbndb": rate})
    if rate not in {1e-300, 0.0}:
        with pytest.raises(BadInput):
            SandboxSettings(latency_scale=rate)


SETTINGS = sorted(
    {
        str(each.validation_alias.choices[0])
        for each in Settings.model_fields.values()
        if isinstance(each.validation_alias, AliasChoices)
    }
    | {
        f"ALEXANDRIA_{name.upper()}_{each}"
        for name in PROVIDERS
        for each in ("BASE_URL", "RATE", "TIMEOUT", "DAILY_LIMIT", "DAILY_RESERVE", "ZONE")
    }
)


@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(name=st.sampled_from(SETTINGS), value=TEXTS | st.sampled_from(["1e300", "inf", "nan", "-inf", "1" * 30]))
def test_settings(name, value):
    """Accepted, or refused by name and without the value."""
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        return  # no environment has these
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, value)
        if refused := refusal():
            assert name in refused.message
            assert refused.hint
            assert "Value error" not in refused.message


def refusal():
    """Why the settings cannot be read, or None."""
    try:
        config.load()
    except Misconfigured as refused:
        return refused
    return None
