"""Months that a person names: scheduled by HTTP, on the page and by the command, whatever their years and waits."""

import asyncio
import re

import pytest

from alexandria.backfill.repositories import months
from alexandria.core.month import Month
from tests.support.dashboard_visitors import hidden

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEDULE, SEED = "/api/internal/schedule-backfill", "/api/internal/seed-backfill-queue"


@pytest.fixture(autouse=True)
async def _seeded(api, empty, sql):
    await sql("UPDATE control SET paused_since = NULL, paused_until = NULL")
    await sql("TRUNCATE idempotent_response")
    assert (await api.post(SEED, json={})).json()["months_seeded"] == 300


async def schedule(api, status=200, headers=None, **body):
    response = await api.post(SCHEDULE, json=body, headers=headers)
    assert response.status_code == status, response.text
    return response.json()


def listed(answer):
    return [f"{month['year']}-{month['month']:02d}" for month in answer["months"]]


async def various(sql):
    """2010 in all its forms: one month each processing, completed, failed, and waiting for a retry in an hour."""
    await sql("UPDATE backfill_log SET status = CASE month WHEN 1 THEN 'processing' WHEN 2 THEN 'completed'"
              " WHEN 3 THEN 'failed' WHEN 4 THEN 'retry' ELSE 'pending' END WHERE year = 2010")  # fmt: skip
    await sql("UPDATE backfill_log SET next_attempt_at = now() + interval '1 hour', blocked_reason = 'isbndb: quota'"
              " WHERE status = 'retry'")  # fmt: skip


NAMED = ["2010-01", "2010-02", "2010-03", "2010-04", "2010-05", "1999-12"]
SKIPPED = {
    "2010-01": ("processing", "already in progress"),
    "2010-02": ("completed", "already completed"),
    "2010-03": ("failed", "failed: send force_retry"),
    "1999-12": (None, "not seeded: alexandria seed 1999"),
}


def check_skipped(answer, expected):
    assert [each["month"] for each in answer["skipped"]] == list(expected)
    for each in answer["skipped"]:
        status, reason = expected[each["month"]]
        assert each.get("status") == status
        assert each["reason"].startswith(reason)


async def test_named_months_start_and_the_others_are_answered_with_the_reason(api, sql):
    await various(sql)
    before = await sql("SELECT * FROM backfill_log ORDER BY id")
    dry = await schedule(api, months=NAMED, dry_run=True)
    assert listed(dry) == ["2010-05", "2010-04"]
    check_skipped(dry, SKIPPED)
    assert await sql("SELECT * FROM backfill_log ORDER BY id") == before
    live = await schedule(api, months=[*NAMED, "2010-05"])
    assert (listed(live), live["batch_size"], live["plan"]) == (listed(dry), 6, dry["plan"])
    check_skipped(live, SKIPPED)
    assert live["execution_summary"] == {"triggered": 2, "skipped": 4, "errors": 0}
    assert {month["status"] for month in live["months"]} == {"processing"}
    jobs = await sql("SELECT year, month FROM attempt ORDER BY month")
    assert [(job["year"], job["month"]) for job in jobs] == [(2010, 4), (2010, 5)]
    [waited] = await sql("SELECT status, next_attempt_at FROM backfill_log WHERE year = 2010 AND month = 4")
    assert waited == {"status": "processing", "next_attempt_at": None}
    again = await schedule(api, months=["2010-05"])
    assert (again["months"], again["skipped"][0]["reason"]) == ([], "already in progress")


async def test_failed_months_start_only_with_force_retry(api, sql):
    await various(sql)
    live = await schedule(api, months=NAMED, force_retry=True)
    assert listed(live) == ["2010-05", "2010-04", "2010-03"]
    assert [each["month"] for each in live["skipped"]] == ["2010-01", "2010-02", "1999-12"]
    assert await sql("SELECT detail FROM audit WHERE act = 'retry'") == [{"detail": {"months": ["2010-03"]}}]


async def test_the_answer_to_the_guides_body_has_no_new_field(api):
    assert "skipped" not in await schedule(api, batch_size=1)


@pytest.mark.parametrize(
    ("body", "field", "fix"),
    [
        ({"months": ["2019-07"], "batch_size": 3}, "batch_size", "leave one of them out"),
        ({"months": ["2019-07"], "year_range": {"start": 2019}}, "year_range", "leave one of them out"),
        ({"months": ["2019-13"]}, "months", "must look like 2019-07"),
        ({"months": ["2018-01..2018-06"]}, "months", "must look like 2019-07"),
        ({"months": [201907]}, "months", "must look like 2019-07"),
        ({"months": []}, "months", "at least 1 item"),
        ({"months": [f"{year}-{month:02d}" for year in range(2000, 2026) for month in range(1, 13)][:301]}, "months", "at most 300"),
    ],
)  # fmt: skip
async def test_a_wrong_selection_is_refused_with_the_field_and_the_fix(api, sql, body, field, fix):
    refused = await schedule(api, 422, **body)
    words = str(refused["error"])
    assert field in words
    assert fix in words
    assert await sql("SELECT id FROM backfill_log WHERE status <> 'pending'") == []


async def test_three_hundred_months_are_planned_and_started_in_one_call(api, sql):
    every = [f"{year}-{month:02d}" for year in range(2000, 2025) for month in range(1, 13)]
    dry = await schedule(api, months=every, dry_run=True)
    assert dry["months_selected"] == 300
    live = await schedule(api, months=every, plan=dry["plan"])
    assert (live["months_selected"], live["total_processing"]) == (300, 300)
    assert len(await sql("SELECT id FROM procrastinate_jobs")) == 300
    assert len(await sql("SELECT token FROM attempt")) == 300


async def test_a_plan_of_named_months_is_carried_out_exactly_or_not_at_all(api, sql):
    plan = (await schedule(api, months=["2010-05", "2010-06"], dry_run=True))["plan"]
    other = await schedule(api, 422, months=["2010-05"], plan=plan)
    assert "months" in other["error"]["details"]["hint"]
    await sql("UPDATE backfill_log SET status = 'completed' WHERE year = 2010 AND month = 6")
    changed = await schedule(api, 409, months=["2010-05", "2010-06"], plan=plan)
    assert changed["error"]["details"]["no_longer_open"] == [{"month": "2010-06", "status": "completed"}]
    assert await sql("SELECT token FROM attempt") == []


async def test_a_month_that_another_call_holds_is_skipped_without_waiting_for_it(api, system):
    async with system.database.transaction() as connection:
        await months.named_months(connection, [Month(2010, 5)], lock=True)
        answer = await asyncio.wait_for(schedule(api, months=["2010-05", "2010-06"]), 5)
    assert listed(answer) == ["2010-06"]
    assert answer["skipped"] == [{"month": "2010-05", "status": "pending", "reason": "another call is changing it"}]


async def test_a_pause_refuses_named_months_too(api, sql):
    await api.post("/api/internal/pause", json={"reason": "maintenance"})
    assert (await schedule(api, 409, months=["2010-05"]))["error"]["code"] == "paused"
    assert (await schedule(api, months=["2010-05"], dry_run=True))["paused"]["reason"] == "maintenance"
    assert await sql("SELECT token FROM attempt") == []


async def test_the_same_call_twice_with_one_key_starts_the_months_once(api, sql):
    key = {"Idempotency-Key": "of-july"}
    first = await schedule(api, months=["2010-05"], headers=key)
    assert await schedule(api, months=["2010-05"], headers=key) == first
    await schedule(api, 422, months=["2010-06"], headers=key)
    assert len(await sql("SELECT token FROM attempt")) == 1


async def test_named_months_of_a_rollout_count_in_its_phase(api, sql):
    phase = {"name": "only", "years": "2023", "months_per_day": 2, "gate": {"min_sample": 10}}
    plan = {"name": "by hand", "phase": [phase]}
    await sql("UPDATE rollout SET ended_at = started_at, outcome = 'replaced' WHERE ended_at IS NULL")
    await api.post("/api/internal/rollout/start", json={"plan": plan, "why": "for the spring"})
    await schedule(api, months=["2023-01", "2023-02"])
    [counts] = (await api.get("/api/internal/rollout")).json()["phases"]
    assert (counts["under_way"], counts["pending"]) == (2, 10)
    await sql(
        "UPDATE backfill_log SET status = 'completed', books_generated = 20, isbns_resolved = 20 WHERE status = 'processing'"
    )
    shown = (await api.get("/api/internal/rollout")).json()
    assert (shown["phases"][0]["completed"], shown["phases"][0]["pending"]) == (2, 10)
    await sql("UPDATE rollout SET ended_at = started_at, outcome = 'replaced' WHERE ended_at IS NULL")


async def test_the_page_of_a_pending_month_schedules_it(admitted, sql):
    page = await admitted.get("/months/2010-05")
    assert "<button>Schedule 2010-05</button>" in page.text
    fields = {name: hidden(page, name) for name in ("token", "call")}
    form = {**fields, "month": "2010-05", "back": "/months/2010-05"}
    for _ in range(2):  # a double click is one call
        done = await admitted.post("/schedule", data=form, follow_redirects=True)
        assert "Scheduled 2010-05." in done.text
    assert "<button>Schedule 2010-05</button>" not in done.text
    assert len(await sql("SELECT token FROM attempt")) == 1
    late = await admitted.post("/schedule", data={**form, "call": "another"}, follow_redirects=True)
    assert re.search(r"2010-05[^<]*already in progress", late.text)
    wrong = await admitted.post("/schedule", data={**form, "call": "third", "month": "2010-13"})
    assert (wrong.status_code, "such as 2019-07" in wrong.text) == (422, True)
    assert (await admitted.post("/schedule", data={**form, "token": "x", "call": "fourth"})).status_code == 403
