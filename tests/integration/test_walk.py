"""The walk of one month through real PostgreSQL and the real queue, with generators and sources that we script."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString, cast

import pytest
import structlog

from alexandria.backfill.composition import Backfill, compose
from alexandria.backfill.queue import JobQueue, Periodic
from alexandria.backfill.repositories import candidates, months, pauses
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.backfill.status import Status
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.database.pool import Database
from alexandria.providers.base import SuggestResult
from alexandria.providers.client import ProviderClient
from alexandria.providers.llm import GeneratorSpec, LanguageModel
from alexandria.providers.response_cache import ResponseCache

NOVEMBER = Month(2023, 11)
BEE_STING = Candidate("The Bee Sting", "Paul Murray", year=2023)
PROPHET = Candidate("Prophet Song", "Paul Lynch", year=2023)
ISBNS = {"The Bee Sting": "9780374600303", "Prophet Song": "9780861545896"}


@dataclass
class Scripted:
    """A generator that gives its answers one after the other; the last one for ever."""

    name: str
    answers: list[Sequence[Candidate] | Exception]
    asked: int = 0
    wishes: list[tuple[Month, str, int]] = field(default_factory=list)

    @property
    def label(self) -> str:
        return f"{self.name}:scripted"

    async def suggest(self, month: Month, variant: str, count: int) -> SuggestResult:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        self.wishes.append((month, variant, count))
        if isinstance(answer, Exception):
            raise answer
        return SuggestResult(tuple(dataclasses.replace(candidate, named_by=(self.name,)) for candidate in answer))


@dataclass
class Shelf:
    """A source that knows the ISBNS above, or fails."""

    name: str = "open_library"
    paid: bool = False
    rate: float = 3.0
    failure: Exception | None = None
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        self.asked.append(candidate.title)
        self.reached.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        isbn = ISBNS.get(candidate.title)
        record = SourceRecord(self.name, f"id-{candidate.title}", datetime.now(UTC))
        hit = EditionRecord(
            record,
            candidate.title,
            authors=(candidate.author,),
            isbn13=Isbn13.parse(isbn) if isbn else None,
            published=PartialDate(2023, 11),
            language="en",
            binding="Hardcover",
        )
        return [hit] if isbn else []


@contextlib.asynccontextmanager
async def backfill(url: str, generators: list[Scripted], sources: list[Shelf]) -> AsyncIterator[Backfill]:
    async with Database(url) as database:
        jobs = JobQueue(database)
        await jobs.open()
        try:
            yield compose(database, jobs, generators, SourcePool(sources, Policy.BALANCED))
        finally:
            await jobs.aclose()


async def never():
    raise AssertionError("the queue stopped by itself")


async def claim(system: Backfill, month: Month = NOVEMBER) -> months.Claim:
    """Schedule one month and return its attempt."""
    async with system.scheduler.database.transaction() as connection:
        await months.seed(connection, month.year, month.year)
    await system.scheduler.schedule(Selection(batch_size=50, first_year=month.year, last_year=month.year), "test")
    async with system.scheduler.database.transaction() as connection:
        row = await months.one(connection, month)
    assert row is not None
    return months.Claim(month, row["attempt_token"])


async def row_of(system: Backfill, month: Month = NOVEMBER):
    async with system.scheduler.database.transaction() as connection:
        row = await months.one(connection, month)
    assert row is not None
    return row


async def query(system: Backfill, statement: LiteralString, *parameters: object) -> list[dict[str, Any]]:
    async with system.scheduler.database.transaction() as connection:
        cursor = await connection.execute(statement, parameters)
        return await cursor.fetchall() if cursor.description else []


async def wakes(system: Backfill) -> list[datetime]:
    """When the jobs that wake months are due."""
    found = await query(system, "SELECT scheduled_at FROM procrastinate_jobs WHERE task_name = 'wake'")
    return [job["scheduled_at"] for job in found]


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


FULL = """CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"""


async def test_a_full_disk_is_a_wait_and_no_failure(database_url):
    """PostgreSQL refuses the books for want of room: the month waits, with the reason, and is completed once there is room."""
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        attempt = await claim(system)
        async with system.scheduler.database.transaction() as connection:
            await connection.execute(FULL)
            await connection.execute(
                "CREATE TRIGGER full_disk BEFORE INSERT ON work FOR EACH ROW EXECUTE FUNCTION full()"
            )
        await system.runner.process(attempt.token, "test")
        row = await row_of(system)
        assert (row["status"], row["retry_count"], row["error_message"]) == ("retry", 0, None)
        assert "the disk of PostgreSQL is full" in row["blocked_reason"]
        async with system.scheduler.database.transaction() as connection:
            await connection.execute("DROP TRIGGER full_disk ON work")
            await connection.execute("UPDATE backfill_log SET next_attempt_at = now() WHERE status = 'retry'")
        await system.rescuer.wake(NOVEMBER)
        await system.runner.process((await row_of(system))["attempt_token"], "test")
        assert (await row_of(system))["status"] == "completed"


async def test_what_a_full_disk_refused_is_stored_later_and_not_paid_twice(database_url):
    """A paid answer that could not be stored is read back by the same process, and stored then."""
    async with Database(database_url) as database:
        async with database.transaction() as connection:
            await connection.execute(FULL)
            await connection.execute(
                "CREATE TRIGGER full_disk BEFORE INSERT ON answer FOR EACH ROW EXECUTE FUNCTION full()"
            )
        answers = ResponseCache(database)
        with pytest.raises(errors.DatabaseUnavailable):
            await answers.write("gemini", "key", {"prompt": 1}, {"books": [1]}, None)
        with pytest.raises(errors.DatabaseUnavailable):
            await answers.read("gemini", "key")
        async with database.transaction() as connection:
            await connection.execute("DROP TRIGGER full_disk ON answer")
        known = await answers.read("gemini", "key")
        assert known is not None
        assert known[0] == {"books": [1]}
        assert await ResponseCache(database).read("gemini", "key") == known


async def test_an_attempt_whose_end_could_not_be_written_ends_when_the_database_is_back(database_url):
    """The month is neither stuck under a worker that lives nor failed: what followed is written as soon as it can be."""
    down = errors.BadAnswer("gemini", "is not JSON")
    async with backfill(database_url, [Scripted("gemini", [down])], [Shelf()]) as patient:
        system = replace(patient, runner=replace(patient.runner, outcome_timeout=0.0))
        attempt = await claim(system)
        async with system.scheduler.database.transaction() as connection:
            await connection.execute(FULL)
            await connection.execute(
                "CREATE TRIGGER away BEFORE UPDATE OF outcome ON attempt FOR EACH ROW EXECUTE FUNCTION full()"
            )
        await system.runner.process(attempt.token, "test")
        await system.runner.flush_pending_outcomes()
        assert (await row_of(system))["attempt_token"] == attempt.token
        async with system.scheduler.database.transaction() as connection:
            await connection.execute("DROP TRIGGER away ON attempt")
        await system.runner.flush_pending_outcomes()
        row = await row_of(system)
        assert (row["status"], row["retry_count"]) == ("retry", 1)
        assert "is not JSON" in row["error_message"]
        assert system.runner._pending_outcomes == {}


AWAY_ONCE = """CREATE SEQUENCE ends;
               CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN IF nextval('ends') = 1 THEN RAISE EXCEPTION 'away' USING ERRCODE = TG_ARGV[0]; END IF;
                        RETURN NEW; END $$"""
FULL_ONCE = "CREATE TRIGGER away BEFORE UPDATE OF outcome ON attempt FOR EACH ROW EXECUTE FUNCTION away('53100')"
OLD_ONCE = "CREATE TRIGGER away BEFORE UPDATE OF outcome ON attempt FOR EACH ROW EXECUTE FUNCTION away('42703')"
AWAY_FOR_GOOD = """CREATE SEQUENCE tries;
                   CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'away' USING ERRCODE = '53100'; END $$;
                   CREATE TRIGGER away BEFORE UPDATE OF outcome ON attempt FOR EACH ROW EXECUTE FUNCTION away()"""


async def test_an_outcome_is_kept_when_the_queue_stops_while_it_is_written(database_url):
    """The queue loses the database as well, and cancels what it runs; the process writes the outcome when it is back."""
    down = errors.BadAnswer("gemini", "is not JSON")
    async with backfill(database_url, [Scripted("gemini", [down])], [Shelf()]) as system:
        attempt = await claim(system)
        async with system.scheduler.database.transaction() as connection:
            await connection.execute(AWAY_FOR_GOOD)
        running = asyncio.create_task(system.runner.process(attempt.token, "test"))
        tried = False
        while not tried:
            async with system.scheduler.database.transaction() as connection:
                cursor = await connection.execute("SELECT is_called FROM tries")
                tried = bool((await cursor.fetchall())[0]["is_called"])
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with system.scheduler.database.transaction() as connection:
            await connection.execute("DROP TRIGGER away ON attempt")
        await system.runner.flush_pending_outcomes()
        row = await row_of(system)
        assert (row["status"], row["retry_count"]) == ("retry", 1)
        assert "is not JSON" in row["error_message"]


@pytest.mark.parametrize("once", [FULL_ONCE, OLD_ONCE], ids=["full disk", "old schema"])
async def test_an_attempts_end_waits_for_a_database_that_is_back_in_time(database_url, once):
    """It is written by the same worker, which has nothing left to write afterwards."""
    async with backfill(database_url, [Scripted("gemini", [[]])], [Shelf()]) as system:
        attempt = await claim(system)
        await query(system, AWAY_ONCE)
        await query(system, once)
        await system.runner.process(attempt.token, "test")
        assert (await row_of(system))["status"] == "retry"
        assert system.runner._pending_outcomes == {}


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


async def test_the_queue_runs_scheduled_months_to_completion(database_url):
    """Schedule 12 months; a real worker of the real queue completes them all and nothing is left to do."""
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        async with system.scheduler.database.transaction() as connection:
            await months.seed(connection, 2023, 2023)
        done = await system.scheduler.schedule(Selection(batch_size=12), "test")
        assert len(done.jobs) == len(set(done.jobs)) == 12
        jobs = system.scheduler.queue
        assert isinstance(jobs, JobQueue)
        rescue = Periodic("rescue", "* * * * * *", system.rescuer.rescue, priority=1)
        working = asyncio.create_task(jobs.work(system, concurrency=4, name="test", periodic=[rescue], reconnect=never))
        while await jobs.waiting():
            assert not working.done(), working
            await asyncio.sleep(0.05)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        async with system.scheduler.database.transaction() as connection:
            assert (await months.totals(connection))[Status.COMPLETED] == 12


JOB_GONE = "DELETE FROM procrastinate_jobs WHERE task_name = 'attempt'"
SILENT = """WITH worker AS (INSERT INTO procrastinate_workers (last_heartbeat)
            VALUES (least(now(), pg_postmaster_start_time()) - interval '1 minute') RETURNING id)
            UPDATE procrastinate_jobs SET status = 'doing', worker_id = worker.id FROM worker WHERE task_name = 'attempt'"""


@pytest.mark.parametrize(("loss", "counts"), [(JOB_GONE, 1), (SILENT, 0)], ids=["job gone", "silent since an outage"])
async def test_a_month_whose_worker_died_is_taken_over(database_url, loss, counts):
    """The month goes on at once; it counts as a failed attempt unless the database itself was away meanwhile."""
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        await claim(system)
        async with system.scheduler.database.transaction() as connection:
            await connection.execute(loss)
        assert await system.rescuer.rescue() == 12
        row = await row_of(system)
        assert (row["status"], row["retry_count"]) == ("processing", counts)
        async with system.scheduler.database.transaction() as connection:
            gone, living = await months.attempts(connection, NOVEMBER)
        assert gone["outcome"] == "lost"
        assert gone["reason"].startswith("its worker was lost" if counts else "the database was away")
        assert (living["token"], living["outcome"]) == (row["attempt_token"], None)
        assert await system.rescuer.rescue() == 0


async def test_a_month_that_is_lost_in_a_pause_waits_for_its_end(database_url):
    """No attempt is made for it; a job will wake it then."""
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        await claim(system)
        until = datetime.now(UTC) + timedelta(hours=1)
        async with system.scheduler.database.transaction() as connection:
            await pauses.pause(connection, until, "ann", "lunch")
            await connection.execute(JOB_GONE)
        await system.rescuer.rescue()
        row = await row_of(system)
        assert (row["status"], row["retry_count"], row["next_attempt_at"]) == ("retry", 1, until)
        assert row["blocked_reason"].startswith("paused by ann")
        async with system.scheduler.database.transaction() as connection:
            wakes = "SELECT scheduled_at FROM procrastinate_jobs WHERE task_name = 'wake'"
            assert {wake["scheduled_at"] for wake in await (await connection.execute(wakes)).fetchall()} == {until}


async def test_a_month_that_was_lost_for_the_fifth_time_has_failed(database_url):
    """No other attempt is made, and none waits."""
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        await claim(system)
        await query(system, "UPDATE backfill_log SET retry_count = 4 WHERE month = 11")
        await query(system, JOB_GONE)
        assert await system.rescuer.rescue() == 12
        row = await row_of(system)
        assert (row["status"], row["retry_count"], row["error_code"]) == ("failed", 5, "worker_lost")
        assert row["error_message"] == "its worker was lost (attempt 5 of 5)"
        assert [a["outcome"] for a in await query(system, "SELECT outcome FROM attempt WHERE month = 11")] == ["lost"]
        assert await wakes(system) == []


async def test_a_rescue_that_loses_its_race_takes_nothing(database_url):
    """Another rescue holds one lost month, and another month was reset after the look: neither is touched or counted."""
    october = Month(2023, 10)
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        attempt = await claim(system)
        reset = (await row_of(system, october))["attempt_token"]
        await query(system, JOB_GONE)
        await query(system, "UPDATE backfill_log SET status = 'pending' WHERE month = 10")
        async with system.scheduler.database.transaction() as other:
            assert await months.try_lock(other, attempt.token)
            assert not await system.rescuer._take_over(attempt.token, outage=False)
            assert not await system.rescuer._take_over(reset, outage=False)
            assert await system.rescuer.rescue() == 10
        assert (await row_of(system))["attempt_token"] == attempt.token
        assert (await row_of(system, october))["status"] == "pending"
        outcomes = await query(system, "SELECT outcome FROM attempt WHERE month IN (10, 11) ORDER BY month")
        assert [each["outcome"] for each in outcomes] == ["superseded", None]
        assert await system.rescuer.rescue() == 1


async def test_a_rescue_wakes_an_overdue_month_and_forgets_the_jobs_of_the_dead(database_url):
    async with backfill(database_url, [Scripted("gemini", [[]])], [Shelf()]) as system:
        attempt = await claim(system)
        await system.runner.process(attempt.token, "test")
        await query(system, "DELETE FROM procrastinate_jobs WHERE task_name = 'wake'")
        await query(system, "UPDATE backfill_log SET next_attempt_at = now() - interval '1 minute' WHERE month = 11")
        assert await system.rescuer.rescue() == 1
        row = await row_of(system)
        assert (row["status"], row["retry_count"]) == ("processing", 1)
        assert await system.rescuer.rescue() == 0
        await query(system, SILENT)
        assert await system.rescuer.rescue() == 12
        assert await query(system, "SELECT id FROM procrastinate_jobs WHERE status = 'doing'") == []


async def test_a_month_that_is_not_due_is_not_woken(database_url):
    """However the job that would wake it came to be, in a pause too."""
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        await query(system, "INSERT INTO backfill_log (year, month) VALUES (2023, 11)")
        for pause in (False, True):
            if pause:
                async with system.scheduler.database.transaction() as connection:
                    await pauses.pause(connection, None, "ann", "lunch")
            for status in Status:
                await query(
                    system, "UPDATE backfill_log SET status = %s, next_attempt_at = now() + interval '1 hour'", status
                )
                before = await row_of(system)
                await system.rescuer.wake(NOVEMBER)
                assert await row_of(system) == before
        assert await query(system, "SELECT id FROM procrastinate_jobs") == []
