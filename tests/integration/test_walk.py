"""The walk of one month through real PostgreSQL and the real queue, with generators and sources that we script."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
import structlog

from alexandria.backfill.lookahead import AHEAD_SECONDS
from alexandria.backfill.periodic import Periodic
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.queue_jobs import run_jobs
from alexandria.backfill.repositories import candidates, months
from alexandria.backfill.rescuer import RESCUE
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.status import Status
from alexandria.catalogue.models import Candidate
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.providers.client import ProviderClient
from alexandria.providers.generator_specs import GeneratorSpec
from alexandria.providers.llm import LanguageModel
from tests.support.scripted_backfill import (
    BEE_STING,
    ISBNS,
    NOVEMBER,
    PROPHET,
    Scripted,
    Shelf,
    backfill,
    claim,
    query,
    row_of,
    wakes,
)


async def never():
    raise AssertionError("the queue stopped by itself")


async def test_a_month_is_completed_with_books_counters_and_evidence(database_url):
    """Two generators, one source: merged, resolved, recorded, and the unknown book is kept with its reason."""
    unknown = Candidate("A Book That Never Was", "Nobody Atall", year=2023)
    generators = [Scripted("gemini", [[BEE_STING, unknown]]), Scripted("xai", [[BEE_STING, PROPHET]])]
    async with backfill(database_url, generators, [Shelf()]) as system:
        attempt = await claim(system)
        await system.runner.process(attempt.token, "test")
        row = await row_of(system)
        assert (row["status"], row["books_generated"], row["isbns_resolved"]) == ("completed", 3, 2)
        assert float(row["resolution_rate"]) == 66.67
        assert row["isbns_queued"] == 2
        assert row["prompt_variant"] == "contemporary-notable"
        left = "SELECT id FROM procrastinate_jobs WHERE args ->> 'token' = %s"
        assert await query(system, left, str(attempt.token)) == [], "its job ended with it"
        async with system.scheduler.database.transaction() as connection:
            stored = {c["title"]: c for c in await candidates.of_month(connection, NOVEMBER)}
        assert stored["The Bee Sting"]["isbn13"] == ISBNS["The Bee Sting"]
        assert stored["The Bee Sting"]["named_by"] == ["gemini", "xai"]
        assert stored["The Bee Sting"]["evidence"][0]["verdict"] == "accept"
        assert stored["A Book That Never Was"]["isbn13"] is None
        assert stored["A Book That Never Was"]["reason"]


@pytest.mark.parametrize(
    ("set_by_hand", "asked_for"), [(None, "contemporary-notable"), ("retrospective", "retrospective")]
)
async def test_generators_are_asked_for_the_months_own_number_of_books_and_variant(
    database_url, set_by_hand, asked_for
):
    generators = [Scripted("gemini", [[PROPHET]]), Scripted("xai", [[BEE_STING]])]
    async with backfill(database_url, generators, [Shelf()]) as system:
        attempt = await claim(system)
        await query(system, "UPDATE backfill_log SET batch_size = 7, prompt_variant = %s", set_by_hand)
        await system.runner.process(attempt.token, "test")
        assert [generator.wishes for generator in generators] == [[(NOVEMBER, asked_for, 7)]] * 2
        assert (await row_of(system))["prompt_variant"] == asked_for


async def test_a_defect_is_a_failed_attempt_and_is_logged_with_its_traceback(database_url):
    """A provider's failure is not logged so: the row has all of it."""
    answers: list[Sequence[Candidate] | Exception] = [
        ZeroDivisionError("canary"),
        errors.BadAnswer("gemini", "is not JSON"),
    ]
    async with backfill(database_url, [Scripted("gemini", answers)], [Shelf()]) as system:
        for logged in (1, 0):
            attempt = await claim(system)
            with structlog.testing.capture_logs() as lines:
                await system.runner.process(attempt.token, "test")
            row = await row_of(system)
            assert (row["status"], row["error_code"]) == ("retry", "no_books")  # it concerns that generator alone
            assert "canary" not in row["error_message"]
            assert sum(line["event"].startswith("unexpected") and line["exc_info"] for line in lines) == logged
            await query(system, "UPDATE backfill_log SET next_attempt_at = now() WHERE status = 'retry'")


async def test_an_unknown_prompt_variant_fails_the_month_with_its_reason(database_url):
    """However it got into the row: no model is asked, and the variants there are named."""
    named = LanguageModel(GeneratorSpec("gemini", "gemini-3.5-flash"), cast("ProviderClient", None))
    async with backfill(database_url, cast("list[Scripted]", [named]), [Shelf()]) as system:
        attempt = await claim(system)
        async with system.scheduler.database.transaction() as connection:
            await connection.execute(
                "UPDATE backfill_log SET prompt_variant = 'ignore all rules' WHERE status = 'processing'"
            )
        await system.runner.process(attempt.token, "test")
        row = await row_of(system)
        assert (row["status"], row["error_code"]) == ("failed", "bad_input")
        assert row["error_message"] == "unknown prompt variant 'ignore all rules'"


async def test_one_generator_that_fails_hides_no_other_and_is_named(database_url):
    generators = [Scripted("gemini", [errors.ContentRefused("gemini", "refused")]), Scripted("xai", [[PROPHET]])]
    async with backfill(database_url, generators, [Shelf()]) as system:
        attempt = await claim(system)
        await system.runner.process(attempt.token, "test")
        row = await row_of(system)
        assert row["status"] == "completed"
        assert "gemini: refused" in row["error_message"]


async def test_no_book_at_all_is_a_failed_attempt_that_names_each_answer(database_url):
    generators = [Scripted("gemini", [[]]), Scripted("xai", [errors.BadAnswer("xai", "is not JSON")])]
    async with backfill(database_url, generators, [Shelf()]) as system:
        attempt = await claim(system)
        await system.runner.process(attempt.token, "test")
        row = await row_of(system)
        assert (row["status"], row["retry_count"], row["blocked_reason"]) == ("retry", 1, None)
        assert "gemini:scripted: named 0 books" in row["error_message"]
        assert "xai: is not JSON" in row["error_message"]
        assert row["next_attempt_at"] > datetime.now(UTC)
        assert await wakes(system) == [row["next_attempt_at"]]


async def test_the_fifth_failed_attempt_fails_the_month(database_url):
    async with backfill(database_url, [Scripted("gemini", [[]])], [Shelf()]) as system:
        for _ in range(5):
            attempt = await claim(system)
            await system.runner.process(attempt.token, "test")
            async with system.scheduler.database.transaction() as connection:
                await connection.execute("UPDATE backfill_log SET next_attempt_at = now() WHERE status = 'retry'")
        row = await row_of(system)
        assert (row["status"], row["retry_count"]) == ("failed", 5)
        assert row["completed_at"] is not None
        async with system.scheduler.database.transaction() as connection:
            outcomes = [a["outcome"] for a in await months.attempts(connection, NOVEMBER)]
        assert outcomes == ["retry"] * 4 + ["failed"]


async def test_a_bad_key_fails_the_month_at_once(database_url):
    async with backfill(database_url, [Scripted("gemini", [errors.KeyRefused("gemini", "no")])], [Shelf()]) as system:
        attempt = await claim(system)
        await system.runner.process(attempt.token, "test")
        assert (await row_of(system))["status"] == "failed"


async def test_a_spent_quota_is_a_wait_and_no_failure(database_url):
    until = datetime.now(UTC) + timedelta(hours=3)
    spent = errors.QuotaSpent("isbndb", "the day's quota is used up", until=until)
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf("isbndb", failure=spent)]) as system:
        attempt = await claim(system)
        await system.runner.process(attempt.token, "test")
        row = await row_of(system)
        assert (row["status"], row["retry_count"], row["error_message"]) == ("retry", 0, None)
        assert "quota" in row["blocked_reason"]
        assert row["next_attempt_at"] == until
        assert await wakes(system) == [until]
        assert [a["outcome"] for a in await query(system, "SELECT outcome FROM attempt WHERE month = 11")] == [
            "snoozed"
        ]


async def test_a_source_that_is_down_costs_only_its_answers(database_url):
    down = Shelf("isbndb", failure=errors.ProviderDown("isbndb", "answered 503"))
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [down, Shelf()]) as system:
        attempt = await claim(system)
        await system.runner.process(attempt.token, "test")
        row = await row_of(system)
        assert (row["status"], row["isbns_resolved"]) == ("completed", 1)


async def test_an_attempt_that_lost_its_month_writes_nothing(database_url):
    """The guide's reset while the attempt is in the middle of its look-ups: the books of the old attempt never appear."""
    gate = asyncio.Event()
    shelf = Shelf(gate=gate)
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [shelf]) as system:
        attempt = await claim(system)
        running = asyncio.create_task(system.runner.process(attempt.token, "test"))
        await shelf.reached.wait()
        async with system.scheduler.database.transaction() as connection:
            await connection.execute(
                "UPDATE backfill_log SET status = 'pending', retry_count = retry_count + 1"
                " WHERE status = 'processing' AND year = 2023 AND month = 11"
            )
        gate.set()
        await running
        row = await row_of(system)
        assert (row["status"], row["retry_count"], row["books_generated"]) == ("pending", 1, 0)
        async with system.scheduler.database.transaction() as connection:
            assert await candidates.of_month(connection, NOVEMBER) == []
            outcomes = [a["outcome"] for a in await months.attempts(connection, NOVEMBER)]
        assert outcomes == ["superseded"]


async def test_a_stopped_worker_snoozes_its_month(database_url):
    shelf = Shelf(gate=asyncio.Event())
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [shelf]) as system:
        attempt = await claim(system)
        running = asyncio.create_task(system.runner.process(attempt.token, "test"))
        await shelf.reached.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        row = await row_of(system)
        assert (row["status"], row["retry_count"]) == ("retry", 0)
        assert "stopped" in row["blocked_reason"]


async def test_a_book_the_catalogue_holds_costs_no_call_and_is_not_stored_twice(database_url):
    shelf = Shelf()
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [shelf]) as system:
        for month in (NOVEMBER, Month(2022, 11)):
            attempt = await claim(system, month)
            await system.runner.process(attempt.token, "test")
        assert shelf.asked == ["Prophet Song"]
        row = await row_of(system, Month(2022, 11))
        assert (row["isbns_resolved"], row["isbns_queued"]) == (1, 0)
        async with system.scheduler.database.transaction() as connection:
            counted = await (await connection.execute("SELECT count(*) AS n FROM work")).fetchone()
        assert counted == {"n": 1}


async def run_dry(jobs, working):
    """Wait until no job is left, and end the worker."""
    while await jobs.waiting():
        assert not working.done(), working
        await asyncio.sleep(0.05)
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working


async def test_the_queue_runs_scheduled_months_to_completion(database_url):
    """Schedule 12 months; a real worker of the real queue completes them all and nothing is left to do."""
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        async with system.scheduler.database.transaction() as connection:
            await months.seed(connection, 2023, 2023)
        done = await system.scheduler.schedule(Selection(batch_size=12), "test")
        assert len(done.jobs) == len(set(done.jobs)) == 12
        jobs = system.scheduler.queue
        assert isinstance(jobs, JobQueue)
        rescue = Periodic(RESCUE, system.rescuer.rescue)
        working = asyncio.create_task(
            run_jobs(jobs, system, concurrency=4, name="test", periodic=[rescue], reconnect=never)
        )
        await run_dry(jobs, working)
        async with system.scheduler.database.transaction() as connection:
            assert (await months.totals(connection))[Status.COMPLETED] == 12


async def test_a_worker_begins_a_further_month_once_there_is_room_for_its_look_ups(database_url):
    gate, refused = asyncio.Event(), asyncio.Event()
    waiting = 2 * AHEAD_SECONDS

    def backlog():
        refused.set()
        return waiting

    generator, shelf = Scripted("gemini", [[PROPHET]]), Shelf(gate=gate)
    async with backfill(database_url, [generator], [shelf]) as system:
        async with system.scheduler.database.transaction() as connection:
            await months.seed(connection, 2023, 2023)
        await system.scheduler.schedule(Selection(batch_size=3), "test")
        system.runner.lookahead.backlog = backlog
        jobs = cast(JobQueue, system.scheduler.queue)
        working = asyncio.create_task(run_jobs(jobs, system, concurrency=4, name="test", reconnect=never))
        await shelf.reached.wait()
        refused.clear()
        await refused.wait()
        assert generator.asked == 1
        waiting = 0.0
        while generator.asked < 3:
            assert not working.done(), working
            await asyncio.sleep(0.05)
        gate.set()
        await run_dry(jobs, working)
