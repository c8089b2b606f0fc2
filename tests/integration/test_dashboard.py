"""The pages as the server gives them, without a browser: what they show, what acts report, and how large a page is."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from alexandria.core import config
from alexandria.core.provider_facts import key_settings
from alexandria.forecast import forecaster
from alexandria.rollout.plan import Plan
from tests.support.dashboard_visitors import act, failing, hidden, message

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("seeded_pages")]
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
LARGEST = 80_000  # bytes of the page, before any compression


def plan_of(page):
    return hidden(page, "plan")


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
    assert "Paused until" in page
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
    [hold] = re.findall(r'name="hold" value="(\d+)"', held.text)
    stale = await act(admitted, "/rollout/release", hold=str(int(hold) - 1))
    assert (stale.status_code, "the present one is" in stale.text) == (409, True)
    assert message(await act(admitted, "/rollout/release", hold=hold)).startswith("Released: phase 1 of 3")
    assert await notes(sql) == [("olga by dashboard", "start", "as agreed"), ("olga by dashboard", "hold", "<i>looking</i>"),
                                ("dashboard", "release", "")]  # fmt: skip
    again = await act(admitted, "/rollout/start")
    assert again.status_code == 409


async def test_the_page_shows_what_a_plan_may_not_do_before_and_after_its_start(admitted, system, sql):
    """The default plan's warnings while none runs, those of the running plan, and the default's again after its end."""
    [limits] = await sql("SELECT daily_limit, daily_cap FROM lane WHERE name = 'isbndb'")
    await sql("UPDATE lane SET daily_limit = 50, daily_cap = 50 WHERE name = 'isbndb'")
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
    await sql("UPDATE lane SET daily_limit = %s, daily_cap = %s WHERE name = 'isbndb'", *limits.values())
    if system.forecaster._making:
        await system.forecaster._making


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
    assert re.search(r"Forecast: it is done (<time[^>]*>)?\d\d [A-Z][a-z]{2}.* \(80 % likely", page)
    assert '<p class="big">Not scheduled</p>' in page
    await act(admitted, "/rollout/start")
    page = await page_with_forecast(admitted, system)
    assert re.search(
        r'<p class="big">(<time[^>]*>)?\d\d [A-Z][a-z]{2}.*–.*</p>\n<p>80 % likely.*\. Limiting factor: ', page
    )
    assert "Forecast: it" not in page


async def test_the_message_of_an_action_appears_once(admitted):
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


async def test_an_unknown_path_is_a_page_in_a_browser_and_json_for_programs(admitted, api):
    """Also for visitors without a session, and for a path that takes forms alone."""
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for client in (admitted, api):
        for path, status, title in (("/nowhere", 404, "Page not found"), ("/rollout/begin", 405, "Not a page")):
            page = await client.get(path, headers=browser)
            assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
            assert f"<h1>{title}</h1>" in page.text
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
            assert (await client.get(path)).json()["error"]["code"] in {"not_found", "method_not_allowed"}
        for path in ("/api/nowhere", "/api/internal/nowhere", "/health/nowhere", "/static/nowhere.css"):
            assert (await client.get(path, headers=browser)).json()["error"]["code"] == "not_found"
    assert (await admitted.get("/rollout/begin", headers=browser)).headers["allow"] == "POST"


async def test_long_reasons_are_never_cut_without_the_whole_of_them(admitted, sql):
    long = "isbndb answered with a page of another service instead of records, " * 4
    await failing(sql, where="(year, month) = (2009, 2)", code="bad_data")
    await sql(f"UPDATE backfill_log SET error_message = '{long}' WHERE (year, month) = (2009, 2)")
    await sql(
        "INSERT INTO attempt (token, year, month, began_at, ended_at, worker, outcome, code, reason)"
        f" VALUES (gen_random_uuid(), 2009, 2, now(), now(), 'w', 'failed', 'bad_data', '{long}')"
    )
    page = (await admitted.get("/")).text
    for part in ("failures", "log"):
        shown = page[page.index(f'id="{part}"') :]
        assert re.search(rf'<a href="/months/2009-02">{long[:70]}[^<]*…?(\.\.\.)?</a>', shown), part
    month = (await admitted.get("/months/2009-02")).text
    assert month.count(long.strip()) >= 2


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


async def test_a_selection_is_previewed_scheduled_and_retried(admitted, sql):
    """What will not start has its reason; the confirmed plan is scheduled, or nothing."""
    await failing(sql, where="(year, month) = (2019, 7)", code="timeout")
    await sql(
        "UPDATE backfill_log SET status = 'completed', started_at = now(), completed_at = now() WHERE (year, month) = (2019, 8)"
    )
    page = (await admitted.get("/schedule?selected=2019-06..2019-08,%202018-01+1999-01")).text
    assert "<h1>5 selected months</h1>" in page
    assert "Schedule: 2 months" in page
    assert "1999-01</a>: not seeded" in page
    assert "2019-07</a>: failed" in page
    assert "<button>Retry 2 months</button>" in page
    plan = re.findall(r'name="plan" value="([^"]+)"', page)[0]
    chosen = "1999-01 2018-01 2019-06..2019-08"
    done = message(await act(admitted, "/schedule", selected=chosen, plan=plan))
    assert done.startswith("Scheduled 2 months: 2019-06, 2018-01. Not scheduled: ")
    assert "2019-08 is already completed" in done
    assert (await act(admitted, "/schedule", selected=chosen, plan=plan)).status_code == 409
    done = message(await act(admitted, "/retry", selected=chosen))
    assert done == (
        "2 months reset to pending: 2019-08, 2019-07. Next: schedule them. 3 months left as they are: 2019-06, 2018-01, 1999-01."
    )
    assert message(await act(admitted, "/schedule", selected="2019-07")) == "Scheduled 1 month: 2019-07."
    found = await sql("SELECT year, month FROM backfill_log WHERE status = 'processing' ORDER BY year, month")
    assert [(each["year"], each["month"]) for each in found] == [(2018, 1), (2019, 6), (2019, 7)]


@pytest.mark.parametrize(
    ("selected", "reason"),
    [
        ("", "none is selected"),
        ("2019-13", "does not exist"),
        ("2019-02..2019-01", "must not be after"),
        ("1900-01..2100-12", "more than 300"),
    ],
)
async def test_a_selection_that_is_none_is_explained(admitted, selected, reason):
    for answer in (
        await admitted.get("/schedule", params={"selected": selected}),
        await act(admitted, "/retry", selected=selected),
    ):
        assert answer.status_code == 422
        assert reason in answer.text


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


async def test_every_provider_has_a_panel_with_what_was_recorded_of_it(admitted, api, sql, system):
    """The page, the JSON route and the command have the same figures; a provider that is down says so everywhere."""
    await sql(
        "INSERT INTO call (provider, route, sent_at, ms, units, status, error) SELECT 'isbndb', '/books',"
        " now() - make_interval(mins => n), n * 100, 1, CASE n WHEN 1 THEN NULL WHEN 2 THEN 429 ELSE 200 END, ''"
        " FROM generate_series(1, 10) AS n"
    )
    await sql(
        "INSERT INTO breaker (name, trips, opened_at, open_until) VALUES ('wikidata', 1, now() - interval '5 min', now() + interval '1 h');"
    )
    await sql("UPDATE lane SET paused_until = now() + interval '1 h', pause_reason = 'silent' WHERE name = 'wikidata'")
    page = (await admitted.get("/")).text
    panel = page.partition('id="providers"')[2].partition("</section>")[0]
    assert "2 of 10 requests failed" in panel
    assert "<dd>2 (1 of them 429)</dd>" in panel
    assert "<dd>500 ms, 1,000 ms</dd>" in panel
    assert "2 min ago</time>" in panel
    assert "Wikidata" in panel.partition("✕ down")[0]
    assert "<dd>open</dd>" in panel
    headline = page.partition('<p class="now')[2].partition("</p>")[0]
    assert "Wikidata not answering" in headline
    stats = (await api.get("/api/internal/backfill-stats")).json()
    isbndb = next(each for each in stats["providers"] if each["provider"] == "isbndb")
    assert (isbndb["calls"], isbndb["errors"], isbndb["limited"], isbndb["median_ms"]) == (10, 2, 1, 500)
    assert stats["headline"].startswith("Idle: 300 months not scheduled")
    assert "Wikidata not answering" in stats["headline"]
    assert stats["next_event"]["event"] == "Wikidata is queried again"
