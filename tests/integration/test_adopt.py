"""Adopting while others work, and where adopted months count and where they do not."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from alexandria.backfill.adoption import Adoption
from alexandria.backfill.composition import compose
from alexandria.backfill.repositories import months
from alexandria.backfill.scheduler import Selection
from alexandria.core.errors import DatabaseBusy, DatabaseFailed
from alexandria.forecast.belief import uses_other_months
from alexandria.forecast.repository import history
from alexandria.operations.rollout_summary import summarize
from alexandria.providers.base import SuggestResult
from alexandria.rollout.decisions import Advance, Schedule, Wait, WaitKind
from alexandria.rollout.plan import Plan
from tests.support import earlier_scheduler

FROM = "public.backfill_log"
GATE = {"min_resolution_rate": 0.8, "min_sample": 100}


def plan(years, pace=12):
    phase = {"name": "A", "years": years, "months_per_day": pace, "gate": GATE}
    return Plan.model_validate({"name": "one", "phase": [phase]})


@pytest.fixture
async def earlier(stage):
    """The stage, with the earlier scheduler's database in `public`."""
    with psycopg.connect(stage.url, autocommit=True) as connection:
        earlier_scheduler.build(lambda text: connection.execute(text.encode()), "public.")
    return stage


def adoption(stage):
    return Adoption(stage.database, stage.controller.scheduler.queue)


async def adopt(stage, **options):
    return await adoption(stage).adopt(FROM, "ann", **options)


async def seed(stage, first, last):
    async with stage.database.transaction() as connection:
        await months.seed(connection, first, last)


async def counts(stage):
    rows = await stage.sql("SELECT status, count(*) AS n FROM backfill_log GROUP BY 1")
    return {row["status"]: row["n"] for row in rows}


class Named:
    """A generator that signals when it is called, and names nothing once `answer` is set."""

    name = label = "gemini"

    def __init__(self):
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def suggest(self, month, variant, count):
        self.asked.set()
        await self.answer.wait()
        return SuggestResult(())


async def test_a_worker_keeps_the_month_that_it_works_on(earlier):
    """Adopted while its attempt runs, and again after it has ended."""
    generator = Named()
    await seed(earlier, 2023, 2023)
    backfill = compose(earlier.database, earlier.controller.scheduler.queue, [generator])
    await earlier.controller.scheduler.schedule(Selection(1, 2023, 2023), "ann")
    [token] = [
        row["attempt_token"] for row in await earlier.sql("SELECT attempt_token FROM backfill_log WHERE month = 12")
    ]
    working = asyncio.create_task(backfill.runner.process(token, "a worker"))
    await generator.asked.wait()
    for ended in (False, True):
        found = await adopt(earlier)
        assert [(str(each.month), each.is_wrong) for each in found.skipped] == [("2023-12", False)]
        assert sum(found.adopted.values()) == (0 if ended else 299)
        generator.answer.set()
        await working
    [row] = await earlier.sql("SELECT * FROM backfill_log WHERE (year, month) = (2023, 12)")
    assert (row["status"], row["adopted_at"]) == ("retry", None)
    outcomes = await earlier.sql("SELECT outcome FROM attempt")
    assert [each["outcome"] for each in outcomes] == ["retry"]


async def test_what_others_have_locked_is_left_and_nobody_waits(earlier):
    """A month locked in psql, and a schedule call in the middle of the adoption."""
    await seed(earlier, 2000, 2024)
    with psycopg.connect(earlier.url) as other:
        other.execute("SELECT FROM alexandria.backfill_log WHERE (year, month) = (2010, 5) FOR UPDATE")
        found = await adopt(earlier)
    assert [(str(each.month), each.reason) for each in found.skipped] == [("2010-05", "another session has locked it")]
    assert (await adopt(earlier)).became == {"completed": 1}


async def test_schedule_calls_and_adoptions_at_once_never_take_one_month_twice(earlier):
    await seed(earlier, 2000, 2024)
    scheduler = earlier.controller.scheduler
    calls = [scheduler.schedule(Selection(20, 2000, 2004), "ann") for _ in range(4)]
    results = await asyncio.gather(adopt(earlier), *calls, adopt(earlier), return_exceptions=True)
    assert [each for each in results if isinstance(each, BaseException) and not isinstance(each, DatabaseBusy)] == []
    assert sum((await counts(earlier)).values()) == 300
    claimed = await earlier.sql(
        "SELECT count(*) AS n FROM backfill_log WHERE status = 'processing' AND adopted_at IS NULL"
    )
    attempts = await earlier.sql("SELECT count(*) AS n, count(DISTINCT (year, month)) AS months FROM attempt")
    assert claimed[0]["n"] == attempts[0]["n"] == attempts[0]["months"] > 0


async def test_nothing_is_written_while_the_table_is_read(earlier):
    """Not even by a view that would."""
    await earlier.sql("CREATE TABLE public.written (n integer)")
    await earlier.sql("CREATE FUNCTION public.sly() RETURNS text LANGUAGE plpgsql AS"
                      " $$ BEGIN INSERT INTO public.written VALUES (1); RETURN 'pending'; END $$")  # fmt: skip
    await earlier.sql("CREATE VIEW public.sly_log AS SELECT 2023 AS year, 5 AS month, public.sly() AS status")
    with pytest.raises(DatabaseFailed, match="read-only transaction"):
        await adoption(earlier).adopt("public.sly_log", "ann")
    assert await earlier.sql("SELECT n FROM public.written") == []
    assert await counts(earlier) == {}


async def test_an_error_in_the_middle_leaves_nothing(earlier, monkeypatch):
    """The audit is the last that is written."""

    async def broken(*_):
        raise RuntimeError

    monkeypatch.setattr(months, "audit", broken)
    with pytest.raises(RuntimeError):
        await adopt(earlier)
    assert await counts(earlier) == {}
    assert await earlier.sql("SELECT id FROM procrastinate_jobs") == []


async def test_months_in_retry_are_woken_and_lose_their_mark_when_they_are_claimed(earlier):
    await adopt(earlier)
    jobs = await earlier.sql("SELECT args FROM procrastinate_jobs WHERE task_name = 'wake'")
    due = await earlier.sql("SELECT year, month FROM backfill_log WHERE status = 'retry' AND next_attempt_at <= now()")
    assert {(job["args"]["year"], job["args"]["month"]) for job in jobs} == {(row["year"], row["month"]) for row in due}
    assert len(due) == 15
    await earlier.controller.scheduler.schedule(Selection(1, 2005, 2006), "ann")
    [claimed] = await earlier.sql("SELECT year, adopted_at FROM backfill_log WHERE status = 'processing'")
    assert claimed == {"year": 2006, "adopted_at": None}


async def test_a_running_rollout_goes_on_with_the_months_that_are_left(earlier):
    """Five of 24 months are done here when the others are adopted: the gate counts those five alone."""
    await seed(earlier, 2007, 2008)
    await earlier.controller.start(plan("2007..2008", 5), "ann")
    await earlier.controller.tick()
    await earlier.end(resolved=19)
    earlier.now += timedelta(days=1)
    await adopt(earlier)
    found = await earlier.controller.snapshot()
    kept = found.decision.evaluation.counts
    assert (kept.months, kept.completed, kept.failed, kept.adopted, kept.resolved) == (5, 5, 0, 19, 95)
    assert isinstance(found.decision.step, Advance), found.decision.evaluation.why
    assert "19 adopted months not counted" in str(summarize(found))
    assert await earlier.sql("SELECT month FROM rollout_day WHERE failed") == []


async def test_an_adopted_failure_is_none_of_the_rollouts_day(earlier):
    """Of a month that it began, and whose row was deleted and seeded again since."""
    await seed(earlier, 2007, 2007)
    await earlier.controller.start(plan("2007"), "ann")
    await earlier.controller.tick()
    await earlier.sql("DELETE FROM backfill_log WHERE (year, month) = (2007, 1)")
    await seed(earlier, 2007, 2007)
    await adopt(earlier)
    [row] = await earlier.sql("SELECT status, adopted_at FROM backfill_log WHERE (year, month) = (2007, 1)")
    assert (row["status"], row["adopted_at"] is not None) == ("failed", True)
    assert await earlier.sql("SELECT month FROM rollout_day WHERE failed") == []


async def test_a_phase_of_adopted_months_does_not_pass_until_they_are_done_again(earlier):
    await adopt(earlier)
    await earlier.controller.start(plan("2023"), "ann")
    step = await earlier.controller.tick()
    assert isinstance(step, Wait)
    assert step.kind is WaitKind.SHUT
    assert "Resolution rate known for 0 books (required 100; 12 adopted months not counted): failed" in step.reason
    await earlier.sql("UPDATE backfill_log SET status = 'pending' WHERE year = 2023")
    earlier.now += timedelta(days=1)
    assert isinstance(await earlier.controller.tick(), Schedule)
    await earlier.end(resolved=19)
    assert isinstance(await earlier.controller.tick(), Advance)


async def test_the_forecast_learns_nothing_from_adopted_months(earlier):
    await adopt(earlier)
    situation, _ = await earlier.controller.start(plan("2020..2022"), "ann")
    async with earlier.database.transaction() as connection:
        found = await history(connection, situation.rollout, {}, datetime.now(UTC))
    assert found.measured == {}
    assert len(found.outcomes) == 36
    assert not uses_other_months(found)
    assert found.others.ended == 0
