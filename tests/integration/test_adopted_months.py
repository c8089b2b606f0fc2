"""What pages, API, checks and alerts make of adopted months."""

import pytest

from alexandria.operations.daily_checks import checklist
from alexandria.operations.overview import take_snapshot

pytestmark = pytest.mark.asyncio(loop_scope="module")
RETRY = "/api/internal/retry"


@pytest.fixture(autouse=True)
async def _adopted(seeded_pages, sql):
    """2023: seven months were completed, three failed and one waits in the earlier scheduler, all of it a moment ago."""
    await sql(
        "UPDATE backfill_log SET status = CASE WHEN month <= 7 THEN 'completed' WHEN month <= 10 THEN 'failed' ELSE 'retry' END,"
        " books_generated = 20, isbns_resolved = 10, resolution_rate = 50, error_message = 'Gemini API error: 503',"
        " adopted_at = now() WHERE year = 2023 AND month <= 11"
    )


async def daily(system):
    return {each.name: each for each in await checklist(system, 90.0)}


async def test_they_count_in_the_statistics(api):
    found = (await api.get("/api/internal/backfill-stats")).json()
    assert {name: found["by_status"][name] for name in ("completed", "failed", "retry")} == {
        "completed": 7, "failed": 3, "retry": 1,
    }  # fmt: skip
    assert found["progress"]["total_books_generated"] == 220
    month = (await api.get("/api/internal/months/2023-07")).json()
    assert (month["adopted_at"] is not None, month["candidates"]) == (True, [])


async def test_the_page_of_a_month_says_that_it_was_adopted_without_books(admitted):
    adopted, own = [(await admitted.get(f"/months/{month}")).text for month in ("2023-07", "2022-07")]
    assert "Adopted from the earlier scheduler, without books" in adopted
    assert "Adopted" not in own


async def test_they_count_for_no_daily_rate_and_no_pace(system, sql):
    found = await daily(system)
    assert found["resolution"].message == "no month completed here yet"
    assert "7 of 300 months completed, 0 within a day" in found["completion"].message
    assert "7 completed months adopted from an earlier scheduler" in found["completion"].message
    assert found["failures"].figures == {"failed": 3, "failed_lately": 0}
    assert (await take_snapshot(system)).rate.last_hour == 0
    await sql("UPDATE backfill_log SET status = 'completed', resolution_rate = 96 WHERE (year, month) = (2022, 1)")
    assert (await daily(system))["resolution"].figures["percent"] == 96
    assert (await take_snapshot(system)).rate.last_hour == 1


async def test_they_raise_no_alert(system, sql):
    """36 failed months of a day would be one, were they ours."""
    await sql("UPDATE backfill_log SET status = 'failed', adopted_at = now() WHERE year BETWEEN 2020 AND 2022")
    kinds = {each.kind.value for each in await system.alerts.current_incidents()}
    await sql("UPDATE backfill_log SET adopted_at = NULL, completed_at = now()")
    ours = {each.kind.value for each in await system.alerts.current_incidents()}
    assert ours - kinds == {"months_failing"}


async def test_retry_selects_them_by_http_and_loses_no_other_month(api, sql):
    await sql("UPDATE backfill_log SET status = 'completed' WHERE (year, month) = (2022, 1)")
    preview = (await api.post(RETRY, json={"adopted": True, "dry_run": True})).json()
    assert (len(preview["reopened"]), preview["woken"]) == (10, ["2023-11"])
    one = (await api.post(RETRY, json={"adopted": True, "months": ["2023-01", "2022-01"]})).json()
    assert one["reopened"] == ["2023-01"]
    both = (await api.post(RETRY, json={"adopted": True, "status": "failed"})).json()
    assert both["reopened"] == ["2023-10", "2023-09", "2023-08"]
    rest = (await api.post(RETRY, json={"adopted": True})).json()
    assert (len(rest["reopened"]), rest["woken"], rest["left"]) == (6, ["2023-11"], [])
    [kept] = await sql("SELECT status FROM backfill_log WHERE (year, month) = (2022, 1)")
    assert kept["status"] == "completed"


async def test_the_mark_goes_when_a_month_is_claimed_by_whomever(sql):
    await sql("UPDATE backfill_log SET status = 'processing' WHERE (year, month) = (2023, 8)")
    await sql("UPDATE backfill_log SET status = 'pending' WHERE (year, month) = (2023, 9)")
    rows = await sql("SELECT month FROM backfill_log WHERE year = 2023 AND adopted_at IS NULL ORDER BY month")
    assert [row["month"] for row in rows] == [8, 12]
