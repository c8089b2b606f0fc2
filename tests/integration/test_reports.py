"""What the API shows: stats, months, jobs, quota, health and metrics."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from alexandria.backfill.record import record
from alexandria.backfill.repositories import months
from alexandria.catalogue.matching.probability import score_model
from alexandria.catalogue.models import (
    Candidate,
    EditionRecord,
    Isbn13,
    PartialDate,
    Resolution,
    ScoredRecord,
    SourceRecord,
)
from alexandria.core.month import Month
from alexandria.providers.base import Call

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOVEMBER = Month(2023, 11)
STATS, MONTHS, JOBS = (f"/api/internal/{name}" for name in ("backfill-stats", "months", "jobs"))
SCHEDULE, SEED = "/api/internal/schedule-backfill", "/api/internal/seed-backfill-queue"
READY = "/health/ready"


@pytest.fixture(autouse=True)
def _empty(empty):
    return empty


async def get(api, path, status=200):
    response = await api.get(path)
    assert response.status_code == status, response.text
    return response.json()


async def claim(api):
    """November 2023 in processing; its job."""
    await api.post(SEED, json={"year_start": 2023, "year_end": 2023})
    body = {"batch_size": 2, "year_range": {"start": 2023, "end": 2023}}
    return (await api.post(SCHEDULE, json=body)).json()["months"][1]["job_id"]


async def begin(system, sql):
    [row] = await sql("SELECT attempt_token FROM backfill_log WHERE year = 2023 AND month = 11")
    async with system.database.transaction() as connection:
        return await months.begin(connection, row["attempt_token"], "a worker")


async def complete(system, sql):
    """Process November by hand: one book resolved, one not, three calls."""
    begun = await begin(system, sql)
    now = datetime.now(UTC)
    for provider, status in (("gemini", 200), ("isbndb", 200), ("isbndb", 429)):
        await system.cache.record(Call(provider, "/", now, 5, 1, status, "", NOVEMBER, begun.token))
    found = SourceRecord("isbndb", "9780861545896", now)
    hit = EditionRecord(found, "Prophet Song", authors=("Paul Lynch",), isbn13=Isbn13.parse("9780861545896"),
              published=PartialDate(2023, 11))  # fmt: skip
    other = EditionRecord(SourceRecord("isbndb", "x", now), "The Invention: A Study Guide")
    resolutions = [
        Resolution(
            Candidate("Prophet Song", "Paul Lynch", named_by=("gemini", "xai")),
            hit.isbn13,
            "isbndb",
            98.5,
            "title and author agree",
            hit,
            in_month="confirmed",
            considered=(ScoredRecord(hit, 98.5, "accept", ("same title",)),),
        ),
        Resolution(
            Candidate("The Invention", "Nobody", named_by=("xai",)),
            None,
            reason="no edition was found",
            considered=(ScoredRecord(other, 20, "refuse", ("a study guide",)),),
            unavailable={"open_library": "open_library: answered 503"},
        ),
    ]
    await record(
        system.database, NOVEMBER, begun.token, resolutions, variant="contemporary-notable", note=None, now=now
    )


async def test_stats_of_an_empty_table_are_zeros(api):
    stats = await get(api, STATS)
    assert stats.pop("headline").startswith("Nothing to do: There are no months yet")
    assert {(provider["calls"], provider["errors"], provider["breaker"]) for provider in stats.pop("providers")} == {
        (0, 0, "closed")
    }
    assert stats.pop("found") | {"words": ""} == {
        "distinct_books": 0,
        "repeated": 0,
        "confirmed": 0,
        "contradicted": 0,
        "words": "",
    }
    assert stats == {
        "finish": {"headline": "No months", "reason": "next: alexandria seed 2000..2024"},
        "rollout": "",
        "total_months": 0,
        "by_status": {"pending": 0, "processing": 0, "completed": 0, "failed": 0, "retry": 0},
        "progress": {
            "total_books_generated": 0,
            "total_isbns_resolved": 0,
            "overall_resolution_rate": 0,
            "total_isbns_queued": 0,
        },
        "recent_activity": [],
        "paused": None,
        "bibliography": None,
        "next_event": None,
    }


async def test_stats_of_seeded_months_have_no_rate_yet(api):
    await api.post(SEED, json={})
    stats = await get(api, STATS)
    assert (stats["total_months"], stats["by_status"]["pending"]) == (300, 300)
    assert stats["progress"]["overall_resolution_rate"] == 0


async def test_stats_add_up_and_show_the_newest_twenty(api, sql):
    """The overall rate is of the sums, with two decimals; the newest completed come first, all else is left out."""
    await api.post(SEED, json={})
    await sql(
        "UPDATE backfill_log SET status = 'completed', books_generated = 3, isbns_resolved = 2, isbns_queued = 1,"
        " resolution_rate = 66.67, started_at = now() - make_interval(months => month),"
        " completed_at = now() - make_interval(months => month) WHERE year IN (2003, 2023)"
    )
    await sql("UPDATE backfill_log SET status = 'failed', error_message = 'no key' WHERE year = 2024")
    stats = await get(api, STATS)
    assert stats["by_status"] == {"pending": 264, "processing": 0, "completed": 24, "failed": 12, "retry": 0}
    assert stats["progress"] == {
        "total_books_generated": 72,
        "total_isbns_resolved": 48,
        "overall_resolution_rate": 66.67,
        "total_isbns_queued": 24,
    }
    recent = stats["recent_activity"]
    assert len(recent) == 20
    assert recent[0] == {
        "year": 2023, "month": 1, "status": "completed", "books_generated": 3, "isbns_resolved": 2, "resolution_rate": 66.67,
        "error_message": None,
    }  # fmt: skip
    assert [month["month"] for month in recent[:4]] == [1, 1, 2, 2]


async def test_months_are_listed_newest_first_and_filtered(api, sql):
    await api.post(SEED, json={})
    await sql("UPDATE backfill_log SET status = 'failed' WHERE month = 7 AND year IN (2003, 2023)")
    everything = await get(api, MONTHS)
    assert everything["total"] == len(everything["months"]) == 300
    order = [(month["year"], month["month"]) for month in everything["months"]]
    assert order == sorted(order, reverse=True)
    for filters, found in {
        "?status=failed": [(2023, 7), (2003, 7)],
        "?year=2023&status=failed": [(2023, 7)],
        "?year=2022&status=failed": [],
        "?year=2050": [],
    }.items():
        assert [(m["year"], m["month"]) for m in (await get(api, MONTHS + filters))["months"]] == found


async def test_a_month_in_full(api, system, sql):
    """Row, attempts, candidates with their evidence or the reason they have none, and the calls spent."""
    job = await claim(api)
    await complete(system, sql)
    month = await get(api, f"{MONTHS}/2023-11")
    assert {name: month[name] for name in ("status", "books_generated", "isbns_resolved", "isbns_queued")} == {
        "status": "completed", "books_generated": 2, "isbns_resolved": 1, "isbns_queued": 1,
    }  # fmt: skip
    assert (month["resolution_rate"], month["gemini_calls"], month["isbndb_calls"]) == (50, 1, 2)
    assert (month["prompt_variant"], month["blocked_reason"]) == ("contemporary-notable", None)
    [attempt] = month["attempts"]
    assert (attempt["job_id"], attempt["worker"], attempt["outcome"]) == (job, "a worker", "completed")
    found, unresolved = month["candidates"]
    assert (found["isbn13"], found["source"], found["score"]) == ("9780861545896", "isbndb", 98.5)
    assert {book["score_version"] for book in month["candidates"]} == {score_model().version}
    assert found["named_by"] == ["gemini", "xai"]
    assert found["evidence"][0]["reasons"] == ["same title"]
    assert (unresolved["isbn13"], unresolved["reason"]) == (None, "no edition was found")
    assert unresolved["evidence"][0]["verdict"] == "refuse"
    assert unresolved["unavailable"] == {"open_library": "open_library: answered 503"}
    assert (found["in_month"], found["look_again_at"], found["looks"]) == ("confirmed", None, 1)
    assert unresolved["look_again_at"] > month["completed_at"]
    assert month["in_month"] == {"confirmed": 1, "contradicted": 0, "unknown": 0}
    rests_on = {each["field"]: (each["provider"], each["id"]) for each in found["fields"]}
    assert rests_on == dict.fromkeys(("title", "published"), ("isbndb", "9780861545896"))
    assert unresolved["fields"] == []
    assert month["calls"] == [
        {"provider": "gemini", "calls": 1, "units": 1, "refused": 0},
        {"provider": "isbndb", "calls": 2, "units": 2, "refused": 1},
    ]


async def test_a_month_has_every_column_but_its_token(api, sql):
    await claim(api)
    [columns] = await sql("SELECT array_agg(attname::text) AS names FROM pg_attribute"
                          " WHERE attrelid = 'backfill_log'::regclass AND attnum > 0")  # fmt: skip
    response = await api.get(f"{MONTHS}/2023-11")
    assert set(columns["names"]) - set(response.json()) == {"id", "attempt_token"}
    [row] = await sql("SELECT attempt_token::text AS token FROM backfill_log WHERE year = 2023 AND month = 11")
    for path in (f"{MONTHS}/2023-11", MONTHS):
        assert row["token"] not in (await api.get(path)).text


async def test_times_are_in_utc_and_marked_so(api):
    await claim(api)
    month = await get(api, f"{MONTHS}/2023-11")
    for time in (month["started_at"], month["updated_at"], month["attempts"][0]["created_at"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", time)


async def test_a_month_that_is_not_there_is_404_and_names_the_cure(api):
    assert "seed-backfill-queue" in (await get(api, f"{MONTHS}/2023-11", 404))["error"]["details"]["hint"]


async def test_a_job_goes_from_queued_to_its_attempts_outcome(api, system, sql):
    job = await claim(api)
    assert (await get(api, f"{JOBS}/{job}"))["state"] == "queued"
    await begin(system, sql)
    running = await get(api, f"{JOBS}/{job}")
    assert (running["state"], running["worker"], running["year"], running["month"]) == ("running", "a worker", 2023, 11)
    await complete(system, sql)
    await sql("DELETE FROM procrastinate_jobs")
    done = await get(api, f"{JOBS}/{job}")
    assert (done["state"], done["job_id"]) == ("completed", job)
    assert done["ended_at"] >= done["began_at"]


async def test_a_job_whose_month_was_reset_by_hand_is_superseded(api, sql):
    job = await claim(api)
    await sql("UPDATE backfill_log SET status = 'pending' WHERE status = 'processing'")
    assert (await get(api, f"{JOBS}/{job}"))["state"] == "superseded"


async def test_quota_needs_no_secret_and_shows_isbndb_first(api):
    """The guide's jq .data.percentage_used, on a day without calls."""
    del api.headers["X-Cron-Secret"]
    response = await api.get("/api/quota/status")
    assert response.headers["cache-control"] == "max-age=60"
    body = response.json()
    assert body["success"] is True
    assert set(body["meta"]) == {"request_id", "timestamp", "latency_ms"}
    providers = body["data"].pop("providers")
    reset_at = body["data"].pop("reset_at")
    assert body["data"] == {
        "daily_limit": 15000,
        "safety_limit": 13000,
        "used": 0,
        "reserved": 0,
        "remaining": 15000,
        "safety_remaining": 13000,
        "percentage_used": 0,
        "can_make_calls": True,
    }
    midnight = datetime.now(UTC).date() + timedelta(days=1)
    assert reset_at == f"{midnight}T00:00:00Z"
    assert set(providers) >= {"isbndb", "open_library", "gemini", "xai"}
    assert providers["open_library"]["daily_limit"] is None
    assert providers["isbndb"]["safety_limit"] == 13000


async def test_quota_counts_what_is_used_and_reports_when_it_is_spent(api, sql):
    for used, percentage, can in ((77, 0.59, True), (12999, 99.99, True), (13000, 100, False)):
        await sql("INSERT INTO quota (name, day, used) VALUES ('isbndb', (now() AT TIME ZONE 'UTC')::date, %s)"
                  " ON CONFLICT (name, day) DO UPDATE SET used = excluded.used", used)  # fmt: skip
        data = (await get(api, "/api/quota/status"))["data"]
        assert (data["used"], data["percentage_used"], data["can_make_calls"]) == (used, percentage, can)
        assert (data["remaining"], data["safety_remaining"]) == (15000 - used, 13000 - used)


async def test_ready_until_work_waits_and_no_worker_beats(api, sql):
    assert await get(api, READY) == {
        "status": "ready",
        "workers": 0,
        "months_in_work": 0,
        "months_due": 0,
        "paused": "",
        "incidents": [],
    }
    await claim(api)
    error = (await get(api, READY, 503))["error"]
    assert (error["code"], error["details"]["hint"]) == ("no_worker", "start one: alexandria work")
    assert error["message"].endswith("2 months waiting for one")
    await sql("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '61 s')")
    await get(api, READY, 503)
    await sql("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '59 s')")
    assert await get(api, READY) == {
        "status": "ready",
        "workers": 1,
        "months_in_work": 2,
        "months_due": 0,
        "paused": "",
        "incidents": [],
    }


async def test_ready_counts_months_that_are_due_again_and_not_those_that_wait(api, sql):
    await api.post(SEED, json={})
    await sql("UPDATE backfill_log SET status = 'retry', next_attempt_at = now() + interval '1 h' WHERE year = 2023")
    assert (await get(api, READY))["status"] == "ready"
    await sql("UPDATE backfill_log SET next_attempt_at = now() WHERE year = 2023 AND month = 1")
    assert (await get(api, READY, 503))["error"]["message"].endswith("1 month waiting for one")


async def test_ready_names_the_migrations_that_are_missing(api, sql):
    [version] = await sql("SELECT version_num AS number FROM schema_version")
    await sql("UPDATE schema_version SET version_num = '0003'")
    error = (await get(api, READY, 503))["error"]
    await sql("UPDATE schema_version SET version_num = %s", version["number"])
    assert error["code"] == "not_migrated"
    assert "0004_catalogue" in error["message"]


async def test_live_needs_nothing(api):
    assert await get(api, "/health/live") == {"status": "alive"}


async def test_metrics_show_the_backfill_and_count_requests_by_route(api, system, sql):
    await claim(api)
    await complete(system, sql)
    await sql("INSERT INTO quota (name, day, used) VALUES ('isbndb', (now() AT TIME ZONE 'UTC')::date, 42)")
    await sql("INSERT INTO procrastinate_workers DEFAULT VALUES")
    for path in (f"{MONTHS}/2023-11", f"{MONTHS}/2023-10", f"{MONTHS}/2023-13", "/a/b", "/c"):
        await api.get(path)
    await api.request("NONSENSE", "/c")
    response = await api.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    shown = set(response.text.splitlines())
    expected = [
        "alexandria_database_up 1.0",
        'alexandria_months{status="pending"} 10.0',
        'alexandria_months{status="processing"} 1.0',
        'alexandria_months{status="completed"} 1.0',
        'alexandria_months{status="failed"} 0.0',
        'alexandria_months{status="retry"} 0.0',
        "alexandria_books 2.0",
        "alexandria_isbns 1.0",
        'alexandria_quota_used{provider="isbndb"} 42.0',
        'alexandria_quota_limit{provider="isbndb"} 13000.0',
        "alexandria_worker_loops 1.0",
        'alexandria_http_requests_total{method="POST",route="/api/internal/seed-backfill-queue",status="200"} 1.0',
        'alexandria_http_requests_total{method="GET",route="/api/internal/months/{month}",status="200"} 2.0',
        'alexandria_http_requests_total{method="GET",route="/api/internal/months/{month}",status="422"} 1.0',
        'alexandria_http_requests_total{method="GET",route="unmatched",status="404"} 2.0',
        'alexandria_http_requests_total{method="other",route="unmatched",status="404"} 1.0',
    ]
    assert set(expected) - shown == set()


async def test_rates_are_exact_to_two_decimals(api, sql):
    await api.post(SEED, json={"year_start": 2023, "year_end": 2023})
    await sql(
        "UPDATE backfill_log SET status = 'completed', books_generated = 7, isbns_resolved = 6, resolution_rate = 85.71"
    )
    text = (await api.get(STATS)).text
    rates = re.findall(r'"resolution_rate":([0-9.]+)', text) + re.findall(r'"overall_resolution_rate":([0-9.]+)', text)
    assert {Decimal(rate) for rate in rates} == {Decimal("85.71")}
