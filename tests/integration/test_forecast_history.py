"""What a forecast reads of a real database: the plan's own months apart from others, everybody's quota, and money."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest

from alexandria.core.month import Month
from alexandria.forecast import repository
from alexandria.forecast.making import bounded_runs
from alexandria.forecast.prices import model_prices, prices_of
from alexandria.providers import prompts
from alexandria.providers.generator_specs import parse_generators
from alexandria.rollout import plan as plans
from alexandria.rollout import repository as rollouts
from tests.support.forecasting import FORECAST_AT as NOW

PLAN = plans.read("""
name = "four years"
[[phase]]
name = "All"
years = "2020..2023"
months_per_day = 12
quota_share = 0.9
[phase.gate]
min_resolution_rate = 0.5
min_sample = 100
""")
OLD_CAMPAIGN = """
INSERT INTO backfill_log (year, month) SELECT y, m FROM generate_series(1990, 2009) AS y, generate_series(1, 12) AS m;
UPDATE backfill_log SET status = 'completed', books_generated = 20, isbns_resolved = 18,
    started_at = '2026-01-02 03:00+00', completed_at = '2026-01-02 04:00+00' WHERE year < 2010;
INSERT INTO attempt (token, year, month, began_at, ended_at, outcome)
SELECT gen_random_uuid(), year, month, '2026-01-02 03:00+00', '2026-01-02 04:00+00', 'completed' FROM backfill_log;
INSERT INTO call (provider, route, sent_at, ms, units, status, error, year, month, attempt_token)
SELECT provider, '', '2026-01-02 03:00+00', 300, 1, 200, '', year, month, gen_random_uuid()
FROM backfill_log, (SELECT 'isbndb' AS provider FROM generate_series(1, 37) UNION ALL VALUES ('gemini'), ('xai')) AS made;
"""
ASKED = """
INSERT INTO call (provider, route, sent_at, ms, units, status, error, year, month, attempt_token)
SELECT %(provider)s, %(route)s, %(at)s, 300, %(units)s, %(status)s, '', %(year)s, %(month)s, %(token)s
FROM generate_series(1, %(number)s)
"""


async def asked(
    database, provider="isbndb", number=1, *, at=NOW, month=None, token=None, route="", status=200, units=1
):
    async with database.transaction() as connection:
        await connection.execute(ASKED, {
            "provider": provider, "number": number, "at": at, "year": month and month.year, "units": units,
            "month": month and month.month, "token": token, "route": route, "status": status,
        })  # fmt: skip


async def run(database, sql):
    async with database.transaction() as connection:
        await connection.execute(sql)


async def history(database, plan=PLAN):
    async with database.transaction() as connection:
        started = await rollouts.start(connection, plan, "me", NOW.date(), NOW)
        return await repository.history(connection, started, {}, NOW)


async def test_an_older_campaign_is_no_part_of_a_plan(forecaster, database):
    """240 months of one made a plan of 48 months need 9,345 ISBNdb calls instead of 401, and cost $8.76 instead of $1.49."""
    before = await forecaster.report(PLAN, runs=20)
    await run(database, OLD_CAMPAIGN)
    after = await forecaster.report(PLAN, runs=20)
    assert after.forecast.calls["isbndb"].middle == pytest.approx(before.forecast.calls["isbndb"].middle, rel=0.4)
    assert after.forecast.money.middle == pytest.approx(before.forecast.money.middle, rel=0.05)
    assert (after.forecast.ended, after.forecast.measured) == (0, False)
    assert "its months are like the latest 10 of 240 other months, until 10 of its own have ended" in after.assumptions
    assert not any("other months" in each for each in before.assumptions)


async def test_requests_of_failed_months_are_part_of_the_cost(database):
    """They were left out, as only completed months counted: $0.36 became $0.18."""
    await run(database, """
        INSERT INTO backfill_log (year, month) SELECT 2023, generate_series(1, 12);
        UPDATE backfill_log SET status = CASE WHEN month > 6 THEN 'completed' ELSE 'failed' END, started_at = '2026-03-02',
            completed_at = '2026-03-02', books_generated = 20, isbns_resolved = 18
    """)  # fmt: skip
    for month in range(1, 13):
        await asked(database, "gemini", month=Month(2023, month))
    known = await history(database)
    assert (known.requests, known.unfinished_requests) == ({"gemini": 6}, {"gemini": 6})


async def test_each_model_has_its_own_price(database):
    """Two models of one provider were priced as one request a month, at the price of both."""
    specs = parse_generators(("gemini:gemini-3.5-flash", "gemini:gemini-2.5-pro", "xai:grok-4.3"))
    dollars = model_prices(specs, {})
    flash, pro = dollars["gemini:gemini-3.5-flash"], dollars["gemini:gemini-2.5-pro"]
    assert flash != pro
    route = "/v1beta/models/{}:generateContent"
    await asked(database, "gemini", 3, month=Month(2023, 1), route=route.format("gemini-3.5-flash"))
    await asked(database, "gemini", 1, month=Month(2023, 1), route=route.format("gemini-2.5-pro"))
    await asked(database, "gemini", 5, month=Month(2023, 1), route=route.format("gemini-2.5-pro"), status=429)
    await asked(database, "gemini", 9, month=Month(1999, 1), route=route.format("gemini-2.5-pro"))
    await asked(database, "isbndb", 7, month=Month(2023, 1))
    async with database.transaction() as connection:
        started = await rollouts.start(connection, PLAN, "me", NOW.date(), NOW)
        made = await repository.purchases(connection, started, ["gemini", "xai"])
    prices = prices_of(specs, dollars, made)
    assert prices.spent == pytest.approx(3 * flash + pro)
    assert prices.per_request["xai"] == dollars["xai:grok-4.3"]
    assert prices.per_request["gemini"] == pytest.approx((flash + pro) / 2 * 84 / 89)  # refused requests are not billed


async def test_tokens_of_the_plans_lists_take_precedence(database):
    """Those of other lists serve until there are ten; a list that was bought twice has the tokens of both."""

    async def bought(month, number, output, **more):
        for n in range(number):
            request = {"generator": "xai:grok-4.3", "prompt": prompts.render("annual", month, 20)}
            body = {"tokens": {"input": 100, "output": output}, **more}
            async with database.transaction() as connection:
                await connection.execute(
                    "INSERT INTO answer (provider, key, request, body) VALUES ('xai', %s, %s, %s)",
                    (f"{month} {n}", json.dumps(request), json.dumps(body)),
                )

    async def known():
        async with database.transaction() as connection:
            return (await repository.tokens(connection, [Month(2023, 5), Month(2023, 6)]))["xai:grok-4.3"]

    await bought(Month(1999, 5), 30, 9000)
    assert await known() == repository.Tokens(100, 9000, 10)
    await bought(Month(2023, 5), 5, 1000)
    assert await known() == repository.Tokens(100, 5000, 10)
    await bought(Month(2023, 6), 5, 2000, purchases=2)
    assert await known() == repository.Tokens(75, 1000, 10)


@pytest.mark.parametrize("variant", prompts.VARIANTS)
def test_every_prompt_names_its_month_as_the_query_reads_it(variant):
    assert "first published in May 2023" in prompts.render(variant, Month(2023, 5), 20)


async def test_spending_of_others_is_measured_by_the_providers_day(database):
    """Enrichment, rechecks and people; what the provider counted beyond our requests; days without any; no months."""
    token = "00000000-0000-0000-0000-000000000001"
    day = datetime(2026, 3, 1, tzinfo=UTC)
    await asked(database, at=day + timedelta(hours=5), units=100)
    await asked(database, at=day + timedelta(hours=6), units=10, month=Month(2023, 1))
    await asked(database, at=day + timedelta(hours=7), units=50, month=Month(2023, 1), token=token)
    await asked(database, at=NOW - timedelta(hours=1), units=70)
    await asked(database, "google_books", at=day + timedelta(hours=5), units=3)
    await run(database, """
        INSERT INTO lane (name, rate, sends, win, gap) VALUES ('isbndb', 1, 1, 1, 1) ON CONFLICT DO NOTHING;
        INSERT INTO quota (name, day, used) VALUES ('isbndb', '2026-03-01', 400), ('isbndb', '2026-03-04', 90)
    """)  # fmt: skip
    zones = {"isbndb": "UTC", "google_books": "America/Los_Angeles"}
    async with database.transaction() as connection:
        use = await repository.other_use(connection, zones, NOW)
        spent = await repository.spent_by_months(connection, zones, day + timedelta(hours=9))
    first, *rest = use["isbndb"]
    assert (first[0], first[5], first[6], sum(first)) == (240, 100, 10, 350)
    assert [sum(each) for each in rest] == [0, 0]
    assert use["google_books"][0][21] == 3
    assert len(use["google_books"]) == 4
    assert spent == {"isbndb": 50, "google_books": 0}


async def test_the_present_day_serves_until_a_whole_one_is_known(database):
    await asked(database, at=NOW - timedelta(hours=1), units=70)
    await run(database, """
        INSERT INTO lane (name, rate, sends, win, gap) VALUES ('isbndb', 1, 1, 1, 1) ON CONFLICT DO NOTHING;
        INSERT INTO quota (name, day, used) VALUES ('isbndb', '2026-03-04', 100)
    """)  # fmt: skip
    async with database.transaction() as connection:
        (today,) = (await repository.other_use(connection, {"isbndb": "UTC"}, NOW, {"isbndb": 20}))["isbndb"]
    assert (today[0], today[11], sum(today)) == (10, 70, 80)


async def test_a_quota_that_others_use_makes_the_end_later(forecaster, database):
    """With 60 % of each day taken by others the truth was later than the range in 20 of 20 rollouts."""
    await run(database, "UPDATE lane SET daily_limit = 60, daily_cap = 60 WHERE name = 'isbndb'")
    alone = await forecaster.report(PLAN, runs=10)
    for days in range(1, 8):
        await asked(database, at=NOW.replace(hour=0) - timedelta(days=days), units=36)
    shared = await forecaster.report(PLAN, runs=10)
    assert shared.forecast.middle > alone.forecast.late


async def test_a_plan_starts_tomorrow_if_another_rollout_began_months_today(forecaster, database):
    """As a day belongs to one rollout; what a running one has begun today is part of its day."""
    await run(database, "INSERT INTO backfill_log (year, month) VALUES (2019, 1)")
    before = await forecaster.report(PLAN, runs=10)
    async with database.transaction() as connection:
        started = await rollouts.start(connection, PLAN, "me", NOW.date(), NOW)
        await rollouts.save_scheduled(connection, started, [Month(2019, 1)], NOW.date())
    after = await forecaster.report(PLAN, runs=10)
    assert (after.forecast.middle - before.forecast.middle) > timedelta(hours=12)
    async with database.transaction() as connection:
        assert (await repository.history(connection, started, {}, NOW)).begun == 1


@pytest.mark.long
async def test_a_forecast_leaves_the_event_loop_to_others(forecaster):
    """It runs in threads, and a plan of many months is simulated less often: 100 runs of 2,412 months took 75 s."""
    long = plans.read(plans.example().replace('"2000..2019"', '"1900..2019"'))
    gaps, done = [], asyncio.Event()

    async def other_duties():
        while not done.is_set():
            began = time.monotonic()
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - began)

    others = asyncio.create_task(other_duties())
    report = await forecaster.report(long, runs=2)
    done.set()
    await others
    assert report.forecast.months == 1500
    assert median(gaps) < 0.1
    assert len(gaps) > 10


def test_a_plan_of_many_months_is_simulated_less_often():
    long = plans.read(plans.example().replace('"2000..2019"', '"1900..2019"'))
    assert [bounded_runs(plan, 100) for plan in (PLAN, plans.read(plans.example()), long)] == [100, 100, 20]
    assert bounded_runs(long, 30) == 10
    assert bounded_runs(long, 1) == 1


async def test_the_plan_of_isbndb_costs_its_price(forecaster, database):
    """By the host that it has reported, or as it is set."""
    assert (await forecaster.report(PLAN, runs=1)).forecast.subscriptions["isbndb"].middle == 14.99
    await run(database, "UPDATE lane SET plan_host = 'api.premium.isbndb.com' WHERE name = 'isbndb'")
    assert (await forecaster.report(PLAN, runs=1)).forecast.subscriptions["isbndb"].middle == 35.99
    own = forecaster.settings.providers["isbndb"].model_copy(update={"plan_price": 20.0})
    forecaster.settings = forecaster.settings.model_copy(
        update={"providers": forecaster.settings.providers | {"isbndb": own}}
    )
    assert (await forecaster.report(PLAN, runs=1)).forecast.subscriptions["isbndb"].middle == 20
