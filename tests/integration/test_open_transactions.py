"""Somebody has locked a row in psql and gone to lunch: what needs that row waits or says so, and nothing else stops."""

import asyncio
import contextlib
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from alexandria.backfill.composition import compose
from alexandria.backfill.control import Control, RetrySelection
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.repositories import candidates, enrichment, months, pauses
from alexandria.backfill.retry_policy import Snooze
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.source_selection import Policy, SourcePool, SourceSelector
from alexandria.backfill.status import Status
from alexandria.catalogue.curation import NONE_REFUSED
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, Resolution, SourceRecord
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.database.pool import Database
from alexandria.operations.alerts.monitor import AlertMonitor
from alexandria.operations.alerts.rules import IncidentKind
from alexandria.providers.base import SuggestResult

WHEN = datetime(2026, 11, 28, 12, tzinfo=UTC)
OCTOBER, NOVEMBER = Month(2023, 10), Month(2023, 11)
ISBNS = [Isbn13.parse(isbn) for isbn in ("9780374600303", "9780861545896")]
MOMENT = 2.0  # seconds within which nothing that is not locked may take its time


class Silent:
    """A generator that names no book."""

    name = label = "gemini"

    async def suggest(self, month: Month, variant: str, count: int) -> SuggestResult:  # as generators do
        return SuggestResult(())


class Unknowing:
    """A source that knows no book."""

    name, paid, rate = "open_library", False, 3.0

    async def find(self, candidate: Candidate) -> list[EditionRecord]:  # as sources do
        return []


class Field:
    """A backfill, and a person's session in psql."""

    def __init__(self, database, backfill, jobs, person):
        self.database, self.backfill, self.person = database, backfill, person
        self.control = Control(database, jobs)

    async def sql(self, statement, *parameters):
        async with self.database.transaction() as connection:
            cursor = await connection.execute(statement, parameters)
            return await cursor.fetchall() if cursor.description else []

    async def row(self, month):
        [row] = await self.sql("SELECT * FROM backfill_log WHERE (year, month) = (%s, %s)", month.year, month.month)
        return row

    async def claimed(self, month):
        async with self.database.transaction() as connection:
            await self.backfill.scheduler.claim(connection, [month])
        return (await self.row(month))["attempt_token"]

    async def waiting(self, month, code="quota_spent", due=timedelta(minutes=-1)):
        """The month waits, with no job to wake it."""
        token = await self.claimed(month)
        async with self.database.transaction() as connection:
            await months.snooze(connection, token, Snooze(datetime.now(UTC) + due, "isbndb: spent", code))
        await self.sql("DELETE FROM procrastinate_jobs")

    async def lock(self, month):
        await self.person.execute(
            "SELECT FROM backfill_log WHERE (year, month) = (%s, %s) FOR UPDATE", [month.year, month.month]
        )


@pytest.fixture
async def field(database_url):
    async with (
        Database(database_url) as database,
        await psycopg.AsyncConnection.connect(database_url) as person,
        contextlib.AsyncExitStack() as stack,
    ):
        jobs = JobQueue(database)
        await jobs.open()
        stack.push_async_callback(jobs.aclose)
        backfill = compose(database, jobs, [Silent()], SourcePool([Unknowing()], Policy.BALANCED))
        async with database.transaction() as connection:
            await months.seed(connection, 2023, 2023)
        yield Field(database, backfill, jobs, person)
        await person.rollback()


def soon(awaitable):
    return asyncio.wait_for(awaitable, MOMENT)


async def test_a_locked_month_keeps_no_other_month_from_being_woken(field):
    for month in (OCTOBER, NOVEMBER):
        await field.waiting(month)
    await field.lock(NOVEMBER)
    assert await soon(field.backfill.rescuer.rescue()) == 1
    assert not await soon(field.backfill.rescuer.wake(NOVEMBER))
    assert [(await field.row(month))["status"] for month in (OCTOBER, NOVEMBER)] == ["processing", "retry"]
    assert await field.sql("SELECT task FROM periodic_run"), "nothing stalls"
    await field.person.rollback()
    assert await soon(field.backfill.rescuer.rescue()) == 1


async def test_a_locked_month_keeps_no_other_month_from_being_taken_over(field):
    for month in (OCTOBER, NOVEMBER):
        await field.claimed(month)
    await field.sql("DELETE FROM procrastinate_jobs")
    await field.lock(NOVEMBER)
    assert await soon(field.backfill.rescuer.rescue()) == 1
    await field.person.rollback()
    assert await soon(field.backfill.rescuer.rescue()) == 1


async def test_a_locked_month_keeps_nobody_from_scheduling_pausing_resuming_or_retrying(field):
    """Each acts on all that it can; retry says which month it left."""
    for month in (OCTOBER, NOVEMBER):
        await field.waiting(month, "paused", timedelta(hours=1))
    await field.lock(NOVEMBER)
    done = await soon(field.backfill.scheduler.schedule(Selection(batch_size=1), "ann"))
    assert len(done.months) == 1
    _, finishing = await soon(field.control.pause(datetime.now(UTC) + timedelta(minutes=5), "lunch", "ann"))
    assert finishing == 0
    _, woken = await soon(field.control.resume("ann"))
    assert woken == 1
    tried = await soon(field.control.retry(RetrySelection((OCTOBER, NOVEMBER)), "ann"))
    assert (tried.woken, tried.left) == ((OCTOBER,), {NOVEMBER: Status.RETRY})


@pytest.mark.parametrize("statement", ["SELECT FROM control FOR UPDATE", "UPDATE control SET paused_since = NULL"])
async def test_a_locked_pause_stops_no_month(field, statement):
    """Attempts begin and end, lost months are taken over, months are scheduled; only a pause is refused, with the reason."""
    token = await field.claimed(NOVEMBER)
    await field.waiting(OCTOBER)
    await field.person.execute(statement)
    assert await soon(field.backfill.runner.process(token, "test"))
    assert (await field.row(NOVEMBER))["status"] == "retry"
    assert await soon(field.backfill.rescuer.rescue()) == 1
    assert len((await soon(field.backfill.scheduler.schedule(Selection(batch_size=1), "ann"))).months) == 1
    with pytest.raises(errors.DatabaseBusy, match="lock timeout"):
        await asyncio.wait_for(field.control.pause(None, "lunch", "ann"), 10)


async def test_an_attempt_at_a_locked_month_frees_its_worker(field):
    """It cannot end: its job stays, nothing is charged, and the month goes on when it is free."""
    token = await field.claimed(NOVEMBER)
    await field.lock(NOVEMBER)
    assert not await asyncio.wait_for(field.backfill.runner.process(token, "test"), 10)
    await field.person.rollback()
    await field.backfill.runner.flush_pending_outcomes()
    assert ((await field.row(NOVEMBER))["status"], (await field.row(NOVEMBER))["retry_count"]) == ("retry", 1)


async def test_an_attempt_that_begins_in_a_pause_and_a_reset_by_hand_never_deadlock(field):
    """Both lock the month before its attempt. The reset comes between the two locks of the attempt that begins."""
    token = await field.claimed(NOVEMBER)
    async with field.database.transaction() as connection:
        await pauses.pause(connection, None, "ann", "lunch")
    await field.lock(NOVEMBER)
    beginning = asyncio.create_task(field.backfill.runner.process(token, "test"))
    blocked = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    while not await field.sql(blocked):
        pass
    await field.person.execute(
        "UPDATE backfill_log SET status = 'pending', retry_count = retry_count + 1 WHERE status = 'processing'"
    )
    await field.person.commit()
    assert await beginning
    assert (await field.row(NOVEMBER))["status"] == "pending"


def resolved(isbn, number):
    record = SourceRecord("wikidata", isbn, WHEN)
    hit = EditionRecord(record, f"{number} Roads", authors=(f"Ann {number}",), isbn13=isbn)
    return Resolution(Candidate(hit.title, hit.authors[0]), isbn, "wikidata", reason="same title", accepted=hit)


async def recorded(field, month, *resolutions):
    async with field.database.transaction() as connection:
        await candidates.record_month(connection, month, resolutions, WHEN, token=uuid.uuid4())


async def test_a_locked_candidate_keeps_no_other_from_being_looked_up_again(field):
    """Its own result is dropped and it is due again later; months can be recorded all the time."""
    unknown = [Resolution(Candidate(title, "Ann Lee"), None, reason="unknown") for title in ("One Road", "Two Roads")]
    await recorded(field, NOVEMBER, *unknown)
    await field.sql("UPDATE candidate SET look_again_at = now() - interval '1 hour'")
    async with field.database.transaction() as connection:
        due = await candidates.due(connection, 2)
    await field.person.execute("SELECT FROM candidate WHERE title = 'One Road' FOR UPDATE")
    selector = field.backfill.follow_up._recheck
    checking = [
        asyncio.create_task(selector(each, SourceSelector(field.backfill.follow_up.sources), NONE_REFUSED))
        for each in due
    ]
    await soon(recorded(field, OCTOBER, resolved(ISBNS[0], 1)))
    await asyncio.wait_for(asyncio.gather(*checking), 15)
    looks = {
        row["title"]: row["looks"] for row in await field.sql("SELECT title, looks FROM candidate WHERE month = 11")
    }
    assert looks == {"One Road": 1, "Two Roads": 2}


async def test_a_locked_edition_keeps_no_other_from_being_enriched(field):
    await recorded(field, NOVEMBER, *(resolved(isbn, number) for number, isbn in enumerate(ISBNS)))
    await field.sql("UPDATE edition SET enrich_at = now() - interval '1 hour'")
    async with field.database.transaction() as connection:
        holdings = await enrichment.due(connection, 2)
    await field.person.execute("SELECT FROM edition WHERE isbn13 = %s FOR UPDATE", [ISBNS[0]])
    record = SourceRecord("shelf", "1", WHEN)
    results = [
        enrichment.Enriched(holding, {"publisher": "Faber"}, {"publisher": record}, (), True, None, 0, "")
        for holding in holdings
    ]

    async def store():
        async with field.database.transaction() as connection:
            return await enrichment.record(connection, results, WHEN)

    assert await soon(store()) == 1
    stored = await field.sql("SELECT isbn13 FROM edition WHERE publisher = 'Faber'")
    assert [row["isbn13"] for row in stored] == [ISBNS[1]]


async def test_what_is_locked_is_not_waited_for_when_due_work_is_taken(field):
    unknown = [Resolution(Candidate(title, "Ann Lee"), None, reason="unknown") for title in ("One Road", "Two Roads")]
    await recorded(field, NOVEMBER, *unknown)
    await recorded(field, OCTOBER, *(resolved(isbn, number) for number, isbn in enumerate(ISBNS)))
    await field.sql("UPDATE candidate SET look_again_at = now() - interval '1 hour' WHERE isbn13 IS NULL")
    await field.sql("UPDATE edition SET enrich_at = now() - interval '1 hour'")
    await field.person.execute("SELECT FROM candidate WHERE title = 'One Road' FOR UPDATE")
    await field.person.execute("SELECT FROM edition WHERE isbn13 = %s FOR UPDATE", [ISBNS[0]])

    async def taken(due):
        async with field.database.transaction() as connection:
            return await due(connection, 2)

    assert [each.candidate.title for each in await soon(taken(candidates.due))] == ["Two Roads"]
    assert [each.isbn13 for each in await soon(taken(enrichment.due))] == [ISBNS[1]]


async def test_a_rescue_that_has_not_finished_for_ten_seconds_is_an_incident(field):
    """While a worker lives that should; without one it is another incident, and only if months wait."""
    monitor = AlertMonitor(field.database)
    await field.sql("INSERT INTO periodic_run VALUES ('rescue', now() - interval '11 s')")
    assert await monitor.current_incidents() == ()
    await field.sql("INSERT INTO procrastinate_workers DEFAULT VALUES")
    [incident] = await monitor.current_incidents()
    assert incident.kind is IncidentKind.RESCUE_STALLED
    assert "11 s" in incident.reason
    await field.backfill.rescuer.rescue()
    assert await monitor.current_incidents() == ()


RESET = "UPDATE backfill_log SET status = 'pending', retry_count = retry_count + 1 WHERE status = 'processing'"
ROUNDS_COUNT = 15


async def test_attempts_that_begin_in_a_pause_and_many_resets_never_deadlock(field):
    """The guide's statement, again and again, while twelve attempts begin in a pause."""
    every = [Month(2023, number) for number in range(1, 13)]
    await field.person.set_autocommit(True)
    for _ in range(ROUNDS_COUNT):
        await field.sql("UPDATE control SET paused_since = NULL")
        await field.sql("UPDATE backfill_log SET status = 'pending', retry_count = 0")
        async with field.database.transaction() as connection:
            await field.backfill.scheduler.claim(connection, every)
        tokens = [row["attempt_token"] for row in await field.sql("SELECT attempt_token FROM backfill_log")]
        async with field.database.transaction() as connection:
            await pauses.pause(connection, None, "ann", "lunch")
        attempts = [field.backfill.runner.process(token, "test") for token in tokens]
        assert await asyncio.gather(*attempts, *(field.person.execute(RESET) for _ in range(3)))
    await field.sql("SELECT pg_stat_force_next_flush()")
    [row] = await field.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert row["deadlocks"] == 0


async def test_the_end_of_an_attempt_is_written_whatever_a_provider_has_sent(field):
    """A NUL or half a character in a message: PostgreSQL stores neither."""
    token = await field.claimed(NOVEMBER)
    await field.backfill.runner.finish(token, errors.BadAnswer("gemini", "answered \x00 \ud800 503"))
    attempts = await field.sql("SELECT reason FROM attempt")
    assert [attempt["reason"] for attempt in attempts] == ["gemini: answered \\x00 ? 503"]
