"""Pause, resume and retry: their effects, the audit, and what the API reports meanwhile."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from alexandria.backfill.composition import compose
from alexandria.backfill.control import Control
from alexandria.backfill.repositories import candidates
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, Resolution, SourceRecord
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.providers.base import SuggestResult

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEDULE, SEED, STATS, READY = ("/api/internal/schedule-backfill", "/api/internal/seed-backfill-queue",
                                "/api/internal/backfill-stats", "/health/ready")  # fmt: skip
RETRY, PAUSE, RESUME = (f"/api/internal/{act}" for act in ("retry", "pause", "resume"))
IN_2023 = {"year_range": {"start": 2023, "end": 2023}}


@pytest.fixture(autouse=True)
async def _year(api, empty, sql):
    await sql("UPDATE control SET paused_since = NULL, paused_until = NULL")
    await api.post(SEED, json={"year_start": 2023, "year_end": 2023})
    yield
    await sql("UPDATE control SET paused_since = NULL, paused_until = NULL")


async def post(api, path, code=200, **body):
    response = await api.post(path, json=body)
    assert response.status_code == code, response.text
    return response.json()


async def tokens(api, sql, months=2):
    """The attempt tokens of newly scheduled months, newest first."""
    await post(api, SCHEDULE, batch_size=months, **IN_2023)
    rows = await sql("SELECT attempt_token FROM backfill_log WHERE status = 'processing' ORDER BY month DESC")
    return [row["attempt_token"] for row in rows]


async def row(sql, month):
    [found] = await sql("SELECT * FROM backfill_log WHERE month = %s", month)
    return found


class Slow:
    """A generator that signals when it is called, and returns nothing once `answer` is set."""

    name = label = "gemini"

    def __init__(self):
        self.asked, self.answer, self.times = asyncio.Event(), asyncio.Event(), 0

    async def suggest(self, month, variant, count):
        self.times += 1
        self.asked.set()
        await self.answer.wait()
        return SuggestResult(())


async def test_a_pause_starts_no_attempt_and_lets_running_ones_finish(api, sql, system):
    """The month in progress ends normally; the one that was claimed waits without a failure, and continues on resume."""
    generator = Slow()
    backfill = compose(system.database, system.queue, [generator])
    first, second = await tokens(api, sql)
    working = asyncio.create_task(backfill.runner.process(first, "a worker"))
    await generator.asked.wait()
    data = await post(api, PAUSE, minutes=30, reason="maintenance")
    assert data["paused"]["months_finishing"] == 1
    assert "paused by api until" in data["message"]
    assert data["message"].endswith("UTC: maintenance; 1 month still finishing")

    await backfill.runner.process(second, "a worker")
    assert generator.times == 1
    waiting = await row(sql, 11)
    assert (waiting["status"], waiting["retry_count"], waiting["error_code"]) == ("retry", 0, "paused")
    assert waiting["blocked_reason"].startswith("paused by api until")
    assert abs(waiting["next_attempt_at"] - datetime.now(UTC) - timedelta(minutes=30)) < timedelta(seconds=20)
    generator.answer.set()
    await working
    assert (await row(sql, 12))["error_code"] == "no_books"  # it ended as it would have

    woken = await post(api, RESUME)
    assert woken == {
        "resumed": True,
        "months_woken": 1,
        "message": "resumed; 1 waiting month continues now",
    }
    await backfill.rescuer.wake(Month(2023, 11))
    assert (await row(sql, 11))["status"] == "processing"
    acts = await sql("SELECT who, act FROM audit ORDER BY id")
    assert acts == [{"who": "api", "act": "pause"}, {"who": "api", "act": "resume"}]


async def test_a_due_month_waits_for_the_end_of_the_pause(api, sql, system):
    """However long that is: it is woken and postponed repeatedly."""
    await sql("UPDATE backfill_log SET status = 'retry', error_message = 'down', retry_count = 2 WHERE month = 3")
    await post(api, PAUSE)
    for _ in range(2):
        await sql("UPDATE backfill_log SET next_attempt_at = now() WHERE month = 3")
        await system.backfill.rescuer.wake(Month(2023, 3))
        found = await row(sql, 3)
        assert (found["status"], found["retry_count"]) == ("retry", 2)
        assert found["blocked_reason"] == "paused by api until resumed"
        assert found["next_attempt_at"] > datetime.now(UTC) + timedelta(minutes=50)
    await post(api, RESUME)
    await system.backfill.rescuer.wake(Month(2023, 3))
    assert (await row(sql, 3))["status"] == "processing"


async def test_a_shorter_pause_wakes_waiting_months_earlier(api, sql, system):
    [token] = await tokens(api, sql, 1)
    await post(api, PAUSE, minutes=600)
    await system.backfill.runner.process(token, "a worker")
    until = datetime.now(UTC) + timedelta(minutes=1)
    before = await post(api, PAUSE, until=until.isoformat())
    assert (await row(sql, 12))["next_attempt_at"] == until
    wakes = await sql("SELECT scheduled_at FROM procrastinate_jobs WHERE task_name = 'wake' ORDER BY scheduled_at")
    assert wakes[0]["scheduled_at"] == until
    again = await post(api, PAUSE, minutes=5)
    assert again["paused"]["since"] == before["paused"]["since"]


async def test_a_pause_ends_by_itself(api, sql, system):
    await post(api, PAUSE, minutes=1)
    await sql(
        "UPDATE control SET paused_since = now() - interval '2 minutes', paused_until = now() - interval '1 second'"
    )
    assert (await api.get(STATS)).json()["paused"] is None
    assert (await post(api, SCHEDULE, batch_size=1, **IN_2023))["months_selected"] == 1
    assert (await post(api, RESUME))["message"] == "not paused"


async def test_schedule_calls_report_the_pause(api, sql):
    """A live one is rejected and schedules nothing; a dry run lists the months and the pause."""
    answer = await post(api, PAUSE, reason="disk")
    error = (await post(api, SCHEDULE, 409, **IN_2023))["error"]
    assert (error["code"], error["message"]) == ("paused", "paused by api until resumed: disk")
    assert (error["details"]["by"], error["details"]["reason"], error["details"]["until"]) == ("api", "disk", None)
    dry = await post(api, SCHEDULE, dry_run=True, **IN_2023)
    assert (dry["months_selected"], dry["paused"] | {"until": None}) == (10, answer["paused"])
    assert (await post(api, SCHEDULE, 409, force_retry=True))["error"]["code"] == "paused"
    assert await sql("SELECT id FROM backfill_log WHERE status <> 'pending'") == []


async def test_the_pause_is_reported(api, sql):
    """In the stats, as a metric, and in health, where paused months need no worker."""
    assert "alexandria_paused 0.0" in (await api.get("/metrics")).text
    await sql("UPDATE backfill_log SET status = 'retry', next_attempt_at = now() WHERE month = 3")
    assert (await api.get(READY)).status_code == 503
    await post(api, PAUSE, reason="disk")
    paused = (await api.get(STATS)).json()["paused"]
    assert (paused["by"], paused["until"], paused["months_finishing"]) == ("api", None, 0)
    ready = await api.get(READY)
    assert (ready.status_code, ready.json()["paused"]) == (200, "paused by api until resumed: disk")
    assert "alexandria_paused 1.0" in (await api.get("/metrics")).text


async def test_no_attempt_starts_after_the_pause_call_has_returned(api, sql, system):
    """One month in progress and eleven starting during the pause call: those that started are counted, the others wait."""
    generator = Slow()
    backfill = compose(system.database, system.queue, [generator])
    attempts = await tokens(api, sql, 12)
    working = [asyncio.create_task(backfill.runner.process(token, "a worker")) for token in attempts[:1]]
    await generator.asked.wait()
    working += [asyncio.create_task(backfill.runner.process(token, "a worker")) for token in attempts[1:]]
    _, finishing = await Control(system.database, system.queue).pause(None, "", "somebody")
    generator.answer.set()
    await asyncio.gather(*working)
    paused = await sql("SELECT month FROM backfill_log WHERE error_code = 'paused'")
    assert 1 <= finishing == generator.times == 12 - len(paused)


class Metered:
    """A source that finds nothing, and spends one unit of quota per request."""

    name, paid, rate = "isbndb", False, 3.0

    def __init__(self, lanes):
        self._lanes = lanes

    async def find(self, candidate):
        return await self._ask([])

    async def by_isbns(self, isbns):
        return await self._ask({})

    async def _ask(self, answer):
        async with self._lanes.permit(self.name):
            return answer


async def test_a_paused_system_rechecks_and_enriches_nothing(api, sql, system):
    """It asks no source and spends no unit, though a book and an edition are due; afterwards it asks for both."""
    found = EditionRecord(
        SourceRecord("open_library", "1", datetime.now(UTC)), "The Bee Sting", authors=("Paul Murray",),
        isbn13=Isbn13.parse("9780374600303"),
    )  # fmt: skip
    books = [
        Resolution(
            Candidate("The Bee Sting", "Paul Murray"), found.isbn13, "open_library", reason="same", accepted=found
        ),
        Resolution(Candidate("A Book That Never Was", "Nobody Atall"), None, reason="unknown to all"),
    ]
    async with system.database.transaction() as connection:
        await candidates.record_month(connection, Month(2023, 3), books, datetime.now(UTC), token=uuid.uuid4())
    await sql("UPDATE backfill_log SET status = 'completed', books_generated = 2, isbns_resolved = 1 WHERE month = 3")
    await sql("UPDATE candidate SET look_again_at = now() - interval '1 day' WHERE isbn13 IS NULL")
    await sql("UPDATE edition SET enrich_at = now() - interval '1 day'")
    backfill = compose(system.database, system.queue, (), SourcePool([Metered(system.limiter)], Policy.BALANCED))
    looks = "SELECT sum(looks)::integer AS looks FROM candidate"
    spent = "SELECT coalesce(sum(used), 0)::integer AS units FROM quota WHERE name = 'isbndb'"
    before = await sql(looks)
    await post(api, PAUSE)
    assert (await backfill.follow_up.recheck(), await backfill.follow_up.enrich()) == (0, 0)
    assert await sql(spent) == [{"units": 0}]
    assert await sql(looks) == before
    assert await sql("SELECT isbn13 FROM edition WHERE enrich_at > now()") == []

    await post(api, RESUME)
    assert (await backfill.follow_up.recheck(), await backfill.follow_up.enrich()) == (0, 0)
    assert await sql(spent) == [{"units": 2}]
    assert await sql(looks) == [{"looks": before[0]["looks"] + 1}]
    assert len(await sql("SELECT isbn13 FROM edition WHERE enrich_at > now()")) == 1


async def test_a_provider_is_resumed_before_its_pause_is_over(api, sql, system):
    """Months that wait for it continue now, others and paused ones do not; its enrichment continues too."""
    until = datetime.now(UTC) + timedelta(hours=3)
    waits = {
        1: ("quota_spent", "isbndb: the day's quota is used up"),
        2: ("no_sources", "no source could be asked: open_library: answered 503; isbndb: paused: the day's calls are used up"),
        3: ("rate_limited", "google_books: refuses for speed"),
        4: ("paused", "paused by ann: isbndb: is moving"),
    }  # fmt: skip
    for month, (code, reason) in waits.items():
        await sql(
            "UPDATE backfill_log SET status = 'retry', error_code = %s, blocked_reason = %s, next_attempt_at = %s WHERE month = %s",
            code, reason, until, month,
        )  # fmt: skip
    await sql(
        "INSERT INTO enrichment_rest VALUES ('isbndb', %s, 'used up', false, 1), ('open_library', %s, 'down', false, 1)",
        until,
        until,
    )
    await system.limiter.pause("isbndb", until, "the day's calls are used up")
    await system.limiter.pause("google_books", until, "refuses for speed")
    [end] = [lane.paused_until for lane in await system.limiter.status() if lane.name == "isbndb"]

    answer = await post(api, RESUME, provider="isbndb")
    assert answer == {
        "resumed": True,
        "months_woken": 2,
        "message": f"isbndb is queried again now instead of at {end:%Y-%m-%d %H:%M} UTC; 2 waiting months continue now",
    }
    paused = {lane.name for lane in await system.limiter.status() if lane.paused_until}
    assert paused == {"google_books"}
    soon = await sql("SELECT month FROM backfill_log WHERE next_attempt_at <= now() ORDER BY month")
    assert [found["month"] for found in soon] == [1, 2]
    assert await sql("SELECT provider FROM enrichment_rest") == [{"provider": "open_library"}]
    await system.backfill.rescuer.wake(Month(2023, 2))
    assert (await row(sql, 2))["status"] == "processing"
    [noted] = await sql("SELECT who, act, detail FROM audit")
    assert (noted["who"], noted["act"]) == ("api", "resume")
    assert noted["detail"] == {
        "provider": "isbndb", "until": end.isoformat(), "reason": "the day's calls are used up", "woken": ["2023-01", "2023-02"]
    }  # fmt: skip
    again = await post(api, RESUME, provider="isbndb")
    assert again == {"resumed": False, "months_woken": 0, "message": "isbndb was not paused"}
    assert len(await sql("SELECT id FROM audit")) == 1
    await post(api, RESUME, provider="google_books")
    await sql("DELETE FROM enrichment_rest")


async def test_a_caller_waiting_for_a_provider_continues_when_it_is_resumed(api, system):
    """Long before the end of the pause, without a new attempt."""
    await system.limiter.pause("wikidata", datetime.now(UTC) + timedelta(seconds=29), "refuses for speed")

    async def send():
        async with system.limiter.permit("wikidata"):
            pass

    waiting = asyncio.create_task(send())
    assert await asyncio.wait({waiting}, timeout=0.1) == (set(), {waiting})
    assert (await post(api, RESUME, provider="wikidata"))["resumed"] is True
    async with asyncio.timeout(15):
        await waiting


@pytest.mark.parametrize("provider", ["isbdn", "", "ISBNdb", None])
async def test_an_unknown_provider_cannot_be_resumed(api, provider):
    error = (await post(api, RESUME, 422, provider=provider))["error"]
    assert "provider" in str(error)


async def test_retry_resets_the_named_months_and_reports_the_skipped_ones(api, sql):
    """Completed and failed months become pending with reset counters, waiting ones continue, others stay; all audited."""
    await sql("UPDATE backfill_log SET status = CASE month WHEN 1 THEN 'completed' WHEN 2 THEN 'failed' WHEN 3 THEN 'retry'"
              " WHEN 4 THEN 'processing' ELSE 'pending' END, retry_count = 3, error_message = 'x', error_code = 'y'")  # fmt: skip
    await sql("UPDATE backfill_log SET next_attempt_at = now() + interval '1 day' WHERE month = 3")
    months = [f"2023-{month:02d}" for month in (1, 2, 3, 4, 5)] + ["2019-01"]
    would = await post(api, RETRY, months=months, dry_run=True)
    assert {r["status"] for r in await sql("SELECT status FROM backfill_log WHERE month < 4")} == {
        "completed",
        "failed",
        "retry",
    }
    did = await post(api, RETRY, months=months)
    for answer in (would, did):
        assert (answer["reopened"], answer["woken"]) == (["2023-02", "2023-01"], ["2023-03"])
        left = {each["month"]: each["status"] for each in answer["left"]}
        assert left == {"2023-04": "processing", "2023-05": "pending", "2019-01": None}
    assert would["message"] == "dry run: 2 months reset to pending, 1 waiting month to retry now, 3 months skipped"
    assert did["message"] == "2 months reset to pending, 1 waiting month retried now, 3 months skipped"
    for month in (1, 2):
        found = await row(sql, month)
        assert (found["status"], found["retry_count"], found["error_message"]) == ("pending", 0, None)
        assert found["completed_at"] is None
    waiting = await row(sql, 3)
    assert (waiting["status"], waiting["retry_count"]) == ("retry", 3)
    assert waiting["next_attempt_at"] <= datetime.now(UTC)
    [wake] = await sql("SELECT args FROM procrastinate_jobs WHERE task_name = 'wake'")
    assert wake["args"] == {"year": 2023, "month": 3}
    [noted] = await sql("SELECT who, act, detail FROM audit")
    assert (noted["who"], noted["act"]) == ("api", "retry")
    assert (noted["detail"]["months"], noted["detail"]["woken"]) == (["2023-02", "2023-01"], ["2023-03"])


@pytest.mark.parametrize(
    ("wish", "reopened", "woken"),
    [
        ({"status": "failed"}, [2, 1], []),
        ({"reason": "key_refused"}, [1], []),
        ({"reason": "isbndb: refuses our key"}, [1], []),
        ({"reason": "quota_spent"}, [], [3]),
        ({"reason": "the day is over"}, [], [3]),
        ({"reason": "down"}, [2], [4]),
        ({"reason": "down", "status": "failed"}, [2], []),
        ({"reason": "down", "months": ["2023-01", "2023-04"]}, [], [4]),
        ({"reason": "nothing of the kind"}, [], []),
    ],
)
async def test_retry_by_status_and_reason(api, sql, wish, reopened, woken):
    """By codes, messages and reasons to wait; the note of a completed month does not match."""
    for month, values in {
        1: "status = 'failed', error_code = 'key_refused', error_message = 'isbndb: refuses our key'",
        2: "status = 'failed', error_code = 'provider_down', error_message = 'down'",
        3: "status = 'retry', error_code = 'quota_spent', blocked_reason = 'the day is over'",
        4: "status = 'retry', error_code = 'provider_down', error_message = 'down'",
        5: "status = 'completed', error_message = 'down'",
    }.items():
        await sql(f"UPDATE backfill_log SET {values} WHERE month = {month}")
    answer = await post(api, RETRY, **wish)
    assert answer["reopened"] == [f"2023-{month:02d}" for month in reopened]
    assert answer["woken"] == [f"2023-{month:02d}" for month in woken]


async def test_retry_needs_a_condition(api):
    error = (await post(api, RETRY, 422))["error"]
    assert "months, status or reason" in error["message"]


async def test_schedule_raises_during_a_pause(system):
    control = Control(system.database, system.queue)
    await control.pause(None, "", "somebody")
    with pytest.raises(errors.Paused, match="paused by somebody"):
        await system.backfill.scheduler.schedule(Selection(), "somebody")
