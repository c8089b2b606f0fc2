"""Months that wait for providers or keys: never charged, reported when that lasts, and continued when it is over."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from alexandria.backfill.composition import compose
from alexandria.backfill.recovery import Recovery
from alexandria.backfill.retry_policy import MAX_OUTAGE_WAIT
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.catalogue.models import Candidate
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.core.stall import StallMonitor
from alexandria.operations.alerts.monitor import AlertMonitor
from alexandria.operations.alerts.webhook import Receiver
from alexandria.providers.base import SuggestResult
from tests.support.clocks import Clock

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEDULE, SEED, RETRY = (f"/api/internal/{act}" for act in ("schedule-backfill", "seed-backfill-queue", "retry"))
IN_2023 = {"year_range": {"start": 2023, "end": 2023}}
BOOK = Candidate("The Bee Sting", "Paul Murray", year=2023)
DOWN = errors.ProviderDown("gemini", "connection failed (ConnectError)")
MISSING = errors.KeyMissing("xai", "no key is configured")
REFUSED = errors.KeyRefused("gemini", "refuses our key with 401")


class Generator:
    """Gives one answer, or raises it."""

    def __init__(self, name, answer):
        self.name = self.label = name
        self.answer = answer

    async def suggest(self, month, variant, count):
        if isinstance(self.answer, Exception):
            raise self.answer
        return SuggestResult(self.answer)


class Source:
    """Knows no book, or raises `answer`."""

    paid, rate = False, 3.0

    def __init__(self, name, answer: Any = ()):
        self.name, self.answer = name, answer

    async def find(self, candidate):
        if isinstance(self.answer, Exception):
            raise self.answer
        return list(self.answer)


@pytest.fixture(autouse=True)
async def _year(api, empty, sql):
    await sql("TRUNCATE incident, breaker CASCADE")
    await sql("UPDATE lane SET paused_until = NULL")
    await api.post(SEED, json={"year_start": 2023, "year_end": 2023})


def composed(system, generators, sources=(), **options):
    return compose(system.database, system.queue, generators, SourcePool(sources, Policy.BALANCED), **options)


async def attempt(api, sql, backfill):
    """One attempt at the newest month; returns its row."""
    await sql("UPDATE backfill_log SET next_attempt_at = now() WHERE status = 'retry'")
    answer = await api.post(SCHEDULE, json={"batch_size": 1, **IN_2023})
    assert answer.json()["months_selected"] == 1, answer.text
    [row] = await sql("SELECT attempt_token FROM backfill_log WHERE status = 'processing'")
    await backfill.runner.process(row["attempt_token"], "test")
    return await newest(sql)


async def newest(sql):
    [row] = await sql("SELECT * FROM backfill_log WHERE year = 2023 AND month = 12")
    return row


@pytest.mark.parametrize(
    ("generators", "sources", "code"),
    [
        ([Generator("gemini", DOWN)], [], "providers_down"),
        ([Generator("gemini", DOWN), Generator("xai", MISSING)], [], "providers_down"),
        ([Generator("gemini", DOWN), Generator("xai", REFUSED)], [], "providers_down"),
        ([Generator("gemini", (BOOK,))], [Source("isbndb", DOWN), Source("wikidata", DOWN)], "providers_down"),
        ([Generator("gemini", (BOOK,))], [Source("isbndb", MISSING), Source("wikidata", DOWN)], "providers_down"),
        ([Generator("gemini", MISSING), Generator("xai", MISSING)], [], "no_key"),
        ([Generator("gemini", (BOOK,))], [Source("isbndb", MISSING)], "no_key"),
    ],
)
async def test_an_outage_or_a_missing_key_is_a_wait_that_never_fails(api, sql, system, *, generators, sources, code):
    """Twelve times in a row: no attempt counts, and each wait is about twice as long as before, up to half an hour."""
    backfill = composed(system, generators, sources)
    waits = []
    for _ in range(12):
        row = await attempt(api, sql, backfill)
        assert (row["status"], row["retry_count"], row["error_code"]) == ("retry", 0, code)
        assert row["blocked_reason"].startswith(f"{code}: ")
        assert row["error_message"] is None
        waits.append(row["next_attempt_at"] - datetime.now(UTC))
    assert timedelta(seconds=20) < waits[0] <= timedelta(seconds=30)
    assert all(wait <= MAX_OUTAGE_WAIT for wait in waits)
    assert waits[-1] > timedelta(minutes=22)
    assert waits[4] > 3 * waits[1]


@pytest.mark.parametrize("beside", [MISSING, errors.RequestRefused("xai", "knows no model")])
async def test_a_wrong_key_fails_also_beside_a_missing_one(api, sql, system, beside):
    row = await attempt(api, sql, composed(system, [Generator("gemini", REFUSED), Generator("xai", beside)]))
    assert (row["status"], row["error_code"]) == ("failed", "no_books")
    assert "refuses our key" in row["error_message"]


async def test_the_wait_is_short_again_after_a_counted_attempt(api, sql, system):
    generator = Generator("gemini", DOWN)
    backfill = composed(system, [generator])
    for _ in range(4):
        await attempt(api, sql, backfill)
    generator.answer = errors.BadAnswer("gemini", "is not JSON")
    assert (await attempt(api, sql, backfill))["retry_count"] == 1
    generator.answer = DOWN
    row = await attempt(api, sql, backfill)
    assert row["retry_count"] == 1
    assert row["next_attempt_at"] - datetime.now(UTC) <= timedelta(seconds=30)


async def test_a_month_without_one_list_is_marked_and_repeated_on_request_only(api, sql, system):
    """Months that are complete, failed or lack a provider without a key are no part of it."""
    generators = [Generator("gemini", DOWN), Generator("xai", (BOOK,))]
    backfill = composed(system, generators, [Source("open_library")])
    row = await attempt(api, sql, backfill)
    assert (row["status"], row["error_code"], row["books_generated"]) == ("completed", "partial", 1)
    assert "gemini: connection failed" in row["error_message"]
    await sql("UPDATE backfill_log SET status = 'completed', error_code = NULL WHERE month = 11")
    await sql("UPDATE backfill_log SET status = 'failed', error_code = 'partial' WHERE month = 10")
    assert (await api.post(SCHEDULE, json={"batch_size": 1, "dry_run": True, **IN_2023})).json()["months"][0][
        "month"
    ] == 9

    data = (await api.post(RETRY, json={"partial": True, "dry_run": True})).json()
    assert (data["reopened"], data["woken"], data["left"]) == (["2023-12"], [], [])
    assert (await newest(sql))["status"] == "completed"
    data = (await api.post(RETRY, json={"partial": True, "months": ["2023-12", "2023-11"]})).json()
    assert data["reopened"] == ["2023-12"]
    assert data["left"] == [{"month": "2023-11", "status": None}]
    assert (await newest(sql))["status"] == "pending"
    generators[0].answer = (BOOK,)
    row = await attempt(api, sql, backfill)
    assert (row["status"], row["error_code"], row["error_message"]) == ("completed", None, None)
    assert (await api.post(RETRY, json={"partial": False})).status_code == 422
    assert (await api.post(RETRY, json={"partial": "yes"})).status_code == 422


async def test_a_provider_without_a_key_leaves_no_list_missing(api, sql, system):
    generators = [Generator("gemini", MISSING), Generator("xai", (BOOK,))]
    row = await attempt(api, sql, composed(system, generators, [Source("open_library")]))
    assert (row["status"], row["error_code"]) == ("completed", None)


async def wait_for(sql, month, provider, code="providers_down", hours=1):
    await sql(
        "UPDATE backfill_log SET status = 'retry', next_attempt_at = now() + %s * interval '1 h', error_code = %s,"
        " blocked_reason = %s WHERE month = %s", hours, code, f"{code}: {provider}: no answer", month,
    )  # fmt: skip


async def breaker(sql, provider, *, open_for, recovered=False):
    await sql("INSERT INTO lane (name, rate, sends, win, gap) VALUES (%s, 1, 1, 1, 1) ON CONFLICT DO NOTHING", provider)
    await sql(
        "INSERT INTO breaker (name, trips, opened_at, open_until, recovered_at) VALUES (%s, %s, %s,"
        " now() + %s * interval '1 s', CASE WHEN %s THEN now() END)",
        provider, 0 if recovered else 1, None if recovered else datetime.now(UTC), open_for, recovered,
    )  # fmt: skip


async def due(sql):
    return [
        row["month"]
        for row in await sql("SELECT month FROM backfill_log WHERE next_attempt_at <= now() ORDER BY month")
    ]


async def test_months_go_on_when_their_provider_answers_again(sql, system):
    """Once, each with its job; those that wait for something else stay, and enrichment asks that provider again."""
    for month, provider in ((1, "isbndb"), (2, "wikidata"), (3, "isbndb")):
        await wait_for(sql, month, provider)
    await sql("INSERT INTO enrichment_rest VALUES ('isbndb', now() + interval '1 h', 'no answer', false, 1)")
    await breaker(sql, "isbndb", open_for=0, recovered=True)
    recovery = Recovery(system.database, system.queue)
    assert await recovery.recover() == 2
    assert await due(sql) == [1, 3]
    jobs = await sql("SELECT args ->> 'month' AS month FROM procrastinate_jobs WHERE task_name = 'wake' ORDER BY 1")
    assert [job["month"] for job in jobs] == ["1", "3"]
    assert await sql("SELECT provider FROM enrichment_rest") == []
    assert await recovery.recover() == 0


async def test_one_waiting_month_probes_a_provider_whose_pause_is_over(sql, system):
    """The newest, and not again until a probe had its time; none while the pause lasts, none for another provider."""
    for month, provider in ((1, "isbndb"), (3, "isbndb"), (5, "google_books")):
        await wait_for(sql, month, provider)
    await breaker(sql, "google_books", open_for=60)
    await breaker(sql, "isbndb", open_for=-1)
    recovery = Recovery(system.database, system.queue)
    assert await asyncio.gather(*(recovery.recover() for _ in range(3))) in ([1, 0, 0], [0, 1, 0], [0, 0, 1])
    assert await due(sql) == [3]
    assert await recovery.recover() == 0
    await sql("UPDATE breaker SET probed_at = now() - interval '1 min', probe = gen_random_uuid(),"
              " probe_until = now() + interval '1 min' WHERE name = 'isbndb'")  # fmt: skip
    assert await recovery.recover() == 0


async def test_during_a_pause_of_the_backfill_nothing_is_woken_and_nothing_forgotten(sql, system):
    await wait_for(sql, 1, "isbndb")
    await breaker(sql, "isbndb", open_for=0, recovered=True)
    await system.control.pause(None, "lunch", "ann")
    recovery = Recovery(system.database, system.queue)
    assert await recovery.recover() == 0
    await sql("UPDATE control SET paused_since = NULL")
    assert await recovery.recover() == 1


async def test_months_that_wait_for_a_key_go_on_when_it_is_there(sql, system):
    """As a worker starts with it, or has read it again; no other month does."""
    await wait_for(sql, 1, "gemini", "no_key")
    await wait_for(sql, 2, "xai", "no_key")
    await wait_for(sql, 3, "gemini")
    keyed = {"isbndb"}
    recovery = Recovery(system.database, system.queue, keyed=lambda: keyed)
    assert await recovery.recover() == 0
    keyed = {"isbndb", "gemini"}
    assert await recovery.recover() == 1
    assert await due(sql) == [1]
    await wait_for(sql, 1, "gemini", "no_key")
    assert await recovery.recover() == 0


async def waited(sql, month, hours, outcome="snoozed", code="providers_down"):
    """An attempt that ended so many hours ago."""
    await sql(
        "INSERT INTO attempt (token, year, month, created_at, began_at, ended_at, outcome, code, reason) SELECT %s, 2023, %s,"
        " at, at, at, %s, %s, 'gemini: no answer' FROM (SELECT now() - %s * interval '1 h' AS at) AS ago",
        uuid4(), month, outcome, code, hours,
    )  # fmt: skip


async def kinds(system):
    monitor = AlertMonitor(system.database)
    return [each.kind.value for each in await monitor.current_incidents()]


async def test_an_outage_is_an_incident_after_an_hour(sql, system):
    """Of waits in a row, also while an attempt is under way; a pause in between does not end the row."""
    await wait_for(sql, 1, "gemini")
    await waited(sql, 1, 0.9)
    await wait_for(sql, 2, "gemini")
    for hours, outcome, code in (
        (30, "snoozed", "providers_down"),
        (2, "retry", "no_books"),
        (0.5, "snoozed", "providers_down"),
    ):
        await waited(sql, 2, hours, outcome, code)
    assert await kinds(system) == []
    await waited(sql, 1, 1.1, code="no_key")
    assert await kinds(system) == ["providers_down"]
    await waited(sql, 1, 1.0, code="paused")
    assert await kinds(system) == ["providers_down"]
    await sql("UPDATE backfill_log SET status = 'processing' WHERE month = 1")
    assert "providers_down" in await kinds(system)
    await sql("UPDATE backfill_log SET status = 'completed' WHERE month = 1")
    assert await kinds(system) == []


async def test_a_provider_that_does_not_answer_for_an_hour_is_an_incident_through_all_its_pauses(sql, system):
    for open_for in (-1, 60):
        await sql("TRUNCATE breaker")
        await breaker(sql, "isbndb", open_for=open_for)
        assert await system.alerts.current_incidents() == ()
        await sql("UPDATE breaker SET opened_at = now() - interval '61 min'")
        [incident] = await system.alerts.current_incidents()
        assert (incident.kind, incident.subject) == ("lane_paused", "isbndb")
        assert "no answer since" in incident.reason


async def test_an_outage_that_lasts_is_reported_again_every_day(sql, system, receiver):
    """With an id of its own, so that the receiver takes it; other incidents are reported once."""
    monitor = AlertMonitor(system.database, receiver=Receiver(SecretStr(receiver.url), None, "0"))
    await wait_for(sql, 1, "gemini")
    await waited(sql, 1, 2)
    await sql("INSERT INTO incident (kind, reason, began_at) VALUES ('paused', 'lunch', now() - interval '3 days')")
    await system.control.pause(None, "lunch", "ann")
    await sql("UPDATE control SET paused_since = now() - interval '3 days'")
    for _ in range(3):
        await monitor.check()
        await monitor.check()
        await sql(
            "UPDATE incident SET began_at = began_at - interval '25 h', reminded_at = reminded_at - interval '25 h'"
        )
    await sql("UPDATE backfill_log SET status = 'completed' WHERE month = 1")
    await sql("UPDATE control SET paused_since = NULL")
    await monitor.check()
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    outage = [pair for pair in zip(ids, receiver.messages(), strict=True) if pair[1]["kind"] == "providers_down"]
    assert [body["event"] for _, body in outage] == ["began", "lasts", "lasts", "cleared"]
    assert len({delivery for delivery, _ in outage}) == 4
    assert len({body["incident"] for _, body in outage}) == 1
    assert [body["event"] for body in receiver.messages() if body["kind"] == "paused"] == ["cleared"]


@pytest.mark.parametrize(("failed_before", "status"), [(0, "processing"), (4, "retry")])
async def test_a_month_taken_from_a_worker_that_stood_still_is_not_charged(api, sql, system, failed_before, status):
    """Also if it failed by that; without a stall the loss counts, as the worker was cut off or its job was lost."""
    clock = Clock()
    async with StallMonitor(clock) as stall:
        for stalls in (False, True):
            await sql("UPDATE backfill_log SET status = 'pending', retry_count = %s", failed_before)

            class Suspended(Generator):
                async def suggest(self, month, variant, count):
                    await sql("DELETE FROM procrastinate_jobs")
                    await system.backfill.rescuer.rescue()
                    clock.now += 120 * stalls  # noqa: B023  # it is called in this round
                    return SuggestResult((BOOK,))

            generators = [Suspended("gemini", ())]
            backfill = composed(system, generators, [Source("open_library")], stall=stall)
            await api.post(SCHEDULE, json={"batch_size": 1, **IN_2023})
            [row] = await sql("SELECT attempt_token FROM backfill_log WHERE status = 'processing'")
            await backfill.runner.process(row["attempt_token"], "test")
            row = await newest(sql)
            lost = "failed" if failed_before == 4 else "processing"
            expected = (status, failed_before) if stalls else (lost, failed_before + 1)
            assert (row["status"], row["retry_count"]) == expected
    codes = await sql("SELECT code FROM attempt WHERE outcome = 'lost' ORDER BY created_at")
    assert [each["code"] for each in codes] == ["worker_lost", "worker_stalled"]


async def test_a_stalled_attempt_is_forgotten_when_it_has_ended(api, sql, system):
    """Else a process that is suspended each night would remember all of them."""
    clock = Clock()
    async with StallMonitor(clock) as stall:

        class Suspended(Generator):
            async def suggest(self, month, variant, count):
                clock.now += 120
                return await super().suggest(month, variant, count)

        backfill = composed(system, [Suspended("gemini", errors.Stalled("this process stood still"))], stall=stall)
        row = await attempt(api, sql, backfill)
    assert row["error_code"] == "stalled"
    assert backfill.runner._stalled_attempts == set()


async def test_nobody_is_taken_for_dead_just_after_a_stall_of_our_own(api, sql, system):
    """The machine slept: others have missed their heartbeats as well, and this process itself."""
    clock = Clock()
    await api.post(SCHEDULE, json={"batch_size": 1, **IN_2023})
    await sql("DELETE FROM procrastinate_jobs")
    async with StallMonitor(clock) as stall:
        rescuer = composed(system, [], stall=stall).rescuer
        clock.now += 120
        assert await rescuer.rescue() == 0
        for _ in range(3):
            clock.now += 2
            stall.stalled_since(0)
        clock.now += 2
        assert await rescuer.rescue() == 1


async def test_a_stalled_attempt_goes_on_at_once_and_costs_none(api, sql, system):
    row = await attempt(api, sql, composed(system, [Generator("gemini", errors.Stalled("this process stood still"))]))
    assert (row["status"], row["retry_count"], row["error_code"]) == ("retry", 0, "stalled")
    assert row["next_attempt_at"] <= datetime.now(UTC)
    await system.backfill.rescuer.wake(Month(2023, 12))
    assert (await newest(sql))["status"] == "processing"
