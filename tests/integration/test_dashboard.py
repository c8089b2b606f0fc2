"""The pages as the server gives them, without a browser: who gets in, what is refused, what acts say, how large it is."""

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from alexandria.backfill.repositories import months
from alexandria.core import config
from alexandria.core.provider_facts import key_settings
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.forecast import forecaster
from alexandria.rollout.plan import Plan
from alexandria.web.app import create_app
from alexandria.web.auth.secret import MAX_FAILURES
from alexandria.web.auth.session import COOKIE

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET, PREVIOUS = "canary-secret-of-the-door", "canary-secret-of-yesterday"
NOBODY = "<b>\"&'</b>"
GATE = {"min_resolution_rate": 0.8, "min_sample": 100, "approval": True}
TWO_PHASES = Plan.model_validate(
    {
        "name": NOBODY,
        "phase": [
            {"name": "first", "years": 2023, "months_per_day": 6, "gate": GATE},
            {"name": "second", "years": 2022, "months_per_day": 4},
        ],
    }
)
LARGEST = 60_000  # bytes of the page, before any compression
NOBODY = "<b>\"&'</b>"
FORM = re.compile(r"<form.*?</form>", re.DOTALL)


@pytest.fixture(autouse=True)
async def _seeded(empty, system, sql):
    await sql("UPDATE control SET paused_since = NULL, paused_until = NULL")
    await sql("SET LOCAL session_replication_role = replica; TRUNCATE rollout CASCADE")  # else only ever added to
    async with system.database.transaction() as connection:
        await months.seed(connection, 2000, 2024)


def browser(app, scheme="http"):
    """A client that keeps cookies and follows no redirects."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=f"{scheme}://alexandria")


@pytest.fixture
async def stranger(app):
    async with browser(app) as client:
        yield client


def hidden(page, name):
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def token_of(page):
    return hidden(page, "token")


def plan_of(page):
    return hidden(page, "plan")


async def log_in(client, secret=SECRET, to="/"):
    token = token_of(await client.get("/login"))
    return await client.post("/login", data={"token": token, "secret": secret, "to": to})


@pytest.fixture
async def admitted(stranger):
    assert (await log_in(stranger)).status_code == 303
    return stranger


async def act(client, path, follow=True, **fields):
    """Submit a form of the page; returns the page that follows."""
    token = token_of(await client.get("/"))
    return await client.post(path, data={"token": token, **fields}, follow_redirects=follow)


def message(page):
    assert page.status_code == 200, page.text
    found = re.search(r'role="status"[^>]*>([^<]*)<', page.text)
    return found and found[1]


async def failing(sql, *, where, code):
    await sql(
        "UPDATE backfill_log SET status = 'failed', started_at = now(), completed_at = now(), error_code = %s,"
        f" error_message = 'isbndb did not answer' WHERE {where}",
        code,
    )


# Authentication


async def test_a_visitor_without_a_session_is_redirected_to_the_login_and_back(stranger):
    for path, login in (("/", "/login"), ("/months/2018-05", "/login?to=/months/2018-05"),
                        ("/schedule?months=3", "/login?to=/schedule"), ("/events?since=1-300", "/login?to=/events")):  # fmt: skip
        response = await stranger.get(path)
        assert (response.status_code, response.headers["location"]) == (303, login)
    assert (await log_in(stranger, to="/months/2018-05")).headers["location"] == "/months/2018-05"
    assert "2018" in (await stranger.get("/months/2018-05")).text


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example", "/\\evil", "javascript:1", "/months/x"]
)
async def test_the_login_never_redirects_to_another_site(stranger, elsewhere):
    assert (await log_in(stranger, to=elsewhere)).headers["location"] == "/"


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
async def test_the_session_cookie_is_hidden_from_scripts_and_other_sites(app, scheme, secure):
    async with browser(app, scheme) as client:
        for response in (await client.get("/login"), await log_in(client)):
            flags = {flag.strip().lower() for flag in response.headers["set-cookie"].split(";")[1:]}
            assert {"httponly", "samesite=lax", "path=/"} <= flags
            assert ("secure" in flags) is secure


async def test_a_guest_session_reveals_nothing_to_test_secrets_on(app, stranger):
    """A guest session does not depend on the secret; an invented one is rejected."""
    await stranger.get("/login")
    strangers = stranger.cookies[COOKIE]
    assert strangers.startswith("stranger.")
    name = strangers.partition(".")[2]
    for forged in (
        f"9999999999.{name}.{'0' * 64}",
        f"9999999999.{name}.",
        "stranger.",
        "in.9.x.y",
        ".",
        "é",
        "9.9.9.9",
    ):
        response = await stranger.get("/", headers={"Cookie": f"{COOKIE}={forged}".encode()})
        assert response.status_code == 303, forged


async def test_an_empty_secret_file_admits_nobody(system):
    """Otherwise a session signed with an empty secret would be valid."""
    async with browser(create_app(system, WebhookSecrets((SECRET,)))) as client:
        await log_in(client)
        kept = client.cookies[COOKIE]
    async with browser(create_app(system, WebhookSecrets(("",)))) as client:
        assert (await log_in(client, "")).status_code == 401
        client.cookies.set(COOKIE, kept)
        assert (await client.get("/")).status_code == 303


async def test_wrong_secrets_at_the_login_and_the_api_share_one_limit(app, stranger):
    app.state.secret_auth._clock = lambda: 1.0
    response = await log_in(stranger, "guess")
    assert response.status_code == 401
    assert "Wrong secret." in response.text
    assert "guess" not in response.text
    for _ in range(int(MAX_FAILURES) - 1):
        assert (await stranger.get("/api/internal/months", headers={"X-Cron-Secret": "guess"})).status_code == 401
    response = await log_in(stranger, "guess")
    assert response.status_code == 429
    assert 0 < int(response.headers["retry-after"]) <= 60
    assert "Too many wrong secrets" in response.text
    assert (await log_in(stranger)).status_code == 303


async def test_all_processes_share_the_limit_of_wrong_secrets(system, sql):
    """Another process behind the same proxy grants no new allowance; further tries do not prolong the wait."""
    await sql("TRUNCATE knock")
    wrong, path = {"X-Cron-Secret": "guess"}, "/api/internal/months"
    apps = [create_app(system, WebhookSecrets((SECRET,))) for _ in range(2)]
    async with browser(apps[0]) as one, browser(apps[1]) as other:
        assert [(await each.get(path, headers=wrong)).status_code for each in (one, other)] == [401, 401]
        [row] = await sql("SELECT forgotten_at - now() > interval '6 s' AS both FROM knock")
        assert row["both"]
        await sql("UPDATE knock SET forgotten_at = now() + interval '1 h'")
        for client in (one, other, one):
            refused = await client.get(path, headers=wrong)
            assert refused.status_code == 429
            assert 3000 < int(refused.headers["retry-after"]) <= 3600
            assert (await client.get(path, headers={"X-Cron-Secret": SECRET})).status_code == 200
        await system.maintenance.forget()
        assert len(await sql("SELECT 1 FROM knock")) == 1
        await sql("UPDATE knock SET forgotten_at = now() - interval '1 s'")
        assert (await one.get(path, headers=wrong)).status_code == 401
        await sql("UPDATE knock SET forgotten_at = now() - interval '1 s'")
        await system.maintenance.forget()
        assert await sql("SELECT 1 FROM knock") == []


async def test_without_its_table_a_process_counts_alone(system, sql):
    await sql("ALTER TABLE knock RENAME TO gone")
    try:
        app = create_app(system, WebhookSecrets((SECRET,)))
        app.state.secret_auth._clock = lambda: 1.0
        async with browser(app) as client:
            for status in [401] * int(MAX_FAILURES) + [429]:
                response = await client.get("/api/internal/months", headers={"X-Cron-Secret": "guess"})
                assert response.status_code == status
    finally:
        await sql("ALTER TABLE gone RENAME TO knock")


async def test_the_login_accepts_only_its_own_form(app, stranger):
    """Another site can neither log a visitor in nor guess the token of the form."""
    async with browser(app) as other:
        foreign = token_of(await other.get("/login"))
    await stranger.get("/login")
    for token in ("", foreign, "x"):
        assert (await stranger.post("/login", data={"token": token, "secret": SECRET})).status_code == 403
    assert (await stranger.get("/")).status_code == 303


async def test_a_session_ends_with_its_secret(system, sql):
    """It survives a rotation; once the old secret is retired it ends, with its stream and its forms."""
    secrets = WebhookSecrets((PREVIOUS,))
    app = create_app(system, secrets)
    async with browser(app) as early, browser(app) as late:
        await log_in(early, PREVIOUS)
        secrets._valid = (SECRET, PREVIOUS)
        await log_in(late, SECRET)
        async with browser(app) as slow:
            assert (await log_in(slow, PREVIOUS)).status_code == 303
            for client in (early, late, slow):
                assert (await client.get("/")).status_code == 200
                assert message(await act(client, "/pause")).startswith("Paused by dashboard")
            token = token_of(await slow.get("/"))
            secrets._valid = (SECRET,)
            assert [(await client.get("/")).status_code for client in (early, late, slow)] == [303, 200, 303]
            assert (await slow.post("/resume", data={"token": token})).status_code == 401


async def test_a_session_expires(app, admitted):
    auth = app.state.session_auth
    now = auth._clock()
    auth._clock = lambda: now + 12 * 3600 - 60
    assert (await admitted.get("/")).status_code == 200
    auth._clock = lambda: now + 12 * 3600 + 60
    assert (await admitted.get("/")).status_code == 303


async def test_logging_out_ends_the_session(admitted):
    response = await act(admitted, "/logout", follow=False)
    assert response.status_code == 303
    assert "max-age=0" in response.headers["set-cookie"].lower()
    assert (await admitted.get("/")).status_code == 303


# Rejected requests


@pytest.mark.parametrize("path", ["/seed", "/schedule", "/retry", "/pause", "/resume", "/logout", "/rollout/start"])
async def test_a_form_of_another_visitor_or_site_is_rejected(app, admitted, sql, path):
    await failing(sql, where="year = 2009", code="timeout")
    token = token_of(await admitted.get("/"))
    async with browser(app) as other:
        await log_in(other)
        foreign = token_of(await other.get("/"))
    fields = {"months": "3"}
    tries: list[tuple[int, dict[str, Any]]] = [
        (403, {"data": fields}),
        (403, {"data": fields | {"token": ""}}),
        (403, {"data": fields | {"token": foreign}}),
        (403, {"data": fields | {"token": token}, "headers": {"Sec-Fetch-Site": "cross-site"}}),
        (403, {"data": fields | {"token": token}, "headers": {"Sec-Fetch-Site": "same-site"}}),
        (415, {"json": fields | {"token": token}}),
        (415, {"content": f"token={token}", "headers": {"Content-Type": "text/plain"}}),
        (403, {"content": f"token={token}&".encode() + b"a=1&" * 50,
               "headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
        (403, {"content": f"token={token}&a=".encode() + b"\xff",
               "headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
    ]  # fmt: skip
    for status, request in tries:
        response = await admitted.post(path, **request)
        assert response.status_code == status, request
        assert f"<h1>{'Not a form' if status == 415 else 'Form expired'}</h1>" in response.text
    assert (await admitted.get(path)).status_code in {200, 405}
    assert (await admitted.get("/")).status_code == 200
    assert await sql("SELECT 1 FROM audit") == []
    assert await sql("SELECT DISTINCT status FROM backfill_log WHERE status NOT IN ('pending', 'failed')") == []


async def test_text_from_outside_turns_no_line_around(admitted):
    """Marks of direction are written out, and text from right to left is set apart from what follows it."""
    await act(admitted, "/pause", why="gnp\u202egpj \u2069 שלום")
    for page in (await admitted.get("/"), await admitted.get("/events?since=1-300&once")):
        assert "\u202e" not in page.text
        assert re.search("\u2068[^\u2068\u2069]*gnp\\\\u202egpj \\\\u2069 שלום[^\u2068\u2069]*\u2069", page.text)


async def test_every_page_allows_its_own_scripts_alone(stranger, admitted):
    for path in ("/", "/login", "/months/2018-05", "/schedule?months=2", "/months/2018-13", "/months/1950-01"):
        response = await admitted.get(path, follow_redirects=True)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", response.text), path
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_visitor_without_login_can_change_nothing(system):
    """Public mode: every page can be viewed and none has a form that changes anything; forms are rejected."""
    public = dataclasses.replace(system, settings=system.settings.model_copy(update={"dashboard_public": True}))
    async with browser(create_app(public, WebhookSecrets((SECRET,)))) as guest:
        for path in ("/", "/months/2018-05", "/schedule?months=2"):
            page = await guest.get(path)
            assert page.status_code == 200
            assert not [form for form in FORM.findall(page.text) if 'method="post"' in form]
        for path in ("/seed", "/schedule", "/retry", "/pause", "/resume", "/rollout/start", "/rollout/approve"):
            assert (await guest.post(path, data={"token": ""})).status_code == 401
        news = await guest.get("/events?since=1-300&once")
        assert 'id="run"' in news.text
        assert 'method="post"' not in news.text
        await log_in(guest)
        assert message(await act(guest, "/pause")).startswith("Paused")


# Actions and their messages


async def test_every_action_states_its_number_before_and_reports_what_it_did(admitted, sql):
    await failing(sql, where="(year, month) IN ((2009, 2), (2009, 3))", code="timeout")
    await failing(sql, where="(year, month) = (2018, 5)", code="key_refused")
    page = (await admitted.get("/")).text
    for button in ("Retry 2", "Retry 1", "Retry all 3"):
        assert f"<button>{button}</button>" in page
    assert message(await act(admitted, "/retry", reason="timeout")) == (
        "2 months reset to pending: 2009-03, 2009-02. Next: schedule them."
    )
    assert message(await act(admitted, "/retry", month="2018-05")) == (
        "1 month reset to pending: 2018-05. Next: schedule it."
    )
    await sql("UPDATE backfill_log SET status = 'failed', completed_at = now() WHERE (year, month) = (2001, 1)")
    assert message(await act(admitted, "/retry", reason="unknown")).startswith("1 month reset to pending: 2001-01")
    assert message(await act(admitted, "/retry")).startswith("Nothing to retry")

    assert message(await act(admitted, "/seed", start="1998", end="2000")).startswith(
        "1998-2000: 24 months added, 12 already there"
    )
    preview = await admitted.get("/schedule?months=3")
    assert "<strong>3 months</strong> of 324 pending to schedule, newest first" in preview.text
    plan = plan_of(preview)
    assert await sql("SELECT 1 FROM backfill_log WHERE status <> 'pending'") == []
    scheduled = await act(admitted, "/schedule", months="3", plan=plan)
    assert message(scheduled) == "Scheduled 3 months: 2024-12, 2024-11, 2024-10."
    assert "0 months still finishing" in message(await act(admitted, "/pause", why="new key"))
    assert message(await act(admitted, "/resume")).startswith("Resumed")
    acts = await sql("SELECT who, act FROM audit ORDER BY at")
    assert [each["act"] for each in acts] == ["retry"] * 3 + ["pause", "resume"]
    assert {each["who"] for each in acts} == {"dashboard"}


async def test_a_paused_provider_is_resumed_from_the_page(admitted, sql, system):
    await system.limiter.pause("isbndb", datetime.now(UTC) + timedelta(hours=2), "the day's calls are used up")
    button = "<button>Resume ISBNdb</button>"
    page = (await admitted.get("/")).text
    assert "<strong>ISBNdb</strong> paused until" in page
    assert button in page
    assert message(await act(admitted, "/resume", provider="isbndb")).startswith(
        "ISBNdb is queried again now instead of at "
    )
    assert button not in (await admitted.get("/")).text
    assert message(await act(admitted, "/resume", provider="isbndb")) == "ISBNdb was not paused."
    assert (await sql("SELECT who, act FROM audit ORDER BY at"))[-1] == {"who": "dashboard", "act": "resume"}


async def notes(sql):
    return [(each["who"], each["act"], each["why"]) for each in await sql("SELECT * FROM rollout_log ORDER BY id")]


async def test_a_rollout_is_started_held_and_released_from_the_page(admitted, sql):
    """With a name and a reason, which are stored; a hold without a reason is rejected."""
    page = await admitted.get("/")
    assert '<h2 id="plan">No rollout</h2>' in page.text
    assert "Validation: 10 months, 5 a day; Recent years: 50 months, 10 to 15 a day" in page.text
    begun = await act(admitted, "/rollout/start", who="olga", why="as agreed")
    assert message(begun).startswith("Started: 300 months in 3 phases; added 0 missing months")
    assert "no month is scheduled (10 left in Validation)" in begun.text
    held = await act(admitted, "/rollout/hold", who="olga", why="<i>looking</i>")
    assert message(held) == "Held: phase 1 of 3, Validation: held by olga by dashboard: &lt;i&gt;looking&lt;/i&gt;."
    assert "<i>" not in held.text
    assert message(await act(admitted, "/rollout/release")).startswith("Released: phase 1 of 3")
    assert await notes(sql) == [("olga by dashboard", "start", "as agreed"), ("olga by dashboard", "hold", "<i>looking</i>"),
                                ("dashboard", "release", "")]  # fmt: skip
    again = await act(admitted, "/rollout/start")
    assert again.status_code == 409


async def test_the_page_shows_what_a_plan_may_not_do_before_and_after_its_start(admitted, system, sql):
    """The default plan's warnings while none runs, those of the running plan, and the default's again after its end."""
    await sql("INSERT INTO lane (name, rate, sends, win, gap, daily_limit, daily_cap) VALUES ('isbndb', 3, 3, 1, 0.3, 50, 50)"
              " ON CONFLICT (name) DO UPDATE SET daily_limit = 50, daily_cap = 50, plan_limit = NULL")  # fmt: skip
    small = "<li><strong>Warning:</strong> Validation: its share of ISBNdb&#39;s quota is 22 calls a day"
    assert small in (await admitted.get("/")).text
    started = await act(admitted, "/rollout/start")
    assert small in started.text
    await system.rollout.start(TWO_PHASES, "test", replaces=True)
    page = (await admitted.get("/")).text
    assert small not in page
    await sql("UPDATE rollout SET ended_at = now(), outcome = 'finished' WHERE ended_at IS NULL")
    page = (await admitted.get("/")).text
    assert ("The rollout has ended." in page, "Start a rollout" in page, small in page) == (True, True, True)


async def test_a_gate_shows_its_counts_and_is_approved_once_it_is_passed(admitted, system, sql):
    """A failed gate cannot be approved; it can be overridden, with a reason. A passed one leads to the next phase."""
    await system.rollout.start(TWO_PHASES, "test")
    ended = ("UPDATE backfill_log SET status = 'completed', started_at = now(), completed_at = now(), books_generated = 20,"
             " isbns_resolved = %s, resolution_rate = %s WHERE year = 2023")  # fmt: skip
    await sql(ended, 10, 50)
    page = (await admitted.get("/")).text
    assert "Gate failed" in page
    assert "<li>Resolution rate 50 % of 240 books (lower bound 43.7 %, required 80 %): failed</li>" in page
    required = "80 % of at least 100 books have an ISBN, with 95 % confidence; at most 10 % of the months failed"
    assert f"Requires: {required}" in page
    assert "Counted: 12 of 12 months completed, 0 failed, 0 under way, 0 to be scheduled; 120 of 240 books" in page
    assert "Approve gate" not in page
    refused = await act(admitted, "/rollout/approve", who="olga")
    assert refused.status_code == 409
    assert "the gate of first failed" in refused.text
    await sql("UPDATE backfill_log SET status = 'pending' WHERE year = 2023")
    await sql(ended, 19, 95)
    page = (await admitted.get("/")).text
    assert "Gate passed, waiting for approval" in page
    assert "Then phase second starts: 12 months." in page
    approved = await act(admitted, "/rollout/approve", who="olga", why="looked at ten")
    assert message(approved).startswith("Approved: phase 2 of 2, second:")
    assert "Override gate" not in approved.text  # it has not begun
    [running] = await sql("SELECT id FROM rollout")
    stale = {"why": "enough", "rollout": running["id"], "phase": 1}
    assert (await act(admitted, "/rollout/override", **stale)).status_code == 409
    await sql("UPDATE backfill_log SET status = 'failed' WHERE year = 2022")
    page = (await admitted.get("/")).text
    assert (
        f'<input type="hidden" name="rollout" value="{running["id"]}">\n<input type="hidden" name="phase" value="2">'
        in page
    )
    assert message(await act(admitted, "/rollout/override", **stale | {"phase": 2})).startswith(
        "Overridden: phase 2 of 2"
    )
    assert [act for _, act, _ in await notes(sql)] == ["start", "approve", "advance", "override"]


async def page_with_forecast(client, system):
    """The page once the forecast that it requests is ready."""
    await client.get("/")
    if system.forecaster._making:
        await system.forecaster._making
    return (await client.get("/")).text


async def test_the_finish_is_forecast_as_a_range_with_what_limits_it(admitted, system, sql, monkeypatch):
    """For the default plan before a start, for the rollout once it runs; or the gate where it stops."""
    assert "Forecast: it stops at gate &#39;Validation&#39;" in await page_with_forecast(admitted, system)
    for key in key_settings().values():
        monkeypatch.setenv(key, "canary-key")
    monkeypatch.setattr(forecaster, "LATEST_RUNS", 6)
    monkeypatch.setattr(system.forecaster, "settings", config.load())
    monkeypatch.setattr(system.forecaster, "_last", None)
    await sql("DELETE FROM lane WHERE name = 'isbndb'; INSERT INTO lane (name, rate, sends, win, gap, daily_limit, daily_cap)"
              " VALUES ('isbndb', 3, 3, 1, 0.3, 15000, 13000)")  # fmt: skip
    page = await page_with_forecast(admitted, system)
    assert re.search(r"Forecast: it is done \d\d [A-Z][a-z]{2}", page)
    assert '<p class="big">Not scheduled</p>' in page
    await act(admitted, "/rollout/start")
    page = await page_with_forecast(admitted, system)
    assert re.search(r'<p class="big">\d\d [A-Z][a-z]{2}.*–.*</p>\n<p>80 % likely\. Limiting factor: ', page)
    assert "Forecast: it" not in page


async def test_the_message_of_an_action_is_shown_once(admitted):
    message(await act(admitted, "/pause"))
    assert message(await admitted.get("/")) == ""


@pytest.mark.parametrize(
    ("path", "fields", "answer"),
    [
        ("/seed", {"start": "1899", "end": "2000"}, (422, "a year from 1900 to 2100")),
        ("/seed", {"start": "2001", "end": "2000"}, (422, "must not be after year_end")),
        ("/rollout/start", {"who": "w" * 61}, (422, "at most 60 characters")),
        ("/rollout/hold", {"why": "x"}, (404, "alexandria rollout start")),
        ("/rollout/hold", {}, (422, "one line of at most 300 characters")),
        ("/rollout/override", {"why": "y" * 301}, (422, "one line of at most 300 characters")),
        ("/rollout/begin", {"why": "x"}, (404, "no such page")),
        ("/schedule", {}, (422, "a number from 1 to 50")),
        ("/schedule", {"months": "ten"}, (422, "a number from 1 to 50")),
        ("/schedule", {"months": "0"}, (422, "a number from 1 to 50")),
        ("/schedule", {"months": "51"}, (422, "a number from 1 to 50")),
        ("/schedule", {"months": "1" * 5000}, (422, "a number from 1 to 50")),
        ("/schedule", {"months": "2", "plan": "of yesterday"}, (422, "preview the months again")),
        ("/schedule", {"months": "2", "plan": f"{'0' * 16}-195001"}, (422, "not made for this request")),
        ("/retry", {"month": "2014-13"}, (422, "2014-13")),
        ("/retry", {"month": NOBODY}, (422, "is not a month")),
        ("/retry", {"reason": "r" * 5000}, (422, "at most 300 characters")),
        ("/pause", {"why": "w" * 5000}, (422, "at most 300 characters")),
        ("/retry", {"month": "2014-05", "back": "//evil.example"}, (200, "Nothing to retry")),
    ],
)
async def test_an_invalid_form_field_is_explained(admitted, sql, path, fields, answer):
    status, text = answer
    response = await act(admitted, path, **fields)
    assert response.status_code == status
    assert response.url.host == "alexandria"
    assert text in response.text
    assert "<b>" not in response.text
    assert len(response.text) < LARGEST
    assert await sql("SELECT 1 FROM audit") == []


@pytest.mark.parametrize("path", ["/schedule?months=x", "/schedule?months=-1", "/months/2014-13", "/months/1950-01"])
async def test_a_wrong_address_gets_an_error_page(admitted, path):
    response = await admitted.get(path)
    assert response.status_code in {404, 422}
    assert response.headers["content-type"].startswith("text/html")
    assert '<section role="alert">' in response.text


async def test_nothing_is_scheduled_during_a_pause(admitted, sql):
    plan = plan_of(await admitted.get("/schedule?months=3"))
    await act(admitted, "/pause")
    assert "<button>Schedule 3 months</button>" not in (await admitted.get("/schedule?months=3")).text
    response = await act(admitted, "/schedule", months="3", plan=plan)
    assert response.status_code == 409
    assert "wait for its end, or resume" in response.text


async def test_a_preview_that_is_outdated_schedules_nothing(admitted, sql):
    """Exactly the confirmed months are scheduled, or none."""
    plan = plan_of(await admitted.get("/schedule?months=3"))
    await sql("UPDATE backfill_log SET status = 'completed' WHERE (year, month) = (2024, 11)")
    response = await act(admitted, "/schedule", months="3", plan=plan)
    assert response.status_code == 409
    assert "can no longer be claimed" in response.text
    assert await sql("SELECT 1 FROM backfill_log WHERE status = 'processing'") == []


# Contents


async def test_text_from_outside_is_escaped(admitted, sql):
    """Reasons, titles, evidence and the pause, wherever they are shown."""
    hostile = f"<script>alert(1)</script>{NOBODY}"
    await sql("UPDATE backfill_log SET status = 'failed', started_at = now(), completed_at = now(),"
              " error_code = 'bad_answer', error_message = %s WHERE year = 2009", hostile)  # fmt: skip
    await sql("INSERT INTO candidate (year, month, position, title, author, named_by, reason, evidence)"
              " VALUES (2009, 5, 1, %s, %s, '{x}', %s, jsonb_build_array(jsonb_build_object('title', %s::text,"
              " 'verdict', 'refuse', 'source', 'x', 'source_id', 'y', 'score', 1)))", *[hostile] * 4)  # fmt: skip
    paused = await act(admitted, "/pause", why=hostile)
    pages = [paused, await admitted.get("/months/2009-05"), await admitted.get("/events?since=1-300&once")]
    for page in pages:
        assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;b&gt;&#34;&amp;&#39;&lt;/b&gt;" in page.text
        assert "<script>a" not in page.text
        assert "<b>" not in page.text


async def test_a_month_shows_its_own_log_newest_first(admitted, sql):
    """Only its own, nothing below info, and escaped."""
    await sql("INSERT INTO journal (at, level, event, process, year, month, fields) SELECT now(), level, event, 'm:1', 2009, m,"
              " jsonb_build_object('reason', %s::text) FROM (VALUES ('info', 'first', 5), ('debug', 'hidden', 5),"
              " ('error', 'second', 5), ('info', 'foreign', 6)) AS logged (level, event, m)", NOBODY)  # fmt: skip
    page = (await admitted.get("/months/2009-05")).text
    assert page.index("second reason=&lt;b&gt;") < page.index("first reason=&lt;b&gt;")
    assert "hidden" not in page.partition("<h2>Log</h2>")[2]
    assert "foreign" not in page
    assert "<b>" not in page
    await sql("TRUNCATE journal")
    assert "No recent log entries." in (await admitted.get("/months/2009-05")).text


async def test_a_full_page_is_small(admitted, sql):
    """300 months in their longest form, more reasons than fit, and very long messages."""
    await sql(
        "UPDATE backfill_log SET status = 'retry', retry_count = 1, error_code = 'database_unavailable',"
        " next_attempt_at = now() + interval '9 h', blocked_reason = repeat('isbndb: the quota is spent ', 50)"
    )
    await sql(
        "UPDATE backfill_log SET status = 'failed', started_at = now(), completed_at = now(), next_attempt_at = NULL,"
        " blocked_reason = NULL, error_message = repeat('isbndb did not answer in time ', 100),"
        " error_code = 'reason_of_' || year WHERE month <= 6"
    )
    await sql(
        "INSERT INTO attempt (token, year, month, began_at, ended_at, worker, outcome, code, reason) SELECT"
        " gen_random_uuid(), year, month, now(), now(), 'machine:1', 'completed', 'timeout',"
        " repeat('isbndb did not answer in time ', 100) FROM backfill_log"
    )
    await act(admitted, "/rollout/start")
    await act(admitted, "/pause", why="w" * 200)
    page = await admitted.get("/")
    assert page.status_code == 200
    assert page.text.count('<td id="m') == 300
    assert len(page.content) <= LARGEST, len(page.content)
    await sql("UPDATE backfill_log SET status = 'completed', started_at = now(), completed_at = now(), error_code = NULL,"
              " error_message = NULL, books_generated = 50, isbns_resolved = 50, resolution_rate = 100")  # fmt: skip
    page = await admitted.get("/")
    assert page.text.count("✓ 100") == 300
    assert len(page.content) <= LARGEST, len(page.content)
