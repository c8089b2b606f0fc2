"""Claims and endings of months: fenced by the token, consistent with each other, and seen by the rescue."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from alexandria.backfill import retry_policy
from alexandria.backfill.repositories import months
from alexandria.backfill.repositories.months import Claim
from alexandria.core.errors import AttemptLost
from alexandria.core.month import Month
from alexandria.database.pool import Database

NOVEMBER = Month(2023, 11)
SOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
RESET = "UPDATE backfill_log SET status = 'pending', retry_count = retry_count + 1 WHERE status = 'processing'"
ENDINGS = {
    "retry": lambda connection, token: months.retry(
        connection, token, retry_policy.Retry(SOON, "down", "provider_down")
    ),
    "snooze": lambda connection, token: months.snooze(
        connection, token, retry_policy.Snooze(SOON, "spent", "quota_spent")
    ),
    "fail": lambda connection, token: months.fail(connection, token, retry_policy.GiveUp("no key", "key_missing")),
    "complete": lambda connection, token: months.complete(
        connection, token, generated=20, resolved=19, queued=18, variant="baseline", note=None
    ),
}


@pytest.fixture
async def database(shared_database_url):
    async with Database(shared_database_url) as opened:
        async with opened.transaction() as connection:
            await connection.execute("TRUNCATE backfill_log, procrastinate_jobs, procrastinate_workers CASCADE")
            await months.seed(connection, 2023, 2023)
        yield opened


async def claim(database, month=NOVEMBER, job=1):
    """A month in processing, and its attempt's token."""
    token = uuid4()
    async with database.transaction() as connection:
        await months.claim(connection, [Claim(month, token)], [job])
    return token


async def look(database):
    """The month and its attempts as they are now."""
    async with database.transaction() as connection:
        return await months.one(connection, NOVEMBER), await months.attempts(connection, NOVEMBER)


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_stale_token_writes_nothing(database, ending):
    """After a reset and a new claim the old attempt can neither end the month nor rewrite its own history."""
    stale = await claim(database)
    async with database.transaction() as connection:
        await connection.execute(RESET)
    await claim(database, job=2)
    before = await look(database)
    with pytest.raises(AttemptLost):
        async with database.transaction() as connection:
            await ENDINGS[ending](connection, stale)
    assert await look(database) == before
    assert [attempt["outcome"] for attempt in before[1]] == ["superseded", None]


async def test_a_stale_token_cannot_begin_or_hold(database):
    stale = await claim(database)
    async with database.transaction() as connection:
        await connection.execute(RESET)
        with pytest.raises(AttemptLost):
            await months.begin(connection, stale, "test")
        with pytest.raises(AttemptLost):
            await months.lock(connection, stale)


@pytest.mark.parametrize("ending", ENDINGS)
async def test_an_attempt_ends_once(database, ending):
    token = await claim(database)
    async with database.transaction() as connection:
        await ENDINGS[ending](connection, token)
    with pytest.raises(AttemptLost):
        async with database.transaction() as connection:
            await ENDINGS[ending](connection, token)


async def test_each_ending_writes_its_columns(database):
    """Each ending's row as the contract describes it."""
    for ending in ("snooze", "retry", "fail", "complete"):
        async with database.transaction() as connection:
            await connection.execute("UPDATE backfill_log SET status = 'pending'")
        token = await claim(database)
        async with database.transaction() as connection:
            await ENDINGS[ending](connection, token)
        row, attempts = await look(database)
        answer = (
            row["status"],
            row["retry_count"],
            row["error_message"],
            row["blocked_reason"],
            row["next_attempt_at"],
        )
        assert (answer, attempts[-1]["outcome"], attempts[-1]["code"]) == {
            "snooze": (("retry", 0, None, "spent", SOON), "snoozed", "quota_spent"),
            "retry": (("retry", 1, "down", None, SOON), "retry", "provider_down"),
            "fail": (("failed", 2, "no key", None, None), "failed", "key_missing"),
            "complete": (("completed", 2, None, None, None), "completed", None),
        }[ending]
    assert (row["books_generated"], row["isbns_resolved"], row["isbns_queued"]) == (20, 19, 18)
    assert str(row["resolution_rate"]) == "95.00"
    assert row["completed_at"] >= row["started_at"]


async def test_a_month_on_its_last_attempt_can_still_be_reset_claimed_and_failed(database):
    """retry_count stays within its bounds however often people reset."""
    async with database.transaction() as connection:
        await connection.execute("UPDATE backfill_log SET retry_count = 5")
    for _ in range(2):
        await claim(database)
        async with database.transaction() as connection:
            await connection.execute(RESET)
    token = await claim(database)
    async with database.transaction() as connection:
        await ENDINGS["fail"](connection, token)
    assert (await look(database))[0]["retry_count"] == 5


async def test_an_ending_and_a_reset_by_hand_never_deadlock(database, shared_database_url):
    """Both lock the month before its attempt: the one that comes second waits, then sees what the first has done."""
    token = await claim(database)
    async with await psycopg.AsyncConnection.connect(shared_database_url) as person:
        await person.execute("SELECT FROM backfill_log FOR UPDATE")

        async def end():
            async with database.transaction() as connection:
                await ENDINGS["retry"](connection, token)

        ending = asyncio.create_task(end())
        await until_somebody_waits(database)
        await person.execute(RESET)
        await person.commit()
        with pytest.raises(AttemptLost):
            await ending
    row, attempts = await look(database)
    assert (row["status"], attempts[-1]["outcome"]) == ("pending", "superseded")


async def until_somebody_waits(database):
    """Another transaction is queueing for a lock."""
    waiting = None
    while waiting is None:
        async with database.transaction() as connection:
            found = await connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            waiting = await found.fetchone()


async def test_two_claims_of_one_month_cannot_both_be(database):
    """A claim is for months that are locked and open; anything else is a defect, and nothing is written."""
    await claim(database)
    with pytest.raises(AssertionError):
        await claim(database, job=2)
    assert len((await look(database))[1]) == 1


async def test_a_claim_passes_over_months_that_another_call_holds(database):
    async with database.transaction() as first, database.transaction() as second:
        held, others = [
            await months.open_months(call, limit=2, first_year=1900, last_year=2100, failed_too=False, lock=True)
            for call in (first, second)
        ]
    assert [str(month.key) for month in held] == ["2023-12", "2023-11"]
    assert [str(month.key) for month in others] == ["2023-10", "2023-09"]


async def make_retry(database, due):
    token = await claim(database)
    async with database.transaction() as connection:
        await months.snooze(connection, token, retry_policy.Snooze(due, "spent", "quota_spent"))


WAKE = (
    "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, scheduled_at, worker_id)"
    " VALUES ('upkeep', 'wake', '{\"year\": 2023, \"month\": 11}', %s, %s, %s)"
)
WORKER = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s)) RETURNING id"


@pytest.mark.parametrize(
    ("job", "beat", "asleep"),
    [
        (None, None, True),
        (("todo", None), None, False),
        (("todo", timedelta(hours=1)), None, True),
        (("doing", None), 1.0, False),
        (("doing", None), 60.0, True),
        (("doing", None), None, True),
        (("failed", None), None, True),
    ],
    ids=["no job", "due", "later", "in a living worker", "in a dead worker", "in a pruned worker", "failed"],
)
async def test_an_overdue_month_is_found_unless_a_job_will_wake_it(database, job, beat, asleep):
    now = datetime.now(UTC)
    await make_retry(database, now - timedelta(minutes=1))
    async with database.transaction() as connection:
        if job is not None:
            worker = None
            if beat is not None:
                worker = (await (await connection.execute(WORKER, [beat])).fetchone())["id"]
            state, later = job
            await connection.execute(WAKE, [state, now + later if later else None, worker])
        assert await months.unscheduled(connection, 6.0) == ([NOVEMBER] if asleep else [])


async def test_a_month_that_is_not_overdue_is_left_alone(database):
    await make_retry(database, datetime.now(UTC) + timedelta(minutes=1))
    async with database.transaction() as connection:
        assert await months.unscheduled(connection, 6.0) == []
        assert not await months.due(connection, NOVEMBER)


async def test_workers_counts_months_that_need_one(database):
    """Work that waits is a claimed month or one that is due, not the queue's own upkeep."""
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('upkeep', 'rescue')")
        assert await months.workers(connection, 60.0) == {"workers": 0, "due": 0, "processing": 0}
    await make_retry(database, datetime.now(UTC) - timedelta(minutes=1))
    await claim(database, Month(2023, 10))
    async with database.transaction() as connection:
        await connection.execute(WORKER, [59.0])
        await connection.execute(WORKER, [61.0])
        assert await months.workers(connection, 60.0) == {"workers": 1, "due": 1, "processing": 1}
        for _ in range(8):
            await connection.execute(WORKER, [1.0])
        assert await months.workers(connection, 60.0) == {"workers": 9, "due": 1, "processing": 1}


async def test_sums_do_not_overflow(database):
    """Counters set by hand to the largest integer."""
    async with database.transaction() as connection:
        await connection.execute("UPDATE backfill_log SET books_generated = 2147483647, isbns_resolved = 2147483647")
        progress = await months.progress(connection)
    assert progress["total_books_generated"] == 12 * 2147483647


async def test_an_error_in_a_transaction_leaves_nothing_behind(database):
    with contextlib.suppress(ZeroDivisionError):
        async with database.transaction() as connection:
            await months.seed(connection, 2000, 2000)
            raise ZeroDivisionError
    async with database.transaction() as connection:
        assert sum((await months.totals(connection)).values()) == 12
