"""Incidents on a real database with a real receiver: each is stored and reported once, by any process, until it clears."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from alexandria.backfill.periodic import Periodic
from alexandria.backfill.queue_jobs import run_jobs
from alexandria.bootstrap import alert_monitor, periodic
from alexandria.core.config import load
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.operations.alerts.incidents import DeliveryFailed
from alexandria.operations.alerts.monitor import MAX_TRIES, AlertMonitor
from alexandria.operations.alerts.rules import IncidentKind, Thresholds
from alexandria.operations.alerts.webhook import Receiver
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.web.app import create_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "canary-alarm-secret"
READY, SEED = "/health/ready", "/api/internal/seed-backfill-queue"


@pytest.fixture(autouse=True)
async def _clean(empty, api, sql):
    await sql("TRUNCATE incident CASCADE")
    await sql("UPDATE control SET paused_since = NULL, paused_until = NULL")
    await api.post(SEED, json={"year_start": 2023, "year_end": 2023})


def monitor_on(system, receiver=None, now=lambda: datetime.now(UTC), **options):
    to = Receiver(SecretStr(receiver.url), SecretStr(KEY), "0") if receiver else None
    return AlertMonitor(system.database, receiver=to, now=now, **options)


async def claim(sql, months=1):
    await sql("UPDATE backfill_log SET status = 'processing' WHERE month <= %s", months)


async def test_an_incident_is_reported_once_when_it_begins_and_once_when_it_ends(system, sql, receiver):
    """However often it is checked; one line at error level, one when it clears, and each call has the reason of its time."""
    monitor = monitor_on(system, receiver)
    with structlog.testing.capture_logs() as logged:
        await monitor.check()
        assert receiver.got == []
        await claim(sql, 3)
        for _ in range(3):
            await monitor.check()
        await claim(sql, 4)
        await monitor.check()
        await sql("INSERT INTO procrastinate_workers DEFAULT VALUES")
        for _ in range(3):
            await monitor.check()
    levels = [(line["log_level"], line["event"], line["kind"]) for line in logged]
    assert levels == [("error", "incident began", "no_worker"), ("warning", "incident cleared", "no_worker")]
    began, cleared = receiver.messages()
    assert (began["event"], began["kind"], began["subject"], began["cleared_at"]) == ("began", "no_worker", "", None)
    assert began["reason"] == "no worker heartbeat for 60 s, 3 months waiting for one"
    assert (cleared["event"], cleared["incident"]) == ("cleared", began["incident"])
    assert cleared["reason"] == "no worker heartbeat for 60 s, 4 months waiting for one"
    assert datetime.fromisoformat(cleared["cleared_at"]) >= datetime.fromisoformat(began["began_at"])
    rows = await sql("SELECT kind, cleared_at IS NOT NULL AS over FROM incident")
    assert rows == [{"kind": "no_worker", "over": True}]


@pytest.mark.parametrize("secret", [KEY, "whsec_" + base64.b64encode(b"canary-alarm-key").decode()])
async def test_the_call_is_signed_by_the_standard_and_by_the_earlier_scheme(system, sql, receiver, secret):
    await claim(sql)
    await AlertMonitor(system.database, receiver=Receiver(SecretStr(receiver.url), SecretStr(secret), "0")).check()
    [(headers, body)] = receiver.got
    key = b"canary-alarm-key" if secret.startswith("whsec_") else KEY.encode()
    verifier = Webhook(f"whsec_{base64.b64encode(key).decode()}")  # as a receiver in any language has it
    message = json.loads(body)
    assert verifier.verify(body, headers) == message
    for changed in ({"webhook-id": "x"}, {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(body, headers | changed)
    with pytest.raises(WebhookVerificationError):
        verifier.verify(body.replace(b"began", b"ended"), headers)
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Alexandria-Signature"] == f"sha256={signature}"
    assert headers["Content-Type"] == "application/json"
    assert headers["webhook-id"] == headers["X-Alexandria-Delivery"] == f"{message['incident']}-began"


async def test_without_a_secret_the_call_has_an_id_and_no_signature(system, sql, receiver):
    await claim(sql)
    await AlertMonitor(system.database, receiver=Receiver(SecretStr(receiver.url), None, "0")).check()
    [(headers, _)] = receiver.got
    assert headers["webhook-id"].endswith("-began")
    assert not [name for name in headers if name.lower().endswith("signature")]


async def test_many_processes_that_check_at_once_report_once(system, sql, receiver):
    monitors = [monitor_on(system, receiver) for _ in range(6)]
    for workers in range(4):
        await (claim(sql) if workers % 2 == 0 else sql("INSERT INTO procrastinate_workers DEFAULT VALUES"))
        await asyncio.gather(*(monitor.check() for monitor in monitors))
        await monitors[0].check()
        await sql("TRUNCATE procrastinate_workers CASCADE")
        await monitors[0].check()
    assert [(each["event"], each["kind"]) for each in receiver.messages()] == [
        ("began", "no_worker"), ("cleared", "no_worker"), ("began", "no_worker"), ("cleared", "no_worker"), ("began", "no_worker")
    ]  # fmt: skip


async def test_a_call_that_fails_is_made_again_later_each_time(system, sql, receiver):
    """With the result in a row; the end is reported after the beginning."""
    clock = [datetime.now(UTC)]
    monitor = monitor_on(system, receiver, now=lambda: clock[0])
    receiver.statuses = [500, 302, 204]
    await claim(sql)
    waits = []
    for result in ("answered 500", "answered 302"):
        await monitor.check()
        [row] = await sql("SELECT * FROM notice")
        assert (row["result"], row["delivered_at"]) == (result, None)
        waits.append(row["next_try_at"] - clock[0])
        await monitor.check()
        await sql("UPDATE notice SET next_try_at = now()")
    assert waits == [timedelta(seconds=30), timedelta(seconds=60)]
    assert len(receiver.got) == 2
    await sql("UPDATE notice SET next_try_at = now() + interval '1 h'")
    await sql("UPDATE backfill_log SET status = 'pending'")
    await monitor.check()
    assert len(receiver.got) == 2
    await sql("UPDATE notice SET next_try_at = now()")
    await monitor.check()
    assert [each["event"] for each in receiver.messages()] == ["began", "began", "began", "cleared"]
    first, *ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert ids[:2] == [first, first]
    assert ids[2] != first
    rows = await sql("SELECT event, tries, result, next_try_at FROM notice ORDER BY event")
    assert rows == [
        {"event": "began", "tries": 3, "result": "answered 204", "next_try_at": None},
        {"event": "cleared", "tries": 1, "result": "answered 204", "next_try_at": None},
    ]


async def test_delivery_to_a_receiver_that_never_answers_ends(system, sql, receiver):
    """Nothing listens there; the log and the row have the error and not the address, which contains a token."""
    receiver.shutdown()
    receiver.server_close()
    monitor = monitor_on(system, receiver)
    await claim(sql)
    with structlog.testing.capture_logs() as logged:
        for _ in range(MAX_TRIES + 2):
            await monitor.check()
            await sql("UPDATE notice SET next_try_at = now() WHERE next_try_at IS NOT NULL")
    [row] = await sql("SELECT tries, result, next_try_at FROM notice")
    assert row == {"tries": MAX_TRIES, "result": "ConnectError", "next_try_at": None}
    assert [line["gives_up"] for line in logged if line["event"] == "alarm not delivered"] == [False] * (
        MAX_TRIES - 1
    ) + [True]
    assert "canary" not in str(logged)


@pytest.mark.parametrize("url", ["http://", "nonsense", "ftp://x/", "http://[", "http://127.0.0.1:1/\n"])
async def test_an_invalid_address_is_a_failed_call(url):
    with pytest.raises(DeliveryFailed):
        await Receiver(SecretStr(url), None, "0").send("1-began", {})


async def test_months_are_blocked_since_their_first_snooze_in_a_row(system, sql):
    """An attempt that failed ends the row; a pause is no block; what was snoozed lately is none yet."""

    async def blocked(month, *attempts, code="quota_spent"):
        await sql("UPDATE backfill_log SET status = 'retry', next_attempt_at = now() + interval '1 h', blocked_reason = 'b',"
                  " error_code = %s WHERE month = %s", code, month)  # fmt: skip
        for hours, outcome in attempts:
            await sql("INSERT INTO attempt (token, year, month, created_at, ended_at, outcome) VALUES (gen_random_uuid(), 2023,"
                      " %s, now() - %s * interval '1 h', now() - %s * interval '1 h', %s)", month, hours, hours, outcome)  # fmt: skip

    monitor = monitor_on(system)
    await blocked(1, (30, "snoozed"), (28, "retry"), (20, "snoozed"), (2, "snoozed"))
    await blocked(2, (23, "snoozed"))
    await blocked(3, (50, "snoozed"), code="paused")
    assert await monitor.current_incidents() == ()
    await blocked(4, (40, "retry"), (26, "snoozed"), (2, "snoozed"))
    await blocked(5, (30, "snoozed"))
    [incident] = await monitor.current_incidents()
    assert incident.kind is IncidentKind.MONTHS_BLOCKED
    since = datetime.now(UTC) - timedelta(hours=30)
    assert incident.reason.startswith(f"2 months blocked, the first since {since:%Y-%m-%d %H:}")


async def test_failures_of_the_last_day_count(system, sql):
    await sql("UPDATE backfill_log SET status = CASE WHEN month <= 6 THEN 'completed' ELSE 'failed' END, error_message = 'no key'"
              " WHERE month <= 10")  # fmt: skip
    [incident] = await monitor_on(system).current_incidents()
    assert (incident.kind, incident.reason) == (
        IncidentKind.MONTHS_FAILING, "4 of 10 months that ended within a day failed: no key"
    )  # fmt: skip
    assert await monitor_on(system, thresholds=Thresholds(failed_share=0.4)).current_incidents() == ()
    await sql("UPDATE backfill_log SET started_at = now() - interval '2 days', completed_at = now() - interval '25 h'"
              " WHERE month = 10")  # fmt: skip
    assert [i.reason[:11] for i in await monitor_on(system).current_incidents()] == ["3 of 9 mont"]


async def test_ways_that_are_in_use_count(system, sql):
    now = datetime.now(UTC)

    def lane(name, used):
        return LaneStatus(name, 3, None, "", now.date(), 100, 100, used, 5, now)

    async def lanes():
        return [lane("isbndb", 95), lane("google_books", 100), lane("xai", 50)]

    await sql("UPDATE backfill_log SET status = 'retry', next_attempt_at = now() + interval '1 h' WHERE month = 1")
    found = await monitor_on(system, lanes=lanes, in_use=frozenset({"isbndb", "xai"})).current_incidents()
    assert [(incident.kind, incident.subject) for incident in found] == [(IncidentKind.QUOTA_SPENT, "isbndb")]


async def test_a_pause_of_a_lane_is_as_long_as_it_is_prolonged(system, sql):
    async def pause(minutes):
        await system.limiter.pause("xai", datetime.now(UTC) + timedelta(minutes=minutes), "refuses")

    await pause(50)
    assert await system.alerts.current_incidents() == ()
    await sql("UPDATE lane SET paused_since = paused_since - interval '20 minutes' WHERE name = 'xai'")
    await pause(51)
    assert [(i.kind, i.subject) for i in await system.alerts.current_incidents()] == [(IncidentKind.LANE_PAUSED, "xai")]
    await sql("UPDATE lane SET paused_until = now() - interval '1 s' WHERE name = 'xai'")
    assert await system.alerts.current_incidents() == ()
    await pause(50)
    assert await system.alerts.current_incidents() == ()
    await sql("UPDATE lane SET paused_until = NULL WHERE name = 'xai'")


async def test_health_and_metrics_have_the_current_incidents(api, sql):
    await sql("UPDATE backfill_log SET status = 'failed', error_message = 'no key'")
    ready = (await api.get(READY)).json()
    assert [(each["kind"], each["subject"]) for each in ready["incidents"]] == [("months_failing", "")]
    metrics = (await api.get("/metrics")).text
    assert 'alexandria_incident{kind="months_failing"} 1.0' in metrics
    assert all(f'alexandria_incident{{kind="{kind}"}}' in metrics for kind in IncidentKind)
    await claim(sql)
    response = await api.get(READY)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "no_worker")


async def test_incidents_are_listed_with_the_latest_reason_and_the_fix(api, system, sql, receiver):
    """Those that last first; what cleared is history for a week."""
    await sql(
        "INSERT INTO incident (kind, reason, began_at, cleared_at) VALUES"
        " ('paused', 'over', now() - interval '9 d', now() - interval '6 d'),"
        " ('paused', 'long over', now() - interval '9 d', now() - interval '8 d'),"
        " ('of_a_later_version', 'over', now() - interval '3 d', now() - interval '2 d')"
    )
    await claim(sql, 3)
    await monitor_on(system, receiver).check()
    await sql("UPDATE backfill_log SET status = 'pending' WHERE status = 'processing' AND month = 1")
    await monitor_on(system, receiver).check()
    assert [each["event"] for each in receiver.messages()] == ["began"]
    response = await api.get("/api/incidents")
    assert response.headers["Cache-Control"] == "no-store"
    found = [
        (each["kind"], each["reason"], each["fix"], each["cleared_at"] is None) for each in response.json()["incidents"]
    ]
    assert found == [
        ("no_worker", "no worker heartbeat for 60 s, 2 months waiting for one", "start one: alexandria work", True),
        ("of_a_later_version", "over", "", False),
        ("paused", "over", "alexandria resume", False),
    ]


async def test_the_api_alone_reports_that_no_worker_runs(system, sql):
    """No periodic task runs then."""
    await claim(sql)
    app = create_app(system, WebhookSecrets(()))
    async with app.router.lifespan_context(app), asyncio.timeout(10):
        while not await sql(  # noqa: ASYNC110  # the database sends no event
            "SELECT id FROM incident WHERE kind = 'no_worker' AND cleared_at IS NULL"
        ):
            await asyncio.sleep(0.02)


async def test_workers_do_what_is_due_from_time_to_time(system):
    """A periodic task of the queue runs; and the alert check is among the periodic tasks of a worker."""
    assert {each.name: each.act for each in periodic(system)}["watch"] == system.alerts.check
    done = asyncio.Event()

    async def act():
        done.set()

    tick = Periodic("tick", act, 1.0)
    working = asyncio.create_task(run_jobs(system.queue, system.backfill, concurrency=1, name="test", periodic=[tick]))
    try:
        async with asyncio.timeout(15):
            await done.wait()
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def test_a_check_that_another_process_has_begun_is_left_to_it(system, sql, monkeypatch):
    """The first of two servers checks, and again when the next check is due."""
    checked: list[bool] = []
    monkeypatch.setattr(AlertMonitor, "check", lambda _: count(checked))
    await sql("DELETE FROM periodic_run")
    await sql("INSERT INTO periodic_run (task, due_at) VALUES ('watch', now() - interval '31 s')")
    await system.alerts.check_if_due()
    await system.alerts.check_if_due()
    assert len(checked) in {1, 2}, "two only if a check became due between the calls"
    await sql("UPDATE periodic_run SET due_at = due_at + interval '31 s'")
    before = len(checked)
    await system.alerts.check_if_due()
    assert len(checked) == before


async def count(checked):
    checked.append(True)


async def test_the_settings_define_receiver_secret_and_thresholds(system, monkeypatch):
    assert alert_monitor(system.settings, system.database, system.limiter, system.rollout).receiver is None
    monkeypatch.setenv("ALEXANDRIA_ALARM_URL", "http://127.0.0.1:1/?token=canary-token")
    monkeypatch.setenv("ALEXANDRIA_ALARM_SECRET", KEY)
    monkeypatch.setenv("ALEXANDRIA_ALARM_BLOCKED_HOURS", "2")
    monkeypatch.setenv("ALEXANDRIA_ALARM_FAILED_SHARE", "0.5")
    monitor = alert_monitor(load(), system.database, system.limiter, system.rollout)
    assert monitor.thresholds == Thresholds(timedelta(hours=2), timedelta(hours=1), 0.5)
    assert monitor.receiver is not None
    assert "canary" not in repr(monitor)
