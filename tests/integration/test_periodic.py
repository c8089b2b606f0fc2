"""A worker's heartbeat is one transaction, claims periodic tasks so that each run is one worker's, and finds what is lost."""

import asyncio
import contextlib
from datetime import datetime

import psycopg
import pytest

from alexandria.backfill.composition import compose
from alexandria.backfill.periodic import Periodic, PeriodicRunner
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.queue_jobs import run_jobs
from alexandria.backfill.queue_worker import HEARTBEAT_INTERVAL
from alexandria.backfill.recovery import RECOVER
from alexandria.backfill.repositories import months, worker_beats
from alexandria.backfill.repositories.worker_beats import Timetable
from alexandria.backfill.rescuer import HEARTBEAT_TIMEOUT, RESCUE
from alexandria.core.month import Month
from alexandria.database.pool import Database

NOTHING = Timetable([], [], [])
HOURLY = Timetable(["hourly"], [3600.0], [0.0])
OCTOBER, NOVEMBER = Month(2023, 10), Month(2023, 11)
BEATEN = """SELECT 1 FROM procrastinate_workers JOIN worker_beat ON id = worker_id
            WHERE least(last_heartbeat, beat_at) > %s + interval '1 s'"""
REGISTER = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s)) RETURNING id"


class Field:
    """A backfill whose workers are rows that a test beats for, or real queues."""

    def __init__(self, database):
        self.database = database
        self.queue = JobQueue(database)
        self.backfill = compose(database, self.queue)

    async def sql(self, statement, *parameters):
        async with self.database.transaction() as connection:
            cursor = await connection.execute(statement, parameters)
            return await cursor.fetchall() if cursor.description else []

    async def worker(self, silent=0.0):
        [row] = await self.sql(REGISTER, silent)
        return row["id"]

    async def beat(self, worker, timetable=NOTHING):
        async with self.database.transaction() as connection:
            return await worker_beats.beat(
                connection, worker, timetable, silence=HEARTBEAT_TIMEOUT, probe_interval=30.0, rescue=RESCUE
            )

    async def run_by(self, worker):
        """November's job runs at this worker."""
        async with self.database.transaction() as connection:
            await self.backfill.scheduler.claim(connection, [NOVEMBER])
        await self.sql("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", worker)

    def working(self, *periodic, name="test"):
        return asyncio.create_task(run_jobs(self.queue, self.backfill, concurrency=1, name=name, periodic=periodic))


@pytest.fixture
async def field(database_url):
    async with Database(database_url) as database:
        field = Field(database)
        await field.queue.open()
        async with database.transaction() as connection:
            await months.seed(connection, 2023, 2023)
        try:
            yield field
        finally:
            await field.queue.aclose()


@contextlib.asynccontextmanager
async def cancelled(*tasks):
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(true, what):
    async with asyncio.timeout(30):
        while not await true():  # noqa: ASYNC110  # the database sends no event
            await asyncio.sleep(0.02)
    assert await true(), what


async def test_a_beat_keeps_a_worker_alive_that_its_registration_does_not(field):
    """A heartbeat in our table is enough; a registration that is about to be deleted by others is renewed."""
    worker = await field.worker(silent=HEARTBEAT_TIMEOUT + 1)
    await field.run_by(worker)
    assert (await field.beat(await field.worker())).lost
    await field.beat(worker)
    assert not (await field.beat(worker)).lost
    [row] = await field.sql("SELECT last_heartbeat > now() - interval '1 s' AS fresh FROM worker WHERE id = %s", worker)
    assert row["fresh"]
    await field.sql("UPDATE worker_beat SET beat_at = now() - make_interval(secs => %s)", HEARTBEAT_TIMEOUT + 1)
    assert await field.backfill.rescuer.rescue() == 1


@pytest.mark.parametrize(("silent", "renewed"), [(15.0, False), (25.0, True)])
async def test_the_registration_is_renewed_before_others_delete_it(field, silent, renewed):
    """Not with each beat: there it costs more than all else that a worker at rest does."""
    worker = await field.worker(silent)
    await field.beat(worker)
    await field.sql("UPDATE procrastinate_workers SET last_heartbeat = now() - make_interval(secs => %s)", silent)
    await field.beat(worker)
    [row] = await field.sql("SELECT last_heartbeat > now() - interval '5 s' AS renewed FROM procrastinate_workers")
    assert row["renewed"] == renewed


async def test_beside_a_worker_of_an_earlier_version_each_beat_is_in_the_table_where_it_looks(field):
    """It takes over the months of workers that have sent no heartbeat there for some seconds."""
    worker = await field.worker()
    await field.beat(worker)
    await field.worker(silent=50.0)  # an earlier version, which has no row in worker_beat; it may come back at any time
    await field.sql("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '5 s' WHERE id = %s", worker)
    await field.beat(worker)
    [row] = await field.sql(
        "SELECT last_heartbeat > now() - interval '1 s' AS fresh FROM procrastinate_workers WHERE id = %s", worker
    )
    assert row["fresh"]


async def test_a_beat_returns_when_the_next_worker_counts_as_dead(field):
    """So that its months are taken over then, and not with a later heartbeat; a worker without months has nothing to lose."""
    worker, idle, busy = [await field.worker(), await field.worker(silent=5.0), await field.worker(silent=3.0)]
    assert (await field.beat(worker)).next_loss is None
    await field.run_by(busy)
    assert HEARTBEAT_TIMEOUT - 4 < (await field.beat(worker)).next_loss <= HEARTBEAT_TIMEOUT - 3
    assert (await field.beat(busy)).next_loss is None, "not itself"
    assert HEARTBEAT_TIMEOUT - 1 < (await field.beat(idle)).next_loss <= HEARTBEAT_TIMEOUT
    await field.sql("DELETE FROM worker_beat")
    await field.sql("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute' WHERE id = %s", busy)
    heard = await field.beat(worker)
    assert (heard.lost, heard.next_loss) == (True, None)


async def test_a_dead_worker_loses_its_months_as_soon_as_it_counts_as_dead(field, monkeypatch):
    """The worker beside it beats once a minute here: it would find them late."""
    monkeypatch.setattr("alexandria.backfill.queue_worker.HEARTBEAT_INTERVAL", 60.0)
    found = asyncio.Event()

    async def rescue():
        found.set()

    await field.run_by(await field.worker(silent=HEARTBEAT_TIMEOUT - 1))
    async with cancelled(field.working(Periodic(RESCUE, rescue))), asyncio.timeout(20):
        await found.wait()


async def test_a_beat_finds_what_is_lost_and_overdue_and_recovered(field):
    worker = await field.worker()
    heard = await field.beat(worker)
    assert (heard.lost, heard.recovered, heard.next_job) == (False, False, None)
    await field.run_by(worker)
    assert not (await field.beat(worker)).lost
    await field.sql("DELETE FROM procrastinate_jobs")
    assert (await field.beat(worker)).lost
    assert await field.backfill.rescuer.rescue() == 1
    heard = await field.beat(worker)
    assert (heard.lost, heard.next_job) == (False, 0.0)
    await field.sql("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '90 s'")
    assert 80 < (await field.beat(worker)).next_job <= 90
    await field.sql("INSERT INTO lane (name, rate, sends, win, gap) VALUES ('isbndb', 1, 1, 1, 1)")
    await field.sql("INSERT INTO breaker (name, recovered_at) VALUES ('isbndb', now())")
    assert (await field.beat(worker)).recovered
    assert await field.backfill.recovery.recover() == 0
    assert not (await field.beat(worker)).recovered


async def test_that_nothing_is_lost_is_noted_only_while_it_is_so(field):
    """Else an alert would not begin."""
    worker = await field.worker()
    await field.run_by(worker)
    await field.sql("DELETE FROM procrastinate_jobs")
    await field.beat(worker)
    assert await field.sql("SELECT 1 FROM periodic_run") == []
    await field.backfill.rescuer.rescue()
    await field.sql("UPDATE periodic_run SET finished_at = now() - interval '6 s'")
    await field.beat(worker)
    [row] = await field.sql("SELECT task, finished_at > now() - interval '1 s' AS noted FROM periodic_run")
    assert row == {"task": RESCUE, "noted": True}


async def test_a_run_is_claimed_once_by_however_many_workers(field):
    """A task that is new is first due at its next time; a missed run is made up once; a clock that was ahead stops nothing."""
    workers = [await field.worker() for _ in range(8)]

    async def claimed():
        heard = await asyncio.gather(*(field.beat(worker, HOURLY) for worker in workers))
        return sum(len(each.claimed) for each in heard)

    assert await claimed() == 0, "it is new"
    for moved in ("- interval '1 hour'", "- interval '9 days'", "+ interval '400 days'"):
        await field.sql(f"UPDATE periodic_run SET due_at = due_at {moved} WHERE task = 'hourly'")
        assert await claimed() == 1, moved
        assert await claimed() == 0, moved


async def test_two_workers_run_what_is_due_once_and_one_goes_on_when_the_other_is_gone(field):
    """Ten runs while both work, then the one that ran last ends: no run is made twice, and none stays away."""
    runs: list[tuple[datetime, str]] = []

    def tick(name):
        async def act():
            [row] = await field.sql("SELECT due_at FROM periodic_run WHERE task = 'tick'")
            runs.append((row["due_at"], name))

        return Periodic("tick", act, HEARTBEAT_INTERVAL / 2)

    working = {name: field.working(tick(name), name=name) for name in ("one", "two")}

    async def ran(count):
        return len(runs) >= count

    async with cancelled(*working.values()):
        await until(lambda: ran(5), "five runs")
        gone = runs[-1][1]
        async with cancelled(working.pop(gone)):
            pass
        before = len(runs)
        await until(lambda: ran(before + 3), "three runs of the other")
        assert {name for _, name in runs[before + 1 :]} == {*working}
    assert len({due for due, _ in runs}) == len(runs), "each run once"


async def test_a_due_job_that_nobody_was_notified_of_is_found_by_a_heartbeat(field):
    """As through a pooler that swallows notifications: the trigger is off."""
    await field.sql("ALTER TABLE procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1")
    async with cancelled(field.working()):
        await until(lambda: field.sql("SELECT 1 FROM worker_beat"), "a worker")
        async with field.database.transaction() as connection:
            await field.backfill.scheduler.claim(connection, [OCTOBER])

        async def begun():
            return await field.sql("SELECT 1 FROM attempt WHERE began_at IS NOT NULL")

        await until(begun, "its attempt begins")


async def test_a_beat_goes_on_while_what_it_looks_at_is_locked(field):
    """A migration that takes long makes no worker seem dead."""
    async with cancelled(field.working()):
        await until(lambda: field.sql("SELECT 1 FROM worker_beat"), "a worker")
        async with await psycopg.AsyncConnection.connect(field.database.url) as connection:
            await connection.execute("LOCK TABLE breaker IN ACCESS EXCLUSIVE MODE")
            [before] = await field.sql("SELECT now() AS at")

            async def beaten():
                return await field.sql(BEATEN, before["at"])

            async with asyncio.timeout(HEARTBEAT_TIMEOUT):
                await until(beaten, "a heartbeat")


async def test_a_worker_that_was_deleted_starts_again_without_waiting_for_a_job(field):
    """Else it would not count as a worker, and an alert would say that none is alive."""
    working = field.working()
    async with cancelled(working):
        await until(lambda: field.sql("SELECT 1 FROM worker_beat"), "a worker")
        await field.sql("DELETE FROM procrastinate_workers")
        async with asyncio.timeout(15):
            await working


async def test_a_lost_month_and_a_new_key_start_their_tasks(field):
    started: asyncio.Queue[str] = asyncio.Queue()

    def noting(name):
        async def act():
            started.put_nowait(name)

        return Periodic(name, act)

    await field.run_by(await field.worker(silent=HEARTBEAT_TIMEOUT + 1))
    keys = {"gemini"}
    field.backfill = compose(field.database, field.queue, keyed=lambda: keys)
    async with cancelled(field.working(noting(RESCUE), noting(RECOVER))), asyncio.timeout(10):
        assert {await started.get(), await started.get()} == {RESCUE, RECOVER}


async def test_a_task_that_runs_is_not_started_again_and_one_that_fails_is():
    release = asyncio.Event()
    runs: list[int] = []

    async def act():
        runs.append(len(runs))
        await release.wait()
        raise ValueError("no luck")

    runner = PeriodicRunner([Periodic("slow", act, 1.0), Periodic("other", act, 1.0)])
    runner.start(["slow", "slow", "unknown"])
    await asyncio.sleep(0)
    runner.start(["slow"])
    assert runner.timetable() == Timetable(["other"], [1.0], [0.0])
    release.set()
    await asyncio.sleep(0.01)
    assert runner.timetable().tasks == ["slow", "other"]
    runner.start(["slow"])
    await asyncio.sleep(0.01)
    assert runs == [0, 1]
    await runner.aclose()


async def test_whole_numbers_of_seconds_are_periods_like_others(field):
    """PostgreSQL's driver sends no list of both kinds."""

    async def act():
        pass

    runner = PeriodicRunner([Periodic("whole", act, 20), Periodic("half", act, 0.5)])
    assert (await field.beat(await field.worker(), runner.timetable())).claimed == []
    assert len(await field.sql("SELECT 1 FROM periodic_run WHERE due_at IS NOT NULL")) == 2


async def test_tasks_of_one_turn_run_one_after_the_other():
    active, most = 0, 0

    async def act():
        nonlocal active, most
        active += 1
        most = max(most, active)
        await asyncio.sleep(0.01)
        active -= 1

    async with contextlib.aclosing(
        PeriodicRunner([Periodic(name, act, 1.0, turn="sources") for name in "ab"])
    ) as runner:
        runner.start("ab")
        async with asyncio.timeout(10):
            while len(runner.timetable().tasks) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert most == 1
