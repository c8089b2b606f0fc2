"""Scheduling by HTTP: what is selected, what a live call does, plans, and many calls at once."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import Counter

import httpx2
import pytest

from alexandria import bootstrap
from alexandria.backfill.composition import compose
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.repositories import months
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.status import Status
from alexandria.bootstrap import Mode
from alexandria.core.month import Month
from alexandria.core.webhook_secrets import WebhookSecrets
from alexandria.database.pool import Database
from alexandria.web.app import create_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEDULE, SEED = "/api/internal/schedule-backfill", "/api/internal/seed-backfill-queue"
IN_2023 = {"year_range": {"start": 2023, "end": 2023}}


@pytest.fixture(autouse=True)
async def _seeded(api, empty):
    assert (await api.post(SEED, json={})).json()["months_seeded"] == 300


async def schedule(api, status=200, **body):
    response = await api.post(SCHEDULE, json=body)
    assert response.status_code == status, response.text
    return response.json()


def listed(answer):
    return [f"{month['year']}-{month['month']:02d}" for month in answer["months"]]


async def test_a_dry_run_is_the_guides_answer_and_changes_nothing(api, sql):
    before = await sql("SELECT * FROM backfill_log ORDER BY id")
    answer = await schedule(api, batch_size=2, dry_run=True, **IN_2023)
    plan = answer.pop("plan")
    assert json.dumps(answer) == json.dumps(
        {
            "dry_run": True,
            "batch_size": 2,
            "months_selected": 2,
            "months": [
                {"year": 2023, "month": 12, "status": "pending"},
                {"year": 2023, "month": 11, "status": "pending"},
            ],
            "total_pending": 300,
            "total_processing": 0,
            "total_completed": 0,
            "total_failed": 0,
            "total_retry": 0,
        }
    )
    assert plan
    assert (await schedule(api, batch_size=2, dry_run=True, **IN_2023))["plan"] == plan
    assert await sql("SELECT * FROM backfill_log ORDER BY id") == before
    assert await sql("SELECT id FROM procrastinate_jobs") == []


async def test_a_live_call_claims_and_enqueues_in_one_transaction(api, sql):
    answer = await schedule(api, batch_size=2, **IN_2023)
    assert [(m["year"], m["month"], m["status"]) for m in answer["months"]] == [
        (2023, 12, "processing"),
        (2023, 11, "processing"),
    ]
    assert answer["execution_summary"] == {"triggered": 2, "skipped": 0, "errors": 0}
    assert (answer["total_pending"], answer["total_processing"]) == (298, 2)
    claimed = await sql(
        "SELECT b.year, b.month, j.id AS job_id FROM backfill_log AS b JOIN attempt AS a ON a.token = b.attempt_token"
        " JOIN procrastinate_jobs AS j ON j.id = a.job_id AND j.args ->> 'token' = a.token::text"
        " WHERE b.status = 'processing' AND j.status = 'todo' ORDER BY b.month DESC"
    )
    assert [{k: m[k] for k in ("year", "month", "job_id")} for m in answer["months"]] == claimed


async def test_the_defaults_are_a_live_call_of_ten_newest_months(api):
    answer = await schedule(api)
    assert answer["dry_run"] is False
    assert listed(answer) == [f"2024-{month:02d}" for month in range(12, 2, -1)]


@pytest.mark.parametrize(
    ("years", "first", "last"),
    [
        ({"start": 2003, "end": 2003}, "2003-12", "2003-01"),
        ({"start": 2003, "end": 2005}, "2005-12", "2003-01"),
        ({"start": 2005, "end": 2003}, "2005-12", "2003-01"),
        ({"start": 2022}, "2024-12", "2022-01"),
        ({"end": 2002}, "2002-12", "2000-01"),
        ({}, "2024-12", "2020-11"),
        ({"start": 1900, "end": 2100}, "2024-12", "2020-11"),
        ({"start": 2030, "end": 2040}, None, None),
    ],
)
async def test_year_range_is_inclusive_in_either_order_and_open_where_a_bound_is_left_out(api, years, first, last):
    found = listed(await schedule(api, batch_size=50, dry_run=True, year_range=years))
    assert found == sorted(found, reverse=True)
    assert (found[:1], found[-1:]) == ([first] * bool(first), [last] * bool(last))


async def test_only_pending_and_due_retry_months_are_taken(api, sql):
    await sql("UPDATE backfill_log SET status = CASE month WHEN 1 THEN 'processing' WHEN 2 THEN 'completed'"
              " WHEN 3 THEN 'failed' WHEN 4 THEN 'retry' WHEN 5 THEN 'retry' ELSE 'pending' END")  # fmt: skip
    await sql("UPDATE backfill_log SET next_attempt_at = now() + interval '1 hour' WHERE month = 5")
    found = await schedule(api, batch_size=50, dry_run=True, **IN_2023)
    assert listed(found) == [f"2023-{month:02d}" for month in (12, 11, 10, 9, 8, 7, 6, 4)]
    totals = {name.removeprefix("total_"): n for name, n in found.items() if name.startswith("total_")}
    assert totals == {"pending": 175, "processing": 25, "completed": 25, "failed": 25, "retry": 50}
    done = await schedule(api, batch_size=50, **IN_2023)
    assert listed(done) == listed(found)
    assert (done["total_pending"], done["total_processing"], done["total_retry"]) == (168, 33, 49)


async def test_force_retry_takes_failed_months_with_a_clean_sheet(api, sql):
    await sql("UPDATE backfill_log SET status = 'failed', retry_count = 5, error_message = 'no key' WHERE month = 12")
    assert "2023-12" not in listed(await schedule(api, dry_run=True, **IN_2023))
    dry = await schedule(api, batch_size=2, dry_run=True, force_retry=True, **IN_2023)
    assert dry["months"][0] == {"year": 2023, "month": 12, "status": "failed", "error_message": "no key"}
    live = await schedule(api, batch_size=2, force_retry=True, **IN_2023)
    assert [m["status"] for m in live["months"]] == ["processing", "processing"]
    [row] = await sql("SELECT retry_count, error_message FROM backfill_log WHERE year = 2023 AND month = 12")
    assert row == {"retry_count": 0, "error_message": None}
    assert await sql("SELECT who, act, detail FROM audit") == [
        {"who": "api", "act": "retry", "detail": {"months": ["2023-12"]}}
    ]


async def test_counters_are_there_for_months_that_have_them(api, sql):
    await sql("UPDATE backfill_log SET status = 'retry', books_generated = 21, isbns_resolved = 20, resolution_rate = 95.24,"
              " error_message = 'xai: answered 503' WHERE year = 2023 AND month = 12")  # fmt: skip
    first, second = (await schedule(api, batch_size=2, dry_run=True, **IN_2023))["months"]
    assert first == {
        "year": 2023, "month": 12, "status": "retry", "books_generated": 21, "isbns_resolved": 20, "resolution_rate": 95.24,
        "error_message": "xai: answered 503",
    }  # fmt: skip
    assert second == {"year": 2023, "month": 11, "status": "pending"}
    live = (await schedule(api, batch_size=2, **IN_2023))["months"]
    assert set(live[0]) - set(first) == {"job_id"}
    assert set(first) - set(live[0]) == {"error_message"}


async def test_a_plan_is_carried_out_exactly(api, sql):
    """Even when newer months have opened in between."""
    await sql("UPDATE backfill_log SET status = 'completed' WHERE year = 2023 AND month = 12")
    dry = await schedule(api, batch_size=2, dry_run=True, **IN_2023)
    await sql("UPDATE backfill_log SET status = 'pending' WHERE year = 2023 AND month = 12")
    live = await schedule(api, batch_size=2, plan=dry["plan"], **IN_2023)
    assert listed(live) == listed(dry) == ["2023-11", "2023-10"]
    assert live["plan"] == dry["plan"]
    assert live["execution_summary"] == {"triggered": 2, "skipped": 0, "errors": 0}


async def test_a_plan_that_can_no_longer_be_carried_out_is_409_with_the_difference_and_nothing_is_done(api, sql):
    dry = await schedule(api, batch_size=4, dry_run=True, **IN_2023)
    await sql("UPDATE backfill_log SET status = 'completed' WHERE year = 2023 AND month = 12")
    await sql("UPDATE backfill_log SET status = 'failed' WHERE year = 2023 AND month = 11")
    await sql("DELETE FROM backfill_log WHERE year = 2023 AND month = 10")
    refused = (await schedule(api, 409, batch_size=4, plan=dry["plan"], **IN_2023))["error"]
    assert refused["code"] == "plan_changed"
    assert refused["details"]["no_longer_open"] == [
        {"month": "2023-12", "status": "completed"},
        {"month": "2023-11", "status": "failed"},
        {"month": "2023-10", "status": None},
    ]
    assert "dry run" in refused["details"]["hint"]
    assert await sql("SELECT id FROM backfill_log WHERE status = 'processing'") == []
    assert await sql("SELECT id FROM procrastinate_jobs") == []


@pytest.mark.parametrize(
    "other",
    [
        {"batch_size": 3},
        {"year_range": {"start": 2022, "end": 2023}},
        {"year_range": {"start": 2023, "end": 2024}},
        {"force_retry": True},
    ],
)
async def test_a_plan_goes_with_its_own_request_only(api, other):
    dry = await schedule(api, batch_size=2, dry_run=True, **IN_2023)
    refused = await schedule(api, 422, **({"batch_size": 2, **IN_2023} | other), plan=dry["plan"])
    assert "plan" in refused["error"]["message"]
    assert "months, batch_size, year_range and force_retry" in refused["error"]["details"]["hint"]


@pytest.mark.parametrize("months", ["", "202312", "202313", "000001", "202312.202311"])
async def test_a_plan_that_no_dry_run_made_is_refused(api, sql, months):
    plan = f"{'0' * 16}-{months}"
    refused = await schedule(api, 422, batch_size=1, plan=plan, **IN_2023)
    assert refused["error"]["message"] == "plan: it was not made for this request"
    assert await sql("SELECT id FROM backfill_log WHERE status <> 'pending'") == []


async def test_the_largest_plan_is_taken(api):
    dry = await schedule(api, batch_size=50, dry_run=True)
    assert len(listed(await schedule(api, batch_size=50, plan=dry["plan"]))) == 50


async def test_an_empty_plan_does_nothing(api):
    dry = await schedule(api, dry_run=True, year_range={"start": 2050})
    assert listed(await schedule(api, plan=dry["plan"], year_range={"start": 2050})) == []


async def test_the_same_plan_twice_is_done_once(api, sql):
    plan = (await schedule(api, batch_size=5, dry_run=True))["plan"]
    both = await asyncio.gather(*(api.post(SCHEDULE, json={"batch_size": 5, "plan": plan}) for _ in range(2)))
    assert sorted(response.status_code for response in both) == [200, 409]
    assert len(await sql("SELECT id FROM procrastinate_jobs")) == 5


async def test_a_call_skips_months_that_another_call_is_claiming_and_counts_them(api, system):
    async with system.database.transaction() as connection:
        await months.open_months(connection, limit=2, first_year=2023, last_year=2023, failed_too=False, lock=True)
        dry = await asyncio.wait_for(schedule(api, batch_size=3, dry_run=True, **IN_2023), 5)
        answer = await asyncio.wait_for(schedule(api, batch_size=3, **IN_2023), 5)
    assert listed(dry) == ["2023-12", "2023-11", "2023-10"]
    assert listed(answer) == ["2023-10", "2023-09", "2023-08"]
    assert answer["execution_summary"] == {"triggered": 3, "skipped": 2, "errors": 0}


async def test_months_that_are_named_are_taken_as_far_as_they_are_open(shared_database_url, sql):
    """Those and no others, whatever their year; failed ones only by force. The rest is counted as skipped."""
    wanted = (Month(2023, 12), Month(2003, 5), Month(2010, 1), Month(2011, 1), Month(1950, 1))
    await sql("UPDATE backfill_log SET status = 'completed' WHERE year = 2010")
    await sql("UPDATE backfill_log SET status = 'failed', retry_count = 5, error_message = 'x' WHERE year = 2011")
    async with caller(shared_database_url) as backfill:
        done = await backfill.scheduler.schedule(Selection(1, only=wanted), "test")
        assert [str(month.key) for month in done.months] == ["2023-12", "2003-05"]
        assert (done.skipped, len(done.jobs), done.totals[Status.PROCESSING]) == (3, 2, 2)
        done = await backfill.scheduler.schedule(Selection(1, only=wanted, force_retry=True), "test")
        assert [str(month.key) for month in done.months] == ["2011-01"]
        assert (done.skipped, done.months[0].status, done.months[0].error_message) == (4, Status.PROCESSING, None)
        done = await backfill.scheduler.schedule(Selection(1, only=wanted), "test")
        assert (done.months, done.jobs, done.skipped) == ((), (), 5)


@contextlib.asynccontextmanager
async def caller(url):
    """A Backfill with a pool of its own, as another process would have it."""
    async with Database(url) as database:
        jobs = JobQueue(database)
        await jobs.open()
        yield compose(database, jobs)
        await jobs.aclose()


async def check_each_month_has_one_attempt(sql, claimed):
    """Nothing twice, nothing lost: answers, rows, attempts and jobs agree on the 300 months."""
    assert Counter(claimed).most_common(1)[0][1] == 1
    assert len(claimed) == 300
    [counted] = await sql(
        "SELECT count(*) AS months, count(DISTINCT b.attempt_token) AS tokens, count(DISTINCT j.id) AS jobs,"
        " (SELECT count(*) FROM attempt) AS attempts, (SELECT count(*) FROM procrastinate_jobs) AS enqueued"
        " FROM backfill_log AS b JOIN attempt AS a ON a.token = b.attempt_token JOIN procrastinate_jobs AS j ON j.id = a.job_id"
        " WHERE b.status = 'processing'"
    )
    assert set(counted.values()) == {300}


async def test_two_calls_at_once_fifty_times_take_every_month_once(shared_database_url, sql):
    """From separate pools, each call finding its full batch without waiting for the other."""
    claimed = []
    async with caller(shared_database_url) as one, caller(shared_database_url) as other:
        for _ in range(50):
            both = await asyncio.gather(
                *(each.scheduler.schedule(Selection(batch_size=3), "test") for each in (one, other))
            )
            assert [len(done.months) for done in both] == [3, 3]
            claimed += [str(month.key) for done in both for month in done.months]
    await check_each_month_has_one_attempt(sql, claimed)


async def test_two_calls_at_once_fifty_times_by_http(system, shared_database_url, sql):
    """Two applications over two pools."""
    claimed = []
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for _ in range(2):
            running = await stack.enter_async_context(bootstrap.running(system.settings, system.server, Mode.SERVE))
            transport = httpx2.ASGITransport(create_app(running, WebhookSecrets(("right",))))
            client = httpx2.AsyncClient(
                transport=transport, base_url="http://alexandria", headers={"X-Cron-Secret": "right"}
            )
            clients.append(await stack.enter_async_context(client))
        for _ in range(50):
            for answer in await asyncio.gather(*(schedule(client, batch_size=3) for client in clients)):
                assert answer["execution_summary"]["triggered"] == 3
                claimed += listed(answer)
    await check_each_month_has_one_attempt(sql, claimed)


PROCESS = """
import asyncio, sys
from alexandria.core import logging
from alexandria.backfill.composition import Backfill, compose
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.queue import JobQueue
from alexandria.database.pool import Database

async def main():
    async with Database(sys.argv[1]) as database:
        jobs = JobQueue(database)
        await jobs.open()
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(50):
            done = await compose(database, jobs).scheduler.schedule(Selection(batch_size=3), "test")
            for month in done.months:
                print(month.key)
        await jobs.aclose()

logging.configure("info", "json")
asyncio.run(main())
"""


async def test_two_processes_that_call_fifty_times_take_every_month_once(shared_database_url, sql):
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROCESS, shared_database_url, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    printed = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0]
    await check_each_month_has_one_attempt(sql, [month for output, _ in printed for month in output.split()])


async def test_seeding_is_idempotent_and_leaves_what_is_there(api, sql):
    await sql("UPDATE backfill_log SET status = 'completed', books_generated = 7 WHERE year = 2024")
    before = await sql("SELECT * FROM backfill_log ORDER BY id")
    again = (await api.post(SEED, json={"year_start": 2000, "year_end": 2024})).json()
    assert again == {"months_seeded": 0, "message": "2000-2024: 0 months added, 300 already there"}
    more = (await api.post(SEED, json={"year_start": 2024, "year_end": 2025})).json()
    assert more["months_seeded"] == 12
    assert await sql("SELECT * FROM backfill_log WHERE year <= 2024 ORDER BY id") == before


async def test_two_seedings_at_once_add_every_month_once(api, sql):
    both = await asyncio.gather(*(api.post(SEED, json={"year_start": 1900, "year_end": 2100}) for _ in range(2)))
    assert sum(response.json()["months_seeded"] for response in both) == 201 * 12 - 300
    assert len(await sql("SELECT id FROM backfill_log")) == 201 * 12
