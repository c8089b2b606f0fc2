"""Who gets into the dashboard: login, sessions, wrong secrets, and forms of other visitors and sites."""

import dataclasses
import re
from typing import Any

import pytest

from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.web.app import create_app
from alexandria.web.auth.secret import MAX_FAILURES
from alexandria.web.auth.session import COOKIE, MAX_FORM_FIELDS
from tests.support.dashboard_visitors import PREVIOUS, SECRET, act, browser, failing, log_in, message, token_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("seeded_pages")]
FORM = re.compile(r"<form.*?</form>", re.DOTALL)


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
        (403, {"content": f"token={token}&".encode() + b"a=1&" * MAX_FORM_FIELDS,
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
