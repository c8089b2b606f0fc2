"""Whatever people, schedulers, workers and psql do to months, in whatever order: no month is in an impossible state or stuck."""

import asyncio
import random
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg.rows import dict_row

from alexandria.backfill.composition import compose
from alexandria.backfill.control import Control, RetrySelection
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.repositories import months
from alexandria.backfill.retry_policy import MAX_ATTEMPTS
from alexandria.backfill.scheduler import Selection
from alexandria.backfill.status import ARROWS, Status
from alexandria.core import errors
from alexandria.core.errors import AttemptLost
from alexandria.core.month import Month
from alexandria.database.pool import Database
from tests.support.sampling import examples

MONTHS = [Month(2023, n) for n in (10, 11, 12)]
LATER = datetime.now(UTC) + timedelta(days=1)
ERRORS = {
    "transient": errors.BadAnswer("xai", "is not JSON"),
    "outage": errors.ProviderDown("xai", "answered 503"),
    "stalled": errors.Stalled("this process stood still during a request"),
    "quota": errors.QuotaSpent("gemini", "the day's quota is used up", until=LATER),
    "permanent": errors.KeyRefused("gemini", "refuses our key"),
    "database": errors.DatabaseUnavailable("PostgreSQL does not answer"),
    "stopped": errors.Paused("the worker was stopped; another takes over", datetime.now(UTC)),
    "unexpected": ZeroDivisionError("never shown"),
}
COUNTS = {
    "transient": 1,
    "unexpected": 1,
    "permanent": 1,
    "outage": 0,
    "stalled": 0,
    "quota": 0,
    "database": 0,
    "stopped": 0,
}
RESET = "UPDATE backfill_log SET status = 'pending', retry_count = retry_count + 1 WHERE status = 'processing'"
DOING = """WITH worker AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s * interval '1 s') RETURNING id)
           UPDATE procrastinate_jobs AS j SET status = 'doing', worker_id = worker.id FROM worker, attempt AS a
           WHERE a.token = %s AND j.id = a.job_id"""


WHICH = st.tuples(st.sampled_from([False, False, True]), st.integers(0, 9))  # stale?, and which of them


def legal(row):
    """The contract of a row, in Python."""
    final, processing = row["status"] in ("completed", "failed"), row["status"] == "processing"
    return (
        1900 <= row["year"] <= 2100
        and 1 <= row["month"] <= 12
        and row["status"] in set(Status)
        and 0 <= row["isbns_queued"] <= row["isbns_resolved"] <= row["books_generated"]
        and 0 <= row["resolution_rate"] <= 100
        and min(row["gemini_calls"], row["xai_calls"], row["isbndb_calls"]) >= 0
        and 0 <= row["retry_count"] <= MAX_ATTEMPTS
        and 1 <= row["batch_size"] <= 100
        and (row["completed_at"] is not None) == final
        and (row["completed_at"] is None or row["started_at"] is None or row["completed_at"] >= row["started_at"])
        and (row["attempt_token"] is not None) == processing
        and (row["next_attempt_at"] is not None) == (row["status"] == "retry")
        and (row["blocked_reason"] is None or row["status"] == "retry")
    )


class Life(RuleBasedStateMachine):
    """Three months, with attempts that live and attempts that have lost their month."""

    url = ""

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.looking = psycopg.connect(self.url, autocommit=True, row_factory=dict_row)
        self.database = Database(self.url, size=3)
        self.runner.run(self.database.__aenter__())
        self.jobs = JobQueue(self.database)
        self.runner.run(self.jobs.open())
        self.backfill = compose(self.database, self.jobs, rng=random.Random(1))
        self.control = Control(self.database, self.jobs)
        self.paused = False

    def teardown(self):
        try:
            self.every_month_can_still_be_completed()
        finally:
            self.runner.run(self.jobs.aclose())
            self.runner.run(self.database.__aexit__())
            self.runner.close()
            self.looking.close()

    def sql(self, statement, *parameters):
        """As psql does it, beside the pool: most statements only look, and a transaction of the pool asks four times as much."""
        cursor = self.looking.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []

    def rows(self):
        return {Month(r["year"], r["month"]): r for r in self.sql("SELECT * FROM backfill_log ORDER BY year, month")}

    def act(self, acts, *arrows):
        """Run system acts at once; each month moves along one of `arrows` or not at all. Returns results, before, after."""
        before = self.rows()

        async def run():
            return await asyncio.gather(*acts)

        results = self.runner.run(run())
        after = self.rows()
        for month in MONTHS:
            arrow = (before[month]["status"], after[month]["status"])
            moved = before[month]["attempt_token"] != after[month]["attempt_token"] or arrow[0] != arrow[1]
            assert not moved or arrow in arrows, (month, arrow, arrows)
        for source, target in arrows:
            one, other = Status(source), Status(target)
            assert (one, other) in ARROWS or {(one, Status.PENDING), (Status.PENDING, other)} <= ARROWS.keys()
        return results, before, after

    @initialize()
    def seed(self):
        self.sql("TRUNCATE backfill_log, procrastinate_jobs, procrastinate_workers, audit CASCADE")
        for month in MONTHS:
            self.sql("INSERT INTO backfill_log (year, month) VALUES (%s, %s)", month.year, month.month)

    @rule(sizes=st.tuples(st.integers(1, 3), st.integers(1, 3)), force=st.booleans())
    def two_schedulers(self, sizes, force):
        """They call at once and never take the same month."""
        if self.paused:
            with pytest.raises(errors.Paused):
                self.runner.run(
                    self.backfill.scheduler.schedule(Selection(batch_size=sizes[0], force_retry=force), "test")
                )
            return
        calls = [
            self.backfill.scheduler.schedule(Selection(batch_size=size, force_retry=force), "test") for size in sizes
        ]
        arrows = [("pending", "processing"), ("retry", "processing")] + [("failed", "processing")] * force
        done, _, after = self.act(calls, *arrows)
        taken = [each.key for one in done for each in one.months]
        assert len(taken) == len(set(taken))
        assert len({job for one in done for job in one.jobs}) == len(taken)
        assert all(after[month]["status"] == "processing" for month in taken)

    def token(self, which):
        """A living attempt's token, or a stale one's; what there is, if there is but one kind."""
        stale, index = which
        living = [row["attempt_token"] for row in self.rows().values() if row["attempt_token"]]
        ended = [a["token"] for a in self.sql("SELECT token FROM attempt WHERE ended_at IS NOT NULL ORDER BY ended_at")]
        tokens = (ended or living) if stale else (living or ended)
        return tokens[index % len(tokens)] if tokens else uuid.UUID(int=0)

    def live(self, rows, token):
        return next((month for month, row in rows.items() if row["attempt_token"] == token), None)

    @rule(which=WHICH)
    def begin(self, which):
        """Only a token that holds begins, and only if it is an attempt's: psql makes tokens that are nobody's. None
        begins during a pause: its month waits, and nothing counts."""
        token = self.token(which)
        before = self.rows()
        owned = self.live(before, token)
        if owned is None or not self.sql("SELECT 1 FROM attempt WHERE token = %s", token):
            with pytest.raises(AttemptLost):
                self.runner.run(self.backfill.runner.begin(token, "test"))
            return
        (begun,), _, after = self.act(
            [self.backfill.runner.begin(token, "test")], *[("processing", "retry")] * self.paused
        )
        if self.paused:
            assert begun is None
            assert after[owned]["blocked_reason"].startswith("paused by ann")
            assert after[owned]["retry_count"] == before[owned]["retry_count"]
        else:
            assert begun.month == owned

    @rule(which=WHICH, generated=st.integers(0, 3))
    def complete(self, which, generated):
        """A token completes its own month, a stale one nothing."""
        token = self.token(which)
        (done,), before, after = self.act([self.completed(token, generated)], ("processing", "completed"))
        owned = self.live(before, token)
        assert done == (owned is not None)
        assert all(after[month] == before[month] for month in MONTHS if month != owned)

    @rule(which=WHICH, error=st.sampled_from(list(ERRORS)))
    def fail(self, which, error):
        """An error ends a living attempt: quota, outages and stops cost none; a stale attempt's error ends nothing."""
        token = self.token(which)
        _, before, after = self.act(
            [self.backfill.runner.finish(token, ERRORS[error])], ("processing", "retry"), ("processing", "failed")
        )
        owned = self.live(before, token)
        assert all(after[month] == before[month] for month in MONTHS if month != owned)
        if owned is not None:
            failed = before[owned]["retry_count"]
            assert after[owned]["retry_count"] == min(failed + COUNTS[error], MAX_ATTEMPTS)
            assert (after[owned]["blocked_reason"] is not None) == (COUNTS[error] == 0)
            gives_up = COUNTS[error] and (error == "permanent" or failed + 1 >= MAX_ATTEMPTS)
            assert after[owned]["status"] == ("failed" if gives_up else "retry")

    @rule(which=WHICH, silent=st.sampled_from([0, 60]))
    def fetch(self, which, silent):
        """A worker takes the attempt's job; one that is silent has died with it."""
        self.sql(DOING, silent, self.token(which))

    def lose_job(self, which):
        """A person deletes a job."""
        self.sql("DELETE FROM procrastinate_jobs USING attempt WHERE token = %s AND id = job_id", self.token(which))

    @rule(which=WHICH, loses=st.booleans())
    def rescue(self, which, loses):
        """Two rescues at once: what is lost, as one that just loses its job, is taken over once, and afterwards nothing is."""
        if loses:
            self.lose_job(which)
        going_on = [("processing", "retry")] if self.paused else [("processing", "processing"), ("retry", "processing")]
        _, before, after = self.act(
            [self.backfill.rescuer.rescue(), self.backfill.rescuer.rescue()], ("processing", "failed"), *going_on
        )
        for month in MONTHS:
            assert after[month]["retry_count"] - before[month]["retry_count"] in (0, 1)
        again = self.runner.run(self.lost())
        assert again == []

    async def lost(self):
        async with self.database.transaction() as connection:
            return await months.lost(connection, 6.0)

    @rule(index=st.integers(0, 2), advance_wakeup=st.booleans())
    def wake(self, index, advance_wakeup):
        """Two wakes of one month at once, one in retry if there is any, give it one attempt, and none during a pause."""
        if advance_wakeup:
            self.hasten_by_psql()
        months = [month for month, row in self.rows().items() if row["status"] == "retry"] or MONTHS
        month = months[index % len(months)]
        arrows = [] if self.paused else [("retry", "processing")]
        self.act([self.backfill.rescuer.wake(month), self.backfill.rescuer.wake(month)], *arrows)

    @rule()
    def pause(self):
        self.act([self.control.pause(None, "lunch", "ann")])
        self.paused = True

    @precondition(lambda self: self.paused)
    @rule()
    def resume(self):
        self.act([self.control.resume("ann")])
        self.paused = False

    @rule(failed=st.booleans())
    def retry_by_person(self, failed):
        self.act(
            [self.control.retry(RetrySelection(failed=failed), "ann")], ("failed", "pending"), ("completed", "pending")
        )

    def hasten_by_psql(self):
        self.sql("UPDATE backfill_log SET next_attempt_at = now() WHERE status = 'retry'")

    @rule()
    def reset_by_psql(self):
        self.sql(RESET)

    @rule(month=st.sampled_from(MONTHS), status=st.sampled_from([str(each) for each in Status]))
    def set_by_psql(self, month, status):
        self.sql("UPDATE backfill_log SET status = %s WHERE year = %s AND month = %s", status, month.year, month.month)

    @invariant()
    def rows_are_legal_and_a_month_has_at_most_one_living_attempt(self):
        rows = self.rows()
        for row in rows.values():
            assert legal(row), row
        living = self.sql("SELECT year, month, token FROM attempt WHERE ended_at IS NULL")
        assert len({(one["year"], one["month"]) for one in living}) == len(living)
        for one in living:
            assert rows[Month(one["year"], one["month"])]["attempt_token"] == one["token"]

    @invariant()
    def ended_attempts_say_how(self):
        silent = self.sql(
            "SELECT * FROM attempt WHERE (ended_at IS NULL) <> (outcome IS NULL)"
            " OR outcome <> 'completed' AND coalesce(reason, '') = ''"
            " OR outcome IN ('retry', 'snoozed', 'failed', 'lost') AND code IS NULL"
        )
        assert silent == []

    def every_month_can_still_be_completed(self):
        """From wherever this ended, by what people and workers may do: every state has a way out."""
        if not self.rows():
            return
        self.runner.run(self.control.resume("ann"))
        self.sql("DELETE FROM procrastinate_jobs")
        self.runner.run(self.backfill.rescuer.rescue())
        self.sql("UPDATE backfill_log SET next_attempt_at = now() WHERE status = 'retry'")
        self.runner.run(self.control.retry(RetrySelection(), "ann"))
        self.runner.run(self.backfill.scheduler.schedule(Selection(batch_size=50), "test"))
        rows = self.rows()
        assert {row["status"] for row in rows.values()} == {"processing"}
        for row in rows.values():
            assert self.runner.run(self.completed(row["attempt_token"], 1))
        assert {row["status"] for row in self.rows().values()} == {"completed"}

    async def completed(self, token, generated):
        """Whether the token could complete its month."""
        counts = {"generated": generated, "resolved": generated, "queued": 0}
        try:
            async with self.database.transaction() as connection:
                await months.complete(connection, token, **counts, variant="baseline", note=None)
        except AttemptLost:
            return False
        return True


@pytest.mark.timeout(600)  # on a machine that has much else to do
def test_months_through_every_interleaving(database_url):
    """People, two schedulers, workers with stale tokens, rescues, wakes and psql, one after the other and some at once.

    Without shrinking, which would take longer than a test may.
    """
    Life.url = database_url
    run_state_machine_as_test(
        Life,
        settings=settings(
            phases=[Phase.generate],
            max_examples=examples(36),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


MOMENTS = [None, datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 24, 13, tzinfo=UTC)]


def mostly(good, bad):
    """Values of which one in some thirty is illegal."""
    return st.integers(0, 30).flatmap(lambda n: st.sampled_from(good if n else bad))


COUNTERS = st.lists(st.integers(0, 9), min_size=3, max_size=3)
ROWS = st.fixed_dictionaries(
    {
        "year": mostly([1900, 2023, 2100], [1899, 2101]),
        "month": mostly([1, 6, 12], [0, 13]),
        "status": mostly([str(each) for each in Status], ["done"]),
        "counters": st.one_of(COUNTERS.map(sorted), COUNTERS.map(sorted), COUNTERS, st.just([-1, 0, 1])),
        "resolution_rate": mostly([Decimal(0), Decimal("95.24"), Decimal(100)], [Decimal("100.01"), Decimal(-1)]),
        "gemini_calls": mostly([0, 2], [-1]),
        "xai_calls": mostly([0, 2], [-1]),
        "isbndb_calls": mostly([0, 40], [-1]),
        "started_at": st.sampled_from(MOMENTS),
        "completed_at": st.sampled_from(MOMENTS),
        "retry_count": mostly([0, 4, 5], [6, -1]),
        "batch_size": mostly([1, 20, 100], [0, 101]),
        "attempt_token": st.sampled_from([None, uuid.UUID(int=1)]),
        "next_attempt_at": st.sampled_from(MOMENTS),
        "blocked_reason": st.sampled_from([None, "quota"]),
    }
)


def kept_true(row, before=None):
    """What the trigger makes of a row; moments that it sets to now are later than any of ours."""
    now = datetime(2100, 1, 1, tzinfo=UTC)
    row = dict(row)
    queued, resolved, generated = row.pop("counters")
    row |= {"isbns_queued": queued, "isbns_resolved": resolved, "books_generated": generated}
    status = row["status"]
    if status == "processing":
        row["attempt_token"] = row["attempt_token"] or uuid.UUID(int=2)
        row["started_at"] = row["started_at"] or now
    else:
        row["attempt_token"] = None
    row["completed_at"] = (row["completed_at"] or now) if status in ("completed", "failed") else None
    row["next_attempt_at"] = (row["next_attempt_at"] or now) if status == "retry" else None
    if status != "retry":
        row["blocked_reason"] = None
    if before is not None and before["status"] == "processing" and status == "pending":
        row["retry_count"] = min(row["retry_count"], MAX_ATTEMPTS)
    return row


def written(connection, statement, row):
    """The row as it is stored, or None if the database refuses it."""
    given = dict(row)
    given["isbns_queued"], given["isbns_resolved"], given["books_generated"] = given.pop("counters")
    try:
        with connection.transaction():
            return connection.execute(statement.format(
                names=", ".join(given), values=", ".join(f"%({name})s" for name in given)), given).fetchone()  # fmt: skip
    except (psycopg.errors.CheckViolation, psycopg.errors.NumericValueOutOfRange):
        return None


def test_the_database_refuses_every_illegal_row_and_no_other(database_url):
    """Rows that are inserted, and rows that are updated to others: accepted if and only if the contract allows them."""
    counted = {True: 0, False: 0}
    with psycopg.connect(database_url, row_factory=dict_row) as connection:

        @settings(max_examples=examples(600), deadline=None)
        @given(ROWS, ROWS)
        def check(first, then):
            with connection.transaction(force_rollback=True):
                before = None
                for row, statement in (
                    (first, "INSERT INTO backfill_log ({names}) VALUES ({values}) RETURNING *"),
                    (then, "UPDATE backfill_log SET ({names}) = ({values}) RETURNING *"),
                ):
                    expected = kept_true(row, before)
                    stored = written(connection, statement, row)
                    counted[legal(expected)] += 1
                    assert (stored is not None) == legal(expected), (row, stored)
                    if stored is None:
                        break
                    assert legal(stored)
                    before = stored

        check()
    assert min(counted.values()) > 20, counted
