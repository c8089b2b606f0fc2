"""The page of charts: each has a sentence, a drawing and a table with the same figures, made from what was recorded."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from alexandria.core import config
from alexandria.core.provider_facts import key_settings
from alexandria.forecast import forecaster, making
from alexandria.rollout.plan import Plan
from alexandria.web.dashboard.chart_pages import TrendsCache

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("seeded_pages")]
TWO_MONTHS = Plan.model_validate(
    {"name": "two", "phase": [{"name": "first", "years": 2023, "months_per_day": 6, "months": 2}]}
)
LARGEST = 80_000  # bytes of the page, before any compression


@pytest.fixture(autouse=True)
def unread(app, system):
    """Each test has a cache of its own."""
    app.state.trends = TrendsCache(system)


def chart(page, name):
    """The part of the page that has one chart, without its markup between words."""
    part = page.partition(f'<h2 id="{name}">')[2].partition("</section>")[0]
    assert part, page
    return part


def table(part):
    """The rows of the table behind a chart."""
    cells = r"<t[hd](?: scope=\"(?:row|col)\")?(?: class=\"number\")?>(.*?)</t[hd]>"
    return [re.findall(cells, row) for row in re.findall(r"<tr>(.*?)</tr>", part)]


async def test_a_backfill_without_a_past_has_charts_without_drawings(admitted):
    page = await admitted.get("/charts")
    assert page.status_code == 200
    assert "Until now: nothing." in page.text
    assert "0 months completed and 0 failed in 30 days." in chart(page.text, "months")
    assert "No book was named in 30 days." in chart(page.text, "rates")
    assert "No call to any provider in 30 days." in chart(page.text, "calls")
    assert "<table" not in page.text


async def test_each_chart_has_the_recorded_figures_as_sentence_drawing_and_table_and_json(admitted, api, sql):
    today = datetime.now(UTC).date()
    await sql(
        "UPDATE backfill_log SET status = 'completed', started_at = now() - interval '1 day', completed_at = now(),"
        " books_generated = 50, isbns_resolved = 45, resolution_rate = 90 WHERE year = 2024"
    )
    await sql(
        "INSERT INTO attempt (token, year, month, began_at, ended_at, worker, outcome) SELECT gen_random_uuid(), 2024, month,"
        " now(), now() - make_interval(days => (month > 8)::integer), 'machine:1', CASE month WHEN 1 THEN 'failed' ELSE"
        " 'completed' END FROM generate_series(1, 12) AS month"
    )
    await sql(
        "INSERT INTO call (provider, route, sent_at, ms, units, status, error) SELECT 'isbndb', '/books', now(), 9, 1,"
        " CASE WHEN n <= 3 THEN 429 END, '' FROM generate_series(1, 3) AS n UNION ALL"
        " SELECT 'gemini', '/v1beta/models/gemini-3.5-flash:generateContent', now() - make_interval(days => 40 * mod(n, 2)), 9, 1, 200, ''"
        " FROM generate_series(1, 10) AS n"
    )
    await sql("INSERT INTO quota (name, day, used) VALUES ('isbndb', %s, 3250)", today)
    page = (await admitted.get("/charts")).text
    yesterday = today - timedelta(days=1)
    months = chart(page, "months")
    assert f"11 months completed and 1 failed in 30 days; most on {today.day} {today:%b}, 7." in months
    assert table(months) == [["day", "completed", "failed"], [f"{today}", "7", "1"], [f"{yesterday}", "4", "0"]]
    assert months.count("<svg") == 1
    assert 'class="bad" d="M291.5 30h7V20h-7Z"' in months  # of ten: seven completed, and one failed above them
    rates = chart(page, "rates")
    assert "90.0 % of 600 named books of months completed in 30 days have an ISBN" in rates
    assert table(rates)[1:] == [[f"{today}", "600", "540", "90.0 %"]]
    calls = chart(page, "calls")
    assert "Gemini 5 (0 failed) and ISBNdb 3 (3 failed)" in calls
    assert table(calls)[1:] == [[f"{today}", "5 (0)", "3 (3)"]]
    assert calls.count("<svg") == 2
    quotas = chart(page, "quotas")
    assert f"ISBNdb 3,250 of 13,000 on {today.day} {today:%b}" in quotas
    assert 'd="M291.5 100h7V75h-7Z"' in quotas
    money = chart(page, "money")
    whole = re.search(
        r"Until now: \$([\d.]+), of which Gemini \$([\d.]+) and ISBNdb \$14\.99 \(1 month at \$14\.99\)\.", money
    )
    assert whole, money
    assert float(whole[1]) == pytest.approx(float(whole[2]) + 14.99, abs=0.011)
    drawn = re.search(r"\$([\d.]+) for models in 30 days", chart(page, "costs"))
    assert drawn
    assert float(drawn[1]) == pytest.approx(float(whole[2]) / 2, abs=0.011)  # the other half is older
    assert page.count('aria-describedby="') == page.count("<svg")
    assert len(page) < LARGEST
    found = (await api.get("/api/internal/trends")).json()
    assert [each["day"] for each in found["months"]] == [
        f"{today - timedelta(days=ago)}" for ago in reversed(range(30))
    ]
    assert found["months"][-1] == {
        "day": f"{today}", "completed": 7, "failed": 1, "books": 600, "resolved": 540, "rate": 90.0,
    }  # fmt: skip
    assert [(name, days[0]["requests"], days[0]["errors"]) for name, days in found["calls"].items()] == [
        ("gemini", 5, 0), ("isbndb", 3, 3),
    ]  # fmt: skip
    assert found["quotas"] == {"isbndb": [{"day": f"{today}", "used": 3250, "cap": 13000}]}
    assert found["costs"]["total"] == pytest.approx(float(whole[1]), abs=0.006)
    assert found["costs"]["plans"] == {"isbndb": {"price": 14.99, "months": 1, "dollars": 14.99}}
    assert found["forecast"] is None


async def test_the_charts_are_read_once_a_minute(admitted, sql):
    before = (await admitted.get("/charts")).text
    await sql(
        "INSERT INTO call (provider, route, sent_at, ms, units, status, error) VALUES ('xai', '/x', now(), 9, 1, 200, '')"
    )
    assert (await admitted.get("/charts")).text.partition("<main")[2] == before.partition("<main")[2]


async def test_a_full_page_of_charts_is_small(admitted, sql, system):
    """Thirty days with every provider."""
    await sql(
        "INSERT INTO call (provider, route, sent_at, ms, units, status, error) SELECT name, '/x', now() - make_interval(days => n),"
        " 9, 1, 500, '' FROM lane, generate_series(0, 29) AS n, generate_series(1, 20)"
    )
    await sql(
        "INSERT INTO quota (name, day, used) SELECT name, current_date - n, 900 FROM lane, generate_series(0, 29) AS n ON CONFLICT DO NOTHING"
    )
    await sql(
        "INSERT INTO attempt (token, year, month, began_at, ended_at, worker, outcome) SELECT gen_random_uuid(), year, month,"
        " now(), now() - make_interval(days => month * 2), 'machine:1', 'completed' FROM backfill_log"
    )
    page = await admitted.get("/charts")
    assert page.text.count("<svg") >= 10
    assert len(page.content) < LARGEST, len(page.content)


async def test_the_first_forecast_of_a_rollout_is_kept_and_shown_beside_what_came(app, admitted, api, sql, monkeypatch):
    """Later forecasts do not replace it."""
    system = app.state.system
    for key in key_settings().values():
        monkeypatch.setenv(key, "canary-key")
    monkeypatch.setattr(system.forecaster, "settings", config.load())
    monkeypatch.setattr(making, "LEAST_RUNS", 4)
    monkeypatch.setattr(forecaster, "LATEST_RUNS", 4)
    assert "No forecast of a rollout has been kept." in chart((await admitted.get("/charts")).text, "forecast")
    await system.rollout.start(TWO_MONTHS, "olga")
    for _ in range(2):
        await system.forecaster._make()
        system.forecaster._kept = None
    kept = await sql("SELECT day, low, high, made_at FROM rollout_forecast ORDER BY day")
    assert len({row["made_at"] for row in kept}) == 1
    assert (kept[0]["day"], kept[-1]["high"]) == (datetime.now(UTC).date(), 2)
    await sql(
        "UPDATE rollout_forecast SET low = 0, middle = 1, high = 1 WHERE day = (SELECT min(day) FROM rollout_forecast)"
    )
    await sql(
        "UPDATE backfill_log SET status = 'completed', started_at = now(), completed_at = now() WHERE year = 2023 AND month > 10"
    )
    app.state.trends = TrendsCache(system)
    part = chart((await admitted.get("/charts")).text, "forecast")
    today = datetime.now(UTC).date()
    assert (
        f"expected 0 to 1 of its 2 months to have ended by {today.day} {today:%b}; 2 have: faster than forecast."
        in part
    )
    assert table(part)[1] == [f"{today}", "0", "1", "2"]
    assert '<path class="dots" d="M5 0h0"/>' in part
    first = (await api.get("/api/internal/trends")).json()["forecast"]
    assert (first["rollout"], first["months"]) == ("two", 2)
    assert first["days"][0] == {"day": f"{today}", "low": 0, "middle": 1, "high": 1, "ended": 2}
    assert [each["ended"] for each in first["days"][1:]] == [None] * (len(kept) - 1)
