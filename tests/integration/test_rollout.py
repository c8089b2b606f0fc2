"""A rollout on a real database: its acts, one schedule a day however many workers tick, and what is logged."""

import asyncio
import sys
import uuid
from asyncio.subprocess import PIPE
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import dict_row

from alexandria.backfill.repositories import candidates
from alexandria.catalogue.models import Candidate, Resolution
from alexandria.core.errors import BadInput, GateShut, NotNow, Unknown
from alexandria.core.month import Month
from alexandria.rollout import repository
from alexandria.rollout.decisions import Schedule, Standstill, Wait, WaitKind
from alexandria.rollout.gates import Verdict
from alexandria.rollout.plan import Plan, example, members, read

THREE = datetime(2026, 3, 2, 3, tzinfo=UTC)
GATE = {"min_resolution_rate": 0.85, "min_sample": 100, "max_failed_share": 0.1}
SMALL = Plan.model_validate(
    {
        "name": "small",
        "phase": [
            {"name": "first", "years": 2023, "months_per_day": 6, "hours": "03:00..24:00", "gate": GATE},
            {"name": "second", "years": 2022, "months_per_day": "4..6", "gate": GATE | {"approval": True}},
        ],
    }
)


async def test_the_first_day_works_like_a_schedule_call(stage):
    """The months are seeded, claimed and enqueued, and the verdict is saved with its inputs."""
    started, seeded = await stage.controller.start(SMALL, "ann", "for the spring")
    assert (seeded, started.phase) == (24, "first")
    step = await stage.controller.tick()
    assert isinstance(step, Schedule)
    claimed = await stage.sql(
        "SELECT b.year, b.month FROM backfill_log AS b JOIN attempt AS a ON a.token = b.attempt_token"
        " JOIN procrastinate_jobs AS j ON j.id = a.job_id WHERE b.status = 'processing' ORDER BY year, month"
    )
    assert claimed == [{"year": 2023, "month": month} for month in range(7, 13)]
    assert await stage.sql("SELECT DISTINCT day FROM rollout_month") == [{"day": date(2026, 3, 2)}]
    assert await stage.log() == [
        ("ann", "start", "for the spring"), ("rollout", "schedule", "first: 6 months (today's limit: 6)"),
    ]  # fmt: skip
    [kept] = await stage.sql("SELECT * FROM rollout_verdict")
    assert (kept["verdict"], kept["at"]) == ("wait", THREE)
    assert kept["inputs"]["gate"]["min_resolution_rate"] == 0.85
    assert kept["inputs"]["counts"]["pending"] == 12
    assert kept["inputs"]["counts"]["quota"] == {"limit": 13000, "spent": 0, "by_months": 0}


async def test_many_ticks_in_a_day_schedule_its_months_once(stage):
    """Twenty at once over many connections, and others during the day."""
    await stage.controller.start(SMALL, "ann")
    await asyncio.gather(*(stage.controller.tick() for _ in range(20)))
    for hour in range(20):
        stage.now = THREE + timedelta(hours=hour)
        await stage.controller.tick()
    assert await stage.sql("SELECT count(*) AS n FROM backfill_log WHERE status = 'processing'") == [{"n": 6}]
    assert [act for _, act, _ in await stage.log()] == ["start", "schedule"]


WORKER = """
import asyncio, sys
from datetime import UTC, datetime
from alexandria.rollout.decisions import Standstill
from alexandria.backfill.composition import Backfill, compose
from alexandria.backfill.scheduler import Scheduler
from alexandria.rollout.controller import RolloutController
from alexandria.backfill.queue import JobQueue
from alexandria.database.pool import Database

async def main():
    async with Database(sys.argv[1]) as database:
        jobs = JobQueue(database)
        await jobs.open()
        controller = RolloutController(database, Scheduler(database, jobs), None, metered=False,
                            now=lambda: datetime(2026, 3, 2, 3, tzinfo=UTC))
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(20):
            await controller.tick()
        await jobs.aclose()

asyncio.run(main())
"""


@pytest.mark.long
async def test_two_worker_processes_at_three_o_clock_schedule_once(stage):
    await stage.controller.start(SMALL, "ann")
    workers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, stage.url, stdin=PIPE, stdout=PIPE)
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert await worker.stdout.readline() == b"ready\n"
    await asyncio.gather(*(worker.communicate(b"go\n") for worker in workers))
    assert [worker.returncode for worker in workers] == [0, 0]
    assert await stage.sql("SELECT count(*) AS n FROM procrastinate_jobs WHERE task_name = 'attempt'") == [{"n": 6}]
    assert [act for _, act, _ in await stage.log()] == ["start", "schedule"]


async def test_a_tick_does_nothing_while_another_one_runs(stage):
    await stage.controller.start(SMALL, "ann")
    async with stage.database.transaction() as connection:
        assert await repository.running(connection) is not None
        assert await stage.controller.tick() is None
    assert isinstance(await stage.controller.tick(), Schedule)


async def test_after_days_without_a_worker_only_todays_months_start(stage):
    await stage.controller.start(SMALL, "ann")
    stage.now += timedelta(days=9, hours=11)
    step = await stage.controller.tick()
    assert isinstance(step, Schedule)
    assert len(step.months) == 6
    rest = await stage.controller.tick()
    assert isinstance(rest, Wait)
    assert rest.until == datetime(2026, 3, 12, 3, tzinfo=UTC)


async def test_phases_follow_each_other_and_a_person_approves_where_the_plan_requires_it(stage):
    """Twelve months in two days, twelve in three; the second gate waits for approval."""
    await stage.controller.start(SMALL, "ann")
    await stage.days(2)
    await stage.controller.tick()  # goes on to the second phase
    found = await stage.controller.snapshot()
    assert found is not None
    assert found.phase == "second"
    with pytest.raises(GateShut, match=r"the gate of second has not passed yet"):
        await stage.controller.approve("bob")
    await stage.days(3)
    step = await stage.controller.tick()
    assert isinstance(step, Wait)
    assert step.kind is WaitKind.APPROVAL
    situation = await stage.controller.approve("bob", "looked at ten of them")
    assert situation.rollout.state.finished
    assert await stage.controller.tick() is None
    with pytest.raises(Unknown):
        await stage.controller.approve("bob")
    acts = [(who, act) for who, act, _ in await stage.log()]
    assert acts[-2:] == [("bob", "approve"), ("bob", "finish")]
    assert acts.count(("rollout", "schedule")) == 5
    assert ("rollout", "advance") in acts
    [ended] = await stage.sql("SELECT outcome, ended_at FROM rollout")
    assert ended["outcome"] == "finished"
    last = await stage.controller.snapshot()
    assert last is not None
    assert isinstance(last.decision.step, Wait)
    assert last.decision.step.kind is WaitKind.FINISHED


async def test_a_failed_gate_stops_the_phase_until_a_person_overrides_it(stage):
    """Then the other months of the phase are still processed."""
    await stage.controller.start(SMALL, "ann")
    await stage.controller.tick()
    await stage.end("failed")
    stage.now += timedelta(days=1)
    step = await stage.controller.tick()
    assert isinstance(step, Wait)
    assert step.kind is WaitKind.SHUT
    with pytest.raises(GateShut, match=r"6 of 12 months failed \(limit 1\): failed"):
        await stage.controller.approve("bob")
    with pytest.raises(BadInput):
        await stage.controller.override("bob", "  ")
    await stage.controller.override("bob", "the key was wrong, it is right now")
    await stage.days(1)
    await stage.controller.tick()
    found = await stage.controller.snapshot()
    assert found is not None
    assert found.phase == "second"
    assert not found.rollout.state.overridden
    verdicts = await stage.sql("SELECT DISTINCT verdict FROM rollout_verdict WHERE phase = 0")
    assert {row["verdict"] for row in verdicts} == {"wait", "shut"}
    assert ("bob", "override", "the key was wrong, it is right now") in await stage.log()


async def test_a_rollout_on_hold_schedules_nothing_until_it_is_released(stage):
    await stage.controller.start(SMALL, "ann")
    held = await stage.controller.hold("ann", "the shop is closed")
    assert isinstance(held.decision.step, Wait)
    assert held.decision.step.reason == "held by ann: the shop is closed"
    assert isinstance(await stage.controller.tick(), Wait)
    assert await stage.sql("SELECT * FROM rollout_month") == []
    assert isinstance((await stage.controller.release("bob")).decision.step, Schedule)
    with pytest.raises(NotNow):
        await stage.controller.release("bob")
    assert isinstance(await stage.controller.tick(), Schedule)
    assert [act for _, act, _ in await stage.log()] == ["start", "hold", "release", "schedule"]


async def test_a_pause_of_the_backfill_stops_the_rollout_too(stage):
    await stage.controller.start(SMALL, "ann")
    await stage.control.pause(None, "maintenance", "ann")
    step = await stage.controller.tick()
    assert isinstance(step, Wait)
    assert (step.kind, step.reason) == (WaitKind.PAUSED, "paused by ann until resumed: maintenance")
    await stage.control.resume("ann")
    assert isinstance(await stage.controller.tick(), Schedule)


async def test_a_standstill_has_its_reason_and_the_time_of_the_last_change(stage):
    """A day's pace and a pause are none; a failed gate is marked as such."""
    assert await stage.controller.standstill() is None
    await stage.controller.start(SMALL, "ann")
    await stage.controller.tick()
    assert await stage.controller.standstill() is None
    await stage.controller.hold("ann", "to look")
    stage.now += timedelta(hours=30)
    assert await stage.controller.standstill() == Standstill("small: held by ann: to look", THREE)
    await stage.controller.release("ann")
    await stage.end("failed")
    still = await stage.controller.standstill()
    assert still is not None
    assert (still.shut, still.since) == (True, stage.now)


async def test_a_second_rollout_waits_or_replaces_the_first(stage):
    first, _ = await stage.controller.start(SMALL, "ann")
    with pytest.raises(NotNow, match="the rollout small is running"):
        await stage.controller.start(read(example()), "bob")
    await stage.controller.tick()
    second, seeded = await stage.controller.start(read(example()), "bob", "the real one", replaces=True)
    assert seeded == 300 - 24
    assert second.rollout.state.begins == date(2026, 3, 3)  # today already had its months
    assert second.rollout.id > first.rollout.id
    assert await stage.sql("SELECT outcome FROM rollout ORDER BY id") == [{"outcome": "replaced"}, {"outcome": None}]
    found = await stage.controller.snapshot()
    assert found is not None
    assert found.rollout.plan == read(example())


async def test_twenty_starts_at_once_start_one(stage):
    ended = await asyncio.gather(*(stage.controller.start(SMALL, "ann") for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(each, NotNow) for each in ended) == 19
    assert await stage.sql("SELECT count(*) AS n FROM rollout") == [{"n": 1}]


async def test_the_days_share_is_of_the_quota_that_the_rate_limiter_reports(stage):
    await stage.controller.start(SMALL, "ann")
    stage.spend(12_930)
    step = await stage.controller.tick()
    assert isinstance(step, Schedule)
    assert len(step.months) == 1  # 70 calls are left, and 40 are taken for a month
    plan = Plan.model_validate(
        {"name": "half", "phase": [SMALL.phase[0].model_dump(mode="json") | {"quota_share": 0.5}]}
    )
    await stage.sql("UPDATE backfill_log SET status = 'pending'")
    await stage.sql(
        "INSERT INTO call (provider, route, sent_at, ms, units, status, error, attempt_token) VALUES"
        " ('isbndb', '/', %s, 1, 6380, 200, '', gen_random_uuid()), ('isbndb', '/', %s, 1, 2000, 200, '', NULL),"
        " ('isbndb', '/', %s, 1, 2000, 200, '', gen_random_uuid()), ('xai', '/', %s, 1, 1, 200, '', gen_random_uuid())",
        THREE, THREE, THREE - timedelta(hours=4), THREE,
    )  # fmt: skip
    stage.spend(8_380)
    await stage.controller.start(plan, "ann", replaces=True)
    stage.now += timedelta(days=1)
    await stage.sql("UPDATE call SET sent_at = sent_at + interval '1 day'")
    step = await stage.controller.tick()
    assert isinstance(step, Schedule)
    assert len(step.months) == 3  # of 6,500 calls months have spent 6,380 today
    stage.lanes = []
    rest = await stage.controller.tick()
    assert isinstance(rest, Wait)
    assert rest.reason.startswith("ISBNdb quota unknown")


async def test_a_month_locked_by_another_call_is_scheduled_on_the_next_tick(stage):
    await stage.controller.start(SMALL, "ann")
    with psycopg.connect(stage.url) as other:
        other.execute("SELECT FROM backfill_log WHERE year = 2023 AND month = 12 FOR UPDATE")
        await stage.controller.tick()
        assert await stage.sql("SELECT count(*) AS n FROM rollout_month") == [{"n": 5}]
        other.rollback()
    await stage.controller.tick()
    assert await stage.sql("SELECT count(*) AS n FROM rollout_month") == [{"n": 6}]


async def test_a_month_asked_for_again_is_scheduled_again(stage):
    await stage.controller.start(SMALL, "ann")
    await stage.controller.tick()
    await stage.end()
    await stage.sql("UPDATE backfill_log SET status = 'pending' WHERE year = 2023 AND month = 9")
    stage.now += timedelta(days=1)
    step = await stage.controller.tick()
    assert isinstance(step, Schedule)
    assert step.months[0] == Month(2023, 9)
    assert await stage.sql("SELECT day FROM rollout_month WHERE month = 9") == [{"day": date(2026, 3, 3)}]


async def test_books_are_counted_as_resolved_unresolved_or_not_checked(stage):
    """A source out of quota leaves a book unchecked. A month without candidates has its own counters."""
    await stage.controller.start(SMALL, "ann")
    named = Candidate("A Title", "An Author")
    lost = [
        Resolution(named, None, reason="not asked", hindered=True),
        Resolution(named, None, reason="not asked", unavailable={"isbndb": "no key"}),
    ]
    async with stage.database.transaction() as connection:
        await candidates.record_month(connection, Month(2023, 12), lost, THREE, token=uuid.uuid4())
    await stage.sql(
        "UPDATE backfill_log SET status = 'completed', books_generated = 2 WHERE year = 2023 AND month = 12"
    )
    await stage.sql("UPDATE backfill_log SET status = 'completed', books_generated = 20, isbns_resolved = 19"
                    " WHERE year = 2023 AND month = 11")  # fmt: skip
    found = await stage.controller.snapshot()
    assert found is not None
    counts = found.decision.evaluation.counts
    assert (counts.completed, counts.resolved, counts.unresolved, counts.hindered) == (2, 19, 2, 1)
    [sought] = await stage.sql("SELECT id, looks FROM candidate WHERE hindered")
    async with stage.database.transaction() as connection:
        looked = candidates.DueCandidate(sought["id"], Month(2023, 12), named, None, sought["looks"])
        await candidates.finish_recheck(connection, looked, Resolution(named, None, reason="no source knows it"), THREE)
    assert await stage.sql("SELECT id FROM candidate WHERE hindered") == []


async def test_a_verdict_is_saved_whenever_its_inputs_have_changed(stage):
    await stage.controller.start(SMALL, "ann")
    for _ in range(3):
        await stage.controller.tick()  # before, after, and as after
    stage.spend(500)
    await stage.controller.tick()
    rows = await stage.sql("SELECT inputs -> 'counts' ->> 'under_way' AS n FROM rollout_verdict ORDER BY id")
    assert [row["n"] for row in rows] == ["0", "6"]
    await stage.end()
    await stage.controller.hold("ann", "to see")
    rows = await stage.sql("SELECT inputs -> 'counts' ->> 'completed' AS n FROM rollout_verdict ORDER BY id")
    assert [row["n"] for row in rows] == ["0", "0", "6"]


async def test_the_log_and_the_verdicts_cannot_be_changed(stage):
    await stage.controller.start(SMALL, "ann")
    await stage.controller.tick()
    acts = ("UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}", "TRUNCATE rollout CASCADE")
    with psycopg.connect(stage.url, autocommit=True) as connection:
        for statement in (act.format(table) for table in ("rollout_log", "rollout_verdict") for act in acts):
            with pytest.raises(psycopg.errors.RestrictViolation, match="is only ever added to"):
                connection.execute(statement)
        assert connection.execute("SELECT count(*) FROM rollout_log").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM rollout_verdict").fetchone() == (1,)


VERDICT = "INSERT INTO rollout_verdict (rollout_id, phase, at, verdict, reasons, inputs) SELECT id, 0, now(), "
NOTE = "INSERT INTO rollout_log (rollout_id, at, who, act, why) SELECT id, now(), "
ILLEGAL = f"""
INSERT INTO rollout (plan, started_at, started_by, begins, ended_at, outcome) VALUES ('[]', now(), 'a', now(), now(), 'finished');
INSERT INTO rollout (plan, started_at, started_by, begins, ended_at, outcome) VALUES ('{{}}', now(), '', now(), now(), 'finished');
INSERT INTO rollout (plan, started_at, started_by, begins) VALUES ('{{}}', now(), 'a second', now());
UPDATE rollout SET outcome = 'finished';
UPDATE rollout SET phase = -1;
{VERDICT} 'maybe', '{{x}}', '{{}}' FROM rollout;
{VERDICT} 'open', '{{}}', '{{}}' FROM rollout;
{VERDICT} 'open', '{{x}}', '[]' FROM rollout;
{NOTE} '', 'hold', '' FROM rollout;
{NOTE} 'a', 'stop', '' FROM rollout;
INSERT INTO candidate (year, month, position, title, author, named_by, source, reason, isbn13, hindered) VALUES (2023, 1, 0, 't', 'a', '{{}}', 's', 'r', '9780306406157', true)
"""


async def test_illegal_rows_are_refused(stage):
    await stage.controller.start(SMALL, "ann")
    with psycopg.connect(stage.url, autocommit=True) as connection:
        connection.execute("INSERT INTO work (key, title, author) VALUES ('k', 't', 'a')")
        connection.execute("INSERT INTO edition (isbn13, work_id, title) SELECT '9780306406157', id, 't' FROM work")
        for statement in ILLEGAL.split(";"):
            with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation)):
                connection.execute(statement)


@pytest.mark.long
async def test_the_default_plan_takes_20_days_as_in_the_guide(stage):
    """With the production scheduler, on a clock that jumps: 300 months, each scheduled once."""
    plan = read(example())
    await stage.controller.start(plan, "ann")
    days = 0
    while (running := await stage.controller.snapshot()) is not None and not running.rollout.state.finished:
        await stage.controller.tick()
        await stage.end_with_books(resolved=19, confirmed=8, contradicted=5)  # as the sandbox's sources know them
        await stage.controller.tick()
        days, stage.now = days + 1, stage.now + timedelta(days=1)
        assert days < 30
    assert days == 20
    assert await stage.sql("SELECT status, count(*) AS n FROM backfill_log GROUP BY status") == [
        {"status": "completed", "n": 300}
    ]
    with psycopg.connect(stage.url, row_factory=dict_row) as connection:
        kept = connection.execute("SELECT verdict, count(*) AS n FROM rollout_verdict GROUP BY verdict").fetchall()
        assert {row["verdict"] for row in kept} == {Verdict.WAIT, Verdict.OPEN}
        jobs = connection.execute("SELECT count(*) AS n FROM procrastinate_jobs WHERE task_name = 'attempt'").fetchone()
        assert jobs == {"n": sum(len(months) for months in members(plan))}
