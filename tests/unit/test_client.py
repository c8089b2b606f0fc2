"""What the one way to the outside promises: paced, metered, timed, retried with measure, stored before use."""

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx2
import pytest
from pydantic import SecretStr

from alexandria.core import errors, tls
from alexandria.core.config import ProviderSettings
from alexandria.core.month import Month
from alexandria.core.provider_facts import MAX_BUSY_TRIES, PROVIDERS
from alexandria.providers.charging import charged_to
from alexandria.providers.client import (
    MAX_LONG_CALL_TRIES,
    MAX_TRIES,
    NEGATIVE_LIFETIME,
    ProviderClient,
    Request,
    json_of,
    next_midnight,
    status_error,
    storable,
    storage_key,
)
from alexandria.providers.llm_adapters import ModelAdapter
from alexandria.providers.metering import PartlyGranted
from alexandria.providers.retry_hints import retry_after


def ok(body=None, **kwargs):
    return httpx2.Response(200, json={"found": 1} if body is None else body, **kwargs)


def ask(client, path="/thing", life=None, **kwargs):
    return client.fetch(Request("GET", path, **kwargs), lambda answer: json_of(client.name, answer), life=life)


class Dribble(httpx2.AsyncByteStream):
    """A body that sends its first bytes and then does what `then` does."""

    def __init__(self, then):
        self._then = then

    async def __aiter__(self):
        yield b'{"found"'
        await self._then()


async def test_an_answer_is_asked_for_once_and_stored_before_it_is_used(reach, answers):
    client = reach("isbndb", [ok()])
    first, at = await ask(client, params={"q": "dune"})
    again, at_again = await ask(client, params={"q": "dune"})
    assert first == again == {"found": 1}
    assert at == at_again
    assert len(client.sent) == 1
    assert list(answers.lives.values()) == [None]


async def test_a_negative_answer_serves_less_than_a_day_and_others_as_asked(reach, answers):
    client = reach("isbndb", [ok({}), ok()])
    await ask(client, "/a", life=timedelta(days=30))
    await ask(client, "/b", life=timedelta(days=30))
    assert list(answers.lives.values()) == [NEGATIVE_LIFETIME, timedelta(days=30)]
    assert timedelta(hours=20) == NEGATIVE_LIFETIME


async def test_answers_of_one_place_do_not_serve_another(reach):
    real, sandbox = (
        reach("isbndb", ok({"real": 1})),
        reach("isbndb", ok({"sandbox": 1}), base_url="http://sandbox.test"),
    )
    assert (await ask(sandbox))[0] == {"sandbox": 1}
    assert (await ask(real))[0] == {"real": 1}


async def test_the_key_is_in_the_request_and_in_nothing_that_is_kept(reach, answers):
    def sign(request):
        request.url = request.url.copy_merge_params({"key": client.secret()})
        return request

    client = reach("google_books", ok())
    await ask(client, sign=sign)
    assert client.sent[0].url.params["key"] == "canary-key"
    assert "canary-key" not in f"{answers.kept} {answers.calls} {client.settings!r} {client.key!r}"


async def test_every_send_leaves_a_call_charged_to_its_attempt(reach, answers, limiter):
    client = reach("isbndb", [httpx2.Response(503), ok(), ok()])
    month, token = Month(2023, 11), uuid4()
    before = datetime.now(UTC)
    with charged_to(month, token):
        await ask(client, "/books/x", units=3)
    assert [(c.status, c.units, c.route, c.month, c.attempt_token) for c in answers.calls] == [
        (503, 3, "/prefix/books/x", month, token),
        (200, 3, "/prefix/books/x", month, token),
    ]
    assert all(before <= c.sent_at <= datetime.now(UTC) and c.error == "" for c in answers.calls)
    assert limiter.permits == [("isbndb", 3)] * 2
    await ask(client, "/books/y")
    assert (answers.calls[2].month, answers.calls[2].attempt_token) == (None, None)


@pytest.mark.parametrize("broken", [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout])
async def test_units_of_an_unsent_request_are_refunded_and_not_counted(reach, limiter, answers, broken):
    def far_end(request):
        raise broken("no", request=request)

    with pytest.raises(errors.ProviderDown):
        await ask(reach("isbndb", far_end), units=2)
    assert answers.calls == []
    assert limiter.refunded == 2 * MAX_TRIES


@pytest.mark.parametrize("broken", [httpx2.ReadError, httpx2.RemoteProtocolError, httpx2.ReadTimeout])
async def test_units_of_a_sent_request_are_counted_whatever_the_result(reach, limiter, answers, broken):
    def far_end(request):
        raise broken("no", request=request)

    with pytest.raises(errors.ProviderDown) as down:
        await ask(reach("isbndb", far_end))
    why = "no answer within 15 s" if broken is httpx2.ReadTimeout else f"connection failed ({broken.__name__})"
    assert down.value.message == f"isbndb: {why}"
    assert [(c.status, c.error) for c in answers.calls] == [(None, broken.__name__)] * MAX_TRIES
    assert limiter.refunded == 0
    assert down.value.__cause__ is None


async def test_a_body_that_breaks_off_is_a_failed_call_inside_the_slot(reach, limiter, answers):
    async def break_off():
        assert limiter.inside == 1
        raise httpx2.ReadError("reset")

    with pytest.raises(errors.ProviderDown):
        await ask(reach("isbndb", lambda request: httpx2.Response(200, stream=Dribble(break_off))))
    assert [(c.status, c.error) for c in answers.calls] == [(200, "ReadError")] * MAX_TRIES


async def test_a_body_that_dribbles_for_ever_ends_at_the_time_out(reach, answers):
    async def for_ever():
        await asyncio.Event().wait()

    client = reach("isbndb", lambda request: httpx2.Response(200, stream=Dribble(for_ever)), timeout=0.01)
    with pytest.raises(errors.ProviderDown, match=r"no answer within 0\.01 s"):
        await ask(client)
    assert [(c.status, c.error) for c in answers.calls] == [(200, "ReadTimeout")] * MAX_TRIES


async def test_a_cancelled_call_is_counted_and_leaves_its_lane(reach, limiter, answers):
    arrived = asyncio.Event()

    async def far_end(request):
        arrived.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(ask(reach("isbndb", far_end)))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(c.status, c.error) for c in answers.calls] == [(None, "cancelled")]
    assert limiter.inside == 0


async def test_a_refusal_of_the_rate_limiter_sends_nothing_and_pauses_no_provider(reach, limiter, answers):
    limiter.refusal = errors.QuotaSpent("isbndb", "spent", until=datetime(2030, 1, 1, tzinfo=UTC))
    client = reach("isbndb", ok())
    with pytest.raises(errors.QuotaSpent):
        await ask(client)
    assert (client.sent, answers.calls, limiter.pauses) == ([], [], [])


async def test_a_grant_of_too_few_units_sends_nothing_and_gives_them_back(reach, limiter, answers):
    limiter.room = 4
    client = reach("isbndb", ok())
    with pytest.raises(PartlyGranted) as partly:
        await ask(client, units=10)
    assert partly.value.granted == limiter.refunded == 4
    assert (client.sent, answers.calls) == ([], [])


async def test_a_rate_limit_pauses_the_provider_for_all_workers(reach, limiter):
    client = reach("isbndb", [httpx2.Response(429, headers={"Retry-After": "7"}), ok()])
    await ask(client)
    (provider, seconds, reason), = limiter.pauses  # fmt: skip
    assert provider == "isbndb"
    assert 6.5 < seconds <= 7
    assert "speed" in reason


@pytest.mark.parametrize("hint", [{}, {"Retry-After": "0"}])
async def test_a_refusal_with_a_hint_of_zero_still_pauses_the_provider(reach, limiter, hint):
    await ask(reach("isbndb", [httpx2.Response(429, headers=hint), ok()]))
    assert 0.5 < limiter.pauses[0][1] <= 1


async def test_a_provider_whose_quota_is_spent_is_paused_until_its_hint(reach, limiter):
    """By its own word; without credit for an hour; any other refusal rests nobody."""
    until = datetime.now(UTC) + timedelta(hours=2)
    answers = [
        errors.QuotaSpent("isbndb", "the day's calls are used up", until=until),
        errors.NoCredit("isbndb", "no credit"),
        errors.RequestRefused("isbndb", "answered 400"),
    ]
    client = reach("isbndb", ok())
    for problem in answers:
        with pytest.raises(type(problem)):
            await ask(client, f"/{problem.code}", explain=lambda _, problem=problem: problem)
    [(provider, seconds, reason), (also, hour, why)] = limiter.pauses
    assert (provider, reason) == ("isbndb", "isbndb: the day's calls are used up")
    assert seconds == pytest.approx(7200, abs=30)
    assert (also, why) == ("isbndb", "isbndb: no credit; it is asked again after an hour, then once a day")
    assert hour == pytest.approx(3600, abs=30)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (errors.RateLimited("x", "slow down"), True),
        (errors.RateLimited("x", "slow down", retry_after=0.0), 0.0),
        (errors.RateLimited("x", "slow down", retry_after=30.0), 30.0),
        (errors.RateLimited("x", "slow down", retry_after=30.5), False),
        (errors.ProviderDown("x", "answered 503"), True),
        (errors.BadAnswer("x", "is not JSON"), True),
        (errors.QuotaSpent("x", "spent", until=datetime.now(UTC)), False),
        (errors.RequestRefused("x", "answered 400"), False),
        (errors.KeyRefused("x", "refuses us with 401"), False),
        (ZeroDivisionError(), False),
    ],
)
async def test_some_errors_are_repeated_after_a_number_of_seconds(reach, error, again):
    """A hint is waited for as it is, up to half a minute; True leaves the wait to the growing one."""
    found = reach("isbndb", ok())._retry_wait(error)
    assert (found, type(found)) == (again, type(again))


@pytest.mark.parametrize(("read", "other"), [(None, False), ("canary-key", False), ("new", True)])
async def test_only_another_key_is_tried_at_once(reach, read, other):
    """Reading may find no key at all."""
    client = reach("isbndb", ok(), reload_key=lambda: None if read is None else SecretStr(read))
    assert client._retry_wait(errors.KeyRefused("isbndb", "refuses us with 401")) == (0.0 if other else False)
    assert client.reload_key() is False, "it is the present key now"


async def test_a_long_wait_is_handed_to_the_caller(reach):
    client = reach("isbndb", httpx2.Response(429, headers={"Retry-After": "31"}))
    with pytest.raises(errors.RateLimited) as limited:
        await ask(client)
    assert limited.value.retry_after == 31
    assert len(client.sent) == 1


@pytest.mark.parametrize(
    ("status", "error", "sends"),
    [
        (429, errors.RateLimited, MAX_TRIES),
        (500, errors.ProviderDown, MAX_TRIES),
        (503, errors.ProviderDown, MAX_TRIES),
        (408, errors.ProviderDown, 3),
        (425, errors.ProviderDown, 3),
        (599, errors.ProviderDown, 3),
        (499, errors.RequestRefused, 1),
        (409, errors.RequestRefused, 1),
        (424, errors.RequestRefused, 1),
        (426, errors.RequestRefused, 1),
        (402, errors.NoCredit, 1),
        (204, errors.BadAnswer, MAX_TRIES),
        (401, errors.KeyRefused, 1),
        (403, errors.KeyRefused, 1),
        (400, errors.RequestRefused, 1),
        (404, errors.RequestRefused, 1),
        (302, errors.RequestRefused, 1),
    ],
)
async def test_a_status_is_one_of_our_errors_and_only_passing_ones_are_tried_again(reach, status, error, sends):
    client = reach("isbndb", httpx2.Response(status, text="canary-body", headers={"Location": "http://else.test"}))
    with pytest.raises(error) as refused:
        await ask(client)
    assert len(client.sent) == sends
    assert "canary" not in refused.value.message
    assert status == 429 or str(status) in refused.value.message


@pytest.mark.parametrize(
    ("status", "hint"), [(407, "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"), (408, ""), (400, "")]
)
async def test_a_refusal_shows_the_sentence_of_its_sender_and_the_fix(reach, status, hint):
    with pytest.raises(errors.ProviderError) as refused:
        await ask(reach("isbndb", httpx2.Response(status, json={"message": "The teapot is empty."})))
    assert "The teapot is empty." in refused.value.message
    assert refused.value.hint.endswith(hint)
    assert bool(refused.value.hint) is bool(hint)


async def test_an_answer_that_is_not_json_is_a_bad_answer_and_tried_again(reach):
    client = reach("isbndb", [httpx2.Response(200, html="<p>busy</p>"), httpx2.Response(200, text="{"), ok()])
    assert (await ask(client))[0] == {"found": 1}


@pytest.mark.parametrize(
    ("response", "came"),
    [
        (httpx2.Response(200, text="[" * 100_000), "answered 200 with text/plain; charset=utf-8 that is not JSON"),
        (httpx2.Response(203, content=b"{"), "answered 203 with no content type that is not JSON"),
    ],
    ids=["nested without end", "cut off"],
)
def test_a_bad_answer_names_what_came_instead(response, came):
    with pytest.raises(errors.BadAnswer) as bad:
        json_of("isbndb", response)
    assert bad.value.message == f"isbndb: {came}"


async def test_without_a_contact_the_user_agent_names_the_product_alone(limiter, answers):
    settings = ProviderSettings(name="isbndb", **PROVIDERS["isbndb"].limits.model_dump(), key="canary-key")
    client = ProviderClient(
        settings, limiter, answers, contact="", version="1.2", inner=httpx2.MockTransport(lambda _: ok())
    )
    assert client.http.headers["User-Agent"] == "Alexandria/1.2"
    await client.aclose()


async def test_a_provider_that_refuses_product_names_gets_another_user_agent(limiter, answers):
    """Open Library answers 403 to "Alexandria/1.2"."""
    settings = ProviderSettings(name="open_library", **PROVIDERS["open_library"].limits.model_dump(), key=None)
    for contact, agent in [("", "Mozilla/5.0 (compatible; Alexandria/1.2)"), ("a@b.test", "Alexandria/1.2 (a@b.test)")]:
        client = ProviderClient(
            settings, limiter, answers, contact=contact, version="1.2", inner=httpx2.MockTransport(lambda _: ok())
        )
        assert client.http.headers["User-Agent"] == agent
        await client.aclose()


@pytest.mark.parametrize(
    ("name", "sends"), [("gemini", MAX_LONG_CALL_TRIES), ("openai", MAX_LONG_CALL_TRIES), ("isbndb", MAX_TRIES)]
)
async def test_a_language_model_without_an_answer_is_asked_once_more(reach, name, sends):
    """Its time-out is long, and each try may be billed."""

    def far_end(request):
        raise httpx2.ReadTimeout("no", request=request)

    client = reach(name, far_end)
    with pytest.raises(errors.NoAnswer) as silent:
        await ask(client)
    assert (len(client.sent), silent.value.code) == (sends, "provider_down")


@pytest.mark.parametrize(
    ("name", "statuses", "sends"),
    [
        ("google_books", [503] * 9, MAX_BUSY_TRIES),
        ("google_books", [503] * 4 + [200], 5),
        ("google_books", [500] * 9, MAX_TRIES),
        ("isbndb", [503] * 9, MAX_TRIES),
    ],
)
async def test_a_provider_that_is_often_busy_has_more_tries(reach, name, statuses, sends):
    client = reach(name, [httpx2.Response(status, json={"found": 1}) for status in statuses])
    with contextlib.suppress(errors.ProviderDown):
        await ask(client)
    assert len(client.sent) == sends


async def test_the_key_goes_to_known_hosts_of_its_provider_only(reach):
    client = reach("isbndb", lambda request: ok())
    client.settings = client.settings.model_copy(update={"by_plan": frozenset({"base_url"})})
    for host in ("api.evil.test", "evil.test/api.pro.isbndb.com", "", "api.pro.isbndb.com.evil.test"):
        client.use_plan_host(host)
        await ask(client, f"/{len(client.sent)}")
    client.use_plan_host("api.pro.isbndb.com")
    await ask(client, "/pro")
    client.use_configured_host()
    await ask(client, "/back")
    assert [request.url.host for request in client.sent] == ["far.test"] * 4 + ["api.pro.isbndb.com", "far.test"]


async def test_a_request_cannot_bring_a_time_out_of_its_own(reach):
    client = reach("gemini", ok(), timeout=90)
    await client.http.get("/x", timeout=600)
    assert client.sent[0].extensions["timeout"] == {"connect": 5.0, "read": 90, "write": 90, "pool": 90}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("-3", 0),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 0),
        ("Mon, 01 Jan 2001 00:00:00 -0000", 0),
        ("  8 ", 8),
        ("inf", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after(httpx2.Response(429, headers={"Retry-After": header})) == seconds


def test_a_date_to_come_is_so_many_seconds_away():
    header = (datetime.now(UTC) + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    seconds = retry_after(httpx2.Response(429, headers={"Retry-After": header}))
    assert seconds is not None
    assert 85 < seconds <= 90


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Auckland"])
def test_the_next_day_begins_at_the_providers_midnight(zone):
    midnight = next_midnight(zone)
    assert timedelta(0) < midnight - datetime.now(UTC) <= timedelta(hours=25)
    assert midnight.utcoffset() == timedelta(0)
    there = midnight.astimezone(ZoneInfo(zone))
    assert there.time() == time(0)
    assert there.date() == datetime.now(ZoneInfo(zone)).date() + timedelta(days=1)


def test_postgresql_can_hold_whatever_is_stored():
    hostile = {"a\0": ["x\0y", "\ud800", float("nan"), 1.5, {"deep": None}]}
    assert storable(hostile) == {"a": ["xy", "?", None, 1.5, {"deep": None}]}


def test_equal_requests_have_equal_keys():
    assert storage_key({"a": 1, "b": "é"}) == storage_key({"b": "é", "a": 1})
    assert storage_key({"a": 1}) != storage_key({"a": 2})


async def test_answers_that_were_paid_for_are_found_by_the_next_release(reach, answers):
    """The address of an answer is the request's content, its key and headers left out; a change would pay for all again."""
    await ask(reach("isbndb", ok()), "/books/dune", params={"page": "1"}, headers={"X": "1"})
    [(provider, address)] = answers.kept
    content = {"method": "GET", "path": "/books/dune", "params": {"page": "1"}, "body": None}
    assert (provider, address) == ("isbndb", storage_key({"base": "http://far.test/prefix", **content}))
    assert address == "457ee653ba5fc38a4d632918c58ab313b2a20708daa60625e7c93df2c6777274"
    assert storage_key({"title": "Émile"}) == "a1ea6423df078055465d8ed7efca8b54faadb56cbdf94b049bd61572c2195d76"


def test_an_answer_is_no_refusal():
    assert status_error("isbndb", ok()) is None


async def test_the_trusted_authorities_are_read_once_for_all_ways(reach, limiter, answers, monkeypatch):
    """Reading them costs tens of milliseconds of a processor, for every client of every worker."""
    read = []
    load = ssl.SSLContext.load_verify_locations

    def counted(*args, **kwargs):
        read.append(1)
        return load(*args, **kwargs)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    tls._load.cache_clear()
    for name in ("gemini", "xai", "isbndb"):
        settings = ProviderSettings(name=name, **PROVIDERS[name].limits.model_dump(), key="canary-key")
        api = ProviderClient(settings, limiter, answers, contact="", version="1")
        if name != "isbndb":
            ModelAdapter(api, "a-model", "")
        await api.aclose()
    assert len(read) <= 1  # none where the system checks by itself
